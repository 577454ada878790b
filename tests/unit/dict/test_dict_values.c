/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* conc_dict: how long it holds a value, and what update makes of one. */
#include <config.h>

#include <concurrency.h>

#include "unit/dict/dict_keys.h"
#include "base/memory.h"
#include "suite.h"
#include "values.h"

/* --- lifetimes of values ------------------------------------------------- */

START_TEST(a_type_stable_value_is_released_at_once)
{
	struct test_value a = {.references = 1}, b = {.references = 1};
	conc_dict *dict = value_dict(CONC_VALUE_TYPE_STABLE);
	struct conc_value value = pointer(&a);

	ck_assert_int_eq(conc_dict_int_set(dict, 1, &value), 0);
	ck_assert_int_eq(conc_dict_int_get(dict, 1, &value), 0);
	ck_assert_ptr_eq(value.u.pointer, &a);
	ck_assert_int_eq(a.references, 2);
	value = pointer(&b);
	ck_assert_int_eq(conc_dict_int_set(dict, 1, &value), 0);
	ck_assert_int_eq(a.references, 1);
	ck_assert_int_eq(conc_dict_int_delete(dict, 1), 0);
	ck_assert_int_eq(b.references, 0);
	conc_dict_free(dict);
}
END_TEST

START_TEST(a_retained_value_is_released_after_a_grace_period)
{
	struct test_value a = {.references = 1};
	conc_dict *dict = value_dict(CONC_VALUE_RETAINED);
	struct conc_value value = pointer(&a), out;

	ck_assert_int_eq(conc_dict_int_set(dict, 1, &value), 0);
	ck_assert_int_eq(conc_dict_int_take(dict, 1, &out), 0);
	ck_assert_ptr_eq(out.u.pointer, &a);
	/* The caller's, and the dict's until readers are gone. */
	ck_assert_int_eq(a.references, 2);
	conc_dict_clear(dict);
	ck_assert_int_eq(a.references, 1);
	conc_dict_free(dict);
	ck_assert_int_eq(a.references, 1);
}
END_TEST

static void references_balance(enum conc_lifetime lifetime)
{
	static struct test_value values[500];
	conc_dict *dict = value_dict(lifetime);
	struct conc_value value, old;

	for (size_t i = 0; i < COUNT_OF(values); i++) {
		values[i].references = 1;
		value = pointer(&values[i]);
		if (i % 3 != 0) {
			ck_assert_int_eq(conc_dict_int_set(dict,
							   (int64_t)i % 37,
							   &value),
					 0);
		} else {
			ck_assert_int_eq(conc_dict_int_exchange(dict,
								(int64_t)i % 37,
								&value, &old),
					 0);
			if (old.kind == CONC_POINTER)
				test_value_release(old.u.pointer, NULL);
		}
		if (i % 5 == 0)
			ck_assert_int_eq(conc_dict_int_delete(dict,
							      (int64_t)i % 37),
					 0);
	}
	conc_dict_free(dict);
	for (size_t i = 0; i < COUNT_OF(values); i++)
		ck_assert_int_eq(values[i].references, 0);
}

START_TEST(references_to_values_balance_to_zero)
{
	references_balance(CONC_VALUE_TYPE_STABLE);
	references_balance(CONC_VALUE_RETAINED);
}
END_TEST

START_TEST(a_borrowed_pointer_is_given_as_it_was)
{
	struct conc_dict_attr attr = {.size = sizeof(attr),
				      .values = CONC_VALUE_BORROWED};
	char text[] = "odd addresses too";
	struct conc_value value = pointer(text + 1), one = number(1);
	conc_dict *dict;

	ck_assert_int_eq(conc_dict_new(&attr, &dict), 0);
	ck_assert_int_eq(conc_dict_int_set(dict, 1, &value), 0);
	ck_assert_int_eq(conc_dict_int_get(dict, 1, &value), 0);
	ck_assert_ptr_eq(value.u.pointer, text + 1);
	ck_assert_int_eq(conc_dict_int_set(dict, 1, &one), -EINVAL);
	ck_assert_int_eq(conc_dict_int_add(dict, 2, 1, NULL), -EINVAL);
	conc_dict_free(dict);
}
END_TEST

static void counts_beside_pointers(enum conc_lifetime lifetime)
{
	struct test_value a = {.references = 1};
	conc_dict *dict = value_dict(lifetime);
	struct conc_value object = pointer(&a), count, limit;
	int64_t sum;

	ck_assert_int_eq(conc_dict_int_add(dict, 1, 41, NULL), 0);
	ck_assert_int_eq(conc_dict_int_add(dict, 1, 1, &sum), 0);
	ck_assert_int_eq(sum, 42);
	/* count -> object -> count -> object, each conditional */
	count = number(41);
	ck_assert_int_eq(conc_dict_int_compare_exchange(dict, 1, &count,
							&object, NULL),
			 -EAGAIN);
	count = number(42);
	ck_assert_int_eq(conc_dict_int_compare_exchange(dict, 1, &count,
							&object, NULL),
			 0);
	ck_assert_int_eq(conc_dict_int_add(dict, 1, 1, NULL), -EDOM);
	ck_assert_int_eq(conc_dict_int_compare_exchange(dict, 1, &object,
							&count, NULL),
			 0);
	ck_assert_int_eq(conc_dict_int_add(dict, 1, 1, &sum), 0);
	ck_assert_int_eq(sum, 43);
	limit = number(INT64_C(1) << 59);
	ck_assert_int_eq(conc_dict_int_set(dict, 1, &limit), -EOVERFLOW);
	ck_assert_int_eq(conc_dict_int_add(dict, 1, INT64_C(1) << 59, NULL),
			 -EOVERFLOW);
	expect(dict, 1, 43);
	ck_assert_uint_eq(conc_dict_size(dict), 1);
	conc_dict_free(dict);
	ck_assert_int_eq(a.references, 0);
}

START_TEST(a_dict_of_pointers_counts_too)
{
	counts_beside_pointers(CONC_VALUE_TYPE_STABLE);
	counts_beside_pointers(CONC_VALUE_RETAINED);
}
END_TEST

/* An add of little to a number at the border is done without the lock. */
START_TEST(no_add_takes_a_count_beside_pointers_out_of_its_range)
{
	const int64_t limit = INT64_C(1) << 59;
	conc_dict *dict = value_dict(CONC_VALUE_RETAINED);
	int64_t sum = 77;

	set(dict, 1, limit - 1);
	ck_assert_int_eq(conc_dict_int_add(dict, 1, 1, &sum), -EOVERFLOW);
	ck_assert_int_eq(sum, 77);
	expect(dict, 1, limit - 1);
	ck_assert_int_eq(conc_dict_int_add(dict, 1, -1, &sum), 0);
	ck_assert_int_eq(sum, limit - 2);
	set(dict, 2, -limit);
	ck_assert_int_eq(conc_dict_int_add(dict, 2, -1, NULL), -EOVERFLOW);
	expect(dict, 2, -limit);
	conc_dict_free(dict);
}
END_TEST

/* --- callbacks that use the same dict ------------------------------------- */

struct user {
	conc_dict *dict;
	int calls;
};

/* The same key, so the shard that the release comes from. */
static void release_and_use(void *value, void *arg)
{
	struct user *user = arg;
	struct conc_value out;

	test_value_release(value, NULL);
	user->calls++;
	set(user->dict, 1, user->calls);
	ck_assert_int_eq(conc_dict_int_add(user->dict, 1, 1, NULL), 0);
	ck_assert_int_eq(conc_dict_int_get(user->dict, 1, &out), 0);
}

static conc_cursor *stepped;
static int left_to_step;

/* The last reference to a value: goes on with the cursor that gives it up. */
static void release_and_step(void *value, void *user)
{
	struct conc_entry entry = CONC_ENTRY_INIT;

	test_value_release(value, user);
	if (((struct test_value *)value)->references == 0 && stepped != NULL &&
	    left_to_step > 0) {
		ck_assert_int_eq(conc_cursor_next(stepped, &entry), 0);
		left_to_step--;
	}
}

START_TEST(release_may_step_the_cursor_that_it_comes_from)
{
	static struct test_value values[400];
	const struct conc_value_ops value_ops = {
		.size = sizeof(value_ops),
		.try_retain = test_value_try_retain,
		.release = release_and_step,
	};
	struct conc_dict_attr attr = {
		.size = sizeof(attr),
		.scaling = 16,
		.values = CONC_VALUE_TYPE_STABLE,
		.value_ops = &value_ops,
	};
	struct conc_entry entry = CONC_ENTRY_INIT;
	conc_cursor *cursor;
	conc_dict *dict;

	ck_assert_int_eq(conc_dict_new(&attr, &dict), 0);
	for (size_t i = 0; i < COUNT_OF(values); i++) {
		values[i].references = 1;
		ck_assert_int_eq(conc_dict_int_set_pointer(dict, (int64_t)i,
							   &values[i]),
				 0);
	}
	ck_assert_int_eq(conc_cursor_new(dict, &cursor), 0);
	stepped = cursor;
	ck_assert_int_eq(conc_cursor_next(cursor, &entry), 0);
	/* The cursor has the last reference now, and gives it up at its next step. */
	ck_assert_int_eq(conc_dict_int_delete(dict, entry.int_key), 0);
	left_to_step = 1;
	for (size_t seen = 2; seen < COUNT_OF(values); seen++)
		ck_assert_int_eq(conc_cursor_next(cursor, &entry), 0);
	ck_assert_int_eq(conc_cursor_next(cursor, &entry), -ENOENT);
	ck_assert_int_eq(left_to_step, 0);
	stepped = NULL;
	conc_cursor_free(cursor);
	conc_dict_free(dict);
	for (size_t i = 0; i < COUNT_OF(values); i++)
		ck_assert_int_eq(values[i].references, 0);
}
END_TEST

START_TEST(release_may_use_the_same_dict)
{
	static const enum conc_lifetime counted[] = {CONC_VALUE_TYPE_STABLE,
						     CONC_VALUE_RETAINED};

	for (size_t i = 0; i < COUNT_OF(counted); i++) {
		struct test_value objects[2] = {{.references = 1},
						{.references = 1}};
		struct user user = {0};
		const struct conc_value_ops value_ops = {
			.size = sizeof(value_ops),
			.user = &user,
			.retain = test_value_retain,
			.try_retain = test_value_try_retain,
			.release = release_and_use,
		};
		struct conc_dict_attr attr = {.size = sizeof(attr),
					      .values = counted[i],
					      .value_ops = &value_ops};

		ck_assert_int_eq(conc_dict_new(&attr, &user.dict), 0);
		for (int n = 0; n < 2; n++) {
			struct conc_value value = pointer(&objects[n]);

			ck_assert_int_eq(conc_dict_int_set(user.dict, 1,
							   &value),
					 0);
		}
		conc_dict_clear(user.dict);
		ck_assert_int_eq(user.calls, 2);
		ck_assert_int_eq(objects[0].references, 0);
		ck_assert_int_eq(objects[1].references, 0);
		conc_dict_free(user.dict);
	}
}
END_TEST

/* Beyond 2^59 a number takes a slot of its own, and so perhaps a larger table. */
START_TEST(an_add_without_memory_for_a_large_sum_changes_nothing)
{
	const int64_t limit = INT64_C(1) << 59;
	conc_dict *dict = int_dict();
	int refused = 0;

	for (int64_t key = 0; key < 100; key++)
		set(dict, key, limit - 1);
	conc_alloc_fail_after = 0;
	for (int64_t key = 0; key < 100; key++) {
		int64_t sum = 77;
		int rc = conc_dict_int_add(dict, key, 1, &sum);

		ck_assert(rc == 0 || rc == -ENOMEM);
		ck_assert_int_eq(sum, rc == 0 ? limit : 77);
		expect(dict, key, rc == 0 ? limit : limit - 1);
		refused += rc != 0;
	}
	conc_alloc_fail_after = -1;
	ck_assert_int_gt(refused, 0);
	ck_assert_uint_eq(conc_dict_size(dict), 100);
	conc_dict_free(dict);
}
END_TEST

/* --- update -------------------------------------------------------------- */

struct change {
	conc_dict *dict;
	struct conc_value seen;	   /* the old value, as of the latest call */
	struct conc_value desired; /* the answer */
	int calls;
	int interfere; /* so many calls in which another value is stored first */
	int rc;
};

static int change(const struct conc_value *old, struct conc_value *desired,
		  void *arg)
{
	struct change *c = arg;

	ck_assert_int_eq(desired->kind, CONC_ABSENT);
	c->seen = *old;
	c->calls++;
	if (c->calls <= c->interfere)
		set(c->dict, 1, 1000 + c->calls);
	*desired = c->desired;
	return c->rc;
}

START_TEST(a_change_by_a_function_replaces_the_value_that_it_was_asked_about)
{
	conc_dict *dict = int_dict();
	struct change c = {.dict = dict, .desired = number(5)};

	ck_assert_int_eq(conc_dict_int_update(dict, 1, change, &c), 0);
	ck_assert_int_eq(c.seen.kind, CONC_ABSENT);
	expect(dict, 1, 5);
	c.desired = number(6);
	c.calls = 0;
	c.interfere = 3;
	ck_assert_int_eq(conc_dict_int_update(dict, 1, change, &c), 0);
	ck_assert_int_eq(c.calls, 4);
	ck_assert_int_eq(c.seen.u.number, 1003);
	expect(dict, 1, 6);
	c.desired = absent;
	ck_assert_int_eq(conc_dict_int_update(dict, 1, change, &c), 0);
	ck_assert_uint_eq(conc_dict_size(dict), 0);
	/* Nothing of nothing is nothing. */
	ck_assert_int_eq(conc_dict_int_update(dict, 1, change, &c), 0);
	ck_assert_uint_eq(conc_dict_size(dict), 0);
	conc_dict_free(dict);
}
END_TEST

START_TEST(an_update_that_fails_changes_nothing_and_gives_the_references_back)
{
	struct test_value old = {.references = 1}, fresh = {.references = 1};
	conc_dict *dict = value_dict(CONC_VALUE_TYPE_STABLE);
	struct conc_value value = pointer(&old);
	struct change c = {.rc = -77};
	int rc = 0, stored = 0;

	ck_assert_int_eq(conc_dict_int_set(dict, 1, &value), 0);
	/* What goes with a refusal stays with who refuses. */
	c.desired = pointer(&fresh);
	ck_assert_int_eq(conc_dict_int_update(dict, 1, change, &c), -77);
	/* The library's own sign for another attempt. */
	c.rc = -EAGAIN;
	ck_assert_int_eq(conc_dict_int_update(dict, 1, change, &c), -EINVAL);
	ck_assert_int_eq(c.calls, 2);
	ck_assert_int_eq(fresh.references, 1);
	c.rc = 0;
	c.desired = number(INT64_MAX);
	ck_assert_int_eq(conc_dict_int_update(dict, 1, change, &c), -EOVERFLOW);
	ck_assert_int_eq(old.references, 1);
	ck_assert_int_eq(conc_dict_int_update(dict, 1, NULL, NULL), -EINVAL);
	/* A second entry takes no memory, a second table does. */
	conc_alloc_fail_after = 0;
	c.desired = pointer(&fresh);
	while (rc == 0 && stored < 10000) {
		fresh.references = stored + 1;
		rc = conc_dict_int_update(dict, 2 + stored, change, &c);
		stored += rc == 0;
	}
	conc_alloc_fail_after = -1;
	ck_assert_int_eq(rc, -ENOMEM);
	ck_assert_int_eq(c.seen.kind, CONC_ABSENT);
	ck_assert_int_eq(fresh.references, stored);
	conc_dict_free(dict);
	ck_assert_int_eq(old.references, 0);
	ck_assert_int_eq(fresh.references, 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_type_stable_value_is_released_at_once,
		a_retained_value_is_released_after_a_grace_period,
		references_to_values_balance_to_zero,
		a_borrowed_pointer_is_given_as_it_was,
		a_dict_of_pointers_counts_too,
		no_add_takes_a_count_beside_pointers_out_of_its_range,
		release_may_use_the_same_dict,
		release_may_step_the_cursor_that_it_comes_from,
		an_add_without_memory_for_a_large_sum_changes_nothing,
		a_change_by_a_function_replaces_the_value_that_it_was_asked_about,
		an_update_that_fails_changes_nothing_and_gives_the_references_back,
	};

	return run_tests("dict values", tests, COUNT_OF(tests), 60);
}
