/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conc_queue: a linked list of segments, each with its own two indices.
 *
 *     head ----.                          tail ---.
 *              v                                  v
 *     +----------------+   +----------------+   +----------------+
 *     | dequeue        |   | dequeue 0      |   | dequeue 0      |
 *     |    v           |   |                |   |      v enqueue |
 *     | xxxIIIIIIIIIII +-->| IIIIIIIIIIIIII +-->| IIIIII........ +--> NULL
 *     |               ^|   |               ^|   |                |   or CLOSED
 *     |        enqueue |   |        enqueue |   |                |
 *     +----------------+   +----------------+   +----------------+
 *
 * The algorithm is FAAArrayQueue (A. Correia and P. Ramalhete, 2016), itself a
 * simpler LCRQ (A. Morrison and Y. Afek, PPoPP 2013); closing is our addition.
 * tests/models/queue.pml is the same protocol for a model checker.
 *
 * push   a fetch_add of the tail's enqueue index gives a cell; an exchange puts
 *        the item there.  POISON came back: the consumer of this cell was
 *        faster; take another.  An index past the end leads to the next
 *        segment, or to a new one that begins with the item: so an allocation
 *        that fails leaves nothing behind.
 * pop    if something is there, a fetch_add of the head's dequeue index gives a
 *        cell.  Full: it is ours alone, a load will do.  Still EMPTY after a
 *        short spin: exchange in POISON and go on.  An index past the end leads
 *        to the next segment.
 * close  freezes the last segment's enqueue index, then puts CLOSED into its
 *        `next'; if a segment was appended in between, closes that one too.
 *
 * Invariants.
 *  - Nobody sleeps on a ticket, calls back or allocates with one, or gives one
 *    back.
 *  - Tickets are given in order and each cell has one producer and one consumer.
 *    What lies between the indices of a segment, and nothing else, is queued: a
 *    cell that was read keeps its old content.
 *  - Poison lies below `dequeue' only.  A poisoned cell used up a ticket of each
 *    kind, so differences of the indices count items exactly while nobody is at
 *    work.
 *  - `next' changes once.  A new segment is linked only behind one whose
 *    enqueue index has passed its end, and holds an item.
 *  - Consumers leave a segment when its dequeue index has passed its end; tail
 *    moves on before head does, so neither ever names an unlinked segment.
 *  - Only CLOSED in `next' is the end.  Who sees it on an index first puts it
 *    into `next', or finds there the segment to go on with.
 *
 * Linearization points.  push: the fetch_add of the ticket whose cell took the
 * item, or of the consumer's ticket for that cell if that came first, or the
 * link of the new segment.  pop: its fetch_add, or, if the item was not there
 * yet, when it came.  Nothing there: the load of the enqueue index in look().
 * close: CLOSED goes into the last `next'.  Pushes that got a ticket before the
 * index was frozen count as before the close.
 *
 * What pairs with what.
 *  - the item: release by the exchange in put(), acquire by collect();
 *  - a new segment: release by the link in follow(), and by who moves tail or
 *    head to it; acquire by the loads of next, tail and head;
 *  - a waiter's second look: eventcount.h.  It reads the words that push, close
 *    and fail publish with: enqueue, next, failed; all of these accesses are
 *    sequentially consistent.  On x86 that adds no instruction: push has two
 *    locked ones, pop one;
 *  - the memory of a segment: read sections, rcu.h.
 */
#include <config.h>

#include <concurrency/queue.h>

#include <errno.h>

#include "eventcount.h"
#include "memory.h"
#include "queue_segment.h"
#include "rcu.h"

struct conc_queue {
	/* Written once a segment; beside them what never or hardly changes. */
	_Alignas(CONC_LINE) _Atomic(struct conc_segment *) tail;
	_Atomic(struct conc_segment *) head;
	_Atomic bool closed; /* a short cut: set after CLOSED was seen in a `next' */
	_Atomic bool failed;
	bool lock_free;
	void (*drain)(void *user, void *item);
	void *user;
	struct conc_wait_hooks wait;

	struct conc_eventcount arrivals;
};

/* The address that no item has. */
static char poison;
#define EMPTY NULL
#define POISON ((void *)&poison)

/*
 * How long a consumer gives the producer that has the ticket of its cell: a few
 * hundred ns, which is a store on its way from another core.  Longer, and it is
 * not running.  The pauses double: to look at a line all the time takes it away
 * from who wants to write it.
 */
#define LONGEST_PAUSE 16

/* How long a waiter of a lock_free queue polls before it sleeps, in ns. */
#define POLL (10 * 1000 * 1000)

#ifdef CONC_PLANT_DROPPED_ITEM
#undef LONGEST_PAUSE
#define LONGEST_PAUSE 1
#endif

/* ---- Along the segments ------------------------------------------------ */

enum front {
	ITEM,    /* a ticket is worth taking in this segment */
	NOTHING, /* there was a moment when the queue had no item */
	ENDED,   /* and never will have one again */
	BEHIND   /* this segment is used up and has a successor */
};

/*
 * What a consumer finds at `segment', the head or one behind it.  dequeue is
 * read before enqueue: if both allow NOTHING, all tickets given until the second
 * load were taken.
 */
static enum front look(struct conc_segment *segment)
{
	/* acquire: keeps it before the next load. */
	uint64_t dequeue = atomic_load_explicit(&segment->dequeue,
						memory_order_acquire);
	/* seq_cst: the second look of a waiter; pairs with take_ticket(). */
	uint64_t enqueue = atomic_load_explicit(&segment->enqueue,
						memory_order_seq_cst);
	struct conc_segment *next = NULL;

	if (dequeue < conc_segment_given(segment, enqueue))
		return ITEM;
	/* Not full, so there is no successor; not closed, so not the end. */
	if (dequeue < segment->capacity && !(enqueue & CONC_INDEX_CLOSED))
		return NOTHING;
	if (enqueue & CONC_INDEX_CLOSED)
		/* The end is decided in `next'; seq_cst as in follow(). */
		atomic_compare_exchange_strong_explicit(
			&segment->next, &next, CONC_SEGMENT_CLOSED,
			memory_order_seq_cst, memory_order_seq_cst);
	/* seq_cst: the second look of a waiter; pairs with follow(). */
	next = atomic_load_explicit(&segment->next, memory_order_seq_cst);
	if (next == NULL)
		return NOTHING;
	return next == CONC_SEGMENT_CLOSED ? ENDED : BEHIND;
}

/*
 * Moves tail on from `segment', if it is still there.  release: what is in next.
 * On failure somebody else has moved it.
 */
static void move_tail(conc_queue *queue, struct conc_segment *segment,
		      struct conc_segment *next)
{
	atomic_compare_exchange_strong_explicit(&queue->tail, &segment, next,
						memory_order_release,
						memory_order_relaxed);
}

/*
 * For a producer with an index past the end of `segment', or closed: makes tail
 * the next segment, linking `spare' if there is none.  0: go on there; 1: spare
 * is linked; -EPIPE; -ENOSPC: there is no next and spare is NULL.
 */
static int follow(conc_queue *queue, struct conc_segment *segment,
		  uint64_t index, struct conc_segment *spare)
{
	/* acquire: what is in the next segment. */
	struct conc_segment *next = atomic_load_explicit(&segment->next,
							 memory_order_acquire);

	if (next == NULL) {
		struct conc_segment *successor =
			index & CONC_INDEX_CLOSED ? CONC_SEGMENT_CLOSED : spare;

		if (successor == NULL)
			return -ENOSPC;
		if (successor == spare)
			spare->first = segment->first + segment->capacity;
		/*
		 * Releases what is in spare.  seq_cst: publishes to the second
		 * look of a waiter, in look().  acquire on failure, as above.
		 */
		if (atomic_compare_exchange_strong_explicit(
			    &segment->next, &next, successor,
			    memory_order_seq_cst, memory_order_acquire))
			next = successor;
	}
	if (next == CONC_SEGMENT_CLOSED) {
		/* relaxed: a hint; who does not see it comes here. */
		atomic_store_explicit(&queue->closed, true,
				      memory_order_relaxed);
		return -EPIPE;
	}
	move_tail(queue, segment, next);
	return next == spare;
}

/* For a consumer at `segment', where it found BEHIND: makes head the next. */
static bool leave_behind(conc_queue *queue, struct conc_segment *segment)
{
	struct conc_segment *head = segment;
	/* acquire: what is in the next segment. */
	struct conc_segment *next = atomic_load_explicit(&segment->next,
							 memory_order_acquire);

	/* First the tail: nobody may find a segment that was unlinked. */
	move_tail(queue, segment, next);
	/*
	 * release: what is in next, and the move of tail, come before.  That no
	 * section that begins after a grace period finds the segment is RCU's.
	 */
	if (!atomic_compare_exchange_strong_explicit(
		    &queue->head, &head, next, memory_order_release,
		    memory_order_relaxed))
		return false;
	conc_segment_retire(segment);
	return true;
}

/* What a consumer would find now; changes neither head nor tail. */
static enum front look_from_head(conc_queue *queue)
{
	struct conc_segment *segment;
	enum front front;

	conc_rcu_enter();
	/* acquire: what is in the segment; so for next. */
	segment = atomic_load_explicit(&queue->head, memory_order_acquire);
	while ((front = look(segment)) == BEHIND)
		segment = atomic_load_explicit(&segment->next,
					       memory_order_acquire);
	conc_rcu_leave();
	return front;
}

/* ---- push -------------------------------------------------------------- */

/*
 * seq_cst: the publication that waiters are promised, which stands before the
 * load of their number; pairs with the load of enqueue in look().
 */
static uint64_t take_ticket(struct conc_segment *segment)
{
	return atomic_fetch_add_explicit(&segment->enqueue, 1,
					 memory_order_seq_cst);
}

/* 0: appended; 1: appended by linking spare; -EPIPE; -ENOSPC: needs a spare. */
static int put(conc_queue *queue, void *item, struct conc_segment *spare)
{
	for (;;) {
		struct conc_segment *tail;
		uint64_t ticket;
		int rc;

		/* relaxed: see follow(). */
		if (atomic_load_explicit(&queue->closed, memory_order_relaxed))
			return -EPIPE;
		/* acquire: what is in the segment. */
		tail = atomic_load_explicit(&queue->tail, memory_order_acquire);
		ticket = take_ticket(tail);
		if (ticket < tail->capacity) {
			/* release: the item's content; pairs with collect(). */
			if (atomic_exchange_explicit(&tail->cells[ticket], item,
						     memory_order_release) ==
			    EMPTY)
				return 0;
			continue;
		}
		rc = follow(queue, tail, ticket, spare);
		if (rc != 0)
			return rc;
	}
}

/* The last segment is full: allocates one, outside the read section. */
static int put_with_spare(conc_queue *queue, void *item)
{
	struct conc_segment *spare = conc_segment_new();
	int rc;

	if (spare == NULL)
		return -ENOMEM;
	/* relaxed: it is ours until the link releases it. */
	atomic_store_explicit(&spare->cells[0], item, memory_order_relaxed);
	atomic_store_explicit(&spare->enqueue, 1, memory_order_relaxed);
	conc_rcu_enter();
	rc = put(queue, item, spare);
	conc_rcu_leave();
	if (rc == 1)
		return 0;
	conc_segment_free(spare);
	return rc;
}

int conc_queue_push(conc_queue *queue, void *item)
{
	int rc;

	if (queue == NULL || item == NULL)
		return -EINVAL;
	conc_rcu_enter();
	rc = put(queue, item, NULL);
	conc_rcu_leave();
	if (rc == -ENOSPC)
		rc = put_with_spare(queue, item);
	if (rc == 0)
		conc_eventcount_notify(&queue->arrivals, false);
	return rc;
}

/* ---- pop --------------------------------------------------------------- */

static bool is_item(const void *content)
{
	return content != EMPTY && content != POISON;
}

/* With the ticket of this cell: the item, or EMPTY if it does not come. */
static void *collect(_Atomic(void *) *cell)
{
	/* acquire: the item's content; pairs with the exchange in put(). */
	void *content = atomic_load_explicit(cell, memory_order_acquire);

	for (int pauses = 1; content == EMPTY && pauses <= LONGEST_PAUSE;
	     pauses *= 2) {
		conc_pause(pauses);
		content = atomic_load_explicit(cell, memory_order_acquire);
	}
	if (content != EMPTY)
		return content;
#ifdef CONC_PLANT_DROPPED_ITEM
	atomic_exchange_explicit(cell, POISON, memory_order_acquire);
	return EMPTY;
#else
	/* acquire: if it is the item that comes back. */
	return atomic_exchange_explicit(cell, POISON, memory_order_acquire);
#endif
}

/*
 * A quick look at the front cell alone, so that a consumer that lags behind does
 * not touch the line of the producers' index.  It can be wrong: then the ticket
 * that is taken on its word is one too many, which collect() sorts out.
 */
static bool front_is_full(struct conc_segment *head)
{
	/* relaxed, both: guesses. */
	uint64_t front = atomic_load_explicit(&head->dequeue,
					      memory_order_relaxed);

	return front < head->capacity &&
	       is_item(atomic_load_explicit(&head->cells[front],
					    memory_order_relaxed));
}

/* ITEM, NOTHING or ENDED; *retired if a segment was. */
static enum front take(conc_queue *queue, void **item, bool *retired)
{
	for (;;) {
		/* acquire: what is in the segment. */
		struct conc_segment *head = atomic_load_explicit(
			&queue->head, memory_order_acquire);
		enum front front =
			front_is_full(head) ? ITEM : look(head);
		uint64_t ticket;
		void *content;

		if (front == BEHIND) {
			*retired |= leave_behind(queue, head);
			continue;
		}
		if (front != ITEM)
			return front;
		/* relaxed: tickets only have to differ. */
		ticket = atomic_fetch_add_explicit(&head->dequeue, 1,
						   memory_order_relaxed);
		if (ticket >= head->capacity)
			continue;
		content = collect(&head->cells[ticket]);
		if (content != EMPTY) {
			*item = content;
			return ITEM;
		}
	}
}

static int take_now(conc_queue *queue, void **item)
{
	bool retired = false;
	enum front front;

	conc_rcu_enter();
	front = take(queue, item, &retired);
	conc_rcu_leave();
	if (retired)
		conc_reclaim_if_due(&queue->wait);
	return front == ITEM ? 0 : front == ENDED ? -EPIPE : -EAGAIN;
}

/* seq_cst: the second look of a waiter; pairs with conc_queue_fail(). */
static bool has_failed(conc_queue *queue)
{
	return atomic_load_explicit(&queue->failed, memory_order_seq_cst);
}

int conc_queue_try_pop(conc_queue *queue, void **item)
{
	int rc;

	if (queue == NULL || item == NULL)
		return -EINVAL;
	rc = take_now(queue, item);
	if (rc != -EAGAIN || !has_failed(queue))
		return rc;
	/* Look once more: what was pushed before the failure comes out. */
	rc = take_now(queue, item);
	return rc == -EAGAIN ? -ENOTRECOVERABLE : rc;
}

int conc_queue_pop(conc_queue *queue, int64_t deadline, void **item)
{
	if (queue == NULL || item == NULL || deadline < CONC_FOREVER)
		return -EINVAL;
	for (;;) {
		int rc = conc_queue_try_pop(queue, item);

		if (rc != -EAGAIN || deadline == CONC_TRY)
			return rc;
		rc = conc_queue_wait(queue, deadline);
		if (rc == 0)
			continue;
		if (rc != -ETIMEDOUT)
			return rc;
		/* Time is up, but an item may have come with it. */
		rc = conc_queue_try_pop(queue, item);
		return rc == -EAGAIN ? -ETIMEDOUT : rc;
	}
}

/* ---- Waiting ----------------------------------------------------------- */

static bool worth_trying(conc_queue *queue)
{
	return has_failed(queue) || look_from_head(queue) != NOTHING;
}

static bool worth_trying_soon(conc_queue *queue)
{
	for (int pauses = 1; pauses <= CONC_LONGEST_PAUSE_BEFORE_SLEEP;
	     pauses *= 2) {
		if (worth_trying(queue))
			return true;
		conc_pause(pauses);
	}
	return false;
}

/*
 * All looks are taken here, by a thread of the runtime that is attached to it,
 * never between the hooks; so the sleep is never a thread's first section either.
 */
int conc_queue_wait(conc_queue *queue, int64_t deadline)
{
	uint32_t seen;
	int rc = 0;

	if (queue == NULL || deadline < CONC_FOREVER)
		return -EINVAL;
	if (deadline == CONC_TRY)
		return worth_trying(queue) ? 0 : -EAGAIN;
	if (worth_trying_soon(queue))
		return 0;
	seen = conc_eventcount_enter(&queue->arrivals);
#ifndef CONC_PLANT_LOST_WAKEUP
	if (!worth_trying(queue))
#endif
		rc = conc_eventcount_sleep(&queue->arrivals, seen, deadline,
					   queue->lock_free ? POLL : 0,
					   &queue->wait);
	conc_eventcount_leave(&queue->arrivals);
	if (rc != 0)
		conc_queue_pass(queue);
	return rc;
}

void conc_queue_pass(conc_queue *queue)
{
	/*
	 * close and fail wake everyone themselves; only an item has a wake of
	 * its own that may have come to us.
	 */
	if (look_from_head(queue) == ITEM)
		conc_eventcount_notify(&queue->arrivals, false);
}

/* ---- The end ----------------------------------------------------------- */

/* No ticket is given in this segment any more. */
static void freeze(struct conc_segment *segment)
{
	uint64_t enqueue = atomic_load_explicit(&segment->enqueue,
						memory_order_relaxed);

	/* seq_cst: as in take_ticket(), the waiters look at it. */
	while (!(enqueue & CONC_INDEX_CLOSED) &&
	       !atomic_compare_exchange_weak_explicit(
		       &segment->enqueue, &enqueue,
		       conc_segment_freeze(segment, enqueue),
		       memory_order_seq_cst, memory_order_relaxed))
		;
}

static void hand_out_the_rest(conc_queue *queue)
{
	void *item;

	while (take_now(queue, &item) == 0)
		if (queue->drain != NULL)
			queue->drain(queue->user, item);
}

void conc_queue_close(conc_queue *queue, bool immediate)
{
	struct conc_segment *tail;

	conc_rcu_enter();
	do {
		/* acquire: what is in the segment. */
		tail = atomic_load_explicit(&queue->tail, memory_order_acquire);
		freeze(tail);
	} while (follow(queue, tail, CONC_INDEX_CLOSED, NULL) != -EPIPE);
	conc_rcu_leave();
	conc_eventcount_notify(&queue->arrivals, true);
	if (immediate)
		hand_out_the_rest(queue);
}

/*
 * The number of cells before the end of the queue; *closed if it has ended.
 * Inside a read section.
 */
static uint64_t end_of(conc_queue *queue, bool *closed)
{
	/* acquire: what is in the segment. */
	struct conc_segment *last = atomic_load_explicit(&queue->tail,
							 memory_order_acquire);

	for (;;) {
		/* acquire: before next, so that it was the last at this load. */
		uint64_t enqueue = atomic_load_explicit(&last->enqueue,
							memory_order_acquire);
		struct conc_segment *next = atomic_load_explicit(
			&last->next, memory_order_acquire);

		*closed = next == CONC_SEGMENT_CLOSED;
		if (next == NULL || *closed)
			return last->first + conc_segment_given(last, enqueue);
		last = next;
	}
}

bool conc_queue_is_closed(conc_queue *queue)
{
	bool closed;

	conc_rcu_enter();
	end_of(queue, &closed);
	conc_rcu_leave();
	return closed;
}

void conc_queue_fail(conc_queue *queue)
{
	/* seq_cst: the waiters' second look reads it. */
	atomic_store_explicit(&queue->failed, true, memory_order_seq_cst);
	conc_eventcount_notify(&queue->arrivals, true);
}

/* ---- Looking at it all ------------------------------------------------- */

/* The number of cells that consumers have taken; inside a read section. */
static uint64_t front_of(conc_queue *queue)
{
	/* acquire: what is in the segment, and the order of the loads. */
	struct conc_segment *head = atomic_load_explicit(&queue->head,
							 memory_order_acquire);

	for (;;) {
		uint64_t taken = conc_segment_taken(
			head, atomic_load_explicit(&head->dequeue,
						   memory_order_acquire));
		struct conc_segment *next = atomic_load_explicit(
			&head->next, memory_order_acquire);

		if (taken < head->capacity || next == NULL ||
		    next == CONC_SEGMENT_CLOSED)
			return head->first + taken;
		head = next;
	}
}

/*
 * If the front is at the same cell before and after the end was read, the
 * difference is the size at that moment; if not, some pop made progress.
 */
size_t conc_queue_size(conc_queue *queue)
{
	uint64_t front, end;
	bool closed;

	conc_rcu_enter();
	do {
		front = front_of(queue);
		end = end_of(queue, &closed);
	} while (front_of(queue) != front);
	conc_rcu_leave();
	/* The front is past the end when consumers took a ticket too many. */
	return end > front ? end - front : 0;
}

bool conc_queue_empty(conc_queue *queue)
{
	return look_from_head(queue) != ITEM;
}

/* By the indices, which nobody moves now: as many cells as items, each once. */
int conc_queue_traverse(conc_queue *queue, int (*visit)(void *item, void *arg),
			void *arg)
{
	struct conc_segment *segment;

	if (queue == NULL || visit == NULL)
		return -EINVAL;
	segment = atomic_load_explicit(&queue->head, memory_order_acquire);
	while (segment != NULL && segment != CONC_SEGMENT_CLOSED) {
		uint64_t cell = conc_segment_taken(
			segment, atomic_load_explicit(&segment->dequeue,
						      memory_order_relaxed));
		uint64_t end = conc_segment_given(
			segment, atomic_load_explicit(&segment->enqueue,
						      memory_order_relaxed));

		for (; cell < end; cell++) {
			int rc = visit(atomic_load_explicit(
					       &segment->cells[cell],
					       memory_order_acquire),
				       arg);

			if (rc != 0)
				return rc;
		}
		segment = atomic_load_explicit(&segment->next,
					       memory_order_acquire);
	}
	return 0;
}

/* ---- Making and freeing ------------------------------------------------ */

int conc_queue_new(const struct conc_queue_attr *attr, conc_queue **out)
{
	struct conc_segment *segment;
	conc_queue *queue;

	if (out == NULL || (attr != NULL && attr->size != sizeof(*attr)))
		return -EINVAL;
	queue = conc_alloc_lines(sizeof(*queue));
	if (queue == NULL)
		return -ENOMEM;
	segment = conc_segment_new_first();
	if (segment == NULL) {
		conc_release(queue);
		return -ENOMEM;
	}
	if (attr != NULL) {
		queue->lock_free = attr->lock_free;
		queue->drain = attr->drain;
		queue->user = attr->user;
		queue->wait = attr->wait;
	}
	atomic_init(&queue->head, segment);
	atomic_init(&queue->tail, segment);
	*out = queue;
	return 0;
}

void conc_queue_free(conc_queue *queue)
{
	struct conc_segment *segment;

	if (queue == NULL)
		return;
	conc_queue_close(queue, queue->drain != NULL);
	/* At once: nobody can be reading. */
	segment = atomic_load_explicit(&queue->head, memory_order_relaxed);
	while (segment != NULL && segment != CONC_SEGMENT_CLOSED) {
		struct conc_segment *next = atomic_load_explicit(
			&segment->next, memory_order_relaxed);

		conc_segment_free(segment);
		segment = next;
	}
	conc_release(queue);
}
