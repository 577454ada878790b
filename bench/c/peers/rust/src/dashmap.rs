// SPDX-License-Identifier: LGPL-2.1-or-later
//! DashMap: a read-write lock for each of its shards.

use crate::driver::Library;
use crate::map::{Map, MixedHash, StringHash, Strings, map_library, string_library};
use crate::object::Object;
use ::dashmap::DashMap;

type Ints = DashMap<i64, i64, MixedHash>;
type Words = DashMap<String, i64, StringHash>;

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
        DashMap::get(self, &key).map_or(0, |value| *value)
    }
    #[inline]
    fn set(&self, key: i64, value: i64) {
        self.insert(key, value);
    }
    #[inline]
    fn delete(&self, key: i64) {
        self.remove(&key);
    }
    #[inline]
    fn add(&self, key: i64) {
        *self.entry(key).or_insert(0) += 1;
    }
}

impl Strings for Words {
    #[inline]
    fn get(&self, key: &str) -> i64 {
        DashMap::get(self, key).map_or(0, |value| *value)
    }
    fn set(&self, key: &str, value: i64) {
        self.insert(key.into(), value);
    }
}

pub static INTS: Library = map_library::<Ints>(c"dashmap::DashMap", c"inlined generic");
pub static STRINGS: Library =
    string_library::<Words>(c"dashmap::DashMap", c"inlined generic, foldhash");
