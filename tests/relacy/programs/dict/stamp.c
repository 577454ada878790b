/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A key of the user's that is deleted while somebody else waits for a grace
 * period: it is not given back before who compares it has left.
 */
#include "dicts.h"

const int explore_threads = 3;

static struct counted probe = {1, 7};

static int hash(const void *object, uint64_t *hash, void *user)
{
	(void)object;
	(void)user;
	*hash = 1;
	return 0;
}

static enum conc_equal equal(const void *one, const void *stored, void *user)
{
	const struct counted *a = one, *b = stored;

	(void)user;
	return a->content == b->content ? CONC_EQUAL : CONC_DIFFERENT;
}

static bool get(void)
{
	struct conc_value value;

	return conc_dict_get(dict, &probe, 0, &value) == 0;
}

void explore_before(void)
{
	const struct conc_key_ops ops = {.size = sizeof(ops),
					 .hash = hash,
					 .fast_eq = equal,
					 .retain = counted_retain,
					 .release = counted_release};
	struct conc_dict_attr attr = {.size = sizeof(attr),
				      .scaling = 1,
				      .keys = CONC_KEY_GENERAL,
				      .values = CONC_VALUE_INT64,
				      .key_ops = &ops};
	struct conc_value value = number(1);
	struct counted *stored = counted_new(7);

	EXPLORE_ASSERT(conc_dict_new(&attr, &dict) == 0);
	EXPLORE_ASSERT(conc_dict_insert(dict, stored, 0, &value, NULL) == 0);
	counted_release(stored, NULL);
}

void explore_thread(int thread)
{
	switch (thread) {
	case 0:
		explore_delay();
		EXPLORE_ASSERT(conc_dict_delete(dict, &probe, 0) == 0);
		break;
	case 1:
		explore_delay();
		conc_reclaim(NULL);
		conc_reclaim(NULL);
		break;
	default:
		explore_delay();
		if (get())
			get();
	}
}

void explore_after(void)
{
	conc_dict_clear(dict);
	conc_dict_free(dict);
	conc_reclaim(NULL);
	explore_assert_no_leaks();
}
