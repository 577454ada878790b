/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Deadlines: which numbers are one. */
#ifndef CONC_CLOCK_H
#define CONC_CLOCK_H

#include <concurrency/common.h>

/* conc_now() when the library was loaded; never changes after that. */
extern int64_t conc_loaded_at __attribute__((visibility("hidden")));

/*
 * A time from before the library was loaded was meant relative to now: it would
 * have passed, and the call would wait not at all.
 */
static inline bool conc_is_deadline(int64_t deadline)
{
	/* CONC_FOREVER and CONC_TRY, in one comparison. */
	return (uint64_t)deadline + 1 <= 1 || deadline >= conc_loaded_at;
}

#endif
