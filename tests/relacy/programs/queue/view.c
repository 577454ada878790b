/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Size and emptiness beside a producer and a consumer: never more than was
 * pushed and is not out, never less than what nobody can have taken, and the
 * state closed is not forgotten.
 */
#include <concurrency/queue.h>

#include <errno.h>

#include "explore.h"
#include "objects.h"

const int explore_threads = 3;

#define FIRST 2 /* they fill a segment */
#define ITEMS 4
#define POPS 3

static conc_queue *queue;
static _Atomic int begun, returned, taken, out;

static void count(_Atomic int *what)
{
	atomic_fetch_add_explicit(what, 1, memory_order_seq_cst);
}

static int value(_Atomic int *what)
{
	return atomic_load_explicit(what, memory_order_seq_cst);
}

void explore_before(void)
{
	EXPLORE_ASSERT(conc_queue_new(NULL, &queue) == 0);
	for (int i = 0; i < FIRST; i++) {
		EXPLORE_ASSERT(conc_queue_push(queue, note_new(i)) == 0);
		count(&begun);
		count(&returned);
	}
}

static void look(void)
{
	int least = value(&returned), gone = value(&out), size;

	size = (int)conc_queue_size(queue);
	EXPLORE_ASSERT(size <= value(&begun) - gone);
	EXPLORE_ASSERT(size >= least - value(&taken));
	least = value(&returned);
	if (conc_queue_empty(queue))
		EXPLORE_ASSERT(least <= value(&taken));
}

void explore_thread(int thread)
{
	void *item;

	switch (thread) {
	case 0:
		for (int i = FIRST; i < ITEMS; i++) {
			count(&begun);
			EXPLORE_ASSERT(conc_queue_push(queue, note_new(i)) == 0);
			count(&returned);
		}
		break;
	case 1:
		for (int i = 0; i < POPS; i++) {
			count(&taken);
			if (conc_queue_try_pop(queue, &item) == 0) {
				EXPLORE_ASSERT(note_read(item) == i);
				count(&out);
			} else {
				i--;
			}
		}
		break;
	default:
		look();
		explore_delay();
		look();
	}
}

void explore_after(void)
{
	EXPLORE_ASSERT(conc_queue_size(queue) == ITEMS - POPS);
}
