// SPDX-License-Identifier: LGPL-2.1-or-later
//! bench.h in Rust: both must say the same, which ../layout.c finds out when the program starts.

use std::ffi::{c_char, c_int, c_uint, c_void};
use std::mem::offset_of;
use std::ptr::null;

pub const KIND_MAP: c_int = 0;
pub const KIND_STRINGS: c_int = 1;
pub const KIND_QUEUE: c_int = 2;
pub const KIND_COUNTER: c_int = 3;

pub const MAP_GET: u64 = 0;
pub const MAP_SET: u64 = 1;
pub const MAP_DELETE: u64 = 2;
pub const MAP_ADD: u64 = 3;

pub const STRING_LENGTH: usize = 16;

pub const LOOP_PRODUCE: c_int = 1;
pub const LOOP_CONSUME: c_int = 2;
pub const LOOP_PAIRS: c_int = 3;
pub const LOOP_BURST: c_int = 4;
pub const LOOP_ANSWER: c_int = 5;
pub const LOOP_ASK: c_int = 6;

pub const NEEDS_WAIT: c_uint = 2;

#[repr(C)]
pub struct Task {
    pub work: c_int, // `loop` in C
    pub object: *mut c_void,
    pub other: *mut c_void,
    pub steps: *const c_void,
    pub count: usize,
    pub passes: usize,
    pub sum: i64,
    pub began: i64,
    pub ended: i64,
}

impl Task {
    /// # Safety
    /// The library's `make` must have made a `T`.
    pub unsafe fn object<T>(&self) -> &T {
        unsafe { &*self.object.cast() }
    }

    /// # Safety
    /// The library's `make` must have made a `T`, and the workload be one with two objects.
    pub unsafe fn other<T>(&self) -> &T {
        unsafe { &*self.other.cast() }
    }

    /// # Safety
    /// They must be `count` of `T`.
    pub unsafe fn steps<T>(&self) -> &[T] {
        unsafe { std::slice::from_raw_parts(self.steps.cast(), self.count) }
    }
}

#[repr(C)]
pub struct Library {
    pub kind: c_int,
    pub name: *const c_char,
    pub how: *const c_char,
    pub differs: *const c_char,
    pub cannot: c_uint,
    pub make: Option<unsafe extern "C" fn(usize) -> *mut c_void>,
    pub destroy: Option<unsafe extern "C" fn(*mut c_void)>,
    pub run: Option<unsafe extern "C" fn(*const Task) -> i64>,
    pub prepare: Option<unsafe extern "C" fn(*const c_char, usize) -> *const c_void>,
    pub fill: Option<unsafe extern "C" fn(*mut c_void, *const c_void, usize)>,
    pub value: Option<unsafe extern "C" fn(*mut c_void) -> i64>,
    pub thread_begin: Option<unsafe extern "C" fn()>,
    pub thread_end: Option<unsafe extern "C" fn()>,
    pub run_all: Option<unsafe extern "C" fn(*mut Task, c_uint)>,
    pub warm_up: i64,
    pub missing: *const c_char,
}

// SAFETY: its pointers are to constants.
unsafe impl Sync for Library {}

/// What a library has that says nothing.
pub const NOTHING: Library = Library {
    kind: -1,
    name: null(),
    how: null(),
    differs: null(),
    cannot: 0,
    make: None,
    destroy: None,
    run: None,
    prepare: None,
    fill: None,
    value: None,
    thread_begin: None,
    thread_end: None,
    run_all: None,
    warm_up: 0,
    missing: null(),
};

#[unsafe(export_name = "rust_layout_size")]
static LAYOUT_SIZE: usize = size_of_val(&LAYOUT);

#[unsafe(export_name = "rust_layout")]
static LAYOUT: [usize; 43] = [
    size_of::<Task>(),
    offset_of!(Task, work),
    offset_of!(Task, object),
    offset_of!(Task, other),
    offset_of!(Task, steps),
    offset_of!(Task, count),
    offset_of!(Task, passes),
    offset_of!(Task, sum),
    offset_of!(Task, began),
    offset_of!(Task, ended),
    size_of::<Library>(),
    offset_of!(Library, kind),
    offset_of!(Library, name),
    offset_of!(Library, how),
    offset_of!(Library, differs),
    offset_of!(Library, cannot),
    offset_of!(Library, make),
    offset_of!(Library, destroy),
    offset_of!(Library, run),
    offset_of!(Library, prepare),
    offset_of!(Library, fill),
    offset_of!(Library, value),
    offset_of!(Library, thread_begin),
    offset_of!(Library, thread_end),
    offset_of!(Library, run_all),
    offset_of!(Library, warm_up),
    offset_of!(Library, missing),
    KIND_MAP as usize,
    KIND_STRINGS as usize,
    KIND_QUEUE as usize,
    KIND_COUNTER as usize,
    MAP_GET as usize,
    MAP_SET as usize,
    MAP_DELETE as usize,
    MAP_ADD as usize,
    STRING_LENGTH,
    LOOP_PRODUCE as usize,
    LOOP_CONSUME as usize,
    LOOP_PAIRS as usize,
    LOOP_BURST as usize,
    LOOP_ANSWER as usize,
    LOOP_ASK as usize,
    NEEDS_WAIT as usize,
];
