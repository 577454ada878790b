/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Keys and values that count their references, and dicts of numbers, for tests
 * of conc_dict.
 */
#ifndef TESTS_DICT_KEYS_H
#define TESTS_DICT_KEYS_H

#include <concurrency.h>
#include <string.h>

#include "suite.h"
#include "values.h"

struct test_key {
	int id;	       /* equal ids are equal keys */
	uint64_t hash; /* as hash() answers it */
	bool asks;     /* fast_eq cannot tell */
	int hash_error;
	int eq_error;
	/* Runs in full_eq on the probe. */
	int (*on_eq)(struct test_key *probe, const struct test_key *stored);
	conc_dict *dict; /* for on_eq */
	int references;	 /* that the dict has */
	int visits;
};

#define TEST_KEY(number) {.id = (number), .hash = (uint64_t)(number)}

static inline int test_key_hash(const void *key, uint64_t *hash, void *user)
{
	const struct test_key *k = key;

	(void)user;
	*hash = k->hash;
	return k->hash_error;
}

static inline enum conc_equal test_key_fast_eq(const void *probe,
					       const void *stored, void *user)
{
	const struct test_key *p = probe, *s = stored;

	(void)user;
	if (p->asks || s->asks)
		return CONC_ASK;
	return p->id == s->id ? CONC_EQUAL : CONC_DIFFERENT;
}

static inline int test_key_full_eq(const void *probe, const void *stored,
				   void *user)
{
	struct test_key *p = (struct test_key *)probe;
	const struct test_key *s = stored;

	(void)user;
	ck_assert_int_gt(s->references, 0);
	if (p->eq_error != 0)
		return p->eq_error;
	if (p->on_eq != NULL)
		return p->on_eq(p, s);
	return p->id == s->id;
}

static inline void test_key_retain(const void *key, void *user)
{
	(void)user;
	((struct test_key *)key)->references++;
}

static inline void test_key_release(const void *key, void *user)
{
	struct test_key *k = (struct test_key *)key;

	(void)user;
	ck_assert_int_gt(k->references, 0);
	k->references--;
}

struct test_value {
	_Alignas(8) int references;
};

static inline void test_value_retain(void *value, void *user)
{
	(void)user;
	((struct test_value *)value)->references++;
}

static inline bool test_value_try_retain(void *value, void *user)
{
	struct test_value *v = value;

	(void)user;
	if (v->references == 0)
		return false;
	v->references++;
	return true;
}

static inline void test_value_release(void *value, void *user)
{
	struct test_value *v = value;

	(void)user;
	ck_assert_int_gt(v->references, 0);
	v->references--;
}

static inline struct conc_key_ops test_key_ops(void *user)
{
	return (struct conc_key_ops){
		.size = sizeof(struct conc_key_ops),
		.user = user,
		.hash = test_key_hash,
		.fast_eq = test_key_fast_eq,
		.full_eq = test_key_full_eq,
		.retain = test_key_retain,
		.release = test_key_release,
	};
}

static inline struct conc_value_ops test_value_ops(void *user)
{
	return (struct conc_value_ops){
		.size = sizeof(struct conc_value_ops),
		.user = user,
		.retain = test_value_retain,
		.try_retain = test_value_try_retain,
		.release = test_value_release,
	};
}

static inline conc_dict *key_dict(enum conc_lifetime values, void *user)
{
	const struct conc_key_ops key_ops = test_key_ops(user);
	const struct conc_value_ops value_ops = test_value_ops(user);
	struct conc_dict_attr attr = {
		.size = sizeof(attr),
		.keys = CONC_KEY_GENERAL,
		.values = values,
		.key_ops = &key_ops,
		.value_ops = &value_ops,
	};
	conc_dict *dict = NULL;

	ck_assert_int_eq(conc_dict_new(&attr, &dict), 0);
	return dict;
}

/* int64 keys */
static inline conc_dict *value_dict(enum conc_lifetime values)
{
	const struct conc_value_ops value_ops = test_value_ops(NULL);
	struct conc_dict_attr attr = {
		.size = sizeof(attr),
		.values = values,
		.value_ops = &value_ops,
	};
	conc_dict *dict = NULL;

	ck_assert_int_eq(conc_dict_new(&attr, &dict), 0);
	return dict;
}

static inline conc_dict *int_dict(void)
{
	conc_dict *dict = NULL;

	ck_assert_int_eq(conc_dict_new(NULL, &dict), 0);
	return dict;
}

static inline void set(conc_dict *dict, int64_t key, int64_t n)
{
	struct conc_value value = number(n);

	ck_assert_int_eq(conc_dict_int_set(dict, key, &value), 0);
}

static inline void expect(conc_dict *dict, int64_t key, int64_t n)
{
	struct conc_value value;

	ck_assert_int_eq(conc_dict_int_get(dict, key, &value), 0);
	ck_assert_int_eq(value.kind, CONC_NUMBER);
	ck_assert_int_eq(value.u.number, n);
}

#endif
