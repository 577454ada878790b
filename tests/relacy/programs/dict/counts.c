/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One count under adds while its table is rebuilt (variant 0), deleted (1), set
 * (2) or made an ordinary number too large for a count (3): no add is lost or
 * counted twice, and whoever sees an add in a sum sees what came before that
 * add.
 */
#include "dicts.h"

const int explore_threads = 3;

#define LARGE (INT64_C(1) << 59)

static unsigned variant;
static int mark[3]; /* written before an add of 1, of 100, a set to 10000 */
static int64_t taken;

void explore_before(void)
{
	variant = explore_choose(4);
	dict_begin(CONC_VALUE_INT64, NULL);
	if (explore_choose(2) == 0)
		dict_set(key[0], number(0));
	if (variant != 2)
		dict_set(key[1], number(7));
	if (variant == 0)
		dict_set(key[2], number(7));
}

/* Which adds a sum has in it, if nothing was taken out. */
static void see(int64_t sum)
{
	if (sum % 100 == 1)
		EXPLORE_ASSERT(mark[0] == 1);
	if (sum / 100 % 10 == 1)
		EXPLORE_ASSERT(mark[1] == 1);
	if (sum / 10000 == 1)
		EXPLORE_ASSERT(mark[2] == 1);
}

static void add(int which)
{
	int64_t sum;

	mark[which] = 1;
	EXPLORE_ASSERT(conc_dict_int_add(dict, key[0], which == 0 ? 1 : 100,
					 &sum) == 0);
	see(sum);
}

static void disturb(void)
{
	struct conc_value old = {.kind = CONC_ABSENT}, new = number(10000);
	int64_t sum;
	int rc;

	switch (variant) {
	case 0:
		dict_set(key[3], number(7));
		dict_set(key[4], number(7));
		break;
	case 1:
		rc = conc_dict_int_take(dict, key[0], &old);
		EXPLORE_ASSERT(rc == 0 || rc == -ENOENT);
		if (rc == 0) {
			taken = old.u.number;
			see(taken);
		}
		break;
	case 2:
		mark[2] = 1;
		EXPLORE_ASSERT(
			conc_dict_int_exchange(dict, key[0], &new, &old) == 0);
		taken = -10000;
		if (old.kind == CONC_NUMBER) {
			see(old.u.number);
			taken += old.u.number;
		}
		break;
	default:
		taken = -LARGE;
		EXPLORE_ASSERT(conc_dict_int_add(dict, key[0], LARGE, &sum) == 0);
		see(sum - LARGE);
	}
}

/* By a cursor, or a get. */
static bool find(int64_t *n)
{
	struct conc_value value;
	struct conc_entry entry = CONC_ENTRY_INIT;
	conc_cursor *cursor;
	bool found = false;

	if (explore_choose(2) == 0) {
		found = conc_dict_int_get(dict, key[0], &value) == 0;
		*n = value.u.number;
		return found;
	}
	EXPLORE_ASSERT(conc_cursor_new(dict, &cursor) == 0);
	while (conc_cursor_next(cursor, &entry) == 0) {
		if (entry.int_key != key[0])
			continue;
		EXPLORE_ASSERT(!found);
		found = true;
		*n = entry.value.u.number;
	}
	conc_cursor_free(cursor);
	return found;
}

static void look(void)
{
	int64_t n;

	if (find(&n))
		see(variant == 3 ? n % LARGE : n);
}

void explore_thread(int thread)
{
	if (thread == 2) {
		look();
		disturb();
		look();
		return;
	}
	add(thread);
	look();
}

void explore_after(void)
{
	struct conc_value value = number(0);

	conc_dict_int_get(dict, key[0], &value);
	EXPLORE_ASSERT(value.u.number + taken == 101);
	conc_dict_free(dict);
}
