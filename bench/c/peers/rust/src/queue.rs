// SPDX-License-Identifier: LGPL-2.1-or-later
//! The loops of loops.h for queues.

use crate::driver::{
    KIND_QUEUE, LOOP_ANSWER, LOOP_ASK, LOOP_BURST, LOOP_CONSUME, LOOP_PAIRS, LOOP_PRODUCE, Library,
    NEEDS_WAIT, Task,
};
use crate::object::{Object, library};
use std::ffi::CStr;

/// The items are numbers, as large as a pointer.
pub trait Queue {
    fn try_push(&self, item: usize) -> bool;
    fn try_pop(&self) -> Option<usize>;
}

/// One whose pop can sleep.
pub trait Waiting: Queue {
    fn pop(&self) -> usize;
}

/// back_off() of loops.h: some pauses, twice as many each time, then others run.
fn back_off(tried: &mut u32) {
    let pauses = 1 << (*tried).min(6);
    *tried += 1;
    if *tried > 10 {
        return std::thread::yield_now();
    }
    for _ in 0..pauses {
        std::hint::spin_loop();
    }
}

#[inline]
fn push<Q: Queue>(queue: &Q, item: usize) {
    let mut tried = 0;
    while !queue.try_push(item) {
        back_off(&mut tried);
    }
}

#[inline]
fn poll<Q: Queue>(queue: &Q) -> i64 {
    let mut tried = 0;
    loop {
        if let Some(item) = queue.try_pop() {
            return item as i64;
        }
        back_off(&mut tried);
    }
}

fn produce<Q: Queue>(queue: &Q, count: usize) {
    (1..=count).for_each(|item| push(queue, item));
}

fn consume<Q: Queue>(queue: &Q, count: usize) -> i64 {
    (0..count).map(|_| poll(queue)).sum()
}

fn pairs<Q: Queue>(queue: &Q, count: usize) -> i64 {
    let push_and_poll = |item| {
        push(queue, item);
        poll(queue)
    };
    (1..=count).map(push_and_poll).sum()
}

fn answer<Q: Waiting>(from: &Q, to: &Q, count: usize) -> i64 {
    let take_and_push = |_| {
        let item = from.pop();
        push(to, item);
        item as i64
    };
    (0..count).map(take_and_push).sum()
}

fn ask<Q: Waiting>(to: &Q, from: &Q, count: usize) -> i64 {
    let push_and_await = |item| {
        push(to, item);
        from.pop() as i64
    };
    (1..=count).map(push_and_await).sum()
}

unsafe extern "C" fn run_queue<Q: Queue>(task: *const Task) -> i64 {
    let task = unsafe { &*task };
    let queue: &Q = unsafe { task.object() };
    match task.work {
        LOOP_PRODUCE => {
            produce(queue, task.count);
            0
        }
        LOOP_CONSUME => consume(queue, task.count),
        LOOP_PAIRS => pairs(queue, task.count),
        LOOP_BURST => {
            produce(queue, task.count);
            consume(queue, task.count)
        }
        other => unreachable!("loop {other}"),
    }
}

unsafe extern "C" fn run_waiting<Q: Waiting>(task: *const Task) -> i64 {
    let at = unsafe { &*task };
    match at.work {
        LOOP_ANSWER => unsafe { answer::<Q>(at.object(), at.other(), at.count) },
        LOOP_ASK => unsafe { ask::<Q>(at.object(), at.other(), at.count) },
        _ => unsafe { run_queue::<Q>(task) },
    }
}

pub const fn queue_library<Q: Queue + Object>(name: &'static CStr) -> Library {
    Library {
        cannot: NEEDS_WAIT,
        run: Some(run_queue::<Q>),
        ..library::<Q>(KIND_QUEUE, name, c"inlined generic")
    }
}

pub const fn waiting_library<Q: Waiting + Object>(name: &'static CStr) -> Library {
    Library { cannot: 0, run: Some(run_waiting::<Q>), ..queue_library::<Q>(name) }
}
