/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* conc_bounded_queue: never found full here, so what is seen is its credits. */
#include "ours.h"

#include <concurrency.h>

#include "loops.h"

static inline int queue_try_push(conc_bounded_queue *queue, void *item)
{
	return conc_bounded_queue_try_push(queue, item) == 0;
}

static inline void *queue_try_pop(conc_bounded_queue *queue)
{
	void *item;

	return conc_bounded_queue_try_pop(queue, &item) == 0 ? item : NULL;
}

static inline void *queue_pop(conc_bounded_queue *queue)
{
	void *item;

	return conc_bounded_queue_pop(queue, &item, CONC_FOREVER, NULL) == 0
		       ? item
		       : NULL;
}

#define BENCH_QUEUE conc_bounded_queue
#include "loops.h"

static void *make_queue(size_t capacity)
{
	struct conc_bounded_queue_attr attr = {
		.size = sizeof(attr),
		.capacity = (int64_t)capacity,
	};
	conc_bounded_queue *queue;

	return conc_bounded_queue_new(&attr, &queue) == 0 ? queue : NULL;
}

static void destroy_queue(void *queue)
{
	conc_bounded_queue_free(queue);
}

const struct library our_bounded_queue = {
	.kind = KIND_QUEUE,
	.name = "conc_bounded_queue",
	.how = "out of line",
	.differs = "bounded",
	.make = make_queue,
	.destroy = destroy_queue,
	.run = run_queue,
};
