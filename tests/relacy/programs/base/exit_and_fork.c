/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Two threads that come or go, and one that forks: it does not fork while one
 * of them is passing, nobody sleeps for ever, and what was done before the fork
 * went on is seen by who was held up.
 */
#include "base/thread_exit.c"
#include "base/fork.c"

#include "explore.h"

const int explore_threads = 3;

static int children;

void explore_before(void)
{
	explore_stop_time(); /* hold() would not wait for ever */
}

void explore_thread(int thread)
{
	if (thread == 2) {
		conc_before_fork();
		children++; /* beside a thread that is passing it would be a race */
		conc_before_fork();
		conc_after_fork_parent();
		conc_after_fork_parent();
		return;
	}
	announce(CONC_FOREVER);
	(void)*(volatile int *)&children;
	sign_off();
}

void explore_after(void)
{
	EXPLORE_ASSERT(children == 1);
}
