/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "clock.h"

#include <time.h>

#define NS_PER_S INT64_C(1000000000)

int64_t conc_loaded_at;

__attribute__((constructor)) static void note_load(void)
{
	conc_loaded_at = conc_now();
}

int64_t conc_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

int64_t conc_deadline_after(int64_t ns)
{
	int64_t deadline;

	if (ns <= 0)
		return CONC_TRY;
	if (__builtin_add_overflow(conc_now(), ns, &deadline))
		return CONC_FOREVER;
	return deadline;
}
