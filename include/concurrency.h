/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libconcurrency: concurrent data structures.  One header each below. */
#ifndef CONCURRENCY_H
#define CONCURRENCY_H

#include <concurrency/atomic.h>
#include <concurrency/bounded_queue.h>
#include <concurrency/cancel.h>
#include <concurrency/common.h>
#include <concurrency/dict.h>
#include <concurrency/gather.h>
#include <concurrency/queue.h>
#include <concurrency/reclaim.h>
#include <concurrency/ref.h>
#include <concurrency/value.h>

#endif
