/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every allocation of the library fails, each in its turn: the call answers
 * -ENOMEM, all is as it was, the next call works, and nothing leaks.  In one
 * process: at its end no place that allocates may be left that never failed.
 */
#include <config.h>

#include <concurrency.h>
#include <stdio.h>

#include "attempt.h"

#define POOL 16
#define ITEMS 1100 /* more than a queue's first two segments hold */

/*
 * Fills the library's pool of segments, so that from here on what is live
 * before a test is live after it.
 */
static bool fill_pool(void)
{
	conc_queue *queues[POOL];
	int rc = 0;

	for (int i = 0; i < POOL; i++) {
		rc |= conc_queue_new(NULL, &queues[i]);
		for (int n = 0; n < ITEMS; n++)
			rc |= conc_queue_push(queues[i], queues);
	}
	for (int i = 0; i < POOL; i++)
		conc_queue_free(queues[i]);
	return rc == 0;
}

START_TEST(no_place_that_allocates_has_been_left_out)
{
	int failed, sites = alloc_count_sites(&failed);

	alloc_name_sites_that_never_failed();
	ck_assert_int_gt(sites, 0);
	ck_assert_int_eq(failed, sites);
	printf("%d places allocate, each has failed\n", sites);
}
END_TEST

int main(void)
{
	const TTest *tests[32];
	size_t count;

	setenv("CK_FORK", "no", 1);
	if (!fill_pool())
		return EXIT_FAILURE;
	count = dict_allocations(tests);
	count += other_allocations(tests + count);
	tests[count++] = no_place_that_allocates_has_been_left_out;
	return run_tests("failing allocations", tests, count, 300);
}
