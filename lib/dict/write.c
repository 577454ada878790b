/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writing to a conc_dict.
 *
 * Every write searches without the lock, takes the shard's lock and verifies:
 * the table is the one that was searched, and the slot found is still that live
 * key, or the empty slot found is still empty; else it searches again.  Under
 * the lock it does one of the steps of table.h; what it displaced is
 * released after the unlock.  It linearizes at its exchange, store or fetch_or of the
 * word, or at the store of the hash of a new slot.
 *
 * What needs no lock is in in_place.c: so under the lock a COUNT may change at
 * any moment.  Only a fetch_or of FROZEN or DEAD ends that, and the word that it
 * returns is the last one.
 */
#include <config.h>

#include "write.h"

#include <string.h>

#include "drain.h"
#include "in_place.h"

/* Where a search ended. */
struct place {
	uint64_t generation; /* of the table; 0: there was none */
	uint32_t at;
	bool found;
};

/* What conc_dict_update() takes. */
typedef int change_fn(void *arg, const struct conc_value *old,
		      struct conc_value *desired);

struct update {
	struct search *search;
	struct place place;
	const struct conc_value *stored;   /* insert, compare_exchange */
	const struct conc_value *expected; /* compare_exchange */
	uint64_t word;			   /* what to store, as a word of this dict */
	bool removes;			   /* compare_exchange: store nothing */
	int64_t n;			   /* add */
	int64_t sum;			   /* add: the result */
	change_fn *change;		   /* update */
	void *arg;			   /* for change */
	struct conc_value *value;	   /* what comes out, or NULL */
	struct displaced displaced;
};

/* One step under the lock, at a verified place. */
typedef int step_fn(struct update *u);

static int locate(struct search *s, struct place *place)
{
	for (;;) {
		enum found found = ABSENT;
		struct table *table;
		conc_reader *reader;
		int rc;

		reader = conc_rcu_enter();
		/* Pairs with the release that published the table. */
		table = atomic_load_explicit(&s->shard->table,
					     memory_order_acquire);
		place->generation = 0;
		if (table != NULL) {
			place->generation = table->generation;
			place->at = search_home(s, table);
			found = search_probe(s, table, &place->at);
		}
		conc_rcu_leave(reader);
		if (found != ASK) {
			place->found = found == FOUND;
			return 0;
		}
		rc = conc_search_answer(s);
		if (rc < 0)
			return rc;
	}
}

static struct table *table_of(const struct update *u)
{
	return atomic_load_explicit(&u->search->shard->table,
				    memory_order_relaxed);
}

static struct slot *slot_of(const struct update *u)
{
	return &table_of(u)->slots[u->place.at];
}

/* Under the lock: does the place still hold? */
static bool verified(const struct update *u)
{
	const struct table *table = table_of(u);
	uint64_t hash;

	if (table == NULL)
		return u->place.generation == 0;
	if (table->generation != u->place.generation)
		return false;
	hash = atomic_load_explicit(&slot_of(u)->hash, memory_order_relaxed);
	return hash == (u->place.found ? hash_live(u->search->mixed)
				       : HASH_EMPTY);
}

/* After the unlock: hands over or releases what was displaced. */
static void settle(struct update *u)
{
	conc_dict *dict = u->search->dict;

	if (u->displaced.owned && u->value == NULL)
		conc_word_release(dict, u->displaced.word);
	if (u->displaced.retired)
		conc_dict_drain_if_due(dict);
	conc_reclaim_if_due(&dict->wait);
}

/* Under the lock: what was displaced, as the caller wants to have it. */
static void hand_out(struct update *u)
{
	const conc_dict *dict = u->search->dict;

	if (u->value == NULL)
		return;
	u->value->kind = CONC_ABSENT;
	if (!u->displaced.valid)
		return;
	word_decode(dict->values, u->displaced.word, u->value);
	/* The slot keeps its reference for late readers: one of the caller's own. */
	if (dict->values == CONC_RETAINED && u->value->kind == CONC_POINTER)
		dict->value_ops.retain(dict->value_ops.user,
				       u->value->u.pointer);
}

static int write_entry(struct update *u, step_fn *step)
{
	struct search *s = u->search;
	bool holds;
	int rc;

	memset(&u->displaced, 0, sizeof(u->displaced));
	do {
		rc = locate(s, &u->place);
		if (rc < 0)
			return rc;
		CONC_YIELD_POINT();
		conc_lock_acquire(&s->shard->lock, &s->dict->wait);
		holds = verified(u);
		if (holds)
			rc = step(u);
		conc_lock_release(&s->shard->lock);
	} while (!holds);
	CONC_YIELD_POINT();
	settle(u);
	return rc;
}

/* --- steps under the lock ------------------------------------------------ */

/* Room for one slot more; the entry found, if any, is looked up again. */
static int make_room(struct update *u)
{
	struct search *s = u->search;
	uint64_t key = 0;
	int rc;

	if (u->place.found)
		key = atomic_load_explicit(&slot_of(u)->key,
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
	block->len = s->len;
	if (s->len != 0)
		memcpy(block->bytes, (const void *)(uintptr_t)s->key, s->len);
	*key = (uintptr_t)block;
	return 0;
}

static int add_entry(struct update *u, uint64_t word)
{
	struct search *s = u->search;
	uint64_t key;
	int rc;

	rc = make_room(u);
	if (rc == 0)
		rc = own_key(s, &key);
	if (rc == 0)
		conc_shard_add(s->shard, s->mixed, key, word);
	return rc;
}

static int move_entry(struct update *u, uint64_t word)
{
	int rc = make_room(u);

	if (rc == 0)
		conc_shard_move(u->search->dict, u->search->shard, u->place.at, word,
				&u->displaced);
	return rc;
}

static uint64_t word_at(const struct update *u)
{
	return atomic_load_explicit(&slot_of(u)->word, memory_order_acquire);
}

/*
 * Whether the slot may take the new word itself: never where a count would
 * become something else (base/word.h), nor where the old value must stay for
 * late readers.
 */
static bool replaceable(const struct update *u, uint64_t old, uint64_t word)
{
	enum conc_lifetime values = u->search->dict->values;

	if (values == CONC_BORROWED)
		return true;
	if ((old & WORD_COUNT) != 0)
		return (word & WORD_COUNT) != 0;
	return values != CONC_RETAINED;
}

/*
 * Puts in the new word and returns the old one.  Under the lock nobody else writes
 * a word that is no count: for these a store will do.
 * Release, both: what the new pointer points to.  Acquire: the count returned has
 * every add in it that came before.
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

static int replace(struct update *u, uint64_t word)
{
	enum conc_lifetime values = u->search->dict->values;
	struct slot *slot = slot_of(u);
	uint64_t old = atomic_load_explicit(&slot->word, memory_order_acquire);
	bool counts = values != CONC_BORROWED && (old & WORD_COUNT) != 0;

	if (!replaceable(u, old, word))
		return move_entry(u, word);
	old = swap_word(slot, old, counts, word);
	u->displaced.word = old;
	u->displaced.valid = true;
	u->displaced.owned = values == CONC_TYPE_STABLE && !counts;
	return 0;
}

static void remove_entry(struct update *u)
{
	conc_shard_remove(u->search->dict, u->search->shard, u->place.at,
			  &u->displaced);
	conc_shard_shrink(u->search->dict, u->search->shard);
}

static int step_read(struct update *u)
{
	if (!u->place.found)
		return -ENOENT;
	word_decode(u->search->dict->values, word_at(u), u->value);
	if (u->value->kind == CONC_POINTER)
		return -EAGAIN; /* no count any more: the way of every read */
	return 0;
}

static int step_set(struct update *u)
{
	int rc = u->place.found ? replace(u, u->word) : add_entry(u, u->word);

	if (rc == 0)
		hand_out(u);
	return rc;
}

static int step_insert(struct update *u)
{
	return u->place.found ? -EEXIST : add_entry(u, u->word);
}

static int step_delete(struct update *u)
{
	if (!u->place.found) {
		hand_out(u);
		return -ENOENT;
	}
	remove_entry(u);
	hand_out(u);
	return 0;
}

/*
 * Stops the adds to the count found, which must have room beside it: its number
 * is final.  The slot must be moved or removed under the same lock.
 */
static int64_t freeze_count(struct update *u)
{
	return word_number(atomic_fetch_or_explicit(
		&slot_of(u)->word, WORD_FROZEN, memory_order_acq_rel));
}

/* Moves a frozen count on to a slot where adds count again. */
static void thaw_count(struct update *u, int64_t number)
{
	conc_shard_move(u->search->dict, u->search->shard, u->place.at,
			word_shifted(number) | WORD_COUNT, &u->displaced);
}

/* The count found, if it is `number`, becomes another count. */
static int exchange_count(struct update *u, int64_t number, uint64_t word)
{
	uint64_t old = word_at(u);

	while (word_number(old) == number)
		if (atomic_compare_exchange_weak_explicit(
			    &slot_of(u)->word, &old, word, memory_order_acq_rel,
			    memory_order_acquire))
			return 0;
	return -EAGAIN;
}

/* The count found, if it is `number`, becomes an object or goes. */
static int end_count(struct update *u, int64_t number)
{
	int64_t last;
	int rc;

	if (word_number(word_at(u)) != number)
		return -EAGAIN;
	rc = make_room(u);
	if (rc < 0)
		return rc;
	last = freeze_count(u);
	CONC_YIELD_POINT();
	if (last != number) {
		thaw_count(u, last);
		return -EAGAIN;
	}
	if (u->removes)
		remove_entry(u);
	else
		conc_shard_move(u->search->dict, u->search->shard, u->place.at,
				u->word, &u->displaced);
	return 0;
}

static bool is_expected(const struct update *u, uint64_t word)
{
	struct conc_value value;

	word_decode(u->search->dict->values, word, &value);
	return value_is_same(&value, u->expected);
}

static int step_compare_exchange(struct update *u)
{
	uint64_t old;

	if (!u->place.found) {
		if (u->expected->kind != CONC_ABSENT)
			return -EAGAIN;
		return u->removes ? 0 : add_entry(u, u->word);
	}
	old = word_at(u);
	if (!is_expected(u, old))
		return -EAGAIN;
	if (u->search->dict->values != CONC_BORROWED &&
	    (old & WORD_COUNT) != 0) {
		if (!u->removes && (u->word & WORD_COUNT) != 0)
			return exchange_count(u, u->expected->u.number, u->word);
		return end_count(u, u->expected->u.number);
	}
	if (!u->removes)
		return replace(u, u->word);
	remove_entry(u);
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

	rc = make_room(u);
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
	uint64_t old = word_at(u), word;
	int rc;

	do {
		rc = sum_word(u, word_number(old), &word);
		if (rc < 0)
			return rc;
		if ((word & WORD_COUNT) == 0)
			return widen_count(u);
	} while (!atomic_compare_exchange_weak_explicit(
		&slot_of(u)->word, &old, word, memory_order_acq_rel,
		memory_order_acquire));
	return 0;
}

static int step_add(struct update *u)
{
	uint64_t old, word;
	int rc;

	if (!u->place.found) {
		rc = sum_word(u, 0, &word);
		return rc < 0 ? rc : add_entry(u, word);
	}
	old = word_at(u);
	if ((old & WORD_COUNT) != 0)
		return add_to_count(u);
	if (u->search->dict->values != CONC_INT64)
		return -EDOM;
	rc = sum_word(u, word_number(old), &word);
	return rc < 0 ? rc : replace(u, word);
}

/* --- adding without the lock --------------------------------------------- */

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

/* --- the public functions ------------------------------------------------ */

/* One operation on the key that u->search is ready for. */
typedef int operation_fn(struct update *u);

static int operate(struct update *u, conc_dict *dict, const void *key,
		   size_t len, operation_fn *operation)
{
	struct search s;
	int rc = conc_search_begin(&s, dict, key, len);

	if (rc < 0)
		return rc;
	u->search = &s;
	rc = operation(u);
	conc_search_end(&s);
	return rc;
}

static int operate_int(struct update *u, conc_dict *dict, int64_t key,
		       operation_fn *operation)
{
	struct search s;
	int rc = search_begin_int(&s, dict, key);

	if (rc < 0)
		return rc;
	u->search = &s;
	return operation(u);
}

int conc_dict_read_locked(struct search *s, struct conc_value *value)
{
	struct update u = {.search = s, .value = value};

	return write_entry(&u, step_read);
}

/* For a write that may make an entry: `stored` goes in by `step`. */
static int store(struct update *u, step_fn *step)
{
	int rc = word_encode(u->search->dict->values, u->stored, &u->word);

	u->search->inserts = true;
	return rc < 0 ? rc : write_entry(u, step);
}

int conc_dict_set_by_search(conc_dict *dict, uint64_t key, size_t len,
			    uint64_t hash, uint64_t word, struct conc_value *old)
{
	struct search s;
	struct update u = {.search = &s, .word = word, .value = old};
	int rc;

	search_ready(&s, dict, key, len, hash);
	s.inserts = true;
	rc = write_entry(&u, step_set);
	conc_search_end(&s);
	return rc;
}

static int operation_insert(struct update *u)
{
	return store(u, step_insert);
}

int conc_dict_insert(conc_dict *dict, const void *key, size_t len,
		     const struct conc_value *value)
{
	struct update u = {.stored = value};

	return operate(&u, dict, key, len, operation_insert);
}

int conc_dict_int_insert(conc_dict *dict, int64_t key,
			 const struct conc_value *value)
{
	struct update u = {.stored = value};

	return operate_int(&u, dict, key, operation_insert);
}

static int operation_delete(struct update *u)
{
	return write_entry(u, step_delete);
}

int conc_dict_delete(conc_dict *dict, const void *key, size_t len,
		     struct conc_value *old)
{
	struct update u = {.value = old};

	return operate(&u, dict, key, len, operation_delete);
}

int conc_dict_int_delete(conc_dict *dict, int64_t key, struct conc_value *old)
{
	struct update u = {.value = old};

	return operate_int(&u, dict, key, operation_delete);
}

static int operation_compare_exchange(struct update *u)
{
	int rc;

	if (u->expected == NULL || u->stored == NULL)
		return -EINVAL;
	u->removes = u->stored->kind == CONC_ABSENT;
	u->search->inserts = !u->removes && u->expected->kind == CONC_ABSENT;
	if (!u->removes) {
		rc = word_encode(u->search->dict->values, u->stored, &u->word);
		if (rc < 0)
			return rc;
	}
	return write_entry(u, step_compare_exchange);
}

int conc_dict_compare_exchange(conc_dict *dict, const void *key, size_t len,
			       const struct conc_value *expected,
			       const struct conc_value *desired)
{
	struct update u = {.expected = expected, .stored = desired};

	return operate(&u, dict, key, len, operation_compare_exchange);
}

int conc_dict_int_compare_exchange(conc_dict *dict, int64_t key,
				   const struct conc_value *expected,
				   const struct conc_value *desired)
{
	struct update u = {.expected = expected, .stored = desired};

	return operate_int(&u, dict, key, operation_compare_exchange);
}

static void release_pointer(const conc_dict *dict, const struct conc_value *value)
{
	if (value->kind == CONC_POINTER && (dict->values == CONC_RETAINED ||
					    dict->values == CONC_TYPE_STABLE))
		dict->value_ops.release(dict->value_ops.user,
					value->u.pointer);
}

/*
 * Asks `change` what to make of `old` and does so if that is still there.
 * -EAGAIN: it is not.  What `change` made belongs to us until it is stored.
 */
static int try_update(struct update *u, const struct conc_value *old)
{
	struct conc_value desired = {.kind = CONC_ABSENT};
	int rc = u->change(u->arg, old, &desired);

	if (rc < 0)
		return rc == -EAGAIN ? -EINVAL : rc;
	u->expected = old;
	u->stored = &desired;
	rc = operation_compare_exchange(u);
	u->stored = NULL;
	if (rc < 0)
		release_pointer(u->search->dict, &desired);
	return rc;
}

/* One search for all attempts: a key is compared once, however many it takes. */
static int operation_update(struct update *u)
{
	struct conc_value old;
	int rc;

	if (u->change == NULL)
		return -EINVAL;
	do {
		u->search->inserts = false;
		rc = conc_dict_read(u->search, &old);
		if (rc < 0 && rc != -ENOENT)
			return rc;
		CONC_YIELD_POINT();
		rc = try_update(u, &old);
		release_pointer(u->search->dict, &old);
	} while (rc == -EAGAIN);
	return rc;
}

int conc_dict_update(conc_dict *dict, const void *key, size_t len,
		     change_fn *change, void *arg)
{
	struct update u = {.change = change, .arg = arg};

	return operate(&u, dict, key, len, operation_update);
}

int conc_dict_int_update(conc_dict *dict, int64_t key, change_fn *change,
			 void *arg)
{
	struct update u = {.change = change, .arg = arg};

	return operate_int(&u, dict, key, operation_update);
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
	return found == FOUND ? 0 : write_entry(u, step_add);
}

int conc_dict_add_by_search(conc_dict *dict, uint64_t key, size_t len,
			    uint64_t hash, int64_t n, int64_t *sum)
{
	struct search s;
	struct update u = {.search = &s, .n = n};
	int rc;

	search_ready(&s, dict, key, len, hash);
	rc = operation_add(&u);
	conc_search_end(&s);
	if (rc == 0)
		*sum = u.sum;
	return rc;
}
