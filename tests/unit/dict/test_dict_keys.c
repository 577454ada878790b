/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conc_dict with general keys: telling keys apart, and comparisons that fail or
 * that change the dict under the search.
 */
#include <config.h>

#include <concurrency.h>

#include "unit/dict/dict_keys.h"
#include "base/memory.h"
#include "suite.h"
#include "values.h"

/* --- general keys -------------------------------------------------------- */

START_TEST(equal_keys_are_one_key_and_the_first_is_kept)
{
	struct test_key a = TEST_KEY(1), same = TEST_KEY(1), b = TEST_KEY(2);
	conc_dict *dict = key_dict(CONC_VALUE_INT64, NULL);
	struct conc_value value = number(1);

	ck_assert_int_eq(conc_dict_set(dict, &a, 0, &value), 0);
	value = number(2);
	ck_assert_int_eq(conc_dict_set(dict, &same, 0, &value), 0);
	ck_assert_int_eq(conc_dict_get(dict, &a, 0, &value), 0);
	ck_assert_int_eq(value.u.number, 2);
	ck_assert_int_eq(conc_dict_get(dict, &b, 0, &value), -ENOENT);
	ck_assert_int_eq(a.references, 1);
	ck_assert_int_eq(same.references, 0);
	conc_dict_free(dict);
	ck_assert_int_eq(a.references, 0);
}
END_TEST

START_TEST(keys_of_one_hash_are_told_apart_outside_the_section)
{
	static struct test_key keys[100];
	conc_dict *dict = key_dict(CONC_VALUE_INT64, NULL);
	struct conc_value value;

	for (int i = 0; i < 100; i++) {
		keys[i] = (struct test_key){.id = i, .hash = 42, .asks = true};
		value = number(i);
		ck_assert_int_eq(conc_dict_insert(dict, &keys[i], 0, &value,
						  NULL),
				 0);
	}
	for (int i = 0; i < 100; i++) {
		struct test_key probe = keys[i];

		ck_assert_int_eq(conc_dict_get(dict, &probe, 0, &value), 0);
		ck_assert_int_eq(value.u.number, i);
	}
	for (int i = 0; i < 100; i++) {
		struct test_key probe = keys[i];

		ck_assert_int_eq(conc_dict_delete(dict, &probe, 0), 0);
	}
	ck_assert_uint_eq(conc_dict_size(dict), 0);
	conc_dict_free(dict);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(keys[i].references, 0);
}
END_TEST

START_TEST(an_error_of_hash_or_full_eq_comes_out_and_changes_nothing)
{
	struct test_key a = {.id = 1, .hash = 7, .asks = true};
	struct test_key bad_hash = {.id = 2, .hash_error = -77};
	struct test_key bad_eq = {.id = 3, .hash = 7, .asks = true,
				  .eq_error = -88};
	conc_dict *dict = key_dict(CONC_VALUE_INT64, NULL);
	struct conc_value value = number(1);

	ck_assert_int_eq(conc_dict_set(dict, &a, 0, &value), 0);
	ck_assert_int_eq(conc_dict_set(dict, &bad_hash, 0, &value), -77);
	ck_assert_int_eq(conc_dict_set(dict, &bad_eq, 0, &value), -88);
	ck_assert_int_eq(conc_dict_get(dict, &bad_eq, 0, &value), -88);
	ck_assert_int_eq(conc_dict_add(dict, &bad_eq, 0, 1, NULL), -88);
	ck_assert_int_eq(conc_dict_delete(dict, &bad_eq, 0), -88);
	ck_assert_uint_eq(conc_dict_size(dict), 1);
	conc_dict_free(dict);
	ck_assert_int_eq(a.references, 0);
	ck_assert_int_eq(bad_eq.references, 0);
}
END_TEST

/* A comparison that deletes what it compares, then finds nothing equal. */
static int delete_while_comparing(struct test_key *probe,
				  const struct test_key *stored)
{
	probe->on_eq = NULL;
	ck_assert_int_eq(conc_dict_delete(probe->dict, stored, 0), 0);
	return probe->id == stored->id;
}

START_TEST(a_comparison_may_delete_the_entry_it_compares)
{
	struct test_key stored = {.id = 1, .hash = 7, .asks = true};
	struct test_key probe = {.id = 1, .hash = 7, .asks = true};
	conc_dict *dict = key_dict(CONC_VALUE_INT64, NULL);
	struct conc_value value = number(1);

	ck_assert_int_eq(conc_dict_set(dict, &stored, 0, &value), 0);
	probe.dict = dict;
	probe.on_eq = delete_while_comparing;
	value = number(2);
	ck_assert_int_eq(conc_dict_set(dict, &probe, 0, &value), 0);
	ck_assert_uint_eq(conc_dict_size(dict), 1);
	ck_assert_int_eq(probe.references, 1);
	conc_dict_free(dict);
	ck_assert_int_eq(stored.references, 0);
}
END_TEST

/* A comparison that grows the table under the search. */
static int insert_while_comparing(struct test_key *probe,
				  const struct test_key *stored)
{
	static struct test_key fresh[2000];
	struct conc_value value = number(0);

	probe->on_eq = NULL;
	for (size_t i = 0; i < COUNT_OF(fresh); i++) {
		fresh[i] = (struct test_key)TEST_KEY(1000 + (int)i);
		ck_assert_int_eq(conc_dict_set(probe->dict, &fresh[i], 0,
					       &value),
				 0);
	}
	return probe->id == stored->id;
}

START_TEST(a_comparison_may_insert_thousands)
{
	struct test_key stored = {.id = 1, .hash = 7, .asks = true};
	struct test_key probe = {.id = 1, .hash = 7, .asks = true};
	conc_dict *dict = key_dict(CONC_VALUE_INT64, NULL);
	struct conc_value value = number(5);

	ck_assert_int_eq(conc_dict_set(dict, &stored, 0, &value), 0);
	probe.dict = dict;
	probe.on_eq = insert_while_comparing;
	ck_assert_int_eq(conc_dict_get(dict, &probe, 0, &value), 0);
	ck_assert_int_eq(value.u.number, 5);
	ck_assert_uint_eq(conc_dict_size(dict), 2001);
	conc_dict_free(dict);
}
END_TEST

/* --- comparisons that make the search longer ----------------------------- */

#define FEED_MOST 5000

static struct test_key feed[FEED_MOST];
static int fed;

/* Inserts a key of the same hash, unlike any other, without comparing. */
static int feed_while_comparing(struct test_key *probe,
				const struct test_key *stored)
{
	struct test_key *key = &feed[fed];
	struct conc_value value = number(fed);

	ck_assert_int_lt(fed++, FEED_MOST);
	*key = (struct test_key){.id = 1000 + fed, .hash = probe->hash};
	ck_assert_int_eq(conc_dict_set(probe->dict, key, 0, &value), 0);
	key->asks = true;
	return probe->id == stored->id;
}

static conc_dict *stored_keys(struct test_key *keys, int count)
{
	conc_dict *dict = key_dict(CONC_VALUE_INT64, NULL);

	for (int i = 0; i < count; i++) {
		struct conc_value value = number(i);

		keys[i] = (struct test_key){.id = i, .hash = 7};
		ck_assert_int_eq(conc_dict_set(dict, &keys[i], 0, &value), 0);
	}
	for (int i = 0; i < count; i++)
		keys[i].asks = true;
	fed = 0;
	return dict;
}

/* One comparison for each key that was there: those fed are of no interest. */
START_TEST(a_comparison_that_inserts_each_time_does_not_keep_who_only_looks)
{
	static const int counts[] = {1, 8, 9, 100};
	static struct test_key keys[100];
	struct test_key probe = {.id = -1, .hash = 7, .asks = true,
				 .on_eq = feed_while_comparing};
	struct conc_value value, some = number(0), other = number(1);

	for (size_t i = 0; i < COUNT_OF(counts); i++) {
		conc_dict *dict = stored_keys(keys, counts[i]);

		probe.dict = dict;
		ck_assert_int_eq(conc_dict_get(dict, &probe, 0, &value),
				 -ENOENT);
		ck_assert_int_eq(fed, counts[i]);
		ck_assert_int_eq(conc_dict_delete(dict, &probe, 0), -ENOENT);
		ck_assert_int_eq(fed, 3 * counts[i]);
		ck_assert_int_eq(conc_dict_compare_exchange(dict, &probe, 0,
							    &some, &other,
							    NULL),
				 -EAGAIN);
		ck_assert_int_eq(fed, 7 * counts[i]);
		ck_assert_uint_eq(conc_dict_size(dict), 8 * (size_t)counts[i]);
		conc_dict_free(dict);
		for (int n = 0; n < counts[i]; n++)
			ck_assert_int_eq(keys[n].references, 0);
	}
}
END_TEST

static int write_somehow(conc_dict *dict, struct test_key *key, int how)
{
	struct conc_value value = number(1), absent = {0};

	switch (how) {
	case 0:
		return conc_dict_set(dict, key, 0, &value);
	case 1:
		return conc_dict_insert(dict, key, 0, &value, NULL);
	case 2:
		return conc_dict_add(dict, key, 0, 1, NULL);
	default:
		return conc_dict_compare_exchange(dict, key, 0, &absent, &value,
						  NULL);
	}
}

START_TEST(a_comparison_that_inserts_each_time_makes_a_write_give_up)
{
	static struct test_key keys[1];
	struct test_key probe = {.id = -1, .hash = 7, .asks = true,
				 .on_eq = feed_while_comparing};

	for (int how = 0; how < 4; how++) {
		conc_dict *dict = stored_keys(keys, 1);

		probe.dict = dict;
		ck_assert_int_eq(write_somehow(dict, &probe, how), -ELOOP);
		ck_assert_int_eq(fed, 1000);
		ck_assert_uint_eq(conc_dict_size(dict), 1001);
		ck_assert_int_eq(probe.references, 0);
		conc_dict_free(dict);
	}
}
END_TEST

START_TEST(the_equal_key_is_found_though_comparisons_insert)
{
	static struct test_key keys[20];
	struct test_key probe = {.id = 15, .hash = 7, .asks = true,
				 .on_eq = feed_while_comparing};
	conc_dict *dict = stored_keys(keys, 20);
	struct conc_value value;

	probe.dict = dict;
	ck_assert_int_eq(conc_dict_get(dict, &probe, 0, &value), 0);
	ck_assert_int_eq(value.u.number, 15);
	ck_assert_int_eq(fed, 16);
	value = number(99);
	ck_assert_int_eq(conc_dict_set(dict, &probe, 0, &value), 0);
	ck_assert_int_eq(conc_dict_get(dict, &keys[15], 0, &value), 0);
	ck_assert_int_eq(value.u.number, 99);
	ck_assert_int_eq(conc_dict_delete(dict, &probe, 0), 0);
	ck_assert_uint_eq(conc_dict_size(dict), 19 + (size_t)fed);
	conc_dict_free(dict);
}
END_TEST

/* Deletes the equal key that it compares and stores another equal one. */
static int renew_while_comparing(struct test_key *probe,
				 const struct test_key *stored)
{
	struct test_key *key = &feed[fed];
	struct conc_value value = number(100 + fed);

	if (probe->id != stored->id)
		return 0;
	ck_assert_int_lt(fed++, FEED_MOST);
	ck_assert_int_eq(conc_dict_delete(probe->dict, stored, 0), 0);
	*key = (struct test_key){.id = probe->id, .hash = probe->hash};
	ck_assert_int_eq(conc_dict_set(probe->dict, key, 0, &value), 0);
	key->asks = true;
	return 1;
}

START_TEST(an_equal_key_that_is_renewed_at_each_comparison_is_one_key)
{
	static struct test_key keys[2];
	struct test_key probe = {.id = 1, .hash = 7, .asks = true,
				 .on_eq = renew_while_comparing};
	conc_dict *dict = stored_keys(keys, 2);
	struct conc_value value;

	probe.dict = dict;
	/* It was gone for a moment after each, and that is what is seen. */
	ck_assert_int_eq(conc_dict_get(dict, &probe, 0, &value), -ENOENT);
	ck_assert_int_eq(fed, 1000);
	ck_assert_int_eq(conc_dict_delete(dict, &probe, 0), -ENOENT);
	ck_assert_int_eq(fed, 2000);
	value = number(1);
	ck_assert_int_eq(conc_dict_set(dict, &probe, 0, &value), -ELOOP);
	ck_assert_int_eq(fed, 3000);
	ck_assert_uint_eq(conc_dict_size(dict), 2);
	probe.on_eq = NULL;
	ck_assert_int_eq(conc_dict_set(dict, &probe, 0, &value), 0);
	ck_assert_uint_eq(conc_dict_size(dict), 2);
	conc_dict_free(dict);
	ck_assert_int_eq(probe.references, 0);
}
END_TEST

static int renew_once_while_comparing(struct test_key *probe,
				      const struct test_key *stored)
{
	if (probe->id == stored->id)
		probe->on_eq = NULL;
	return renew_while_comparing(probe, stored);
}

START_TEST(an_equal_key_that_was_renewed_meanwhile_is_found)
{
	static struct test_key keys[2];
	struct test_key probe = {.id = 1, .hash = 7, .asks = true};
	conc_dict *dict = stored_keys(keys, 2);
	struct conc_value value;

	probe.dict = dict;
	probe.on_eq = renew_once_while_comparing;
	ck_assert_int_eq(conc_dict_get(dict, &probe, 0, &value), 0);
	ck_assert_int_eq(value.u.number, 100);
	probe.on_eq = renew_once_while_comparing;
	ck_assert_int_eq(conc_dict_delete(dict, &probe, 0), 0);
	ck_assert_uint_eq(conc_dict_size(dict), 1);
	conc_dict_free(dict);
}
END_TEST

/* Changes the value of the key that it compares. */
static int assign_while_comparing(struct test_key *probe,
				  const struct test_key *stored)
{
	struct conc_value value = number(1000 + fed);

	ck_assert_int_lt(fed++, FEED_MOST);
	ck_assert_int_eq(conc_dict_set(probe->dict, stored, 0, &value), 0);
	return probe->id == stored->id;
}

static int one_more(const struct conc_value *old, struct conc_value *desired,
		    void *arg)
{
	int *calls = arg;

	++*calls;
	*desired = number(old->u.number + 1);
	return 0;
}

START_TEST(an_update_compares_each_key_once_though_that_changes_the_value)
{
	static struct test_key keys[3];
	struct test_key probe = {.id = 2, .hash = 7, .asks = true,
				 .on_eq = assign_while_comparing};
	conc_dict *dict = stored_keys(keys, 3);
	struct conc_value value;
	int calls = 0;

	probe.dict = dict;
	ck_assert_int_eq(conc_dict_update(dict, &probe, 0, one_more, &calls), 0);
	ck_assert_int_eq(fed, 3);
	ck_assert_int_eq(calls, 1);
	ck_assert_int_eq(conc_dict_get(dict, &keys[2], 0, &value), 0);
	ck_assert_int_eq(value.u.number, 1003);
	conc_dict_free(dict);
}
END_TEST

START_TEST(a_search_without_memory_fails_and_gives_the_keys_back)
{
	static struct test_key keys[100];
	struct test_key probe = {.id = 99, .hash = 7, .asks = true};
	conc_dict *dict = stored_keys(keys, 100);
	struct conc_value value = number(1);

	conc_alloc_fail_after = 0;
	ck_assert_int_eq(conc_dict_get(dict, &probe, 0, &value), -ENOMEM);
	ck_assert_int_eq(conc_dict_delete(dict, &probe, 0), -ENOMEM);
	ck_assert_int_eq(conc_dict_add(dict, &probe, 0, 1, NULL), -ENOMEM);
	conc_alloc_fail_after = -1;
	ck_assert_int_eq(conc_dict_get(dict, &probe, 0, &value), 0);
	ck_assert_int_eq(value.u.number, 99);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(keys[i].references, 1);
	conc_dict_free(dict);
}
END_TEST

/* --- keys that were deleted ---------------------------------------------- */

START_TEST(deleted_keys_wait_but_not_more_than_a_few)
{
	static struct test_key keys[1000];
	conc_dict *dict = key_dict(CONC_VALUE_INT64, NULL);
	struct conc_value value = number(1);
	int waiting = 0;

	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		keys[i] = (struct test_key)TEST_KEY((int)i);
		ck_assert_int_eq(conc_dict_set(dict, &keys[i], 0, &value), 0);
		ck_assert_int_eq(conc_dict_delete(dict, &keys[i], 0), 0);
	}
	for (size_t i = 0; i < COUNT_OF(keys); i++)
		waiting += keys[i].references;
	ck_assert_int_le(waiting, 64);
	conc_dict_clear(dict);
	for (size_t i = 0; i < COUNT_OF(keys); i++)
		ck_assert_int_eq(keys[i].references, 0);
	conc_dict_free(dict);
}
END_TEST

static int count_visit(void *object, void *arg)
{
	(void)arg;
	((struct test_key *)object)->visits++;
	return 0;
}

START_TEST(the_key_of_an_entry_that_moves_is_owned_by_both_slots)
{
	struct test_key key = TEST_KEY(1);
	conc_dict *dict = key_dict(CONC_VALUE_INT64, NULL);
	struct conc_value value = number(1);

	ck_assert_int_eq(conc_dict_set(dict, &key, 0, &value), 0);
	ck_assert_int_eq(key.references, 1);
	/* No count: it moves, and the old slot waits for late readers. */
	value = number(INT64_C(1) << 59);
	ck_assert_int_eq(conc_dict_set(dict, &key, 0, &value), 0);
	ck_assert_int_eq(key.references, 2);
	ck_assert_int_eq(conc_dict_traverse(dict, count_visit, NULL), 0);
	ck_assert_int_eq(key.visits, 2);
	conc_dict_clear(dict);
	ck_assert_int_eq(key.references, 0);
	conc_dict_free(dict);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		equal_keys_are_one_key_and_the_first_is_kept,
		keys_of_one_hash_are_told_apart_outside_the_section,
		an_error_of_hash_or_full_eq_comes_out_and_changes_nothing,
		a_comparison_may_delete_the_entry_it_compares,
		a_comparison_may_insert_thousands,
		a_comparison_that_inserts_each_time_does_not_keep_who_only_looks,
		a_comparison_that_inserts_each_time_makes_a_write_give_up,
		the_equal_key_is_found_though_comparisons_insert,
		an_equal_key_that_is_renewed_at_each_comparison_is_one_key,
		an_equal_key_that_was_renewed_meanwhile_is_found,
		an_update_compares_each_key_once_though_that_changes_the_value,
		a_search_without_memory_fails_and_gives_the_keys_back,
		deleted_keys_wait_but_not_more_than_a_few,
		the_key_of_an_entry_that_moves_is_owned_by_both_slots,
	};

	return run_tests("dict keys", tests, COUNT_OF(tests), 60);
}
