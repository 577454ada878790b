/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sleeping until a queue has an item, is closed or has failed.
 *
 * A pop is: try; wait; try.  All looks at the queue are taken here, by a thread
 * that is attached to its runtime, never between the hooks; so a sleep is never
 * a thread's first read section either.  What is slept on is the eventcount
 * alone.
 *
 * The words that a waiter's second look reads are those that push, close and
 * fail publish with: `enqueue', `next' and `failed', with sequentially
 * consistent accesses on both sides; see base/eventcount.h.
 */
#include <config.h>

#include <errno.h>

#include "base/cancel.h"
#include "inside.h"

/* How long a waiter of a lock_free queue polls before it sleeps, in ns. */
#define POLL (10 * 1000 * 1000)

static bool worth_trying(void *arg)
{
	conc_queue *queue = arg;

	return conc_queue_failed(queue) ||
	       conc_queue_look(queue) != FRONT_NOTHING;
}

int conc_queue_wait_until(conc_queue *queue, int64_t deadline)
{
	int rc = conc_eventcount_await(&queue->arrivals, worth_trying, queue,
				       deadline, queue->lock_free ? POLL : 0,
				       &queue->wait);

	if (rc != 0 && deadline != CONC_TRY)
		conc_queue_pass(queue);
	return rc;
}

/* conc_wait_check(); who does not begin may have a wake from an earlier wait. */
static CONC_INLINE int begin(conc_queue *queue, int64_t deadline,
			     conc_cancel *cancel)
{
	int rc = conc_wait_check(deadline, cancel);

	if (CONC_UNLIKELY(rc < 0))
		conc_queue_pass(queue);
	return rc;
}

int conc_queue_wait(conc_queue *queue, int64_t deadline, conc_cancel *cancel)
{
	int rc = conc_is_ours(queue) ? begin(queue, deadline, cancel) : -EINVAL;

	return rc < 0 ? rc : conc_queue_wait_until(queue, deadline);
}

void conc_queue_pass(conc_queue *queue)
{
	/*
	 * close and fail wake everyone themselves; only an item has a wake of
	 * its own that may have come to us.
	 */
	if (conc_is_ours(queue) && conc_queue_look(queue) == FRONT_ITEM)
		conc_eventcount_notify(&queue->arrivals, false);
}

static CONC_INLINE struct conc_queue_done pop_until(conc_queue *queue, void **item,
						    int64_t deadline)
{
	for (;;) {
		struct conc_queue_done done = conc_queue_take_front(queue, item);

		if (done.rc != -EAGAIN || deadline == CONC_TRY)
			return done;
		done.rc = conc_queue_wait_until(queue, deadline);
		if (done.rc == 0)
			continue;
		if (done.rc != -ETIMEDOUT)
			return done;
		/* Time is up, but an item may have come with it. */
		done = conc_queue_take_front(queue, item);
		if (done.rc == -EAGAIN)
			done.rc = -ETIMEDOUT;
		return done;
	}
}

int conc_queue_pop(conc_queue *queue, void **item, int64_t deadline,
		   conc_cancel *cancel)
{
	struct conc_queue_done done;
	int rc;

	if (!conc_is_ours(queue) || item == NULL)
		return -EINVAL;
	rc = begin(queue, deadline, cancel);
	if (rc < 0)
		return rc;
	done = pop_until(queue, item, deadline);
	conc_rcu_rest(done.reader, NULL);
	return done.rc;
}

struct conc_queue_done conc_queue_pop_until(conc_queue *queue, void **item,
					    int64_t deadline)
{
	return pop_until(queue, item, deadline);
}

void conc_queue_fail(conc_queue *queue)
{
	if (!conc_is_ours(queue))
		return;
	/* seq_cst: the waiters' second look reads it. */
	atomic_store_explicit(&queue->failed, true, memory_order_seq_cst);
	conc_eventcount_notify(&queue->arrivals, true);
}
