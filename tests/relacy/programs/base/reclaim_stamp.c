/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is given back when the grace period that its stamp asks for has passed,
 * whoever waited for it: not before who can have it has left its section.
 */
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

	for (int i = 0; i < 2; i++)
		if (conc_rcu_passed(stamp)) {
			conc_release(old);
			return;
		}
}

void explore_thread(int thread)
{
	switch (thread) {
	case 0:
		replace();
		break;
	case 1:
		conc_reclaim(NULL);
		conc_reclaim(NULL);
		break;
	default:
		for (int i = 0; i < 2; i++) {
			conc_reader *reader = conc_rcu_enter();

			/* acquire: the content of a new one. */
			EXPLORE_ASSERT(note_read(atomic_load_explicit(
					       &current, memory_order_acquire)) > 0);
			conc_rcu_leave(reader);
		}
	}
}

void explore_after(void)
{
}
