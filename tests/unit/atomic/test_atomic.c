/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <concurrency.h>
#include <sched.h>

#include "suite.h"

START_TEST(each_operation_returns_the_new_value)
{
	conc_int64 a = CONC_INT64_INIT(5);

	ck_assert_int_eq(conc_int64_get(&a), 5);
	ck_assert_int_eq(conc_int64_add(&a, 3), 8);
	ck_assert_int_eq(conc_int64_sub(&a, 10), -2);
	ck_assert_int_eq(conc_int64_incr(&a), -1);
	ck_assert_int_eq(conc_int64_decr(&a), -2);
	ck_assert_int_eq(conc_int64_multiply(&a, -7), 14);
	ck_assert_int_eq(conc_int64_or(&a, 1), 15);
	ck_assert_int_eq(conc_int64_and(&a, 6), 6);
	ck_assert_int_eq(conc_int64_xor(&a, 3), 5);
	conc_int64_set(&a, 9);
	ck_assert_int_eq(conc_int64_get(&a), 9);
}
END_TEST

/* Else a load on i386 may be torn: two halves of two cache lines. */
START_TEST(a_number_is_aligned_wherever_it_lies)
{
	struct {
		char first;
		conc_int64 number;
	} s;

	(void)s;
	ck_assert_uint_eq(offsetof(__typeof__(s), number), 8);
	ck_assert_uint_eq(sizeof(conc_int64), 8);
}
END_TEST

START_TEST(exchange_returns_the_old_value)
{
	conc_int64 a = CONC_INT64_INIT(1);
	int64_t expected = 3;

	ck_assert_int_eq(conc_int64_exchange(&a, 2), 1);
	ck_assert(!conc_int64_compare_exchange(&a, &expected, 4));
	ck_assert_int_eq(expected, 2);
	ck_assert(conc_int64_compare_exchange(&a, &expected, 4));
	ck_assert_int_eq(conc_int64_get(&a), 4);
}
END_TEST

START_TEST(arithmetic_wraps_at_64_bits)
{
	conc_int64 a = CONC_INT64_INIT(INT64_MAX);

	ck_assert_int_eq(conc_int64_incr(&a), INT64_MIN);
	ck_assert_int_eq(conc_int64_sub(&a, 1), INT64_MAX);
	ck_assert_int_eq(conc_int64_multiply(&a, 2), -2);
	conc_int64_set(&a, INT64_MIN);
	ck_assert_int_eq(conc_int64_multiply(&a, -1), INT64_MIN);
}
END_TEST

START_TEST(division_rounds_towards_minus_infinity)
{
	static const int64_t cases[][3] = {
		{7, 2, 3},    {-7, 2, -4}, {7, -2, -4},	  {-7, -2, 3},
		{6, 3, 2},    {-6, 3, -2}, {0, -5, 0},	  {INT64_MIN, 1, INT64_MIN},
		{1, INT64_MAX, 0}, {-1, INT64_MAX, -1}, {INT64_MIN, -1, INT64_MIN},
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		conc_int64 a = CONC_INT64_INIT(cases[i][0]);
		int64_t quotient;

		ck_assert_int_eq(conc_int64_floor_divide(&a, cases[i][1],
							 &quotient), 0);
		ck_assert_int_eq(quotient, cases[i][2]);
		ck_assert_int_eq(conc_int64_get(&a), cases[i][2]);
	}
}
END_TEST

START_TEST(division_by_zero_changes_nothing)
{
	conc_int64 a = CONC_INT64_INIT(7);
	int64_t quotient = 1;

	ck_assert_int_eq(conc_int64_floor_divide(&a, 0, &quotient), -EDOM);
	ck_assert_int_eq(conc_int64_floor_divide(&a, 0, NULL), -EDOM);
	ck_assert_int_eq(conc_int64_get(&a), 7);
	ck_assert_int_eq(quotient, 1);
}
END_TEST

#define THREADS 8
#define ROUNDS 20000

static conc_int64 shared = CONC_INT64_INIT(0);

/* Each step is undone by another thread's, so only lost steps leave a rest. */
static void *step(void *arg)
{
	int64_t sign = *(int *)arg % 2 ? 1 : -1;

	for (int i = 0; i < ROUNDS; i++) {
		int64_t old = conc_int64_get(&shared);

		conc_int64_add(&shared, sign * 3);
		conc_int64_sub(&shared, sign * 2);
		do {
		} while (!conc_int64_compare_exchange(&shared, &old, old - sign));
	}
	return NULL;
}

START_TEST(no_step_of_any_thread_is_lost)
{
	pthread_t threads[THREADS];
	int who[THREADS];

	for (int i = 0; i < THREADS; i++) {
		who[i] = i;
		ck_assert_int_eq(pthread_create(&threads[i], NULL, step, &who[i]),
				 0);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_int_eq(conc_int64_get(&shared), 0);
}
END_TEST

/* ---- flags -------------------------------------------------------------- */

START_TEST(a_flag_is_what_it_was_set_to)
{
	conc_flag flag = CONC_FLAG_INIT(true), zeroed = {0};

	ck_assert(conc_flag_get(&flag));
	ck_assert(!conc_flag_get(&zeroed));
	conc_flag_set(&flag, false);
	ck_assert(!conc_flag_get(&flag));
	ck_assert(!conc_flag_exchange(&flag, true));
	ck_assert(conc_flag_exchange(&flag, true));
	ck_assert(conc_flag_get(&flag));
}
END_TEST

START_TEST(a_flag_changes_only_from_what_was_expected)
{
	conc_flag flag = CONC_FLAG_INIT(false);
	bool expected = true;

	ck_assert(!conc_flag_compare_exchange(&flag, &expected, true));
	ck_assert(!expected);
	ck_assert(!conc_flag_get(&flag));
	ck_assert(conc_flag_compare_exchange(&flag, &expected, true));
	ck_assert(conc_flag_get(&flag));
}
END_TEST

/* A lock made of a flag and a number that it guards. */
static conc_flag taken = CONC_FLAG_INIT(false);
static int64_t guarded;

static void *take_turns(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		bool expected = false;

		while (i % 2 ? conc_flag_exchange(&taken, true)
			     : !conc_flag_compare_exchange(&taken, &expected,
							   true)) {
			expected = false;
			sched_yield();
		}
		guarded++;
		conc_flag_set(&taken, false);
	}
	return arg;
}

START_TEST(one_thread_at_a_time_gets_a_flag)
{
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, take_turns,
						NULL), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_int_eq(guarded, THREADS * ROUNDS);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		each_operation_returns_the_new_value,
		a_number_is_aligned_wherever_it_lies,
		exchange_returns_the_old_value,
		arithmetic_wraps_at_64_bits,
		division_rounds_towards_minus_infinity,
		division_by_zero_changes_nothing,
		no_step_of_any_thread_is_lost,
		a_flag_is_what_it_was_set_to,
		a_flag_changes_only_from_what_was_expected,
		one_thread_at_a_time_gets_a_flag,
	};

	return run_tests("atomic", tests, COUNT_OF(tests), 60);
}
