/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One who replaces and begins a period, and two readers, one of whom has to end
 * it: who finds a reader gone is not who frees what that one had.
 */
#include "versions.h"

const int explore_threads = 3;

void explore_before(void)
{
	versions_begin();
}

void explore_thread(int thread)
{
	if (thread == 0) {
		version_replace_and_retire(2);
		conc_rcu_rest_now();
		return;
	}
	for (int i = 0; i < 2; i++)
		version_look();
	conc_rcu_rest_now();
}

void explore_after(void)
{
	versions_end();
}
