/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Size, emptiness and what lies in a queue, by the indices alone: each segment
 * knows how many cells lie in those before it, so that the distance from the
 * front to the end needs no count that producers and consumers would share.
 */
#include <config.h>

#include <errno.h>

#include "inside.h"

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

/* The number of cells that consumers have taken; inside a read section. */
static uint64_t front_of(conc_queue *queue)
{
	/* acquire: what is in the segment. */
	struct conc_segment *head = atomic_load_explicit(&queue->head,
							 memory_order_acquire);

	for (;;) {
		/* acquire: what was pushed before; pairs with take(). */
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
	conc_reader *reader;
	bool closed;

	if (!conc_is_ours(queue))
		return 0;
	reader = conc_rcu_enter();
	do {
		front = front_of(queue);
		CONC_YIELD_POINT();
		end = end_of(queue, &closed);
		CONC_YIELD_POINT();
	} while (front_of(queue) != front);
	conc_rcu_leave(reader);
	conc_rcu_rest(reader, NULL);
	/* The front is past the end when consumers took a ticket too many. */
	return end > front ? end - front : 0;
}

bool conc_queue_empty(conc_queue *queue)
{
	return conc_is_ours(queue) && conc_queue_look(queue) != FRONT_ITEM;
}

bool conc_queue_is_closed(conc_queue *queue)
{
	conc_reader *reader;
	bool closed;

	if (!conc_is_ours(queue))
		return false;
	reader = conc_rcu_enter();
	end_of(queue, &closed);
	conc_rcu_leave(reader);
	conc_rcu_rest(reader, NULL);
	return closed;
}

/* By the indices, which nobody moves now: as many cells as items, each once. */
int conc_queue_traverse(conc_queue *queue, int (*visit)(void *item, void *user),
			void *user)
{
	struct conc_segment *segment;

	if (!conc_is_ours(queue) || visit == NULL)
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
				       user);

			if (rc != 0)
				return rc;
		}
		segment = atomic_load_explicit(&segment->next,
					       memory_order_acquire);
	}
	return 0;
}
