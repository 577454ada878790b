// SPDX-License-Identifier: LGPL-2.1-or-later
//! What every library is made of, whatever its kind.

use crate::driver::{Library, NOTHING};
use std::ffi::{CStr, c_int, c_void};

/// A map, a queue or a counter, empty at first.
pub trait Object: Sync {
    fn new(expected: usize) -> Self;
}

unsafe extern "C" fn make<T: Object>(expected: usize) -> *mut c_void {
    Box::into_raw(Box::new(T::new(expected))).cast()
}

unsafe extern "C" fn destroy<T: Object>(object: *mut c_void) {
    drop(unsafe { Box::<T>::from_raw(object.cast()) });
}

pub const fn library<T: Object>(kind: c_int, name: &'static CStr, how: &'static CStr) -> Library {
    Library {
        kind,
        name: name.as_ptr(),
        how: how.as_ptr(),
        make: Some(make::<T>),
        destroy: Some(destroy::<T>),
        ..NOTHING
    }
}
