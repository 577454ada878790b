/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The end of a queue while it is used: what was pushed before it comes out
 * once, nothing else does, and once one call has reported it, no later one
 * forgets.
 */
#include <concurrency/queue.h>

#include <errno.h>

#include "explore.h"
#include "base/memory.h"
#include "objects.h"

const int explore_threads = 3;

#define EACH 3

static conc_queue *queue;
static int pushed, popped; /* by one thread each */

void explore_before(void)
{
	EXPLORE_ASSERT(conc_queue_new(NULL, &queue) == 0);
}

static void produce(void)
{
	bool ended = false;

	for (int i = 0; i < EACH; i++) {
		struct note *note = note_new(i);
		int rc = conc_queue_push(queue, note);

		EXPLORE_ASSERT(rc == (ended ? -EPIPE : rc));
		ended = rc == -EPIPE;
		EXPLORE_ASSERT(ended || rc == 0);
		if (ended)
			conc_release(note);
		else
			pushed++;
	}
	if (ended)
		EXPLORE_ASSERT(conc_queue_is_closed(queue));
}

/* Until `most' looks; true: the end. */
static bool consume(int most)
{
	for (int i = 0; i < most; i++) {
		void *item;
		int rc = conc_queue_try_pop(queue, &item);

		if (rc == -EPIPE)
			return true;
		EXPLORE_ASSERT(rc == 0 || rc == -EAGAIN);
		if (rc != 0)
			continue;
		EXPLORE_ASSERT(note_read(item) == popped);
		popped++;
		conc_release(item);
	}
	return false;
}

void explore_thread(int thread)
{
	switch (thread) {
	case 0:
		produce();
		break;
	case 1:
		if (!consume(3))
			break;
		/* Nothing comes after the end. */
		EXPLORE_ASSERT(consume(1));
		EXPLORE_ASSERT(conc_queue_push(queue, &queue) == -EPIPE);
		break;
	default:
		explore_delay();
		conc_queue_close(queue, false);
		EXPLORE_ASSERT(conc_queue_push(queue, &queue) == -EPIPE);
	}
}

void explore_after(void)
{
	EXPLORE_ASSERT(consume(EACH + 1));
	EXPLORE_ASSERT(popped == pushed);
	EXPLORE_ASSERT(conc_queue_size(queue) == 0);
}
