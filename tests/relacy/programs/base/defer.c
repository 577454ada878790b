/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What users of the library read in a section of their own, and remove with
 * conc_defer(): each is freed once, after its readers.
 */
#include <concurrency/reclaim.h>

#include <errno.h>
#include <stdatomic.h>

#include "explore.h"
#include "base/memory.h"

const int explore_threads = 3;

struct item {
	int content;
	struct conc_deferred deferred;
};

static _Atomic(struct item *) current;
static _Atomic int freed;

static struct item *item_new(int content)
{
	struct item *item = conc_alloc(sizeof(*item));

	item->content = content;
	return item;
}

static void item_free(struct conc_deferred *deferred)
{
	EXPLORE_ASSERT(conc_reclaim(NULL) == -EBUSY);
	atomic_fetch_add_explicit(&freed, 1, memory_order_relaxed);
	conc_release((char *)deferred - offsetof(struct item, deferred));
}

static void replace(int content)
{
	struct item *old = atomic_exchange_explicit(&current, item_new(content),
						    memory_order_acq_rel);

	conc_defer(&old->deferred, item_free);
}

static void look(void)
{
	struct item *item;

	conc_read_begin();
	item = atomic_load_explicit(&current, memory_order_acquire);
	conc_read_begin();
	conc_read_end();
	EXPLORE_ASSERT(conc_reclaim(NULL) == -EBUSY);
	EXPLORE_ASSERT(item->content > 0);
	conc_read_end();
}

void explore_before(void)
{
	atomic_store_explicit(&current, item_new(1), memory_order_relaxed);
}

void explore_thread(int thread)
{
	if (thread < 2) {
		replace(thread + 2);
		look();
	} else {
		look();
		if (explore_choose(2) == 0)
			EXPLORE_ASSERT(conc_reclaim(NULL) == 0);
		else
			look();
	}
}

void explore_after(void)
{
	conc_release(atomic_load_explicit(&current, memory_order_relaxed));
	EXPLORE_ASSERT(conc_reclaim(NULL) == 0);
	EXPLORE_ASSERT(atomic_load_explicit(&freed, memory_order_relaxed) == 2);
	explore_assert_no_leaks();
}
