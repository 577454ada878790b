/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conc_bounded_queue: a conc_queue, and beside it a word of credit that a push
 * takes from first.
 *
 *     push   take a credit          credit     | CLOSED 1 | limit 31 | size 32 |
 *            unfinished + 1         unfinished   tasks not reported as done
 *            conc_queue_push        items        the queue; its own arrivals
 *     pop    conc_queue_pop         room         who waits for credit
 *            give the credit back   done         who waits for unfinished == 0
 *
 * Invariants.
 *  - Each item in `items' has a credit, taken before it was pushed and given
 *    back after it was popped: so size >= what is queued, and size < limit in
 *    the step that takes one.  The limit lies in the same word, so a limit that
 *    was lowered holds for every credit taken after that.
 *  - unfinished rises before the item can be popped, so it is never too low for
 *    the task_done that follows.  A push that is refused after all (closed, no
 *    memory) takes both back, and calls who waits for either.
 *  - CLOSED is set before `items' is closed, and a pop that sees it and finds
 *    nothing closes `items' itself before it says so.  A push that took its
 *    credit before either appends before the end or is refused by `items'.
 *
 * Linearization points.  push: its ticket in `items', full: the load of credit
 * that found none.  pop: as conc_queue's.  A limit, CLOSED here for producers
 * that wait: the change of credit.  task_done: the change of unfinished.
 *
 * What pairs with what.  Every change of credit and unfinished that a waiter
 * may wait for (a credit given back, a new limit, CLOSED, a task done) is a
 * sequentially consistent read-modify-write, and so are the waiters' looks: see
 * base/eventcount.h.  task_done releases what was done to the join that reads
 * 0.  Taking a credit and raising unfinished need no order of their own: the
 * item's way through `items' orders them for whoever pops it.  The model of all
 * this is tests/models/queue/bounded_queue.pml.
 */
#include <config.h>

#include <concurrency/bounded_queue.h>

#include <errno.h>
#include <sched.h>

#include "base/cancel.h"
#include "base/growing.h"
#include "base/lock.h"
#include "inside.h"

#define SIZE UINT64_C(0xffffffff)
#define LIMIT_SHIFT 32
#define LIMIT_MOST UINT64_C(0x7fffffff)
#define CLOSED (UINT64_C(1) << 63)

/*
 * A pop that finds credit and no item: the push that has taken the credit is a
 * few instructions from appending.  So long it looks again: 16 pauses, about a
 * microsecond; then it lets others run, for that thread may be waiting for a
 * core.
 */
#define LONGEST_PAUSE 16
#define YIELDS 4

struct conc_bounded_queue {
	_Alignas(CONC_LINE) struct conc_object object;
	_Atomic uint64_t credit;
	_Atomic uint64_t unfinished;
	/* Beside them what hardly changes. */
	conc_queue *items;
	_Atomic int64_t capacity; /* as it was set; written under the lock */
	struct conc_lock changing;
	void (*drain)(void *item, void *user);
	void *user;
	struct conc_wait_hooks wait;

	struct conc_eventcount room;
	struct conc_eventcount done;
};

/* ---- credit ------------------------------------------------------------ */

static uint64_t limit_for(int64_t capacity)
{
	if (capacity <= 0 || (uint64_t)capacity > LIMIT_MOST)
		return LIMIT_MOST << LIMIT_SHIFT;
	return (uint64_t)capacity << LIMIT_SHIFT;
}

static uint64_t limit_in(uint64_t credit)
{
	return (credit & ~CLOSED) >> LIMIT_SHIFT;
}

/* seq_cst: also the look of a producer that waits. */
static uint64_t load_credit(conc_bounded_queue *queue)
{
	return atomic_load_explicit(&queue->credit, memory_order_seq_cst);
}

static bool is_full(uint64_t credit)
{
	return (credit & SIZE) >= limit_in(credit);
}

/* 0; -EPIPE; -EAGAIN: there is none. */
static int take_credit(conc_bounded_queue *queue)
{
	uint64_t credit = load_credit(queue);

	do {
		if (credit & CLOSED)
			return -EPIPE;
		if (is_full(credit))
			return -EAGAIN;
		/* relaxed: see above. */
	} while (!atomic_compare_exchange_weak_explicit(
		&queue->credit, &credit, credit + 1, memory_order_relaxed,
		memory_order_relaxed));
	return 0;
}

static void give_credit_back(conc_bounded_queue *queue)
{
	/* seq_cst: what a producer that waits looks at. */
	atomic_fetch_sub_explicit(&queue->credit, 1, memory_order_seq_cst);
	conc_eventcount_notify(&queue->room, false);
}

/* ---- tasks ------------------------------------------------------------- */

static int finish_task(conc_bounded_queue *queue)
{
	uint64_t unfinished = atomic_load_explicit(&queue->unfinished,
						   memory_order_relaxed);

	do {
		if (unfinished == 0)
			return -ERANGE;
		/* seq_cst: what a join looks at; releases to it. */
	} while (!atomic_compare_exchange_weak_explicit(
		&queue->unfinished, &unfinished, unfinished - 1,
		memory_order_seq_cst, memory_order_relaxed));
	if (unfinished == 1)
		conc_eventcount_notify(&queue->done, true);
	return 0;
}

int conc_bounded_queue_task_done(conc_bounded_queue *queue)
{
	return conc_is_ours(queue) ? finish_task(queue) : -EINVAL;
}

uint64_t conc_bounded_queue_unfinished(conc_bounded_queue *queue)
{
	if (!conc_is_ours(queue))
		return 0;
	/* seq_cst: also the look of a join; acquires what was done. */
	return atomic_load_explicit(&queue->unfinished, memory_order_seq_cst);
}

/* What a join waits for: one moment without unfinished tasks will do. */
struct moment {
	conc_bounded_queue *queue;
	bool seen;
};

static bool all_done(void *arg)
{
	struct moment *moment = arg;

	moment->seen = conc_bounded_queue_unfinished(moment->queue) == 0;
	return moment->seen;
}

int conc_bounded_queue_join(conc_bounded_queue *queue, int64_t deadline,
			    conc_cancel *cancel)
{
	struct moment moment = {queue, false};
	int rc = conc_is_ours(queue) ? conc_wait_check(deadline, cancel) : -EINVAL;

	if (rc < 0)
		return rc;
	do {
		rc = conc_eventcount_await(&queue->done, all_done, &moment,
					   deadline, 0, &queue->wait);
	} while (rc == 0 && !moment.seen);
	return rc == -ETIMEDOUT && all_done(&moment) ? 0 : rc;
}

/* ---- push -------------------------------------------------------------- */

static CONC_INLINE int append(conc_bounded_queue *queue, void *item)
{
	struct conc_queue_done done;
	int rc = take_credit(queue);

	if (rc != 0)
		return rc;
	CONC_YIELD_POINT();
	/* relaxed: see above. */
	atomic_fetch_add_explicit(&queue->unfinished, 1, memory_order_relaxed);
	CONC_YIELD_POINT();
	done = conc_queue_append(queue->items, item);
	if (done.rc != 0) {
		finish_task(queue);
		give_credit_back(queue);
	}
	conc_rcu_rest(done.reader, NULL);
	return done.rc;
}

int conc_bounded_queue_try_push(conc_bounded_queue *queue, void *item)
{
	if (!conc_is_ours(queue) || item == NULL)
		return -EINVAL;
	return append(queue, item);
}

static bool has_room(void *arg)
{
	uint64_t credit = load_credit(arg);

	return (credit & CLOSED) || !is_full(credit);
}

static void pass_room(conc_bounded_queue *queue)
{
	/* Closing calls everyone itself. */
	if (!is_full(load_credit(queue)))
		conc_eventcount_notify(&queue->room, false);
}

static int wait_for_room(conc_bounded_queue *queue, int64_t deadline)
{
	int rc = conc_eventcount_await(&queue->room, has_room, queue, deadline,
				       0, &queue->wait);

	if (rc != 0 && deadline != CONC_TRY)
		pass_room(queue);
	return rc;
}

/* conc_wait_check(); who does not begin may have a wake from an earlier wait. */
static CONC_INLINE int begin(conc_bounded_queue *queue, int64_t deadline,
			     conc_cancel *cancel)
{
	int rc = conc_wait_check(deadline, cancel);

	if (CONC_UNLIKELY(rc < 0))
		conc_bounded_queue_pass(queue);
	return rc;
}

int conc_bounded_queue_wait_room(conc_bounded_queue *queue, int64_t deadline,
				 conc_cancel *cancel)
{
	int rc = conc_is_ours(queue) ? begin(queue, deadline, cancel) : -EINVAL;

	return rc < 0 ? rc : wait_for_room(queue, deadline);
}

int conc_bounded_queue_push(conc_bounded_queue *queue, void *item,
			    int64_t deadline, conc_cancel *cancel)
{
	int rc;

	if (!conc_is_ours(queue) || item == NULL)
		return -EINVAL;
	rc = begin(queue, deadline, cancel);
	if (rc < 0)
		return rc;
	for (;;) {
		rc = append(queue, item);
		if (rc != -EAGAIN || deadline == CONC_TRY)
			return rc;
		rc = wait_for_room(queue, deadline);
		if (rc == 0)
			continue;
		if (rc != -ETIMEDOUT)
			return rc;
		/* Time is up, but room may have come with it. */
		rc = append(queue, item);
		return rc == -EAGAIN ? -ETIMEDOUT : rc;
	}
}

/* ---- pop --------------------------------------------------------------- */

/* After a pop that found nothing: credit without an item? */
static bool item_is_coming(conc_bounded_queue *queue)
{
	return (load_credit(queue) & SIZE) != 0;
}

static struct conc_queue_done pop_what_is_coming(conc_bounded_queue *queue,
						 void **item,
						 struct conc_queue_done done)
{
	for (int pauses = 1; done.rc == -EAGAIN && pauses <= LONGEST_PAUSE &&
			     item_is_coming(queue);
	     pauses *= 2) {
		conc_pause(pauses);
		done = conc_queue_take_front(queue->items, item);
	}
	for (int i = 0; done.rc == -EAGAIN && i < YIELDS && item_is_coming(queue);
	     i++) {
		sched_yield();
		done = conc_queue_take_front(queue->items, item);
	}
	return done;
}

/*
 * With CLOSED here and `items' still open, producers are refused already: then
 * nothing is not "nothing yet".
 */
static struct conc_queue_done pop_last(conc_bounded_queue *queue, void **item,
				       struct conc_queue_done done)
{
	if (!(load_credit(queue) & CLOSED))
		return done;
	CONC_YIELD_POINT();
	conc_queue_close(queue->items, false);
	return conc_queue_take_front(queue->items, item);
}

/* The end of a pop. */
static CONC_INLINE int finish(conc_bounded_queue *queue,
			      struct conc_queue_done done)
{
	CONC_YIELD_POINT();
	if (done.rc == 0)
		give_credit_back(queue);
	conc_rcu_rest(done.reader, NULL);
	return done.rc;
}

static CONC_INLINE int take(conc_bounded_queue *queue, void **item)
{
	struct conc_queue_done done = conc_queue_take_front(queue->items, item);

	if (done.rc == -EAGAIN)
		done = pop_what_is_coming(queue, item, done);
	if (done.rc == -EAGAIN)
		done = pop_last(queue, item, done);
	return finish(queue, done);
}

int conc_bounded_queue_try_pop(conc_bounded_queue *queue, void **item)
{
	if (!conc_is_ours(queue) || item == NULL)
		return -EINVAL;
	return take(queue, item);
}

int conc_bounded_queue_wait_item(conc_bounded_queue *queue, int64_t deadline,
				 conc_cancel *cancel)
{
	return conc_is_ours(queue)
		       ? conc_queue_wait(queue->items, deadline, cancel)
		       : -EINVAL;
}

void conc_bounded_queue_pass(conc_bounded_queue *queue)
{
	if (!conc_is_ours(queue))
		return;
	conc_queue_pass(queue->items);
	pass_room(queue);
}

int conc_bounded_queue_pop(conc_bounded_queue *queue, void **item,
			   int64_t deadline, conc_cancel *cancel)
{
	struct conc_queue_done done;
	int rc;

	if (!conc_is_ours(queue) || item == NULL)
		return -EINVAL;
	rc = begin(queue, deadline, cancel);
	if (rc < 0)
		return rc;
	if (deadline == CONC_TRY)
		return take(queue, item);
	done = conc_queue_pop_until(queue->items, item, deadline);
	if (done.rc == -ETIMEDOUT)
		done = pop_last(queue, item, done);
	return finish(queue, done);
}

/* ---- looking at it ----------------------------------------------------- */

/*
 * Once it is closed, credit is only a trace of who is still under way: pops
 * that have their item, pushes that will be refused.  What is in `items' can
 * then only become less, and is nothing after an immediate end.
 */
static size_t size_with(conc_bounded_queue *queue, uint64_t credit)
{
	return credit & CLOSED ? conc_queue_size(queue->items) : credit & SIZE;
}

size_t conc_bounded_queue_size(conc_bounded_queue *queue)
{
	return conc_is_ours(queue) ? size_with(queue, load_credit(queue)) : 0;
}

bool conc_bounded_queue_empty(conc_bounded_queue *queue)
{
	return conc_is_ours(queue) && conc_queue_empty(queue->items);
}

bool conc_bounded_queue_full(conc_bounded_queue *queue)
{
	uint64_t credit;

	if (!conc_is_ours(queue))
		return false;
	credit = load_credit(queue);
	return size_with(queue, credit) >= limit_in(credit);
}

int64_t conc_bounded_queue_capacity(conc_bounded_queue *queue)
{
	if (!conc_is_ours(queue))
		return 0;
	/* relaxed: a number by itself. */
	return atomic_load_explicit(&queue->capacity, memory_order_relaxed);
}

int conc_bounded_queue_traverse(conc_bounded_queue *queue,
				int (*visit)(void *item, void *user), void *user)
{
	return conc_is_ours(queue)
		       ? conc_queue_traverse(queue->items, visit, user)
		       : -EINVAL;
}

/* ---- limit and end ----------------------------------------------------- */

/* The lock keeps two callers from leaving one's capacity and the other's limit. */
void conc_bounded_queue_set_capacity(conc_bounded_queue *queue,
				     int64_t capacity)
{
	uint64_t limit = limit_for(capacity), credit;

	if (!conc_is_ours(queue))
		return;
	conc_lock_acquire(&queue->changing, &queue->wait);
	atomic_store_explicit(&queue->capacity, capacity, memory_order_relaxed);
	credit = load_credit(queue);
	/* seq_cst: what a producer that waits looks at. */
	while (!atomic_compare_exchange_weak_explicit(
		&queue->credit, &credit, limit | (credit & (CLOSED | SIZE)),
		memory_order_seq_cst, memory_order_relaxed))
		;
	conc_lock_release(&queue->changing);
	conc_eventcount_notify(&queue->room, true);
}

void conc_bounded_queue_close(conc_bounded_queue *queue, bool immediate)
{
	if (!conc_is_ours(queue))
		return;
	/* seq_cst: what a producer that waits looks at. */
	atomic_fetch_or_explicit(&queue->credit, CLOSED, memory_order_seq_cst);
	conc_eventcount_notify(&queue->room, true);
	CONC_YIELD_POINT();
	conc_queue_close(queue->items, immediate);
}

bool conc_bounded_queue_is_closed(conc_bounded_queue *queue)
{
	return conc_is_ours(queue) && (load_credit(queue) & CLOSED) != 0;
}

/* What close throws away is popped and done. */
static void throw_away(void *item, void *user)
{
	conc_bounded_queue *queue = user;

	give_credit_back(queue);
	/* -ERANGE: its consumer-to-be has reported it already. */
	(void)finish_task(queue);
	if (queue->drain != NULL)
		queue->drain(item, queue->user);
}

/* ---- making and freeing ------------------------------------------------ */

int conc_bounded_queue_new(const struct conc_bounded_queue_attr *attr,
			   conc_bounded_queue **out)
{
	struct conc_bounded_queue_attr own = CONC_BOUNDED_QUEUE_ATTR_INIT;
	struct conc_wait_hooks wait = CONC_WAIT_HOOKS_INIT;
	struct conc_queue_attr items = CONC_QUEUE_ATTR_INIT;
	conc_bounded_queue *queue;
	int rc;

	if (out == NULL || conc_growing_take(&own, sizeof(own), attr) < 0 ||
	    conc_growing_take(&wait, sizeof(wait), own.wait) < 0)
		return -EINVAL;
	queue = conc_alloc_lines(sizeof(*queue));
	if (queue == NULL)
		return -ENOMEM;
	conc_object_mark(queue);
	queue->drain = own.drain;
	queue->user = own.user;
	queue->wait = wait;
	atomic_init(&queue->capacity, own.capacity);
	atomic_init(&queue->credit, limit_for(own.capacity));
	items.drain = throw_away;
	items.user = queue;
	items.wait = &wait;
	rc = conc_queue_new(&items, &queue->items);
	if (rc != 0) {
		conc_release(queue);
		return rc;
	}
	*out = queue;
	return 0;
}

void conc_bounded_queue_free(conc_bounded_queue *queue)
{
	if (!conc_is_ours(queue))
		return;
	conc_queue_free(queue->items);
	conc_release(queue);
}
