/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Two delete a key each, or one of them only comes by; who misses one of the keys
 * has seen its deletion, and so sees what came before it, also when others have
 * given back its slot since.
 */
#include "dicts.h"

const int explore_threads = 3;

static const struct conc_value_ops ops = {
	.size = sizeof(struct conc_value_ops),
	.retain = counted_retain,
	.release = counted_release,
};
static bool retained, comes_by;
static int mark[2];

void explore_before(void)
{
	retained = explore_choose(2) == 1;
	comes_by = retained && explore_choose(2) == 1;
	dict_begin(retained ? CONC_VALUE_RETAINED : CONC_VALUE_BORROWED,
		   retained ? &ops : NULL);
	for (int i = 0; i < 2; i++)
		dict_set(key[i], retained ? pointer(counted_new(i))
					  : pointer(note_new(i)));
}

static void look(int which)
{
	struct conc_value value;

	if (conc_dict_int_get(dict, key[which], &value) != 0)
		EXPLORE_ASSERT(mark[which] == 1);
	else if (retained)
		counted_release(value.u.pointer, NULL);
}

void explore_thread(int thread)
{
	struct conc_value value;

	if (thread == 2) {
		explore_delay();
		explore_delay();
		look(0);
		look(1);
		return;
	}
	if (thread == 1 && comes_by) {
		explore_delay();
		dict_look(key[2], &value);
		dict_look(key[3], &value);
		return;
	}
	mark[thread] = 1;
	EXPLORE_ASSERT(conc_dict_int_delete(dict, key[thread]) == 0);
}

void explore_after(void)
{
	if (!retained)
		return;
	conc_dict_clear(dict);
	conc_dict_free(dict);
	conc_reclaim(NULL);
	explore_assert_no_leaks();
}
