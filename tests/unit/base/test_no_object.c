/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NULL for an object, or one of another copy of the library: -EINVAL from what
 * can fail, nothing, 0 or false from the rest.
 */
#include <config.h>

#include <concurrency.h>

#include "base/object.h"
#include "suite.h"

static int visit(void *object, void *user)
{
	(void)object;
	(void)user;
	return 7;
}

static int change(const struct conc_value *old, struct conc_value *desired,
		  void *user)
{
	(void)old;
	(void)desired;
	(void)user;
	return 0;
}

/* NULL, but none that a compiler sees: it would warn of what is behind the check. */
static void *volatile none;

static struct conc_value one = {.kind = CONC_NUMBER, .u.number = 1}, out;
static void *pointer;
static int64_t n;

/* Nothing has been written where a result would go. */
static void expect_nothing_written(void)
{
	ck_assert_int_eq(out.kind, CONC_ABSENT);
	ck_assert_ptr_null(pointer);
	ck_assert_int_eq(n, 0);
}

#define REFUSES(call) ck_assert_int_eq((call), -EINVAL)

START_TEST(no_dict_with_int_keys)
{
	REFUSES(conc_dict_int_get(none, 1, &out));
	REFUSES(conc_dict_int_set(none, 1, &one));
	REFUSES(conc_dict_int_exchange(none, 1, &one, &out));
	REFUSES(conc_dict_int_insert(none, 1, &one, &out));
	REFUSES(conc_dict_int_delete(none, 1));
	REFUSES(conc_dict_int_take(none, 1, &out));
	REFUSES(conc_dict_int_compare_exchange(none, 1, &one, &one, &out));
	REFUSES(conc_dict_int_get_number(none, 1, &n));
	REFUSES(conc_dict_int_set_number(none, 1, 1));
	REFUSES(conc_dict_int_get_pointer(none, 1, &pointer));
	REFUSES(conc_dict_int_set_pointer(none, 1, &one));
	REFUSES(conc_dict_int_take_pointer(none, 1, &pointer));
	REFUSES(conc_dict_int_update(none, 1, change, NULL));
	REFUSES(conc_dict_int_add(none, 1, 1, &n));
	expect_nothing_written();
}
END_TEST

START_TEST(no_dict)
{
	struct conc_entry entry = CONC_ENTRY_INIT;
	conc_cursor *cursor = NULL;

	REFUSES(conc_dict_new(NULL, NULL));
	REFUSES(conc_dict_get(none, "a", 1, &out));
	REFUSES(conc_dict_set(none, "a", 1, &one));
	REFUSES(conc_dict_exchange(none, "a", 1, &one, &out));
	REFUSES(conc_dict_insert(none, "a", 1, &one, &out));
	REFUSES(conc_dict_delete(none, "a", 1));
	REFUSES(conc_dict_take(none, "a", 1, &out));
	REFUSES(conc_dict_compare_exchange(none, "a", 1, &one, &one, &out));
	REFUSES(conc_dict_get_number(none, "a", 1, &n));
	REFUSES(conc_dict_set_number(none, "a", 1, 1));
	REFUSES(conc_dict_get_pointer(none, "a", 1, &pointer));
	REFUSES(conc_dict_set_pointer(none, "a", 1, &one));
	REFUSES(conc_dict_take_pointer(none, "a", 1, &pointer));
	REFUSES(conc_dict_update(none, "a", 1, change, NULL));
	REFUSES(conc_dict_add(none, "a", 1, 1, &n));
	REFUSES(conc_dict_traverse(none, visit, NULL));
	ck_assert_uint_eq(conc_dict_size(none), 0);
	conc_dict_clear(none);
	conc_dict_free(none);
	REFUSES(conc_cursor_new(none, &cursor));
	REFUSES(conc_cursor_next(none, &entry));
	conc_cursor_free(none);
	ck_assert_ptr_null(cursor);
	expect_nothing_written();
}
END_TEST

START_TEST(no_ref)
{
	REFUSES(conc_ref_new(none, NULL));
	REFUSES(conc_ref_get(none, &out));
	REFUSES(conc_ref_set(none, &one));
	REFUSES(conc_ref_exchange(none, &one, &out));
	REFUSES(conc_ref_compare_exchange(none, &one, &one, &out));
	REFUSES(conc_ref_traverse(none, visit, NULL));
	conc_ref_clear(none);
	conc_ref_free(none);
	expect_nothing_written();
}
END_TEST

START_TEST(no_gather)
{
	REFUSES(conc_gather_new(none, NULL));
	REFUSES(conc_gather_insert(none, 1, &one));
	REFUSES(conc_gather_take(none, 1, true, &out, CONC_FOREVER, NULL));
	REFUSES(conc_gather_try_take(none, 1, true, &out));
	REFUSES(conc_gather_wait(none, 1, CONC_FOREVER, NULL));
	REFUSES(conc_gather_traverse(none, visit, NULL));
	ck_assert(!conc_gather_has_failed(none));
	ck_assert_uint_eq(conc_gather_size(none), 0);
	conc_gather_fail(none);
	conc_gather_clear(none);
	conc_gather_free(none);
	expect_nothing_written();
}
END_TEST

START_TEST(no_queue)
{
	REFUSES(conc_queue_new(none, NULL));
	REFUSES(conc_queue_push(none, &one));
	REFUSES(conc_queue_pop(none, &pointer, CONC_FOREVER, NULL));
	REFUSES(conc_queue_try_pop(none, &pointer));
	REFUSES(conc_queue_wait(none, CONC_FOREVER, NULL));
	REFUSES(conc_queue_traverse(none, visit, NULL));
	ck_assert(!conc_queue_is_closed(none));
	ck_assert(!conc_queue_empty(none));
	ck_assert_uint_eq(conc_queue_size(none), 0);
	conc_queue_pass(none);
	conc_queue_close(none, true);
	conc_queue_fail(none);
	conc_queue_free(none);
	expect_nothing_written();
}
END_TEST

START_TEST(no_bounded_queue)
{
	REFUSES(conc_bounded_queue_new(none, NULL));
	REFUSES(conc_bounded_queue_push(none, &one, CONC_FOREVER, NULL));
	REFUSES(conc_bounded_queue_pop(none, &pointer, CONC_FOREVER, NULL));
	REFUSES(conc_bounded_queue_try_push(none, &one));
	REFUSES(conc_bounded_queue_try_pop(none, &pointer));
	REFUSES(conc_bounded_queue_wait_room(none, CONC_FOREVER, NULL));
	REFUSES(conc_bounded_queue_wait_item(none, CONC_FOREVER, NULL));
	REFUSES(conc_bounded_queue_task_done(none));
	REFUSES(conc_bounded_queue_join(none, CONC_FOREVER, NULL));
	REFUSES(conc_bounded_queue_traverse(none, visit, NULL));
	ck_assert(!conc_bounded_queue_is_closed(none));
	ck_assert(!conc_bounded_queue_empty(none));
	ck_assert(!conc_bounded_queue_full(none));
	ck_assert_uint_eq(conc_bounded_queue_size(none), 0);
	ck_assert_uint_eq(conc_bounded_queue_unfinished(none), 0);
	ck_assert_int_eq(conc_bounded_queue_capacity(none), 0);
	conc_bounded_queue_set_capacity(none, 1);
	conc_bounded_queue_pass(none);
	conc_bounded_queue_close(none, true);
	conc_bounded_queue_free(none);
	expect_nothing_written();
}
END_TEST

/*
 * Another copy's mark in a dict of ours.  (Real copies, and every function
 * there is: tests/api.)
 */
START_TEST(an_object_of_another_copy_is_none)
{
	struct conc_object *object;
	conc_dict *dict;
	char mark;

	ck_assert_int_eq(conc_dict_new(NULL, &dict), 0);
	ck_assert_int_eq(conc_dict_int_set(dict, 1, &one), 0);
	object = (struct conc_object *)dict;
	object->copy = &mark;
	REFUSES(conc_dict_int_get(dict, 1, &out));
	REFUSES(conc_dict_int_delete(dict, 1));
	ck_assert_uint_eq(conc_dict_size(dict), 0);
	conc_dict_clear(dict);
	conc_dict_free(dict);
	expect_nothing_written();
	conc_object_mark(dict);
	ck_assert_uint_eq(conc_dict_size(dict), 1);
	conc_dict_free(dict);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		no_dict_with_int_keys,
		no_dict,
		no_ref,
		no_gather,
		no_queue,
		no_bounded_queue,
		an_object_of_another_copy_is_none,
	};

	return run_tests("no object", tests, COUNT_OF(tests), 30);
}
