/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "count.h"

static int step_read(struct update *u)
{
	if (!u->place.found)
		return -ENOENT;
	word_decode(u->search->dict->values, conc_dict_word(u), u->value);
	if (u->value->kind == CONC_POINTER)
		return -EAGAIN; /* no count any more: the way of every read */
	return 0;
}

int conc_dict_read_locked(struct search *s, struct conc_value *value)
{
	struct update u;

	update_ready(&u, NULL, value, NULL);
	u.search = s;
	return conc_dict_write(&u, step_read);
}

/*
 * Stops the adds to the count found, which must have room beside it: its number
 * is final.  The slot must be moved or removed under the same lock.
 */
static int64_t freeze_count(struct update *u)
{
	return word_number(atomic_fetch_or_explicit(
		&conc_dict_slot(u)->word, WORD_FROZEN, memory_order_acq_rel));
}

/* Moves a frozen count on to a slot where adds count again. */
static void thaw_count(struct update *u, int64_t number)
{
	conc_shard_move(u->search->dict, u->search->shard, u->place.at,
			word_shifted(number) | WORD_COUNT, &u->displaced);
}

int conc_count_exchange(struct update *u, int64_t number, uint64_t word)
{
	uint64_t old = conc_dict_word(u);

	while (word_number(old) == number)
		if (atomic_compare_exchange_weak_explicit(
			    &conc_dict_slot(u)->word, &old, word, memory_order_acq_rel,
			    memory_order_acquire))
			return 0;
	u->seen = old;
	return -EAGAIN;
}

int conc_count_end(struct update *u, int64_t number)
{
	int64_t last;
	int rc;

	u->seen = conc_dict_word(u);
	if (word_number(u->seen) != number)
		return -EAGAIN;
	rc = conc_dict_make_room(u);
	if (rc < 0)
		return rc;
	last = freeze_count(u);
	CONC_YIELD_POINT();
	if (last != number) {
		u->seen = word_shifted(last) | WORD_COUNT;
		thaw_count(u, last);
		return -EAGAIN;
	}
	if (u->removes)
		conc_dict_remove_entry(u);
	else
		conc_shard_move(u->search->dict, u->search->shard, u->place.at,
				u->word, &u->displaced);
	return 0;
}

/* The sum as a word of this dict.  0, -EOVERFLOW. */
static int sum_word(struct update *u, int64_t number, uint64_t *word)
{
	if (__builtin_add_overflow(number, u->n, &u->sum))
		return -EOVERFLOW;
	return word_encode_number(u->search->dict->values, u->sum, word);
}

/* The sum leaves the range of counts: stop the adds, move it as a wide word. */
static int widen_count(struct update *u)
{
	uint64_t word;
	int64_t last;
	int rc;

	rc = conc_dict_make_room(u);
	if (rc < 0)
		return rc;
	last = freeze_count(u);
	CONC_YIELD_POINT();
	rc = sum_word(u, last, &word);
	if (rc < 0)
		thaw_count(u, last);
	else
		conc_shard_move(u->search->dict, u->search->shard, u->place.at, word,
				&u->displaced);
	return rc;
}

static int add_to_count(struct update *u)
{
	uint64_t old = conc_dict_word(u), word;
	int rc;

	do {
		rc = sum_word(u, word_number(old), &word);
		if (rc < 0)
			return rc;
		if ((word & WORD_COUNT) == 0)
			return widen_count(u);
	} while (!atomic_compare_exchange_weak_explicit(
		&conc_dict_slot(u)->word, &old, word, memory_order_acq_rel,
		memory_order_acquire));
	return 0;
}

static int step_add(struct update *u)
{
	uint64_t old, word;
	int rc;

	if (!u->place.found) {
		rc = sum_word(u, 0, &word);
		return rc < 0 ? rc : conc_dict_add_entry(u, word);
	}
	old = conc_dict_word(u);
	if ((old & WORD_COUNT) != 0)
		return add_to_count(u);
	if (u->search->dict->values != CONC_VALUE_INT64)
		return -EDOM;
	rc = sum_word(u, word_number(old), &word);
	return rc < 0 ? rc : conc_dict_replace(u, word);
}

/* FOUND: it counted.  ABSENT: it needs the lock. */
static enum found try_add(struct search *s, int64_t n, int64_t *sum)
{
	enum found found = ABSENT;
	struct table *table;
	conc_reader *reader;
	uint32_t at;

	reader = conc_rcu_enter();
	/* Pairs with the release that published the table. */
	table = atomic_load_explicit(&s->shard->table, memory_order_acquire);
	if (table != NULL) {
		at = search_home(s, table);
		found = search_probe(s, table, &at);
		if (found == FOUND && !add_in_place(&table->slots[at], n, sum))
			found = ABSENT;
	}
	conc_rcu_leave(reader);
	return found;
}

static int operation_add(struct update *u)
{
	enum found found;
	int rc;

	u->search->inserts = true;
	while ((found = try_add(u->search, u->n, &u->sum)) == ASK) {
		rc = conc_search_answer(u->search);
		if (rc < 0)
			return rc;
	}
	return found == FOUND ? 0 : conc_dict_write(u, step_add);
}

int conc_dict_add_by_search(conc_dict *dict, uint64_t key, size_t len,
			    uint64_t hash, int64_t n, int64_t *sum)
{
	struct search s;
	struct update u;
	int rc;

	update_ready(&u, NULL, NULL, NULL);
	u.search = &s;
	u.n = n;
	search_ready(&s, dict, key, len, hash);
	rc = operation_add(&u);
	conc_search_end(&s);
	if (rc == 0 && sum != NULL)
		*sum = u.sum;
	return rc;
}
