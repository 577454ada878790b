/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What changes a count in its slot, without the lock and without a search:
 * adding, and setting (or exchanging) a number where there is one.  All else
 * goes the way of every write (write.h).
 *
 * add is one fetch_add, which linearizes there unless the word returned was
 * FROZEN or DEAD; then it did not count.  set is one compare-exchange of a word
 * that is a COUNT, neither FROZEN nor DEAD.
 */
#include <config.h>

#include "count.h"
#include "drain.h"
#include "probe.h"
#include "store.h"

/* Inside a section.  The key's slot; NULL: it has none, or it takes a search. */
static CONC_INLINE struct slot *find_slot(conc_dict *dict,
					  enum conc_key_kind keys, uint64_t key,
					  size_t len, uint64_t hash)
{
	uint64_t mixed = conc_mix(dict->multiplier, hash);
	struct table *table;
	uint32_t at;

	return probe_shard(dict, keys, shard_of(dict, mixed), mixed, key, len,
			   &table, &at) == FOUND
		       ? &table->slots[at]
		       : NULL;
}

/* Whether the add counted. */
static CONC_INLINE bool add_at_once(conc_dict *dict, enum conc_key_kind keys,
				    uint64_t key, size_t len, uint64_t hash,
				    int64_t n, int64_t *sum)
{
	conc_reader *reader = conc_rcu_enter();
	struct slot *slot = find_slot(dict, keys, key, len, hash);
	bool counted = slot != NULL && add_in_place(slot, n, sum);

	conc_rcu_leave(reader);
	if (counted)
		conc_dict_rest(dict, reader, NULL);
	return counted;
}

/* Inside a section.  A count by a count; *old has what it replaced. */
static bool set_in_place(struct slot *slot, uint64_t word, uint64_t *old)
{
	*old = atomic_load_explicit(&slot->word, memory_order_relaxed);
	CONC_YIELD_POINT();
	while ((*old & WORD_TAGS) == WORD_COUNT)
		/* acq_rel: as an add. */
		if (atomic_compare_exchange_weak_explicit(
			    &slot->word, old, word, memory_order_acq_rel,
			    memory_order_relaxed))
			return true;
	return false;
}

/* Whether it is done. */
static CONC_INLINE bool set_at_once(conc_dict *dict, enum conc_key_kind keys,
				    uint64_t key, size_t len, uint64_t hash,
				    uint64_t word, struct conc_value *old)
{
	conc_reader *reader = conc_rcu_enter();
	struct slot *slot = find_slot(dict, keys, key, len, hash);
	uint64_t replaced;
	bool done = slot != NULL && set_in_place(slot, word, &replaced);

	conc_rcu_leave(reader);
	if (done && old != NULL)
		word_decode(dict->values, replaced, old);
	if (done)
		conc_dict_rest(dict, reader, NULL);
	return done;
}

/* Inline, as add() below: with `keys' known, nothing is left of the other kinds. */
static CONC_INLINE int set(conc_dict *dict, enum conc_key_kind keys,
			   uint64_t key, size_t len, uint64_t hash,
			   const struct conc_value *value,
			   struct conc_value *old)
{
	uint64_t word;
	int rc = word_encode(dict->values, value, &word);

	if (rc < 0)
		return rc;
	if (dict->values != CONC_VALUE_BORROWED && (word & WORD_COUNT) != 0 &&
	    set_at_once(dict, keys, key, len, hash, word, old))
		return 0;
	return conc_dict_set_by_search(dict, key, len, hash, word, old);
}

int conc_dict_set(conc_dict *dict, const void *key, size_t len,
		  const struct conc_value *value)
{
	uint64_t hash;
	int rc = conc_search_hash(dict, key, len, &hash);

	if (rc < 0)
		return rc;
	return set(dict, dict->keys, (uintptr_t)key, len, hash, value, NULL);
}

int conc_dict_int_set(conc_dict *dict, int64_t key,
		      const struct conc_value *value)
{
	if (!takes_int_keys(dict))
		return -EINVAL;
	return set(dict, CONC_KEY_INT64, (uint64_t)key, 0, (uint64_t)key,
		   value, NULL);
}

int conc_dict_exchange(conc_dict *dict, const void *key, size_t len,
		       const struct conc_value *value, struct conc_value *old)
{
	uint64_t hash;
	int rc = old == NULL ? -EINVAL : conc_search_hash(dict, key, len, &hash);

	if (rc < 0)
		return rc;
	return set(dict, dict->keys, (uintptr_t)key, len, hash, value, old);
}

int conc_dict_int_exchange(conc_dict *dict, int64_t key,
			   const struct conc_value *value,
			   struct conc_value *old)
{
	if (old == NULL || !takes_int_keys(dict))
		return -EINVAL;
	return set(dict, CONC_KEY_INT64, (uint64_t)key, 0, (uint64_t)key,
		   value, old);
}

int conc_dict_set_number(conc_dict *dict, const void *key, size_t len,
			 int64_t number)
{
	struct conc_value value = {.kind = CONC_NUMBER, .u.number = number};

	return conc_dict_set(dict, key, len, &value);
}

int conc_dict_int_set_number(conc_dict *dict, int64_t key, int64_t number)
{
	struct conc_value value = {.kind = CONC_NUMBER, .u.number = number};

	return conc_dict_int_set(dict, key, &value);
}

int conc_dict_set_pointer(conc_dict *dict, const void *key, size_t len,
			  void *pointer)
{
	struct conc_value value = {.kind = CONC_POINTER, .u.pointer = pointer};

	return conc_dict_set(dict, key, len, &value);
}

int conc_dict_int_set_pointer(conc_dict *dict, int64_t key, void *pointer)
{
	struct conc_value value = {.kind = CONC_POINTER, .u.pointer = pointer};

	return conc_dict_int_set(dict, key, &value);
}

static CONC_INLINE int add(conc_dict *dict, enum conc_key_kind keys, uint64_t key,
			   size_t len, uint64_t hash, int64_t n, int64_t *sum)
{
	return add_at_once(dict, keys, key, len, hash, n, sum)
		       ? 0
		       : conc_dict_add_by_search(dict, key, len, hash, n, sum);
}

int conc_dict_add(conc_dict *dict, const void *key, size_t len, int64_t n,
		  int64_t *sum)
{
	uint64_t hash;
	int rc = conc_search_hash(dict, key, len, &hash);

	if (rc < 0)
		return rc;
	if (dict->values == CONC_VALUE_BORROWED)
		return -EINVAL;
	return add(dict, dict->keys, (uintptr_t)key, len, hash, n, sum);
}

int conc_dict_int_add(conc_dict *dict, int64_t key, int64_t n, int64_t *sum)
{
	if (!takes_int_keys(dict) || dict->values == CONC_VALUE_BORROWED)
		return -EINVAL;
	return add(dict, CONC_KEY_INT64, (uint64_t)key, 0, (uint64_t)key, n,
		   sum);
}
