/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conc_dict: making, ending, size, and what a garbage collector sees.  What it
 * is made of stands at the top of table.h (shards, tables, slots), base/word.h
 * (values), probe.h and search.h (keys).
 */
#include <config.h>

#include <unistd.h>

#include "base/growing.h"
#include "base/hash.h"
#include "table.h"

#define SCALING_MOST 65536

/* What the caller gave, over the defaults. */
struct wanted {
	struct conc_dict_attr attr;
	struct conc_key_ops key_ops;
	struct conc_value_ops value_ops;
	struct conc_wait_hooks wait;
};

static int take_attr(struct wanted *w, const struct conc_dict_attr *attr)
{
	*w = (struct wanted){
		.attr = CONC_DICT_ATTR_INIT,
		.key_ops = CONC_KEY_OPS_INIT,
		.value_ops = CONC_VALUE_OPS_INIT,
		.wait = CONC_WAIT_HOOKS_INIT,
	};
	if (conc_growing_take(&w->attr, sizeof(w->attr), attr) < 0 ||
	    conc_growing_take(&w->key_ops, sizeof(w->key_ops),
			      w->attr.key_ops) < 0 ||
	    conc_growing_take(&w->value_ops, sizeof(w->value_ops),
			      w->attr.value_ops) < 0 ||
	    conc_growing_take(&w->wait, sizeof(w->wait), w->attr.wait) < 0)
		return -EINVAL;
	return 0;
}

static int check_wanted(const struct wanted *w)
{
	const struct conc_key_ops *key = &w->key_ops;

	if (w->attr.scaling > SCALING_MOST)
		return -EOVERFLOW;
	switch (w->attr.keys) {
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
	return lifetime_check(w->attr.values, &w->value_ops);
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
	struct wanted wanted;
	conc_dict *dict;
	unsigned bits;
	int rc;

	if (out == NULL)
		return -EINVAL;
	rc = take_attr(&wanted, attr);
	if (rc == 0)
		rc = check_wanted(&wanted);
	if (rc < 0)
		return rc;
	dict = conc_alloc_lines(sizeof(*dict));
	if (dict == NULL)
		return -ENOMEM;
	bits = shard_bits(wanted.attr.scaling);
	dict->shard_count = (size_t)1 << bits;
	dict->shard_shift = 63 - bits;
	dict->shards = conc_alloc_lines(dict->shard_count * sizeof(struct shard));
	if (dict->shards == NULL) {
		conc_release(dict);
		return -ENOMEM;
	}
	conc_object_mark(dict);
	dict->multiplier = conc_hash_multiplier();
	dict->keys = wanted.attr.keys;
	dict->values = wanted.attr.values;
	dict->key_ops = wanted.key_ops;
	dict->value_ops = wanted.value_ops;
	dict->wait = wanted.wait;
	*out = dict;
	return 0;
}

static void free_slot(conc_dict *dict, struct slot *slot)
{
	uint64_t hash = atomic_load_explicit(&slot->hash, memory_order_relaxed);
	uint64_t word = atomic_load_explicit(&slot->word, memory_order_relaxed);
	uint64_t key = atomic_load_explicit(&slot->key, memory_order_relaxed);

	if (!hash_is_live(hash) && !hash_is_retired(hash))
		return;
	if (hash_is_live(hash) || dict->values == CONC_VALUE_RETAINED)
		conc_word_release(dict, word);
	conc_key_release_unread(dict, key);
}

/* Nobody can be reading: no grace period is needed. */
void conc_dict_free(conc_dict *dict)
{
	if (!conc_is_ours(dict))
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

	if (!conc_is_ours(dict))
		return 0;
	for (size_t i = 0; i < dict->shard_count; i++)
		size += atomic_load_explicit(&dict->shards[i].live,
					     memory_order_relaxed);
	return size;
}

static int visit_slot(conc_dict *dict, struct slot *slot,
		      int (*visit)(void *object, void *user), void *user)
{
	uint64_t hash = atomic_load_explicit(&slot->hash, memory_order_relaxed);
	uint64_t key = atomic_load_explicit(&slot->key, memory_order_relaxed);
	uint64_t word = atomic_load_explicit(&slot->word, memory_order_relaxed);
	int rc = 0;

	if (!hash_is_live(hash) && !hash_is_retired(hash))
		return 0;
	if (dict->keys == CONC_KEY_GENERAL)
		rc = visit((void *)(uintptr_t)key, user);
	if (rc == 0 && dict->values != CONC_VALUE_BORROWED &&
	    (hash_is_live(hash) || dict->values == CONC_VALUE_RETAINED) &&
	    word_is_pointer(dict->values, word))
		rc = visit(word_pointer(word), user);
	return rc;
}

int conc_dict_traverse(conc_dict *dict, int (*visit)(void *object, void *user),
		       void *user)
{
	if (!conc_is_ours(dict) || visit == NULL)
		return -EINVAL;
	for (size_t i = 0; i < dict->shard_count; i++) {
		struct table *table = atomic_load_explicit(
			&dict->shards[i].table, memory_order_acquire);

		for (uint32_t at = 0; table != NULL && at <= table->mask; at++) {
			int rc = visit_slot(dict, &table->slots[at], visit, user);

			if (rc != 0)
				return rc;
		}
	}
	return 0;
}
