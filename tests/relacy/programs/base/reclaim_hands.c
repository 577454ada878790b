/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who retires something and reclaims, while others end the period and free it: it
 * is freed when that is back, and who freed it has done so before.
 */
#include <concurrency/reclaim.h>

#include "base/rcu.h"

#include "explore.h"

const int explore_threads = 3;

static struct conc_retired blocks[2];
static int freed[2];

static void note_freed(struct conc_retired *block)
{
	freed[block - blocks] = 1;
}

void explore_before(void)
{
}

void explore_thread(int thread)
{
	switch (thread) {
	case 0:
		for (int i = 0; i < 2; i++)
			conc_retire(&blocks[i], note_freed);
		if (explore_choose(2) == 0)
			explore_delay();
		EXPLORE_ASSERT(conc_reclaim(NULL) == 0);
		for (int i = 0; i < 2; i++)
			EXPLORE_ASSERT(freed[i] == 1);
		break;
	default:
		for (int i = 0; i < 2; i++) {
			explore_delay();
			conc_rcu_rest_now();
		}
	}
}

void explore_after(void)
{
}
