/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A count that becomes another count, an object or nothing if it is what
 * somebody expects, under adds and beside a reader: nothing that was added is
 * lost, and a reader never misses the key while it moves.  What a failed
 * exchange shows is the number that made it fail, though an add comes right
 * after that.
 */
#include "dicts.h"

const int explore_threads = 3;

static const struct conc_value_ops ops = {
	.size = sizeof(struct conc_value_ops),
	.try_retain = stable_try_retain,
	.release = stable_release,
};
static unsigned variant;
static int mark, mark_of_exchange; /* written before the add, the exchange */
static bool exchanged, added;

void explore_before(void)
{
	variant = explore_choose(3);
	dict_begin(CONC_VALUE_TYPE_STABLE, &ops);
	dict_set(key[0], number(5));
	dict_set(key[1], number(7));
}

static void exchange(void)
{
	struct conc_value expected = number(5), desired, present;
	int64_t sum;
	int rc;

	if (explore_choose(2) == 0)
		expected = number(6);
	switch (variant) {
	case 0:
		desired = number(50);
		break;
	case 1:
		desired = pointer(stable_new(50));
		break;
	default:
		desired = (struct conc_value){.kind = CONC_ABSENT};
	}
	explore_delay();
	mark_of_exchange = 1;
	rc = conc_dict_int_compare_exchange(dict, key[0], &expected, &desired,
					    &present);
	EXPLORE_ASSERT(rc == 0 || rc == -EAGAIN);
	exchanged = rc == 0;
	/* 6 was there, or 5 was not: the add has been. */
	if (exchanged == (expected.u.number == 6))
		EXPLORE_ASSERT(mark == 1);
	if (exchanged)
		EXPLORE_ASSERT(present.kind == CONC_ABSENT);
	else
		EXPLORE_ASSERT(present.u.number == 11 - expected.u.number);
	if (!exchanged && variant == 1)
		stable_release(desired.u.pointer, NULL);
	if (!exchanged && explore_choose(2) == 0) {
		/* 5 or 6, whatever was expected. */
		EXPLORE_ASSERT(conc_dict_int_add(dict, key[0], 0, &sum) == 0);
		EXPLORE_ASSERT(sum == 5 || (sum == 6 && mark == 1));
	}
}

static void add(void)
{
	int64_t sum;
	int rc;

	explore_delay();
	mark = 1;
	rc = conc_dict_int_add(dict, key[0], 1, &sum);
	EXPLORE_ASSERT(rc == 0 || (rc == -EDOM && variant == 1));
	added = rc == 0;
}

static void look(void)
{
	struct conc_value value;

	if (conc_dict_int_get(dict, key[0], &value) != 0) {
		EXPLORE_ASSERT(variant == 2);
	} else if (value.kind == CONC_POINTER) {
		EXPLORE_ASSERT(mark_of_exchange == 1);
		EXPLORE_ASSERT(((struct stable *)value.u.pointer)->content == 50);
		stable_release(value.u.pointer, NULL);
	} else {
		if (value.u.number >= 50)
			EXPLORE_ASSERT(mark_of_exchange == 1);
		if (value.u.number == 6 || value.u.number == 51)
			EXPLORE_ASSERT(mark == 1);
	}
}

void explore_thread(int thread)
{
	switch (thread) {
	case 0:
		exchange();
		break;
	case 1:
		add();
		break;
	default:
		look();
		explore_delay();
		look();
	}
}

void explore_after(void)
{
	struct conc_value value;
	int rc = conc_dict_int_get(dict, key[0], &value);

	if (!exchanged) {
		EXPLORE_ASSERT(rc == 0 && value.u.number == 6);
	} else if (variant == 0) {
		EXPLORE_ASSERT(rc == 0 && (value.u.number == 50 ||
					   value.u.number == 51));
	} else if (variant == 1) {
		EXPLORE_ASSERT(rc == 0 && value.kind == CONC_POINTER);
		stable_release(value.u.pointer, NULL);
	} else {
		EXPLORE_ASSERT(rc == -ENOENT || value.u.number == 1);
	}
	conc_dict_free(dict);
	stable_assert_none_left();
	conc_reclaim(NULL);
	explore_assert_no_leaks();
}
