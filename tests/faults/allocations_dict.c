/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The life of a dict in which each call meets failing allocations, beside a
 * model of what must be in it: for every kind of key and every lifetime of
 * values.
 */
#include <config.h>

#include <concurrency.h>
#include <stdio.h>
#include <string.h>

#include "attempt.h"
#include "stress/crowd.h"
#include "unit/dict/dict_keys.h"
#include "values.h"

#define KEYS 96
#define ASKING 24 /* of them: one hash, and only full_eq can tell */
#define TWINS 2	  /* equal keys: so some are found by another than the stored */
#define OBJECTS 24
#define STEPS 3000
#define PHASE 400 /* steps; mostly storing, then mostly removing */
#define LARGEST_COUNT ((INT64_C(1) << 59) - 1)

struct life;

/* What is done in a step: the call, and what it answers by the model. */
struct operation {
	const char *name;
	int (*call)(void *life);
	int (*expect)(struct life *life);
	struct attempts attempts;
};

/* How many references there are to each key and value. */
struct references {
	int keys[TWINS][KEYS], objects[OBJECTS];
};

struct life {
	enum conc_key_kind keys;
	enum conc_lifetime values;
	conc_dict *dict;
	struct test_key key[TWINS][KEYS];
	char text[KEYS][16];
	struct test_value object[OBJECTS];
	struct conc_value model[KEYS];
	uint64_t seed;
	/* The step. */
	int at, twin;
	struct conc_value value, expected, old;
	int64_t n, sum;
	bool wants_old, shows;
	struct references before;
};

static uint64_t draw(struct life *l, uint64_t below)
{
	return crowd_random(&l->seed) % below;
}

static bool counts_references(const struct life *l)
{
	return l->values == CONC_VALUE_RETAINED ||
	       l->values == CONC_VALUE_TYPE_STABLE;
}

static void take_reference(struct life *l, const struct conc_value *value)
{
	if (value->kind == CONC_POINTER && counts_references(l))
		((struct test_value *)value->u.pointer)->references++;
}

static void drop_reference(struct life *l, const struct conc_value *value)
{
	if (value->kind == CONC_POINTER && counts_references(l))
		test_value_release(value->u.pointer, NULL);
}

static bool same(const struct conc_value *a, const struct conc_value *b)
{
	return a->kind == b->kind &&
	       (a->kind != CONC_NUMBER || a->u.number == b->u.number) &&
	       (a->kind != CONC_POINTER || a->u.pointer == b->u.pointer);
}

/* ---- the functions, for keys of each kind -------------------------------- */

static bool int_keys(const struct life *l)
{
	return l->keys == CONC_KEY_INT64;
}

static const void *key(const struct life *l)
{
	return l->keys == CONC_KEY_BYTES ? (const void *)l->text[l->at]
					 : &l->key[l->twin][l->at];
}

static size_t length(const struct life *l)
{
	return l->keys == CONC_KEY_BYTES ? strlen(l->text[l->at]) : 0;
}

/* CALL(get, &value): conc_dict_get or conc_dict_int_get for the step's key. */
#define CALL(function, ...)                                                   \
	(int_keys(l) ? conc_dict_int_##function(l->dict, l->at, __VA_ARGS__)  \
		     : conc_dict_##function(l->dict, key(l), length(l),       \
					    __VA_ARGS__))

/* The same of a function without further arguments. */
#define CALL_KEY(function)                                                     \
	(int_keys(l) ? conc_dict_int_##function(l->dict, l->at)                \
		     : conc_dict_##function(l->dict, key(l), length(l)))

/* ---- is it as the model says? -------------------------------------------- */

static void find_all(struct life *l)
{
	struct conc_value value;
	size_t size = 0;
	bool right = true; /* one assertion for all: each takes a microsecond */
	int at = l->at;

	for (l->at = 0; l->at < KEYS; l->at++) {
		bool there = l->model[l->at].kind != CONC_ABSENT;

		right &= CALL(get, &value) == (there ? 0 : -ENOENT) &&
			 same(&value, &l->model[l->at]);
		drop_reference(l, &value);
		size += there;
	}
	l->at = at;
	ck_assert(right);
	ck_assert_uint_eq(conc_dict_size(l->dict), size);
}

static int index_of(const struct life *l, const struct conc_entry *entry)
{
	if (int_keys(l))
		return (int)entry->int_key;
	if (l->keys == CONC_KEY_GENERAL)
		return ((const struct test_key *)entry->key)->id;
	for (int at = 0; at < KEYS; at++)
		if (entry->len == strlen(l->text[at]) &&
		    memcmp(entry->key, l->text[at], entry->len) == 0)
			return at;
	return KEYS;
}

/* Each entry once.  A step without memory is made again with it. */
static int walk(struct life *l, conc_cursor *cursor)
{
	bool seen[KEYS] = {false}, right = true;
	struct conc_entry entry = CONC_ENTRY_INIT;
	int rc, result = 0;

	while ((rc = conc_cursor_next(cursor, &entry)) != -ENOENT) {
		int at;

		if (rc == -ENOMEM) {
			result = rc;
			alloc_fail_no_more();
			continue;
		}
		ck_assert_int_eq(rc, 0);
		at = index_of(l, &entry);
		ck_assert_int_lt(at, KEYS);
		right &= !seen[at] && same(&entry.value, &l->model[at]);
		seen[at] = true;
	}
	for (int at = 0; at < KEYS; at++)
		right &= seen[at] == (l->model[at].kind != CONC_ABSENT);
	ck_assert(right);
	return result;
}

static struct references all_references(const struct life *l)
{
	struct references all = {0};

	for (int at = 0; at < KEYS; at++)
		for (int twin = 0; twin < TWINS; twin++)
			all.keys[twin][at] = l->key[twin][at].references;
	for (int i = 0; counts_references(l) && i < OBJECTS; i++)
		all.objects[i] = l->object[i].references;
	return all;
}

struct tour {
	struct life *life;
	struct references owned;
};

static int visit(void *visited, void *arg)
{
	struct tour *tour = arg;
	struct life *l = tour->life;
	struct test_value *object = visited;
	struct test_key *key = visited;

	if (object >= l->object && object < l->object + OBJECTS)
		tour->owned.objects[object - l->object]++;
	else
		tour->owned.keys[key >= l->key[1]][key->id]++;
	return 0;
}

/* Every reference there is belongs to the dict. */
static void count_references(struct life *l)
{
	struct tour tour = {.life = l};
	struct references all = all_references(l);

	ck_assert_int_eq(conc_dict_traverse(l->dict, visit, &tour), 0);
	ck_assert_mem_eq(&tour.owned, &all, sizeof(all));
}

/* After a call that failed. */
static void is_unchanged(void *life)
{
	struct life *l = life;
	struct references all = all_references(l);

	ck_assert_mem_eq(&l->before, &all, sizeof(all));
	ck_assert_int_eq(l->old.kind, CONC_ABSENT);
	find_all(l);
}

/* ---- operations ----------------------------------------------------------- */

static int call_get(void *life)
{
	struct life *l = life;
	int rc = CALL(get, &l->old);

	l->wants_old = true;
	return rc;
}

static int expect_get(struct life *l)
{
	return l->model[l->at].kind == CONC_ABSENT ? -ENOENT : 0;
}

static int call_set(void *life)
{
	struct life *l = life;

	return l->wants_old ? CALL(exchange, &l->value, &l->old)
			    : CALL(set, &l->value);
}

static int expect_set(struct life *l)
{
	l->model[l->at] = l->value;
	return 0;
}

static int call_insert(void *life)
{
	struct life *l = life;

	l->wants_old = false;
	return CALL(insert, &l->value, l->shows ? &l->old : NULL);
}

static int expect_insert(struct life *l)
{
	if (l->model[l->at].kind != CONC_ABSENT)
		return -EEXIST;
	l->model[l->at] = l->value;
	return 0;
}

static int call_delete(void *life)
{
	struct life *l = life;

	return l->wants_old ? CALL(take, &l->old) : CALL_KEY(delete);
}

static int expect_delete(struct life *l)
{
	if (l->model[l->at].kind == CONC_ABSENT)
		return -ENOENT;
	l->model[l->at] = absent;
	return 0;
}

static int call_compare_exchange(void *life)
{
	struct life *l = life;

	l->wants_old = false;
	return CALL(compare_exchange, &l->expected, &l->value,
		    l->shows ? &l->old : NULL);
}

static int expect_compare_exchange(struct life *l)
{
	if (!same(&l->expected, &l->model[l->at]))
		return -EAGAIN;
	l->model[l->at] = l->value;
	return 0;
}

/* Into or out of an entry: the expected value is what is there. */
static int call_remove_expected(void *life)
{
	struct life *l = life;

	l->wants_old = false;
	return CALL(compare_exchange, &l->model[l->at], &absent, NULL);
}

static int expect_remove_expected(struct life *l)
{
	l->model[l->at] = absent;
	return 0;
}

static int change(const struct conc_value *old, struct conc_value *desired,
		  void *life)
{
	struct life *l = life;

	ck_assert(same(old, &l->model[l->at]));
	*desired = l->value;
	take_reference(l, desired);
	return 0;
}

static int call_update(void *life)
{
	struct life *l = life;

	l->wants_old = false;
	return CALL(update, change, l);
}

static int call_add(void *life)
{
	struct life *l = life;

	l->wants_old = false;
	return CALL(add, l->n, &l->sum);
}

static int expect_add(struct life *l)
{
	struct conc_value *model = &l->model[l->at];
	int64_t old = model->kind == CONC_NUMBER ? model->u.number : 0, sum;
	int64_t limit = LARGEST_COUNT + 1;

	if (l->values == CONC_VALUE_BORROWED)
		return -EINVAL;
	if (model->kind == CONC_POINTER)
		return -EDOM;
	if (l->values == CONC_VALUE_INT64)
		limit *= 2;
	sum = old + l->n;
	if (sum < -limit || sum >= limit)
		return -EOVERFLOW;
	ck_assert_int_eq(l->sum, sum);
	*model = number(sum);
	return 0;
}

static int call_cursor(void *life)
{
	struct life *l = life;
	conc_cursor *cursor = NULL;
	int rc = conc_cursor_new(l->dict, &cursor);

	l->wants_old = false;
	if (rc == 0)
		rc = walk(l, cursor);
	else
		ck_assert_ptr_null(cursor);
	conc_cursor_free(cursor);
	return rc;
}

static int expect_cursor(struct life *l)
{
	(void)l;
	return 0;
}

static int call_clear(void *life)
{
	struct life *l = life;

	l->wants_old = false;
	conc_dict_clear(l->dict);
	return 0;
}

static int expect_clear(struct life *l)
{
	for (int at = 0; at < KEYS; at++)
		l->model[at] = absent;
	return 0;
}

enum {
	GET, SET, INSERT, DELETE, COMPARE_EXCHANGE, REMOVE_EXPECTED, UPDATE,
	ADD, CURSOR, CLEAR
};

static struct operation operations[] = {
	[GET] = {"get", call_get, expect_get, {0, 0}},
	[SET] = {"set", call_set, expect_set, {0, 0}},
	[INSERT] = {"insert", call_insert, expect_insert, {0, 0}},
	[DELETE] = {"delete", call_delete, expect_delete, {0, 0}},
	[COMPARE_EXCHANGE] = {"compare_exchange", call_compare_exchange,
			      expect_compare_exchange, {0, 0}},
	[REMOVE_EXPECTED] = {"compare_exchange for nothing",
			     call_remove_expected, expect_remove_expected,
			     {0, 0}},
	[UPDATE] = {"update", call_update, expect_set, {0, 0}},
	[ADD] = {"add", call_add, expect_add, {0, 0}},
	[CURSOR] = {"cursor", call_cursor, expect_cursor, {0, 0}},
	[CLEAR] = {"clear", call_clear, expect_clear, {0, 0}},
};

/* ---- a life --------------------------------------------------------------- */

static struct conc_value draw_value(struct life *l)
{
	static const int64_t numbers[] = {0, 1, -7, LARGEST_COUNT,
					  -LARGEST_COUNT - 1};

	if (l->values == CONC_VALUE_BORROWED ||
	    (l->values != CONC_VALUE_INT64 && draw(l, 3) != 0))
		return pointer(&l->object[draw(l, OBJECTS)]);
	if (l->values == CONC_VALUE_INT64 && draw(l, 8) == 0)
		return number(LARGEST_COUNT + 1 + (int64_t)draw(l, 9));
	return number(numbers[draw(l, COUNT_OF(numbers))]);
}

static struct operation *draw_operation(struct life *l, int step)
{
	static const int storing[] = {SET, SET, INSERT, INSERT, UPDATE, ADD,
				      ADD, COMPARE_EXCHANGE, DELETE, GET};
	static const int removing[] = {DELETE, DELETE, DELETE, DELETE,
				       REMOVE_EXPECTED, REMOVE_EXPECTED,
				       COMPARE_EXCHANGE, SET, ADD, GET};
	uint64_t n = draw(l, COUNT_OF(storing));

	if (draw(l, 20) == 0)
		return &operations[CURSOR];
	if (draw(l, PHASE) == 0)
		return &operations[CLEAR];
	return &operations[step / PHASE % 2 == 0 ? storing[n] : removing[n]];
}

static void prepare_step(struct life *l)
{
	static const int64_t numbers[] = {1, 3, INT64_C(1) << 33,
					  LARGEST_COUNT};

	l->at = (int)draw(l, KEYS);
	l->twin = (int)draw(l, TWINS);
	l->value = draw_value(l);
	l->expected = draw(l, 4) == 0 ? draw_value(l) : l->model[l->at];
	l->n = numbers[draw(l, COUNT_OF(numbers))];
	l->wants_old = draw(l, 2) == 0;
	l->shows = draw(l, 2) == 0;
	l->old = absent;
}

/* The reference to a stored value is ours to give; what comes out is ours. */
static void take_step(struct life *l, struct operation *operation)
{
	bool gives = operation->expect == expect_set ||
		     operation->expect == expect_insert ||
		     operation->expect == expect_compare_exchange;
	bool may_show = operation->expect == expect_insert ||
			operation->expect == expect_compare_exchange;
	struct conc_value before = l->model[l->at];
	int rc;

	gives = gives && operation->call != call_update;
	if (gives)
		take_reference(l, &l->value);
	l->before = all_references(l);
	rc = attempt_undisturbed(operation->call, is_unchanged, l,
				 &operation->attempts);
	ck_assert_int_eq(rc, operation->expect(l));
	if (l->wants_old)
		ck_assert(same(&l->old, &before));
	else if (may_show && l->shows && rc != 0)
		ck_assert(same(&l->old, &before));
	else
		ck_assert_int_eq(l->old.kind, CONC_ABSENT);
	drop_reference(l, &l->old);
	if (gives && rc != 0)
		drop_reference(l, &l->value);
}

static void name_keys(struct life *l)
{
	for (int at = 0; at < KEYS; at++) {
		struct test_key key = TEST_KEY(at);

		if (at < ASKING) {
			key.hash = 7;
			key.asks = true;
		}
		for (int twin = 0; twin < TWINS; twin++)
			l->key[twin][at] = key;
		snprintf(l->text[at], sizeof(l->text[at]), "key %d", at);
		l->model[at] = absent;
	}
	l->text[0][0] = '\0'; /* the empty string is a key, too */
}

static int make_dict(void *life)
{
	struct life *l = life;
	const struct conc_key_ops key_ops = test_key_ops(NULL);
	const struct conc_value_ops value_ops = test_value_ops(NULL);
	const struct conc_dict_attr attr = {
		.size = sizeof(attr),
		.scaling = 1,
		.keys = l->keys,
		.values = l->values,
		.key_ops = &key_ops,
		.value_ops = &value_ops,
	};

	return conc_dict_new(&attr, &l->dict);
}

static void was_not_made(void *life)
{
	ck_assert_ptr_null(((struct life *)life)->dict);
}

static void live(enum conc_key_kind keys, enum conc_lifetime values)
{
	static struct life life;
	struct attempts making = {0};
	struct references none;
	struct life *l = &life;
	long live_before = alloc_live();

	memset(l, 0, sizeof(*l));
	l->keys = keys;
	l->values = values;
	l->seed = crowd_seed((unsigned)(keys * 4 + values));
	name_keys(l);
	ck_assert_int_eq(attempt(make_dict, was_not_made, l, &making), 0);
	ck_assert_int_gt(making.refused, 0);
	for (int step = 0; step < STEPS; step++) {
		prepare_step(l);
		take_step(l, draw_operation(l, step));
		count_references(l);
		if (step % 16 == 0)
			find_all(l);
	}
	conc_dict_free(l->dict);
	none = all_references(l);
	ck_assert_mem_eq(&none, &(struct references){0}, sizeof(none));
	ck_assert_int_eq(conc_reclaim(NULL), 0);
	ck_assert_int_eq(alloc_live(), live_before);
}

static void live_with_values_of_every_lifetime(enum conc_key_kind keys)
{
	live(keys, CONC_VALUE_INT64);
	live(keys, CONC_VALUE_RETAINED);
	live(keys, CONC_VALUE_TYPE_STABLE);
	live(keys, CONC_VALUE_BORROWED);
}

START_TEST(a_dict_of_integer_keys_without_memory_is_as_it_was)
{
	live_with_values_of_every_lifetime(CONC_KEY_INT64);
}
END_TEST

START_TEST(a_dict_of_byte_strings_without_memory_is_as_it_was)
{
	live_with_values_of_every_lifetime(CONC_KEY_BYTES);
}
END_TEST

START_TEST(a_dict_of_general_keys_without_memory_is_as_it_was)
{
	live_with_values_of_every_lifetime(CONC_KEY_GENERAL);
}
END_TEST

/* A delete makes the table smaller if there is memory, and does without. */
START_TEST(every_operation_on_a_dict_has_been_without_memory)
{
	for (size_t i = 0; i < COUNT_OF(operations); i++) {
		const struct operation *o = &operations[i];
		bool managed = i == DELETE || i == CLEAR;

		printf("%s: refused %ld times, managed %ld times\n", o->name,
		       o->attempts.refused, o->attempts.managed);
		if (i != CLEAR)
			ck_assert_int_gt(o->attempts.refused, 0);
		else
			ck_assert_int_eq(o->attempts.refused, 0);
		if (managed)
			ck_assert_int_gt(o->attempts.managed, 0);
		else if (i != REMOVE_EXPECTED && i != COMPARE_EXCHANGE)
			ck_assert_int_eq(o->attempts.managed, 0);
	}
}
END_TEST

size_t dict_allocations(const TTest **tests)
{
	size_t count = 0;

	tests[count++] = a_dict_of_integer_keys_without_memory_is_as_it_was;
	tests[count++] = a_dict_of_byte_strings_without_memory_is_as_it_was;
	tests[count++] = a_dict_of_general_keys_without_memory_is_as_it_was;
	tests[count++] = every_operation_on_a_dict_has_been_without_memory;
	return count;
}
