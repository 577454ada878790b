/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A bounded queue with room for one: never more in it, nobody sleeps beside
 * room, an item, the end or finished tasks, and who joins sees what was done.
 */
#include <concurrency/bounded_queue.h>

#include <errno.h>

#include "explore.h"
#include "objects.h"

const int explore_threads = 3;

#define ITEMS 2

static conc_bounded_queue *queue;
static unsigned variant; /* 1: room for two comes later; 2: it is closed */
static int done[ITEMS];

void explore_before(void)
{
	struct conc_bounded_queue_attr attr = {.size = sizeof(attr),
					       .capacity = 1};

	variant = explore_choose(3);
	EXPLORE_ASSERT(conc_bounded_queue_new(&attr, &queue) == 0);
	if (variant != 0)
		EXPLORE_ASSERT(conc_bounded_queue_push(queue, note_new(0),
						       CONC_TRY, NULL) == 0);
}

static void produce(void)
{
	for (int i = variant == 0 ? 0 : 1; i < ITEMS; i++) {
		struct note *note = note_new(i);
		int rc = conc_bounded_queue_push(queue, note, CONC_FOREVER,
						 NULL);

		EXPLORE_ASSERT(rc == 0 || (rc == -EPIPE && variant == 2));
		if (rc != 0)
			conc_release(note);
	}
}

static int consume(int number, int64_t deadline)
{
	void *item;
	int rc = conc_bounded_queue_pop(queue, &item, deadline, NULL);

	if (rc != 0)
		return rc;
	EXPLORE_ASSERT(note_read(item) == number);
	conc_release(item);
	done[number] = 1;
	EXPLORE_ASSERT(conc_bounded_queue_task_done(queue) == 0);
	return 0;
}

/* variant 0: all is pushed and popped, and a third thread waits for that. */
static void join(void)
{
	EXPLORE_ASSERT(conc_bounded_queue_size(queue) <= 1);
	if (conc_bounded_queue_unfinished(queue) == 0)
		return;
	EXPLORE_ASSERT(conc_bounded_queue_join(queue, CONC_FOREVER, NULL) == 0);
	EXPLORE_ASSERT(done[0] == 1);
}

void explore_thread(int thread)
{
	if (thread == 0) {
		produce();
	} else if (variant == 0) {
		if (thread == 2) {
			join();
			return;
		}
		for (int i = 0; i < ITEMS; i++)
			EXPLORE_ASSERT(consume(i, CONC_FOREVER) == 0);
	} else if (variant == 1) {
		if (thread == 1)
			conc_bounded_queue_set_capacity(queue, 2);
		else
			EXPLORE_ASSERT(conc_bounded_queue_size(queue) <= 2);
	} else {
		if (thread == 1)
			conc_bounded_queue_close(queue, false);
		else
			EXPLORE_ASSERT(!conc_bounded_queue_is_closed(queue) ||
				       conc_bounded_queue_is_closed(queue));
	}
}

void explore_after(void)
{
	int number = 0;

	if (variant == 0)
		return;
	conc_bounded_queue_close(queue, false);
	while (consume(number, CONC_TRY) == 0)
		number++;
	EXPLORE_ASSERT(conc_bounded_queue_pop(queue, &(void *){0}, CONC_TRY,
					      NULL) == -EPIPE);
	EXPLORE_ASSERT(conc_bounded_queue_unfinished(queue) == 0);
}
