/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Giving back: the keys (and CONC_VALUE_RETAINED values) of retired slots, and
 * all entries at once.
 */
#include <config.h>

#include "drain.h"

/* Slots handled under one hold of a shard's lock. */
#define STRETCH 32

/*
 * Released at one look: more than one thread retires between two of its own.
 * And shards passed: a dict may have many that have nothing.
 */
#define RELEASED_AT_ONCE 128
#define SHARDS_AT_ONCE 16

/* Who only passes by does not wait for the lock. */
static bool lock_shard(conc_dict *dict, struct shard *shard, bool waits)
{
	if (!waits)
		return conc_lock_try(&shard->lock);
	conc_lock_acquire(&shard->lock, &dict->wait);
	return true;
}

static size_t drain_stretch(conc_dict *dict, struct shard *shard, bool waits)
{
	struct remains remains[STRETCH];
	conc_reader *reader = conc_rcu_reader();
	size_t count;

	if (atomic_load_explicit(&shard->waiting, memory_order_relaxed) == 0 ||
	    !lock_shard(dict, shard, waits))
		return 0;
	count = conc_shard_take_remains(dict, shard, remains, STRETCH);
	conc_lock_release(&shard->lock);
	CONC_YIELD_POINT();
	conc_rcu_drains(reader, true);
	for (size_t i = 0; i < count; i++) {
		conc_key_release(dict, remains[i].key);
		if (dict->values == CONC_VALUE_RETAINED)
			conc_word_release(dict, remains[i].word);
	}
	conc_rcu_drains(reader, false);
	return count;
}

void conc_dict_drain_some(conc_dict *dict)
{
	size_t released = 0;

	for (int i = 0; i < SHARDS_AT_ONCE && released < RELEASED_AT_ONCE; i++) {
		size_t at;

		if (atomic_load_explicit(&dict->waiting,
					 memory_order_relaxed) == 0)
			return;
		at = atomic_fetch_add_explicit(&dict->next_drained, 1,
					       memory_order_relaxed);
		released += drain_stretch(
			dict, &dict->shards[at & (dict->shard_count - 1)],
			false);
	}
}

static void drain_all(conc_dict *dict)
{
	if (!conc_rcu_rest_now())
		return;
	CONC_YIELD_POINT();
	for (size_t i = 0; i < dict->shard_count; i++)
		while (drain_stretch(dict, &dict->shards[i], true) == STRETCH)
			;
}

/* Where a clear stands in a shard, between two holds of its lock. */
struct sweep {
	uint64_t generation;
	uint32_t at;
	struct displaced displaced[STRETCH];
	size_t count;
};

/* Under the lock: removes the next live entries.  False at the table's end. */
static bool sweep_stretch(conc_dict *dict, struct shard *shard,
			  struct sweep *sweep)
{
	struct table *table = atomic_load_explicit(&shard->table,
						   memory_order_relaxed);

	sweep->count = 0;
	if (table == NULL)
		return false;
	if (table->generation != sweep->generation) {
		sweep->generation = table->generation;
		sweep->at = 0;
	}
	for (; sweep->at <= table->mask && sweep->count < STRETCH; sweep->at++) {
		struct slot *slot = &table->slots[sweep->at];

		if (hash_is_live(atomic_load_explicit(&slot->hash,
						      memory_order_relaxed)))
			conc_shard_remove(dict, shard, sweep->at,
					  &sweep->displaced[sweep->count++]);
	}
	return sweep->at <= table->mask;
}

static void clear_shard(conc_dict *dict, conc_reader *reader,
			struct shard *shard)
{
	struct sweep sweep = {0};
	bool more;

	do {
		conc_lock_acquire(&shard->lock, &dict->wait);
		more = sweep_stretch(dict, shard, &sweep);
		if (!more)
			conc_shard_shrink(dict, shard);
		conc_lock_release(&shard->lock);
		for (size_t i = 0; i < sweep.count; i++)
			settle_displaced(dict, reader, &sweep.displaced[i],
					 false);
	} while (more);
}

void conc_dict_clear(conc_dict *dict)
{
	conc_reader *reader;

	if (!conc_is_ours(dict))
		return;
	/* A thread's first: not under a lock. */
	reader = conc_rcu_reader();
	for (size_t i = 0; i < dict->shard_count; i++)
		clear_shard(dict, reader, &dict->shards[i]);
	drain_all(dict);
}
