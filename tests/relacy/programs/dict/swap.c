/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A number is set where another thread makes the count and adds to it: what the
 * set replaces is the last sum, and who gets that sees what came before each
 * add.
 */
#include "dicts.h"

const int explore_threads = 2;

static int mark;

void explore_before(void)
{
	dict_begin(CONC_VALUE_INT64, NULL);
}

void explore_thread(int thread)
{
	struct conc_value old, new = number(10);
	int64_t sum;

	if (thread == 0) {
		EXPLORE_ASSERT(
			conc_dict_int_exchange(dict, key[0], &new, &old) == 0);
		EXPLORE_ASSERT(old.kind == CONC_ABSENT || old.u.number <= 2);
		if (old.kind == CONC_NUMBER && old.u.number == 2)
			EXPLORE_ASSERT(mark == 1);
		return;
	}
	EXPLORE_ASSERT(conc_dict_int_add(dict, key[0], 1, &sum) == 0);
	mark = 1;
	EXPLORE_ASSERT(conc_dict_int_add(dict, key[0], 1, &sum) == 0);
}

void explore_after(void)
{
	conc_dict_free(dict);
}
