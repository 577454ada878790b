/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Read sections, grace periods and retired memory. */
#include <config.h>

#include <concurrency.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/rcu.h"
#include "suite.h"
#include "base/thread_exit.h"

#if defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#endif
#endif

static _Atomic int freed;

struct block {
	struct conc_retired retired;
	bool dead;
};

static void note_free(struct conc_retired *block)
{
	((struct block *)block)->dead = true;
	atomic_fetch_add(&freed, 1);
}

static _Atomic int stage;

static void wait_for_stage(int wanted)
{
	while (atomic_load(&stage) < wanted)
		usleep(1000);
}

/* Enters a section, waits to be let go, leaves. */
static void *reader(void *arg)
{
	struct block *block = arg;
	conc_reader *reader = conc_rcu_enter();

	atomic_store(&stage, 1);
	wait_for_stage(2);
	usleep(50 * 1000);
	ck_assert(!block->dead);
	conc_rcu_leave(reader);
	return NULL;
}

START_TEST(retired_memory_outlives_the_readers_that_may_have_it)
{
	struct block block = {.dead = false};
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, reader, &block), 0);
	wait_for_stage(1);
	conc_retire(&block.retired, 1, note_free);
	ck_assert(!block.dead);
	atomic_store(&stage, 2);
	ck_assert_int_eq(conc_reclaim(NULL), 0);
	ck_assert(block.dead);
	pthread_join(thread, NULL);
}
END_TEST

START_TEST(reclaim_inside_a_section_is_EBUSY_and_frees_nothing)
{
	struct block block = {.dead = false};
	conc_reader *reader;

	conc_retire(&block.retired, 1, note_free);
	reader = conc_rcu_enter();
	ck_assert_int_eq(conc_reclaim(NULL), -EBUSY);
	ck_assert(!block.dead);
	conc_rcu_leave(reader);
	ck_assert_int_eq(conc_reclaim(NULL), 0);
	ck_assert(block.dead);
}
END_TEST

START_TEST(a_section_inside_another_does_not_end_it)
{
	conc_reader *outer = conc_rcu_enter();

	conc_rcu_leave(conc_rcu_enter());
	ck_assert_int_eq(conc_reclaim(NULL), -EBUSY);
	conc_rcu_leave(outer);
	ck_assert_int_eq(conc_reclaim(NULL), 0);
}
END_TEST

START_TEST(a_stamp_has_passed_only_after_a_whole_grace_period)
{
	uint64_t stamp = conc_rcu_stamp();

	ck_assert(!conc_rcu_passed(stamp));
	ck_assert_int_eq(conc_reclaim(NULL), 0);
	ck_assert(conc_rcu_passed(stamp));
	ck_assert(!conc_rcu_passed(conc_rcu_stamp()));
}
END_TEST

static void *reclaim(void *unused)
{
	(void)unused;
	ck_assert_int_eq(conc_reclaim(NULL), 0);
	return NULL;
}

/* Threads of a grace period that lasts as long as its one reader. */
struct period {
	pthread_t reading, reclaiming;
};

static void begin_period(struct period *period, struct block *read)
{
	uint64_t stamp = conc_rcu_stamp();

	ck_assert_int_eq(pthread_create(&period->reading, NULL, reader, read), 0);
	wait_for_stage(1);
	ck_assert_int_eq(pthread_create(&period->reclaiming, NULL, reclaim,
					NULL), 0);
	/* It counts as begun when its batch was taken; not for ever if it does not. */
	for (int i = 0; i < 2000 && conc_rcu_stamp() == stamp; i++)
		usleep(1000);
}

static void end_period(struct period *period)
{
	atomic_store(&stage, 2);
	pthread_join(period->reading, NULL);
	pthread_join(period->reclaiming, NULL);
}

START_TEST(a_stamp_does_not_pass_while_a_reader_is_left)
{
	struct block block = {.dead = false};
	uint64_t stamp = conc_rcu_stamp();
	struct period period;

	begin_period(&period, &block);
	usleep(20 * 1000);
	ck_assert(!conc_rcu_passed(stamp));
	end_period(&period);
	ck_assert(conc_rcu_passed(stamp));
}
END_TEST

START_TEST(who_finds_a_stamp_passed_comes_after_the_readers_of_before)
{
	struct block block = {.dead = false};
	uint64_t stamp = conc_rcu_stamp();
	struct period period;

	begin_period(&period, &block);
	atomic_store(&stage, 2);
	while (!conc_rcu_passed(stamp))
		usleep(1000);
	/* Plain, as the reader's look: a sanitizer sees if this is no order. */
	block.dead = true;
	end_period(&period);
}
END_TEST

START_TEST(what_is_retired_during_a_grace_period_waits_for_the_next_one)
{
	struct block before = {.dead = false}, during = {.dead = false};
	struct period period;
	uint64_t stamp;

	conc_retire(&before.retired, 1, note_free);
	begin_period(&period, &before);
	conc_retire(&during.retired, 1, note_free);
	stamp = conc_rcu_stamp();
	end_period(&period);
	ck_assert(before.dead);
	ck_assert(!during.dead);
	ck_assert(!conc_rcu_passed(stamp));
	ck_assert_int_eq(conc_reclaim(NULL), 0);
	ck_assert(during.dead);
	ck_assert(conc_rcu_passed(stamp));
}
END_TEST

START_TEST(a_batch_is_freed_when_it_is_due)
{
	static struct block blocks[200];

	atomic_store(&freed, 0);
	for (size_t i = 0; i < COUNT_OF(blocks); i++) {
		conc_rcu_leave(conc_rcu_enter());
		conc_retire(&blocks[i].retired, 1, note_free);
		conc_rcu_rest_without(NULL);
	}
	ck_assert_int_ge(atomic_load(&freed), 128);
	ck_assert_int_eq(conc_reclaim(NULL), 0);
	ck_assert_int_eq(atomic_load(&freed), 200);
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

START_TEST(a_reader_is_waited_for_between_the_hooks)
{
	struct conc_wait_hooks hooks = {
		.size = sizeof(struct conc_wait_hooks),
		.user = &begins,
		.wait_begin = count_begin,
		.wait_end = count_end,
	};
	struct block block = {.dead = false};
	pthread_t thread;

	ck_assert_int_eq(conc_reclaim(&hooks), 0);
	ck_assert_int_eq(begins, 0); /* nobody to wait for */
	ck_assert_int_eq(pthread_create(&thread, NULL, reader, &block), 0);
	wait_for_stage(1);
	atomic_store(&stage, 2);
	ck_assert_int_eq(conc_reclaim(&hooks), 0);
	pthread_join(thread, NULL);
	ck_assert_int_ge(begins, 1);
	ck_assert_int_eq(begins, ends);
}
END_TEST

START_TEST(a_forked_child_reads_and_reclaims)
{
	struct block block = {.dead = false};
	int status;
	pid_t child;

	conc_rcu_leave(conc_rcu_enter()); /* this thread is known to liburcu */
	conc_before_fork();
	child = fork();
	if (child == 0) {
		conc_after_fork_child();
		conc_rcu_leave(conc_rcu_enter());
		conc_retire(&block.retired, 1, note_free);
		_exit(conc_reclaim(NULL) == 0 && block.dead ? 0 : 1);
	}
	conc_after_fork_parent();
	ck_assert_int_gt(child, 0);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	ck_assert_int_eq(conc_reclaim(NULL), 0);
}
END_TEST

static pthread_key_t slow_key;

/* Among the last things that a thread does: liburcu's destructor is one too. */
static void end_slowly(void *unused)
{
	(void)unused;
	atomic_store(&stage, 1);
	wait_for_stage(2);
}

static void *read_and_end(void *slowly)
{
	conc_rcu_leave(conc_rcu_enter());
	if (slowly != NULL)
		ck_assert_int_eq(pthread_setspecific(slow_key, slowly), 0);
	return NULL;
}

static _Atomic bool forked;

static void *fork_a_child(void *unused)
{
	int status;
	pid_t child;

	(void)unused;
	conc_before_fork();
	child = fork();
	if (child == 0) {
		conc_after_fork_child();
		conc_rcu_leave(conc_rcu_enter());
		_exit(conc_reclaim(NULL) == 0 ? 0 : 1);
	}
	conc_after_fork_parent();
	atomic_store(&forked, true);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	return NULL;
}

static pthread_t slowly_ending(void)
{
	pthread_t thread;

	atomic_store(&stage, 0);
	/* The library's key comes first, so its destructor runs before this one. */
	conc_rcu_leave(conc_rcu_enter());
	ck_assert_int_eq(pthread_key_create(&slow_key, end_slowly), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, read_and_end, &stage), 0);
	wait_for_stage(1);
	return thread;
}

#ifdef HAVE___CXA_THREAD_ATEXIT_IMPL
START_TEST(a_fork_waits_for_threads_that_are_ending)
{
	pthread_t ending = slowly_ending(), forking;

	ck_assert_int_eq(pthread_create(&forking, NULL, fork_a_child, NULL), 0);
	usleep(50 * 1000);
	ck_assert(!atomic_load(&forked));
	atomic_store(&stage, 2);
	pthread_join(forking, NULL);
	pthread_join(ending, NULL);
}
END_TEST
#endif

START_TEST(a_fork_does_not_wait_for_ever_for_a_thread_that_is_ending)
{
	pthread_t ending = slowly_ending();

	fork_a_child(NULL);
	atomic_store(&stage, 2);
	pthread_join(ending, NULL);
	fork_a_child(NULL);
}
END_TEST

static void *read_and_end_later(void *unused)
{
	conc_rcu_leave(conc_rcu_enter());
	atomic_store(&stage, 1);
	wait_for_stage(2);
	return unused;
}

#ifdef HAVE___CXA_THREAD_ATEXIT_IMPL
/* Within 100 ms. */
static bool comes_to_its_end(pthread_t thread)
{
	struct timespec soon;

	clock_gettime(CLOCK_REALTIME, &soon);
	soon.tv_nsec += 100 * 1000 * 1000;
	soon.tv_sec += soon.tv_nsec / 1000000000;
	soon.tv_nsec %= 1000000000;
	return pthread_timedjoin_np(thread, NULL, &soon) == 0;
}

START_TEST(a_thread_that_ends_waits_for_a_fork_under_way)
{
	pthread_t ending;

	atomic_store(&stage, 0);
	ck_assert_int_eq(pthread_create(&ending, NULL, read_and_end_later, NULL),
			 0);
	wait_for_stage(1);
	conc_thread_exit_hold();
	atomic_store(&stage, 2);
	ck_assert(!comes_to_its_end(ending));
	conc_thread_exit_resume();
	pthread_join(ending, NULL);
}
END_TEST
#endif

START_TEST(a_thread_that_reads_for_the_first_time_waits_for_a_fork_under_way)
{
	pthread_t coming;

	atomic_store(&stage, 0);
	conc_rcu_leave(conc_rcu_enter());
	conc_thread_exit_hold();
	ck_assert_int_eq(pthread_create(&coming, NULL, read_and_end_later, NULL),
			 0);
	usleep(100 * 1000);
	ck_assert_int_eq(atomic_load(&stage), 0);
	conc_thread_exit_resume();
	wait_for_stage(1);
	atomic_store(&stage, 2);
	pthread_join(coming, NULL);
}
END_TEST

START_TEST(a_thread_that_reads_for_the_first_time_does_not_wait_for_ever)
{
	pthread_t coming;

	atomic_store(&stage, 0);
	conc_rcu_leave(conc_rcu_enter());
	conc_thread_exit_hold();
	ck_assert_int_eq(pthread_create(&coming, NULL, read_and_end_later, NULL),
			 0);
	wait_for_stage(1);
	conc_thread_exit_resume();
	atomic_store(&stage, 2);
	pthread_join(coming, NULL);
}
END_TEST

#if defined(HAVE___CXA_THREAD_ATEXIT_IMPL) && !defined(UNDER_ASAN)
static void *read_and_end_often(void *over)
{
	while (!atomic_load((_Atomic bool *)over)) {
		pthread_t threads[4];

		for (size_t i = 0; i < COUNT_OF(threads); i++)
			if (pthread_create(&threads[i], NULL, read_and_end,
					   NULL) != 0)
				abort(); /* no ck_assert: it has memory */
		for (size_t i = 0; i < COUNT_OF(threads); i++)
			pthread_join(threads[i], NULL);
	}
	return NULL;
}

START_TEST(children_of_a_process_whose_threads_come_and_go_can_read)
{
	static _Atomic bool over;
	pthread_t churning;

	ck_assert_int_eq(pthread_create(&churning, NULL, read_and_end_often,
					&over), 0);
	for (int i = 0; i < 300; i++)
		fork_a_child(NULL);
	atomic_store(&over, true);
	pthread_join(churning, NULL);
}
END_TEST
#endif

START_TEST(deadlines_are_absolute_and_do_not_overflow)
{
	int64_t before = conc_now(), deadline = conc_deadline_after(1000);

	ck_assert_int_ge(deadline, before + 1000);
	ck_assert_int_le(deadline, conc_now() + 1000);
	ck_assert_int_eq(conc_deadline_after(0), CONC_TRY);
	ck_assert_int_eq(conc_deadline_after(-5), CONC_TRY);
	ck_assert_int_eq(conc_deadline_after(INT64_MAX), CONC_FOREVER);
	ck_assert_str_eq(conc_version(), PACKAGE_VERSION);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		retired_memory_outlives_the_readers_that_may_have_it,
		reclaim_inside_a_section_is_EBUSY_and_frees_nothing,
		a_section_inside_another_does_not_end_it,
		a_stamp_has_passed_only_after_a_whole_grace_period,
		a_stamp_does_not_pass_while_a_reader_is_left,
		who_finds_a_stamp_passed_comes_after_the_readers_of_before,
		what_is_retired_during_a_grace_period_waits_for_the_next_one,
		a_batch_is_freed_when_it_is_due,
		a_reader_is_waited_for_between_the_hooks,
		a_forked_child_reads_and_reclaims,
		a_fork_does_not_wait_for_ever_for_a_thread_that_is_ending,
		a_thread_that_reads_for_the_first_time_waits_for_a_fork_under_way,
		a_thread_that_reads_for_the_first_time_does_not_wait_for_ever,
#ifdef HAVE___CXA_THREAD_ATEXIT_IMPL
		/* Elsewhere a fork does not see threads that end (thread_exit.h). */
		a_fork_waits_for_threads_that_are_ending,
		a_thread_that_ends_waits_for_a_fork_under_way,
#ifndef UNDER_ASAN
		/* Under load, about one child in 10,000 hangs there; why, is open. */
		children_of_a_process_whose_threads_come_and_go_can_read,
#endif
#endif
		deadlines_are_absolute_and_do_not_overflow,
	};

	return run_tests("rcu", tests, COUNT_OF(tests), 30);
}
