/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Two references, two threads: each sets one and looks at the other.  As every
 * step is in one order of all, at least one of them sees what the other has
 * set.
 */
#include <concurrency/ref.h>

#include "explore.h"

const int explore_threads = 2;

static conc_ref *ref[2];
static unsigned by; /* set, or compare_exchange */
static bool seen[2];

static const struct conc_value zero = {.kind = CONC_NUMBER, .u.number = 0};
static const struct conc_value one = {.kind = CONC_NUMBER, .u.number = 1};

void explore_before(void)
{
	by = explore_choose(2);
	for (int i = 0; i < 2; i++) {
		EXPLORE_ASSERT(conc_ref_new(NULL, &ref[i]) == 0);
		EXPLORE_ASSERT(conc_ref_set(ref[i], &zero) == 0);
	}
}

void explore_thread(int thread)
{
	struct conc_value value;

	if (by == 0)
		EXPLORE_ASSERT(conc_ref_set(ref[thread], &one) == 0);
	else
		EXPLORE_ASSERT(conc_ref_compare_exchange(ref[thread], &zero,
							 &one, NULL) == 0);
	EXPLORE_ASSERT(conc_ref_get(ref[!thread], &value) == 0);
	seen[thread] = value.u.number == 1;
}

void explore_after(void)
{
	EXPLORE_ASSERT(seen[0] || seen[1]);
}
