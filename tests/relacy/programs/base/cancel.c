/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A token: who finds it fired, or is told so by a call that was given it, has
 * seen what was written before.
 */
#include <concurrency/cancel.h>

#include "base/cancel.h"

#include "explore.h"

const int explore_threads = 2;

static conc_cancel *cancel;
static int reason; /* plain: a race if nothing orders it */

void explore_before(void)
{
	EXPLORE_ASSERT(conc_cancel_new(&cancel) == 0);
	EXPLORE_ASSERT(!conc_cancel_fired(cancel));
}

static bool finds_it_fired(void)
{
	if (explore_choose(2) == 0)
		return conc_cancel_fired(cancel);
	return conc_wait_check(CONC_FOREVER, cancel) == -ECANCELED;
}

void explore_thread(int thread)
{
	if (thread == 0) {
		reason = 1;
		conc_cancel_fire(cancel);
	} else if (finds_it_fired()) {
		EXPLORE_ASSERT(reason == 1);
	}
}

void explore_after(void)
{
	EXPLORE_ASSERT(conc_cancel_fired(cancel));
	conc_cancel_reset(cancel);
	EXPLORE_ASSERT(!conc_cancel_fired(cancel));
	conc_cancel_free(cancel);
	explore_assert_no_leaks();
}
