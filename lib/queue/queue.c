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
 * tests/models/queue/queue.pml is the same protocol for a model checker;
 * waiting is in wait.c, the size in view.c.
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
 * item, or the link of the new segment.  pop: its fetch_add of the ticket whose
 * cell gave the item, or right after that push, if that was later.  Nothing
 * there: the load of enqueue in look().  close: CLOSED goes into the last
 * `next', after which no ticket for a cell is given.
 *
 * What pairs with what.
 *  - the item: release by the exchange in put(), acquire by collect();
 *  - a new segment: release by the link in follow(), and by who moves tail or
 *    head to it; acquire by the loads of next, tail and head;
 *  - a ticket taken: release by the fetch_add in take(), acquire by who reads
 *    dequeue; so who sees a pop sees the pushes that came before it;
 *  - the end: release by the `closed' flag, acquire by a push that it refuses;
 *  - a waiter's second look: base/eventcount.h.  It reads the words that push, close
 *    and fail publish with: enqueue, next, failed; all of these accesses are
 *    sequentially consistent.  On x86 that adds no instruction: push has two
 *    locked ones, pop one;
 *  - the memory of a segment: read sections, base/rcu.h.
 */
#include <config.h>

#include <errno.h>

#include "base/growing.h"
#include "inside.h"

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

/* ---- Along the segments ------------------------------------------------ */

/*
 * dequeue is read before enqueue: if it is no less, then all tickets that were
 * given until the second load had been taken.
 */
static enum conc_queue_front look(struct conc_segment *segment)
{
	/* acquire: before the next load; pairs with take(). */
	uint64_t dequeue = atomic_load_explicit(&segment->dequeue,
						memory_order_acquire);
	uint64_t enqueue;
	struct conc_segment *next = NULL;

	CONC_YIELD_POINT();
	/* seq_cst: the second look of a waiter; pairs with take_ticket(). */
	enqueue = atomic_load_explicit(&segment->enqueue, memory_order_seq_cst);
	if (dequeue < conc_segment_given(segment, enqueue))
		return FRONT_ITEM;
	/* Not full, so there is no successor; not closed, so not the end. */
	if (dequeue < segment->capacity && !(enqueue & CONC_INDEX_CLOSED))
		return FRONT_NOTHING;
	CONC_YIELD_POINT();
	if (enqueue & CONC_INDEX_CLOSED)
		/*
		 * The end is decided in `next'.  (seq_cst as in follow(),
		 * though no waiter needs it of a helper: enqueue says so
		 * already.)
		 */
		atomic_compare_exchange_strong_explicit(
			&segment->next, &next, CONC_SEGMENT_CLOSED,
			memory_order_seq_cst, memory_order_seq_cst);
	/* seq_cst: the second look of a waiter; pairs with follow(). */
	next = atomic_load_explicit(&segment->next, memory_order_seq_cst);
	if (next == NULL)
		return FRONT_NOTHING;
	return next == CONC_SEGMENT_CLOSED ? FRONT_ENDED : FRONT_BEHIND;
}

/*
 * Moves tail on from `segment', if it is still there.  release: what is in
 * next.  On failure somebody else has moved it.
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
static CONC_NOINLINE int follow(conc_queue *queue, struct conc_segment *segment,
		  uint64_t index, struct conc_segment *spare)
{
	/* acquire: what is in the next segment. */
	struct conc_segment *next = atomic_load_explicit(&segment->next,
							 memory_order_acquire);

	CONC_YIELD_POINT();
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
		/*
		 * release: the end, to who is refused by this word alone; pairs
		 * with put().  Who does not see it yet comes here.
		 */
		atomic_store_explicit(&queue->closed, true,
				      memory_order_release);
		return -EPIPE;
	}
	CONC_YIELD_POINT();
	move_tail(queue, segment, next);
	return next == spare;
}

/* For a consumer that found FRONT_BEHIND at `segment': makes head the next. */
static void leave_behind(conc_queue *queue, struct conc_segment *segment)
{
	struct conc_segment *head = segment;
	/* acquire: what is in the next segment. */
	struct conc_segment *next = atomic_load_explicit(&segment->next,
							 memory_order_acquire);

	/* First the tail: nobody may find a segment that was unlinked. */
	move_tail(queue, segment, next);
	CONC_YIELD_POINT();
	/*
	 * release: what is in next, and the move of tail, come before.  That no
	 * section that begins after a grace period finds the segment is RCU's.
	 */
	if (!atomic_compare_exchange_strong_explicit(
		    &queue->head, &head, next, memory_order_release,
		    memory_order_relaxed))
		return;
	conc_segment_retire(segment);
}

enum conc_queue_front conc_queue_look(conc_queue *queue)
{
	struct conc_segment *segment;
	enum conc_queue_front front;
	conc_reader *reader;

	reader = conc_rcu_enter();
	/* acquire: what is in the segment; so for next. */
	segment = atomic_load_explicit(&queue->head, memory_order_acquire);
	while ((front = look(segment)) == FRONT_BEHIND)
		segment = atomic_load_explicit(&segment->next,
					       memory_order_acquire);
	conc_rcu_leave(reader);
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

		/*
		 * acquire: who was refused, and looks at the queue after that,
		 * finds that it has ended; pairs with follow().
		 */
		if (atomic_load_explicit(&queue->closed, memory_order_acquire))
			return -EPIPE;
		/* acquire: what is in the segment. */
		tail = atomic_load_explicit(&queue->tail, memory_order_acquire);
		CONC_YIELD_POINT();
		ticket = take_ticket(tail);
		CONC_YIELD_POINT();
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
	conc_reader *reader;
	int rc;

	if (spare == NULL)
		return -ENOMEM;
	/* relaxed: it is ours until the link releases it. */
	atomic_store_explicit(&spare->cells[0], item, memory_order_relaxed);
	atomic_store_explicit(&spare->enqueue, 1, memory_order_relaxed);
	reader = conc_rcu_enter();
	rc = put(queue, item, spare);
	conc_rcu_leave(reader);
	if (rc == 1)
		return 0;
	conc_segment_free(spare);
	return rc;
}

static CONC_INLINE struct conc_queue_done append(conc_queue *queue, void *item)
{
	conc_reader *reader = conc_rcu_enter();
	int rc = put(queue, item, NULL);

	conc_rcu_leave(reader);
	if (rc == -ENOSPC)
		rc = put_with_spare(queue, item);
	CONC_YIELD_POINT();
	if (rc == 0)
		conc_eventcount_notify(&queue->arrivals, false);
	return (struct conc_queue_done){reader, rc};
}

int conc_queue_push(conc_queue *queue, void *item)
{
	struct conc_queue_done done;

	if (CONC_UNLIKELY(!conc_is_ours(queue) || item == NULL))
		return -EINVAL;
	done = append(queue, item);
	conc_rcu_rest(done.reader, NULL);
	return done.rc;
}

struct conc_queue_done conc_queue_append(conc_queue *queue, void *item)
{
	return append(queue, item);
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
	CONC_YIELD_POINT();
	/* acquire: if it is the item that comes back. */
	return atomic_exchange_explicit(cell, POISON, memory_order_acquire);
}

/*
 * A quick look at the front cell alone, so that a consumer that lags behind
 * does not touch the line of the producers' index.  It can be wrong: then the
 * ticket that is taken on its word is one too many, which collect() sorts out.
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

/* FRONT_ITEM, FRONT_NOTHING or FRONT_ENDED. */
static enum conc_queue_front take(conc_queue *queue, void **item)
{
	for (;;) {
		/* acquire: what is in the segment. */
		struct conc_segment *head = atomic_load_explicit(
			&queue->head, memory_order_acquire);
		enum conc_queue_front front =
			front_is_full(head) ? FRONT_ITEM : look(head);
		uint64_t ticket;
		void *content;

		if (front == FRONT_BEHIND) {
			leave_behind(queue, head);
			continue;
		}
		if (front != FRONT_ITEM)
			return front;
		CONC_YIELD_POINT();
		/*
		 * release: who finds this ticket taken, in look() or
		 * front_of(), finds every item that was pushed before; else it
		 * would see this one gone, those not there yet, and nothing at
		 * all.
		 */
		ticket = atomic_fetch_add_explicit(&head->dequeue, 1,
						   memory_order_release);
		if (ticket >= head->capacity)
			continue;
		content = collect(&head->cells[ticket]);
		if (content != EMPTY) {
			*item = content;
			return FRONT_ITEM;
		}
	}
}

/* 0; -EAGAIN: nothing there; -EPIPE: nor ever again. */
static struct conc_queue_done take_now(conc_queue *queue, void **item)
{
	conc_reader *reader = conc_rcu_enter();
	enum conc_queue_front front = take(queue, item);

	conc_rcu_leave(reader);
	return (struct conc_queue_done){reader, front == FRONT_ITEM    ? 0
				      : front == FRONT_ENDED ? -EPIPE
							     : -EAGAIN};
}

static CONC_INLINE struct conc_queue_done take_front(conc_queue *queue, void **item)
{
	struct conc_queue_done done = take_now(queue, item);

	CONC_YIELD_POINT();
	if (done.rc != -EAGAIN || !conc_queue_failed(queue))
		return done;
	/* Look once more: what was pushed before the failure comes out. */
	done = take_now(queue, item);
	if (done.rc == -EAGAIN)
		done.rc = -ENOTRECOVERABLE;
	return done;
}

struct conc_queue_done conc_queue_take_front(conc_queue *queue, void **item)
{
	return take_front(queue, item);
}

int conc_queue_try_pop(conc_queue *queue, void **item)
{
	struct conc_queue_done done;

	if (CONC_UNLIKELY(!conc_is_ours(queue) || item == NULL))
		return -EINVAL;
	done = take_front(queue, item);
	conc_rcu_rest(done.reader, NULL);
	return done.rc;
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

	while (take_now(queue, &item).rc == 0)
		if (queue->drain != NULL)
			queue->drain(item, queue->user);
}

void conc_queue_close(conc_queue *queue, bool immediate)
{
	struct conc_segment *tail;
	conc_reader *reader;

	if (!conc_is_ours(queue))
		return;
	reader = conc_rcu_enter();
	do {
		/* acquire: what is in the segment. */
		tail = atomic_load_explicit(&queue->tail, memory_order_acquire);
		freeze(tail);
		CONC_YIELD_POINT();
	} while (follow(queue, tail, CONC_INDEX_CLOSED, NULL) != -EPIPE);
	conc_rcu_leave(reader);
	conc_eventcount_notify(&queue->arrivals, true);
	if (immediate)
		hand_out_the_rest(queue);
	conc_rcu_rest(reader, NULL);
}

/* ---- Making and freeing ------------------------------------------------ */

int conc_queue_new(const struct conc_queue_attr *attr, conc_queue **out)
{
	struct conc_queue_attr own = CONC_QUEUE_ATTR_INIT;
	struct conc_wait_hooks wait = CONC_WAIT_HOOKS_INIT;
	struct conc_segment *segment;
	conc_queue *queue;

	if (out == NULL || conc_growing_take(&own, sizeof(own), attr) < 0 ||
	    conc_growing_take(&wait, sizeof(wait), own.wait) < 0)
		return -EINVAL;
	queue = conc_alloc_lines(sizeof(*queue));
	if (queue == NULL)
		return -ENOMEM;
	segment = conc_segment_new_first();
	if (segment == NULL) {
		conc_release(queue);
		return -ENOMEM;
	}
	conc_object_mark(queue);
	queue->lock_free = own.lock_free;
	queue->drain = own.drain;
	queue->user = own.user;
	queue->wait = wait;
	atomic_init(&queue->head, segment);
	atomic_init(&queue->tail, segment);
	*out = queue;
	return 0;
}

void conc_queue_free(conc_queue *queue)
{
	struct conc_segment *segment;

	if (!conc_is_ours(queue))
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
