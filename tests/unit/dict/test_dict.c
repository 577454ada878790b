/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* conc_dict from one thread: each test is named after the promise it holds. */
#include <config.h>

#include <concurrency.h>
#include <stdio.h>
#include <string.h>

#include "unit/dict/dict_keys.h"
#include "base/memory.h"
#include "suite.h"
#include "values.h"

/* --- int64 keys and values ----------------------------------------------- */

START_TEST(what_was_set_is_what_get_gives)
{
	static const int64_t keys[] = {0, 1, -1, INT64_MIN, INT64_MAX, 1 << 20};
	conc_dict *dict = int_dict();

	for (size_t i = 0; i < COUNT_OF(keys); i++)
		set(dict, keys[i], (int64_t)i - 2);
	for (size_t i = 0; i < COUNT_OF(keys); i++)
		expect(dict, keys[i], (int64_t)i - 2);
	ck_assert_uint_eq(conc_dict_size(dict), COUNT_OF(keys));
	conc_dict_free(dict);
}
END_TEST

START_TEST(a_missing_key_is_ENOENT_and_gives_no_value)
{
	conc_dict *dict = int_dict();
	struct conc_value value = number(7);

	ck_assert_int_eq(conc_dict_int_get(dict, 5, &value), -ENOENT);
	ck_assert_int_eq(value.kind, CONC_ABSENT);
	value = number(7);
	ck_assert_int_eq(conc_dict_int_take(dict, 5, &value), -ENOENT);
	ck_assert_int_eq(value.kind, CONC_ABSENT);
	conc_dict_free(dict);
}
END_TEST

START_TEST(set_hands_out_what_it_replaced)
{
	conc_dict *dict = int_dict();
	struct conc_value old, two = number(2);

	ck_assert_int_eq(conc_dict_int_exchange(dict, 1, &two, &old), 0);
	ck_assert_int_eq(old.kind, CONC_ABSENT);
	ck_assert_int_eq(conc_dict_int_exchange(dict, 1, &two, &old), 0);
	ck_assert_int_eq(old.u.number, 2);
	ck_assert_uint_eq(conc_dict_size(dict), 1);
	conc_dict_free(dict);
}
END_TEST

START_TEST(insert_leaves_a_present_key_alone)
{
	conc_dict *dict = int_dict();
	struct conc_value one = number(1), two = number(2);

	ck_assert_int_eq(conc_dict_int_insert(dict, 9, &one, NULL), 0);
	ck_assert_int_eq(conc_dict_int_insert(dict, 9, &two, NULL), -EEXIST);
	expect(dict, 9, 1);
	conc_dict_free(dict);
}
END_TEST

START_TEST(a_deleted_key_is_gone_and_can_come_back)
{
	conc_dict *dict = int_dict();
	struct conc_value old;

	for (int round = 0; round < 1000; round++) {
		set(dict, 3, round);
		ck_assert_int_eq(conc_dict_int_take(dict, 3, &old), 0);
		ck_assert_int_eq(old.u.number, round);
		ck_assert_int_eq(conc_dict_int_get(dict, 3, &old), -ENOENT);
	}
	ck_assert_uint_eq(conc_dict_size(dict), 0);
	conc_dict_free(dict);
}
END_TEST

START_TEST(compare_exchange_needs_the_expected_value)
{
	conc_dict *dict = int_dict();
	struct conc_value one = number(1), two = number(2);

	ck_assert_int_eq(conc_dict_int_compare_exchange(dict, 1, &one, &two,
							NULL),
			 -EAGAIN);
	ck_assert_int_eq(conc_dict_int_compare_exchange(dict, 1, &absent, &one,
							NULL),
			 0);
	ck_assert_int_eq(conc_dict_int_compare_exchange(dict, 1, &absent, &two,
							NULL),
			 -EAGAIN);
	ck_assert_int_eq(conc_dict_int_compare_exchange(dict, 1, &two, &one,
							NULL),
			 -EAGAIN);
	ck_assert_int_eq(conc_dict_int_compare_exchange(dict, 1, &one, &two,
							NULL),
			 0);
	expect(dict, 1, 2);
	ck_assert_int_eq(conc_dict_int_compare_exchange(dict, 1, &one, &absent,
							NULL),
			 -EAGAIN);
	ck_assert_int_eq(conc_dict_int_compare_exchange(dict, 1, &two, &absent,
							NULL),
			 0);
	ck_assert_uint_eq(conc_dict_size(dict), 0);
	ck_assert_int_eq(conc_dict_int_compare_exchange(dict, 1, &absent,
							&absent, NULL),
			 0);
	conc_dict_free(dict);
}
END_TEST

START_TEST(a_table_grows_and_every_entry_stays)
{
	conc_dict *dict = int_dict();
	const int64_t n = 100000;

	for (int64_t i = 0; i < n; i++)
		set(dict, i * 4096, i);
	ck_assert_uint_eq(conc_dict_size(dict), n);
	for (int64_t i = 0; i < n; i++)
		expect(dict, i * 4096, i);
	for (int64_t i = 0; i < n; i += 2)
		ck_assert_int_eq(conc_dict_int_delete(dict, i * 4096), 0);
	for (int64_t i = 1; i < n; i += 2)
		expect(dict, i * 4096, i);
	ck_assert_uint_eq(conc_dict_size(dict), n / 2);
	conc_dict_free(dict);
}
END_TEST

START_TEST(clear_leaves_nothing)
{
	conc_dict *dict = int_dict();

	for (int64_t i = 0; i < 10000; i++)
		set(dict, i, i);
	conc_dict_clear(dict);
	ck_assert_uint_eq(conc_dict_size(dict), 0);
	set(dict, 1, 1);
	expect(dict, 1, 1);
	conc_dict_free(dict);
}
END_TEST

/* --- counting ------------------------------------------------------------ */

START_TEST(add_starts_at_zero_and_gives_the_sum)
{
	conc_dict *dict = int_dict();
	int64_t sum;

	ck_assert_int_eq(conc_dict_int_add(dict, 1, 5, &sum), 0);
	ck_assert_int_eq(sum, 5);
	ck_assert_int_eq(conc_dict_int_add(dict, 1, -7, &sum), 0);
	ck_assert_int_eq(sum, -2);
	ck_assert_int_eq(conc_dict_int_add(dict, 1, 1, NULL), 0);
	expect(dict, 1, -1);
	conc_dict_free(dict);
}
END_TEST

#define TOP ((INT64_C(1) << 60) - 1)
#define BOTTOM (-(INT64_C(1) << 60))

START_TEST(numbers_of_61_bits_are_kept_exactly)
{
	static const int64_t edge[] = {TOP,
				       BOTTOM,
				       INT64_C(1) << 59,
				       (INT64_C(1) << 59) - 1,
				       -(INT64_C(1) << 59),
				       -(INT64_C(1) << 59) - 1};
	conc_dict *dict = int_dict();

	/* Each after each: a count becomes a wide number and back. */
	for (size_t i = 0; i < COUNT_OF(edge); i++) {
		for (size_t j = 0; j < COUNT_OF(edge); j++) {
			set(dict, 1, edge[i]);
			expect(dict, 1, edge[i]);
			set(dict, 1, edge[j]);
			expect(dict, 1, edge[j]);
		}
	}
	ck_assert_uint_eq(conc_dict_size(dict), 1);
	conc_dict_free(dict);
}
END_TEST

START_TEST(a_number_beyond_61_bits_is_EOVERFLOW_and_changes_nothing)
{
	conc_dict *dict = int_dict();
	struct conc_value above = number(TOP + 1), below = number(BOTTOM - 1);
	int64_t sum = 0;

	ck_assert_int_eq(conc_dict_int_set(dict, 1, &above), -EOVERFLOW);
	ck_assert_int_eq(conc_dict_int_insert(dict, 1, &below, NULL),
			 -EOVERFLOW);
	ck_assert_int_eq(conc_dict_int_add(dict, 1, TOP + 1, NULL), -EOVERFLOW);
	ck_assert_uint_eq(conc_dict_size(dict), 0);
	set(dict, 1, TOP - 2);
	ck_assert_int_eq(conc_dict_int_add(dict, 1, 3, NULL), -EOVERFLOW);
	ck_assert_int_eq(conc_dict_int_add(dict, 1, INT64_MAX, NULL), -EOVERFLOW);
	expect(dict, 1, TOP - 2);
	ck_assert_int_eq(conc_dict_int_add(dict, 1, 2, &sum), 0);
	ck_assert_int_eq(sum, TOP);
	set(dict, 2, 5);
	ck_assert_int_eq(conc_dict_int_add(dict, 2, TOP, NULL), -EOVERFLOW);
	expect(dict, 2, 5);
	conc_dict_free(dict);
}
END_TEST

START_TEST(a_sum_walks_over_the_limit_of_counts_and_back)
{
	const int64_t step = INT64_C(1) << 31;
	int64_t n = (INT64_C(1) << 59) - 5 * step, sum;
	conc_dict *dict = int_dict();

	set(dict, 1, n);
	for (int i = 0; i < 10; i++) {
		n += step;
		ck_assert_int_eq(conc_dict_int_add(dict, 1, step, &sum), 0);
		ck_assert_int_eq(sum, n);
		expect(dict, 1, n);
	}
	for (int i = 0; i < 10; i++) {
		n -= step;
		ck_assert_int_eq(conc_dict_int_add(dict, 1, -step, &sum), 0);
		ck_assert_int_eq(sum, n);
		expect(dict, 1, n);
	}
	ck_assert_uint_eq(conc_dict_size(dict), 1);
	conc_dict_free(dict);
}
END_TEST

/* --- byte strings -------------------------------------------------------- */

static conc_dict *bytes_dict(void)
{
	struct conc_dict_attr attr = {.size = sizeof(attr),
				      .keys = CONC_KEY_BYTES};
	conc_dict *dict = NULL;

	ck_assert_int_eq(conc_dict_new(&attr, &dict), 0);
	return dict;
}

START_TEST(byte_strings_are_told_apart_by_every_byte_and_length)
{
	static const struct {
		const char *bytes;
		size_t len;
	} keys[] = {{NULL, 0},	   {"\0", 1},	   {"\0\0", 2},
		    {"a", 1},	   {"a\0", 2},	   {"abcdefgh", 8},
		    {"abcdefgi", 8}, {"abcdefghi", 9}, {"abcdefgh\0", 9}};
	conc_dict *dict = bytes_dict();
	struct conc_value value;

	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		value = number((int64_t)i);
		ck_assert_int_eq(conc_dict_insert(dict, keys[i].bytes,
						  keys[i].len, &value, NULL),
				 0);
	}
	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		ck_assert_int_eq(conc_dict_get(dict, keys[i].bytes,
					       keys[i].len, &value), 0);
		ck_assert_int_eq(value.u.number, (int64_t)i);
	}
	conc_dict_free(dict);
}
END_TEST

START_TEST(a_byte_string_is_copied)
{
	conc_dict *dict = bytes_dict();
	char key[] = "name";
	struct conc_value value = number(1);

	ck_assert_int_eq(conc_dict_set(dict, key, 4, &value), 0);
	key[0] = 'g';
	ck_assert_int_eq(conc_dict_get(dict, "name", 4, &value), 0);
	ck_assert_int_eq(conc_dict_get(dict, key, 4, &value), -ENOENT);
	conc_dict_free(dict);
}
END_TEST

START_TEST(deleted_byte_strings_are_given_back)
{
	conc_dict *dict = bytes_dict();
	struct conc_value value = number(1);
	char key[16];

	/* The leak checker of the sanitizer run is the judge. */
	for (int i = 0; i < 5000; i++) {
		int len = snprintf(key, sizeof(key), "key%d", i);

		ck_assert_int_eq(conc_dict_set(dict, key, (size_t)len, &value),
				 0);
		ck_assert_int_eq(conc_dict_delete(dict, key, (size_t)len), 0);
	}
	ck_assert_uint_eq(conc_dict_size(dict), 0);
	conc_dict_free(dict);
}
END_TEST

/* --- cursors and traversal ----------------------------------------------- */

START_TEST(a_cursor_gives_each_key_once_though_it_deletes)
{
	conc_dict *dict = int_dict();
	static bool seen[5000];
	conc_cursor *cursor;
	struct conc_entry entry = CONC_ENTRY_INIT;
	size_t count = 0;

	for (int64_t i = 0; i < 5000; i++)
		set(dict, i, i);
	ck_assert_int_eq(conc_cursor_new(dict, &cursor), 0);
	while (conc_cursor_next(cursor, &entry) == 0) {
		ck_assert_int_eq(entry.value.u.number, entry.int_key);
		ck_assert(!seen[entry.int_key]);
		seen[entry.int_key] = true;
		count++;
		ck_assert_int_eq(conc_dict_int_delete(dict, entry.int_key), 0);
	}
	ck_assert_uint_eq(count, 5000);
	ck_assert_int_eq(conc_cursor_next(cursor, &entry), -ENOENT);
	ck_assert_uint_eq(conc_dict_size(dict), 0);
	conc_cursor_free(cursor);
	conc_dict_free(dict);
}
END_TEST

START_TEST(a_cursor_keeps_its_copies_alive_and_gives_them_back)
{
	static struct test_value values[100];
	conc_dict *dict = value_dict(CONC_VALUE_TYPE_STABLE);
	struct conc_entry entry = CONC_ENTRY_INIT;
	struct conc_value value;
	conc_cursor *cursor;

	for (int i = 0; i < 100; i++) {
		values[i].references = 1;
		value = pointer(&values[i]);
		ck_assert_int_eq(conc_dict_int_set(dict, i, &value), 0);
	}
	ck_assert_int_eq(conc_cursor_new(dict, &cursor), 0);
	ck_assert_int_eq(conc_cursor_next(cursor, &entry), 0);
	conc_dict_clear(dict);
	ck_assert_int_eq(((struct test_value *)entry.value.u.pointer)->references,
			 1);
	conc_cursor_free(cursor);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(values[i].references, 0);
	conc_dict_free(dict);
}
END_TEST

static int count_visit(void *object, void *arg)
{
	(void)arg;
	((struct test_key *)object)->visits++;
	return 0;
}

static int stop_visit(void *object, void *arg)
{
	(void)object;
	return ++*(int *)arg == 3 ? 17 : 0;
}

START_TEST(traverse_visits_each_owned_reference_once)
{
	static struct test_key keys[300];
	struct conc_value value = number(1);
	conc_dict *dict = key_dict(CONC_VALUE_INT64, NULL);
	int stops = 0;

	for (int i = 0; i < 300; i++) {
		keys[i] = (struct test_key)TEST_KEY(i);
		ck_assert_int_eq(conc_dict_set(dict, &keys[i], 0, &value), 0);
	}
	for (int i = 0; i < 30; i++) /* these wait for a grace period */
		ck_assert_int_eq(conc_dict_delete(dict, &keys[i], 0), 0);
	ck_assert_int_eq(conc_dict_traverse(dict, count_visit, NULL), 0);
	for (int i = 0; i < 300; i++)
		ck_assert_int_eq(keys[i].visits, keys[i].references);
	ck_assert_int_eq(conc_dict_traverse(dict, stop_visit, &stops), 17);
	ck_assert_int_eq(stops, 3);
	conc_dict_free(dict);
}
END_TEST

/* --- bad input and failed allocations ------------------------------------ */

START_TEST(bad_attributes_are_refused)
{
	struct conc_dict_attr attr = {.size = sizeof(attr)};
	conc_dict *dict = NULL;

	ck_assert_int_eq(conc_dict_new(NULL, NULL), -EINVAL);
	attr.size = sizeof(size_t) - 1;
	ck_assert_int_eq(conc_dict_new(&attr, &dict), -EINVAL);
	attr.size = sizeof(attr);
	attr.scaling = UINT32_MAX;
	ck_assert_int_eq(conc_dict_new(&attr, &dict), -EOVERFLOW);
	attr.scaling = 1;
	attr.keys = CONC_KEY_GENERAL; /* without its operations */
	ck_assert_int_eq(conc_dict_new(&attr, &dict), -EINVAL);
	attr.keys = (enum conc_key_kind)9;
	ck_assert_int_eq(conc_dict_new(&attr, &dict), -EINVAL);
	attr.keys = CONC_KEY_INT64;
	attr.values = CONC_VALUE_RETAINED; /* without its operations */
	ck_assert_int_eq(conc_dict_new(&attr, &dict), -EINVAL);
	attr.values = CONC_VALUE_TYPE_STABLE;
	ck_assert_int_eq(conc_dict_new(&attr, &dict), -EINVAL);
	/* Names that no structure takes yet, and what is none. */
	for (int values = CONC_VALUE_BYTES; values <= CONC_VALUE_NONE + 1;
	     values++) {
		attr.values = (enum conc_lifetime)values;
		ck_assert_int_eq(conc_dict_new(&attr, &dict), -EINVAL);
	}
	attr.values = (enum conc_lifetime)-1;
	ck_assert_int_eq(conc_dict_new(&attr, &dict), -EINVAL);
	ck_assert_ptr_null(dict);
	conc_dict_free(NULL);
	conc_cursor_free(NULL);
}
END_TEST

/* As a program hands them in that was compiled with newer headers. */
START_TEST(longer_attributes_are_taken_unless_there_is_something_unknown_in_them)
{
	struct {
		struct conc_dict_attr known;
		long unknown;
	} attr = {.known = CONC_DICT_ATTR_INIT};
	conc_dict *dict = NULL;

	attr.known.size = sizeof(attr);
	attr.unknown = 1;
	ck_assert_int_eq(conc_dict_new(&attr.known, &dict), -EINVAL);
	ck_assert_ptr_null(dict);
	attr.unknown = 0;
	ck_assert_int_eq(conc_dict_new(&attr.known, &dict), 0);
	conc_dict_free(dict);
}
END_TEST

START_TEST(bad_arguments_are_refused)
{
	struct test_value misaligned[2];
	conc_dict *ints = int_dict(), *bytes = bytes_dict();
	conc_dict *values = value_dict(CONC_VALUE_TYPE_STABLE);
	struct conc_value one = number(1), object = pointer(misaligned), bad;

	ck_assert_int_eq(conc_dict_int_get(NULL, 1, &one), -EINVAL);
	ck_assert_int_eq(conc_dict_int_get(ints, 1, NULL), -EINVAL);
	ck_assert_int_eq(conc_dict_get(ints, "a", 1, &one), -EINVAL);
	ck_assert_int_eq(conc_dict_int_get(bytes, 1, &one), -EINVAL);
	ck_assert_int_eq(conc_dict_get(bytes, NULL, 1, &one), -EINVAL);
	ck_assert_int_eq(conc_dict_int_set(ints, 1, NULL), -EINVAL);
	ck_assert_int_eq(conc_dict_int_set(ints, 1, &absent), -EINVAL);
	ck_assert_int_eq(conc_dict_int_set(ints, 1, &object), -EINVAL);
	bad = pointer((char *)misaligned + 1);
	ck_assert_int_eq(conc_dict_int_set(values, 1, &bad), -EINVAL);
	bad = pointer(NULL);
	ck_assert_int_eq(conc_dict_int_set(values, 1, &bad), -EINVAL);
	bad = pointer(misaligned);
	bad.kind = CONC_BYTES;
	bad.len = sizeof(misaligned);
	ck_assert_int_eq(conc_dict_int_set(values, 1, &bad), -EINVAL);
	ck_assert_int_eq(conc_dict_int_set(ints, 1, &bad), -EINVAL);
	one = number(1);
	ck_assert_int_eq(conc_dict_int_compare_exchange(ints, 1, NULL, &one,
							NULL),
			 -EINVAL);
	ck_assert_int_eq(conc_dict_int_compare_exchange(ints, 1, &one, NULL,
							NULL),
			 -EINVAL);
	ck_assert_int_eq(conc_dict_traverse(ints, NULL, NULL), -EINVAL);
	ck_assert_uint_eq(conc_dict_size(ints), 0);
	conc_dict_free(ints);
	conc_dict_free(bytes);
	conc_dict_free(values);
}
END_TEST

START_TEST(a_scaling_of_one_is_one_thread_and_works)
{
	struct conc_dict_attr attr = {.size = sizeof(attr), .scaling = 1};
	conc_dict *dict;

	ck_assert_int_eq(conc_dict_new(&attr, &dict), 0);
	for (int64_t i = 0; i < 1000; i++)
		set(dict, i, i);
	for (int64_t i = 0; i < 1000; i++)
		expect(dict, i, i);
	conc_dict_free(dict);
}
END_TEST

START_TEST(a_failed_allocation_leaves_the_dict_as_it_was)
{
	struct test_key key = {.id = 1, .hash = 7};
	conc_dict *dict = NULL;
	long successes;
	int64_t n = 0;
	int rc;

	for (successes = 0; successes < 2; successes++) {
		conc_alloc_fail_after = successes;
		ck_assert_int_eq(conc_dict_new(NULL, &dict), -ENOMEM);
		ck_assert_ptr_null(dict);
	}
	conc_alloc_fail_after = -1;
	dict = int_dict();
	while (n < 3000) {
		struct conc_value value = number(n);

		conc_alloc_fail_after = 0;
		rc = conc_dict_int_set(dict, n, &value);
		conc_alloc_fail_after = -1;
		if (rc == -ENOMEM) {
			ck_assert_int_eq(conc_dict_int_get(dict, n, &value),
					 -ENOENT);
			ck_assert_int_eq(conc_dict_int_add(dict, n, n, NULL), 0);
		} else {
			ck_assert_int_eq(rc, 0);
		}
		n++;
		ck_assert_uint_eq(conc_dict_size(dict), (size_t)n);
	}
	for (int64_t i = 0; i < n; i++)
		expect(dict, i, i);
	conc_alloc_fail_after = 0; /* deleting needs no memory */
	for (int64_t i = 0; i < n; i++)
		ck_assert_int_eq(conc_dict_int_delete(dict, i), 0);
	conc_dict_clear(dict);
	conc_alloc_fail_after = -1;
	conc_dict_free(dict);

	dict = bytes_dict();
	conc_alloc_fail_after = 1; /* the table, but not the key */
	rc = conc_dict_add(dict, "key", 3, 1, NULL);
	conc_alloc_fail_after = -1;
	ck_assert_int_eq(rc, -ENOMEM);
	ck_assert_uint_eq(conc_dict_size(dict), 0);
	conc_dict_free(dict);

	dict = key_dict(CONC_VALUE_INT64, NULL);
	conc_alloc_fail_after = 0;
	rc = conc_dict_add(dict, &key, 0, 1, NULL);
	conc_alloc_fail_after = -1;
	ck_assert_int_eq(rc, -ENOMEM);
	ck_assert_int_eq(key.references, 0);
	conc_dict_free(dict);
}
END_TEST

START_TEST(a_cursor_without_memory_says_so_and_goes_on_later)
{
	conc_dict *dict = int_dict();
	struct conc_entry entry = CONC_ENTRY_INIT;
	conc_cursor *cursor = NULL;
	size_t count = 0;

	for (int64_t i = 0; i < 100; i++)
		set(dict, i, i);
	conc_alloc_fail_after = 0;
	ck_assert_int_eq(conc_cursor_new(dict, &cursor), -ENOMEM);
	conc_alloc_fail_after = 1;
	ck_assert_int_eq(conc_cursor_new(dict, &cursor), 0);
	ck_assert_int_eq(conc_cursor_next(cursor, &entry), -ENOMEM);
	conc_alloc_fail_after = -1;
	while (conc_cursor_next(cursor, &entry) == 0)
		count++;
	ck_assert_uint_eq(count, 100);
	conc_cursor_free(cursor);
	conc_dict_free(dict);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		what_was_set_is_what_get_gives,
		a_missing_key_is_ENOENT_and_gives_no_value,
		set_hands_out_what_it_replaced,
		insert_leaves_a_present_key_alone,
		a_deleted_key_is_gone_and_can_come_back,
		compare_exchange_needs_the_expected_value,
		a_table_grows_and_every_entry_stays,
		clear_leaves_nothing,
		add_starts_at_zero_and_gives_the_sum,
		numbers_of_61_bits_are_kept_exactly,
		a_number_beyond_61_bits_is_EOVERFLOW_and_changes_nothing,
		a_sum_walks_over_the_limit_of_counts_and_back,
		byte_strings_are_told_apart_by_every_byte_and_length,
		a_byte_string_is_copied,
		deleted_byte_strings_are_given_back,
		a_cursor_gives_each_key_once_though_it_deletes,
		a_cursor_keeps_its_copies_alive_and_gives_them_back,
		traverse_visits_each_owned_reference_once,
		bad_attributes_are_refused,
		longer_attributes_are_taken_unless_there_is_something_unknown_in_them,
		bad_arguments_are_refused,
		a_scaling_of_one_is_one_thread_and_works,
		a_failed_allocation_leaves_the_dict_as_it_was,
		a_cursor_without_memory_says_so_and_goes_on_later,
	};

	return run_tests("dict", tests, COUNT_OF(tests), 60);
}
