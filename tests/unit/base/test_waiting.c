/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What every call that may wait promises of its deadline, its token and the
 * hook that may interrupt it, whatever it waits for.
 */
#include <config.h>

#include <concurrency.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/time.h>
#include <time.h>

#include "base/futex.h"
#include "base/memory.h"
#include "suite.h"

#define MS INT64_C(1000000)

/* One of each structure, with an item in it or with none. */
struct things {
	conc_queue *queue;
	conc_bounded_queue *bounded;
	conc_gather *gather;
	_Atomic int answer; /* of interrupted */
	_Atomic bool deaf;  /* interruptible answers false */
	_Atomic unsigned asked, asked_whether, sleeps; /* how often */
};

static char item[1], untouched[1];

static int asked(void *user)
{
	struct things *t = user;

	atomic_fetch_add(&t->asked, 1);
	return atomic_load(&t->answer);
}

static bool asked_whether(void *user)
{
	struct things *t = user;

	atomic_fetch_add(&t->asked_whether, 1);
	return !atomic_load(&t->deaf);
}

static void open_things(struct things *t, bool lock_free, bool full)
{
	const struct conc_wait_hooks hooks = {
		.size = sizeof(hooks),
		.user = t,
		.interrupted = asked,
		.interruptible = asked_whether,
	};
	struct conc_queue_attr queue = {
		.size = sizeof(queue),
		.lock_free = lock_free,
		.wait = &hooks,
	};
	struct conc_bounded_queue_attr bounded = {
		.size = sizeof(bounded),
		.capacity = 1,
		.wait = &hooks,
	};
	struct conc_gather_attr gather = {
		.size = sizeof(gather),
		.wait = &hooks,
	};
	struct conc_value one = {.kind = CONC_NUMBER, .u.number = 1};

	atomic_init(&t->answer, 0);
	atomic_init(&t->deaf, false);
	atomic_init(&t->asked, 0);
	atomic_init(&t->asked_whether, 0);
	ck_assert_int_eq(conc_queue_new(&queue, &t->queue), 0);
	ck_assert_int_eq(conc_bounded_queue_new(&bounded, &t->bounded), 0);
	ck_assert_int_eq(conc_gather_new(&gather, &t->gather), 0);
	if (!full)
		return;
	ck_assert_int_eq(conc_queue_push(t->queue, item), 0);
	ck_assert_int_eq(conc_bounded_queue_try_push(t->bounded, item), 0);
	ck_assert_int_eq(conc_gather_insert(t->gather, 3, &one), 0);
}

static void close_things(struct things *t)
{
	conc_queue_free(t->queue);
	conc_bounded_queue_free(t->bounded);
	conc_gather_free(t->gather);
}

/* Nothing went in or out. */
static void expect_unchanged(struct things *t, bool full)
{
	ck_assert_uint_eq(conc_queue_size(t->queue), full);
	ck_assert_uint_eq(conc_bounded_queue_size(t->bounded), full);
	ck_assert_uint_eq(conc_bounded_queue_unfinished(t->bounded), full);
	ck_assert_uint_eq(conc_gather_size(t->gather), full);
}

/* --- the calls --------------------------------------------------------------- */

static int queue_pop(struct things *t, int64_t deadline, conc_cancel *cancel)
{
	void *out = untouched;
	int rc = conc_queue_pop(t->queue, &out, deadline, cancel);

	ck_assert_ptr_eq(out, rc == 0 ? item : untouched);
	return rc;
}

static int queue_wait(struct things *t, int64_t deadline, conc_cancel *cancel)
{
	return conc_queue_wait(t->queue, deadline, cancel);
}

static int bounded_push(struct things *t, int64_t deadline, conc_cancel *cancel)
{
	return conc_bounded_queue_push(t->bounded, item, deadline, cancel);
}

static int bounded_pop(struct things *t, int64_t deadline, conc_cancel *cancel)
{
	void *out = untouched;
	int rc = conc_bounded_queue_pop(t->bounded, &out, deadline, cancel);

	ck_assert_ptr_eq(out, rc == 0 ? item : untouched);
	return rc;
}

static int wait_room(struct things *t, int64_t deadline, conc_cancel *cancel)
{
	return conc_bounded_queue_wait_room(t->bounded, deadline, cancel);
}

static int wait_item(struct things *t, int64_t deadline, conc_cancel *cancel)
{
	return conc_bounded_queue_wait_item(t->bounded, deadline, cancel);
}

static int join(struct things *t, int64_t deadline, conc_cancel *cancel)
{
	return conc_bounded_queue_join(t->bounded, deadline, cancel);
}

static int take(struct things *t, bool clear, int64_t deadline,
		conc_cancel *cancel)
{
	struct conc_value value = {.kind = CONC_ABSENT, .len = 4711};
	int rc = conc_gather_take(t->gather, 3, clear, &value, deadline, cancel);

	ck_assert_int_eq(value.kind, rc == 0 ? CONC_NUMBER : CONC_ABSENT);
	ck_assert_uint_eq(value.len, 4711);
	return rc;
}

static int gather_take(struct things *t, int64_t deadline, conc_cancel *cancel)
{
	return take(t, true, deadline, cancel);
}

static int gather_look(struct things *t, int64_t deadline, conc_cancel *cancel)
{
	return take(t, false, deadline, cancel);
}

static int gather_wait(struct things *t, int64_t deadline, conc_cancel *cancel)
{
	return conc_gather_wait(t->gather, 3, deadline, cancel);
}

static const struct call {
	int (*run)(struct things *t, int64_t deadline, conc_cancel *cancel);
	bool wants_item; /* else it waits while there is one */
} calls[] = {
	{queue_pop, true},    {queue_wait, true},  {bounded_push, false},
	{bounded_pop, true},  {wait_room, false},  {wait_item, true},
	{join, false},        {gather_take, true}, {gather_look, true},
	{gather_wait, true},
};

/*
 * Each call on things of its own, with a queue that is lock-free and one that
 * is not: where it need not wait, and where it must.
 */
static void for_each_call(void (*test)(const struct call *call,
				       struct things *t, bool waits,
				       conc_cancel *cancel))
{
	conc_cancel *cancel = NULL;

	ck_assert_int_eq(conc_cancel_new(&cancel), 0);
	for (size_t i = 0; i < 4 * COUNT_OF(calls); i++) {
		const struct call *call = &calls[i / 4];
		bool waits = i % 2;
		struct things t;

		open_things(&t, i / 2 % 2, call->wants_item != waits);
		conc_cancel_reset(cancel);
		test(call, &t, waits, cancel);
		close_things(&t);
	}
	conc_cancel_free(cancel);
}

static void expect_answer(const struct call *call, struct things *t, bool waits,
			  conc_cancel *cancel, int64_t deadline, int answer)
{
	ck_assert_int_eq(call->run(t, deadline, cancel), answer);
	expect_unchanged(t, call->wants_item != waits);
}

/* --- deadlines --------------------------------------------------------------- */

static void refuse_deadlines(const struct call *call, struct things *t,
			     bool waits, conc_cancel *cancel)
{
	static const int64_t none[] = {1, 1000000, -2, INT64_MIN};

	for (size_t i = 0; i < COUNT_OF(none); i++) {
		expect_answer(call, t, waits, NULL, none[i], -EINVAL);
		expect_answer(call, t, waits, cancel, none[i], -EINVAL);
	}
}

START_TEST(a_deadline_from_before_the_library_was_loaded_is_EINVAL)
{
	for_each_call(refuse_deadlines);
}
END_TEST

static void take_deadlines(const struct call *call, struct things *t,
			   bool waits, conc_cancel *cancel)
{
	(void)cancel;
	if (!waits) {
		ck_assert_int_eq(call->run(t, conc_now(), NULL), 0);
		return;
	}
	expect_answer(call, t, waits, NULL, CONC_TRY, -EAGAIN);
	expect_answer(call, t, waits, NULL, conc_now(), -ETIMEDOUT);
	expect_answer(call, t, waits, NULL, conc_deadline_after(5 * MS),
		      -ETIMEDOUT);
}

START_TEST(a_deadline_that_has_passed_since_is_one)
{
	for_each_call(take_deadlines);
}
END_TEST

static void need_no_wait(const struct call *call, struct things *t, bool waits,
			 conc_cancel *cancel)
{
	(void)cancel;
	if (!waits)
		ck_assert_int_eq(call->run(t, CONC_FOREVER, NULL), 0);
}

START_TEST(who_need_not_wait_does_not)
{
	for_each_call(need_no_wait);
}
END_TEST

/* --- tokens ------------------------------------------------------------------ */

static void refuse_fired(const struct call *call, struct things *t, bool waits,
			 conc_cancel *cancel)
{
	const int64_t deadlines[] = {CONC_TRY, CONC_FOREVER, conc_now(),
				     conc_deadline_after(1000 * MS)};

	conc_cancel_fire(cancel);
	for (size_t i = 0; i < COUNT_OF(deadlines); i++)
		expect_answer(call, t, waits, cancel, deadlines[i],
			      -ECANCELED);
	conc_cancel_reset(cancel);
	if (waits)
		expect_answer(call, t, waits, cancel, CONC_TRY, -EAGAIN);
	else
		ck_assert_int_eq(call->run(t, CONC_FOREVER, cancel), 0);
}

START_TEST(a_fired_token_is_ECANCELED_and_works_again_after_reset)
{
	for_each_call(refuse_fired);
}
END_TEST

static void take_unfired(const struct call *call, struct things *t, bool waits,
			 conc_cancel *cancel)
{
	if (waits)
		expect_answer(call, t, waits, cancel,
			      conc_deadline_after(5 * MS), -ETIMEDOUT);
	else
		ck_assert_int_eq(call->run(t, CONC_TRY, cancel), 0);
	ck_assert(!conc_cancel_fired(cancel));
}

START_TEST(a_token_that_is_not_fired_changes_nothing)
{
	for_each_call(take_unfired);
}
END_TEST

static void refuse_foreign(const struct call *call, struct things *t, bool waits,
			   conc_cancel *cancel)
{
	/* As another copy of the library would mark it. */
	const void *foreign[8] = {untouched, untouched};

	(void)cancel;
	expect_answer(call, t, waits, (conc_cancel *)foreign, CONC_TRY,
		      -EINVAL);
	expect_answer(call, t, waits, (conc_cancel *)foreign, CONC_FOREVER,
		      -EINVAL);
}

START_TEST(a_token_that_this_library_did_not_make_is_EINVAL)
{
	for_each_call(refuse_foreign);
}
END_TEST

static conc_cancel *token;

static void fire(int number)
{
	(void)number;
	conc_cancel_fire(token);
}

START_TEST(a_token_is_fired_until_it_is_reset_also_by_a_signal_handler)
{
	struct sigaction action = {.sa_handler = fire};

	ck_assert_int_eq(conc_cancel_new(NULL), -EINVAL);
	conc_alloc_fail_after = 0;
	ck_assert_int_eq(conc_cancel_new(&token), -ENOMEM);
	conc_alloc_fail_after = -1;
	ck_assert_ptr_null(token);
	ck_assert_int_eq(conc_cancel_new(&token), 0);
	ck_assert(!conc_cancel_fired(token));
	conc_cancel_fire(token);
	conc_cancel_fire(token);
	ck_assert(conc_cancel_fired(token));
	conc_cancel_reset(token);
	ck_assert(!conc_cancel_fired(token));
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
	ck_assert(conc_cancel_fired(token));
	conc_cancel_free(token);
	conc_cancel_free(NULL);
	conc_cancel_fire(NULL);
	conc_cancel_reset(NULL);
	ck_assert(!conc_cancel_fired(NULL));
}
END_TEST

struct told {
	conc_cancel *cancel;
	conc_queue *queue;
	int message; /* no atomic: the token orders it */
};

static void *tell(void *arg)
{
	struct told *told = arg;

	told->message = 4711;
	conc_cancel_fire(told->cancel);
	return NULL;
}

START_TEST(who_finds_a_token_fired_sees_what_was_written_before)
{
	struct told told = {0};
	pthread_t thread;
	void *out;

	ck_assert_int_eq(conc_queue_new(NULL, &told.queue), 0);
	ck_assert_int_eq(conc_cancel_new(&told.cancel), 0);
	for (int round = 0; round < 100; round++) {
		ck_assert_int_eq(pthread_create(&thread, NULL, tell, &told), 0);
		if (round % 2)
			while (!conc_cancel_fired(told.cancel))
				;
		else
			while (conc_queue_pop(told.queue, &out, CONC_TRY,
					      told.cancel) != -ECANCELED)
				;
		ck_assert_int_eq(told.message, 4711);
		pthread_join(thread, NULL);
		told.message = 0;
		conc_cancel_reset(told.cancel);
	}
	conc_cancel_free(told.cancel);
	conc_queue_free(told.queue);
}
END_TEST

/* --- interrupted ------------------------------------------------------------- */

struct waiter {
	const struct call *call;
	struct things *things;
	_Atomic int rc; /* 1: not back yet */
};

static void *wait_in_thread(void *arg)
{
	struct waiter *waiter = arg;

	atomic_store(&waiter->rc, waiter->call->run(waiter->things,
						    CONC_FOREVER, NULL));
	return NULL;
}

static void on_signal(int number)
{
	(void)number;
}

/* The answer of a wait that is interrupted with `answer'. */
static int interrupt(const struct call *call, struct things *t, int answer)
{
	struct waiter waiter = {.call = call, .things = t, .rc = 1};
	struct timespec while_it_sleeps = {.tv_nsec = 2 * MS};
	pthread_t thread;

	atomic_store(&t->answer, answer);
	ck_assert_int_eq(pthread_create(&thread, NULL, wait_in_thread, &waiter),
			 0);
	while (atomic_load(&waiter.rc) == 1) {
		nanosleep(&while_it_sleeps, NULL);
		pthread_kill(thread, SIGUSR1);
	}
	pthread_join(thread, NULL);
	return waiter.rc;
}

static void end_by_answers(const struct call *call, struct things *t,
			   bool waits, conc_cancel *cancel)
{
	static const struct {
		int answer, rc;
	} cases[] = {
		{1, -EINVAL},
		{INT_MAX, -EINVAL},
		{-EINTR, -EINTR},
		{CONC_ERROR_FIRST, CONC_ERROR_FIRST},
		{CONC_ERROR_LAST, CONC_ERROR_LAST},
	};

	(void)cancel;
	if (!waits)
		return;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		ck_assert_int_eq(interrupt(call, t, cases[i].answer),
				 cases[i].rc);
		expect_unchanged(t, call->wants_item != waits);
	}
}

START_TEST(what_interrupted_answers_ends_the_wait_and_a_positive_answer_is_EINVAL)
{
	struct sigaction action = {.sa_handler = on_signal};

	sigaction(SIGUSR1, &action, NULL);
	for_each_call(end_by_answers);
}
END_TEST

/* To this thread, every millisecond; each ends a system call. */
static void send_signals(bool on)
{
	struct sigaction action = {.sa_handler = on_signal};
	struct itimerval often = {{0, 1000 * on}, {0, 1000 * on}};

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
}

static void wait_deaf(const struct call *call, struct things *t, bool waits,
		      conc_cancel *cancel)
{
	(void)cancel;
	if (!waits)
		return;
	atomic_store(&t->answer, -EINTR);
	atomic_store(&t->deaf, true);
	expect_answer(call, t, waits, NULL, conc_deadline_after(10 * MS),
		      -ETIMEDOUT);
	ck_assert_uint_eq(t->asked, 0);
	ck_assert_uint_ge(t->asked_whether, 1);
}

START_TEST(who_is_not_interruptible_waits_on_whatever_signals_come)
{
	send_signals(true);
	for_each_call(wait_deaf);
	send_signals(false);
}
END_TEST

static void *count_sleep(void *user)
{
	struct things *t = user;

	atomic_fetch_add(&t->sleeps, 1);
	return NULL;
}

/* Into how many pieces 1.5 s without a signal are cut. */
static unsigned pieces(bool (*interruptible)(void *), bool deaf)
{
	struct things t = {.deaf = deaf};
	const struct conc_wait_hooks hooks = {
		.size = sizeof(hooks),
		.user = &t,
		.wait_begin = count_sleep,
		.interrupted = asked,
		.interruptible = interruptible,
	};
	_Atomic uint32_t word = 0;

	ck_assert_int_eq(conc_sleep(&word, 0, conc_deadline_after(1500 * MS),
				    &hooks),
			 -ETIMEDOUT);
	ck_assert_uint_eq(t.asked_whether, interruptible != NULL);
	ck_assert_uint_eq(t.asked, t.sleeps - 1);
	return t.sleeps;
}

START_TEST(only_who_is_interruptible_wakes_once_a_second)
{
	ck_assert_uint_eq(pieces(asked_whether, true), 1);
	ck_assert_uint_ge(pieces(asked_whether, false), 2);
	ck_assert_uint_ge(pieces(NULL, false), 2);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_deadline_from_before_the_library_was_loaded_is_EINVAL,
		a_deadline_that_has_passed_since_is_one,
		who_need_not_wait_does_not,
		a_fired_token_is_ECANCELED_and_works_again_after_reset,
		a_token_that_is_not_fired_changes_nothing,
		a_token_that_this_library_did_not_make_is_EINVAL,
		a_token_is_fired_until_it_is_reset_also_by_a_signal_handler,
		who_finds_a_token_fired_sees_what_was_written_before,
		what_interrupted_answers_ends_the_wait_and_a_positive_answer_is_EINVAL,
		who_is_not_interruptible_waits_on_whatever_signals_come,
		only_who_is_interruptible_wakes_once_a_second,
	};

	return run_tests("waiting", tests, COUNT_OF(tests), 60);
}
