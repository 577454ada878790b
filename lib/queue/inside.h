/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * This folder has the queues.  conc_queue: queue.c has the algorithm and its
 * explanation, wait.c the sleeping, view.c size and traversal; they share this
 * file.  bounded_queue.c puts a capacity on one.  It uses base, and no other
 * structure.
 */
#ifndef CONC_QUEUE_INSIDE_H
#define CONC_QUEUE_INSIDE_H

#include <concurrency/queue.h>

#include "base/eventcount.h"
#include "base/object.h"
#include "base/yield_point.h"
#include "segment.h"

struct conc_queue {
	_Alignas(CONC_LINE) struct conc_object object;
	/* Written once a segment; beside them what never or hardly changes. */
	_Atomic(struct conc_segment *) tail;
	_Atomic(struct conc_segment *) head;
	_Atomic bool closed; /* a short cut: CLOSED was seen in a `next' */
	_Atomic bool failed;
	bool lock_free;
	void (*drain)(void *item, void *user);
	void *user;
	struct conc_wait_hooks wait;

	struct conc_eventcount arrivals;
};

/* What a consumer finds at a segment, the head or one behind it. */
enum conc_queue_front {
	FRONT_ITEM,    /* a ticket is worth taking in this segment */
	FRONT_NOTHING, /* there was a moment when the queue had no item */
	FRONT_ENDED,   /* and never will have one again */
	FRONT_BEHIND   /* this segment is used up and has a successor */
};

/* What a consumer would find now; changes neither head nor tail. */
enum conc_queue_front conc_queue_look(conc_queue *queue);

/* seq_cst: the second look of a waiter; pairs with conc_queue_fail(). */
static inline bool conc_queue_failed(conc_queue *queue)
{
	return atomic_load_explicit(&queue->failed, memory_order_seq_cst);
}

/* What came of an operation, and whose section it had. */
struct conc_queue_done {
	conc_reader *reader;
	int rc;
};

/*
 * conc_queue_push(), _try_pop(), _wait() and _pop() with arguments that have
 * been looked at: for these, and for what has a queue of its own.  These
 * end with conc_rcu_rest(), when all is done.
 */
struct conc_queue_done conc_queue_append(conc_queue *queue, void *item);
struct conc_queue_done conc_queue_take_front(conc_queue *queue, void **item);
int conc_queue_wait_until(conc_queue *queue, int64_t deadline);
struct conc_queue_done conc_queue_pop_until(conc_queue *queue, void **item,
					    int64_t deadline);

#endif
