/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Iteration over copies.  The cursor copies one shard at a time, under its
 * lock: no writer moves an entry meanwhile, so each key is there once, and the
 * table owns each value while a reference is taken.  Adds go on; a count is
 * what it was when its word was loaded.
 */
#include <config.h>

#include "base/growing.h"
#include "table.h"

struct pair {
	uint64_t key;  /* retained */
	uint64_t word; /* its pointer retained */
};

struct conc_cursor {
	struct conc_object object;
	conc_dict *dict;
	size_t next_shard;
	struct pair *pairs;
	size_t room;
	size_t count;
	size_t at;  /* the next to give */
	bool given; /* the one before `at` is still to be released */
};

int conc_cursor_new(conc_dict *dict, conc_cursor **out)
{
	conc_cursor *cursor;

	if (!conc_is_ours(dict) || out == NULL)
		return -EINVAL;
	cursor = conc_alloc(sizeof(*cursor));
	if (cursor == NULL)
		return -ENOMEM;
	conc_object_mark(cursor);
	cursor->dict = dict;
	*out = cursor;
	return 0;
}

static void release_pair(conc_dict *dict, const struct pair *pair)
{
	conc_word_release(dict, pair->word);
	conc_key_release(dict, pair->key);
}

static void copy_entries(conc_cursor *cursor, struct table *table)
{
	conc_dict *dict = cursor->dict;

	for (uint32_t i = 0; i <= table->mask; i++) {
		struct slot *slot = &table->slots[i];
		struct pair *pair = &cursor->pairs[cursor->count];

		if (!hash_is_live(atomic_load_explicit(&slot->hash,
						       memory_order_relaxed)))
			continue;
		pair->key = atomic_load_explicit(&slot->key,
						 memory_order_relaxed);
		/* Acquire: the adds that the sum has in it. */
		pair->word = atomic_load_explicit(&slot->word,
						  memory_order_acquire);
		CONC_YIELD_POINT();
		conc_key_retain(dict, pair->key);
		conc_word_retain(dict, pair->word);
		cursor->count++;
	}
}

/* Copies the shard if there is room; else returns how much it takes. */
static size_t try_copy_shard(conc_cursor *cursor, struct shard *shard)
{
	struct table *table;
	size_t live;

	conc_lock_acquire(&shard->lock, &cursor->dict->wait);
	table = atomic_load_explicit(&shard->table, memory_order_relaxed);
	live = atomic_load_explicit(&shard->live, memory_order_relaxed);
	if (live != 0 && live <= cursor->room)
		copy_entries(cursor, table);
	conc_lock_release(&shard->lock);
	return live <= cursor->room ? 0 : live;
}

static int copy_shard(conc_cursor *cursor, struct shard *shard)
{
	size_t wanted;

	cursor->at = cursor->count = 0;
	while ((wanted = try_copy_shard(cursor, shard)) != 0) {
		struct pair *pairs;

		/* Some more, as the shard may grow before the next look. */
		wanted += wanted / 4;
		pairs = conc_alloc_array(wanted, sizeof(*pairs));
		if (pairs == NULL)
			return -ENOMEM;
		conc_release(cursor->pairs);
		cursor->pairs = pairs;
		cursor->room = wanted;
	}
	return 0;
}

static void give(conc_cursor *cursor, struct conc_entry *given)
{
	const struct pair *pair = &cursor->pairs[cursor->at++];
	struct conc_entry own = CONC_ENTRY_INIT, *entry = &own;
	conc_dict *dict = cursor->dict;

	if (dict->keys == CONC_KEY_INT64) {
		entry->int_key = (int64_t)pair->key;
	} else if (dict->keys == CONC_KEY_BYTES) {
		const struct key_block *block = (void *)(uintptr_t)pair->key;

		entry->key = block->bytes;
		entry->len = key_length(block);
	} else {
		entry->key = (const void *)(uintptr_t)pair->key;
	}
	word_decode(dict->values, pair->word, &entry->value);
	conc_growing_fill(given, &own, sizeof(own));
	cursor->given = true;
}

int conc_cursor_next(conc_cursor *cursor, struct conc_entry *entry)
{
	if (!conc_is_ours(cursor) || entry == NULL ||
	    conc_growing_check(entry) < 0)
		return -EINVAL;
	/* Again, as a release may step this very cursor. */
	while (cursor->given) {
		struct pair pair = cursor->pairs[cursor->at - 1];

		cursor->given = false;
		release_pair(cursor->dict, &pair);
	}
	while (cursor->at == cursor->count) {
		int rc;

		if (cursor->next_shard == cursor->dict->shard_count)
			return -ENOENT;
		rc = copy_shard(cursor,
				&cursor->dict->shards[cursor->next_shard]);
		if (rc < 0)
			return rc;
		cursor->next_shard++;
	}
	give(cursor, entry);
	return 0;
}

void conc_cursor_free(conc_cursor *cursor)
{
	if (!conc_is_ours(cursor))
		return;
	if (cursor->given)
		cursor->at--;
	for (; cursor->at < cursor->count; cursor->at++)
		release_pair(cursor->dict, &cursor->pairs[cursor->at]);
	conc_release(cursor->pairs);
	conc_release(cursor);
}
