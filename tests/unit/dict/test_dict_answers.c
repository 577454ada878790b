/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conc_dict: what comes out of the operations that hand something out, for each
 * kind of keys and each lifetime of values, and whose the references are.
 */
#include <config.h>

#include <concurrency.h>

#include "unit/dict/dict_keys.h"
#include "base/memory.h"
#include "suite.h"
#include "values.h"

#define VALUES 3

/* One dict, one key, and values that are different. */
struct room {
	conc_dict *dict;
	enum conc_key_kind keys;
	enum conc_lifetime values;
	struct test_key key;
	struct test_value objects[VALUES];
	char text[VALUES]; /* at odd addresses, too */
};

/* The function of this name for the dict's kind of keys. */
#define CALL(r, name, ...)                                                     \
	((r)->keys == CONC_KEY_INT64                                           \
		 ? conc_dict_int_##name((r)->dict, -7, __VA_ARGS__)            \
		 : conc_dict_##name((r)->dict, key_of(r), len_of(r), __VA_ARGS__))

static const void *key_of(const struct room *r)
{
	return r->keys == CONC_KEY_BYTES ? (const void *)"seven" : &r->key;
}

static size_t len_of(const struct room *r)
{
	return r->keys == CONC_KEY_BYTES ? 5 : 0;
}

static bool counts(const struct room *r)
{
	return r->values == CONC_VALUE_RETAINED ||
	       r->values == CONC_VALUE_TYPE_STABLE;
}

static struct conc_value value_of(struct room *r, int which)
{
	if (r->values == CONC_VALUE_INT64)
		return number(which - 1);
	return pointer(counts(r) ? (void *)&r->objects[which]
				 : &r->text[which]);
}

/* With a reference for the dict to take over. */
static struct conc_value lend(struct room *r, int which)
{
	r->objects[which].references += counts(r);
	return value_of(r, which);
}

static void give_back(struct room *r, const struct conc_value *value)
{
	if (counts(r) && value->kind == CONC_POINTER)
		test_value_release(value->u.pointer, NULL);
}

static void expect_references(struct room *r, int which, int count)
{
	if (counts(r))
		ck_assert_int_eq(r->objects[which].references, count);
}

static void expect_value(const struct conc_value *value,
			 struct conc_value expected)
{
	ck_assert_int_eq(value->kind, expected.kind);
	if (expected.kind == CONC_NUMBER)
		ck_assert_int_eq(value->u.number, expected.u.number);
	if (expected.kind == CONC_POINTER)
		ck_assert_ptr_eq(value->u.pointer, expected.u.pointer);
}

/* That the key has this value, and the dict one reference to it. */
static void expect_held(struct room *r, int which)
{
	struct conc_value value;

	expect_references(r, which, 1);
	ck_assert_int_eq(CALL(r, get, &value), 0);
	expect_value(&value, value_of(r, which));
	expect_references(r, which, 2);
	give_back(r, &value);
}

static void expect_nothing(struct room *r)
{
	struct conc_value value;

	ck_assert_int_eq(CALL(r, get, &value), -ENOENT);
	ck_assert_uint_eq(conc_dict_size(r->dict), 0);
}

static void hold(struct room *r, int which)
{
	struct conc_value value = lend(r, which);

	ck_assert_int_eq(CALL(r, set, &value), 0);
}

static void open_room(struct room *r)
{
	const struct conc_key_ops key_ops = test_key_ops(NULL);
	const struct conc_value_ops value_ops = test_value_ops(NULL);
	struct conc_dict_attr attr = {
		.size = sizeof(attr),
		.keys = r->keys,
		.values = r->values,
		.key_ops = &key_ops,
		.value_ops = &value_ops,
	};

	r->key = (struct test_key)TEST_KEY(7);
	ck_assert_int_eq(conc_dict_new(&attr, &r->dict), 0);
}

/* Every reference has been given back. */
static void close_room(struct room *r)
{
	conc_dict_free(r->dict);
	for (int i = 0; i < VALUES; i++)
		ck_assert_int_eq(r->objects[i].references, 0);
	ck_assert_int_eq(r->key.references, 0);
}

static void in_every_room(void (*test)(struct room *r))
{
	for (int keys = CONC_KEY_INT64; keys <= CONC_KEY_GENERAL; keys++) {
		for (int values = CONC_VALUE_INT64;
		     values <= CONC_VALUE_BORROWED; values++) {
			struct room r = {.keys = (enum conc_key_kind)keys,
					 .values = (enum conc_lifetime)values};

			open_room(&r);
			test(&r);
			close_room(&r);
		}
	}
}

/* --- insert ---------------------------------------------------------------- */

static void insert_shows(struct room *r)
{
	struct conc_value first = lend(r, 0), second = lend(r, 1);
	struct conc_value present = number(77);

	ck_assert_int_eq(CALL(r, insert, &first, &present), 0);
	ck_assert_int_eq(present.kind, CONC_ABSENT);
	expect_held(r, 0);
	ck_assert_int_eq(CALL(r, insert, &second, &present), -EEXIST);
	expect_value(&present, value_of(r, 0));
	expect_references(r, 0, 2);
	expect_references(r, 1, 1);
	give_back(r, &present);
	ck_assert_int_eq(CALL(r, insert, &second, NULL), -EEXIST);
	expect_references(r, 1, 1);
	expect_held(r, 0);
	if (r->keys == CONC_KEY_GENERAL)
		ck_assert_int_eq(r->key.references, 1);
	/* Into the place of what was to be stored. */
	ck_assert_int_eq(CALL(r, insert, &second, &second), -EEXIST);
	expect_value(&second, value_of(r, 0));
	give_back(r, &second);
	second = value_of(r, 1);
	give_back(r, &second);
	expect_held(r, 0);
}

START_TEST(insert_shows_what_is_there_as_a_reference_of_the_callers)
{
	in_every_room(insert_shows);
}
END_TEST

/* --- compare_exchange ------------------------------------------------------ */

static void expect_shown(struct room *r, struct conc_value expected,
			 struct conc_value desired, struct conc_value shown)
{
	struct conc_value present = number(77);

	ck_assert_int_eq(CALL(r, compare_exchange, &expected, &desired, NULL),
			 -EAGAIN);
	ck_assert_int_eq(CALL(r, compare_exchange, &expected, &desired,
			      &present),
			 -EAGAIN);
	expect_value(&present, shown);
	if (shown.kind == CONC_POINTER)
		expect_references(r, 0, 2);
	give_back(r, &present);
}

static void expect_exchanged(struct room *r, struct conc_value expected,
			     struct conc_value desired)
{
	struct conc_value present = number(77);

	ck_assert_int_eq(CALL(r, compare_exchange, &expected, &desired,
			      &present),
			 0);
	ck_assert_int_eq(present.kind, CONC_ABSENT);
}

static void compare_exchange_shows(struct room *r)
{
	struct conc_value held = value_of(r, 0), other = value_of(r, 1);
	struct conc_value mine = lend(r, 2);

	expect_shown(r, other, mine, absent);
	expect_shown(r, other, absent, absent);
	expect_nothing(r);
	expect_exchanged(r, absent, absent);
	expect_exchanged(r, absent, lend(r, 0));
	expect_shown(r, other, mine, held);
	expect_shown(r, other, absent, held);
	expect_shown(r, absent, mine, held);
	expect_shown(r, absent, absent, held);
	expect_references(r, 2, 1);
	expect_held(r, 0);
	expect_exchanged(r, held, mine);
	expect_held(r, 2);
	expect_exchanged(r, mine, absent);
	expect_nothing(r);
}

START_TEST(compare_exchange_shows_what_is_there_instead)
{
	in_every_room(compare_exchange_shows);
}
END_TEST

static void present_is_expected(struct room *r)
{
	struct conc_value expected = absent, desired = lend(r, 1);

	hold(r, 0);
	ck_assert_int_eq(CALL(r, compare_exchange, &expected, &desired,
			      &expected),
			 -EAGAIN);
	expect_value(&expected, value_of(r, 0));
	give_back(r, &expected);
	ck_assert_int_eq(CALL(r, compare_exchange, &expected, &desired,
			      &expected),
			 0);
	ck_assert_int_eq(expected.kind, CONC_ABSENT);
	expect_held(r, 1);
	/* And in the place of what was to be stored. */
	desired = lend(r, 2);
	ck_assert_int_eq(CALL(r, compare_exchange, &expected, &desired,
			      &desired),
			 -EAGAIN);
	expect_value(&desired, value_of(r, 1));
	give_back(r, &desired);
	desired = value_of(r, 2);
	give_back(r, &desired);
	expect_held(r, 1);
}

START_TEST(what_is_there_may_come_out_where_the_expected_value_was)
{
	in_every_room(present_is_expected);
}
END_TEST

static void shows_numbers_too(struct room *r)
{
	/* Of INT64, one that is no count (base/word.h). */
	int64_t n = r->values == CONC_VALUE_INT64 ? INT64_C(1) << 59 : 41;
	struct conc_value held = number(n), mine = lend(r, 0), present;

	if (r->values == CONC_VALUE_BORROWED) {
		give_back(r, &mine);
		return;
	}
	ck_assert_int_eq(CALL(r, set, &held), 0);
	ck_assert_int_eq(CALL(r, insert, &mine, &present), -EEXIST);
	expect_value(&present, held);
	expect_shown(r, mine, number(3), held);
	expect_shown(r, absent, mine, held);
	expect_shown(r, number(n - 1), absent, held);
	expect_exchanged(r, held, mine);
	expect_held(r, 0);
	expect_shown(r, held, number(3), value_of(r, 0));
}

START_TEST(numbers_of_every_size_and_beside_pointers_are_shown)
{
	in_every_room(shows_numbers_too);
}
END_TEST

/* --- exchange and take ------------------------------------------------------ */

static void exchange_hands_out(struct room *r)
{
	struct conc_value value = lend(r, 0), old = number(77);

	ck_assert_int_eq(CALL(r, exchange, &value, NULL), -EINVAL);
	expect_references(r, 0, 1);
	expect_nothing(r);
	ck_assert_int_eq(CALL(r, exchange, &value, &old), 0);
	ck_assert_int_eq(old.kind, CONC_ABSENT);
	value = lend(r, 1);
	ck_assert_int_eq(CALL(r, exchange, &value, NULL), -EINVAL);
	expect_held(r, 0);
	ck_assert_int_eq(CALL(r, exchange, &value, &old), 0);
	expect_value(&old, value_of(r, 0));
	give_back(r, &old);
	expect_held(r, 1);
	/* Into the place of what is stored. */
	value = lend(r, 2);
	ck_assert_int_eq(CALL(r, exchange, &value, &value), 0);
	expect_value(&value, value_of(r, 1));
	give_back(r, &value);
	expect_held(r, 2);
}

START_TEST(exchange_hands_out_what_it_replaced)
{
	in_every_room(exchange_hands_out);
}
END_TEST

static void take_hands_out(struct room *r)
{
	struct conc_value value = number(77);

	ck_assert_int_eq(CALL(r, take, &value), -ENOENT);
	ck_assert_int_eq(value.kind, CONC_ABSENT);
	hold(r, 0);
	ck_assert_int_eq(CALL(r, take, NULL), -EINVAL);
	expect_held(r, 0);
	conc_alloc_fail_after = 0;
	ck_assert_int_eq(CALL(r, take, &value), 0);
	conc_alloc_fail_after = -1;
	expect_value(&value, value_of(r, 0));
	expect_nothing(r);
	ck_assert_int_eq(r->objects[0].references >= 1, counts(r));
	give_back(r, &value);
	ck_assert_int_eq(CALL(r, take, &value), -ENOENT);
	ck_assert_int_eq(value.kind, CONC_ABSENT);
}

START_TEST(take_removes_and_hands_out_and_needs_no_memory)
{
	in_every_room(take_hands_out);
}
END_TEST

/* --- without a struct conc_value ------------------------------------------- */

static void numbers_go_in_and_out(struct room *r)
{
	int64_t n = 77;

	ck_assert_int_eq(CALL(r, get_number, &n), -ENOENT);
	ck_assert_int_eq(n, 77);
	if (r->values == CONC_VALUE_BORROWED) {
		ck_assert_int_eq(CALL(r, set_number, 1), -EINVAL);
		expect_nothing(r);
		return;
	}
	ck_assert_int_eq(CALL(r, set_number, -41), 0);
	ck_assert_int_eq(CALL(r, get_number, NULL), -EINVAL);
	ck_assert_int_eq(CALL(r, get_number, &n), 0);
	ck_assert_int_eq(n, -41);
	ck_assert_int_eq(CALL(r, set_number, INT64_C(1) << 60), -EOVERFLOW);
	ck_assert_int_eq(CALL(r, get_number, &n), 0);
	ck_assert_int_eq(n, -41);
	if (r->values != CONC_VALUE_INT64)
		return;
	ck_assert_int_eq(CALL(r, set_number, -(INT64_C(1) << 60)), 0);
	ck_assert_int_eq(CALL(r, get_number, &n), 0);
	ck_assert_int_eq(n, -(INT64_C(1) << 60));
}

START_TEST(plain_numbers_go_in_and_come_out)
{
	in_every_room(numbers_go_in_and_out);
}
END_TEST

static void pointers_go_in_and_out(struct room *r)
{
	void *out = r;
	int rc;

	ck_assert_int_eq(CALL(r, get_pointer, &out), -ENOENT);
	ck_assert_int_eq(CALL(r, take_pointer, &out), -ENOENT);
	ck_assert_ptr_eq(out, r);
	ck_assert_int_eq(CALL(r, set_pointer, NULL), -EINVAL);
	rc = CALL(r, set_pointer, lend(r, 0).u.pointer);
	if (r->values == CONC_VALUE_INT64) {
		ck_assert_int_eq(rc, -EINVAL);
		expect_nothing(r);
		return;
	}
	ck_assert_int_eq(rc, 0);
	ck_assert_int_eq(CALL(r, get_pointer, NULL), -EINVAL);
	ck_assert_int_eq(CALL(r, take_pointer, NULL), -EINVAL);
	expect_held(r, 0);
	ck_assert_int_eq(CALL(r, get_pointer, &out), 0);
	ck_assert_ptr_eq(out, value_of(r, 0).u.pointer);
	expect_references(r, 0, 2);
	give_back(r, &(struct conc_value){.kind = CONC_POINTER,
					  .u.pointer = out});
	out = NULL;
	ck_assert_int_eq(CALL(r, take_pointer, &out), 0);
	ck_assert_ptr_eq(out, value_of(r, 0).u.pointer);
	expect_nothing(r);
	give_back(r, &(struct conc_value){.kind = CONC_POINTER,
					  .u.pointer = out});
	ck_assert_int_eq(CALL(r, take_pointer, &out), -ENOENT);
}

START_TEST(plain_pointers_go_in_and_come_out_as_references)
{
	in_every_room(pointers_go_in_and_out);
}
END_TEST

static void other_kind_stays(struct room *r)
{
	void *out = r;
	int64_t n = 77;

	if (r->values != CONC_VALUE_INT64) {
		hold(r, 0);
		ck_assert_int_eq(CALL(r, get_number, &n), -EDOM);
		ck_assert_int_eq(n, 77);
		expect_held(r, 0);
	}
	if (r->values == CONC_VALUE_BORROWED)
		return;
	ck_assert_int_eq(CALL(r, set_number, 5), 0);
	ck_assert_int_eq(CALL(r, get_pointer, &out), -EDOM);
	ck_assert_int_eq(CALL(r, take_pointer, &out), -EDOM);
	ck_assert_ptr_eq(out, r);
	ck_assert_int_eq(CALL(r, get_number, &n), 0);
	ck_assert_int_eq(n, 5);
	ck_assert_uint_eq(conc_dict_size(r->dict), 1);
	if (r->values != CONC_VALUE_INT64)
		return;
	/* The same with one that is no count. */
	ck_assert_int_eq(CALL(r, set_number, INT64_C(1) << 59), 0);
	ck_assert_int_eq(CALL(r, take_pointer, &out), -EDOM);
	ck_assert_int_eq(CALL(r, get_number, &n), 0);
	ck_assert_int_eq(n, INT64_C(1) << 59);
}

START_TEST(a_value_of_the_other_kind_is_EDOM_and_stays)
{
	in_every_room(other_kind_stays);
}
END_TEST

/* --- what every function has in common -------------------------------------- */

static struct conc_value marked(struct conc_value value)
{
	value.len = 4711;
	return value;
}

static void expect_mark(const struct conc_value *value)
{
	ck_assert_uint_eq(value->len, 4711);
}

static void len_stays(struct room *r)
{
	struct conc_value value = marked(lend(r, 0)), out = marked(absent);
	struct conc_value second = marked(lend(r, 1));

	ck_assert_int_eq(CALL(r, insert, &value, &out), 0);
	expect_mark(&out);
	ck_assert_int_eq(CALL(r, insert, &second, &out), -EEXIST);
	expect_mark(&out);
	give_back(r, &out);
	ck_assert_int_eq(CALL(r, get, &out), 0);
	expect_mark(&out);
	give_back(r, &out);
	ck_assert_int_eq(CALL(r, compare_exchange, &second, &second, &out),
			 -EAGAIN);
	expect_mark(&out);
	give_back(r, &out);
	out = value;
	out.len = 1;
	ck_assert_int_eq(CALL(r, compare_exchange, &out, &second, NULL), 0);
	value = marked(lend(r, 2));
	out = marked(absent);
	ck_assert_int_eq(CALL(r, exchange, &value, &out), 0);
	expect_mark(&out);
	give_back(r, &out);
	ck_assert_int_eq(CALL(r, take, &out), 0);
	expect_mark(&out);
	give_back(r, &out);
}

START_TEST(the_length_of_a_number_or_a_pointer_is_neither_read_nor_written)
{
	in_every_room(len_stays);
}
END_TEST

#define FOREIGN(r, name, ...)                                                  \
	((r)->keys != CONC_KEY_INT64                                           \
		 ? conc_dict_int_##name((r)->dict, -7, __VA_ARGS__)            \
		 : conc_dict_##name((r)->dict, "seven", 5, __VA_ARGS__))

static void foreign_family(struct room *r)
{
	struct conc_value value = value_of(r, 1), out = absent;
	void *pointer = NULL;
	int64_t n = 0;

	hold(r, 0);
	ck_assert_int_eq(FOREIGN(r, exchange, &value, &out), -EINVAL);
	ck_assert_int_eq(FOREIGN(r, take, &out), -EINVAL);
	ck_assert_int_eq(FOREIGN(r, insert, &value, &out), -EINVAL);
	ck_assert_int_eq(FOREIGN(r, compare_exchange, &value, &value, &out),
			 -EINVAL);
	ck_assert_int_eq(FOREIGN(r, get_number, &n), -EINVAL);
	ck_assert_int_eq(FOREIGN(r, set_number, 1), -EINVAL);
	ck_assert_int_eq(FOREIGN(r, get_pointer, &pointer), -EINVAL);
	ck_assert_int_eq(FOREIGN(r, set_pointer, r->objects), -EINVAL);
	ck_assert_int_eq(FOREIGN(r, take_pointer, &pointer), -EINVAL);
	expect_held(r, 0);
}

START_TEST(a_function_for_other_keys_is_refused_and_changes_nothing)
{
	in_every_room(foreign_family);
}
END_TEST

/* --- errors of the callbacks' own ------------------------------------------- */

static int refuse(const struct conc_value *old, struct conc_value *desired,
		  void *user)
{
	(void)old;
	(void)desired;
	return *(const int *)user;
}

/* Every operation on the key answers `error'. */
static void expect_error(struct room *r, int error)
{
	struct conc_value value = value_of(r, 1), out = absent;
	void *pointer = NULL;
	int64_t n = 0;

	ck_assert_int_eq(CALL(r, get, &out), error);
	ck_assert_int_eq(CALL(r, set, &value), error);
	ck_assert_int_eq(CALL(r, insert, &value, &out), error);
	ck_assert_int_eq(CALL(r, exchange, &value, &out), error);
	ck_assert_int_eq(conc_dict_delete(r->dict, &r->key, 0), error);
	ck_assert_int_eq(CALL(r, take, &out), error);
	ck_assert_int_eq(CALL(r, compare_exchange, &value, &value, &out),
			 error);
	ck_assert_int_eq(CALL(r, update, refuse, &error), error);
	ck_assert_int_eq(CALL(r, add, 1, &n), error);
	ck_assert_int_eq(CALL(r, get_number, &n), error);
	ck_assert_int_eq(CALL(r, set_number, 1), error);
	ck_assert_int_eq(CALL(r, get_pointer, &pointer), error);
	ck_assert_int_eq(CALL(r, set_pointer, value.u.pointer), error);
	ck_assert_int_eq(CALL(r, take_pointer, &pointer), error);
}

START_TEST(errors_of_hash_full_eq_and_change_come_through)
{
	static const int errors[] = {CONC_ERROR_FIRST, CONC_ERROR_FIRST - 1,
				     CONC_ERROR_LAST, -EIO};

	for (size_t i = 0; i < COUNT_OF(errors); i++) {
		struct room r = {.keys = CONC_KEY_GENERAL,
				 .values = CONC_VALUE_RETAINED};
		struct test_key stored = TEST_KEY(7);
		struct conc_value value;
		int error = errors[i];

		open_room(&r);
		value = lend(&r, 0);
		ck_assert_int_eq(conc_dict_set(r.dict, &stored, 0, &value), 0);
		r.key.hash_error = error;
		expect_error(&r, error);
		r.key.hash_error = 0;
		r.key.asks = true;
		r.key.eq_error = error;
		expect_error(&r, error);
		r.key.eq_error = 0;
		ck_assert_int_eq(CALL(&r, update, refuse, &error), error);
		expect_held(&r, 0);
		close_room(&r);
		ck_assert_int_eq(stored.references, 0);
	}
}
END_TEST

/* -EAGAIN, -EEXIST and -ENOENT say what is there: not a callback's to say. */
START_TEST(an_error_of_a_callbacks_is_not_taken_for_the_dicts_own)
{
	static const int errors[] = {-EAGAIN, -EEXIST, -ENOENT};

	for (size_t i = 0; i < COUNT_OF(errors); i++) {
		struct room r = {.keys = CONC_KEY_GENERAL,
				 .values = CONC_VALUE_RETAINED};
		struct test_key stored = TEST_KEY(7);
		struct conc_value value, out = absent;

		open_room(&r);
		value = lend(&r, 0);
		ck_assert_int_eq(conc_dict_set(r.dict, &stored, 0, &value), 0);
		r.key.hash_error = errors[i];
		ck_assert_int_eq(CALL(&r, get, &out), -EINVAL);
		r.key.hash_error = 0;
		r.key.asks = true;
		r.key.eq_error = errors[i];
		value = value_of(&r, 1);
		ck_assert_int_eq(CALL(&r, insert, &value, &out), -EINVAL);
		ck_assert_int_eq(CALL(&r, compare_exchange, &value, &value,
				      &out),
				 -EINVAL);
		ck_assert_int_eq(out.kind, CONC_ABSENT);
		r.key.eq_error = 0;
		expect_held(&r, 0);
		close_room(&r);
	}
}
END_TEST

static int answer_no_pointer(const struct conc_value *old,
			     struct conc_value *desired, void *user)
{
	(void)old;
	(void)user;
	desired->kind = CONC_POINTER;
	desired->u.pointer = NULL;
	return 0;
}

static void no_pointer(struct room *r)
{
	hold(r, 0);
	ck_assert_int_eq(CALL(r, update, answer_no_pointer, NULL), -EINVAL);
	expect_held(r, 0);
}

START_TEST(an_update_to_no_pointer_is_refused_and_releases_nothing)
{
	in_every_room(no_pointer);
}
END_TEST

static void unknown_kind(struct room *r)
{
	struct conc_value unknown = {.kind = (enum conc_kind)42};
	struct conc_value value = value_of(r, 1), out = absent;

	hold(r, 0);
	ck_assert_int_eq(CALL(r, compare_exchange, &unknown, &value, &out),
			 -EINVAL);
	unknown.kind = CONC_BYTES;
	ck_assert_int_eq(CALL(r, compare_exchange, &unknown, &value, &out),
			 -EINVAL);
	expect_held(r, 0);
}

START_TEST(an_expected_value_of_no_kind_is_refused)
{
	in_every_room(unknown_kind);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		insert_shows_what_is_there_as_a_reference_of_the_callers,
		compare_exchange_shows_what_is_there_instead,
		what_is_there_may_come_out_where_the_expected_value_was,
		numbers_of_every_size_and_beside_pointers_are_shown,
		exchange_hands_out_what_it_replaced,
		take_removes_and_hands_out_and_needs_no_memory,
		plain_numbers_go_in_and_come_out,
		plain_pointers_go_in_and_come_out_as_references,
		a_value_of_the_other_kind_is_EDOM_and_stays,
		the_length_of_a_number_or_a_pointer_is_neither_read_nor_written,
		a_function_for_other_keys_is_refused_and_changes_nothing,
		errors_of_hash_full_eq_and_change_come_through,
		an_error_of_a_callbacks_is_not_taken_for_the_dicts_own,
		an_update_to_no_pointer_is_refused_and_releases_nothing,
		an_expected_value_of_no_kind_is_refused,
	};

	return run_tests("answers of a dict", tests, COUNT_OF(tests), 60);
}
