/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A number in a block that writers replace and retire while readers read it: no
 * block is freed before who can have it has left its section, and none is
 * forgotten.
 */
#ifndef EXPLORE_VERSIONS_H
#define EXPLORE_VERSIONS_H

#include "base/grace.h"
#include "base/memory.h"

#include <concurrency/reclaim.h>

#include "explore.h"

struct version {
	struct conc_retired retired;
	int content;
};

static _Atomic(struct version *) current;

static inline void version_free(struct conc_retired *block)
{
	conc_release(block);
}

static inline struct version *version_new(int content)
{
	struct version *version = conc_alloc(sizeof(*version));

	version->content = content;
	return version;
}

static inline void versions_begin(void)
{
	atomic_store_explicit(&current, version_new(1), memory_order_relaxed);
}

static inline struct version *version_replace(int content)
{
	return atomic_exchange_explicit(&current, version_new(content),
					memory_order_acq_rel);
}

static inline void version_replace_and_retire(int content)
{
	struct version *old = version_replace(content);

	old->retired.bytes = sizeof(*old);
	conc_retire(&old->retired, version_free);
}

/* Inside a section; what happens meanwhile may take long. */
static inline int version_read(void)
{
	/* acquire: the content of a new one. */
	struct version *version = atomic_load_explicit(&current,
						       memory_order_acquire);

	if (explore_choose(2) == 0)
		explore_delay();
	return version->content;
}

static inline void version_look(void)
{
	conc_reader *reader = conc_rcu_enter();

	EXPLORE_ASSERT(version_read() > 0);
	conc_rcu_leave(reader);
	conc_rcu_rest(reader, NULL);
}

static inline void versions_end(void)
{
	conc_release(atomic_load_explicit(&current, memory_order_relaxed));
	EXPLORE_ASSERT(conc_reclaim(NULL) == 0);
	EXPLORE_ASSERT(conc_reclaim_pending() == 0);
	explore_assert_no_leaks();
}

#endif
