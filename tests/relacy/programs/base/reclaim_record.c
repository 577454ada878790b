/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A thread that ends, also inside a section, and one that comes later and may
 * have its sections with the same record.
 */
#include "versions.h"

const int explore_threads = 3;

void explore_before(void)
{
	versions_begin();
}

static void look_and_end(void)
{
	version_look();
	if (explore_choose(2) == 0) {
		conc_rcu_enter();
		EXPLORE_ASSERT(version_read() > 0);
	}
	conc_rcu_thread_ends();
	urcu_bp_reader_own.ctr = 0; /* as liburcu does */
	conc_rcu_thread_ended();
}

void explore_thread(int thread)
{
	switch (thread) {
	case 0:
		look_and_end();
		break;
	case 1:
		explore_delay();
		version_look();
		version_look();
		break;
	default:
		for (int i = 0; i < 2; i++) {
			version_replace_and_retire(i + 2);
			conc_rcu_rest_now();
		}
		conc_rcu_rest_now();
	}
}

void explore_after(void)
{
	versions_end();
}
