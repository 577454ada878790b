/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Blocks that two writers replace and retire while a reader reads: none is
 * freed before who can have it has left its section, and none is forgotten.
 */
#include "base/rcu.h"

#include "explore.h"
#include "base/memory.h"

const int explore_threads = 3;

struct version {
	struct conc_retired retired;
	int content;
};

static _Atomic(struct version *) current;

static void version_free(struct conc_retired *block)
{
	conc_release(block);
}

static struct version *version_new(int content)
{
	struct version *version = conc_alloc(sizeof(*version));

	version->content = content;
	return version;
}

static void replace(int content)
{
	struct version *old = atomic_exchange_explicit(
		&current, version_new(content), memory_order_acq_rel);

	conc_retire(&old->retired, sizeof(*old), version_free);
	conc_rcu_rest_without(NULL);
}

static int look(void)
{
	conc_reader *reader = conc_rcu_enter();
	struct version *version = atomic_load_explicit(&current,
						       memory_order_acquire);
	int content = version->content;

	conc_rcu_leave(reader);
	return content;
}

void explore_before(void)
{
	atomic_store_explicit(&current, version_new(0), memory_order_relaxed);
}

void explore_thread(int thread)
{
	for (int i = 0; i < 2; i++)
		if (thread < 2)
			replace(10 * thread + i);
		else
			EXPLORE_ASSERT(look() >= 0);
}

void explore_after(void)
{
	conc_release(atomic_load_explicit(&current, memory_order_relaxed));
	conc_reclaim(NULL);
	explore_assert_no_leaks();
}
