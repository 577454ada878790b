// SPDX-License-Identifier: LGPL-2.1-or-later
//! scc: HashMap, which reads under a bucket's lock, and HashIndex, which reads without.

use crate::driver::Library;
use crate::map::{Map, MixedHash, StringHash, Strings, map_library, string_library};
use crate::object::Object;
use ::scc::hash_index::Entry;
use ::scc::{HashIndex, HashMap};
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

// ---- HashMap ---------------------------------------------------------------

type Ints = HashMap<i64, i64, MixedHash>;
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

impl Map for Ints {
    #[inline]
    fn get(&self, key: i64) -> i64 {
        self.read_sync(&key, |_, value| *value).unwrap_or(0)
    }
    #[inline]
    fn set(&self, key: i64, value: i64) {
        self.upsert_sync(key, value);
    }
    #[inline]
    fn delete(&self, key: i64) {
        self.remove_sync(&key);
    }
    #[inline]
    fn add(&self, key: i64) {
        *self.entry_sync(key).or_insert(0).get_mut() += 1;
    }
}

impl Strings for Words {
    #[inline]
    fn get(&self, key: &str) -> i64 {
        self.read_sync(key, |_, value| *value).unwrap_or(0)
    }
    fn set(&self, key: &str, value: i64) {
        self.upsert_sync(key.into(), value);
    }
}

pub static INTS: Library = map_library::<Ints>(c"scc::HashMap", c"inlined generic");
pub static STRINGS: Library =
    string_library::<Words>(c"scc::HashMap", c"inlined generic, foldhash");

// ---- HashIndex: its values change in place only if they are atomics --------

type IndexedInts = HashIndex<i64, AtomicI64, MixedHash>;
type IndexedWords = HashIndex<String, i64, StringHash>;

impl Object for IndexedInts {
    fn new(_: usize) -> Self {
        Self::default()
    }
}

impl Object for IndexedWords {
    fn new(_: usize) -> Self {
        Self::default()
    }
}

/// Writes hold the bucket's lock: a reference got without it may be to a copy that growing left
/// behind.
impl Map for IndexedInts {
    #[inline]
    fn get(&self, key: i64) -> i64 {
        self.peek_with(&key, |_, value| value.load(Acquire)).unwrap_or(0)
    }
    #[inline]
    fn set(&self, key: i64, value: i64) {
        match self.entry_sync(key) {
            Entry::Occupied(entry) => entry.get().store(value, Release),
            Entry::Vacant(entry) => drop(entry.insert_entry(AtomicI64::new(value))),
        }
    }
    #[inline]
    fn delete(&self, key: i64) {
        self.remove_sync(&key);
    }
    #[inline]
    fn add(&self, key: i64) {
        self.entry_sync(key).or_insert_with(|| AtomicI64::new(0)).get().fetch_add(1, Relaxed);
    }
}

impl Strings for IndexedWords {
    #[inline]
    fn get(&self, key: &str) -> i64 {
        self.peek_with(key, |_, value| *value).unwrap_or(0)
    }
    fn set(&self, key: &str, value: i64) {
        self.insert_sync(key.into(), value).expect("no key is set twice");
    }
}

pub static INDEXED_INTS: Library =
    map_library::<IndexedInts>(c"scc::HashIndex", c"inlined generic, peek_with, atomic values");
pub static INDEXED_STRINGS: Library =
    string_library::<IndexedWords>(c"scc::HashIndex", c"inlined generic, peek_with, foldhash");
