/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of the program urcu share: its libraries that are not in
 * urcu.c, and the wait-free concurrent queue.  Its pop takes the queue's mutex,
 * as several consumers must.
 */
#ifndef BENCH_LIBURCU_H
#define BENCH_LIBURCU_H

#define _LGPL_SOURCE
#include <stdlib.h>
#include <urcu/wfcqueue.h>

#include "bench.h"

extern const struct library urcu_growing, urcu_presized, wfcqueue_intrusive;

struct queue {
	struct cds_wfcq_head head;
	struct cds_wfcq_tail tail;
};

static inline void *make_queue(size_t capacity)
{
	struct queue *queue = malloc(sizeof(*queue));

	(void)capacity;
	if (queue != NULL)
		cds_wfcq_init(&queue->head, &queue->tail);
	return queue;
}

static inline struct cds_wfcq_node *dequeue(struct queue *queue)
{
	if (cds_wfcq_empty(&queue->head, &queue->tail))
		return NULL;
	return cds_wfcq_dequeue_blocking(&queue->head, &queue->tail);
}

static inline void free_queue(struct queue *queue)
{
	cds_wfcq_destroy(&queue->head, &queue->tail);
	free(queue);
}

#endif
