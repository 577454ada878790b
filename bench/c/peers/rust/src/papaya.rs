// SPDX-License-Identifier: LGPL-2.1-or-later
//! papaya: lock-free, with a guard (a pin) for what is read.  Its values do not change in place, so
//! that of a number which is often written should be an atomic, as its documentation says.

use crate::driver::{Library, Task};
use crate::map::{Map, MixedHash, StringHash, Strings, map_library, run_steps, string_library};
use crate::object::Object;
use ::papaya::{Guard, HashMap, HashMapRef};
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

type Ints = HashMap<i64, AtomicI64, MixedHash>;
type PinnedInts<'a, G> = HashMapRef<'a, i64, AtomicI64, MixedHash, G>;
type Words = HashMap<String, i64, StringHash>;

impl Object for Ints {
    fn new(_: usize) -> Self {
        Self::default()
    }
}

impl Object for Words {
    fn new(_: usize) -> Self {
        Self::default()
    }
}

/// Not by get_or_insert_with: where that inserts, it does not help to move entries to the larger
/// table, and in a map that it alone filled a get searched a chain of tables and took ten times as
/// long.
#[inline]
fn value_of<'a, G: Guard>(map: &'a PinnedInts<G>, key: i64, first: i64) -> &'a AtomicI64 {
    match map.get(&key) {
        Some(value) => value,
        None => map.get_or_insert(key, AtomicI64::new(first)),
    }
}

impl<G: Guard> Map for PinnedInts<'_, G> {
    #[inline]
    fn get(&self, key: i64) -> i64 {
        HashMapRef::get(self, &key).map_or(0, |value| value.load(Acquire))
    }
    #[inline]
    fn set(&self, key: i64, value: i64) {
        value_of(self, key, value).store(value, Release);
    }
    #[inline]
    fn delete(&self, key: i64) {
        self.remove(&key);
    }
    #[inline]
    fn add(&self, key: i64) {
        value_of(self, key, 0).fetch_add(1, Relaxed);
    }
}

impl Map for Ints {
    #[inline]
    fn get(&self, key: i64) -> i64 {
        Map::get(&self.pin(), key)
    }
    #[inline]
    fn set(&self, key: i64, value: i64) {
        Map::set(&self.pin(), key, value);
    }
    #[inline]
    fn delete(&self, key: i64) {
        Map::delete(&self.pin(), key);
    }
    #[inline]
    fn add(&self, key: i64) {
        Map::add(&self.pin(), key);
    }
}

unsafe extern "C" fn run_under_one_guard(task: *const Task) -> i64 {
    let task = unsafe { &*task };
    let map: &Ints = unsafe { task.object() };
    unsafe { run_steps(&map.pin(), task) }
}

impl Strings for Words {
    #[inline]
    fn get(&self, key: &str) -> i64 {
        self.pin().get(key).map_or(0, |value| *value)
    }
    fn set(&self, key: &str, value: i64) {
        self.pin().insert(key.into(), value);
    }
}

pub static INTS: Library = map_library::<Ints>(
    c"papaya::HashMap",
    c"inlined generic, pinned for each operation, atomic values",
);
pub static INTS_UNDER_ONE_GUARD: Library = Library {
    differs: c"one guard for all reads".as_ptr(),
    run: Some(run_under_one_guard),
    ..map_library::<Ints>(c"papaya::HashMap, one guard", c"inlined generic, atomic values")
};
pub static STRINGS: Library =
    string_library::<Words>(c"papaya::HashMap", c"inlined generic, foldhash, pinned for each get");
