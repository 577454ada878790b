// SPDX-License-Identifier: LGPL-2.1-or-later
//! The standard library's atomic integer.

use crate::driver::{KIND_COUNTER, Library, Task};
use crate::object::{Object, library};
use std::ffi::c_void;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering::SeqCst;

impl Object for AtomicI64 {
    fn new(_: usize) -> Self {
        AtomicI64::new(0)
    }
}

unsafe extern "C" fn run(task: *const Task) -> i64 {
    let task = unsafe { &*task };
    let counter: &AtomicI64 = unsafe { task.object() };
    for _ in 0..task.count {
        counter.fetch_add(1, SeqCst);
    }
    0
}

unsafe extern "C" fn value(counter: *mut c_void) -> i64 {
    unsafe { (*counter.cast::<AtomicI64>()).load(SeqCst) }
}

pub static ATOMIC: Library = Library {
    run: Some(run),
    value: Some(value),
    ..library::<AtomicI64>(KIND_COUNTER, c"Rust AtomicI64", c"inlined")
};
