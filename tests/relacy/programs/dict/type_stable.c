/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An entry whose object is replaced, deleted and put back, in memory that
 * others of its kind use meanwhile, while the table is rebuilt: a reader, or
 * who is shown what is there, gets an object that the dict held during the
 * call, whole.
 */
#include "dicts.h"

const int explore_threads = 3;

#define STRANGER 100

static const struct conc_value_ops ops = {
	.size = sizeof(struct conc_value_ops),
	.try_retain = stable_try_retain,
	.release = stable_release,
};
static unsigned variant;

void explore_before(void)
{
	variant = explore_choose(3);
	dict_begin(CONC_VALUE_TYPE_STABLE, &ops);
	dict_set(key[0], pointer(stable_new(0)));
	dict_set(key[1], number(7));
	dict_set(key[2], number(7));
}

static void be_a_stranger(void)
{
	stable_release(stable_new(STRANGER), NULL);
}

static void change(void)
{
	struct conc_value old;

	switch (variant) {
	case 0: /* in its slot */
		dict_set(key[0], pointer(stable_new(1)));
		break;
	case 1: /* gone in the new table, frozen for ever in the old one */
		dict_set(key[3], number(7));
		EXPLORE_ASSERT(conc_dict_int_take(dict, key[0], &old) == 0);
		stable_release(old.u.pointer, NULL);
		break;
	default:
		EXPLORE_ASSERT(conc_dict_int_delete(dict, key[0]) == 0);
		dict_set(key[0], pointer(stable_new(1)));
	}
	be_a_stranger();
}

static int look(int least)
{
	struct conc_value value;
	int content;

	dict_look(key[0], &value);
	if (value.kind == CONC_ABSENT) {
		EXPLORE_ASSERT(variant != 0);
		return least;
	}
	content = ((struct stable *)value.u.pointer)->content;
	EXPLORE_ASSERT(content != STRANGER && content >= least);
	stable_release(value.u.pointer, NULL);
	return content;
}

void explore_thread(int thread)
{
	switch (thread) {
	case 0:
		change();
		break;
	case 1:
		look(look(0));
		break;
	default:
		if (explore_choose(2) == 0)
			dict_set(key[4], number(7));
		else
			look(0);
	}
}

void explore_after(void)
{
	conc_dict_free(dict);
	stable_assert_none_left();
	conc_reclaim(NULL);
	explore_assert_no_leaks();
}
