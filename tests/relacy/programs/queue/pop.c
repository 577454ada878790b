/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Two producers and a consumer over segments of one and two cells: each item
 * comes out once, whole, in the order of its producer; a segment is not touched
 * after its grace period; none is lost when the queue is empty for a moment.
 */
#include <concurrency/queue.h>

#include <errno.h>

#include "explore.h"
#include "base/memory.h"

const int explore_threads = 3;

#define EACH 2

struct item {
	int producer;
	int number;
	int out;
};

static conc_queue *queue;
static struct item *items[2][EACH];
static int next[2];

void explore_before(void)
{
	EXPLORE_ASSERT(conc_queue_new(NULL, &queue) == 0);
}

static void produce(int producer)
{
	for (int i = 0; i < EACH; i++) {
		struct item *item = conc_alloc(sizeof(*item));

		item->producer = producer;
		item->number = i;
		items[producer][i] = item;
		EXPLORE_ASSERT(conc_queue_push(queue, item) == 0);
	}
}

static bool consume(void)
{
	void *out;
	int rc = conc_queue_try_pop(queue, &out);
	struct item *item = out;

	EXPLORE_ASSERT(rc == 0 || rc == -EAGAIN);
	if (rc != 0)
		return false;
	EXPLORE_ASSERT(item->out++ == 0);
	EXPLORE_ASSERT(item->number == next[item->producer]++);
	return true;
}

void explore_thread(int thread)
{
	if (thread < 2)
		produce(thread);
	else
		for (int i = 0; i < 3; i++) {
			explore_delay();
			consume();
		}
}

void explore_after(void)
{
	while (consume())
		;
	EXPLORE_ASSERT(next[0] == EACH && next[1] == EACH);
}
