// SPDX-License-Identifier: LGPL-2.1-or-later
//! crossbeam's queues, which do not wait, and its channels, which can.

use crate::driver::Library;
use crate::object::Object;
use crate::queue::{Queue, Waiting, queue_library, waiting_library};
use crossbeam_channel::{Receiver, Sender};
use crossbeam_queue::{ArrayQueue, SegQueue};
use std::ffi::CStr;

/// The words of ours/bounded.c.
const BOUNDED: &CStr = c"bounded";

// ---- SegQueue --------------------------------------------------------------

impl Object for SegQueue<usize> {
    fn new(_: usize) -> Self {
        SegQueue::new()
    }
}

impl Queue for SegQueue<usize> {
    #[inline]
    fn try_push(&self, item: usize) -> bool {
        self.push(item);
        true
    }
    #[inline]
    fn try_pop(&self) -> Option<usize> {
        self.pop()
    }
}

pub static SEG_QUEUE: Library = queue_library::<SegQueue<usize>>(c"crossbeam SegQueue");

// ---- ArrayQueue ------------------------------------------------------------

impl Object for ArrayQueue<usize> {
    fn new(capacity: usize) -> Self {
        ArrayQueue::new(capacity)
    }
}

impl Queue for ArrayQueue<usize> {
    #[inline]
    fn try_push(&self, item: usize) -> bool {
        self.push(item).is_ok()
    }
    #[inline]
    fn try_pop(&self) -> Option<usize> {
        self.pop()
    }
}

pub static ARRAY_QUEUE: Library = Library {
    differs: BOUNDED.as_ptr(),
    ..queue_library::<ArrayQueue<usize>>(c"crossbeam ArrayQueue")
};

// ---- channels --------------------------------------------------------------

struct Channel<const IS_BOUNDED: bool>(Sender<usize>, Receiver<usize>);

impl<const IS_BOUNDED: bool> Object for Channel<IS_BOUNDED> {
    fn new(capacity: usize) -> Self {
        let (sender, receiver) = if IS_BOUNDED {
            crossbeam_channel::bounded(capacity)
        } else {
            crossbeam_channel::unbounded()
        };
        Channel(sender, receiver)
    }
}

impl<const IS_BOUNDED: bool> Queue for Channel<IS_BOUNDED> {
    #[inline]
    fn try_push(&self, item: usize) -> bool {
        self.0.try_send(item).is_ok()
    }
    #[inline]
    fn try_pop(&self) -> Option<usize> {
        self.1.try_recv().ok()
    }
}

impl<const IS_BOUNDED: bool> Waiting for Channel<IS_BOUNDED> {
    fn pop(&self) -> usize {
        self.1.recv().expect("a sender is left")
    }
}

pub static UNBOUNDED_CHANNEL: Library = waiting_library::<Channel<false>>(c"crossbeam channel");
pub static BOUNDED_CHANNEL: Library = Library {
    differs: BOUNDED.as_ptr(),
    ..waiting_library::<Channel<true>>(c"crossbeam bounded channel")
};
