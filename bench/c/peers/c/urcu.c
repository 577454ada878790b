/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * liburcu's wait-free concurrent queue, with nodes from malloc and with the node
 * inside the item.  Its pop takes the queue's mutex, as several consumers must.
 */
#define _LGPL_SOURCE
#include <stdlib.h>
#include <urcu/wfcqueue.h>

#include "loops.h"

struct queue {
	struct cds_wfcq_head head;
	struct cds_wfcq_tail tail;
};

struct node {
	struct cds_wfcq_node node;
	void *item;
};

static inline int queue_try_push(struct queue *queue, void *item)
{
	struct node *node = malloc(sizeof(*node));

	if (node == NULL)
		abort();
	cds_wfcq_node_init(&node->node);
	node->item = item;
	cds_wfcq_enqueue(&queue->head, &queue->tail, &node->node);
	return 1;
}

static inline void *queue_try_pop(struct queue *queue)
{
	struct cds_wfcq_node *found;
	struct node *node;
	void *item;

	if (cds_wfcq_empty(&queue->head, &queue->tail))
		return NULL;
	found = cds_wfcq_dequeue_blocking(&queue->head, &queue->tail);
	if (found == NULL)
		return NULL;
	node = caa_container_of(found, struct node, node);
	item = node->item;
	free(node);
	return item;
}

static inline void *queue_pop(struct queue *queue)
{
	return queue_try_pop(queue);
}

#define BENCH_QUEUE struct queue
#include "loops.h"

static void *make_queue(size_t capacity)
{
	struct queue *queue = malloc(sizeof(*queue));

	(void)capacity;
	if (queue != NULL)
		cds_wfcq_init(&queue->head, &queue->tail);
	return queue;
}

static void destroy_queue(void *object)
{
	struct queue *queue = object;

	while (queue_try_pop(queue) != NULL)
		;
	cds_wfcq_destroy(&queue->head, &queue->tail);
	free(queue);
}

static const struct library wfcqueue = {
	.kind = KIND_QUEUE,
	.name = "liburcu wfcqueue",
	.how = "inlined",
	.cannot = NEEDS_WAIT,
	.make = make_queue,
	.destroy = destroy_queue,
	.run = run_queue,
};

extern const struct library urcu_growing, urcu_presized, wfcqueue_intrusive;

const struct library *const libraries[] = {
	&urcu_growing, &urcu_presized, &wfcqueue, &wfcqueue_intrusive, NULL,
};
