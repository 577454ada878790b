/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conc_queue from one thread, and with one that sleeps: each test is named
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

#define MS INT64_C(1000000)

/* Goes over the first, small segment and several of the large ones. */
#define MANY 5000

/* Items are numbers from 1 on. */
static void *item(uintptr_t n)
{
	return (void *)n;
}

static conc_queue *new_queue(void)
{
	conc_queue *queue = NULL;

	ck_assert_int_eq(conc_queue_new(NULL, &queue), 0);
	return queue;
}

static void push(conc_queue *queue, uintptr_t n)
{
	ck_assert_int_eq(conc_queue_push(queue, item(n)), 0);
}

static void push_all(conc_queue *queue, uintptr_t from, uintptr_t to)
{
	for (uintptr_t n = from; n <= to; n++)
		push(queue, n);
}

static void expect(conc_queue *queue, uintptr_t n)
{
	void *out = NULL;

	ck_assert_int_eq(conc_queue_try_pop(queue, &out), 0);
	ck_assert_ptr_eq(out, item(n));
}

static void expect_all(conc_queue *queue, uintptr_t from, uintptr_t to)
{
	for (uintptr_t n = from; n <= to; n++)
		expect(queue, n);
}

/* Any answer but an item. */
static void expect_none(conc_queue *queue, int answer)
{
	void *out = &out;

	ck_assert_int_eq(conc_queue_try_pop(queue, &out), answer);
	ck_assert_ptr_eq(out, &out);
}

/* ---- one thread --------------------------------------------------------- */

START_TEST(items_come_out_in_the_order_they_went_in)
{
	conc_queue *queue = new_queue();

	push_all(queue, 1, MANY);
	expect_all(queue, 1, MANY);
	expect_none(queue, -EAGAIN);
	/* Two in, one out; then what is left. */
	for (uintptr_t n = 1; n <= MANY; n++) {
		push_all(queue, 2 * n - 1, 2 * n);
		expect(queue, n);
	}
	expect_all(queue, MANY + 1, 2 * MANY);
	expect_none(queue, -EAGAIN);
	conc_queue_free(queue);
}
END_TEST

START_TEST(an_empty_queue_gives_EAGAIN_and_leaves_the_result_alone)
{
	conc_queue *queue = new_queue();
	void *out = &out;

	expect_none(queue, -EAGAIN);
	ck_assert_int_eq(conc_queue_pop(queue, &out, CONC_TRY, NULL), -EAGAIN);
	ck_assert_ptr_eq(out, &out);
	push(queue, 1);
	ck_assert_int_eq(conc_queue_pop(queue, &out, CONC_TRY, NULL), 0);
	ck_assert_ptr_eq(out, item(1));
	conc_queue_free(queue);
}
END_TEST

START_TEST(size_and_empty_are_exact_while_nobody_is_at_work)
{
	conc_queue *queue = new_queue();
	uintptr_t in = 0, out = 0;
	unsigned seed = 1;

	for (int i = 0; i < 4 * MANY; i++) {
		seed = seed * 1103515245 + 12345;
		/* In long waves, through empty. */
		if ((seed >> 16) % 8 < (i / MANY % 2 ? 3u : 5u))
			push(queue, ++in);
		else if (in == out)
			expect_none(queue, -EAGAIN);
		else
			expect(queue, ++out);
		ck_assert_uint_eq(conc_queue_size(queue), in - out);
		ck_assert_int_eq(conc_queue_empty(queue), in == out);
	}
	conc_queue_free(queue);
}
END_TEST

static int count_visit(void *visited, void *arg)
{
	unsigned char *visits = arg;

	visits[(uintptr_t)visited]++;
	return 0;
}

static int stop_at_three(void *visited, void *arg)
{
	(*(int *)arg)++;
	return visited == item(3) ? -7 : 0;
}

START_TEST(traverse_visits_each_queued_item_once)
{
	static const uintptr_t popped[] = {0, 1, 39, 40, 41, 1040, 2500, MANY};

	for (size_t i = 0; i < COUNT_OF(popped); i++) {
		conc_queue *queue = new_queue();
		unsigned char visits[MANY + 1] = {0};

		push_all(queue, 1, MANY);
		expect_all(queue, 1, popped[i]);
		ck_assert_int_eq(conc_queue_traverse(queue, count_visit, visits),
				 0);
		for (uintptr_t n = 1; n <= MANY; n++)
			ck_assert_int_eq(visits[n], n > popped[i]);
		conc_queue_free(queue);
	}
}
END_TEST

START_TEST(traverse_ends_where_visit_says_so)
{
	conc_queue *queue = new_queue();
	int visits = 0;

	push_all(queue, 1, 100);
	ck_assert_int_eq(conc_queue_traverse(queue, stop_at_three, &visits), -7);
	ck_assert_int_eq(visits, 3);
	conc_queue_free(queue);
}
END_TEST

/* ---- memory and arguments ----------------------------------------------- */

START_TEST(a_failed_push_leaves_what_is_queued)
{
	conc_queue *queue = new_queue();
	uintptr_t n = 0;
	int rc;

	conc_alloc_fail_after = 0;
	while ((rc = conc_queue_push(queue, item(n + 1))) == 0)
		n++;
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(conc_queue_push(queue, item(9)), -ENOMEM);
	ck_assert_int_eq(rc, -ENOMEM);
	ck_assert_uint_eq(conc_queue_size(queue), n);
	expect_all(queue, 1, n / 2);
	ck_assert_int_eq(conc_queue_push(queue, item(9)), -ENOMEM);
	conc_alloc_fail_after = -1;
	push_all(queue, n + 1, n + MANY);
	ck_assert_uint_eq(conc_queue_size(queue), n - n / 2 + MANY);
	expect_all(queue, n / 2 + 1, n + MANY);
	expect_none(queue, -EAGAIN);
	conc_queue_free(queue);
}
END_TEST

START_TEST(a_queue_that_was_emptied_without_memory_goes_on)
{
	conc_queue *queue = new_queue();
	uintptr_t n = 0;

	conc_alloc_fail_after = 0;
	while (conc_queue_push(queue, item(n + 1)) == 0)
		n++;
	expect_all(queue, 1, n);
	expect_none(queue, -EAGAIN);
	ck_assert_uint_eq(conc_queue_size(queue), 0);
	ck_assert(conc_queue_empty(queue));
	ck_assert_int_eq(conc_queue_push(queue, item(1)), -ENOMEM);
	conc_alloc_fail_after = -1;
	push_all(queue, 1, 10);
	expect_all(queue, 1, 10);
	conc_queue_free(queue);
}
END_TEST

START_TEST(a_queue_without_memory_is_ENOMEM)
{
	conc_queue *queue = NULL;

	for (long n = 0; n < 2; n++) {
		conc_alloc_fail_after = n;
		ck_assert_int_eq(conc_queue_new(NULL, &queue), -ENOMEM);
		ck_assert_ptr_null(queue);
	}
	conc_alloc_fail_after = -1;
}
END_TEST

START_TEST(close_and_free_need_no_memory)
{
	conc_queue *queue = new_queue();

	push_all(queue, 1, MANY);
	conc_alloc_fail_after = 0;
	conc_queue_close(queue, false);
	expect_all(queue, 1, MANY);
	expect_none(queue, -EPIPE);
	conc_queue_free(queue);
	conc_alloc_fail_after = -1;
}
END_TEST

START_TEST(bad_arguments_are_refused)
{
	struct conc_queue_attr attr = {.size = sizeof(size_t) - 1};
	conc_queue *queue = NULL;
	void *out = &out;

	ck_assert_int_eq(conc_queue_new(NULL, NULL), -EINVAL);
	ck_assert_int_eq(conc_queue_new(&attr, &queue), -EINVAL);
	attr.size = 0;
	ck_assert_int_eq(conc_queue_new(&attr, &queue), -EINVAL);
	ck_assert_ptr_null(queue);
	queue = new_queue();
	ck_assert_int_eq(conc_queue_push(queue, NULL), -EINVAL);
	ck_assert_int_eq(conc_queue_push(NULL, item(1)), -EINVAL);
	ck_assert_uint_eq(conc_queue_size(queue), 0);
	push(queue, 1);
	ck_assert_int_eq(conc_queue_pop(queue, &out, -2, NULL), -EINVAL);
	ck_assert_int_eq(conc_queue_pop(queue, &out, INT64_MIN, NULL), -EINVAL);
	ck_assert_int_eq(conc_queue_pop(queue, NULL, CONC_TRY, NULL), -EINVAL);
	ck_assert_int_eq(conc_queue_pop(NULL, &out, CONC_TRY, NULL), -EINVAL);
	ck_assert_int_eq(conc_queue_try_pop(queue, NULL), -EINVAL);
	ck_assert_int_eq(conc_queue_try_pop(NULL, &out), -EINVAL);
	ck_assert_int_eq(conc_queue_wait(queue, -2, NULL), -EINVAL);
	ck_assert_int_eq(conc_queue_wait(NULL, CONC_TRY, NULL), -EINVAL);
	ck_assert_int_eq(conc_queue_traverse(queue, NULL, NULL), -EINVAL);
	ck_assert_int_eq(conc_queue_traverse(NULL, count_visit, NULL), -EINVAL);
	ck_assert_ptr_eq(out, &out);
	ck_assert_uint_eq(conc_queue_size(queue), 1);
	conc_queue_free(queue);
	conc_queue_free(NULL);
}
END_TEST

/* ---- the end ------------------------------------------------------------ */

/* Before, at and behind the ends of the first segments. */
static const uintptr_t fillings[] = {0,	   1,	 39,   40,   41,
				     1039, 1040, 1041, 2040, 2500};

START_TEST(after_close_push_is_EPIPE_and_pop_hands_out_the_rest)
{
	for (size_t i = 0; i < COUNT_OF(fillings); i++) {
		conc_queue *queue = new_queue();
		void *out;

		push_all(queue, 1, fillings[i]);
		ck_assert(!conc_queue_is_closed(queue));
		conc_queue_close(queue, false);
		ck_assert(conc_queue_is_closed(queue));
		for (int n = 0; n < 2000; n++)
			ck_assert_int_eq(conc_queue_push(queue, item(1)),
					 -EPIPE);
		ck_assert_uint_eq(conc_queue_size(queue), fillings[i]);
		ck_assert_int_eq(conc_queue_empty(queue), fillings[i] == 0);
		expect_all(queue, 1, fillings[i]);
		for (int n = 0; n < 3; n++)
			expect_none(queue, -EPIPE);
		ck_assert_int_eq(conc_queue_pop(queue, &out, CONC_FOREVER,
						NULL),
				 -EPIPE);
		ck_assert_int_eq(conc_queue_wait(queue, CONC_FOREVER, NULL), 0);
		ck_assert_uint_eq(conc_queue_size(queue), 0);
		conc_queue_free(queue);
	}
}
END_TEST

START_TEST(closing_again_changes_nothing)
{
	conc_queue *queue = new_queue();

	push_all(queue, 1, 3);
	for (int i = 0; i < 5; i++)
		conc_queue_close(queue, false);
	ck_assert_uint_eq(conc_queue_size(queue), 3);
	expect_all(queue, 1, 3);
	conc_queue_close(queue, true);
	expect_none(queue, -EPIPE);
	ck_assert(conc_queue_is_closed(queue));
	conc_queue_free(queue);
}
END_TEST

struct drained {
	conc_queue *queue;
	uintptr_t count;
	bool in_order;
	bool in_section;
	int push;
};

/* Uses the queue itself: that is allowed. */
static void drain(void *drained_item, void *user)
{
	struct drained *drained = user;

	drained->in_order &= drained_item == item(++drained->count);
	drained->in_section |= urcu_bp_read_ongoing() != 0;
	drained->push = conc_queue_push(drained->queue, item(1));
	conc_queue_size(drained->queue);
}

static conc_queue *draining_queue(struct drained *drained)
{
	struct conc_queue_attr attr = {
		.size = sizeof(attr), .drain = drain, .user = drained};

	*drained = (struct drained){.in_order = true};
	ck_assert_int_eq(conc_queue_new(&attr, &drained->queue), 0);
	return drained->queue;
}

START_TEST(an_immediate_close_drains_every_item_once_in_order)
{
	for (size_t i = 0; i < COUNT_OF(fillings); i++) {
		struct drained drained;
		conc_queue *queue = draining_queue(&drained);

		push_all(queue, 1, fillings[i]);
		conc_queue_close(queue, true);
		ck_assert_uint_eq(drained.count, fillings[i]);
		ck_assert(drained.in_order && !drained.in_section);
		ck_assert_int_eq(drained.push, fillings[i] == 0 ? 0 : -EPIPE);
		expect_none(queue, -EPIPE);
		conc_queue_free(queue);
		ck_assert_uint_eq(drained.count, fillings[i]);
	}
}
END_TEST

START_TEST(free_drains_what_is_left)
{
	for (size_t i = 0; i < COUNT_OF(fillings); i++) {
		struct drained drained;
		conc_queue *queue = draining_queue(&drained);

		push_all(queue, 1, fillings[i]);
		conc_queue_free(queue);
		ck_assert_uint_eq(drained.count, fillings[i]);
		ck_assert(drained.in_order && !drained.in_section);
	}
}
END_TEST

START_TEST(a_failed_queue_hands_out_what_it_has_and_then_says_so)
{
	conc_queue *queue = new_queue();
	void *out;

	push_all(queue, 1, MANY);
	conc_queue_fail(queue);
	expect_all(queue, 1, MANY);
	expect_none(queue, -ENOTRECOVERABLE);
	ck_assert_int_eq(conc_queue_pop(queue, &out, CONC_FOREVER, NULL),
			 -ENOTRECOVERABLE);
	ck_assert_int_eq(conc_queue_wait(queue, CONC_FOREVER, NULL), 0);
	push(queue, 1);
	expect(queue, 1);
	expect_none(queue, -ENOTRECOVERABLE);
	/* A closed queue has no need to wait. */
	conc_queue_close(queue, false);
	expect_none(queue, -EPIPE);
	conc_queue_free(queue);
}
END_TEST

/* ---- waiting ------------------------------------------------------------ */

START_TEST(a_pop_ends_at_its_deadline)
{
	conc_queue *queue = new_queue();
	int64_t begin = conc_now();
	void *out = &out;

	ck_assert_int_eq(conc_queue_pop(queue, &out, begin + 30 * MS, NULL),
			 -ETIMEDOUT);
	ck_assert_int_ge(conc_now() - begin, 30 * MS);
	/* One that has passed. */
	ck_assert_int_eq(conc_queue_pop(queue, &out, begin, NULL), -ETIMEDOUT);
	ck_assert_int_eq(conc_queue_wait(queue, begin, NULL), -ETIMEDOUT);
	ck_assert_ptr_eq(out, &out);
	push(queue, 1);
	ck_assert_int_eq(conc_queue_pop(queue, &out, begin, NULL), 0);
	conc_queue_free(queue);
}
END_TEST

START_TEST(wait_says_whether_to_try_and_takes_nothing)
{
	conc_queue *queue = new_queue();

	ck_assert_int_eq(conc_queue_wait(queue, CONC_TRY, NULL), -EAGAIN);
	push(queue, 1);
	ck_assert_int_eq(conc_queue_wait(queue, CONC_TRY, NULL), 0);
	ck_assert_int_eq(conc_queue_wait(queue, CONC_FOREVER, NULL), 0);
	conc_queue_pass(queue);
	ck_assert_uint_eq(conc_queue_size(queue), 1);
	expect(queue, 1);
	ck_assert_int_eq(conc_queue_wait(queue, CONC_TRY, NULL), -EAGAIN);
	conc_queue_pass(queue);
	conc_queue_free(queue);
}
END_TEST

struct waiter {
	pthread_t thread;
	conc_queue *queue;
	bool only_waits;
	int64_t deadline;
	_Atomic int rc; /* 1: not back yet */
	void *item;
};

static void *wait_in_thread(void *arg)
{
	struct waiter *waiter = arg;

	atomic_store(&waiter->rc,
		     waiter->only_waits
			     ? conc_queue_wait(waiter->queue, waiter->deadline,
					       NULL)
			     : conc_queue_pop(waiter->queue, &waiter->item,
					      waiter->deadline, NULL));
	return NULL;
}

static void nap(int64_t ns)
{
	struct timespec time = {.tv_nsec = ns};

	nanosleep(&time, NULL);
}

/* Gives them the time to fall asleep. */
static void start_waiters(struct waiter *waiters, int count, conc_queue *queue,
			  bool only_waits)
{
	for (int i = 0; i < count; i++) {
		waiters[i] = (struct waiter){.queue = queue,
					     .only_waits = only_waits,
					     .deadline = CONC_FOREVER,
					     .rc = 1};
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

START_TEST(a_push_wakes_a_waiter_which_gets_the_item)
{
	conc_queue *queue = new_queue();
	struct waiter waiters[3];
	uintptr_t sum = 0;

	start_waiters(waiters, 3, queue, false);
	push_all(queue, 1, 3);
	expect_answers(waiters, 3, 0);
	for (int i = 0; i < 3; i++)
		sum += (uintptr_t)waiters[i].item;
	ck_assert_uint_eq(sum, 6);
	conc_queue_free(queue);
}
END_TEST

START_TEST(close_wakes_every_waiter)
{
	conc_queue *queue = new_queue();
	struct waiter waiters[3];

	start_waiters(waiters, 3, queue, false);
	conc_queue_close(queue, false);
	expect_answers(waiters, 3, -EPIPE);
	conc_queue_free(queue);
}
END_TEST

START_TEST(fail_wakes_every_waiter)
{
	conc_queue *queue = new_queue();
	struct waiter waiters[3];

	start_waiters(waiters, 3, queue, false);
	conc_queue_fail(queue);
	expect_answers(waiters, 3, -ENOTRECOVERABLE);
	conc_queue_free(queue);
}
END_TEST

START_TEST(who_gives_up_after_a_wake_passes_it_on)
{
	conc_queue *queue = new_queue();
	struct waiter waiters[2];

	start_waiters(waiters, 2, queue, true);
	push(queue, 1);
	while (waiters[0].rc == 1 && waiters[1].rc == 1)
		nap(1 * MS);
	/* The item is still there: the other one must not sleep on. */
	conc_queue_pass(queue);
	expect_answers(waiters, 2, 0);
	expect(queue, 1);
	conc_queue_free(queue);
}
END_TEST

START_TEST(who_is_refused_after_a_wake_has_passed_it_on)
{
	conc_queue *queue = new_queue();
	struct waiter waiters[2];
	conc_cancel *cancel;
	void *out;

	ck_assert_int_eq(conc_cancel_new(&cancel), 0);
	conc_cancel_fire(cancel);
	for (int whole = 0; whole < 2; whole++) {
		start_waiters(waiters, 2, queue, true);
		push(queue, 1);
		while (waiters[0].rc == 1 && waiters[1].rc == 1)
			nap(1 * MS);
		/* As the woken one does that then sees that it is cancelled. */
		ck_assert_int_eq(whole ? conc_queue_pop(queue, &out,
							CONC_FOREVER, cancel)
				       : conc_queue_wait(queue, CONC_FOREVER,
							 cancel),
				 -ECANCELED);
		expect_answers(waiters, 2, 0);
		expect(queue, 1);
	}
	conc_cancel_free(cancel);
	conc_queue_free(queue);
}
END_TEST

/* ---- hooks -------------------------------------------------------------- */

struct hooked {
	_Atomic int begun, ended, asked;
	_Atomic bool in_section;
	_Atomic int answer;
};

static void *begin_wait(void *user)
{
	struct hooked *hooked = user;

	hooked->in_section |= urcu_bp_read_ongoing() != 0;
	hooked->begun++;
	return &hooked->begun;
}

static void end_wait(void *token, void *user)
{
	struct hooked *hooked = user;

	ck_assert_ptr_eq(token, &hooked->begun);
	hooked->in_section |= urcu_bp_read_ongoing() != 0;
	hooked->ended++;
}

static int interrupted(void *user)
{
	struct hooked *hooked = user;

	ck_assert_int_eq(hooked->begun, hooked->ended);
	hooked->asked++;
	return hooked->answer;
}

static conc_queue *hooked_queue(struct hooked *hooked, int answer,
				bool lock_free)
{
	const struct conc_wait_hooks hooks = {
		.size = sizeof(hooks),
		.user = hooked,
		.wait_begin = begin_wait,
		.wait_end = end_wait,
		.interrupted = interrupted,
	};
	struct conc_queue_attr attr = {.size = sizeof(attr),
				       .lock_free = lock_free,
				       .wait = &hooks};
	conc_queue *queue = NULL;

	*hooked = (struct hooked){.answer = answer};
	ck_assert_int_eq(conc_queue_new(&attr, &queue), 0);
	return queue;
}

START_TEST(the_hooks_stand_around_every_sleep_and_no_section)
{
	for (int lock_free = 0; lock_free < 2; lock_free++) {
		struct hooked hooked;
		conc_queue *queue = hooked_queue(&hooked, 0, lock_free);
		void *out;

		push(queue, 1);
		ck_assert_int_eq(conc_queue_pop(queue, &out, CONC_FOREVER,
						NULL),
				 0);
		ck_assert_int_eq(hooked.begun, 0);
		ck_assert_int_eq(conc_queue_pop(queue, &out,
						conc_now() + 30 * MS, NULL),
				 -ETIMEDOUT);
		ck_assert_int_ge(hooked.begun, 1);
		ck_assert_int_eq(hooked.begun, hooked.ended);
		ck_assert(!hooked.in_section);
		conc_queue_free(queue);
	}
}
END_TEST

static void on_signal(int number)
{
	(void)number;
}

START_TEST(a_signal_has_the_runtime_asked_and_its_answer_ends_the_wait)
{
	for (int lock_free = 0; lock_free < 2; lock_free++) {
		struct sigaction action = {.sa_handler = on_signal};
		struct hooked hooked;
		conc_queue *queue = hooked_queue(&hooked, 0, lock_free);
		struct waiter waiter;

		sigaction(SIGUSR1, &action, NULL);
		start_waiters(&waiter, 1, queue, false);
		hooked.answer = -ECANCELED;
		pthread_kill(waiter.thread, SIGUSR1);
		expect_answers(&waiter, 1, -ECANCELED);
		/* Nothing was taken, no waiter is left behind. */
		push(queue, 1);
		expect(queue, 1);
		conc_queue_free(queue);
	}
}
END_TEST

START_TEST(the_runtime_is_asked_once_a_second_without_a_signal)
{
	struct hooked hooked;
	conc_queue *queue = hooked_queue(&hooked, -ECANCELED, false);
	int64_t begin = conc_now();
	void *out;

	ck_assert_int_eq(conc_queue_pop(queue, &out, CONC_FOREVER, NULL),
			 -ECANCELED);
	ck_assert_int_eq(hooked.asked, 1);
	ck_assert_int_lt(conc_now() - begin, 5000 * MS);
	conc_queue_free(queue);
}
END_TEST

START_TEST(a_signal_without_an_answer_goes_on_waiting)
{
	struct sigaction action = {.sa_handler = on_signal};
	struct hooked hooked;
	conc_queue *queue = hooked_queue(&hooked, 0, false);
	struct waiter waiter;

	sigaction(SIGUSR1, &action, NULL);
	start_waiters(&waiter, 1, queue, false);
	pthread_kill(waiter.thread, SIGUSR1);
	while (hooked.asked == 0)
		nap(1 * MS);
	nap(5 * MS);
	ck_assert_int_eq(waiter.rc, 1);
	push(queue, 1);
	expect_answers(&waiter, 1, 0);
	conc_queue_free(queue);
}
END_TEST

START_TEST(a_lock_free_queue_keeps_the_same_promises)
{
	struct conc_queue_attr attr = {.size = sizeof(attr), .lock_free = true};
	conc_queue *queue = NULL;
	struct waiter waiters[3];

	ck_assert_int_eq(conc_queue_new(&attr, &queue), 0);
	start_waiters(waiters, 3, queue, false);
	push_all(queue, 1, 3);
	expect_answers(waiters, 3, 0);
	start_waiters(waiters, 3, queue, false);
	conc_queue_close(queue, false);
	expect_answers(waiters, 3, -EPIPE);
	conc_queue_free(queue);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		items_come_out_in_the_order_they_went_in,
		an_empty_queue_gives_EAGAIN_and_leaves_the_result_alone,
		size_and_empty_are_exact_while_nobody_is_at_work,
		traverse_visits_each_queued_item_once,
		traverse_ends_where_visit_says_so,
		a_failed_push_leaves_what_is_queued,
		a_queue_that_was_emptied_without_memory_goes_on,
		a_queue_without_memory_is_ENOMEM,
		close_and_free_need_no_memory,
		bad_arguments_are_refused,
		after_close_push_is_EPIPE_and_pop_hands_out_the_rest,
		closing_again_changes_nothing,
		an_immediate_close_drains_every_item_once_in_order,
		free_drains_what_is_left,
		a_failed_queue_hands_out_what_it_has_and_then_says_so,
		a_pop_ends_at_its_deadline,
		wait_says_whether_to_try_and_takes_nothing,
		a_push_wakes_a_waiter_which_gets_the_item,
		close_wakes_every_waiter,
		fail_wakes_every_waiter,
		who_gives_up_after_a_wake_passes_it_on,
		who_is_refused_after_a_wake_has_passed_it_on,
		the_hooks_stand_around_every_sleep_and_no_section,
		a_signal_has_the_runtime_asked_and_its_answer_ends_the_wait,
		the_runtime_is_asked_once_a_second_without_a_signal,
		a_signal_without_an_answer_goes_on_waiting,
		a_lock_free_queue_keeps_the_same_promises,
	};

	return run_tests("queue", tests, COUNT_OF(tests), 60);
}
