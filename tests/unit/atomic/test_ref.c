/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* conc_ref from one thread: each test is named after the promise it holds. */
#include <config.h>

#include <concurrency.h>
#include <stdatomic.h>

#include "base/memory.h"
#include "base/rcu.h"
#include "suite.h"
#include "values.h"

static const struct conc_value nothing = {.kind = CONC_ABSENT};

/* ---- objects ------------------------------------------------------------ */

static conc_ref *new_ref(enum conc_lifetime values)
{
	const struct conc_value_ops value_ops = {
		.size = sizeof(value_ops),
		.retain = retain,
		.try_retain = try_retain,
		.release = release,
	};
	struct conc_ref_attr attr = {.size = sizeof(attr),
				     .values = values,
				     .value_ops = &value_ops};
	conc_ref *ref = NULL;

	ck_assert_int_eq(conc_ref_new(&attr, &ref), 0);
	return ref;
}

static void set(conc_ref *ref, struct conc_value value)
{
	ck_assert_int_eq(conc_ref_set(ref, &value), 0);
}

/* With the reference that is taken over. */
static void set_object(conc_ref *ref, struct object *object)
{
	object->references++;
	set(ref, pointer(object));
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

/* Gives a counted reference back at once. */
static void expect(conc_ref *ref, struct conc_value expected)
{
	struct conc_value value;

	ck_assert_int_eq(conc_ref_get(ref, &value), 0);
	expect_value(&value, expected);
}

static void expect_object(conc_ref *ref, struct object *object)
{
	expect(ref, pointer(object));
	release(object, NULL);
}

static const enum conc_lifetime all[] = {CONC_VALUE_INT64, CONC_VALUE_RETAINED,
					 CONC_VALUE_TYPE_STABLE,
					 CONC_VALUE_BORROWED};
static const enum conc_lifetime counted[] = {CONC_VALUE_RETAINED,
					     CONC_VALUE_TYPE_STABLE};

/* ---- values ------------------------------------------------------------- */

START_TEST(a_new_reference_holds_nothing)
{
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		conc_ref *ref = new_ref(all[i]);
		struct conc_value old;

		expect(ref, nothing);
		ck_assert_int_eq(conc_ref_exchange(ref, &nothing, &old), 0);
		expect_value(&old, nothing);
		conc_ref_clear(ref);
		conc_ref_free(ref);
	}
}
END_TEST

START_TEST(numbers_of_61_bits_come_back_and_others_are_EOVERFLOW)
{
	const int64_t limit = INT64_C(1) << 60;
	const int64_t fit[] = {0, 1, -1, limit - 1, -limit, limit / 2,
			       -limit / 2 - 1};
	const struct conc_value beyond[] = {number(limit), number(-limit - 1),
					    number(INT64_MAX),
					    number(INT64_MIN)};
	conc_ref *ref = NULL;

	ck_assert_int_eq(conc_ref_new(NULL, &ref), 0);
	for (size_t i = 0; i < COUNT_OF(fit); i++) {
		set(ref, number(fit[i]));
		expect(ref, number(fit[i]));
	}
	for (size_t i = 0; i < COUNT_OF(beyond); i++) {
		struct conc_value held = number(fit[COUNT_OF(fit) - 1]), old;

		ck_assert_int_eq(conc_ref_set(ref, &beyond[i]), -EOVERFLOW);
		ck_assert_int_eq(conc_ref_exchange(ref, &beyond[i], &old),
				 -EOVERFLOW);
		ck_assert_int_eq(conc_ref_compare_exchange(ref, &held,
							   &beyond[i], NULL),
				 -EOVERFLOW);
		ck_assert_int_eq(conc_ref_compare_exchange(ref, &beyond[i],
							   &held, NULL),
				 -EAGAIN);
		expect(ref, held);
	}
	conc_ref_free(ref);
}
END_TEST

START_TEST(exchange_gives_what_was_there)
{
	conc_ref *ref = new_ref(CONC_VALUE_INT64);
	struct conc_value old, next = number(1);

	ck_assert_int_eq(conc_ref_exchange(ref, &next, &old), 0);
	expect_value(&old, nothing);
	next = number(2);
	ck_assert_int_eq(conc_ref_exchange(ref, &next, &next), 0);
	expect_value(&next, number(1));
	ck_assert_int_eq(conc_ref_exchange(ref, &nothing, &old), 0);
	expect_value(&old, number(2));
	expect(ref, nothing);
	conc_ref_free(ref);
}
END_TEST

static void expect_step(conc_ref *ref, struct conc_value expected,
			struct conc_value desired, int rc)
{
	ck_assert_int_eq(conc_ref_compare_exchange(ref, &expected, &desired,
						   NULL),
			 rc);
}

START_TEST(compare_exchange_changes_only_what_was_expected)
{
	conc_ref *ref = new_ref(CONC_VALUE_INT64);

	expect_step(ref, number(0), number(1), -EAGAIN);
	expect(ref, nothing);
	expect_step(ref, nothing, number(0), 0);
	expect(ref, number(0));
	expect_step(ref, nothing, number(1), -EAGAIN);
	expect_step(ref, number(1), number(2), -EAGAIN);
	expect(ref, number(0));
	expect_step(ref, number(0), number(INT64_C(1) << 59), 0);
	expect_step(ref, number(INT64_C(1) << 59), number(3), 0);
	expect_step(ref, number(3), number(3), 0);
	expect(ref, number(3));
	expect_step(ref, number(3), nothing, 0);
	expect(ref, nothing);
	expect_step(ref, nothing, nothing, 0);
	conc_ref_free(ref);
}
END_TEST

START_TEST(compare_exchange_of_objects_goes_by_identity)
{
	for (size_t i = 0; i < COUNT_OF(counted); i++) {
		conc_ref *ref = new_ref(counted[i]);
		struct object a = {.references = 1}, b = {.references = 1};

		expect_step(ref, nothing, pointer(&a), 0);
		expect_step(ref, nothing, pointer(&b), -EAGAIN);
		expect_step(ref, pointer(&b), pointer(&b), -EAGAIN);
		ck_assert_int_eq(b.references, 1);
		expect_object(ref, &a);
		expect_step(ref, pointer(&a), pointer(&b), 0);
		expect_object(ref, &b);
		expect_step(ref, pointer(&b), number(7), 0);
		expect_step(ref, number(7), nothing, 0);
		expect(ref, nothing);
		conc_ref_free(ref);
		ck_assert_int_eq(a.references, 0);
		ck_assert_int_eq(b.references, 0);
	}
}
END_TEST

START_TEST(an_object_may_replace_itself)
{
	for (size_t i = 0; i < COUNT_OF(counted); i++) {
		conc_ref *ref = new_ref(counted[i]);
		struct object a = {.references = 2};

		set(ref, pointer(&a));
		expect_step(ref, pointer(&a), pointer(&a), 0);
		conc_reclaim(NULL);
		set_object(ref, &a);
		expect_object(ref, &a);
		conc_ref_clear(ref);
		ck_assert_int_eq(a.references, 0);
		conc_ref_free(ref);
	}
}
END_TEST

START_TEST(a_reference_of_objects_holds_numbers_too)
{
	const int64_t limit = INT64_C(1) << 59;

	for (size_t i = 0; i < COUNT_OF(counted); i++) {
		conc_ref *ref = new_ref(counted[i]);
		struct conc_value beyond = number(limit), old;
		struct object a = {0};

		set(ref, number(limit - 1));
		expect(ref, number(limit - 1));
		set(ref, number(-limit));
		ck_assert_int_eq(conc_ref_set(ref, &beyond), -EOVERFLOW);
		set_object(ref, &a);
		ck_assert_int_eq(conc_ref_exchange(ref, &beyond, &old),
				 -EOVERFLOW);
		expect_object(ref, &a);
		set(ref, number(0));
		expect(ref, number(0));
		conc_ref_free(ref);
		ck_assert_int_eq(a.references, 0);
	}
}
END_TEST

START_TEST(a_borrowed_pointer_is_given_as_it_was_and_never_released)
{
	conc_ref *ref = new_ref(CONC_VALUE_BORROWED);
	char text[] = "odd addresses too";
	struct conc_value old, one = number(1), null = pointer(NULL);

	set(ref, pointer(text + 1));
	expect(ref, pointer(text + 1));
	expect_step(ref, pointer(text), nothing, -EAGAIN);
	expect_step(ref, pointer(text + 1), pointer(text + 2), 0);
	ck_assert_int_eq(conc_ref_set(ref, &one), -EINVAL);
	ck_assert_int_eq(conc_ref_set(ref, &null), -EINVAL);
	ck_assert_int_eq(conc_ref_exchange(ref, &nothing, &old), 0);
	expect_value(&old, pointer(text + 2));
	conc_ref_free(ref);
}
END_TEST

/* ---- what compare_exchange shows ----------------------------------------- */

/* A value for each lifetime; of a counted one, without a reference. */
static struct conc_value value_for(enum conc_lifetime values,
				   struct object *object)
{
	return values == CONC_VALUE_INT64 ? number((int64_t)object->visits)
					  : pointer(object);
}

static bool is_counted(enum conc_lifetime values)
{
	return values == CONC_VALUE_RETAINED ||
	       values == CONC_VALUE_TYPE_STABLE;
}

static void expect_shown(conc_ref *ref, struct conc_value expected,
			 struct conc_value desired, struct conc_value shown)
{
	struct conc_value present = number(77);

	ck_assert_int_eq(conc_ref_compare_exchange(ref, &expected, &desired,
						   &present),
			 -EAGAIN);
	expect_value(&present, shown);
}

static void expect_exchanged(conc_ref *ref, struct conc_value expected,
			     struct conc_value desired)
{
	struct conc_value present = number(77);

	ck_assert_int_eq(conc_ref_compare_exchange(ref, &expected, &desired,
						   &present),
			 0);
	expect_value(&present, nothing);
}

START_TEST(compare_exchange_shows_what_is_there_as_a_reference_of_the_callers)
{
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		conc_ref *ref = new_ref(all[i]);
		struct object objects[3] = {{.visits = -1, .references = 1},
					    {.visits = 0, .references = 1},
					    {.visits = 1, .references = 1}};
		struct conc_value values[3];

		for (int n = 0; n < 3; n++)
			values[n] = value_for(all[i], &objects[n]);
		expect_shown(ref, values[1], values[0], nothing);
		expect_shown(ref, values[1], nothing, nothing);
		expect_exchanged(ref, nothing, values[0]);
		expect_step(ref, values[1], values[2], -EAGAIN);
		ck_assert_int_eq(objects[0].references, 1);
		expect_shown(ref, values[1], values[2], values[0]);
		expect_shown(ref, nothing, values[2], values[0]);
		expect_shown(ref, values[1], nothing, values[0]);
		ck_assert_int_eq(objects[0].references,
				 is_counted(all[i]) ? 4 : 1);
		ck_assert_int_eq(objects[1].references, 1);
		ck_assert_int_eq(objects[2].references, 1);
		if (is_counted(all[i]))
			objects[0].references -= 3;
		expect_exchanged(ref, values[0], values[2]);
		expect_exchanged(ref, values[2], nothing);
		conc_ref_free(ref);
		if (is_counted(all[i])) {
			ck_assert_int_eq(objects[0].references, 0);
			ck_assert_int_eq(objects[1].references, 1);
			ck_assert_int_eq(objects[2].references, 0);
		}
	}
}
END_TEST

START_TEST(what_is_there_may_come_out_where_the_expected_value_was)
{
	for (size_t i = 0; i < COUNT_OF(counted); i++) {
		conc_ref *ref = new_ref(counted[i]);
		struct object a = {0}, b = {.references = 1};
		struct conc_value expected = nothing, desired = pointer(&b);

		set_object(ref, &a);
		ck_assert_int_eq(conc_ref_compare_exchange(ref, &expected,
							   &desired, &expected),
				 -EAGAIN);
		expect_value(&expected, pointer(&a));
		ck_assert_int_eq(a.references, 2);
		ck_assert_int_eq(conc_ref_compare_exchange(ref, &expected,
							   &desired, &expected),
				 0);
		expect_value(&expected, nothing);
		release(&a, NULL);
		/* Or where the one was that was to be stored. */
		desired = number(1);
		ck_assert_int_eq(conc_ref_compare_exchange(ref, &expected,
							   &desired, &desired),
				 -EAGAIN);
		expect_value(&desired, pointer(&b));
		release(&b, NULL);
		conc_ref_free(ref);
		ck_assert_int_eq(a.references, 0);
		ck_assert_int_eq(b.references, 0);
	}
}
END_TEST

START_TEST(numbers_beside_objects_are_shown_too)
{
	for (size_t i = 0; i < COUNT_OF(counted); i++) {
		conc_ref *ref = new_ref(counted[i]);
		struct object a = {.references = 1};

		set(ref, number(0));
		expect_shown(ref, nothing, pointer(&a), number(0));
		expect_shown(ref, pointer(&a), nothing, number(0));
		expect_exchanged(ref, number(0), pointer(&a));
		expect_shown(ref, number(0), number(1), pointer(&a));
		release(&a, NULL);
		conc_ref_free(ref);
		ck_assert_int_eq(a.references, 0);
	}
}
END_TEST

static void len_stays(enum conc_lifetime values)
{
	conc_ref *ref = new_ref(values);
	struct object a = {.references = 5}, b = {.references = 5};
	struct conc_value value = value_for(values, &a), out = {.len = 4711};
	struct conc_value other = value_for(values, &b);

	value.len = other.len = 1;
	ck_assert_int_eq(conc_ref_get(ref, &out), 0);
	ck_assert_uint_eq(out.len, 4711);
	ck_assert_int_eq(conc_ref_compare_exchange(ref, &nothing, &value, &out),
			 0);
	ck_assert_uint_eq(out.len, 4711);
	ck_assert_int_eq(conc_ref_compare_exchange(ref, &nothing, &other, &out),
			 -EAGAIN);
	expect_value(&out, value);
	ck_assert_uint_eq(out.len, 4711);
	ck_assert_int_eq(conc_ref_get(ref, &out), 0);
	ck_assert_uint_eq(out.len, 4711);
	out.len = 2;
	ck_assert_int_eq(conc_ref_compare_exchange(ref, &out, &value, NULL), 0);
	out.len = 4711;
	ck_assert_int_eq(conc_ref_exchange(ref, &nothing, &out), 0);
	expect_value(&out, value);
	ck_assert_uint_eq(out.len, 4711);
	conc_ref_free(ref);
}

START_TEST(the_length_of_a_number_or_a_pointer_is_neither_read_nor_written)
{
	for (size_t i = 0; i < COUNT_OF(all); i++)
		len_stays(all[i]);
}
END_TEST

/* ---- arguments and memory ----------------------------------------------- */

START_TEST(a_reference_that_cannot_be_is_refused)
{
	const struct conc_value_ops no_retain = {
		.size = sizeof(no_retain),
		.release = release,
	};
	const struct conc_value_ops no_release = {
		.size = sizeof(no_release),
		.retain = retain,
		.try_retain = try_retain,
	};
	struct conc_ref_attr attr = {.size = sizeof(size_t) - 1};
	conc_ref *ref = NULL;

	ck_assert_int_eq(conc_ref_new(NULL, NULL), -EINVAL);
	ck_assert_int_eq(conc_ref_new(&attr, &ref), -EINVAL);
	attr.size = sizeof(attr);
	for (int values = CONC_VALUE_BYTES; values <= CONC_VALUE_NONE + 1;
	     values++) {
		attr.values = (enum conc_lifetime)values;
		ck_assert_int_eq(conc_ref_new(&attr, &ref), -EINVAL);
	}
	attr.values = (enum conc_lifetime)-1;
	ck_assert_int_eq(conc_ref_new(&attr, &ref), -EINVAL);
	for (size_t i = 0; i < COUNT_OF(counted); i++) {
		attr.values = counted[i];
		attr.value_ops = &no_retain;
		ck_assert_int_eq(conc_ref_new(&attr, &ref), -EINVAL);
		attr.value_ops = &no_release;
		ck_assert_int_eq(conc_ref_new(&attr, &ref), -EINVAL);
	}
	conc_alloc_fail_after = 0;
	ck_assert_int_eq(conc_ref_new(NULL, &ref), -ENOMEM);
	conc_alloc_fail_after = -1;
	ck_assert_ptr_null(ref);
}
END_TEST

START_TEST(bad_arguments_are_refused_and_change_nothing)
{
	static _Alignas(8) char memory[16];
	struct conc_value one = number(1), old;
	const struct conc_value wrong[] = {pointer(NULL),
					   pointer(memory + 4),
					   {.kind = CONC_BYTES,
					    .len = sizeof(memory),
					    .u.pointer = memory},
					   {.kind = (enum conc_kind)9}};
	conc_ref *ref = new_ref(CONC_VALUE_TYPE_STABLE);
	struct object a = {0};

	set_object(ref, &a);
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		ck_assert_int_eq(conc_ref_set(ref, &wrong[i]), -EINVAL);
		ck_assert_int_eq(conc_ref_exchange(ref, &wrong[i], &old),
				 -EINVAL);
		ck_assert_int_eq(conc_ref_compare_exchange(ref, &one, &wrong[i],
							   NULL),
				 -EINVAL);
		/* Of a kind that can be expected, it is just not there. */
		ck_assert_int_eq(conc_ref_compare_exchange(ref, &wrong[i], &one,
							   NULL),
				 wrong[i].kind == CONC_POINTER ? -EAGAIN
							       : -EINVAL);
	}
	ck_assert_int_eq(conc_ref_get(ref, NULL), -EINVAL);
	ck_assert_int_eq(conc_ref_set(ref, NULL), -EINVAL);
	ck_assert_int_eq(conc_ref_exchange(ref, NULL, &old), -EINVAL);
	ck_assert_int_eq(conc_ref_exchange(ref, &one, NULL), -EINVAL);
	ck_assert_int_eq(conc_ref_compare_exchange(ref, NULL, &one, NULL),
			 -EINVAL);
	ck_assert_int_eq(conc_ref_compare_exchange(ref, &one, NULL, NULL),
			 -EINVAL);
	ck_assert_int_eq(conc_ref_traverse(ref, NULL, NULL), -EINVAL);
	ck_assert_int_eq(conc_ref_get(NULL, &old), -EINVAL);
	ck_assert_int_eq(conc_ref_set(NULL, &one), -EINVAL);
	ck_assert_int_eq(conc_ref_exchange(NULL, &one, &old), -EINVAL);
	ck_assert_int_eq(conc_ref_compare_exchange(NULL, &one, &one, NULL),
			 -EINVAL);
	conc_ref_clear(NULL);
	conc_ref_free(NULL);
	expect_object(ref, &a);
	ck_assert_int_eq(a.references, 1);
	conc_ref_free(ref);
}
END_TEST

START_TEST(a_reference_of_numbers_takes_no_pointer)
{
	conc_ref *ref = new_ref(CONC_VALUE_INT64);
	struct object a = {0};
	struct conc_value value = pointer(&a);

	ck_assert_int_eq(conc_ref_set(ref, &value), -EINVAL);
	expect(ref, nothing);
	conc_ref_free(ref);
}
END_TEST

START_TEST(a_call_without_memory_changes_nothing)
{
	conc_ref *ref = new_ref(CONC_VALUE_RETAINED);
	struct object a = {0}, b = {.references = 1};
	struct conc_value held = pointer(&a), next = pointer(&b), old = number(5);

	set_object(ref, &a);
	conc_alloc_fail_after = 0;
	ck_assert_int_eq(conc_ref_set(ref, &next), -ENOMEM);
	ck_assert_int_eq(conc_ref_exchange(ref, &next, &old), -ENOMEM);
	ck_assert_int_eq(conc_ref_compare_exchange(ref, &held, &next, NULL),
			 -ENOMEM);
	expect_object(ref, &a);
	expect_value(&old, number(5));
	conc_alloc_fail_after = -1;
	ck_assert_int_eq(a.references, 1);
	ck_assert_int_eq(b.references, 1);
	conc_ref_free(ref);
}
END_TEST

START_TEST(only_storing_a_retained_pointer_needs_memory)
{
	for (size_t i = 0; i < COUNT_OF(counted); i++) {
		conc_ref *ref = new_ref(counted[i]);
		struct object a = {0};
		struct conc_value old;

		for (int round = 0; round < 4; round++) {
			set_object(ref, &a);
			conc_alloc_fail_after = 0;
			expect_object(ref, &a);
			switch (round) {
			case 0:
				set(ref, number(1));
				break;
			case 1:
				expect_step(ref, pointer(&a), nothing, 0);
				break;
			case 2:
				ck_assert_int_eq(conc_ref_exchange(
							 ref, &nothing, &old),
						 0);
				release(old.u.pointer, NULL);
				break;
			default:
				conc_ref_clear(ref);
			}
			conc_alloc_fail_after = -1;
		}
		set_object(ref, &a);
		conc_alloc_fail_after = 0;
		if (counted[i] == CONC_VALUE_TYPE_STABLE)
			set_object(ref, &a);
		conc_ref_free(ref);
		conc_alloc_fail_after = -1;
		ck_assert_int_eq(a.references, 0);
	}
}
END_TEST

/* ---- references --------------------------------------------------------- */

START_TEST(references_balance_to_zero)
{
	for (size_t i = 0; i < COUNT_OF(counted); i++) {
		conc_ref *ref = new_ref(counted[i]);
		struct object objects[3] = {0};
		struct conc_value value, next = pointer(&objects[2]);

		set_object(ref, &objects[0]);
		set_object(ref, &objects[1]);
		ck_assert_int_eq(conc_ref_get(ref, &value), 0);
		ck_assert_int_eq(objects[1].references, 2);
		release(value.u.pointer, NULL);
		objects[2].references = 1;
		ck_assert_int_eq(conc_ref_exchange(ref, &next, &value), 0);
		ck_assert_ptr_eq(value.u.pointer, &objects[1]);
		conc_ref_free(ref);
		ck_assert_int_eq(objects[0].references, 0);
		ck_assert_int_eq(objects[1].references, 1); /* ours */
		ck_assert_int_eq(objects[2].references, 0);
	}
}
END_TEST

START_TEST(a_type_stable_object_is_released_before_the_call_returns)
{
	conc_ref *ref = new_ref(CONC_VALUE_TYPE_STABLE);
	struct object a = {0};

	for (int round = 0; round < 3; round++) {
		set_object(ref, &a);
		ck_assert_int_eq(a.references, 1);
		if (round == 0)
			set(ref, nothing);
		else if (round == 1)
			expect_step(ref, pointer(&a), number(1), 0);
		else
			conc_ref_clear(ref);
		ck_assert_int_eq(a.references, 0);
	}
	conc_ref_free(ref);
}
END_TEST

/* In a section of its own, in which nothing is given back. */
static void replace_inside(conc_ref *ref, struct object *first,
			   struct object *second)
{
	conc_reader *reader = conc_rcu_enter();

	set_object(ref, first);
	set_object(ref, second);
	conc_rcu_leave(reader);
	ck_assert_int_ge(first->references, 1);
}

START_TEST(reads_release_a_retained_object_now_and_then)
{
	conc_ref *ref = new_ref(CONC_VALUE_RETAINED);
	struct object objects[2] = {0};
	int reads = 0;

	replace_inside(ref, &objects[0], &objects[1]);
	ck_assert_int_eq(conc_reclaim(NULL), 0);
	for (; objects[0].references != 0; reads++)
		expect_object(ref, &objects[1]);
	ck_assert_int_le(reads, CONC_OPERATIONS_PER_LOOK + 1);
	conc_ref_free(ref);
}
END_TEST

START_TEST(a_retained_object_is_released_by_the_operation_after_a_grace_period)
{
	conc_ref *ref = new_ref(CONC_VALUE_RETAINED);
	struct object objects[3] = {0};

	replace_inside(ref, &objects[0], &objects[1]);
	ck_assert_int_eq(conc_reclaim(NULL), 0);
	ck_assert_int_eq(objects[0].references, 1);
	set_object(ref, &objects[1]);
	ck_assert_int_eq(objects[0].references, 0);
	replace_inside(ref, &objects[1], &objects[2]);
	ck_assert_int_eq(conc_reclaim(NULL), 0);
	set(ref, nothing); /* so does one that stores nothing */
	ck_assert_int_eq(objects[1].references, 0);
	conc_ref_free(ref);
	ck_assert_int_eq(objects[2].references, 0);
}
END_TEST

START_TEST(some_dozens_of_retained_objects_wait_at_most)
{
	conc_ref *ref = new_ref(CONC_VALUE_RETAINED);
	static struct object objects[1000];

	for (size_t i = 0; i < COUNT_OF(objects); i++) {
		set_object(ref, &objects[i]);
		if (i >= 65)
			ck_assert_int_eq(objects[i - 65].references, 0);
	}
	conc_ref_free(ref);
	for (size_t i = 0; i < COUNT_OF(objects); i++)
		ck_assert_int_eq(objects[i].references, 0);
}
END_TEST

START_TEST(inside_a_read_section_what_is_replaced_is_kept_for_later)
{
	conc_ref *ref = new_ref(CONC_VALUE_RETAINED);
	static struct object objects[300];
	conc_reader *reader = conc_rcu_enter();

	for (size_t i = 0; i < COUNT_OF(objects); i++)
		set_object(ref, &objects[i]);
	conc_ref_clear(ref);
	for (size_t i = 0; i < COUNT_OF(objects); i++)
		ck_assert_int_eq(objects[i].references, 1);
	conc_rcu_leave(reader);
	conc_ref_clear(ref);
	for (size_t i = 0; i < COUNT_OF(objects); i++)
		ck_assert_int_eq(objects[i].references, 0);
	conc_ref_free(ref);
}
END_TEST

START_TEST(inside_a_read_section_what_waited_before_is_kept_too)
{
	conc_ref *ref = new_ref(CONC_VALUE_RETAINED);
	struct object objects[2] = {0};
	conc_reader *reader;

	replace_inside(ref, &objects[0], &objects[1]);
	ck_assert_int_eq(conc_reclaim(NULL), 0);
	reader = conc_rcu_enter();
	set(ref, nothing);
	ck_assert_int_eq(objects[0].references, 1);
	conc_rcu_leave(reader);
	set(ref, nothing);
	ck_assert_int_eq(objects[0].references, 0);
	conc_ref_free(ref);
}
END_TEST

static int count_references(const struct object *objects, size_t count)
{
	int references = 0;

	for (size_t i = 0; i < count; i++)
		references += objects[i].references;
	return references;
}

START_TEST(one_operation_releases_128_objects_at_most)
{
	conc_ref *ref = new_ref(CONC_VALUE_RETAINED);
	static struct object objects[1000];
	conc_reader *reader = conc_rcu_enter();
	int before = (int)COUNT_OF(objects);

	for (size_t i = 0; i < COUNT_OF(objects); i++)
		set_object(ref, &objects[i]);
	conc_rcu_leave(reader);
	ck_assert_int_eq(conc_reclaim(NULL), 0);
	for (int i = 0; i < 10; i++) {
		int now;

		set(ref, number(i));
		now = count_references(objects, COUNT_OF(objects));
		ck_assert_int_le(before - now, 128);
		before = now;
	}
	ck_assert_int_le(before, 1); /* the last one was replaced just now */
	conc_ref_free(ref);
}
END_TEST

static struct {
	conc_ref *ref;
	int depth, deepest;
} in_use;

static void release_and_read(void *value, void *unused)
{
	struct conc_value held;

	(void)unused;
	release(value, NULL);
	if (++in_use.depth > in_use.deepest)
		in_use.deepest = in_use.depth;
	for (int i = 0; i < 2 * CONC_OPERATIONS_PER_LOOK; i++)
		ck_assert_int_eq(conc_ref_get(in_use.ref, &held), 0);
	set(in_use.ref, number(1));
	in_use.depth--;
}

START_TEST(callbacks_that_use_the_same_reference_do_not_run_within_each_other)
{
	const struct conc_value_ops value_ops = {
		.size = sizeof(value_ops),
		.retain = retain,
		.release = release_and_read,
	};
	struct conc_ref_attr attr = {.size = sizeof(attr),
				     .values = CONC_VALUE_RETAINED,
				     .value_ops = &value_ops};
	static struct object objects[300];
	conc_reader *reader;

	ck_assert_int_eq(conc_ref_new(&attr, &in_use.ref), 0);
	reader = conc_rcu_enter();
	for (size_t i = 0; i < COUNT_OF(objects); i++)
		set_object(in_use.ref, &objects[i]);
	set(in_use.ref, number(0));
	conc_rcu_leave(reader);
	ck_assert_int_eq(conc_reclaim(NULL), 0);
	conc_ref_clear(in_use.ref);
	ck_assert_int_eq(count_references(objects, COUNT_OF(objects)), 0);
	ck_assert_int_eq(in_use.deepest, 1);
	conc_ref_free(in_use.ref);
}
END_TEST

START_TEST(free_releases_at_once)
{
	conc_ref *ref = new_ref(CONC_VALUE_RETAINED);
	struct object objects[3] = {0};

	for (int i = 0; i < 3; i++)
		set_object(ref, &objects[i]);
	conc_ref_free(ref);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(objects[i].references, 0);
}
END_TEST

static int begins, ends;

static void *count_begin(void *user)
{
	begins++;
	return user;
}

static void count_end(void *token, void *user)
{
	ck_assert_ptr_eq(token, user);
	ends++;
}

static _Atomic int stage;

static void *read_on(void *unused)
{
	conc_reader *reader = conc_rcu_enter();

	atomic_store(&stage, 1);
	while (atomic_load(&stage) != 2)
		usleep(1000);
	conc_rcu_leave(reader);
	return unused;
}

/* How often a thread naps that replaces objects while another one reads. */
static int naps_of(const struct conc_ref_attr *attr, size_t limit)
{
	static struct object objects[100];
	conc_ref *ref = NULL;
	pthread_t reader;

	begins = ends = 0;
	atomic_store(&stage, 0);
	ck_assert_int_eq(pthread_create(&reader, NULL, read_on, NULL), 0);
	while (atomic_load(&stage) != 1)
		usleep(1000);
	conc_reclaim_set_limit(limit);
	ck_assert_int_eq(conc_ref_new(attr, &ref), 0);
	for (size_t i = 0; i < COUNT_OF(objects); i++)
		set_object(ref, &objects[i]);
	ck_assert_int_eq(begins, ends);
	atomic_store(&stage, 2);
	pthread_join(reader, NULL);
	conc_ref_free(ref);
	return begins;
}

START_TEST(a_write_naps_between_the_hooks_when_more_waits_than_the_limit)
{
	const struct conc_value_ops value_ops = {
		.size = sizeof(value_ops),
		.retain = retain,
		.release = release,
	};
	const struct conc_wait_hooks hooks = {
		.size = sizeof(hooks),
		.user = &begins,
		.wait_begin = count_begin,
		.wait_end = count_end,
	};
	struct conc_ref_attr attr = {.size = sizeof(attr),
				     .values = CONC_VALUE_RETAINED,
				     .value_ops = &value_ops,
				     .wait = &hooks};

	ck_assert_int_ge(naps_of(&attr, 0), 1);
	ck_assert_int_eq(naps_of(&attr, SIZE_MAX), 0);
	ck_assert_uint_eq(conc_reclaim_set_limit(0), SIZE_MAX);
}
END_TEST

/* ---- type-stable: what may happen between the two looks ------------------- */

/* Stands in for another thread: replaces what the reader is about to retain. */
struct meddler {
	conc_ref *ref;
	struct object *next; /* NULL: nothing left to do */
	bool refuse;
};

static bool meddle(void *value, void *user)
{
	struct meddler *meddler = user;
	struct object *next = meddler->next;
	bool refuse = meddler->refuse && next != NULL;

	if (next != NULL) {
		meddler->next = NULL;
		set_object(meddler->ref, next);
	}
	if (!refuse)
		retain(value, NULL);
	return !refuse;
}

static void meet_meddler(struct meddler *meddler)
{
	const struct conc_value_ops value_ops = {
		.size = sizeof(value_ops),
		.user = meddler,
		.try_retain = meddle,
		.release = release,
	};
	struct conc_ref_attr attr = {.size = sizeof(attr),
				     .values = CONC_VALUE_TYPE_STABLE,
				     .value_ops = &value_ops};

	ck_assert_int_eq(conc_ref_new(&attr, &meddler->ref), 0);
}

START_TEST(an_object_that_was_replaced_meanwhile_is_not_returned)
{
	struct meddler meddler = {0};

	meet_meddler(&meddler);
	for (int refuse = 0; refuse < 2; refuse++) {
		struct object first = {0}, second = {0};

		set_object(meddler.ref, &first);
		meddler.next = &second;
		meddler.refuse = refuse;
		expect_object(meddler.ref, &second);
		ck_assert_int_eq(first.references, 0);
		ck_assert_int_eq(second.references, 1);
		conc_ref_clear(meddler.ref);
	}
	conc_ref_free(meddler.ref);
}
END_TEST

START_TEST(an_object_that_was_replaced_meanwhile_is_not_shown)
{
	struct meddler meddler = {0};

	meet_meddler(&meddler);
	for (int refuse = 0; refuse < 2; refuse++) {
		struct object first = {0}, second = {0}, third = {0};

		set_object(meddler.ref, &first);
		meddler.next = &second;
		meddler.refuse = refuse;
		expect_shown(meddler.ref, nothing, number(1), pointer(&second));
		release(&second, NULL);
		ck_assert_int_eq(first.references, 0);
		ck_assert_int_eq(second.references, 1);
		/* It may have become the one that is expected. */
		meddler.next = &third;
		expect_exchanged(meddler.ref, pointer(&third), number(1));
		ck_assert_int_eq(second.references, 0);
		ck_assert_int_eq(third.references, 0);
	}
	conc_ref_free(meddler.ref);
}
END_TEST

/* ---- callbacks that use the same reference -------------------------------- */

struct user {
	conc_ref *ref;
	struct object spare[2];
	int depth;
};

/* Does everything that can be done with a reference, twice deep. */
static void release_and_use(void *value, void *arg)
{
	struct user *user = arg;
	struct conc_value next, old, one = number(1);

	release(value, NULL);
	if (user->depth == 2)
		return;
	next = pointer(&user->spare[user->depth++]);
	retain(next.u.pointer, NULL);
	ck_assert_int_eq(conc_ref_exchange(user->ref, &next, &old), 0);
	if (old.kind == CONC_POINTER)
		release_and_use(old.u.pointer, user);
	ck_assert_int_eq(conc_ref_get(user->ref, &old), 0);
	if (old.kind == CONC_POINTER)
		release(old.u.pointer, NULL);
	conc_ref_compare_exchange(user->ref, &next, &one, NULL);
	conc_ref_clear(user->ref);
}

START_TEST(release_may_use_the_same_reference)
{
	for (size_t i = 0; i < COUNT_OF(counted); i++) {
		struct user user = {0};
		const struct conc_value_ops value_ops = {
			.size = sizeof(value_ops),
			.user = &user,
			.retain = retain,
			.try_retain = try_retain,
			.release = release_and_use,
		};
		struct conc_ref_attr attr = {.size = sizeof(attr),
					     .values = counted[i],
					     .value_ops = &value_ops};
		static struct object objects[100];

		ck_assert_int_eq(conc_ref_new(&attr, &user.ref), 0);
		for (size_t n = 0; n < COUNT_OF(objects); n++)
			set_object(user.ref, &objects[n]);
		conc_ref_clear(user.ref);
		ck_assert_int_eq(user.depth, 2);
		expect(user.ref, nothing);
		for (size_t n = 0; n < COUNT_OF(objects); n++)
			ck_assert_int_eq(objects[n].references, 0);
		conc_ref_free(user.ref);
		for (size_t n = 0; n < COUNT_OF(user.spare); n++)
			ck_assert_int_eq(user.spare[n].references, 0);
	}
}
END_TEST

/* ---- traversal ---------------------------------------------------------- */

static int count_visit(void *object, void *arg)
{
	(void)arg;
	((struct object *)object)->visits++;
	return 0;
}

static int stop_visit(void *object, void *arg)
{
	(void)object;
	return ++*(int *)arg == 3 ? 17 : 0;
}

START_TEST(traverse_visits_each_owned_reference_once)
{
	conc_ref *ref = new_ref(CONC_VALUE_RETAINED);
	struct object objects[10] = {0};
	int stops = 0;

	for (size_t i = 0; i < COUNT_OF(objects); i++)
		set_object(ref, &objects[i]); /* all but the last wait */
	ck_assert_int_eq(conc_ref_traverse(ref, count_visit, NULL), 0);
	for (size_t i = 0; i < COUNT_OF(objects); i++)
		ck_assert_int_eq(objects[i].visits, 1);
	ck_assert_int_eq(conc_ref_traverse(ref, stop_visit, &stops), 17);
	ck_assert_int_eq(stops, 3);
	conc_ref_clear(ref);
	ck_assert_int_eq(conc_ref_traverse(ref, stop_visit, &stops), 0);
	ck_assert_int_eq(conc_ref_traverse(NULL, stop_visit, &stops), -EINVAL);
	conc_ref_free(ref);
}
END_TEST

START_TEST(traverse_visits_only_pointers_that_are_owned)
{
	struct object owned = {0}, borrowed = {0};

	for (size_t i = 0; i < COUNT_OF(all); i++) {
		conc_ref *ref = new_ref(all[i]);

		if (all[i] == CONC_VALUE_BORROWED)
			set(ref, pointer(&borrowed));
		else if (all[i] == CONC_VALUE_TYPE_STABLE)
			set_object(ref, &owned);
		else
			set(ref, number(1));
		ck_assert_int_eq(conc_ref_traverse(ref, count_visit, NULL), 0);
		conc_ref_free(ref);
	}
	ck_assert_int_eq(owned.visits, 1);
	ck_assert_int_eq(borrowed.visits, 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_new_reference_holds_nothing,
		numbers_of_61_bits_come_back_and_others_are_EOVERFLOW,
		exchange_gives_what_was_there,
		compare_exchange_changes_only_what_was_expected,
		compare_exchange_of_objects_goes_by_identity,
		an_object_may_replace_itself,
		a_reference_of_objects_holds_numbers_too,
		a_borrowed_pointer_is_given_as_it_was_and_never_released,
		compare_exchange_shows_what_is_there_as_a_reference_of_the_callers,
		what_is_there_may_come_out_where_the_expected_value_was,
		numbers_beside_objects_are_shown_too,
		the_length_of_a_number_or_a_pointer_is_neither_read_nor_written,
		a_reference_that_cannot_be_is_refused,
		bad_arguments_are_refused_and_change_nothing,
		a_reference_of_numbers_takes_no_pointer,
		a_call_without_memory_changes_nothing,
		only_storing_a_retained_pointer_needs_memory,
		references_balance_to_zero,
		a_type_stable_object_is_released_before_the_call_returns,
		reads_release_a_retained_object_now_and_then,
		a_retained_object_is_released_by_the_operation_after_a_grace_period,
		some_dozens_of_retained_objects_wait_at_most,
		inside_a_read_section_what_is_replaced_is_kept_for_later,
		inside_a_read_section_what_waited_before_is_kept_too,
		one_operation_releases_128_objects_at_most,
		callbacks_that_use_the_same_reference_do_not_run_within_each_other,
		free_releases_at_once,
		a_write_naps_between_the_hooks_when_more_waits_than_the_limit,
		an_object_that_was_replaced_meanwhile_is_not_returned,
		an_object_that_was_replaced_meanwhile_is_not_shown,
		release_may_use_the_same_reference,
		traverse_visits_each_owned_reference_once,
		traverse_visits_only_pointers_that_are_owned,
	};

	return run_tests("ref", tests, COUNT_OF(tests), 30);
}
