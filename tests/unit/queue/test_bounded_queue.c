/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conc_bounded_queue from one thread, and with some that sleep: each test is
 * named after the promise it holds.
 */
#include <config.h>

#include <concurrency.h>
#include <stdatomic.h>
#include <time.h>

#include "base/memory.h"
#include "suite.h"

#define MS INT64_C(1000000)
#define MANY 5000

/* Items are numbers from 1 on. */
static void *item(uintptr_t n)
{
	return (void *)n;
}

static conc_bounded_queue *new_queue(int64_t capacity)
{
	struct conc_bounded_queue_attr attr = {.size = sizeof(attr),
					       .capacity = capacity};
	conc_bounded_queue *queue = NULL;

	ck_assert_int_eq(conc_bounded_queue_new(&attr, &queue), 0);
	return queue;
}

static void push_all(conc_bounded_queue *queue, uintptr_t from, uintptr_t to)
{
	for (uintptr_t n = from; n <= to; n++)
		ck_assert_int_eq(conc_bounded_queue_try_push(queue, item(n)), 0);
}

static void expect_all(conc_bounded_queue *queue, uintptr_t from, uintptr_t to)
{
	for (uintptr_t n = from; n <= to; n++) {
		void *out = NULL;

		ck_assert_int_eq(conc_bounded_queue_try_pop(queue, &out), 0);
		ck_assert_ptr_eq(out, item(n));
	}
}

static void expect_none(conc_bounded_queue *queue, int answer)
{
	void *out = &out;

	ck_assert_int_eq(conc_bounded_queue_try_pop(queue, &out), answer);
	ck_assert_int_eq(conc_bounded_queue_pop(queue, &out, CONC_TRY, NULL),
			 answer);
	ck_assert_ptr_eq(out, &out);
}

static void expect_refusal(conc_bounded_queue *queue, int answer)
{
	size_t size = conc_bounded_queue_size(queue);
	uint64_t unfinished = conc_bounded_queue_unfinished(queue);

	ck_assert_int_eq(conc_bounded_queue_try_push(queue, item(9)), answer);
	ck_assert_int_eq(conc_bounded_queue_push(queue, item(9), CONC_TRY,
						 NULL),
			 answer);
	ck_assert_uint_eq(conc_bounded_queue_size(queue), size);
	ck_assert_uint_eq(conc_bounded_queue_unfinished(queue), unfinished);
}

/* ---- one thread --------------------------------------------------------- */

START_TEST(items_come_out_in_the_order_they_went_in)
{
	conc_bounded_queue *queue = new_queue(0);

	push_all(queue, 1, MANY);
	ck_assert_uint_eq(conc_bounded_queue_size(queue), MANY);
	expect_all(queue, 1, MANY);
	expect_none(queue, -EAGAIN);
	ck_assert_uint_eq(conc_bounded_queue_size(queue), 0);
	conc_bounded_queue_free(queue);
}
END_TEST

START_TEST(capacity_is_never_exceeded)
{
	static const int64_t capacities[] = {1, 2, 39, 40, 41, 1500};

	for (size_t i = 0; i < COUNT_OF(capacities); i++) {
		uintptr_t capacity = (uintptr_t)capacities[i];
		conc_bounded_queue *queue = new_queue(capacities[i]);

		ck_assert_int_eq(conc_bounded_queue_capacity(queue),
				 capacities[i]);
		push_all(queue, 1, capacity);
		ck_assert(conc_bounded_queue_full(queue));
		expect_refusal(queue, -EAGAIN);
		expect_all(queue, 1, 1);
		ck_assert(!conc_bounded_queue_full(queue));
		push_all(queue, capacity + 1, capacity + 1);
		expect_refusal(queue, -EAGAIN);
		expect_all(queue, 2, capacity + 1);
		expect_none(queue, -EAGAIN);
		conc_bounded_queue_free(queue);
	}
}
END_TEST

START_TEST(capacities_of_zero_and_less_and_beyond_all_numbers_are_no_limit)
{
	static const int64_t capacities[] = {0, -1, INT64_MIN, INT64_MAX,
					     INT64_C(1) << 31,
					     INT64_C(1) << 32};

	for (size_t i = 0; i < COUNT_OF(capacities); i++) {
		conc_bounded_queue *queue = new_queue(capacities[i]);

		push_all(queue, 1, MANY);
		ck_assert(!conc_bounded_queue_full(queue));
		ck_assert_int_eq(conc_bounded_queue_capacity(queue),
				 capacities[i]);
		conc_bounded_queue_free(queue);
	}
}
END_TEST

START_TEST(a_new_capacity_counts_at_once)
{
	conc_bounded_queue *queue = new_queue(0);

	push_all(queue, 1, 10);
	conc_bounded_queue_set_capacity(queue, 3);
	ck_assert_int_eq(conc_bounded_queue_capacity(queue), 3);
	ck_assert_uint_eq(conc_bounded_queue_size(queue), 10);
	ck_assert(conc_bounded_queue_full(queue));
	expect_refusal(queue, -EAGAIN);
	expect_all(queue, 1, 7);
	expect_refusal(queue, -EAGAIN);
	expect_all(queue, 8, 8);
	push_all(queue, 11, 11);
	expect_refusal(queue, -EAGAIN);
	conc_bounded_queue_set_capacity(queue, 4);
	push_all(queue, 12, 12);
	expect_refusal(queue, -EAGAIN);
	conc_bounded_queue_set_capacity(queue, -1);
	push_all(queue, 13, MANY);
	expect_all(queue, 9, MANY);
	conc_bounded_queue_free(queue);
}
END_TEST

START_TEST(tasks_are_counted_from_push_to_task_done)
{
	conc_bounded_queue *queue = new_queue(0);

	ck_assert_int_eq(conc_bounded_queue_task_done(queue), -ERANGE);
	ck_assert_int_eq(conc_bounded_queue_join(queue, CONC_FOREVER, NULL), 0);
	push_all(queue, 1, 2);
	ck_assert_uint_eq(conc_bounded_queue_unfinished(queue), 2);
	ck_assert_int_eq(conc_bounded_queue_join(queue, CONC_TRY, NULL),
			 -EAGAIN);
	expect_all(queue, 1, 2);
	ck_assert_uint_eq(conc_bounded_queue_unfinished(queue), 2);
	ck_assert_int_eq(conc_bounded_queue_join(queue, conc_now() + 10 * MS,
						 NULL),
			 -ETIMEDOUT);
	ck_assert_int_eq(conc_bounded_queue_task_done(queue), 0);
	ck_assert_int_eq(conc_bounded_queue_task_done(queue), 0);
	ck_assert_int_eq(conc_bounded_queue_task_done(queue), -ERANGE);
	ck_assert_uint_eq(conc_bounded_queue_unfinished(queue), 0);
	ck_assert_int_eq(conc_bounded_queue_join(queue, CONC_TRY, NULL), 0);
	conc_bounded_queue_free(queue);
}
END_TEST

static int count_visit(void *visited, void *arg)
{
	unsigned char *visits = arg;

	visits[(uintptr_t)visited]++;
	return 0;
}

START_TEST(traverse_visits_each_queued_item_once)
{
	conc_bounded_queue *queue = new_queue(0);
	unsigned char visits[MANY + 1] = {0};

	push_all(queue, 1, MANY);
	expect_all(queue, 1, 100);
	ck_assert_int_eq(conc_bounded_queue_traverse(queue, count_visit, visits),
			 0);
	for (uintptr_t n = 1; n <= MANY; n++)
		ck_assert_int_eq(visits[n], n > 100);
	conc_bounded_queue_free(queue);
}
END_TEST

/* ---- memory and arguments ----------------------------------------------- */

START_TEST(a_push_without_memory_changes_nothing)
{
	conc_bounded_queue *queue = new_queue(MANY);
	uintptr_t n = 0;

	conc_alloc_fail_after = 0;
	while (conc_bounded_queue_try_push(queue, item(n + 1)) == 0)
		n++;
	ck_assert_uint_lt(n, MANY);
	expect_refusal(queue, -ENOMEM);
	ck_assert_uint_eq(conc_bounded_queue_size(queue), n);
	ck_assert_uint_eq(conc_bounded_queue_unfinished(queue), n);
	conc_alloc_fail_after = -1;
	push_all(queue, n + 1, MANY);
	expect_refusal(queue, -EAGAIN);
	expect_all(queue, 1, MANY);
	conc_bounded_queue_free(queue);
}
END_TEST

START_TEST(a_queue_without_memory_is_ENOMEM)
{
	conc_bounded_queue *queue = NULL;

	for (long n = 0; n < 3; n++) {
		conc_alloc_fail_after = n;
		ck_assert_int_eq(conc_bounded_queue_new(NULL, &queue), -ENOMEM);
		ck_assert_ptr_null(queue);
	}
	conc_alloc_fail_after = -1;
}
END_TEST

START_TEST(close_capacity_and_free_need_no_memory)
{
	conc_bounded_queue *queue = new_queue(0);

	push_all(queue, 1, MANY);
	conc_alloc_fail_after = 0;
	conc_bounded_queue_set_capacity(queue, 1);
	conc_bounded_queue_close(queue, false);
	expect_all(queue, 1, MANY);
	expect_none(queue, -EPIPE);
	conc_bounded_queue_free(queue);
	conc_alloc_fail_after = -1;
}
END_TEST

START_TEST(bad_arguments_are_refused)
{
	struct conc_bounded_queue_attr attr = {.size = sizeof(size_t) - 1};
	conc_bounded_queue *queue = NULL;
	void *out = &out;

	ck_assert_int_eq(conc_bounded_queue_new(NULL, NULL), -EINVAL);
	ck_assert_int_eq(conc_bounded_queue_new(&attr, &queue), -EINVAL);
	ck_assert_ptr_null(queue);
	queue = new_queue(1);
	ck_assert_int_eq(conc_bounded_queue_try_push(queue, NULL), -EINVAL);
	ck_assert_int_eq(conc_bounded_queue_try_push(NULL, item(1)), -EINVAL);
	ck_assert_int_eq(conc_bounded_queue_push(queue, item(1), -2, NULL),
			 -EINVAL);
	ck_assert_int_eq(conc_bounded_queue_push(queue, NULL, CONC_FOREVER,
						 NULL),
			 -EINVAL);
	push_all(queue, 1, 1);
	ck_assert_int_eq(conc_bounded_queue_pop(queue, &out, -2, NULL),
			 -EINVAL);
	ck_assert_int_eq(conc_bounded_queue_pop(queue, NULL, CONC_TRY, NULL),
			 -EINVAL);
	ck_assert_int_eq(conc_bounded_queue_pop(queue, NULL, CONC_FOREVER,
						NULL),
			 -EINVAL);
	ck_assert_int_eq(conc_bounded_queue_pop(NULL, &out, CONC_TRY, NULL),
			 -EINVAL);
	ck_assert_int_eq(conc_bounded_queue_try_pop(NULL, &out), -EINVAL);
	ck_assert_int_eq(conc_bounded_queue_wait_room(queue, -2, NULL),
			 -EINVAL);
	ck_assert_int_eq(conc_bounded_queue_wait_room(NULL, CONC_TRY, NULL),
			 -EINVAL);
	ck_assert_int_eq(conc_bounded_queue_wait_item(queue, -2, NULL),
			 -EINVAL);
	ck_assert_int_eq(conc_bounded_queue_wait_item(NULL, CONC_TRY, NULL),
			 -EINVAL);
	ck_assert_int_eq(conc_bounded_queue_join(queue, -2, NULL), -EINVAL);
	ck_assert_int_eq(conc_bounded_queue_join(NULL, CONC_TRY, NULL),
			 -EINVAL);
	ck_assert_int_eq(conc_bounded_queue_task_done(NULL), -EINVAL);
	ck_assert_int_eq(conc_bounded_queue_traverse(queue, NULL, NULL),
			 -EINVAL);
	ck_assert_int_eq(conc_bounded_queue_traverse(NULL, count_visit, NULL),
			 -EINVAL);
	ck_assert_ptr_eq(out, &out);
	ck_assert_uint_eq(conc_bounded_queue_size(queue), 1);
	conc_bounded_queue_free(queue);
	conc_bounded_queue_free(NULL);
}
END_TEST

/* ---- the end ------------------------------------------------------------ */

START_TEST(after_close_push_is_EPIPE_and_pop_hands_out_the_rest)
{
	static const uintptr_t fillings[] = {0, 1, 39, 40, 41, 1040, 2500};

	for (size_t i = 0; i < COUNT_OF(fillings); i++) {
		conc_bounded_queue *queue = new_queue(0);

		push_all(queue, 1, fillings[i]);
		ck_assert(!conc_bounded_queue_is_closed(queue));
		conc_bounded_queue_close(queue, false);
		ck_assert(conc_bounded_queue_is_closed(queue));
		expect_refusal(queue, -EPIPE);
		ck_assert_int_eq(conc_bounded_queue_push(queue, item(1),
							 CONC_FOREVER, NULL),
				 -EPIPE);
		conc_bounded_queue_set_capacity(queue, 7);
		ck_assert(conc_bounded_queue_is_closed(queue));
		ck_assert_uint_eq(conc_bounded_queue_size(queue), fillings[i]);
		expect_all(queue, 1, fillings[i]);
		expect_none(queue, -EPIPE);
		conc_bounded_queue_close(queue, true);
		expect_none(queue, -EPIPE);
		conc_bounded_queue_free(queue);
	}
}
END_TEST

struct drained {
	conc_bounded_queue *queue;
	uintptr_t count;
	bool in_order, counted;
};

/* What is thrown away is neither queued nor unfinished any more. */
static void drain(void *drained_item, void *user)
{
	struct drained *drained = user;
	uintptr_t n = ++drained->count;

	drained->in_order &= drained_item == item(n);
	drained->counted &=
		conc_bounded_queue_size(drained->queue) == MANY - n &&
		conc_bounded_queue_unfinished(drained->queue) == MANY + 1 - n;
}

START_TEST(an_immediate_close_drains_every_item_once_and_counts_it_as_done)
{
	struct drained drained = {.in_order = true, .counted = true};
	struct conc_bounded_queue_attr attr = {
		.size = sizeof(attr), .drain = drain, .user = &drained};

	ck_assert_int_eq(conc_bounded_queue_new(&attr, &drained.queue), 0);
	/* One that was popped and is still being worked on. */
	push_all(drained.queue, 9, 9);
	expect_all(drained.queue, 9, 9);
	push_all(drained.queue, 1, MANY);
	conc_bounded_queue_close(drained.queue, true);
	ck_assert_uint_eq(drained.count, MANY);
	ck_assert(drained.in_order && drained.counted);
	ck_assert_uint_eq(conc_bounded_queue_unfinished(drained.queue), 1);
	ck_assert_int_eq(conc_bounded_queue_task_done(drained.queue), 0);
	conc_bounded_queue_free(drained.queue);
	ck_assert_uint_eq(drained.count, MANY);
}
END_TEST

START_TEST(free_drains_what_is_left)
{
	struct drained drained = {.in_order = true};
	struct conc_bounded_queue_attr attr = {
		.size = sizeof(attr), .drain = drain, .user = &drained};

	ck_assert_int_eq(conc_bounded_queue_new(&attr, &drained.queue), 0);
	push_all(drained.queue, 1, MANY);
	conc_bounded_queue_free(drained.queue);
	ck_assert_uint_eq(drained.count, MANY);
	ck_assert(drained.in_order);
}
END_TEST

/* ---- waiting ------------------------------------------------------------ */

START_TEST(a_push_ends_at_its_deadline)
{
	conc_bounded_queue *queue = new_queue(1);
	int64_t begin = conc_now();

	push_all(queue, 1, 1);
	ck_assert_int_eq(conc_bounded_queue_push(queue, item(2),
						 begin + 30 * MS, NULL),
			 -ETIMEDOUT);
	ck_assert_int_ge(conc_now() - begin, 30 * MS);
	ck_assert_int_eq(conc_bounded_queue_wait_room(queue, begin, NULL),
			 -ETIMEDOUT);
	ck_assert_int_eq(conc_bounded_queue_wait_room(queue, CONC_TRY, NULL),
			 -EAGAIN);
	expect_all(queue, 1, 1);
	ck_assert_int_eq(conc_bounded_queue_wait_room(queue, CONC_TRY, NULL),
			 0);
	ck_assert_int_eq(conc_bounded_queue_push(queue, item(2), begin, NULL),
			 0);
	ck_assert_int_eq(conc_bounded_queue_wait_item(queue, CONC_TRY, NULL),
			 0);
	expect_all(queue, 2, 2);
	ck_assert_int_eq(conc_bounded_queue_wait_item(queue, begin, NULL),
			 -ETIMEDOUT);
	conc_bounded_queue_free(queue);
}
END_TEST

struct sleeper {
	pthread_t thread;
	conc_bounded_queue *queue;
	_Atomic int rc; /* 1: not back yet */
};

static void *push_in_thread(void *arg)
{
	struct sleeper *sleeper = arg;

	sleeper->rc = conc_bounded_queue_push(sleeper->queue, item(7),
					      CONC_FOREVER, NULL);
	return NULL;
}

static void *wait_for_room_in_thread(void *arg)
{
	struct sleeper *sleeper = arg;

	sleeper->rc = conc_bounded_queue_wait_room(sleeper->queue, CONC_FOREVER,
						   NULL);
	return NULL;
}

static void *join_in_thread(void *arg)
{
	struct sleeper *sleeper = arg;

	sleeper->rc =
		conc_bounded_queue_join(sleeper->queue, CONC_FOREVER, NULL);
	return NULL;
}

static void nap(int64_t ns)
{
	struct timespec time = {.tv_nsec = ns};

	nanosleep(&time, NULL);
}

#define SLEEPERS 3

/* Gives them the time to fall asleep. */
static void start_sleepers(struct sleeper *sleepers, conc_bounded_queue *queue,
			   void *(*work)(void *arg))
{
	for (int i = 0; i < SLEEPERS; i++) {
		sleepers[i] = (struct sleeper){.queue = queue, .rc = 1};
		ck_assert_int_eq(pthread_create(&sleepers[i].thread, NULL, work,
						&sleepers[i]),
				 0);
	}
	nap(30 * MS);
	for (int i = 0; i < SLEEPERS; i++)
		ck_assert_int_eq(sleepers[i].rc, 1);
}

static int back(const struct sleeper *sleepers)
{
	int count = 0;

	for (int i = 0; i < SLEEPERS; i++)
		count += sleepers[i].rc != 1;
	return count;
}

static void expect_answers(struct sleeper *sleepers, int rc)
{
	for (int i = 0; i < SLEEPERS; i++) {
		pthread_join(sleepers[i].thread, NULL);
		ck_assert_int_eq(sleepers[i].rc, rc);
	}
}

static conc_bounded_queue *full_queue(void)
{
	conc_bounded_queue *queue = new_queue(1);

	push_all(queue, 1, 1);
	return queue;
}

START_TEST(each_pop_lets_one_producer_in)
{
	conc_bounded_queue *queue = full_queue();
	struct sleeper sleepers[SLEEPERS];

	start_sleepers(sleepers, queue, push_in_thread);
	expect_all(queue, 1, 1);
	for (int i = 1; i <= SLEEPERS; i++) {
		while (back(sleepers) < i)
			nap(MS);
		nap(10 * MS);
		ck_assert_int_eq(back(sleepers), i);
		expect_all(queue, 7, 7);
	}
	expect_answers(sleepers, 0);
	expect_none(queue, -EAGAIN);
	conc_bounded_queue_free(queue);
}
END_TEST

START_TEST(a_larger_capacity_lets_producers_in)
{
	conc_bounded_queue *queue = full_queue();
	struct sleeper sleepers[SLEEPERS];

	start_sleepers(sleepers, queue, push_in_thread);
	conc_bounded_queue_set_capacity(queue, 1 + SLEEPERS);
	expect_answers(sleepers, 0);
	ck_assert_uint_eq(conc_bounded_queue_size(queue), 1 + SLEEPERS);
	conc_bounded_queue_free(queue);
}
END_TEST

START_TEST(close_wakes_every_producer)
{
	conc_bounded_queue *queue = full_queue();
	struct sleeper sleepers[SLEEPERS];

	start_sleepers(sleepers, queue, push_in_thread);
	conc_bounded_queue_close(queue, false);
	expect_answers(sleepers, -EPIPE);
	expect_all(queue, 1, 1);
	conc_bounded_queue_free(queue);
}
END_TEST

START_TEST(who_gives_up_after_a_wake_passes_it_on)
{
	conc_bounded_queue *queue = full_queue();
	struct sleeper sleepers[SLEEPERS];

	start_sleepers(sleepers, queue, wait_for_room_in_thread);
	expect_all(queue, 1, 1);
	for (int i = 1; i < SLEEPERS; i++) {
		while (back(sleepers) < i)
			nap(MS);
		/* There still is room: the next one must not sleep on. */
		conc_bounded_queue_pass(queue);
	}
	expect_answers(sleepers, 0);
	conc_bounded_queue_free(queue);
}
END_TEST

START_TEST(who_is_refused_after_a_wake_has_passed_it_on)
{
	conc_bounded_queue *queue = full_queue();
	struct sleeper sleepers[SLEEPERS];
	conc_cancel *cancel;

	ck_assert_int_eq(conc_cancel_new(&cancel), 0);
	conc_cancel_fire(cancel);
	start_sleepers(sleepers, queue, wait_for_room_in_thread);
	expect_all(queue, 1, 1);
	for (int i = 1; i < SLEEPERS; i++) {
		while (back(sleepers) < i)
			nap(MS);
		/* As the woken one does that then sees that it is cancelled. */
		ck_assert_int_eq(i % 2 ? conc_bounded_queue_wait_room(
						 queue, CONC_FOREVER, cancel)
				       : conc_bounded_queue_push(queue, item(9),
								 CONC_FOREVER,
								 cancel),
				 -ECANCELED);
	}
	expect_answers(sleepers, 0);
	conc_cancel_free(cancel);
	conc_bounded_queue_free(queue);
}
END_TEST

START_TEST(the_last_task_done_wakes_every_join)
{
	conc_bounded_queue *queue = new_queue(0);
	struct sleeper sleepers[SLEEPERS];

	push_all(queue, 1, 2);
	start_sleepers(sleepers, queue, join_in_thread);
	conc_bounded_queue_task_done(queue);
	nap(10 * MS);
	ck_assert_int_eq(back(sleepers), 0);
	conc_bounded_queue_task_done(queue);
	expect_answers(sleepers, 0);
	conc_bounded_queue_free(queue);
}
END_TEST

/* A signal that came is asked about once a second; nothing is pushed or popped. */
static int interrupted(void *user)
{
	++*(int *)user;
	return -77;
}

START_TEST(who_waits_for_room_for_items_or_for_tasks_may_be_interrupted)
{
	int asked = 0;
	const struct conc_wait_hooks hooks = {
		.size = sizeof(hooks),
		.interrupted = interrupted,
		.user = &asked,
	};
	struct conc_bounded_queue_attr attr = {
		.size = sizeof(attr),
		.capacity = 1,
		.wait = &hooks,
	};
	conc_bounded_queue *queue;
	void *out = &out;

	ck_assert_int_eq(conc_bounded_queue_new(&attr, &queue), 0);
	ck_assert_int_eq(conc_bounded_queue_pop(queue, &out, CONC_FOREVER,
						NULL),
			 -77);
	ck_assert_ptr_eq(out, &out);
	push_all(queue, 1, 1);
	ck_assert_int_eq(conc_bounded_queue_push(queue, item(2), CONC_FOREVER,
						 NULL),
			 -77);
	ck_assert_int_eq(conc_bounded_queue_join(queue, CONC_FOREVER, NULL),
			 -77);
	ck_assert_int_eq(asked, 3);
	ck_assert_uint_eq(conc_bounded_queue_size(queue), 1);
	ck_assert_uint_eq(conc_bounded_queue_unfinished(queue), 1);
	conc_bounded_queue_free(queue);
}
END_TEST

START_TEST(an_immediate_close_ends_every_join)
{
	conc_bounded_queue *queue = new_queue(0);
	struct sleeper sleepers[SLEEPERS];

	push_all(queue, 1, MANY);
	start_sleepers(sleepers, queue, join_in_thread);
	conc_bounded_queue_close(queue, true);
	expect_answers(sleepers, 0);
	conc_bounded_queue_free(queue);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		items_come_out_in_the_order_they_went_in,
		capacity_is_never_exceeded,
		capacities_of_zero_and_less_and_beyond_all_numbers_are_no_limit,
		a_new_capacity_counts_at_once,
		tasks_are_counted_from_push_to_task_done,
		traverse_visits_each_queued_item_once,
		a_push_without_memory_changes_nothing,
		a_queue_without_memory_is_ENOMEM,
		close_capacity_and_free_need_no_memory,
		bad_arguments_are_refused,
		after_close_push_is_EPIPE_and_pop_hands_out_the_rest,
		an_immediate_close_drains_every_item_once_and_counts_it_as_done,
		free_drains_what_is_left,
		a_push_ends_at_its_deadline,
		each_pop_lets_one_producer_in,
		a_larger_capacity_lets_producers_in,
		close_wakes_every_producer,
		who_gives_up_after_a_wake_passes_it_on,
		who_is_refused_after_a_wake_has_passed_it_on,
		the_last_task_done_wakes_every_join,
		who_waits_for_room_for_items_or_for_tasks_may_be_interrupted,
		an_immediate_close_ends_every_join,
	};

	return run_tests("bounded queue", tests, COUNT_OF(tests), 60);
}
