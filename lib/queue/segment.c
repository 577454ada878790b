/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the segments of queues come from and go to.
 *
 * The pool belongs to the library, not to a queue: a retired segment may
 * outlive its queue, and what comes out of a grace period must need nobody.
 */
#include <config.h>

#include "segment.h"

#include <string.h>

/* Together with the header: 512 bytes and 8 KiB. */
#define FIRST_CELLS 40
#define CELLS 1000

#define POOL 16

struct conc_segment conc_segment_closed;

static _Atomic(struct conc_segment *) pool[POOL];

static size_t bytes_of(uint64_t capacity)
{
	return sizeof(struct conc_segment) + capacity * sizeof(_Atomic(void *));
}

static struct conc_segment *allocate(uint64_t capacity)
{
	struct conc_segment *segment = conc_alloc_lines(bytes_of(capacity));

	if (segment != NULL)
		segment->capacity = capacity;
	return segment;
}

struct conc_segment *conc_segment_new_first(void)
{
	return allocate(FIRST_CELLS);
}

struct conc_segment *conc_segment_new(void)
{
	for (int i = 0; i < POOL; i++) {
		struct conc_segment *segment;

		if (atomic_load_explicit(&pool[i], memory_order_relaxed) == NULL)
			continue;
		/* acquire: pairs with the release of who put it in. */
		segment = atomic_exchange_explicit(&pool[i], NULL,
						   memory_order_acquire);
		if (segment == NULL)
			continue;
		/* Nobody else can reach it.  This also warms its lines. */
		memset((void *)segment, 0, bytes_of(CELLS));
		segment->capacity = CELLS;
		return segment;
	}
	return allocate(CELLS);
}

void conc_segment_free(struct conc_segment *segment)
{
	for (int i = 0; i < POOL && segment->capacity == CELLS; i++) {
		struct conc_segment *none = NULL;

		/* release: our last accesses come before the next owner's. */
		if (atomic_compare_exchange_strong_explicit(
			    &pool[i], &none, segment, memory_order_release,
			    memory_order_relaxed))
			return;
	}
	conc_release(segment);
}

static void free_retired(struct conc_retired *block)
{
	/* `retired' is the first member. */
	conc_segment_free((struct conc_segment *)block);
}

void conc_segment_retire(struct conc_segment *segment)
{
	segment->retired.bytes = bytes_of(segment->capacity);
	conc_retire(&segment->retired, free_retired);
}
