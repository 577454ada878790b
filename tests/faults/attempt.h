/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One call, of which each allocation is made to fail in turn. */
#ifndef TESTS_ATTEMPT_H
#define TESTS_ATTEMPT_H

#include <stdbool.h>

#include "alloc_sites.h"
#include "base/rcu.h"
#include "suite.h"

/* How often a kind of call met an allocation that failed. */
struct attempts {
	long refused; /* and answered -ENOMEM */
	long managed; /* and did its work all the same */
};

/*
 * Makes the call with its n-th allocation failing, n = 1, 2, ..., that one
 * alone and all after it too, until it is through.  Each time before it answers
 * -ENOMEM, and then `unchanged` looks whether all is as it was.  Returns the
 * last answer.
 */
static inline int attempt(int (*call)(void *subject),
			  void (*unchanged)(void *subject), void *subject,
			  struct attempts *attempts)
{
	for (long n = 0;; n++)
		for (int once = 0; once < 2; once++) {
			long failed;
			int rc;

			alloc_fail_after(n, once);
			rc = call(subject);
			failed = alloc_fail_no_more();
			if (failed == 0)
				return rc;
			if (rc != -ENOMEM) {
				attempts->managed++;
				return rc;
			}
			attempts->refused++;
			unchanged(subject);
		}
}

/* The same while nothing that waits in a structure alone is released. */
static inline int attempt_undisturbed(int (*call)(void *subject),
				      void (*unchanged)(void *subject),
				      void *subject, struct attempts *attempts)
{
	int rc;

	conc_rcu_drains(conc_rcu_reader(), true);
	rc = attempt(call, unchanged, subject, attempts);
	conc_rcu_drains(conc_rcu_reader(), false);
	return rc;
}

/* One file each: puts its tests into the list and returns how many. */
size_t dict_allocations(const TTest **tests);
size_t other_allocations(const TTest **tests);

#endif
