/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading a conc_dict: section, table, probe, word.  It linearizes at the load
 * of the word; a reader still in a table that was replaced meanwhile sees it as
 * it was when it was replaced, which lies within the call.
 */
#include <config.h>

#include "read.h"

#include "count.h"
#include "drain.h"

enum reading {
	READ,	 /* *value has it */
	GONE,	 /* the slot is dead: on along the chain */
	CHANGED, /* begin again; *value may hold a reference to give back */
	MOVING	 /* a frozen count: read under the lock */
};

/*
 * CONC_VALUE_TYPE_STABLE: the object may have been freed and its memory taken
 * for another, so the reference is good only if after it was taken the word is
 * the same and the table still the current one (a frozen word of an old table
 * stays the same for ever).
 */
static enum reading read_type_stable(conc_dict *dict, struct shard *shard,
				     struct table *table, struct slot *slot,
				     uint64_t word, struct conc_value *value)
{
	const struct conc_value_ops *ops = &dict->value_ops;

	CONC_YIELD_POINT();
	if (!ops->try_retain(word_pointer(word), ops->user))
		return CHANGED;
	CONC_YIELD_POINT();
	word_decode(CONC_VALUE_TYPE_STABLE, word, value);
	/* After the reference was taken, as that acquires (value.h). */
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

	if (values != CONC_VALUE_BORROWED) {
		if ((word & WORD_DEAD) != 0)
			return GONE;
		if ((word & (WORD_COUNT | WORD_FROZEN)) ==
		    (WORD_COUNT | WORD_FROZEN))
			return MOVING;
		if (values == CONC_VALUE_TYPE_STABLE && (word & WORD_COUNT) == 0)
			return read_type_stable(dict, shard, table, slot, word,
						value);
		CONC_YIELD_POINT();
		if (values == CONC_VALUE_RETAINED && (word & WORD_COUNT) == 0)
			dict->value_ops.retain(word_pointer(word), dict->value_ops.user);
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

void conc_dict_drop(const conc_dict *dict, struct conc_value *value)
{
	if (value->kind == CONC_POINTER && dict_counts_pointers(dict))
		dict->value_ops.release(value->u.pointer, dict->value_ops.user);
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
			conc_dict_drop(s->dict, value);
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
	int rc;

	value->kind = CONC_ABSENT;
	reading = glance(dict, keys, key, len,
			 conc_mix(dict->multiplier, hash), value);
	conc_rcu_leave(reader);
	if (CONC_LIKELY(reading == READ)) {
		rc = 0;
	} else if (reading == GONE) {
		rc = -ENOENT;
	} else {
		conc_dict_drop(dict, value);
		rc = read_by_search(dict, key, len, hash, value);
	}
	conc_dict_rest(dict, reader, NULL);
	return rc;
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
	if (value == NULL || !takes_int_keys(dict))
		return -EINVAL;
	return get(dict, CONC_KEY_INT64, (uint64_t)key, 0, (uint64_t)key,
		   value);
}

/* Of a value that was read: the number, the pointer.  -EDOM: it is none. */

static int give_number(conc_dict *dict, struct conc_value *value, int64_t *number)
{
	if (value->kind != CONC_NUMBER) {
		conc_dict_drop(dict, value);
		return -EDOM;
	}
	*number = value->u.number;
	return 0;
}

static int give_pointer(const struct conc_value *value, void **pointer)
{
	if (value->kind != CONC_POINTER)
		return -EDOM;
	*pointer = value->u.pointer;
	return 0;
}

int conc_dict_get_number(conc_dict *dict, const void *key, size_t len,
			 int64_t *number)
{
	struct conc_value value;
	int rc = number == NULL ? -EINVAL : conc_dict_get(dict, key, len, &value);

	return rc < 0 ? rc : give_number(dict, &value, number);
}

int conc_dict_int_get_number(conc_dict *dict, int64_t key, int64_t *number)
{
	struct conc_value value;
	int rc = number == NULL ? -EINVAL : conc_dict_int_get(dict, key, &value);

	return rc < 0 ? rc : give_number(dict, &value, number);
}

int conc_dict_get_pointer(conc_dict *dict, const void *key, size_t len,
			  void **pointer)
{
	struct conc_value value;
	int rc = pointer == NULL ? -EINVAL : conc_dict_get(dict, key, len, &value);

	return rc < 0 ? rc : give_pointer(&value, pointer);
}

int conc_dict_int_get_pointer(conc_dict *dict, int64_t key, void **pointer)
{
	struct conc_value value;
	int rc = pointer == NULL ? -EINVAL : conc_dict_int_get(dict, key, &value);

	return rc < 0 ? rc : give_pointer(&value, pointer);
}
