/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What every check program here begins and ends with. */
#ifndef TESTS_SUITE_H
#define TESTS_SUITE_H

#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/*
 * Runs the tests, each in a process of its own, so that one that hangs fails
 * when its seconds are up; returns what main() returns.
 */
static inline int run_tests(const char *name, const TTest *const *tests,
			    size_t count, double seconds_each)
{
	Suite *suite = suite_create(name);
	SRunner *runner = srunner_create(suite);
	int failed;

	for (size_t i = 0; i < count; i++) {
		TCase *tcase = tcase_create(tests[i]->name);

		tcase_set_timeout(tcase, seconds_each);
		tcase_add_test(tcase, tests[i]);
		suite_add_tcase(suite, tcase);
	}
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
