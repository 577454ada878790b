/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A reader that got no memory for a record, and later one that did. */
#include "versions.h"

const int explore_threads = 3;

void explore_before(void)
{
	versions_begin();
}

void explore_thread(int thread)
{
	switch (thread) {
	case 0:
		version_replace_and_retire(2);
		conc_rcu_rest_now();
		break;
	case 1:
		version_look();
		conc_rcu_rest_now();
		conc_rcu_rest_now();
		break;
	default:
		explore_without_memory(true);
		version_look();
		explore_without_memory(explore_choose(2) == 0);
		version_look();
	}
}

void explore_after(void)
{
	explore_without_memory(false);
	versions_end();
}
