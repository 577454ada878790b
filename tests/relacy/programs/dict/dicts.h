/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Dicts with int64 keys that all lie in one shard, so that they meet. */
#ifndef EXPLORE_DICTS_H
#define EXPLORE_DICTS_H

#include <concurrency/dict.h>

#include <errno.h>

#include "dict/table.h"
#include "base/hash.h"

#include "explore.h"
#include "objects.h"

#define KEYS_MOST 8

static conc_dict *dict;
static int64_t key[KEYS_MOST]; /* of one shard */

static inline void dict_begin(enum conc_lifetime values,
			      const struct conc_value_ops *ops)
{
	struct conc_dict_attr attr = {.size = sizeof(attr),
				      .scaling = 1,
				      .keys = CONC_KEY_INT64,
				      .values = values};
	int found = 0;

	if (ops != NULL)
		attr.value_ops = ops;
	EXPLORE_ASSERT(conc_dict_new(&attr, &dict) == 0);
	for (int64_t i = 1; found < KEYS_MOST; i++)
		if (shard_of(dict, conc_mix(dict->multiplier, (uint64_t)i)) ==
		    &dict->shards[0])
			key[found++] = i;
}

static inline struct conc_value number(int64_t n)
{
	return (struct conc_value){.kind = CONC_NUMBER, .u.number = n};
}

static inline struct conc_value pointer(void *p)
{
	return (struct conc_value){.kind = CONC_POINTER, .u.pointer = p};
}

static inline void dict_set(int64_t k, struct conc_value value)
{
	EXPLORE_ASSERT(conc_dict_int_set(dict, k, &value) == 0);
}

/* What a pointer's key has: by a get, or shown by an exchange that cannot succeed. */
static inline void dict_look(int64_t k, struct conc_value *value)
{
	const struct conc_value never = number(-1), none = {.kind = CONC_ABSENT};

	if (explore_choose(4) != 0)
		conc_dict_int_get(dict, k, value);
	else
		EXPLORE_ASSERT(conc_dict_int_compare_exchange(
				       dict, k, &never, &none, value) == -EAGAIN);
}

#endif
