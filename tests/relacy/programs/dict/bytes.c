/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Keys that the dict owns: inserted, deleted and given back while others
 * compare them, and while a cursor holds one.
 */
#include "dicts.h"

const int explore_threads = 3;

static const char *const names[] = {"a", "b", "c"};

static bool get(int name)
{
	struct conc_value value;

	return conc_dict_get(dict, names[name], 1, &value) == 0;
}

static void insert(int name)
{
	struct conc_value value = number(name);

	EXPLORE_ASSERT(conc_dict_insert(dict, names[name], 1, &value, NULL) ==
		       0);
}

static void delete(int name)
{
	int rc = conc_dict_delete(dict, names[name], 1);

	EXPLORE_ASSERT(rc == 0 || (rc == -ENOENT && name == 1));
}

void explore_before(void)
{
	struct conc_dict_attr attr = {.size = sizeof(attr),
				      .scaling = 1,
				      .keys = CONC_KEY_BYTES,
				      .values = CONC_VALUE_INT64};

	EXPLORE_ASSERT(conc_dict_new(&attr, &dict) == 0);
	insert(0);
}

static void walk(void)
{
	struct conc_entry entry = CONC_ENTRY_INIT;
	conc_cursor *cursor;
	int first = 0;

	EXPLORE_ASSERT(conc_cursor_new(dict, &cursor) == 0);
	while (conc_cursor_next(cursor, &entry) == 0) {
		EXPLORE_ASSERT(entry.len == 1);
		first |= *(const char *)entry.key == 'a';
	}
	EXPLORE_ASSERT(first);
	conc_cursor_free(cursor);
}

void explore_thread(int thread)
{
	switch (thread) {
	case 0:
		insert(1);
		explore_delay();
		delete(1);
		break;
	case 1:
		if (get(1))
			get(2);
		EXPLORE_ASSERT(get(0));
		break;
	default:
		switch (explore_choose(3)) {
		case 0:
			walk();
			break;
		case 1:
			explore_delay();
			delete(1); /* which may be there by now */
			break;
		default:
			insert(2);
			delete(2);
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
