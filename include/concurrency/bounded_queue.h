/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conc_bounded_queue: a conc_queue with an exact capacity, which may change
 * while threads work, and a count of the items whose processing has not been
 * reported as done.  First in, first out, many producers and consumers.
 *
 * Three things are linearizable, each by itself: which items come out, in which
 * order and until when (push, pop, close); how many places are taken (push,
 * pop, set_capacity, size, full); how many tasks are unfinished (push,
 * task_done, join, unfinished).  A push or a pop does not change them in the
 * same step: an item has its place, and counts as a task, from just before it
 * can be popped, and its place until just after it was.  So while others push
 * and pop, a queue can be full with fewer items to pop than its capacity; and a
 * push that the end refuses may have had a place and a task for a moment.
 */
#ifndef CONCURRENCY_BOUNDED_QUEUE_H
#define CONCURRENCY_BOUNDED_QUEUE_H

#include <concurrency/cancel.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct conc_bounded_queue conc_bounded_queue;

struct conc_bounded_queue_attr {
	size_t size; /* sizeof(struct conc_bounded_queue_attr) */
	/*
	 * The most items that the queue may hold; 0 and less: no limit.  (The
	 * limit that none can exceed is 2^31 - 1 items.)
	 */
	int64_t capacity;
	/* As in struct conc_queue_attr. */
	void (*drain)(void *item, void *user);
	void *user;			    /* for drain */
	const struct conc_wait_hooks *wait; /* NULL: none */
};

#define CONC_BOUNDED_QUEUE_ATTR_INIT \
	{sizeof(struct conc_bounded_queue_attr), 0, NULL, NULL, NULL}

/*
 * Makes a queue; attr NULL for the defaults.  0; -EINVAL (out NULL, a wrong
 * size); -ENOMEM.
 */
CONC_API int conc_bounded_queue_new(const struct conc_bounded_queue_attr *attr,
				    conc_bounded_queue **out);

/* Drains and frees.  No other thread may be using it.  NULL is allowed. */
CONC_API void conc_bounded_queue_free(conc_bounded_queue *queue);

/*
 * Appends an item, which then belongs to the queue and counts as an unfinished
 * task; waits for room until the deadline (ns, CONC_TRY, CONC_FOREVER).  0;
 * -EAGAIN (CONC_TRY, and full); -ETIMEDOUT; -EPIPE (closed, also while it
 * waited); -ENOMEM; -ECANCELED; a negative value from the `interrupted` hook;
 * -EINVAL (item NULL, a wrong deadline).  With an error nothing was
 * appended, and no wake-up that another producer needs was used up.
 */
CONC_API int conc_bounded_queue_push(conc_bounded_queue *queue, void *item,
				     int64_t deadline, conc_cancel *cancel);

/*
 * Takes the oldest item, which then belongs to the caller; waits for one until
 * the deadline.  It remains an unfinished task.  0; -EAGAIN (CONC_TRY, and
 * nothing there); -ETIMEDOUT; -EPIPE (closed, and nothing left); -ECANCELED;
 * the `interrupted` hook's value; -EINVAL.  With an error no item was taken.
 */
CONC_API int conc_bounded_queue_pop(conc_bounded_queue *queue, void **item,
				    int64_t deadline, conc_cancel *cancel);

/*
 * The halves, as for conc_queue.  The try functions never wait for room or
 * items: 0, -EAGAIN, -EPIPE, -ENOMEM (push), -EINVAL.  The wait functions take
 * nothing: 0 when it is worth trying again, -ETIMEDOUT, -ECANCELED, the
 * `interrupted` hook's value, -EINVAL; with CONC_TRY, -EAGAIN.  A caller that
 * gives up after 0 calls conc_bounded_queue_pass(), so that another waiter is
 * woken in its place.
 */
CONC_API int conc_bounded_queue_try_push(conc_bounded_queue *queue, void *item);
CONC_API int conc_bounded_queue_try_pop(conc_bounded_queue *queue, void **item);
CONC_API int conc_bounded_queue_wait_room(conc_bounded_queue *queue,
					  int64_t deadline,
					  conc_cancel *cancel);
CONC_API int conc_bounded_queue_wait_item(conc_bounded_queue *queue,
					  int64_t deadline,
					  conc_cancel *cancel);
CONC_API void conc_bounded_queue_pass(conc_bounded_queue *queue);

/*
 * Reports one item as done.  0; -ERANGE, nothing changed: there is no
 * unfinished task (a push under way is one).
 */
CONC_API int conc_bounded_queue_task_done(conc_bounded_queue *queue);

/*
 * Waits until no task is unfinished, at the latest until the deadline.  0;
 * -EAGAIN (CONC_TRY); -ETIMEDOUT; -ECANCELED; the `interrupted` hook's value;
 * -EINVAL.
 */
CONC_API int conc_bounded_queue_join(conc_bounded_queue *queue,
				     int64_t deadline, conc_cancel *cancel);

/* Items pushed and not yet reported as done, or thrown away by close. */
CONC_API uint64_t conc_bounded_queue_unfinished(conc_bounded_queue *queue);

/*
 * The number of items, never more than the capacity was when the last of them
 * was pushed.  An item counts from just before it can be popped until just
 * after it was, so while others push and pop there may be one fewer to pop for
 * each operation under way.  After an immediate close it is 0 whoever is under
 * way.
 */
CONC_API size_t conc_bounded_queue_size(conc_bounded_queue *queue);

/* True if there was a moment in the call when no item could be popped. */
CONC_API bool conc_bounded_queue_empty(conc_bounded_queue *queue);

/* True if a push would have had to wait for room: all places are taken. */
CONC_API bool conc_bounded_queue_full(conc_bounded_queue *queue);

/* As it was set. */
CONC_API int64_t conc_bounded_queue_capacity(conc_bounded_queue *queue);

/*
 * Changes the capacity, at once and for every push that has not yet taken its
 * place.  What is queued beyond a smaller one stays.  Cannot fail.
 */
CONC_API void conc_bounded_queue_set_capacity(conc_bounded_queue *queue,
					      int64_t capacity);

/*
 * Ends the queue: no push that starts after this succeeds, and every producer
 * that waits gets -EPIPE; pop hands out what was pushed before, then answers
 * -EPIPE.  With `immediate` the items are handed to `drain` instead, before it
 * returns, and each counts as done.  Needs no memory, cannot fail; closing
 * again is allowed.
 */
CONC_API void conc_bounded_queue_close(conc_bounded_queue *queue,
				       bool immediate);
CONC_API bool conc_bounded_queue_is_closed(conc_bounded_queue *queue);

/* For tracing garbage collectors, as conc_queue_traverse(). */
CONC_API int conc_bounded_queue_traverse(conc_bounded_queue *queue,
					 int (*visit)(void *item, void *user),
					 void *user);

#ifdef __cplusplus
}
#endif
#endif
