/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An entry whose counted object is replaced, and deleted, while it is read and
 * its table is rebuilt: a reader's object, and one that is shown, is alive and
 * whole, and each is given back once, after its readers.
 */
#include "dicts.h"

const int explore_threads = 3;

static const struct conc_value_ops ops = {
	.size = sizeof(struct conc_value_ops),
	.retain = counted_retain,
	.release = counted_release,
};

void explore_before(void)
{
	dict_begin(CONC_VALUE_RETAINED, &ops);
	dict_set(key[0], pointer(counted_new(0)));
	dict_set(key[1], number(7));
}

static void look(void)
{
	struct conc_value value;

	dict_look(key[0], &value);
	if (value.kind == CONC_ABSENT)
		return;
	EXPLORE_ASSERT(((struct counted *)value.u.pointer)->content >= 0);
	counted_release(value.u.pointer, NULL);
}

void explore_thread(int thread)
{
	struct conc_value old;

	switch (thread) {
	case 0:
		dict_set(key[0], pointer(counted_new(1)));
		break;
	case 1:
		look();
		look();
		break;
	default:
		if (explore_choose(2) == 0) {
			dict_set(key[2], number(7));
			dict_set(key[3], number(7));
		} else if (conc_dict_int_take(dict, key[0], &old) == 0) {
			EXPLORE_ASSERT(((struct counted *)old.u.pointer)->content >= 0);
			counted_release(old.u.pointer, NULL);
		}
	}
}

void explore_after(void)
{
	conc_dict_clear(dict);
	conc_dict_free(dict);
	conc_reclaim(NULL);
	explore_assert_no_leaks();
}
