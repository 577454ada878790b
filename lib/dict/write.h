/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every write to a conc_dict.
 *
 * It searches without the lock, takes the shard's lock and verifies: the table
 * is the one that was searched, and the slot found is still that live key, or
 * the empty slot found is still empty; else it searches again.  Under the lock
 * it takes one step, of those in store.c, update.c and count.c, made of what
 * table.h and this file have; what it displaced is released after the unlock.
 * It linearizes at its exchange, store or fetch_or of the word, or at the store
 * of the hash of a new slot.
 *
 * What needs no lock is in in_place.c: so under the lock a COUNT may change at
 * any moment.  Only a fetch_or of FROZEN or DEAD ends that, and the word that
 * it returns is the last one.
 */
#ifndef CONC_DICT_WRITE_H
#define CONC_DICT_WRITE_H

#include <string.h>

#include "drain.h"
#include "search.h"

/* Where a search ended. */
struct place {
	uint64_t generation; /* of the table; 0: there was none */
	uint32_t at;
	bool found;
	conc_reader *reader; /* of the search */
};

/* What conc_dict_update() takes. */
typedef int change_fn(const struct conc_value *old, struct conc_value *desired,
		      void *user);

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
	void *user;			   /* for change */
	struct conc_value *value;	   /* what is displaced comes out, or NULL */
	struct conc_value *present;	   /* what stays comes out, or NULL */
	uint64_t seen;			   /* the word for which it stays */
	struct displaced displaced;
	bool may_nap; /* at its end, when too much waits */
};

/*
 * Makes `u' ready: what goes in, and where what is displaced and what stays
 * come out, each of which may be NULL.  The other members are the operation's
 * that uses them; to clear them all would be a tenth of an insert.
 */
static inline void update_ready(struct update *u, const struct conc_value *stored,
				struct conc_value *value,
				struct conc_value *present)
{
	u->stored = stored;
	u->value = value;
	u->present = present;
	u->may_nap = true;
}

/* --- an operation ---------------------------------------------------------- */

/* One step under the lock, at a verified place. */
typedef int step_fn(struct update *u);

/* --- what steps are made of: under the lock -------------------------------- */

/* The slot found, and its word with what was written before it. */
static inline struct table *table_of(const struct update *u)
{
	return atomic_load_explicit(&u->search->shard->table,
				    memory_order_relaxed);
}

static inline struct slot *conc_dict_slot(const struct update *u)
{
	return &table_of(u)->slots[u->place.at];
}

static inline uint64_t conc_dict_word(const struct update *u)
{
	return atomic_load_explicit(&conc_dict_slot(u)->word, memory_order_acquire);
}

/* Room for one slot more; the entry found, if any, is looked up again. */
int conc_dict_make_room(struct update *u);

/* The key was not found: adds it. */
int conc_dict_add_entry(struct update *u, uint64_t word);

/* The key was found.  Another word for it, in its slot or in a new one. */
int conc_dict_replace(struct update *u, uint64_t word);
void conc_dict_remove_entry(struct update *u);

/* What was displaced, into u->value: as the caller wants to have it. */
void conc_dict_hand_out(struct update *u);

/*
 * What stays where it is, or nothing, into u->present: a reference of its own.
 * It is u->seen, the word that the step was decided by: adds may have changed
 * it since.
 */
void conc_dict_show_word(struct update *u, bool stays);

static inline void conc_dict_show(struct update *u, bool stays)
{
	if (u->present != NULL)
		conc_dict_show_word(u, stays);
}

/* --- the write --------------------------------------------------------------- */

/* Searches, without the lock.  0, or what a comparison answered. */
static CONC_INLINE int locate(struct search *s, struct place *place)
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
		place->reader = reader;
		if (found != ASK) {
			place->found = found == FOUND;
			return 0;
		}
		rc = conc_search_answer(s);
		if (rc < 0)
			return rc;
	}
}

/* After the unlock: hands over or releases what was displaced. */
static inline void settle_write(struct update *u)
{
	conc_dict *dict = u->search->dict;

	settle_displaced(dict, u->place.reader, &u->displaced,
			 u->value != NULL);
	conc_dict_rest(dict, u->place.reader, u->may_nap ? &dict->wait : NULL);
}

/* Under the lock: does the place still hold? */
static inline bool place_holds(const struct update *u)
{
	const struct table *table = table_of(u);
	uint64_t hash;

	if (table == NULL)
		return u->place.generation == 0;
	if (table->generation != u->place.generation)
		return false;
	hash = atomic_load_explicit(&conc_dict_slot(u)->hash, memory_order_relaxed);
	return hash == (u->place.found ? hash_live(u->search->mixed)
				       : HASH_EMPTY);
}

/*
 * 0, or what the step or a comparison answered.  Inline, as the step is known
 * where it is called.
 */
static CONC_INLINE int conc_dict_write(struct update *u, step_fn *step)
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
		holds = place_holds(u);
		if (holds)
			rc = step(u);
		conc_lock_release(&s->shard->lock);
	} while (!holds);
	CONC_YIELD_POINT();
	settle_write(u);
	return rc;
}

/* One operation on the key that u->search is ready for. */
typedef int operation_fn(struct update *u);

static CONC_INLINE int conc_dict_operate(struct update *u, conc_dict *dict,
					 const void *key, size_t len,
					 operation_fn *operation)
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

static CONC_INLINE int conc_dict_operate_int(struct update *u, conc_dict *dict,
					     int64_t key,
					     operation_fn *operation)
{
	struct search s;
	int rc = search_begin_int(&s, dict, key);

	if (rc < 0)
		return rc;
	u->search = &s;
	return operation(u);
}

#endif
