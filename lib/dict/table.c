/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "table.h"

#define SLOTS_LEAST 8
/* Indices have 32 bits; on 32-bit machines a table must fit into a size_t. */
#define SLOTS_MOST (UINT32_C(1) << (SIZE_MAX > UINT32_MAX ? 31 : 27))

/* A table is full at 3/4 and starts its life at 1/2 or less. */
static uint32_t room_of(const struct table *table)
{
	return (table->mask + 1) / 4 * 3;
}

static uint32_t slots_for(size_t entries)
{
	uint32_t slots = SLOTS_LEAST;

	while (slots < SLOTS_MOST && entries > slots / 2)
		slots *= 2;
	return slots;
}

static size_t table_bytes(uint32_t slots)
{
	return sizeof(struct table) + (size_t)slots * sizeof(struct slot);
}

_Static_assert(SLOTS_MOST <= (SIZE_MAX - sizeof(struct table)) /
				     sizeof(struct slot),
	       "the bytes of a table overflow");

static struct table *table_new(uint32_t slots)
{
	struct table *table = conc_alloc(table_bytes(slots));

	if (table != NULL) {
		table->retired.bytes = table_bytes(slots);
		table->mask = slots - 1;
	}
	return table;
}

static void table_free(struct conc_retired *block)
{
	conc_release(block);
}

static struct table *current(struct shard *shard)
{
	return atomic_load_explicit(&shard->table, memory_order_relaxed);
}

static uint64_t peek(_Atomic uint64_t *field)
{
	return atomic_load_explicit(field, memory_order_relaxed);
}

static uint32_t empty_slot(struct table *table, uint64_t mixed)
{
	uint32_t i = table_home(table, mixed);

	while (peek(&table->slots[i].hash) != HASH_EMPTY)
		i = (i + 1) & table->mask;
	return i;
}

/* The release pairs with the acquire of the probes (search.c). */
static void fill_slot(struct table *table, uint32_t index, uint64_t hash,
		      uint64_t key, uint64_t word)
{
	struct slot *slot = &table->slots[index];

	atomic_store_explicit(&slot->word, word, memory_order_relaxed);
	atomic_store_explicit(&slot->key, key, memory_order_relaxed);
	CONC_YIELD_POINT();
	atomic_store_explicit(&slot->hash, hash, memory_order_release);
	table->used++;
}

/* --- the list of retired slots ------------------------------------------- */

#define STAMP_BITS 30
#define STAMP_MASK ((UINT64_C(1) << STAMP_BITS) - 1)

static uint64_t hash_retired(uint64_t stamp, uint32_t next)
{
	return (stamp & STAMP_MASK) << 34 | (uint64_t)next << 2 | 2;
}

static uint32_t retired_next(uint64_t hash)
{
	return (uint32_t)(hash >> 2);
}

/*
 * The stamp's upper bits are those of now, or one less where its lower bits
 * lie ahead: it is never in the future.  A slot that waited for 2^30 grace
 * periods is taken for a young one, and waits for one more.
 */
static uint64_t retired_stamp(uint64_t hash)
{
	uint64_t now = conc_rcu_newest_stamp();

	return now - ((now - (hash >> 34)) & STAMP_MASK);
}

static uint64_t with_next(uint64_t hash, uint32_t next)
{
	return (hash & ~(UINT64_C(0xffffffff) << 2)) | (uint64_t)next << 2;
}

/*
 * release: a reader that passes over the slot has seen that its key is gone,
 * and must see what came before that, whoever changed the hash last.
 */
static void link_retired(struct table *table, uint32_t at, uint32_t next)
{
	_Atomic uint64_t *hash;

	if (at == 0) {
		table->first_retired = next;
		return;
	}
	hash = &table->slots[at - 1].hash;
	atomic_store_explicit(hash, with_next(peek(hash), next),
			      memory_order_release);
}

static void retire_slot(conc_dict *dict, struct shard *shard, uint32_t index)
{
	struct table *table = current(shard);
	struct slot *slot = &table->slots[index];

	if (!dict_retires_slots(dict)) {
		/* release: as in link_retired(). */
		atomic_store_explicit(&slot->hash, HASH_TOMBSTONE,
				      memory_order_release);
		return;
	}
	/*
	 * Sequentially consistent: the step that makes the key unreachable,
	 * before the stamp is read (base/rcu.h).
	 */
	atomic_exchange_explicit(&slot->hash, HASH_TOMBSTONE,
				 memory_order_seq_cst);
	CONC_YIELD_POINT();
	/* release: as in link_retired(). */
	atomic_store_explicit(&slot->hash, hash_retired(conc_rcu_stamp(), 0),
			      memory_order_release);
	link_retired(table, table->last_retired, index + 1);
	table->last_retired = index + 1;
	atomic_fetch_add_explicit(&shard->waiting, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&dict->waiting, 1, memory_order_relaxed);
}

size_t conc_shard_take_remains(conc_dict *dict, struct shard *shard,
			       struct remains *remains, size_t room)
{
	struct table *table = current(shard);
	size_t taken = 0;

	while (table != NULL && table->first_retired != 0 && taken < room) {
		struct slot *slot = &table->slots[table->first_retired - 1];
		uint64_t hash = peek(&slot->hash);

		/* All behind it are younger. */
		if (!conc_rcu_passed(retired_stamp(hash)))
			break;
		remains[taken].key = peek(&slot->key);
		remains[taken].word = peek(&slot->word);
		taken++;
		table->first_retired = retired_next(hash);
		if (table->first_retired == 0)
			table->last_retired = 0;
		/* release: as in link_retired(). */
		atomic_store_explicit(&slot->hash, HASH_TOMBSTONE,
				      memory_order_release);
	}
	atomic_fetch_sub_explicit(&shard->waiting, (uint32_t)taken,
				  memory_order_relaxed);
	atomic_fetch_sub_explicit(&dict->waiting, taken, memory_order_relaxed);
	return taken;
}

/* --- rebuilding ---------------------------------------------------------- */

/*
 * The word as the new table shall have it: the one returned, as adds go on
 * until then.  acq_rel: what an add wrote before its fetch_add is visible to
 * who reads the sum in the new table.
 */
static uint64_t freeze(conc_dict *dict, struct slot *slot)
{
	if (dict->values == CONC_VALUE_BORROWED)
		return peek(&slot->word);
	return atomic_fetch_or_explicit(&slot->word, WORD_FROZEN,
					memory_order_acq_rel) & ~WORD_FROZEN;
}

static void copy_live(conc_dict *dict, struct table *from, struct table *to)
{
	for (uint32_t i = 0; i <= from->mask; i++) {
		struct slot *slot = &from->slots[i];
		uint64_t hash = peek(&slot->hash);

		if (hash_is_live(hash))
			fill_slot(to, empty_slot(to, hash >> 1), hash,
				  peek(&slot->key), freeze(dict, slot));
	}
}

/* In the order of the list; a retired slot may lie anywhere. */
static void copy_retired(struct table *from, struct table *to)
{
	uint32_t at = from->first_retired;
	uint32_t last = 0;

	while (at != 0) {
		struct slot *slot = &from->slots[at - 1];
		uint64_t hash = peek(&slot->hash);
		uint32_t copy = empty_slot(to, at);

		fill_slot(to, copy, with_next(hash, 0), peek(&slot->key),
			  peek(&slot->word));
		link_retired(to, last, copy + 1);
		last = copy + 1;
		at = retired_next(hash);
	}
	to->last_retired = last;
}

static int rebuild(conc_dict *dict, struct shard *shard, uint32_t slots)
{
	struct table *old = current(shard);
	struct table *table = table_new(slots);

	if (table == NULL)
		return -ENOMEM;
	table->generation = ++shard->generation;
	if (old != NULL) {
		copy_live(dict, old, table);
		copy_retired(old, table);
	}
	CONC_YIELD_POINT();
	/* Pairs with the acquire load of the table by every reader. */
	atomic_store_explicit(&shard->table, table, memory_order_release);
	if (old != NULL)
		conc_retire(&old->retired, table_free);
	return 0;
}

static size_t entries_kept(struct shard *shard)
{
	return atomic_load_explicit(&shard->live, memory_order_relaxed) +
	       atomic_load_explicit(&shard->waiting, memory_order_relaxed);
}

int conc_shard_make_room(conc_dict *dict, struct shard *shard)
{
	struct table *table = current(shard);
	size_t wanted = entries_kept(shard) + 1;

	if (table != NULL && table->used < room_of(table))
		return 0;
	if (wanted > SLOTS_MOST / 2)
		return -ENOMEM;
	return rebuild(dict, shard, slots_for(wanted));
}

void conc_shard_shrink(conc_dict *dict, struct shard *shard)
{
	struct table *table = current(shard);
	size_t kept = entries_kept(shard);

	if (table != NULL && table->mask + 1 >= 8 * SLOTS_LEAST &&
	    kept < (table->mask + 1) / 16)
		rebuild(dict, shard, slots_for(2 * kept));
}

/* --- entries ------------------------------------------------------------- */

uint32_t conc_shard_find(struct shard *shard, uint64_t mixed, uint64_t key)
{
	struct table *table = current(shard);
	uint32_t i = table_home(table, mixed);

	while (peek(&table->slots[i].hash) != hash_live(mixed) ||
	       peek(&table->slots[i].key) != key)
		i = (i + 1) & table->mask;
	return i;
}

static void count_live(struct shard *shard, size_t change)
{
	atomic_store_explicit(
		&shard->live,
		atomic_load_explicit(&shard->live, memory_order_relaxed) + change,
		memory_order_relaxed);
}

void conc_shard_add(struct shard *shard, uint64_t mixed, uint64_t key,
		    uint64_t word)
{
	struct table *table = current(shard);

	fill_slot(table, empty_slot(table, mixed), hash_live(mixed), key, word);
	count_live(shard, 1);
}

/*
 * Takes the value out of a slot that dies.  acq_rel on DEAD: the returned word
 * is the last that any add counted in; a reader that sees DEAD and goes on
 * finds the key's new slot, if it was moved.
 */
static void kill_word(conc_dict *dict, struct slot *slot,
		      struct displaced *displaced)
{
	displaced->valid = true;
	if (dict->values == CONC_VALUE_BORROWED)
		displaced->word = peek(&slot->word);
	else
		displaced->word = atomic_fetch_or_explicit(
			&slot->word, WORD_DEAD, memory_order_acq_rel);
	/* A CONC_VALUE_RETAINED value stays with the slot until readers are gone. */
	displaced->owned = dict->values == CONC_VALUE_TYPE_STABLE &&
			   word_is_pointer(dict->values, displaced->word);
	displaced->retired = dict_retires_slots(dict);
}

void conc_shard_remove(conc_dict *dict, struct shard *shard, uint32_t index,
		       struct displaced *displaced)
{
	struct slot *slot = &current(shard)->slots[index];

	kill_word(dict, slot, displaced);
	displaced->key = peek(&slot->key);
	displaced->key_owned = !displaced->retired && dict_owns_keys(dict);
	CONC_YIELD_POINT();
	retire_slot(dict, shard, index);
	count_live(shard, (size_t)-1);
}

void conc_shard_move(conc_dict *dict, struct shard *shard, uint32_t index,
		     uint64_t word, struct displaced *displaced)
{
	struct table *table = current(shard);
	struct slot *slot = &table->slots[index];
	uint64_t hash = peek(&slot->hash);
	uint64_t key = peek(&slot->key);

	/* Else the new slot takes the old one's over. */
	if (dict_retires_slots(dict))
		conc_key_retain(dict, key);
	fill_slot(table, empty_slot(table, hash >> 1), hash, key, word);
	CONC_YIELD_POINT();
	kill_word(dict, slot, displaced);
	CONC_YIELD_POINT();
	retire_slot(dict, shard, index);
}

/* --- references ---------------------------------------------------------- */

void conc_key_retain(const conc_dict *dict, uint64_t key)
{
	if (dict->keys == CONC_KEY_GENERAL) {
		dict->key_ops.retain((void *)(uintptr_t)key, dict->key_ops.user);
	} else if (dict->keys == CONC_KEY_BYTES) {
		struct key_block *block = (void *)(uintptr_t)key;

		atomic_fetch_add_explicit(&block->references, 1,
					  memory_order_relaxed);
	}
}

static void free_key(struct conc_retired *block)
{
	conc_release(block);
}

/* acq_rel: what all who had it did comes before its end. */
static bool was_last(struct key_block *block)
{
	return atomic_fetch_sub_explicit(&block->references, 1,
					 memory_order_acq_rel) == 1;
}

void conc_key_release(const conc_dict *dict, uint64_t key)
{
	struct key_block *block = (void *)(uintptr_t)key;

	if (dict->keys == CONC_KEY_GENERAL)
		dict->key_ops.release((void *)(uintptr_t)key, dict->key_ops.user);
	else if (dict->keys == CONC_KEY_BYTES && was_last(block))
		conc_retire(&block->retired, free_key);
}

void conc_key_release_unread(const conc_dict *dict, uint64_t key)
{
	struct key_block *block = (void *)(uintptr_t)key;

	if (dict->keys != CONC_KEY_BYTES)
		conc_key_release(dict, key);
	else if (was_last(block))
		conc_release(block);
}

void conc_word_retain(const conc_dict *dict, uint64_t word)
{
	const struct conc_value_ops *ops = &dict->value_ops;

	if (!word_is_pointer(dict->values, word))
		return;
	if (dict->values == CONC_VALUE_RETAINED)
		ops->retain(word_pointer(word), ops->user);
	else if (dict->values == CONC_VALUE_TYPE_STABLE)
		/* True: the table holds a reference while the lock is held. */
		ops->try_retain(word_pointer(word), ops->user);
}

void conc_word_release(const conc_dict *dict, uint64_t word)
{
	if ((dict->values == CONC_VALUE_RETAINED || dict->values == CONC_VALUE_TYPE_STABLE) &&
	    word_is_pointer(dict->values, word))
		dict->value_ops.release(word_pointer(word), dict->value_ops.user);
}
