/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Nobody sleeps beside an item, or on a queue that was closed or has failed.
 * (A thread that does so for ever is a deadlock, and ends the exploration.)
 */
#include <concurrency/queue.h>

#include <errno.h>

#include "explore.h"
#include "objects.h"

const int explore_threads = 3;

static conc_queue *queue;
static unsigned ending; /* 0: two items; 1: closed; 2: failed; 3: one item */

void explore_before(void)
{
	struct conc_queue_attr attr = {.size = sizeof(attr)};

	ending = explore_choose(4);
	EXPLORE_ASSERT(conc_queue_new(&attr, &queue) == 0);
}

static int consume(int64_t deadline)
{
	void *item;
	int rc = conc_queue_pop(queue, &item, deadline, NULL);

	if (rc == 0) {
		note_read(item);
		conc_release(item);
	}
	return rc;
}

void explore_thread(int thread)
{
	if (thread == 1 && ending == 3)
		return;
	if (thread < 2) {
		int rc = consume(thread == 0 ? CONC_FOREVER : 1000000);

		EXPLORE_ASSERT(rc == 0 || (rc == -ETIMEDOUT && thread == 1) ||
			       (rc == -EPIPE && ending == 1) ||
			       (rc == -ENOTRECOVERABLE && ending == 2));
		return;
	}
	EXPLORE_ASSERT(conc_queue_push(queue, note_new(0)) == 0);
	if (ending == 0)
		EXPLORE_ASSERT(conc_queue_push(queue, note_new(1)) == 0);
	else if (ending == 1)
		conc_queue_close(queue, false);
	else if (ending == 2)
		conc_queue_fail(queue);
}

void explore_after(void)
{
}
