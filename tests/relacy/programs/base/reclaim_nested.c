/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A section within another: the inner one's end does not end the outer one. */
#include "versions.h"

const int explore_threads = 2;

void explore_before(void)
{
	versions_begin();
}

static void look_within(void)
{
	conc_reader *reader = conc_rcu_enter();
	struct version *version = atomic_load_explicit(&current,
						       memory_order_acquire);

	version_look();
	EXPLORE_ASSERT(version->content > 0);
	conc_rcu_leave(reader);
	conc_rcu_rest(reader, NULL);
}

void explore_thread(int thread)
{
	for (int i = 0; i < 2; i++)
		if (thread == 0) {
			version_replace_and_retire(i + 2);
			conc_rcu_rest_now();
			conc_rcu_rest_now();
		} else {
			look_within();
		}
}

void explore_after(void)
{
	versions_end();
}
