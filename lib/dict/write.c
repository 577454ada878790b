/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "write.h"

void conc_dict_hand_out(struct update *u)
{
	const conc_dict *dict = u->search->dict;

	if (u->value == NULL)
		return;
	u->value->kind = CONC_ABSENT;
	if (!u->displaced.valid)
		return;
	word_decode(dict->values, u->displaced.word, u->value);
	/* The slot keeps its reference for late readers: one of the caller's own. */
	if (dict->values == CONC_VALUE_RETAINED && u->value->kind == CONC_POINTER)
		dict->value_ops.retain(u->value->u.pointer,
				       dict->value_ops.user);
}

void conc_dict_show_word(struct update *u, bool stays)
{
	const conc_dict *dict = u->search->dict;

	u->present->kind = CONC_ABSENT;
	if (!stays || !u->place.found)
		return;
	conc_word_retain(dict, u->seen);
	word_decode(dict->values, u->seen, u->present);
}

int conc_dict_make_room(struct update *u)
{
	struct search *s = u->search;
	uint64_t key = 0;
	int rc;

	if (u->place.found)
		key = atomic_load_explicit(&conc_dict_slot(u)->key,
					   memory_order_relaxed);
	rc = conc_shard_make_room(s->dict, s->shard);
	if (rc == 0 && u->place.found)
		u->place.at = conc_shard_find(s->shard, s->mixed, key);
	return rc;
}

/* The dict's own reference to the key that is searched for. */
static int own_key(struct search *s, uint64_t *key)
{
	struct key_block *block;

	*key = s->key;
	if (s->dict->keys == CONC_KEY_GENERAL)
		conc_key_retain(s->dict, s->key);
	if (s->dict->keys != CONC_KEY_BYTES)
		return 0;
	block = conc_alloc(sizeof(*block) + s->len);
	if (block == NULL)
		return -ENOMEM;
	atomic_init(&block->references, 1);
	block->retired.bytes = sizeof(*block) + s->len;
	if (s->len != 0)
		memcpy(block->bytes, (const void *)(uintptr_t)s->key, s->len);
	*key = (uintptr_t)block;
	return 0;
}

int conc_dict_add_entry(struct update *u, uint64_t word)
{
	struct search *s = u->search;
	uint64_t key;
	int rc;

	rc = conc_dict_make_room(u);
	if (rc == 0)
		rc = own_key(s, &key);
	if (rc == 0)
		conc_shard_add(s->shard, s->mixed, key, word);
	return rc;
}

static int move_entry(struct update *u, uint64_t word)
{
	int rc = conc_dict_make_room(u);

	if (rc == 0)
		conc_shard_move(u->search->dict, u->search->shard, u->place.at, word,
				&u->displaced);
	return rc;
}

/*
 * Whether the slot may take the new word itself: never where a count would
 * become something else (base/word.h), nor where the old value must stay for
 * late readers.
 */
static bool replaceable(const struct update *u, uint64_t old, uint64_t word)
{
	enum conc_lifetime values = u->search->dict->values;

	if (values == CONC_VALUE_BORROWED)
		return true;
	if ((old & WORD_COUNT) != 0)
		return (word & WORD_COUNT) != 0;
	return values != CONC_VALUE_RETAINED;
}

/*
 * Puts in the new word and returns the old one.  Under the lock nobody else
 * writes a word that is no count: for these a store will do.  Release, both:
 * what the new pointer points to.  Acquire: the count returned has every add in
 * it that came before.
 */
static uint64_t swap_word(struct slot *slot, uint64_t old, bool counts,
			  uint64_t word)
{
	if (counts)
		return atomic_exchange_explicit(&slot->word, word,
						memory_order_acq_rel);
	atomic_store_explicit(&slot->word, word, memory_order_release);
	return old;
}

int conc_dict_replace(struct update *u, uint64_t word)
{
	enum conc_lifetime values = u->search->dict->values;
	struct slot *slot = conc_dict_slot(u);
	uint64_t old = atomic_load_explicit(&slot->word, memory_order_acquire);
	bool counts = values != CONC_VALUE_BORROWED && (old & WORD_COUNT) != 0;

	if (!replaceable(u, old, word))
		return move_entry(u, word);
	old = swap_word(slot, old, counts, word);
	u->displaced.word = old;
	u->displaced.valid = true;
	u->displaced.owned = values == CONC_VALUE_TYPE_STABLE && !counts;
	return 0;
}

void conc_dict_remove_entry(struct update *u)
{
	conc_shard_remove(u->search->dict, u->search->shard, u->place.at,
			  &u->displaced);
	conc_shard_shrink(u->search->dict, u->search->shard);
}
