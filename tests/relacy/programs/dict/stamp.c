/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A key that is deleted while somebody else waits for a grace period: it is not
 * given back before who compares it has left.
 */
#include "dicts.h"

const int explore_threads = 3;

static bool get(const char *name)
{
	struct conc_value value;

	return conc_dict_get(dict, name, 1, &value) == 0;
}

void explore_before(void)
{
	struct conc_dict_attr attr = {.size = sizeof(attr),
				      .scaling = 1,
				      .keys = CONC_KEY_BYTES,
				      .values = CONC_VALUE_INT64};
	struct conc_value value = number(1);

	EXPLORE_ASSERT(conc_dict_new(&attr, &dict) == 0);
	EXPLORE_ASSERT(conc_dict_insert(dict, "a", 1, &value, NULL) == 0);
}

void explore_thread(int thread)
{
	switch (thread) {
	case 0:
		explore_delay();
		EXPLORE_ASSERT(conc_dict_delete(dict, "a", 1) == 0);
		break;
	case 1:
		explore_delay();
		conc_reclaim(NULL);
		conc_reclaim(NULL);
		break;
	default:
		explore_delay();
		if (get("a"))
			get("a");
	}
}

void explore_after(void)
{
	conc_dict_clear(dict);
	conc_dict_free(dict);
	conc_reclaim(NULL);
	explore_assert_no_leaks();
}
