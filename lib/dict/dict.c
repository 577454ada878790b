/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conc_dict: making, ending, reading.  What it is made of stands at the top of
 * table.h (shards, tables, slots), base/word.h (values), probe.h and
 * search.h (keys).  Writing is in write.c and in_place.c, iteration
 * in cursor.c.
 *
 * A read: section, table, probe, word.  It linearizes at the load of the word;
 * a reader still in a table that was replaced meanwhile sees it as it was when
 * it was replaced, which lies within the call.
 */
#include <config.h>

#include <unistd.h>

#include "write.h"

#define SCALING_MOST 65536

static int check_attr(const struct conc_dict_attr *attr)
{
	const struct conc_key_ops *key = &attr->key_ops;

	if (attr->size != sizeof(*attr))
		return -EINVAL;
	if (attr->scaling > SCALING_MOST)
		return -EOVERFLOW;
	switch (attr->keys) {
	case CONC_KEY_INT64:
	case CONC_KEY_BYTES:
		break;
	case CONC_KEY_GENERAL:
		if (!key->hash || !key->fast_eq || !key->retain || !key->release)
			return -EINVAL;
		break;
	default:
		return -EINVAL;
	}
	return lifetime_check(attr->values, &attr->value_ops);
}

/*
 * A power of two, at least twice the threads: the chance that a writer meets
 * another in its shard stays below a half.
 */
static unsigned shard_bits(unsigned scaling)
{
	unsigned bits = 0;

	if (scaling == 0) {
		long processors = sysconf(_SC_NPROCESSORS_ONLN);

		scaling = processors < 1 ? 1
			  : processors > SCALING_MOST ? SCALING_MOST
						      : (unsigned)processors;
	}
	while (1u << bits < 2 * scaling)
		bits++;
	return bits;
}

int conc_dict_new(const struct conc_dict_attr *attr, conc_dict **out)
{
	static const struct conc_dict_attr defaults = {
		.size = sizeof(defaults),
	};
	conc_dict *dict;
	unsigned bits;
	int rc;

	if (out == NULL)
		return -EINVAL;
	if (attr == NULL)
		attr = &defaults;
	rc = check_attr(attr);
	if (rc < 0)
		return rc;
	dict = conc_alloc_lines(sizeof(*dict));
	if (dict == NULL)
		return -ENOMEM;
	bits = shard_bits(attr->scaling);
	dict->shard_count = (size_t)1 << bits;
	dict->shard_shift = 63 - bits;
	dict->shards = conc_alloc_lines(dict->shard_count * sizeof(struct shard));
	if (dict->shards == NULL) {
		conc_release(dict);
		return -ENOMEM;
	}
	dict->multiplier = conc_hash_multiplier();
	dict->keys = attr->keys;
	dict->values = attr->values;
	dict->key_ops = attr->key_ops;
	dict->value_ops = attr->value_ops;
	dict->wait = attr->wait;
	*out = dict;
	return 0;
}

static void free_slot(conc_dict *dict, struct slot *slot)
{
	uint64_t hash = atomic_load_explicit(&slot->hash, memory_order_relaxed);
	uint64_t word = atomic_load_explicit(&slot->word, memory_order_relaxed);

	if (!hash_is_live(hash) && !hash_is_retired(hash))
		return;
	if (hash_is_live(hash) || dict->values == CONC_RETAINED)
		conc_word_release(dict, word);
	conc_key_release(dict, atomic_load_explicit(&slot->key, memory_order_relaxed));
}

/* Nobody can be reading: no grace period is needed. */
void conc_dict_free(conc_dict *dict)
{
	if (dict == NULL)
		return;
	for (size_t i = 0; i < dict->shard_count; i++) {
		struct table *table = atomic_load_explicit(
			&dict->shards[i].table, memory_order_acquire);

		if (table == NULL)
			continue;
		for (uint32_t at = 0; at <= table->mask; at++)
			free_slot(dict, &table->slots[at]);
		conc_release(table);
	}
	conc_release(dict->shards);
	conc_release(dict);
}

size_t conc_dict_size(conc_dict *dict)
{
	size_t size = 0;

	for (size_t i = 0; dict != NULL && i < dict->shard_count; i++)
		size += atomic_load_explicit(&dict->shards[i].live,
					     memory_order_relaxed);
	return size;
}

static int visit_slot(conc_dict *dict, struct slot *slot,
		      int (*visit)(void *object, void *arg), void *arg)
{
	uint64_t hash = atomic_load_explicit(&slot->hash, memory_order_relaxed);
	uint64_t key = atomic_load_explicit(&slot->key, memory_order_relaxed);
	uint64_t word = atomic_load_explicit(&slot->word, memory_order_relaxed);
	int rc = 0;

	if (!hash_is_live(hash) && !hash_is_retired(hash))
		return 0;
	if (dict->keys == CONC_KEY_GENERAL)
		rc = visit((void *)(uintptr_t)key, arg);
	if (rc == 0 && dict->values != CONC_BORROWED &&
	    (hash_is_live(hash) || dict->values == CONC_RETAINED) &&
	    word_is_pointer(dict->values, word))
		rc = visit(word_pointer(word), arg);
	return rc;
}

int conc_dict_traverse(conc_dict *dict, int (*visit)(void *object, void *arg),
		       void *arg)
{
	if (dict == NULL || visit == NULL)
		return -EINVAL;
	for (size_t i = 0; i < dict->shard_count; i++) {
		struct table *table = atomic_load_explicit(
			&dict->shards[i].table, memory_order_acquire);

		for (uint32_t at = 0; table != NULL && at <= table->mask; at++) {
			int rc = visit_slot(dict, &table->slots[at], visit, arg);

			if (rc != 0)
				return rc;
		}
	}
	return 0;
}

/* --- reading ------------------------------------------------------------- */

enum reading {
	READ,	 /* *value has it */
	GONE,	 /* the slot is dead: on along the chain */
	CHANGED, /* begin again; *value may hold a reference to give back */
	MOVING	 /* a frozen count: read under the lock */
};

/*
 * CONC_TYPE_STABLE: the object may have been freed and its memory taken for
 * another, so the reference is good only if after it was taken the word is the
 * same and the table still the current one (a frozen word of an old table stays
 * the same for ever).
 */
static enum reading read_type_stable(conc_dict *dict, struct shard *shard,
				     struct table *table, struct slot *slot,
				     uint64_t word, struct conc_value *value)
{
	const struct conc_value_ops *ops = &dict->value_ops;

	CONC_YIELD_POINT();
	if (!ops->try_retain(ops->user, word_pointer(word)))
		return CHANGED;
	CONC_YIELD_POINT();
	word_decode(CONC_TYPE_STABLE, word, value);
	/* After the reference was taken, as that acquires (common.h). */
	if (atomic_load_explicit(&slot->word, memory_order_acquire) == word &&
	    atomic_load_explicit(&shard->table, memory_order_acquire) == table)
		return READ;
	return CHANGED;
}

/*
 * Acquire: pairs with the release of whoever stored the word, so the caller
 * sees what the pointer points to.
 */
static CONC_INLINE enum reading read_word(conc_dict *dict, struct shard *shard,
			      struct table *table, struct slot *slot,
			      struct conc_value *value)
{
	enum conc_lifetime values = dict->values;
	uint64_t word = atomic_load_explicit(&slot->word, memory_order_acquire);

	if (values != CONC_BORROWED) {
		if ((word & WORD_DEAD) != 0)
			return GONE;
		if ((word & (WORD_COUNT | WORD_FROZEN)) ==
		    (WORD_COUNT | WORD_FROZEN))
			return MOVING;
		if (values == CONC_TYPE_STABLE && (word & WORD_COUNT) == 0)
			return read_type_stable(dict, shard, table, slot, word,
						value);
		CONC_YIELD_POINT();
		if (values == CONC_RETAINED && (word & WORD_COUNT) == 0)
			dict->value_ops.retain(dict->value_ops.user,
					       word_pointer(word));
	}
	word_decode(values, word, value);
	return READ;
}

/* One look, inside a section.  FOUND: *reading says what came of it. */
static enum found look(struct search *s, struct conc_value *value,
		       enum reading *reading)
{
	/* Pairs with the release that published the table. */
	struct table *table = atomic_load_explicit(&s->shard->table,
						   memory_order_acquire);
	enum found found;
	uint32_t at;

	if (table == NULL)
		return ABSENT;
	at = search_home(s, table);
	for (;;) {
		found = search_probe(s, table, &at);
		if (found != FOUND)
			return found;
		*reading = read_word(s->dict, s->shard, table,
				     &table->slots[at], value);
		if (*reading != GONE)
			return FOUND;
		at = (at + 1) & table->mask;
	}
}

static void drop_reference(conc_dict *dict, struct conc_value *value)
{
	if (value->kind == CONC_POINTER)
		dict->value_ops.release(dict->value_ops.user, value->u.pointer);
	value->kind = CONC_ABSENT;
}

int conc_dict_read(struct search *s, struct conc_value *value)
{
	for (;;) {
		enum reading reading = READ;
		enum found found;
		conc_reader *reader;
		int rc = 0;

		value->kind = CONC_ABSENT;
		reader = conc_rcu_enter();
		found = look(s, value, &reading);
		conc_rcu_leave(reader);
		switch (found) {
		case ABSENT:
			return -ENOENT;
		case ASK:
			rc = conc_search_answer(s);
			if (rc < 0)
				return rc;
			break;
		case FOUND:
			if (reading == READ)
				return 0;
			if (reading == MOVING) {
				rc = conc_dict_read_locked(s, value);
				if (rc != -EAGAIN)
					return rc;
				value->kind = CONC_ABSENT;
			}
			drop_reference(s->dict, value);
		}
	}
}

/* A look without a search, inside a section.  CHANGED: it takes one. */
static CONC_INLINE enum reading glance(conc_dict *dict, enum conc_key_kind keys,
				  uint64_t key, size_t len, uint64_t mixed,
				  struct conc_value *value)
{
	struct shard *shard = shard_of(dict, mixed);
	struct table *table;
	uint32_t at;
	enum found found = probe_shard(dict, keys, shard, mixed, key, len,
				       &table, &at);

	if (found != FOUND)
		return found == ABSENT ? GONE : CHANGED;
	return read_word(dict, shard, table, &table->slots[at], value) == READ
		       ? READ
		       : CHANGED;
}

static int read_by_search(conc_dict *dict, uint64_t key, size_t len,
			  uint64_t hash, struct conc_value *value)
{
	struct search s;
	int rc;

	search_ready(&s, dict, key, len, hash);
	rc = conc_dict_read(&s, value);
	conc_search_end(&s);
	return rc;
}

/* Inline: with `keys' known, nothing is left of the other kinds. */
static CONC_INLINE int get(conc_dict *dict, enum conc_key_kind keys, uint64_t key,
		      size_t len, uint64_t hash, struct conc_value *value)
{
	conc_reader *reader = conc_rcu_enter();
	enum reading reading;

	value->kind = CONC_ABSENT;
	reading = glance(dict, keys, key, len,
			 conc_mix(dict->multiplier, hash), value);
	conc_rcu_leave(reader);
	if (reading == READ)
		return 0;
	if (reading == GONE)
		return -ENOENT;
	drop_reference(dict, value);
	return read_by_search(dict, key, len, hash, value);
}

int conc_dict_get(conc_dict *dict, const void *key, size_t len,
		  struct conc_value *value)
{
	uint64_t hash;
	int rc;

	if (value == NULL)
		return -EINVAL;
	rc = conc_search_hash(dict, key, len, &hash);
	if (rc < 0)
		return rc;
	return get(dict, dict->keys, (uintptr_t)key, len, hash, value);
}

int conc_dict_int_get(conc_dict *dict, int64_t key, struct conc_value *value)
{
	if (value == NULL || dict == NULL || dict->keys != CONC_KEY_INT64)
		return -EINVAL;
	return get(dict, CONC_KEY_INT64, (uint64_t)key, 0, (uint64_t)key,
		   value);
}
