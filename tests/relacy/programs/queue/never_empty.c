/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * There is always an item: the second was pushed before the first is taken.
 * Who looks, and knows of neither but the first, may not find the queue empty.
 */
#include <concurrency/queue.h>

#include "explore.h"
#include "objects.h"

const int explore_threads = 3;

static conc_queue *queue;
static _Atomic bool second;

void explore_before(void)
{
	EXPLORE_ASSERT(conc_queue_new(NULL, &queue) == 0);
	EXPLORE_ASSERT(conc_queue_push(queue, note_new(0)) == 0);
}

void explore_thread(int thread)
{
	void *item;

	switch (thread) {
	case 0:
		EXPLORE_ASSERT(conc_queue_push(queue, note_new(1)) == 0);
		atomic_store_explicit(&second, true, memory_order_release);
		break;
	case 1:
		if (!atomic_load_explicit(&second, memory_order_acquire))
			return;
		EXPLORE_ASSERT(conc_queue_try_pop(queue, &item) == 0);
		EXPLORE_ASSERT(note_read(item) == 0);
		break;
	default:
		for (int i = 0; i < 2; i++)
			if (explore_choose(2) == 0)
				EXPLORE_ASSERT(!conc_queue_empty(queue));
			else
				EXPLORE_ASSERT(conc_queue_size(queue) > 0);
	}
}

void explore_after(void)
{
}
