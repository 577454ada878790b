/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conc_gather from one thread, and with one that sleeps: each test is named
 * after the promise it holds.
 */
#include <config.h>

#include <concurrency.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#include "base/memory.h"
#include "base/rcu.h"
#include "suite.h"
#include "values.h"

#define MS INT64_C(1000000)

static conc_gather *new_gather(void)
{
	conc_gather *gather = NULL;

	ck_assert_int_eq(conc_gather_new(NULL, &gather), 0);
	return gather;
}

static void insert(conc_gather *gather, int64_t key, int64_t n)
{
	struct conc_value value = number(n);

	ck_assert_int_eq(conc_gather_insert(gather, key, &value), 0);
}

static void expect(conc_gather *gather, int64_t key, bool clear, int64_t n)
{
	struct conc_value value;

	ck_assert_int_eq(conc_gather_try_take(gather, key, clear, &value), 0);
	ck_assert_int_eq(value.kind, CONC_NUMBER);
	ck_assert_int_eq(value.u.number, n);
}

static void expect_none(conc_gather *gather, int64_t key, int answer)
{
	struct conc_value value;

	ck_assert_int_eq(conc_gather_try_take(gather, key, true, &value),
			 answer);
}

/* ---- numbers ------------------------------------------------------------ */

START_TEST(values_come_out_under_their_keys_in_whatever_order_they_came)
{
	conc_gather *gather = new_gather();

	for (int64_t i = 0; i < 1000; i++)
		insert(gather, i * 7 % 1000, i * 7 % 1000 + 5);
	ck_assert_uint_eq(conc_gather_size(gather), 1000);
	for (int64_t key = 0; key < 1000; key++)
		expect(gather, key, true, key + 5);
	ck_assert_uint_eq(conc_gather_size(gather), 0);
	conc_gather_free(gather);
}
END_TEST

START_TEST(a_take_with_clear_is_the_last_one)
{
	conc_gather *gather = new_gather();

	insert(gather, 3, 30);
	expect(gather, 3, false, 30);
	expect(gather, 3, false, 30);
	expect(gather, 3, true, 30);
	expect_none(gather, 3, -EAGAIN);
	conc_gather_free(gather);
}
END_TEST

START_TEST(the_later_value_of_a_key_counts)
{
	conc_gather *gather = new_gather();

	insert(gather, INT64_MAX, 1);
	insert(gather, INT64_MAX, 2);
	ck_assert_uint_eq(conc_gather_size(gather), 1);
	expect(gather, INT64_MAX, true, 2);
	conc_gather_free(gather);
}
END_TEST

START_TEST(a_key_that_is_not_there_is_EAGAIN)
{
	conc_gather *gather = new_gather();
	struct conc_value value;

	insert(gather, 0, 1);
	expect_none(gather, 1, -EAGAIN);
	ck_assert_int_eq(conc_gather_take(gather, 1, true, &value, CONC_TRY,
					  NULL),
			 -EAGAIN);
	ck_assert_int_eq(conc_gather_wait(gather, 1, CONC_TRY, NULL), -EAGAIN);
	ck_assert_int_eq(conc_gather_wait(gather, 0, CONC_TRY, NULL), 0);
	ck_assert_int_eq(conc_gather_wait(gather, 0, CONC_FOREVER, NULL), 0);
	ck_assert_uint_eq(conc_gather_size(gather), 1);
	conc_gather_free(gather);
}
END_TEST

START_TEST(clear_leaves_nothing_and_the_gathering_goes_on)
{
	conc_gather *gather = new_gather();

	for (int64_t key = 0; key < 100; key++)
		insert(gather, key, key);
	conc_alloc_fail_after = 0;
	conc_gather_clear(gather);
	conc_alloc_fail_after = -1;
	ck_assert_uint_eq(conc_gather_size(gather), 0);
	expect_none(gather, 5, -EAGAIN);
	insert(gather, 5, 6);
	expect(gather, 5, true, 6);
	conc_gather_free(gather);
}
END_TEST

START_TEST(a_failed_gathering_hands_out_what_it_has_and_then_says_so)
{
	conc_gather *gather = new_gather();
	struct conc_value value;

	insert(gather, 0, 1);
	ck_assert(!conc_gather_has_failed(gather));
	conc_gather_fail(gather);
	ck_assert(conc_gather_has_failed(gather));
	expect(gather, 0, true, 1);
	expect_none(gather, 0, -ENOTRECOVERABLE);
	ck_assert_int_eq(conc_gather_take(gather, 1, true, &value, CONC_FOREVER,
					  NULL),
			 -ENOTRECOVERABLE);
	ck_assert_int_eq(conc_gather_wait(gather, 1, CONC_FOREVER, NULL), 0);
	conc_gather_free(gather);
}
END_TEST

/* ---- memory and arguments ----------------------------------------------- */

START_TEST(bad_arguments_are_refused)
{
	struct conc_gather_attr attr = {.size = sizeof(size_t) - 1};
	struct conc_value value = number(1), absent = {.kind = CONC_ABSENT};
	struct conc_value pointer = {.kind = CONC_POINTER, .u.pointer = &value};
	struct conc_value huge = number(INT64_MAX);
	conc_gather *gather = NULL;

	ck_assert_int_eq(conc_gather_new(NULL, NULL), -EINVAL);
	ck_assert_int_eq(conc_gather_new(&attr, &gather), -EINVAL);
	attr.size = sizeof(attr);
	attr.scaling = UINT32_MAX;
	ck_assert_int_eq(conc_gather_new(&attr, &gather), -EOVERFLOW);
	attr.scaling = 0;
	attr.values = CONC_VALUE_RETAINED; /* without its operations */
	ck_assert_int_eq(conc_gather_new(&attr, &gather), -EINVAL);
	/* Names that no structure takes yet, and what is none. */
	for (int values = CONC_VALUE_BYTES; values <= CONC_VALUE_NONE + 1;
	     values++) {
		attr.values = (enum conc_lifetime)values;
		ck_assert_int_eq(conc_gather_new(&attr, &gather), -EINVAL);
	}
	ck_assert_ptr_null(gather);
	gather = new_gather();
	ck_assert_int_eq(conc_gather_insert(NULL, 0, &value), -EINVAL);
	ck_assert_int_eq(conc_gather_insert(gather, -1, &value), -EINVAL);
	ck_assert_int_eq(conc_gather_insert(gather, 0, NULL), -EINVAL);
	ck_assert_int_eq(conc_gather_insert(gather, 0, &absent), -EINVAL);
	ck_assert_int_eq(conc_gather_insert(gather, 0, &pointer), -EINVAL);
	pointer.kind = CONC_BYTES;
	pointer.len = sizeof(value);
	ck_assert_int_eq(conc_gather_insert(gather, 0, &pointer), -EINVAL);
	ck_assert_int_eq(conc_gather_insert(gather, 0, &huge), -EOVERFLOW);
	ck_assert_uint_eq(conc_gather_size(gather), 0);
	ck_assert_int_eq(conc_gather_take(NULL, 0, true, &value, CONC_TRY,
					  NULL),
			 -EINVAL);
	ck_assert_int_eq(conc_gather_take(gather, -1, true, &value, CONC_TRY,
					  NULL),
			 -EINVAL);
	ck_assert_int_eq(conc_gather_take(gather, 0, true, &value, -2, NULL),
			 -EINVAL);
	ck_assert_int_eq(conc_gather_take(gather, 0, true, NULL, CONC_TRY,
					  NULL),
			 -EINVAL);
	ck_assert_int_eq(conc_gather_try_take(NULL, 0, true, &value), -EINVAL);
	ck_assert_int_eq(conc_gather_wait(NULL, 0, CONC_TRY, NULL), -EINVAL);
	ck_assert_int_eq(conc_gather_wait(gather, -1, CONC_TRY, NULL), -EINVAL);
	ck_assert_int_eq(conc_gather_wait(gather, 0, INT64_MIN, NULL), -EINVAL);
	ck_assert_int_eq(conc_gather_traverse(NULL, NULL, NULL), -EINVAL);
	conc_gather_free(gather);
	conc_gather_free(NULL);
}
END_TEST

START_TEST(a_failed_insert_changes_nothing)
{
	conc_gather *gather = new_gather();
	struct conc_value value = number(1);
	int64_t count = 0;

	conc_alloc_fail_after = 0;
	for (int64_t key = 0; key < 100000; key++) {
		int rc = conc_gather_insert(gather, key, &value);

		ck_assert(rc == 0 || rc == -ENOMEM);
		count += rc == 0;
		ck_assert_int_eq(conc_gather_wait(gather, key, CONC_TRY, NULL),
				 rc == 0 ? 0 : -EAGAIN);
		if (rc != 0)
			break;
	}
	conc_alloc_fail_after = -1;
	ck_assert_uint_eq(conc_gather_size(gather), (uint64_t)count);
	insert(gather, count, 8);
	expect(gather, count, true, 8);
	conc_gather_free(gather);
}
END_TEST

START_TEST(a_gathering_without_memory_is_ENOMEM)
{
	conc_gather *gather = NULL;

	for (long n = 0; n < 2; n++) {
		conc_alloc_fail_after = n;
		ck_assert_int_eq(conc_gather_new(NULL, &gather), -ENOMEM);
		ck_assert_ptr_null(gather);
	}
	conc_alloc_fail_after = -1;
}
END_TEST

/* ---- objects ------------------------------------------------------------ */

static conc_gather *object_gather(enum conc_lifetime values)
{
	const struct conc_value_ops value_ops = {
		.size = sizeof(value_ops),
		.retain = retain,
		.try_retain = try_retain,
		.release = release,
	};
	struct conc_gather_attr attr = {.size = sizeof(attr),
					.values = values,
					.value_ops = &value_ops};
	conc_gather *gather = NULL;

	ck_assert_int_eq(conc_gather_new(&attr, &gather), 0);
	return gather;
}

/* With the reference that the gathering takes over. */
static void insert_object(conc_gather *gather, int64_t key,
			  struct object *object)
{
	struct conc_value value = {.kind = CONC_POINTER, .u.pointer = object};

	object->references++;
	ck_assert_int_eq(conc_gather_insert(gather, key, &value), 0);
}

static const enum conc_lifetime counted[] = {CONC_VALUE_RETAINED,
					     CONC_VALUE_TYPE_STABLE};

START_TEST(references_to_values_balance_to_zero)
{
	for (size_t i = 0; i < COUNT_OF(counted); i++) {
		conc_gather *gather = object_gather(counted[i]);
		struct object objects[5] = {0};
		struct conc_value value;

		for (int64_t key = 0; key < 4; key++)
			insert_object(gather, key, &objects[key]);
		insert_object(gather, 3, &objects[4]);
		for (int clear = 0; clear < 2; clear++) {
			ck_assert_int_eq(conc_gather_try_take(gather, 0, clear,
							      &value),
					 0);
			ck_assert_ptr_eq(value.u.pointer, &objects[0]);
			release(value.u.pointer, NULL);
		}
		/* A wait looks at the value, and gives it back. */
		ck_assert_int_eq(conc_gather_wait(gather, 1, CONC_FOREVER,
						  NULL),
				 0);
		ck_assert_int_eq(objects[1].references, 1);
		conc_gather_free(gather);
		conc_reclaim(NULL);
		for (size_t n = 0; n < COUNT_OF(objects); n++)
			ck_assert_int_eq(objects[n].references, 0);
	}
}
END_TEST

static int count_visit(void *object, void *arg)
{
	(void)arg;
	((struct object *)object)->visits++;
	return 0;
}

START_TEST(traverse_visits_each_value_once)
{
	conc_gather *gather = object_gather(CONC_VALUE_TYPE_STABLE);
	struct object objects[100] = {0};

	for (int64_t key = 0; key < 100; key++)
		insert_object(gather, key, &objects[key]);
	ck_assert_int_eq(conc_gather_traverse(gather, count_visit, NULL), 0);
	for (size_t n = 0; n < COUNT_OF(objects); n++)
		ck_assert_int_eq(objects[n].visits, 1);
	conc_gather_free(gather);
}
END_TEST

/* ---- waiting ------------------------------------------------------------ */

START_TEST(a_take_ends_at_its_deadline)
{
	conc_gather *gather = new_gather();
	int64_t begin = conc_now();
	struct conc_value value;

	ck_assert_int_eq(conc_gather_take(gather, 0, true, &value,
					  begin + 30 * MS, NULL),
			 -ETIMEDOUT);
	ck_assert_int_ge(conc_now() - begin, 30 * MS);
	ck_assert_int_eq(conc_gather_wait(gather, 0, begin, NULL), -ETIMEDOUT);
	insert(gather, 0, 4);
	ck_assert_int_eq(conc_gather_take(gather, 0, true, &value, begin, NULL),
			 0);
	ck_assert_int_eq(value.u.number, 4);
	conc_gather_free(gather);
}
END_TEST

struct waiter {
	pthread_t thread;
	conc_gather *gather;
	int64_t key;
	_Atomic int rc; /* 1: not back yet */
	struct conc_value value;
};

static void *wait_in_thread(void *arg)
{
	struct waiter *waiter = arg;

	atomic_store(&waiter->rc,
		     conc_gather_take(waiter->gather, waiter->key, true,
				      &waiter->value, CONC_FOREVER, NULL));
	return NULL;
}

static void nap(int64_t ns)
{
	struct timespec time = {.tv_nsec = ns};

	nanosleep(&time, NULL);
}

/* For keys 0, step, 2 step, ...; gives them the time to fall asleep. */
static void start_waiters(struct waiter *waiters, int count, int64_t step,
			  conc_gather *gather)
{
	for (int i = 0; i < count; i++) {
		waiters[i] = (struct waiter){
			.gather = gather, .key = i * step, .rc = 1};
		ck_assert_int_eq(pthread_create(&waiters[i].thread, NULL,
						wait_in_thread, &waiters[i]),
				 0);
	}
	nap(30 * MS);
	for (int i = 0; i < count; i++)
		ck_assert_int_eq(waiters[i].rc, 1);
}

static void expect_answers(struct waiter *waiters, int count, int rc)
{
	for (int i = 0; i < count; i++) {
		pthread_join(waiters[i].thread, NULL);
		ck_assert_int_eq(waiters[i].rc, rc);
	}
}

START_TEST(an_insert_wakes_who_waits_for_its_key_and_nobody_else_returns)
{
	/* Keys of one eventcount, and of several. */
	static const int64_t steps[] = {16, 1};

	for (size_t i = 0; i < COUNT_OF(steps); i++) {
		conc_gather *gather = new_gather();
		struct waiter waiters[4];

		start_waiters(waiters, 4, steps[i], gather);
		insert(gather, 2 * steps[i], 22);
		pthread_join(waiters[2].thread, NULL);
		ck_assert_int_eq(waiters[2].rc, 0);
		ck_assert_int_eq(waiters[2].value.u.number, 22);
		nap(10 * MS);
		ck_assert_int_eq(waiters[0].rc, 1);
		ck_assert_int_eq(waiters[1].rc, 1);
		ck_assert_int_eq(waiters[3].rc, 1);
		insert(gather, 3 * steps[i], 33);
		insert(gather, 1 * steps[i], 11);
		insert(gather, 0, 0);
		expect_answers(waiters, 2, 0);
		expect_answers(waiters + 3, 1, 0);
		ck_assert_uint_eq(conc_gather_size(gather), 0);
		conc_gather_free(gather);
	}
}
END_TEST

START_TEST(fail_wakes_every_waiter)
{
	conc_gather *gather = new_gather();
	struct waiter waiters[20];

	start_waiters(waiters, 20, 1, gather);
	conc_gather_fail(gather);
	expect_answers(waiters, 20, -ENOTRECOVERABLE);
	conc_gather_free(gather);
}
END_TEST

static int cancel(void *user)
{
	return *(_Atomic int *)user;
}

static void on_signal(int number)
{
	(void)number;
}

START_TEST(a_signal_has_the_runtime_asked_and_its_answer_ends_the_wait)
{
	_Atomic int answer = 0;
	const struct conc_wait_hooks hooks = {
		.size = sizeof(hooks),
		.interrupted = cancel,
		.user = &answer,
	};
	struct conc_gather_attr attr = {.size = sizeof(attr), .wait = &hooks};
	struct sigaction action = {.sa_handler = on_signal};
	conc_gather *gather = NULL;
	struct waiter waiter;

	sigaction(SIGUSR1, &action, NULL);
	ck_assert_int_eq(conc_gather_new(&attr, &gather), 0);
	start_waiters(&waiter, 1, 1, gather);
	answer = -ECANCELED;
	pthread_kill(waiter.thread, SIGUSR1);
	expect_answers(&waiter, 1, -ECANCELED);
	conc_gather_free(gather);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		values_come_out_under_their_keys_in_whatever_order_they_came,
		a_take_with_clear_is_the_last_one,
		the_later_value_of_a_key_counts,
		a_key_that_is_not_there_is_EAGAIN,
		clear_leaves_nothing_and_the_gathering_goes_on,
		a_failed_gathering_hands_out_what_it_has_and_then_says_so,
		bad_arguments_are_refused,
		a_failed_insert_changes_nothing,
		a_gathering_without_memory_is_ENOMEM,
		references_to_values_balance_to_zero,
		traverse_visits_each_value_once,
		a_take_ends_at_its_deadline,
		an_insert_wakes_who_waits_for_its_key_and_nobody_else_returns,
		fail_wakes_every_waiter,
		a_signal_has_the_runtime_asked_and_its_answer_ends_the_wait,
	};

	return run_tests("gather", tests, COUNT_OF(tests), 60);
}
