/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fork(), as reclaim.h promises it.  Each child uses everything, with threads of
 * its own, and each fork is timed: one that had to wait for what it need not
 * wait for takes 2 s.  As the machine may take as long once, a test repeats
 * itself and lets one of its forks be slow.
 */
#include <config.h>

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#if defined(__linux__)
#include <sys/syscall.h>
#endif

#include "structures.h"

#if defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#endif
#endif

/*
 * A sanitizer's allocator takes no locks around a fork: where other threads may
 * be in malloc(), start or end, its children hang.
 */
#if defined(UNDER_ASAN) || defined(CONC_TSAN)
#define SANITIZED 1
#endif

#define CHILD_SECONDS 60 /* one that takes longer hangs */
#define TEST_SECONDS 120
#define SLOW (2 * INT64_C(1000000000)) /* ns */

/* No thread is inside a call on these when another one forks. */
static struct structures shared;

/*
 * What may still be counted in a child at its end: what other threads had in
 * hand at the fork, which is a batch each.
 */
static size_t in_hand;
#define SOME_BATCHES ((size_t)1 << 20)

static _Atomic int slow_forks;

static _Atomic int stage;

static void wait_for_stage(int wanted)
{
	while (atomic_load(&stage) < wanted)
		usleep(1000);
}

static pthread_t start(void *(*body)(void *), void *arg)
{
	pthread_t thread;

	require(pthread_create(&thread, NULL, body, arg) == 0);
	return thread;
}

/* ---- the child ----------------------------------------------------------------- */

static void *use_and_defer(void *unused)
{
	uint64_t seed = crowd_seed(3);

	use(&shared, &seed);
	defer_one();
	return unused;
}

/* TSan has no threads in the child of a process that had some. */
#ifdef CONC_TSAN

static void use_with_threads(void)
{
}

#else

#define THREADS 4

static void *only_end(void *unused)
{
	return unused;
}

static void start_and_join(void *(*body)(void *))
{
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		threads[i] = start(body, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

static void use_with_threads(void)
{
	/* The first get stacks of the parent's threads, and what lies there. */
	start_and_join(only_end);
	talk(&shared);
	start_and_join(use_and_defer);
}

#endif

static void note_call(struct conc_deferred *deferred)
{
	*(int *)(deferred + 1) += 1;
}

struct noted {
	struct conc_deferred deferred;
	int calls;
};

static void reclaim_what_is_deferred(void)
{
	struct noted noted = {.calls = 0};

	conc_defer(&noted.deferred, note_call);
	require(noted.calls == 0);
	require(conc_reclaim(NULL) == 0);
	require(noted.calls == 1);
}

static void fork_and_use(int generations);

static void use_everything(int generations)
{
	struct structures fresh;
	uint64_t seed = crowd_seed(1);

	check(&shared);
	for (int i = 0; i < 100; i++)
		use(&shared, &seed);
	use_with_threads();
	reclaim_what_is_deferred();
	if (generations > 0)
		fork_and_use(generations - 1);
	check(&shared);
	drop(&shared);
	make(&fresh);
	for (int i = 0; i < 100; i++)
		use(&fresh, &seed);
	drop(&fresh);
	require(conc_reclaim(NULL) == 0);
	require(conc_reclaim_pending() <= in_hand);
}

/* Not the test framework's. */
static void set_alarm(void)
{
	signal(SIGALRM, SIG_DFL);
	alarm(CHILD_SECONDS);
}

static void await(pid_t child)
{
	int status;

	require(child > 0);
	require(waitpid(child, &status, 0) == child);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		fprintf(stderr, "a child hangs\n");
	require(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static pid_t timed(pid_t (*forks)(void))
{
	int64_t begun = conc_now();
	pid_t child = forks();

	if (child == 0)
		set_alarm();
	else if (conc_now() - begun >= SLOW)
		atomic_fetch_add(&slow_forks, 1);
	return child;
}

static void fork_and_use(int generations)
{
	pid_t child = timed(fork);

	if (child == 0) {
		use_everything(generations);
		_exit(0);
	}
	await(child);
}

static void nothing_waited(void)
{
	ck_assert_int_le(atomic_load(&slow_forks), 1);
}

/* ---- components ------------------------------------------------------------------ */

static void component(void)
{
	require(pthread_atfork(conc_before_fork, conc_after_fork_parent,
			       conc_after_fork_child) == 0);
}

static void use_here(void)
{
	use_and_defer(NULL);
}

static void component_with_uses(void)
{
	require(pthread_atfork(use_here, use_here, use_here) == 0);
}

static void fork_by_hand_too(int calls)
{
	pid_t child;

	for (int i = 0; i < calls; i++)
		conc_before_fork();
	child = timed(fork);
	for (int i = 0; i < calls; i++)
		if (child == 0)
			conc_after_fork_child();
		else
			conc_after_fork_parent();
	if (child == 0) {
		use_everything(1);
		_exit(0);
	}
	await(child);
}

START_TEST(the_fork_functions_nest_in_any_order)
{
	component();
	make(&shared);
	component_with_uses();
	component();
	for (int calls = 0; calls < 4; calls++) {
		fork_by_hand_too(calls);
		/* Nothing is held any more. */
		use_with_threads();
		require(conc_reclaim(NULL) == 0);
		component_with_uses();
	}
	nothing_waited();
	drop(&shared);
}
END_TEST

static void *fork_as_a_stranger(void *unused)
{
	fork_and_use(0);
	return unused;
}

START_TEST(a_thread_may_use_the_library_first_in_its_own_fork)
{
	make(&shared);
	component_with_uses(); /* runs after the component's, and before in the child */
	component();
	for (int i = 0; i < 5; i++)
		pthread_join(start(fork_as_a_stranger, NULL), NULL);
	nothing_waited();
	drop(&shared);
}
END_TEST

static void find_it_busy(void)
{
	require(conc_reclaim(NULL) == -EBUSY);
}

static void find_it_free(void)
{
	require(conc_reclaim(NULL) == 0);
}

START_TEST(reclaim_in_a_fork_handler_is_EBUSY_or_done)
{
	make(&shared);
	require(pthread_atfork(find_it_busy, find_it_busy, find_it_free) == 0);
	component();
	require(pthread_atfork(find_it_free, find_it_free, find_it_free) == 0);
	for (int i = 0; i < 3; i++) {
		use_here();
		fork_and_use(1);
	}
	nothing_waited();
	drop(&shared);
}
END_TEST

/* ---- threads that others wait for ------------------------------------------------ */

static void *use_until_stopped(void *unused)
{
	use_and_defer(NULL);
	atomic_store(&stage, 1);
	wait_for_stage(2);
	return unused;
}

static pthread_t worker;
static bool worker_runs;

static void stop_worker(void)
{
	if (!worker_runs)
		return;
	atomic_store(&stage, 2);
	pthread_join(worker, NULL);
	worker_runs = false;
}

static void start_worker(void)
{
	atomic_store(&stage, 0);
	worker = start(use_until_stopped, NULL);
	wait_for_stage(1);
	worker_runs = true;
}

START_TEST(a_fork_handler_may_end_a_thread_of_ours)
{
	require(pthread_atfork(stop_worker, NULL, NULL) == 0);
	make(&shared);
	for (int i = 0; i < 5; i++) {
		start_worker();
		fork_and_use(0);
	}
	nothing_waited();
	drop(&shared);
}
END_TEST

/* It waits for the fork, and the fork for it; at most 2 s, so that both end. */
START_TEST(a_fork_handler_may_end_a_thread_of_ours_when_the_fork_has_begun)
{
	require(pthread_atfork(stop_worker, NULL, NULL) == 0);
	component();
	make(&shared);
	start_worker();
	fork_and_use(1);
	drop(&shared);
}
END_TEST

/* ---- many that fork -------------------------------------------------------------- */

#define FORKERS 4

static void *fork_together(void *together)
{
	for (int i = 0; i < 8; i++) {
		pthread_barrier_wait(together);
		fork_and_use(0);
	}
	return NULL;
}

START_TEST(threads_that_fork_at_once_do_not_wait_for_each_other)
{
	pthread_t forkers[FORKERS];
	pthread_barrier_t together;

	make(&shared);
	component();
	pthread_barrier_init(&together, NULL, FORKERS);
	for (int i = 0; i < FORKERS; i++)
		forkers[i] = start(fork_together, &together);
	for (int i = 0; i < FORKERS; i++)
		pthread_join(forkers[i], NULL);
	nothing_waited();
	drop(&shared);
}
END_TEST

START_TEST(children_may_fork_three_deep)
{
	make(&shared);
	fork_and_use(3);
	nothing_waited();
	drop(&shared);
}
END_TEST

#ifndef SANITIZED

#define VISITORS 4

static void *visit(void *unused)
{
	for (int i = 0; i < 70; i++)
		defer_one();
	return unused;
}

static void *come_and_end(void *over)
{
	pthread_t visitors[VISITORS];

	while (!atomic_load((_Atomic bool *)over)) {
		for (int i = 0; i < VISITORS; i++)
			visitors[i] = start(visit, NULL);
		for (int i = 0; i < VISITORS; i++)
			pthread_join(visitors[i], NULL);
	}
	return NULL;
}

static void *fork_often(void *unused)
{
	for (int i = 0; i < 20; i++)
		fork_and_use(0);
	return unused;
}

START_TEST(threads_come_and_end_while_others_fork)
{
	static _Atomic bool over;
	pthread_t churners[2], forkers[2];

	make(&shared);
	in_hand = SOME_BATCHES;
	for (size_t i = 0; i < COUNT_OF(churners); i++)
		churners[i] = start(come_and_end, &over);
	for (size_t i = 0; i < COUNT_OF(forkers); i++)
		forkers[i] = start(fork_often, NULL);
	for (size_t i = 0; i < COUNT_OF(forkers); i++)
		pthread_join(forkers[i], NULL);
	atomic_store(&over, true);
	for (size_t i = 0; i < COUNT_OF(churners); i++)
		pthread_join(churners[i], NULL);
	nothing_waited();
	drop(&shared);
	require(conc_reclaim(NULL) == 0);
	ck_assert_uint_eq(conc_reclaim_pending(), 0);
}
END_TEST

#endif

/* ---- forks of threads that end --------------------------------------------------- */

static pthread_key_t first_key, last_key;

/* A new thread may have the value of a key from one that was ending (glibc). */
static _Thread_local bool forks_at_the_end;

static _Thread_local int rounds;
static _Thread_local bool is_child;

static void fork_while_ending(void)
{
	pid_t child;

	if (is_child || !forks_at_the_end)
		return;
	child = timed(fork);
	if (child != 0) {
		await(child);
		return;
	}
	use_everything(1);
	is_child = true; /* and goes on to end */
}

static void fork_in_round(void *unused)
{
	(void)unused;
	fork_while_ending();
}

static void fork_in_rounds(void *key)
{
	fork_while_ending();
	if (++rounds < 3)
		pthread_setspecific(*(pthread_key_t *)key, key);
	else if (is_child)
		_exit(0);
}

#ifdef HAVE___CXA_THREAD_ATEXIT_IMPL

extern int __cxa_thread_atexit_impl(void (*destructor)(void *), void *object,
				    void *dso);
extern void *__dso_handle __attribute__((visibility("hidden")));

static void fork_in_destructor(void)
{
	__cxa_thread_atexit_impl(fork_in_round, NULL, &__dso_handle);
}

#else

static void fork_in_destructor(void)
{
}

#endif

static void *fork_at_the_end(void *unused)
{
	forks_at_the_end = true;
	pthread_setspecific(first_key, &first_key);
	pthread_setspecific(last_key, &last_key);
	fork_in_destructor(); /* behind the library's */
	defer_one();
	fork_in_destructor(); /* before it */
	return unused;
}

static void end_and_fork(unsigned threads)
{
	pthread_t forkers[FORKERS];

	require(pthread_key_create(&first_key, fork_in_round) == 0);
	make(&shared);
	require(pthread_key_create(&last_key, fork_in_rounds) == 0);
	for (int i = 0; i < 3; i++) {
		for (unsigned k = 0; k < threads; k++)
			forkers[k] = start(fork_at_the_end, NULL);
		for (unsigned k = 0; k < threads; k++)
			pthread_join(forkers[k], NULL);
	}
	drop(&shared);
}

START_TEST(a_thread_may_fork_while_it_ends)
{
	end_and_fork(1);
	nothing_waited();
}
END_TEST

#ifndef SANITIZED

/* While one of them waits for its child, forks wait for its end. */
START_TEST(threads_may_fork_while_they_end_at_once)
{
	end_and_fork(FORKERS);
}
END_TEST

#endif

#if defined(HAVE___CXA_THREAD_ATEXIT_IMPL) && !defined(SANITIZED)

static void end_slowly(void *unused)
{
	(void)unused;
	atomic_store(&stage, 1);
	wait_for_stage(2);
}

static void *defer_and_end_slowly(void *unused)
{
	defer_one();
	pthread_setspecific(first_key, &first_key);
	return unused;
}

START_TEST(forks_that_wait_for_a_thread_that_ends_go_on_together)
{
	pthread_t slow, forkers[2];

	make(&shared);
	require(pthread_key_create(&first_key, end_slowly) == 0);
	for (int i = 0; i < 5; i++) {
		atomic_store(&stage, 0);
		slow = start(defer_and_end_slowly, NULL);
		wait_for_stage(1);
		for (size_t k = 0; k < COUNT_OF(forkers); k++)
			forkers[k] = start(fork_as_a_stranger, NULL);
		/* Most likely they wait then; nobody can tell. */
		usleep(20 * 1000);
		atomic_store(&stage, 2);
		pthread_join(slow, NULL);
		for (size_t k = 0; k < COUNT_OF(forkers); k++)
			pthread_join(forkers[k], NULL);
	}
	nothing_waited();
	drop(&shared);
}
END_TEST

#endif

/* ---- readers --------------------------------------------------------------------- */

#define READERS 3

static _Atomic int inside;

static void wait_until_inside(int threads)
{
	while (atomic_load(&inside) < threads)
		usleep(1000);
}

static void *read_until_stopped(void *unused)
{
	conc_read_begin();
	atomic_fetch_add(&inside, 1);
	wait_for_stage(1);
	conc_read_end();
	return unused;
}

static void start_readers(pthread_t readers[READERS])
{
	atomic_store(&stage, 0);
	atomic_store(&inside, 0);
	for (int i = 0; i < READERS; i++)
		readers[i] = start(read_until_stopped, NULL);
	wait_until_inside(READERS);
}

static void stop_readers(pthread_t readers[READERS])
{
	atomic_store(&stage, 1);
	for (int i = 0; i < READERS; i++)
		pthread_join(readers[i], NULL);
}

START_TEST(readers_of_the_parent_hold_nothing_up_in_the_child)
{
	struct noted before = {.calls = 0};
	pthread_t readers[READERS];
	pid_t child;

	make(&shared);
	start_readers(readers);
	conc_defer(&before.deferred, note_call);
	for (int i = 0; i < 200; i++)
		use_here(); /* a grace period waits for them */
	child = timed(fork);
	if (child == 0) {
		require(before.calls == 0);
		require(conc_reclaim(NULL) == 0);
		require(before.calls == 1);
		use_everything(1);
		_exit(0);
	}
	await(child);
	ck_assert_int_eq(before.calls, 0);
	stop_readers(readers);
	ck_assert_int_eq(conc_reclaim(NULL), 0);
	ck_assert_int_eq(before.calls, 1);
	drop(&shared);
}
END_TEST

static void check_own_section(struct noted *found)
{
	for (int i = 0; i < 200; i++)
		use_here();
	require(conc_reclaim(NULL) == -EBUSY);
	require(found->calls == 0);
	conc_read_end();
	require(conc_reclaim(NULL) == 0);
	require(found->calls == 1);
}

START_TEST(a_section_of_the_forking_thread_goes_on_in_both)
{
	struct noted found = {.calls = 0};
	pthread_t readers[READERS];
	pid_t child;

	make(&shared);
	start_readers(readers);
	conc_read_begin();
	conc_defer(&found.deferred, note_call);
	child = timed(fork);
	if (child == 0) {
		check_own_section(&found);
		use_everything(1);
		_exit(0);
	}
	await(child);
	stop_readers(readers);
	check_own_section(&found);
	drop(&shared);
}
END_TEST

static bool handlers_fork;

static void fork_here(void)
{
	if (!handlers_fork)
		return;
	handlers_fork = false;
	fork_and_use(1);
	handlers_fork = true;
}

/* While threads of the child's own read. */
static void fork_beside_readers_here(void)
{
#ifndef CONC_TSAN
	pthread_t readers[READERS];

	if (!handlers_fork)
		return;
	start_readers(readers);
	fork_here();
	stop_readers(readers);
#endif
}

START_TEST(fork_handlers_may_fork)
{
	make(&shared);
	for (int i = 0; i < 2; i++) {
		require(pthread_atfork(fork_here, fork_here,
				       fork_beside_readers_here) == 0);
		component();
	}
	handlers_fork = true;
	for (int i = 0; i < 3; i++)
		fork_and_use(0);
	use_with_threads();
	require(conc_reclaim(NULL) == 0);
	drop(&shared);
}
END_TEST

/* ---- memory that is freed meanwhile ---------------------------------------------- */

static void *note_wait(void *user)
{
	atomic_store((_Atomic int *)user, 1);
	return NULL;
}

static void *reclaim_beside_forks(void *waits)
{
	const struct conc_wait_hooks hooks = {.size = sizeof(hooks),
					      .user = waits,
					      .wait_begin = note_wait};
	int rc = conc_reclaim(&hooks);

	require(rc == 0 || rc == -EBUSY);
	return NULL;
}

START_TEST(a_fork_does_not_wait_for_reclaim)
{
	static _Atomic int waits;
	pthread_t readers[READERS], reclaiming;

	make(&shared);
	start_readers(readers);
	use_here();
	reclaiming = start(reclaim_beside_forks, &waits);
	while (atomic_load(&waits) == 0)
		usleep(1000);
	for (int i = 0; i < 3; i++)
		fork_and_use(1);
	stop_readers(readers);
	pthread_join(reclaiming, NULL);
	nothing_waited();
	drop(&shared);
}
END_TEST

#define WRITERS 2
#define BLOCKS 4000

struct block {
	struct conc_deferred deferred;
	_Atomic bool waits;
};

static struct block blocks[WRITERS][BLOCKS];

static void free_block(struct conc_deferred *deferred)
{
	require(atomic_exchange(&((struct block *)deferred)->waits, false));
}

static void defer_block(struct block *block)
{
	require(!atomic_exchange(&block->waits, true));
	conc_defer(&block->deferred, free_block);
}

static _Atomic bool writers_end;

static void *defer_blocks(void *own)
{
	struct block *block = own;

	atomic_fetch_add(&inside, 1);
	for (size_t i = 0; !atomic_load(&writers_end); i = (i + 1) % BLOCKS) {
		if (!atomic_load(&block[i].waits))
			defer_block(&block[i]);
		conc_read_begin();
		conc_read_end();
	}
	return NULL;
}

static size_t blocks_that_wait(void)
{
	size_t count = 0;

	for (int w = 0; w < WRITERS; w++)
		for (int i = 0; i < BLOCKS; i++)
			count += atomic_load(&blocks[w][i].waits);
	return count;
}

static void check_blocks(struct block *found)
{
	for (int i = 0; i < 200; i++)
		use_here();
	require(atomic_load(&found->waits));
	conc_read_end();
	require(conc_reclaim(NULL) == 0);
	require(!atomic_load(&found->waits));
	use_everything(0);
}

static void fork_beside_writers(void)
{
	struct block found = {.waits = false};
	pid_t child;
	int rc;

	conc_read_begin();
	defer_block(&found);
	child = timed(fork);
	if (child == 0) {
		check_blocks(&found);
		_exit(0);
	}
	require(atomic_load(&found.waits));
	conc_read_end();
	await(child);
	do
		rc = conc_reclaim(NULL);
	while (rc == -EBUSY);
	require(rc == 0);
	/* A writer may have it in hand. */
	while (atomic_load(&found.waits))
		usleep(1000);
}

START_TEST(nothing_is_freed_twice_or_early_beside_a_fork)
{
	pthread_t writers[WRITERS];

	make(&shared);
	in_hand = SOME_BATCHES;
	for (int w = 0; w < WRITERS; w++)
		writers[w] = start(defer_blocks, blocks[w]);
	wait_until_inside(WRITERS);
	for (int i = 0; i < 40; i++)
		fork_beside_writers();
	atomic_store(&writers_end, true);
	for (int w = 0; w < WRITERS; w++)
		pthread_join(writers[w], NULL);
	nothing_waited();
	drop(&shared);
	ck_assert_int_eq(conc_reclaim(NULL), 0);
	ck_assert_uint_eq(blocks_that_wait(), 0);
	ck_assert_uint_eq(conc_reclaim_pending(), 0);
}
END_TEST

/* ---- past the C library ---------------------------------------------------------- */

#if defined(__linux__) && !defined(CONC_TSAN)

static pid_t fork_past_libc(void)
{
	pid_t child;

	conc_before_fork();
	child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (child == 0)
		conc_after_fork_child();
	else
		conc_after_fork_parent();
	return child;
}

START_TEST(a_fork_past_the_C_library_is_as_good)
{
	pthread_t readers[READERS];
	pid_t child;

	make(&shared);
	start_readers(readers);
	for (int i = 0; i < 3; i++) {
		child = timed(fork_past_libc);
		if (child == 0) {
			use_everything(1);
			_exit(0);
		}
		await(child);
	}
	stop_readers(readers);
	use_with_threads();
	nothing_waited();
	drop(&shared);
}
END_TEST

#endif

/* ---- forks that fail ------------------------------------------------------------- */

/* With no process left to it, which does not count for the superuser. */
static bool fails_to_fork(void)
{
	const struct rlimit none = {0, 0};
	bool superuser = getuid() == 0;
	pid_t child;

	if (superuser)
		require(setresuid(65534, 65534, 0) == 0);
	child = setrlimit(RLIMIT_NPROC, &none) == 0 ? timed(fork) : 1;
	if (child == 0)
		_exit(0);
	if (superuser)
		require(setresuid(0, 0, 0) == 0);
	return child < 0;
}

START_TEST(a_fork_that_fails_leaves_all_as_it_was)
{
	pthread_t readers[READERS];

	make(&shared);
	component();
	component_with_uses();
	start_readers(readers);
	if (!fails_to_fork())
		printf("not tested: this fork does not fail\n");
	stop_readers(readers);
	use_with_threads();
	reclaim_what_is_deferred();
	check(&shared);
	nothing_waited();
	drop(&shared);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		the_fork_functions_nest_in_any_order,
		a_thread_may_use_the_library_first_in_its_own_fork,
		fork_handlers_may_fork,
		reclaim_in_a_fork_handler_is_EBUSY_or_done,
		a_fork_handler_may_end_a_thread_of_ours,
		a_fork_handler_may_end_a_thread_of_ours_when_the_fork_has_begun,
		threads_that_fork_at_once_do_not_wait_for_each_other,
		children_may_fork_three_deep,
		a_thread_may_fork_while_it_ends,
#ifndef SANITIZED
		threads_come_and_end_while_others_fork,
		threads_may_fork_while_they_end_at_once,
#endif
#if defined(HAVE___CXA_THREAD_ATEXIT_IMPL) && !defined(SANITIZED)
		forks_that_wait_for_a_thread_that_ends_go_on_together,
#endif
		readers_of_the_parent_hold_nothing_up_in_the_child,
		a_section_of_the_forking_thread_goes_on_in_both,
		a_fork_does_not_wait_for_reclaim,
		nothing_is_freed_twice_or_early_beside_a_fork,
#if defined(__linux__) && !defined(CONC_TSAN)
		a_fork_past_the_C_library_is_as_good,
#endif
		a_fork_that_fails_leaves_all_as_it_was,
	};

	return run_tests("fork", tests, COUNT_OF(tests), TEST_SECONDS);
}
