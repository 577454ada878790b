/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a queue must hold: the items that were pushed and not popped, in order.
 * An item is the address of a byte, the n-th of them for the n-th push.
 */
#ifndef TESTS_FUZZ_QUEUE_MODEL_H
#define TESTS_FUZZ_QUEUE_MODEL_H

#include "fuzz/input.h"
#include "queue/segment.h"

/* Pushes of one input: many more than a segment has cells. */
#define ITEMS 8192

static char items[ITEMS];

struct fifo {
	size_t pushed, popped; /* items[popped..pushed) are queued */
};

static inline size_t queued(const struct fifo *fifo)
{
	return fifo->pushed - fifo->popped;
}

/* This item came out of the queue. */
static inline void expect_item(struct fifo *fifo, const void *item)
{
	must(queued(fifo) > 0);
	must(item == &items[fifo->popped]);
	fifo->popped++;
}

/* One operation is many now and then, so that segments fill. */
static inline unsigned take_count(struct input *in)
{
	unsigned count = take_byte(in);

	return count < 200 ? 1 : count * 5;
}

/* For traverse: `arg` points to the address of the item that comes next. */
static inline int visit_item(void *item, void *arg)
{
	char **next = arg;

	must(item == *next);
	++*next;
	return 0;
}

/*
 * Whatever earlier inputs left in the library's pool of segments goes, so that
 * each input needs memory as if it were the first.
 */
static inline void empty_segment_pool(void)
{
	struct conc_segment *segment;

	conc_reclaim(NULL);
	conc_alloc_fail_after = 0;
	while ((segment = conc_segment_new()) != NULL)
		conc_release(segment);
	conc_alloc_fail_after = -1;
}

#endif
