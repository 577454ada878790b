/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A plain number under the lock: three threads, each twice, one with a deadline. */
#include "base/lock.h"

#include "explore.h"

const int explore_threads = 3;

static struct conc_lock lock;
static int number;

void explore_before(void)
{
}

void explore_thread(int thread)
{
	for (int i = 0; i < 2; i++) {
		if (thread == 0 && i == 1) {
			if (!conc_lock_try(&lock)) {
				i--;
				conc_lock_acquire(&lock, NULL);
			}
		} else if (thread == 1) {
			while (!conc_lock_acquire_until(&lock, CONC_TRY))
				;
		} else {
			conc_lock_acquire(&lock, NULL);
		}
		number++;
		conc_lock_release(&lock);
	}
}

void explore_after(void)
{
	EXPLORE_ASSERT(number >= 6);
}
