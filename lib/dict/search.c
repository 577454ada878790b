/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "search.h"

#include <string.h>

/*
 * What an operation returns for a callback's error: those that mean that the
 * key is there, or is not, would be taken for the library's.
 */
static int error_of_callback(int rc)
{
	return rc == -EAGAIN || rc == -EEXIST || rc == -ENOENT ? -EINVAL : rc;
}

int conc_search_hash(conc_dict *dict, const void *key, size_t len, uint64_t *hash)
{
	int rc;

	if (!conc_is_ours(dict) || dict->keys == CONC_KEY_INT64)
		return -EINVAL;
	if (dict->keys == CONC_KEY_GENERAL) {
		if (key == NULL || len != 0)
			return -EINVAL;
		rc = dict->key_ops.hash(key, hash, dict->key_ops.user);
		return rc < 0 ? error_of_callback(rc) : 0;
	}
	/* No object is as long as that: so no sum with it overflows. */
	if ((key == NULL && len != 0) || len > PTRDIFF_MAX)
		return -EINVAL;
	*hash = conc_hash_bytes(key, len);
	return 0;
}

int conc_search_begin(struct search *s, conc_dict *dict, const void *key,
		      size_t len)
{
	uint64_t hash;
	int rc = conc_search_hash(dict, key, len, &hash);

	if (rc == 0)
		search_ready(s, dict, (uintptr_t)key, len, hash);
	return rc;
}

void conc_search_end(struct search *s)
{
	for (size_t i = 0; i < s->asked_count; i++)
		conc_key_release(s->dict, s->asked[i].key);
	if (s->asked != s->asked_inline)
		conc_release(s->asked);
}

/*
 * What an earlier look noted of a candidate.  `next` is where the last one was
 * found: candidates come in the order of the chain, as they did then.
 */
static struct asked *remembered(struct search *s, uint64_t key, size_t *next)
{
	for (size_t n = 0; n < s->known; n++) {
		size_t i = *next + n;

		if (i >= s->known)
			i -= s->known;
		if (s->asked[i].key == key) {
			*next = i + 1 < s->known ? i + 1 : 0;
			return &s->asked[i];
		}
	}
	return NULL;
}

/*
 * A candidate that fast_eq could not tell: FOUND or ABSENT as it was answered
 * before; ABSENT when it is of no interest, or noted as an open question.
 * `next` remembers where the last one was found.
 */
static enum found consider(struct search *s, uint64_t stored, size_t *next)
{
	struct asked *asked = remembered(s, stored, next);

	if (asked != NULL && asked->answer != NOT_ASKED)
		return asked->answer == EQUAL ? FOUND : ABSENT;
	if (s->settled && !s->inserts)
		return ABSENT;
	s->open_questions = true;
	if (asked != NULL)
		return ABSENT;
	if (s->asked_count == s->asked_room) {
		s->left_out++;
		return ABSENT;
	}
	conc_key_retain(s->dict, stored);
	s->asked[s->asked_count++] = (struct asked){stored, NOT_ASKED};
	return ABSENT;
}

enum found conc_search_walk(struct search *s, struct table *table, uint32_t *at)
{
	uint64_t live = hash_live(s->mixed);
	uint32_t mask = table->mask, i = *at;
	enum found found = ABSENT;
	size_t next = 0;

	s->known = s->asked_count;
	s->left_out = 0;
	s->open_questions = false;
	for (;; i = (i + 1) & mask) {
		/* Pairs with the release in fill_slot (table.c). */
		uint64_t hash = atomic_load_explicit(&table->slots[i].hash,
						     memory_order_acquire);
		enum conc_equal equal;
		uint64_t stored;

		if (hash == HASH_EMPTY) {
			found = s->open_questions ? ASK : ABSENT;
			break;
		}
		if (hash != live)
			continue;
		stored = atomic_load_explicit(&table->slots[i].key,
					      memory_order_relaxed);
		CONC_YIELD_POINT();
		equal = key_compare(s->dict, s->dict->keys, s->key, s->len,
				    stored);
		if (equal == CONC_EQUAL)
			found = FOUND;
		else if (equal == CONC_ASK)
			found = consider(s, stored, &next);
		if (found != ABSENT)
			break;
	}
	*at = i;
	return found;
}

/* For those left out and some more, as others may come before the next look. */
static int more_room(struct search *s)
{
	size_t room = s->asked_count + 2 * s->left_out;
	struct asked *asked = conc_alloc_array(room, sizeof(*asked));

	if (asked == NULL)
		return -ENOMEM;
	memcpy(asked, s->asked, s->asked_count * sizeof(*asked));
	if (s->asked != s->asked_inline)
		conc_release(s->asked);
	s->asked = asked;
	s->asked_room = room;
	return 0;
}

/* Asks until one is equal: *equal.  Those behind it need no answer. */
static int ask(struct search *s, bool *equal)
{
	const struct conc_key_ops *ops = &s->dict->key_ops;

	*equal = false;
	for (size_t i = 0; i < s->asked_count && !*equal; i++) {
		struct asked *asked = &s->asked[i];
		int rc;

		if (asked->answer != NOT_ASKED)
			continue;
		rc = ops->full_eq((const void *)(uintptr_t)s->key,
				  (const void *)(uintptr_t)asked->key,
				  ops->user);
		if (rc < 0)
			return error_of_callback(rc);
		*equal = rc > 0;
		asked->answer = *equal ? EQUAL : UNEQUAL;
	}
	return 0;
}

int conc_search_answer(struct search *s)
{
	bool equal;
	int rc;

	if (s->left_out > 0)
		return more_room(s);
	if (s->rounds == ROUNDS_MOST)
		return -ELOOP;
	s->rounds++;
	rc = ask(s, &equal);
	s->settled = !s->inserts && (!equal || s->rounds == ROUNDS_MOST);
	return rc;
}
