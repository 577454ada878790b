/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conc_queue: an unbounded first-in-first-out queue of pointers for many
 * producers and many consumers.  push, pop and close are linearizable; a pop
 * may sleep until there is an item.
 */
#ifndef CONCURRENCY_QUEUE_H
#define CONCURRENCY_QUEUE_H

#include <concurrency/cancel.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct conc_queue conc_queue;

struct conc_queue_attr {
	size_t size; /* sizeof(struct conc_queue_attr) */
	/*
	 * Waiting threads poll with back-off instead of sleeping in the kernel
	 * while items keep coming (wait_begin/wait_end are still called around
	 * it); after a long while without any item they sleep.
	 */
	bool lock_free;
	/*
	 * Receives each item that is left when the queue is freed, or that
	 * conc_queue_close(queue, true) throws away.  No lock held, outside
	 * read sections.  May be NULL: then they are forgotten.
	 */
	void (*drain)(void *item, void *user);
	void *user;			    /* for drain */
	const struct conc_wait_hooks *wait; /* NULL: none */
};

#define CONC_QUEUE_ATTR_INIT \
	{sizeof(struct conc_queue_attr), false, NULL, NULL, NULL}

/*
 * Makes a queue; attr NULL for the defaults.  0; -EINVAL (out NULL, a wrong
 * size); -ENOMEM.
 */
CONC_API int conc_queue_new(const struct conc_queue_attr *attr,
			    conc_queue **out);

/* Drains and frees.  No other thread may be using it.  NULL is allowed. */
CONC_API void conc_queue_free(conc_queue *queue);

/*
 * Appends an item, which then belongs to the queue.  Never waits for other
 * threads.  0; -EINVAL (item NULL); -EPIPE (closed); -ENOMEM: nothing was
 * appended and what is queued is intact.
 */
CONC_API int conc_queue_push(conc_queue *queue, void *item);

/*
 * Takes the oldest item, which then belongs to the caller; waits for one until
 * the deadline (ns, CONC_TRY, CONC_FOREVER).  0; -EAGAIN (CONC_TRY and nothing
 * there); -ETIMEDOUT; -EPIPE (closed, and nothing left); -ENOTRECOVERABLE
 * (conc_queue_fail() was called, and nothing left); -ECANCELED; a negative
 * value from the `interrupted` hook; -EINVAL (item NULL, a wrong deadline).
 * With an error no item was taken and no wake-up that another waiter needs was
 * used up.
 */
CONC_API int conc_queue_pop(conc_queue *queue, void **item, int64_t deadline,
			    conc_cancel *cancel);

/*
 * The two halves of pop, for runtimes that may take an item only in a certain
 * state.  try_pop never waits for anything: 0, -EAGAIN, -EPIPE,
 * -ENOTRECOVERABLE, -EINVAL.  -EPIPE wins where both would do.  wait takes
 * nothing: it returns 0 when it is worth trying again, -ETIMEDOUT, -ECANCELED,
 * -EINVAL, or the interrupted hook's value; with CONC_TRY, -EAGAIN.  Who was
 * woken and does not try again must not keep the wake to itself: wait sees to
 * that when it returns an error; a caller that gives up after 0 calls
 * conc_queue_pass().
 */
CONC_API int conc_queue_try_pop(conc_queue *queue, void **item);
CONC_API int conc_queue_wait(conc_queue *queue, int64_t deadline,
			     conc_cancel *cancel);
CONC_API void conc_queue_pass(conc_queue *queue);

/*
 * Ends the queue: no push that starts after this returns succeeds; pop hands
 * out what was pushed before, then answers -EPIPE; every waiter wakes.  With
 * `immediate` the items are handed to `drain` instead, before it returns (a
 * concurrent pop may still have got one).  Needs no memory, cannot fail;
 * closing again is allowed.
 */
CONC_API void conc_queue_close(conc_queue *queue, bool immediate);
CONC_API bool conc_queue_is_closed(conc_queue *queue);

/*
 * Marks the queue as failed, for ever: what is queued still comes out and
 * push goes on working, but a pop that would have to wait answers
 * -ENOTRECOVERABLE.  Every waiter wakes.  Cannot fail.
 */
CONC_API void conc_queue_fail(conc_queue *queue);

/*
 * The number of items: exact while nobody pushes or pops, else a number
 * between the least and the most that were there during the call, give or take
 * one for each operation under way.
 */
CONC_API size_t conc_queue_size(conc_queue *queue);

/* True if there was a moment in the call when nothing was queued. */
CONC_API bool conc_queue_empty(conc_queue *queue);

/*
 * For tracing garbage collectors, as conc_dict_traverse(): visits each queued
 * item once.
 */
CONC_API int conc_queue_traverse(conc_queue *queue,
				 int (*visit)(void *item, void *user),
				 void *user);

#ifdef __cplusplus
}
#endif
#endif
