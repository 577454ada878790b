/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Two who wait for the same key, and who brings it, or fails: both get the
 * value whole, or learn of the failure, and a value that came before it is not
 * missed.
 */
#include <concurrency/gather.h>

#include <errno.h>

#include "explore.h"
#include "objects.h"

const int explore_threads = 3;

static conc_gather *gather;
static int reason; /* written before the failure */
static unsigned ending; /* 1: fails instead; 2: fails after the value */

void explore_before(void)
{
	struct conc_gather_attr attr = {.size = sizeof(attr),
					.values = CONC_VALUE_BORROWED,
					.scaling = 1};

	ending = explore_choose(3);
	EXPLORE_ASSERT(conc_gather_new(&attr, &gather) == 0);
}

void explore_thread(int thread)
{
	struct conc_value value;
	int rc;

	if (thread == 2) {
		value = (struct conc_value){.kind = CONC_POINTER,
					    .u.pointer = note_new(1)};
		if (ending != 1)
			EXPLORE_ASSERT(conc_gather_insert(gather, 3, &value) == 0);
		if (ending != 0) {
			reason = 1;
			conc_gather_fail(gather);
		}
		return;
	}
	if (conc_gather_has_failed(gather))
		EXPLORE_ASSERT(reason == 1);
	rc = conc_gather_take(gather, 3, false, &value, CONC_FOREVER, NULL);
	if (rc == 0)
		EXPLORE_ASSERT(note_read(value.u.pointer) == 1);
	EXPLORE_ASSERT(rc == (ending == 1 ? -ENOTRECOVERABLE : 0));
	if (rc != 0)
		EXPLORE_ASSERT(conc_gather_has_failed(gather) && reason == 1);
}

void explore_after(void)
{
}
