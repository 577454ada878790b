/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Read sections, grace periods and retired memory. */
#include <config.h>

#include <concurrency.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/grace.h"
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

static void retire(struct block *block, size_t bytes,
		   void (*free)(struct conc_retired *block))
{
	block->retired.bytes = bytes;
	conc_retire(&block->retired, free);
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
	retire(&block, 1, note_free);
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

	retire(&block, 1, note_free);
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

	retire(&before, 1, note_free);
	begin_period(&period, &before);
	retire(&during, 1, note_free);
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
		retire(&blocks[i], 1, note_free);
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

static int give_up(void *user)
{
	(void)user;
	return CONC_ERROR_FIRST;
}

START_TEST(a_wait_for_readers_asks_whether_a_signal_has_come)
{
	struct conc_wait_hooks hooks = CONC_WAIT_HOOKS_INIT;
	struct block block = {.dead = false};
	pthread_t thread;

	hooks.interrupted = give_up;
	ck_assert_int_eq(pthread_create(&thread, NULL, reader, &block), 0);
	wait_for_stage(1);
	ck_assert_int_eq(conc_reclaim(&hooks), CONC_ERROR_FIRST);
	atomic_store(&stage, 2);
	pthread_join(thread, NULL);
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
		retire(&block, 1, note_free);
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

/* --- sections and records -------------------------------------------------- */

/* Looks often enough for a period to end, if it can. */
static void look_often(void)
{
	for (int i = 0; i < 4; i++)
		conc_rcu_rest_now();
}

/* What another thread does at each stage; the test waits for its answer. */
static void (*at_stage[4])(void);
static _Atomic int stages_done;

static void *go_through_stages(void *count)
{
	for (int i = 0; i < (int)(intptr_t)count; i++) {
		wait_for_stage(i + 1);
		at_stage[i]();
		atomic_store(&stages_done, i + 1);
	}
	return NULL;
}

static void let_do(int number)
{
	atomic_store(&stage, number);
	while (atomic_load(&stages_done) < number)
		usleep(1000);
}

static void begin_section(void)
{
	conc_read_begin();
}

static void begin_section_without_memory(void)
{
	conc_alloc_fail_after = 0;
	conc_read_begin();
	conc_alloc_fail_after = -1;
	ck_assert(!conc_rcu_reader()->listed);
}

static void end_section(void)
{
	conc_read_end();
}

/* With no look of its own in between. */
static void begin_another(void)
{
	conc_rcu_leave(conc_rcu_reader());
	conc_rcu_enter();
}

static void do_nothing(void)
{
}

static pthread_t start(void (*first)(void), void (*second)(void), void (*third)(void))
{
	pthread_t thread;

	at_stage[0] = first;
	at_stage[1] = second;
	at_stage[2] = third;
	ck_assert_int_eq(pthread_create(&thread, NULL, go_through_stages,
					(void *)(intptr_t)3), 0);
	return thread;
}

START_TEST(a_reader_without_memory_for_a_record_is_waited_for)
{
	struct block block = {.dead = false};
	pthread_t thread = start(begin_section_without_memory, end_section,
				 do_nothing);

	let_do(1);
	retire(&block, 1, note_free);
	look_often();
	ck_assert(!block.dead);
	let_do(2);
	look_often();
	ck_assert(block.dead);
	let_do(3);
	pthread_join(thread, NULL);
}
END_TEST

START_TEST(a_reader_that_is_always_seen_inside_holds_up_one_period_only)
{
	struct block block = {.dead = false};
	pthread_t thread = start(begin_section, begin_another, end_section);

	let_do(1);
	retire(&block, 1, note_free);
	look_often();
	ck_assert(!block.dead);
	let_do(2);
	look_often();
	ck_assert(block.dead);
	let_do(3);
	pthread_join(thread, NULL);
}
END_TEST

static void read_once(void)
{
	conc_read_begin();
	conc_read_end();
}

START_TEST(a_thread_that_does_not_read_holds_nothing_up)
{
	struct block block = {.dead = false};
	pthread_t thread = start(read_once, do_nothing, do_nothing);

	let_do(1);
	retire(&block, 1, note_free);
	look_often();
	ck_assert(block.dead);
	let_do(2);
	let_do(3);
	pthread_join(thread, NULL);
}
END_TEST

START_TEST(a_section_that_its_thread_has_not_ended_ends_with_it)
{
	struct block block = {.dead = false};
	pthread_t thread = start(begin_section, do_nothing, do_nothing);

	let_do(1);
	retire(&block, 1, note_free);
	let_do(2);
	look_often();
	ck_assert(!block.dead);
	let_do(3);
	pthread_join(thread, NULL);
	look_often();
	ck_assert(block.dead);
}
END_TEST

static size_t count_records(void)
{
	size_t count = 0;

	for (conc_reader *r = conc_rcu_readers(); r != NULL; r = r->next)
		count++;
	return count;
}

START_TEST(records_stay_and_are_used_again)
{
	size_t count;

	read_once();
	for (int i = 0; i < 20; i++) {
		pthread_t thread;

		ck_assert_int_eq(pthread_create(&thread, NULL, read_and_end,
						NULL), 0);
		pthread_join(thread, NULL);
		look_often();
	}
	count = count_records();
	ck_assert_uint_le(count, 2);
	ck_assert_int_eq(conc_reclaim(NULL), 0);
}
END_TEST

/* What a thread does in three steps holds a block up until the third. */
static void holds_up_until_its_end(void (*begin)(void), void (*go_on)(void),
				   void (*end)(void))
{
	struct block block = {.dead = false};
	pthread_t thread = start(begin, go_on, end);

	let_do(1);
	retire(&block, 1, note_free);
	look_often();
	let_do(2);
	look_often();
	ck_assert(!block.dead);
	let_do(3);
	look_often();
	ck_assert(block.dead);
	pthread_join(thread, NULL);
}

START_TEST(an_inner_section_that_ends_leaves_the_outer_one)
{
	holds_up_until_its_end(begin_section, read_once, end_section);
}
END_TEST

static void end_both(void)
{
	conc_read_end();
	conc_read_end();
}

START_TEST(a_section_goes_on_at_whatever_depth)
{
	holds_up_until_its_end(begin_section, begin_section, end_both);
}
END_TEST

/* --- callbacks ------------------------------------------------------------- */

static int depth, deepest, calls;

struct chain {
	struct conc_deferred deferred;
	struct chain *next;
};

/* Has another one wait, and does all that could release it. */
static void go_on(struct conc_deferred *deferred)
{
	struct chain *chain = (struct chain *)deferred;

	calls++;
	if (++depth > deepest)
		deepest = depth;
	ck_assert_int_eq(conc_reclaim(NULL), -EBUSY);
	if (chain->next != NULL)
		conc_defer(&chain->next->deferred, go_on);
	look_often();
	for (int i = 0; i < 2 * CONC_OPERATIONS_PER_LOOK; i++)
		read_once();
	depth--;
}

static void release_a_chain(void)
{
	static struct chain chain[10];

	for (size_t i = 0; i + 1 < COUNT_OF(chain); i++)
		chain[i].next = &chain[i + 1];
	conc_defer(&chain[0].deferred, go_on);
	ck_assert_int_eq(conc_reclaim(NULL), 0);
	for (int i = 0; i < 20; i++)
		look_often();
	ck_assert_int_eq(calls, 10);
	ck_assert_int_eq(deepest, 1);
}

START_TEST(what_a_callback_retires_is_released_after_it)
{
	release_a_chain();
}
END_TEST

START_TEST(nor_is_it_within_it_in_a_thread_without_a_record)
{
	conc_alloc_fail_after = 0;
	release_a_chain();
	ck_assert(!conc_rcu_reader()->listed);
	conc_alloc_fail_after = -1;
}
END_TEST

static void take_the_lock(struct conc_retired *block)
{
	ck_assert(conc_grace_hold(conc_deadline_after(1000 * 1000 * 1000)) ==
		  CONC_GRACE_HELD);
	conc_grace_resume();
	note_free(block);
}

START_TEST(callbacks_run_without_the_lock)
{
	struct block block = {.dead = false};

	retire(&block, 1, take_the_lock);
	ck_assert_int_eq(conc_reclaim(NULL), 0);
	ck_assert(block.dead);
}
END_TEST

static struct block some_blocks[300];

static void *retire_all(void *unused)
{
	conc_read_begin();
	for (size_t i = 0; i < COUNT_OF(some_blocks); i++)
		retire(&some_blocks[i], 1, note_free);
	return unused; /* and the section ends with the thread */
}

/* Who has retired them itself frees more at once. */
START_TEST(what_another_thread_retired_is_freed_some_at_a_time)
{
	int before = 0, looks = 0;
	pthread_t thread;

	read_once(); /* not with the record of the one that has retired them */
	atomic_store(&freed, 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, retire_all, NULL), 0);
	pthread_join(thread, NULL);
	for (; before < 300 && looks < 20; looks++) {
		int now;

		conc_rcu_rest_now();
		now = atomic_load(&freed);
		ck_assert_int_le(now - before, 128);
		before = now;
	}
	ck_assert_int_eq(before, 300);
}
END_TEST

/* Who retires many has more freed at each look. */
START_TEST(who_retires_more_than_is_freed_at_a_look_catches_up)
{
	static struct block blocks[50][400];
	int retired = 0;

	atomic_store(&freed, 0);
	for (size_t round = 0; round < COUNT_OF(blocks); round++) {
		conc_read_begin();
		for (size_t i = 0; i < COUNT_OF(blocks[round]); i++)
			retire(&blocks[round][i], 1, note_free);
		conc_read_end();
		retired += (int)COUNT_OF(blocks[round]);
		/* Those of the section before, if not of this one. */
		ck_assert_int_le(retired - atomic_load(&freed),
				 2 * (int)COUNT_OF(blocks[round]));
	}
}
END_TEST

static void wait_within(struct conc_retired *block)
{
	atomic_store(&stage, 1);
	wait_for_stage(2);
	note_free(block);
}

static void *let_it_go_on(void *user)
{
	atomic_store(&stage, 2);
	return user;
}

static void do_not_count(void *token, void *user)
{
	(void)token;
	(void)user;
}

/* The other one has the second in its hands, too, while it frees the first. */
START_TEST(reclaim_waits_for_what_another_thread_is_freeing)
{
	struct conc_wait_hooks hooks = {
		.size = sizeof(struct conc_wait_hooks),
		.wait_begin = let_it_go_on,
		.wait_end = do_not_count,
	};
	static struct block first, second;
	pthread_t thread;

	retire(&second, 1, note_free);
	retire(&first, 1, wait_within);
	ck_assert_int_eq(pthread_create(&thread, NULL, reclaim, NULL), 0);
	wait_for_stage(1);
	ck_assert_int_eq(conc_reclaim(&hooks), 0);
	ck_assert(first.dead);
	ck_assert(second.dead);
	pthread_join(thread, NULL);
}
END_TEST

START_TEST(a_look_that_falls_into_a_section_is_made_up_for_at_its_end)
{
	struct block block = {.dead = false};
	conc_queue *queue;

	ck_assert_int_eq(conc_queue_new(NULL, &queue), 0);
	retire(&block, 1, note_free);
	/* With the section's end there are as many as lie between two looks. */
	conc_rcu_reader()->operations_left = 0;
	for (int round = 0; round < 20; round++) {
		conc_read_begin();
		for (int i = 0; i < CONC_OPERATIONS_PER_LOOK - 1; i++)
			conc_queue_size(queue);
		conc_read_end();
	}
	ck_assert(block.dead);
	conc_queue_free(queue);
}
END_TEST

static conc_dict *dict_in_use;

static void retain_nothing(void *value, void *user)
{
	(void)value;
	(void)user;
}

/* Reads often enough for others to be released. */
static void release_and_read(void *value, void *user)
{
	struct conc_value found;

	(void)value;
	(void)user;
	calls++;
	if (++depth > deepest)
		deepest = depth;
	for (int i = 0; i < 2 * CONC_OPERATIONS_PER_LOOK; i++)
		conc_dict_int_get(dict_in_use, -1, &found);
	depth--;
}

static conc_dict *dict_of_objects(void)
{
	struct conc_dict_attr attr = CONC_DICT_ATTR_INIT;
	struct conc_value_ops ops = CONC_VALUE_OPS_INIT;
	conc_dict *dict;

	ops.retain = retain_nothing;
	ops.release = release_and_read;
	attr.values = CONC_VALUE_RETAINED;
	attr.value_ops = &ops;
	ck_assert_int_eq(conc_dict_new(&attr, &dict), 0);
	return dict;
}

START_TEST(callbacks_that_use_the_same_dict_do_not_run_within_each_other)
{
	static _Alignas(8) char object[8];
	const struct conc_value value = {.kind = CONC_POINTER, .u.pointer = object};

	dict_in_use = dict_of_objects();
	for (int key = 0; key < 300; key++)
		ck_assert_int_eq(conc_dict_int_set(dict_in_use, key, &value), 0);
	conc_read_begin(); /* so that all wait together */
	for (int key = 0; key < 300; key++)
		ck_assert_int_eq(conc_dict_int_delete(dict_in_use, key), 0);
	conc_read_end();
	ck_assert_int_eq(conc_reclaim(NULL), 0);
	conc_dict_clear(dict_in_use);
	ck_assert_int_eq(calls, 300);
	ck_assert_int_eq(deepest, 1);
	conc_dict_free(dict_in_use);
}
END_TEST

/* --- threads that end where others go on ----------------------------------- */

static void end_within(struct conc_retired *block)
{
	note_free(block);
	pthread_exit(NULL);
}

/* The last one retired is the first to be freed. */
static void *end_while_freeing(void *blocks)
{
	struct block *block = blocks;

	retire(&block[0], 1, note_free);
	retire(&block[1], 1, end_within);
	conc_reclaim(NULL);
	return NULL;
}

START_TEST(a_thread_that_ends_while_it_frees_hands_the_rest_back)
{
	static struct block blocks[2];
	pthread_t thread;

	read_once();
	ck_assert_int_eq(pthread_create(&thread, NULL, end_while_freeing,
					blocks), 0);
	pthread_join(thread, NULL);
	ck_assert(blocks[1].dead);
	ck_assert(!blocks[0].dead);
	/* With the record of the one that has ended. */
	ck_assert_int_eq(pthread_create(&thread, NULL, reclaim, NULL), 0);
	pthread_join(thread, NULL);
	ck_assert_uint_eq(count_records(), 2);
	ck_assert(blocks[0].dead);
	ck_assert_uint_eq(conc_reclaim_pending(), 0);
}
END_TEST

static pthread_key_t section_key;

static void end_late(void *unused)
{
	(void)unused;
	conc_read_end();
}

/* A thread's first section is not like those after it. */
static void *leave_a_section_to_a_destructor(void *another)
{
	if (another != NULL)
		read_once();
	conc_read_begin();
	ck_assert_int_eq(pthread_setspecific(section_key, &section_key), 0);
	return NULL;
}

static void end_in_a_destructor(void *another)
{
	struct block block = {.dead = false};
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL,
					leave_a_section_to_a_destructor,
					another), 0);
	pthread_join(thread, NULL);
	retire(&block, 1, note_free);
	/* With the records of the one that has ended, liburcu's too. */
	ck_assert_int_eq(pthread_create(&thread, NULL, reclaim, NULL), 0);
	pthread_join(thread, NULL);
	ck_assert(block.dead);
}

START_TEST(a_section_may_end_in_a_destructor_of_its_thread)
{
	ck_assert_int_eq(pthread_key_create(&section_key, end_late), 0);
	end_in_a_destructor(NULL);
	end_in_a_destructor(&section_key);
}
END_TEST

/* --- bytes that wait ------------------------------------------------------- */

static conc_dict *dict_of_byte_strings(void)
{
	struct conc_dict_attr attr = CONC_DICT_ATTR_INIT;
	conc_dict *dict;

	attr.keys = CONC_KEY_BYTES;
	attr.values = CONC_VALUE_INT64;
	ck_assert_int_eq(conc_dict_new(&attr, &dict), 0);
	return dict;
}

START_TEST(bytes_wait_until_they_are_freed)
{
	struct block block = {.dead = false};

	ck_assert_uint_eq(conc_reclaim_pending(), 0);
	retire(&block, 1000, note_free);
	ck_assert_uint_eq(conc_reclaim_pending(), 1000);
	ck_assert_int_eq(conc_reclaim(NULL), 0);
	ck_assert_uint_eq(conc_reclaim_pending(), 0);
}
END_TEST

static void delete_keys(conc_dict *dict)
{
	const struct conc_value one = {.kind = CONC_NUMBER, .u.number = 1};

	for (char key = 'a'; key < 'e'; key++)
		ck_assert_int_eq(conc_dict_set(dict, &key, 1, &one), 0);
	ck_assert_int_eq(conc_reclaim(NULL), 0); /* tables that were too small */
	ck_assert_uint_eq(conc_reclaim_pending(), 0);
	conc_read_begin();
	for (char key = 'a'; key < 'e'; key++)
		ck_assert_int_eq(conc_dict_delete(dict, &key, 1), 0);
	ck_assert_uint_ge(conc_reclaim_pending(), 4);
	conc_read_end();
}

START_TEST(byte_strings_wait_for_operations_of_any_kind)
{
	conc_dict *dict = dict_of_byte_strings();
	conc_queue *queue;
	int looks = 0;

	delete_keys(dict);
	ck_assert_int_eq(conc_reclaim(NULL), 0);
	ck_assert_uint_eq(conc_reclaim_pending(), 0);
	delete_keys(dict);
	ck_assert_int_eq(conc_queue_new(NULL, &queue), 0);
	for (; conc_reclaim_pending() != 0; looks++)
		conc_queue_size(queue);
	ck_assert_int_le(looks, 600); /* as the manual says */
	conc_queue_free(queue);
	conc_dict_free(dict);
}
END_TEST

START_TEST(a_try_does_not_nap)
{
	struct conc_queue_attr attr = CONC_QUEUE_ATTR_INIT;
	struct conc_wait_hooks hooks = {
		.size = sizeof(struct conc_wait_hooks),
		.user = &begins,
		.wait_begin = count_begin,
		.wait_end = count_end,
	};
	conc_queue *queue;
	void *item;

	attr.wait = &hooks;
	ck_assert_int_eq(conc_queue_new(&attr, &queue), 0);
	conc_reclaim_set_limit(0);
	conc_rcu_waits(conc_rcu_reader(), 1000);
	for (int i = 0; i < 3 * CONC_OPERATIONS_PER_LOOK; i++)
		ck_assert_int_eq(conc_queue_pop(queue, &item, CONC_TRY, NULL), -EAGAIN);
	ck_assert_int_eq(begins, 0);
	conc_rcu_waits_no_more(1000);
	conc_queue_free(queue);
}
END_TEST

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
		a_wait_for_readers_asks_whether_a_signal_has_come,
		a_forked_child_reads_and_reclaims,
		a_fork_does_not_wait_for_ever_for_a_thread_that_is_ending,
		a_thread_that_reads_for_the_first_time_waits_for_a_fork_under_way,
		a_thread_that_reads_for_the_first_time_does_not_wait_for_ever,
#ifdef HAVE___CXA_THREAD_ATEXIT_IMPL
		/* Elsewhere a fork does not see threads that end (thread_exit.h). */
		a_fork_waits_for_threads_that_are_ending,
		a_thread_that_ends_waits_for_a_fork_under_way,
#ifndef UNDER_ASAN
		/* There a child inherits the locks of a thread in malloc(), for ever. */
		children_of_a_process_whose_threads_come_and_go_can_read,
#endif
#endif
		a_reader_without_memory_for_a_record_is_waited_for,
		a_reader_that_is_always_seen_inside_holds_up_one_period_only,
		a_thread_that_does_not_read_holds_nothing_up,
		a_section_that_its_thread_has_not_ended_ends_with_it,
		records_stay_and_are_used_again,
		an_inner_section_that_ends_leaves_the_outer_one,
		a_section_goes_on_at_whatever_depth,
		what_a_callback_retires_is_released_after_it,
		nor_is_it_within_it_in_a_thread_without_a_record,
		callbacks_run_without_the_lock,
		what_another_thread_retired_is_freed_some_at_a_time,
		who_retires_more_than_is_freed_at_a_look_catches_up,
		reclaim_waits_for_what_another_thread_is_freeing,
		a_look_that_falls_into_a_section_is_made_up_for_at_its_end,
		callbacks_that_use_the_same_dict_do_not_run_within_each_other,
		a_thread_that_ends_while_it_frees_hands_the_rest_back,
		a_section_may_end_in_a_destructor_of_its_thread,
		bytes_wait_until_they_are_freed,
		byte_strings_wait_for_operations_of_any_kind,
		a_try_does_not_nap,
		deadlines_are_absolute_and_do_not_overflow,
	};

	return run_tests("rcu", tests, COUNT_OF(tests), 30);
}
