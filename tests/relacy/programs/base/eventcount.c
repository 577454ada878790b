/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Two who wait for one thing each, and who brings both; the publication is a
 * sequentially consistent store, or any other with notify_after_any.
 */
#include "base/eventcount.h"

#include <errno.h>

#include "explore.h"

const int explore_threads = 3;

static struct conc_eventcount event;
static _Atomic int things;
static bool after_any;
static int content[3]; /* released with each thing */

void explore_before(void)
{
	after_any = explore_choose(2) == 1;
}

static bool there_is(void *unused)
{
	(void)unused;
	return atomic_load_explicit(&things, after_any ? memory_order_relaxed
						       : memory_order_seq_cst) > 0;
}

static bool take(void)
{
	int left = atomic_load_explicit(&things, memory_order_relaxed);

	while (left > 0)
		if (atomic_compare_exchange_weak_explicit(
			    &things, &left, left - 1, memory_order_relaxed,
			    memory_order_relaxed))
			return true;
	return false;
}

static void bring(int thing)
{
	content[thing] = 1;
	if (after_any) {
		atomic_fetch_add_explicit(&things, 1, memory_order_relaxed);
		conc_eventcount_notify_after_any(&event, false);
	} else {
		atomic_fetch_add_explicit(&things, 1, memory_order_seq_cst);
		conc_eventcount_notify(&event, false);
	}
}

void explore_thread(int thread)
{
	if (thread == 2) {
		bring(0);
		bring(1);
		return;
	}
	while (!take())
		EXPLORE_ASSERT(conc_eventcount_await(&event, there_is, NULL,
						     CONC_FOREVER, 0,
						     NULL) == 0);
}

void explore_after(void)
{
	EXPLORE_ASSERT(atomic_load(&things) == 0);
	EXPLORE_ASSERT(atomic_load(&event.sleepers) == 0);
	EXPLORE_ASSERT((atomic_load(&event.state.word) &
			(CONC_EVENTCOUNT_WAITING |
			 CONC_EVENTCOUNT_WAITING << 20)) == 0);
}
