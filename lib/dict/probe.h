/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The walk along a probe chain, inside a section, as far as it can tell by
 * itself: the same pointer, int64, bytes, fast_eq.  That answers nearly every
 * look.  A key that has to be asked outside, or a word on its way to another
 * slot or table, takes a search (search.h), which begins anew.
 */
#ifndef CONC_DICT_PROBE_H
#define CONC_DICT_PROBE_H

#include <string.h>

#include "table.h"

/* ASK: full_eq has to tell. */
enum found { FOUND, ABSENT, ASK };

static inline bool same_bytes(const struct key_block *block, const void *bytes,
			      size_t len)
{
	return key_length(block) == len &&
	       (len == 0 || memcmp(block->bytes, bytes, len) == 0);
}

/* `key` is the int64, or the pointer; `len` is of a byte string. */
static inline enum conc_equal key_compare(const conc_dict *dict,
					  enum conc_key_kind keys, uint64_t key,
					  size_t len, uint64_t stored)
{
	const void *probe = (const void *)(uintptr_t)key;
	const void *other = (const void *)(uintptr_t)stored;

	if (keys == CONC_KEY_BYTES)
		return same_bytes(other, probe, len) ? CONC_EQUAL
						     : CONC_DIFFERENT;
	if (stored == key)
		return CONC_EQUAL;
	if (keys == CONC_KEY_INT64)
		return CONC_DIFFERENT;
	return dict->key_ops.fast_eq(probe, other, dict->key_ops.user);
}

/*
 * From slot *at on.  FOUND: *at is a live slot with an equal key.  ABSENT: *at
 * is the empty slot at the end of the chain.  ASK: *at is a candidate.  `keys`
 * is the dict's; given by itself as callers often know it.
 */
static inline enum found probe_chain(const conc_dict *dict,
				     enum conc_key_kind keys,
				     struct table *table, uint64_t mixed,
				     uint64_t key, size_t len, uint32_t *at)
{
	uint64_t live = hash_live(mixed);
	uint32_t mask = table->mask, i = *at;

	for (;; i = (i + 1) & mask) {
		/* Pairs with the release in fill_slot (table.c). */
		uint64_t hash = atomic_load_explicit(&table->slots[i].hash,
						     memory_order_acquire);
		enum conc_equal equal;

		*at = i;
		if (hash == HASH_EMPTY)
			return ABSENT;
		if (hash != live)
			continue;
		CONC_YIELD_POINT();
		equal = key_compare(dict, keys, key, len,
				    atomic_load_explicit(&table->slots[i].key,
							 memory_order_relaxed));
		if (equal != CONC_DIFFERENT)
			return equal == CONC_EQUAL ? FOUND : ASK;
	}
}

/*
 * The same from the beginning of the chain, in the current table, which comes
 * out through *table.  Inside a section.
 */
static CONC_INLINE enum found
probe_shard(const conc_dict *dict, enum conc_key_kind keys, struct shard *shard,
	    uint64_t mixed, uint64_t key, size_t len, struct table **table,
	    uint32_t *at)
{
	/* Pairs with the release that published the table. */
	*table = atomic_load_explicit(&shard->table, memory_order_acquire);
	CONC_YIELD_POINT();
	if (*table == NULL)
		return ABSENT;
	*at = table_home(*table, mixed);
	return probe_chain(dict, keys, *table, mixed, key, len, at);
}

#endif
