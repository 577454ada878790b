/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fork() at random moments.  Threads work without a pause on structures of
 * their own, come for the first time and end, and share some structures under a
 * lock; who forks has that lock, so nobody is inside of a call on these, as the
 * header asks.  The child checks, uses and frees all that was shared, with
 * threads of its own, and forks in its turn; the parent goes on, and its sums
 * hold to the end.
 */
#include <config.h>

#include <concurrency.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "structures.h"

#define USERS 2
#define CHURNERS 2
#define VISITORS 3 /* threads that a churner has at a time */
#define GENERATIONS 3
#define CHILD_SECONDS 60 /* one that takes longer hangs */

static struct world {
	struct crowd crowd;
	pthread_rwlock_t inside;
	struct structures shared;
	_Atomic uint64_t numbers;
	long forks;
} world;

/* ---- the child --------------------------------------------------------------- */

static void fork_once(int generation);

static void be_the_child(int generation)
{
	struct structures fresh, *s = &world.shared;
	uint64_t seed = crowd_seed(1);

	signal(SIGALRM, SIG_DFL); /* not the test framework's */
	alarm(CHILD_SECONDS);
	check(s);
	for (int i = 0; i < 300; i++)
		use(s, &seed);
	talk(s);
	if (generation < GENERATIONS && crowd_random(&seed) % 4 == 0)
		fork_once(generation + 1);
	check(s);
	require(conc_reclaim(NULL) == 0);
	drop(s);
	make(&fresh);
	for (int i = 0; i < 100; i++)
		use(&fresh, &seed);
	drop(&fresh);
	_exit(0);
}

static void fork_once(int generation)
{
	int status;
	pid_t child;

	conc_before_fork();
	child = fork();
	if (child == 0) {
		conc_after_fork_child();
		be_the_child(generation);
	}
	conc_after_fork_parent();
	require(child > 0);
	if (generation == 0)
		pthread_rwlock_unlock(&world.inside);
	require(waitpid(child, &status, 0) == child);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		fprintf(stderr, "a child hangs\n");
	require(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* ---- the parent --------------------------------------------------------------- */

static void *visit(void *arg)
{
	struct structures *s = arg;
	uint64_t seed = crowd_seed(2);

	use(s, &seed);
	return NULL;
}

/* Threads that begin, are readers for the first time, and end. */
static void churn(struct structures *own)
{
	pthread_t threads[VISITORS];

	for (int i = 0; i < VISITORS; i++)
		require(pthread_create(&threads[i], NULL, visit, own) == 0);
	for (int i = 0; i < VISITORS; i++)
		pthread_join(threads[i], NULL);
}

static void share(uint64_t *seed)
{
	pthread_rwlock_rdlock(&world.inside);
	for (int i = 0; i < 20; i++)
		use(&world.shared, seed);
	pthread_rwlock_unlock(&world.inside);
}

static void fork_now_and_then(uint64_t *seed)
{
	while (crowd_goes_on(&world.crowd)) {
		struct timespec pause = {0, (long)(crowd_random(seed) %
						   1000000)};

		nanosleep(&pause, NULL);
		pthread_rwlock_wrlock(&world.inside);
		pause.tv_nsec = (long)(crowd_random(seed) % 50000);
		nanosleep(&pause, NULL);
		fork_once(0);
		world.forks++;
	}
}

static void work(struct crowd *crowd, unsigned who)
{
	uint64_t seed = crowd_seed(who);
	struct structures own;

	if (who == 0) {
		fork_now_and_then(&seed);
		return;
	}
	make(&own);
	while (crowd_goes_on(crowd)) {
		if (who > USERS) {
			churn(&own);
			continue;
		}
		for (int i = 0; i < 50; i++)
			use(&own, &seed);
		share(&seed);
	}
	check(&own);
	drop(&own);
}

START_TEST(a_child_may_use_what_nobody_was_inside_of)
{
	pthread_rwlockattr_t attr;

	pthread_rwlockattr_init(&attr);
	pthread_rwlockattr_setkind_np(
		&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&world.inside, &attr);
	make(&world.shared);
	crowd_run(&world.crowd, 1 + USERS + CHURNERS, work);
	check(&world.shared);
	drop(&world.shared);
	printf("%ld forks\n", world.forks);
	ck_assert_int_gt(world.forks, 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {a_child_may_use_what_nobody_was_inside_of};

	return run_tests("forks", tests, COUNT_OF(tests),
			 CHILD_SECONDS + 30 + crowd_seconds());
}
