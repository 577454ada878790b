/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * liburcu: what the program measures, and the wait-free concurrent queue with
 * nodes from malloc.
 */
#include "liburcu.h"

#include "loops.h"

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
	struct cds_wfcq_node *found = dequeue(queue);
	struct node *node;
	void *item;

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

static void destroy_queue(void *queue)
{
	while (queue_try_pop(queue) != NULL)
		;
	free_queue(queue);
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

const struct library *const libraries[] = {
	&urcu_growing, &urcu_presized, &wfcqueue, &wfcqueue_intrusive, NULL,
};
