/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Two who report their tasks as done and one who waits for that: it does not
 * sleep for ever, and sees what both did.
 */
#include <concurrency/bounded_queue.h>

#include <errno.h>

#include "explore.h"
#include "objects.h"

const int explore_threads = 3;

static conc_bounded_queue *queue;
static unsigned workers;
static int done[2];

void explore_before(void)
{
	void *item;

	workers = 1 + explore_choose(2);
	EXPLORE_ASSERT(conc_bounded_queue_new(NULL, &queue) == 0);
	for (unsigned i = 0; i < workers; i++) {
		EXPLORE_ASSERT(conc_bounded_queue_push(queue, &done, CONC_TRY,
						       NULL) == 0);
		EXPLORE_ASSERT(conc_bounded_queue_pop(queue, &item, CONC_TRY,
						      NULL) == 0);
	}
}

void explore_thread(int thread)
{
	if (thread == 2) {
		EXPLORE_ASSERT(conc_bounded_queue_join(queue, CONC_FOREVER,
						       NULL) == 0);
		for (unsigned i = 0; i < workers; i++)
			EXPLORE_ASSERT(done[i] == 1);
	} else if (thread < (int)workers) {
		done[thread] = 1;
		EXPLORE_ASSERT(conc_bounded_queue_task_done(queue) == 0);
	}
}

void explore_after(void)
{
	EXPLORE_ASSERT(conc_bounded_queue_task_done(queue) == -ERANGE);
}
