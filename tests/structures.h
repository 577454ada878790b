/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One of each structure, for processes that have no test framework to report
 * to: what is in them is balanced between two operations, so that they can be
 * used at random by any thread, and be checked when none is inside.
 */
#ifndef TESTS_STRUCTURES_H
#define TESTS_STRUCTURES_H

#include <concurrency.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "stress/crowd.h"
#include "values.h"

#define KEYS 200
#define CAPACITY 100

/* In children there is no test framework to report to. */
#define require(ok) require_at(ok, #ok, __LINE__)
static inline void require_at(bool ok, const char *what, int line)
{
	if (ok)
		return;
	fprintf(stderr, "process %d, line %d: %s\n", (int)getpid(), line, what);
	abort();
}

/* One of each; what is in it is balanced between two operations. */
struct structures {
	conc_dict *counts;  /* int64: the sum of all is 0 */
	conc_dict *objects; /* byte strings: retained */
	conc_dict *stable;  /* int64: type stable */
	conc_dict *named;   /* general: the thing is its own value, borrowed */
	conc_queue *queue;  /* each producer's numbers in order */
	conc_bounded_queue *bounded;
	conc_gather *gather; /* value = key */
	conc_ref *ref;	     /* retained */
	conc_queue *questions; /* of threads, and what they are answered */
	conc_bounded_queue *answers;
	struct object *things;
};

/* ---- structures ------------------------------------------------------------ */

/* Counted by several threads; never freed, so type stable, too. */
static inline void keep(void *thing, void *user)
{
	(void)user;
	__atomic_fetch_add(&((struct object *)thing)->references, 1,
			   __ATOMIC_RELAXED);
}

static inline void let_go(void *thing, void *user)
{
	(void)user;
	require(__atomic_fetch_sub(&((struct object *)thing)->references, 1,
				   __ATOMIC_RELAXED) > 0);
}

static inline bool try_keep(void *thing, void *user)
{
	keep(thing, user);
	return true;
}

static inline int hash_thing(const void *thing, uint64_t *hash, void *user)
{
	(void)user;
	*hash = (uintptr_t)thing;
	return 0;
}

/* Others of the same hash are asked about, too. */
static inline enum conc_equal fast_eq_thing(const void *probe,
					    const void *stored, void *user)
{
	(void)user;
	return probe == stored ? CONC_EQUAL : CONC_ASK;
}

static inline int full_eq_thing(const void *probe, const void *stored,
				void *user)
{
	(void)user;
	return probe == stored;
}

static inline void keep_key(const void *thing, void *user)
{
	keep((void *)thing, user);
}

static inline void let_go_key(const void *thing, void *user)
{
	let_go((void *)thing, user);
}

static inline void make_named(struct structures *s)
{
	const struct conc_key_ops ops = {
		.size = sizeof(struct conc_key_ops),
		.hash = hash_thing,
		.fast_eq = fast_eq_thing,
		.full_eq = full_eq_thing,
		.retain = keep_key,
		.release = let_go_key,
	};
	const struct conc_dict_attr attr = {.size = sizeof(attr),
					    .keys = CONC_KEY_GENERAL,
					    .values = CONC_VALUE_BORROWED,
					    .key_ops = &ops};

	require(conc_dict_new(&attr, &s->named) == 0);
}

static inline void make(struct structures *s)
{
	const struct conc_value_ops ops = {
		.size = sizeof(struct conc_value_ops),
		.retain = keep,
		.try_retain = try_keep,
		.release = let_go,
	};
	const struct conc_dict_attr objects = {.size = sizeof(objects),
					       .keys = CONC_KEY_BYTES,
					       .values = CONC_VALUE_RETAINED,
					       .value_ops = &ops};
	const struct conc_dict_attr stable = {.size = sizeof(stable),
					      .values = CONC_VALUE_TYPE_STABLE,
					      .value_ops = &ops};
	const struct conc_bounded_queue_attr bounded = {
		.size = sizeof(bounded), .capacity = CAPACITY};
	const struct conc_ref_attr ref = {.size = sizeof(ref),
					  .values = CONC_VALUE_RETAINED,
					  .value_ops = &ops};

	require(conc_dict_new(NULL, &s->counts) == 0);
	require(conc_dict_new(&objects, &s->objects) == 0);
	require(conc_dict_new(&stable, &s->stable) == 0);
	make_named(s);
	require(conc_queue_new(NULL, &s->queue) == 0);
	require(conc_bounded_queue_new(&bounded, &s->bounded) == 0);
	require(conc_queue_new(NULL, &s->questions) == 0);
	require(conc_bounded_queue_new(&bounded, &s->answers) == 0);
	require(conc_gather_new(NULL, &s->gather) == 0);
	require(conc_ref_new(&ref, &s->ref) == 0);
	s->things = calloc(KEYS, sizeof(*s->things));
	require(s->things != NULL);
}

static inline void drop(struct structures *s)
{
	conc_dict_free(s->counts);
	conc_dict_free(s->objects);
	conc_dict_free(s->stable);
	conc_dict_free(s->named);
	conc_queue_free(s->queue);
	conc_bounded_queue_free(s->bounded);
	conc_queue_free(s->questions);
	conc_bounded_queue_free(s->answers);
	conc_gather_free(s->gather);
	conc_ref_free(s->ref);
	for (int i = 0; i < KEYS; i++)
		require(s->things[i].references == 0);
	free(s->things);
}

/* A reference to one of the things, to give away. */
static inline struct conc_value thing(struct structures *s, uint64_t n)
{
	struct conc_value value = pointer(&s->things[n % KEYS]);

	keep(value.u.pointer, NULL);
	return value;
}

static inline void count(struct structures *s, uint64_t random)
{
	require(conc_dict_int_add(s->counts, random % KEYS, 1, NULL) == 0);
	require(conc_dict_int_add(s->counts, random / KEYS % KEYS, -1, NULL) ==
		0);
}

static inline void keep_objects(struct structures *s, uint64_t random)
{
	size_t n = random % KEYS, other = random / KEYS % KEYS;
	struct conc_value value = thing(s, n), found;

	require(conc_dict_set(s->objects, &n, sizeof(n), &value) == 0);
	if (conc_dict_get(s->objects, &other, sizeof(other), &found) == 0) {
		require(found.u.pointer == &s->things[other]);
		let_go(found.u.pointer, NULL);
	}
	if (random % 3 == 0)
		conc_dict_delete(s->objects, &other, sizeof(other));
	value = thing(s, random);
	require(conc_ref_set(s->ref, &value) == 0);
}

static inline void keep_stable(struct structures *s, uint64_t random)
{
	int64_t key = (int64_t)(random % KEYS);
	struct conc_value value = thing(s, random), found;

	require(conc_dict_int_set(s->stable, key, &value) == 0);
	key = (int64_t)(random / KEYS % KEYS);
	if (conc_dict_int_get(s->stable, key, &found) == 0) {
		require(found.u.pointer == &s->things[key]);
		let_go(found.u.pointer, NULL);
	}
	if (random % 3 == 0)
		conc_dict_int_delete(s->stable, key);
}

static inline void keep_named(struct structures *s, uint64_t random)
{
	struct object *key = &s->things[random % KEYS];
	struct conc_value value = pointer(key), found;

	require(conc_dict_set(s->named, key, 0, &value) == 0);
	key = &s->things[random / KEYS % KEYS];
	if (conc_dict_get(s->named, key, 0, &found) == 0)
		require(found.u.pointer == key);
	if (random % 3 == 0)
		conc_dict_delete(s->named, key, 0);
}

static inline void queue_up(struct structures *s, uint64_t random)
{
	void *item;

	for (uint64_t n = random % 7; n > 0; n--)
		require(conc_queue_push(s->queue, s) == 0);
	for (uint64_t n = random / 7 % 7; n > 0; n--) {
		int rc = conc_queue_pop(s->queue, &item, CONC_TRY, NULL);

		require(rc == -EAGAIN || (rc == 0 && item == s));
	}
	if (random % 2 == 0)
		conc_bounded_queue_push(s->bounded, s, CONC_TRY, NULL);
	else if (conc_bounded_queue_pop(s->bounded, &item, CONC_TRY, NULL) == 0)
		require(item == s);
}

static inline void gather(struct structures *s, uint64_t random)
{
	int64_t key = (int64_t)(random % KEYS);
	struct conc_value value = number(key);

	if (random / KEYS % 2 == 0)
		require(conc_gather_insert(s->gather, key, &value) == 0);
	else if (conc_gather_take(s->gather, key, true, &value, CONC_TRY,
				  NULL) == 0)
		require(value.u.number == key);
}

struct waiting {
	struct conc_deferred deferred;
	bool waits;
};

static inline void free_waiting(struct conc_deferred *deferred)
{
	struct waiting *waiting = (struct waiting *)deferred;

	require(waiting->waits);
	waiting->waits = false;
	free(waiting);
}

static inline void defer_one(void)
{
	struct waiting *waiting = malloc(sizeof(*waiting));

	require(waiting != NULL);
	waiting->waits = true;
	conc_read_begin();
	conc_defer(&waiting->deferred, free_waiting);
	require(waiting->waits);
	conc_read_end();
}

static inline void use(struct structures *s, uint64_t *seed)
{
	count(s, crowd_random(seed));
	keep_objects(s, crowd_random(seed));
	keep_stable(s, crowd_random(seed));
	keep_named(s, crowd_random(seed));
	defer_one();
	queue_up(s, crowd_random(seed));
	gather(s, crowd_random(seed));
}

/* ---- all is as it must be ---------------------------------------------------- */

static inline void check_dicts(struct structures *s)
{
	struct conc_entry entry = CONC_ENTRY_INIT;
	conc_cursor *cursor;
	int64_t sum = 0;

	require(conc_cursor_new(s->counts, &cursor) == 0);
	while (conc_cursor_next(cursor, &entry) == 0)
		sum += entry.value.u.number;
	conc_cursor_free(cursor);
	require(sum == 0);
	require(conc_cursor_new(s->objects, &cursor) == 0);
	while (conc_cursor_next(cursor, &entry) == 0) {
		size_t n;

		require(entry.len == sizeof(n));
		memcpy(&n, entry.key, sizeof(n));
		require(entry.value.u.pointer == &s->things[n]);
	}
	conc_cursor_free(cursor);
	require(conc_cursor_new(s->stable, &cursor) == 0);
	while (conc_cursor_next(cursor, &entry) == 0)
		require(entry.value.u.pointer == &s->things[entry.int_key]);
	conc_cursor_free(cursor);
	require(conc_cursor_new(s->named, &cursor) == 0);
	while (conc_cursor_next(cursor, &entry) == 0)
		require(entry.value.u.pointer == entry.key);
	conc_cursor_free(cursor);
}

static inline void check_queues(struct structures *s)
{
	size_t left = conc_queue_size(s->queue);
	size_t left_bounded = conc_bounded_queue_size(s->bounded);
	void *item;

	require(left_bounded <= CAPACITY);
	while (left-- > 0)
		require(conc_queue_pop(s->queue, &item, CONC_TRY, NULL) == 0 &&
			item == s);
	require(conc_queue_pop(s->queue, &item, CONC_TRY, NULL) == -EAGAIN);
	while (left_bounded-- > 0)
		require(conc_bounded_queue_pop(s->bounded, &item, CONC_TRY,
					       NULL) == 0 &&
			item == s);
	require(conc_bounded_queue_empty(s->bounded));
}

static inline void check(struct structures *s)
{
	struct conc_value value;

	check_dicts(s);
	check_queues(s);
	for (int64_t key = 0; key < KEYS; key++)
		if (conc_gather_try_take(s->gather, key, true, &value) == 0)
			require(value.u.number == key);
	require(conc_gather_size(s->gather) == 0);
	require(conc_ref_get(s->ref, &value) == 0);
	if (value.kind == CONC_POINTER)
		let_go(value.u.pointer, NULL);
}

/* ---- threads that wait for each other -------------------------------------- */

#define TALKERS 2

static inline void *ask(void *arg)
{
	struct structures *s = arg;
	uint64_t seed = crowd_seed(0);
	struct conc_value value;
	void *item;

	for (int i = 0; i < 100; i++)
		use(s, &seed);
	require(conc_queue_push(s->questions, &item) == 0);
	require(conc_bounded_queue_pop(s->answers, &item, CONC_FOREVER, NULL) ==
		0);
	require(item == s);
	require(conc_gather_take(s->gather, KEYS, false, &value, CONC_FOREVER,
				 NULL) == 0);
	return NULL;
}

/* Threads of its own wait for the caller, and it for them. */
static inline void talk(struct structures *s)
{
	struct conc_value value = number(KEYS);
	pthread_t threads[TALKERS];
	void *item;

	for (int i = 0; i < TALKERS; i++)
		require(pthread_create(&threads[i], NULL, ask, s) == 0);
	for (int i = 0; i < TALKERS; i++)
		require(conc_queue_pop(s->questions, &item, CONC_FOREVER,
				       NULL) == 0);
	for (int i = 0; i < TALKERS; i++)
		require(conc_bounded_queue_push(s->answers, s, CONC_FOREVER,
						NULL) == 0);
	require(conc_gather_insert(s->gather, KEYS, &value) == 0);
	for (int i = 0; i < TALKERS; i++)
		pthread_join(threads[i], NULL);
	require(conc_gather_take(s->gather, KEYS, true, &value, CONC_TRY,
				 NULL) == 0);
}

#endif
