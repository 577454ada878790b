// SPDX-License-Identifier: LGPL-2.1-or-later
//! The loops of loops.h for maps of integers and of strings.

use crate::driver::{
    KIND_MAP, KIND_STRINGS, Library, MAP_ADD, MAP_DELETE, MAP_GET, MAP_SET, STRING_LENGTH, Task,
};
use crate::object::{Object, library};
use std::ffi::{CStr, c_char, c_void};
use std::hash::{BuildHasherDefault, Hasher};

/// hash_key() of peers/c/peer.h.
#[derive(Default)]
pub struct Mixer(u64);

impl Hasher for Mixer {
    #[inline]
    fn write_i64(&mut self, key: i64) {
        let hash = (key as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = hash ^ hash >> 32;
    }
    fn write(&mut self, _: &[u8]) {
        unreachable!("the keys are i64");
    }
    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }
}

pub type MixedHash = BuildHasherDefault<Mixer>;

/// No crate brings a hash that it recommends for strings: this is that of hashbrown, and so of
/// much that is written in Rust.
pub type StringHash = foldhash::fast::RandomState;

// ---- integers --------------------------------------------------------------

/// A value of 0: there is none.
pub trait Map {
    fn get(&self, key: i64) -> i64;
    fn set(&self, key: i64, value: i64);
    fn delete(&self, key: i64);
    fn add(&self, key: i64);
}

/// # Safety
/// The task's steps must be the driver's.
#[inline]
pub unsafe fn run_steps<M: Map>(map: &M, task: &Task) -> i64 {
    let mut sum = 0i64;
    for step in unsafe { task.steps::<u64>() } {
        let key = (step >> 2) as i64;
        match step & 3 {
            MAP_GET => sum = sum.wrapping_add(map.get(key)),
            MAP_SET => map.set(key, key + 1),
            MAP_DELETE => map.delete(key),
            MAP_ADD => map.add(key),
            _ => unreachable!(),
        }
    }
    sum
}

unsafe extern "C" fn run_map<M: Map + Object>(task: *const Task) -> i64 {
    unsafe { run_steps::<M>((*task).object(), &*task) }
}

pub const fn map_library<M: Map + Object>(name: &'static CStr, how: &'static CStr) -> Library {
    Library { run: Some(run_map::<M>), ..library::<M>(KIND_MAP, name, how) }
}

// ---- strings ---------------------------------------------------------------

/// Looked up by a borrowed string of a length that the compiler does not know.
pub trait Strings {
    fn get(&self, key: &str) -> i64;
    fn set(&self, key: &str, value: i64);
}

/// The driver keeps the bytes for ever.
unsafe extern "C" fn prepare(keys: *const c_char, count: usize) -> *const c_void {
    let bytes: &'static [u8] =
        unsafe { std::slice::from_raw_parts(keys.cast(), count * STRING_LENGTH) };
    let strings: Vec<&str> = bytes
        .chunks_exact(STRING_LENGTH)
        .map(|key| std::str::from_utf8(key).expect("the keys are hexadecimal digits"))
        .collect();
    strings.leak().as_ptr().cast()
}

unsafe extern "C" fn fill<M: Strings>(map: *mut c_void, keys: *const c_void, count: usize) {
    let map: &M = unsafe { &*map.cast() };
    let keys: &[&str] = unsafe { std::slice::from_raw_parts(keys.cast(), count) };
    for (i, key) in keys.iter().enumerate() {
        map.set(key, i as i64 + 1);
    }
}

unsafe extern "C" fn run_strings<M: Strings>(task: *const Task) -> i64 {
    let task = unsafe { &*task };
    let map: &M = unsafe { task.object() };
    let probes: &[&str] = unsafe { task.steps() };
    probes.iter().map(|key| map.get(key)).sum()
}

pub const fn string_library<M: Strings + Object>(
    name: &'static CStr,
    how: &'static CStr,
) -> Library {
    Library {
        run: Some(run_strings::<M>),
        prepare: Some(prepare),
        fill: Some(fill::<M>),
        ..library::<M>(KIND_STRINGS, name, how)
    }
}
