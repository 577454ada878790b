// SPDX-License-Identifier: LGPL-2.1-or-later
//! The Rust peers of bench/c, as the driver asks for them in bench.h: a file for each crate, which
//! says how its maps or queues are called, and the loops around these calls in map.rs and queue.rs.

mod counter;
mod crossbeam;
mod dashmap;
mod driver;
mod map;
mod object;
mod papaya;
mod queue;
mod scc;

use driver::Library;

#[unsafe(export_name = "libraries")]
static LIBRARIES: [Option<&Library>; 15] = [
    Some(&dashmap::INTS),
    Some(&papaya::INTS),
    Some(&papaya::INTS_UNDER_ONE_GUARD),
    Some(&scc::INTS),
    Some(&scc::INDEXED_INTS),
    Some(&dashmap::STRINGS),
    Some(&papaya::STRINGS),
    Some(&scc::STRINGS),
    Some(&scc::INDEXED_STRINGS),
    Some(&crossbeam::SEG_QUEUE),
    Some(&crossbeam::UNBOUNDED_CHANNEL),
    Some(&crossbeam::ARRAY_QUEUE),
    Some(&crossbeam::BOUNDED_CHANNEL),
    Some(&counter::ATOMIC),
    None,
];
