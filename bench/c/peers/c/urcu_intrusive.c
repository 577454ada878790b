/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The queue of urcu.c with the node inside the item: the items lie in an array,
 * and item i of a pass is its i-th element, so that nothing is allocated.
 */
#include "liburcu.h"

#include "loops.h"

#define ITEMS 262144

struct item {
	struct cds_wfcq_node node;
	uintptr_t number;
};

/* Each producing thread takes its items from an array of its own. */
static _Thread_local struct item *items;
static _Thread_local size_t next;

static void begin(void)
{
	items = calloc(ITEMS, sizeof(*items));
	if (items == NULL)
		abort();
	next = 0;
}

/* Consumers may hold items of a thread that has ended: they are not freed. */
static inline int queue_try_push(struct queue *queue, void *number)
{
	struct item *item = &items[next++ % ITEMS];

	if (__atomic_load_n(&item->number, __ATOMIC_ACQUIRE) != 0) {
		next--;
		return 0; /* still queued: as if the queue were full */
	}
	cds_wfcq_node_init(&item->node);
	item->number = (uintptr_t)number;
	cds_wfcq_enqueue(&queue->head, &queue->tail, &item->node);
	return 1;
}

static inline void *queue_try_pop(struct queue *queue)
{
	struct cds_wfcq_node *node = dequeue(queue);
	struct item *item;
	uintptr_t number;

	if (node == NULL)
		return NULL;
	item = caa_container_of(node, struct item, node);
	number = item->number;
	__atomic_store_n(&item->number, 0, __ATOMIC_RELEASE);
	return (void *)number;
}

static inline void *queue_pop(struct queue *queue)
{
	return queue_try_pop(queue);
}

#define BENCH_QUEUE struct queue
#include "loops.h"

static void destroy_queue(void *queue)
{
	free_queue(queue);
}

const struct library wfcqueue_intrusive = {
	.kind = KIND_QUEUE,
	.name = "liburcu wfcqueue, intrusive",
	.how = "inlined",
	.differs = "the item brings the node",
	.cannot = NEEDS_WAIT | NEEDS_MALLOC,
	.make = make_queue,
	.destroy = destroy_queue,
	.run = run_queue,
	.thread_begin = begin,
};
