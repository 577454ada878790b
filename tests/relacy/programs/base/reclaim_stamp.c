/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is given back when the grace period that its stamp asks for has passed,
 * whoever polled for it: not before who can have it has left its section.
 */
#include <concurrency/reclaim.h>

#include "base/rcu.h"

#include "explore.h"
#include "objects.h"

const int explore_threads = 3;

static _Atomic(struct note *) current;

void explore_before(void)
{
	atomic_store_explicit(&current, note_new(1), memory_order_relaxed);
}

static void replace(void)
{
	struct note *old = atomic_exchange_explicit(&current, note_new(2),
						    memory_order_seq_cst);
	uint64_t stamp = conc_rcu_stamp();

	for (int i = 0; i < 3; i++) {
		explore_delay();
		if (conc_rcu_passed(stamp)) {
			conc_release(old);
			return;
		}
	}
}

static void look(void)
{
	conc_reader *reader = conc_rcu_enter();
	/* acquire: the content of a new one. */
	struct note *note = atomic_load_explicit(&current, memory_order_acquire);

	explore_delay();
	EXPLORE_ASSERT(note_read(note) > 0);
	conc_rcu_leave(reader);
}

void explore_thread(int thread)
{
	switch (thread) {
	case 0:
		explore_delay();
		replace();
		break;
	case 1:
		/* Of a stamp of its own. */
		conc_rcu_stamp();
		conc_rcu_rest_now();
		conc_rcu_rest_now();
		conc_rcu_rest_now();
		break;
	default:
		for (int i = 0; i < 2; i++)
			look();
	}
}

void explore_after(void)
{
}
