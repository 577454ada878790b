/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pointers that the dict does not own, set and inserted and deleted while they
 * are read, and tables that come and go: what is read is whole, and a key that
 * nobody deletes is always there.
 */
#include "dicts.h"

const int explore_threads = 3;

void explore_before(void)
{
	dict_begin(CONC_VALUE_BORROWED, NULL);
	if (explore_choose(2) == 0)
		return;
	dict_set(key[1], pointer(note_new(1)));
	dict_set(key[2], pointer(note_new(1)));
}

static bool look(int64_t k)
{
	struct conc_value value;

	if (conc_dict_int_get(dict, k, &value) != 0)
		return false;
	EXPLORE_ASSERT(note_read(value.u.pointer) > 0);
	return true;
}

void explore_thread(int thread)
{
	struct conc_value old;
	bool there;

	switch (thread) {
	case 0:
		dict_set(key[0], pointer(note_new(1)));
		dict_set(key[0], pointer(note_new(2)));
		EXPLORE_ASSERT(look(key[0]));
		break;
	case 1:
		explore_delay();
		there = look(key[0]);
		explore_delay();
		EXPLORE_ASSERT(look(key[0]) || !there);
		if (there) {
			/* Another writer's value, through the lock. */
			EXPLORE_ASSERT(
				conc_dict_int_exchange(
					dict, key[0],
					&(struct conc_value){
						.kind = CONC_POINTER,
						.u.pointer = note_new(3)},
					&old) == 0);
			EXPLORE_ASSERT(note_read(old.u.pointer) > 0);
		}
		break;
	default:
		dict_set(key[3], pointer(note_new(1)));
		EXPLORE_ASSERT(conc_dict_int_take(dict, key[3], &old) == 0);
		EXPLORE_ASSERT(note_read(old.u.pointer) == 1);
		EXPLORE_ASSERT(!look(key[3]));
	}
}

void explore_after(void)
{
	EXPLORE_ASSERT(look(key[0]));
}
