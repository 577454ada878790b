/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Two who replace, each twice, and so end a period and begin the next with one
 * barrier; a thread that comes meanwhile, with its first section.
 */
#include "versions.h"

const int explore_threads = 3;

void explore_before(void)
{
	versions_begin();
}

void explore_thread(int thread)
{
	for (int i = 0; i < 2; i++)
		if (thread < 2) {
			version_replace_and_retire(10 * thread + i + 1);
			conc_rcu_rest_without(NULL);
		} else {
			version_look();
		}
}

void explore_after(void)
{
	versions_end();
}
