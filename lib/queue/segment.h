/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A segment of a queue: an array of cells, each used once, between an index
 * that producers count up and one that consumers count up.
 *
 *     enqueue   the tickets given to producers; from `capacity' on they name no
 *               cell: the segment is full, go on to the next one
 *     dequeue   the same for consumers
 *     cell      EMPTY (NULL) -> an item, by the producer that holds its ticket
 *               EMPTY -> POISON, by the consumer that holds its ticket and was
 *               there first; the producer takes another ticket
 *     next      NULL -> the next segment, or CONC_SEGMENT_CLOSED: the end
 *
 *     enqueue, open:    | 0 |        tickets given (63)              |
 *     enqueue, closed:  | 1 | tickets given (31) | refused since (32) |
 *
 * Closing freezes the number of tickets that were given: the additions of
 * producers that come later count in the lower half.  (It would take 2^32
 * refused pushes to overflow it; the queue's own flag stops all but those that
 * were under way.)
 *
 * A segment is found through the queue's head and tail and through `next', and
 * only inside read sections; so who unlinks it retires it, and after a grace
 * period it goes to a small pool of the library for the next producer that
 * needs one, or back to the allocator.  The first segment of a queue is small,
 * so that an idle queue is; the others are all alike.
 */
#ifndef CONC_QUEUE_SEGMENT_H
#define CONC_QUEUE_SEGMENT_H

#include <stdatomic.h>

#include "base/memory.h"
#include "base/rcu.h"

struct conc_segment {
	struct conc_retired retired;
	_Atomic(struct conc_segment *) next;
	/* The number of cells in all segments before this one. */
	uint64_t first;
	uint64_t capacity;
	/* The two indices on lines of their own, each with what goes with it. */
	_Alignas(CONC_LINE) _Atomic uint64_t enqueue;
	_Alignas(CONC_LINE) _Atomic uint64_t dequeue;
	_Alignas(CONC_LINE) _Atomic(void *) cells[];
};

/* What `next' holds in the last segment of a closed queue. */
#define CONC_SEGMENT_CLOSED (&conc_segment_closed)
extern struct conc_segment conc_segment_closed
	__attribute__((visibility("hidden")));

#define CONC_INDEX_CLOSED (UINT64_C(1) << 63)

/* How many cells have been, or can still be, filled by the tickets given. */
static inline uint64_t conc_segment_given(const struct conc_segment *segment,
					  uint64_t enqueue)
{
	if (enqueue & CONC_INDEX_CLOSED)
		return (enqueue & ~CONC_INDEX_CLOSED) >> 32;
	return enqueue < segment->capacity ? enqueue : segment->capacity;
}

/* How many cells consumers have taken. */
static inline uint64_t conc_segment_taken(const struct conc_segment *segment,
					  uint64_t dequeue)
{
	return dequeue < segment->capacity ? dequeue : segment->capacity;
}

/* The enqueue index of a closed segment that was open until now. */
static inline uint64_t conc_segment_freeze(const struct conc_segment *segment,
					   uint64_t enqueue)
{
	return CONC_INDEX_CLOSED | conc_segment_given(segment, enqueue) << 32;
}

/* All cells EMPTY, next NULL.  NULL: no memory. */
struct conc_segment *conc_segment_new_first(void);
struct conc_segment *conc_segment_new(void);

/* Gives back one that no other thread can reach. */
void conc_segment_free(struct conc_segment *segment);

/* Gives up one that was unlinked from its queue. */
void conc_segment_retire(struct conc_segment *segment);

#endif
