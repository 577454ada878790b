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
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "stress/crowd.h"
#include "values.h"

#define USERS 2
#define CHURNERS 2
#define KEYS 200
#define VISITORS 3 /* threads that a churner has at a time */
#define CAPACITY 100
#define GENERATIONS 3
#define CHILD_SECONDS 60 /* one that takes longer hangs */

/* In children there is no test framework to report to. */
#define require(ok) require_at(ok, #ok, __LINE__)
static void require_at(bool ok, const char *what, int line)
{
	if (ok)
		return;
	fprintf(stderr, "process %d, line %d: %s\n", (int)getpid(), line, what);
	abort();
}

/* One of each; what is in it is balanced between two operations. */
struct structures {
	conc_dict *counts;  /* int64: the sum of all is 0 */
	conc_dict *objects; /* byte strings: retained */
	conc_queue *queue;  /* each producer's numbers in order */
	conc_bounded_queue *bounded;
	conc_gather *gather; /* value = key */
	conc_ref *ref;	     /* retained */
	conc_queue *questions; /* of the child's threads, and what it answers */
	conc_bounded_queue *answers;
	struct object *things;
};

static struct world {
	struct crowd crowd;
	pthread_rwlock_t inside;
	struct structures shared;
	_Atomic uint64_t numbers;
	long forks;
} world;

/* ---- structures ------------------------------------------------------------ */

/* Counted by several threads. */
static void keep(void *thing, void *user)
{
	(void)user;
	__atomic_fetch_add(&((struct object *)thing)->references, 1,
			   __ATOMIC_RELAXED);
}

static void let_go(void *thing, void *user)
{
	(void)user;
	require(__atomic_fetch_sub(&((struct object *)thing)->references, 1,
				   __ATOMIC_RELAXED) > 0);
}

static void make(struct structures *s)
{
	const struct conc_value_ops ops = {
		.size = sizeof(struct conc_value_ops),
		.retain = keep,
		.release = let_go,
	};
	const struct conc_dict_attr objects = {.size = sizeof(objects),
					       .keys = CONC_KEY_BYTES,
					       .values = CONC_VALUE_RETAINED,
					       .value_ops = &ops};
	const struct conc_bounded_queue_attr bounded = {
		.size = sizeof(bounded), .capacity = CAPACITY};
	const struct conc_ref_attr ref = {.size = sizeof(ref),
					  .values = CONC_VALUE_RETAINED,
					  .value_ops = &ops};

	require(conc_dict_new(NULL, &s->counts) == 0);
	require(conc_dict_new(&objects, &s->objects) == 0);
	require(conc_queue_new(NULL, &s->queue) == 0);
	require(conc_bounded_queue_new(&bounded, &s->bounded) == 0);
	require(conc_queue_new(NULL, &s->questions) == 0);
	require(conc_bounded_queue_new(&bounded, &s->answers) == 0);
	require(conc_gather_new(NULL, &s->gather) == 0);
	require(conc_ref_new(&ref, &s->ref) == 0);
	s->things = calloc(KEYS, sizeof(*s->things));
	require(s->things != NULL);
}

static void drop(struct structures *s)
{
	conc_dict_free(s->counts);
	conc_dict_free(s->objects);
	conc_queue_free(s->queue);
	conc_bounded_queue_free(s->bounded);
	conc_queue_free(s->questions);
	conc_bounded_queue_free(s->answers);
	conc_gather_free(s->gather);
	conc_ref_free(s->ref);
	for (int i = 0; i < KEYS; i++)
		require(s->things[i].references == 0);
	free(s->things);
}

/* A reference to one of the things, to give away. */
static struct conc_value thing(struct structures *s, uint64_t n)
{
	struct conc_value value = pointer(&s->things[n % KEYS]);

	keep(value.u.pointer, NULL);
	return value;
}

static void count(struct structures *s, uint64_t random)
{
	require(conc_dict_int_add(s->counts, random % KEYS, 1, NULL) == 0);
	require(conc_dict_int_add(s->counts, random / KEYS % KEYS, -1, NULL) ==
		0);
}

static void keep_objects(struct structures *s, uint64_t random)
{
	size_t n = random % KEYS, other = random / KEYS % KEYS;
	struct conc_value value = thing(s, n), found;

	require(conc_dict_set(s->objects, &n, sizeof(n), &value) == 0);
	if (conc_dict_get(s->objects, &other, sizeof(other), &found) == 0) {
		require(found.u.pointer == &s->things[other]);
		let_go(found.u.pointer, NULL);
	}
	if (random % 3 == 0)
		conc_dict_delete(s->objects, &other, sizeof(other));
	value = thing(s, random);
	require(conc_ref_set(s->ref, &value) == 0);
}

static void queue_up(struct structures *s, uint64_t random)
{
	void *item;

	for (uint64_t n = random % 7; n > 0; n--)
		require(conc_queue_push(s->queue, s) == 0);
	for (uint64_t n = random / 7 % 7; n > 0; n--) {
		int rc = conc_queue_pop(s->queue, &item, CONC_TRY, NULL);

		require(rc == -EAGAIN || (rc == 0 && item == s));
	}
	if (random % 2 == 0)
		conc_bounded_queue_push(s->bounded, s, CONC_TRY, NULL);
	else if (conc_bounded_queue_pop(s->bounded, &item, CONC_TRY, NULL) == 0)
		require(item == s);
}

static void gather(struct structures *s, uint64_t random)
{
	int64_t key = (int64_t)(random % KEYS);
	struct conc_value value = number(key);

	if (random / KEYS % 2 == 0)
		require(conc_gather_insert(s->gather, key, &value) == 0);
	else if (conc_gather_take(s->gather, key, true, &value, CONC_TRY,
				  NULL) == 0)
		require(value.u.number == key);
}

static void use(struct structures *s, uint64_t *seed)
{
	count(s, crowd_random(seed));
	keep_objects(s, crowd_random(seed));
	queue_up(s, crowd_random(seed));
	gather(s, crowd_random(seed));
}

/* ---- all is as it must be ---------------------------------------------------- */

static void check_dicts(struct structures *s)
{
	struct conc_entry entry = CONC_ENTRY_INIT;
	conc_cursor *cursor;
	int64_t sum = 0;

	require(conc_cursor_new(s->counts, &cursor) == 0);
	while (conc_cursor_next(cursor, &entry) == 0)
		sum += entry.value.u.number;
	conc_cursor_free(cursor);
	require(sum == 0);
	require(conc_cursor_new(s->objects, &cursor) == 0);
	while (conc_cursor_next(cursor, &entry) == 0) {
		size_t n;

		require(entry.len == sizeof(n));
		memcpy(&n, entry.key, sizeof(n));
		require(entry.value.u.pointer == &s->things[n]);
	}
	conc_cursor_free(cursor);
}

static void check_queues(struct structures *s)
{
	size_t left = conc_queue_size(s->queue);
	size_t left_bounded = conc_bounded_queue_size(s->bounded);
	void *item;

	require(left_bounded <= CAPACITY);
	while (left-- > 0)
		require(conc_queue_pop(s->queue, &item, CONC_TRY, NULL) == 0 &&
			item == s);
	require(conc_queue_pop(s->queue, &item, CONC_TRY, NULL) == -EAGAIN);
	while (left_bounded-- > 0)
		require(conc_bounded_queue_pop(s->bounded, &item, CONC_TRY,
					       NULL) == 0 &&
			item == s);
	require(conc_bounded_queue_empty(s->bounded));
}

static void check(struct structures *s)
{
	struct conc_value value;

	check_dicts(s);
	check_queues(s);
	for (int64_t key = 0; key < KEYS; key++)
		if (conc_gather_try_take(s->gather, key, true, &value) == 0)
			require(value.u.number == key);
	require(conc_gather_size(s->gather) == 0);
	require(conc_ref_get(s->ref, &value) == 0);
	if (value.kind == CONC_POINTER)
		let_go(value.u.pointer, NULL);
}

/* ---- the child --------------------------------------------------------------- */

#define TALKERS 2

static void *ask(void *arg)
{
	struct structures *s = arg;
	uint64_t seed = crowd_seed(0);
	struct conc_value value;
	void *item;

	for (int i = 0; i < 100; i++)
		use(s, &seed);
	require(conc_queue_push(s->questions, &item) == 0);
	require(conc_bounded_queue_pop(s->answers, &item, CONC_FOREVER, NULL) ==
		0);
	require(item == s);
	require(conc_gather_take(s->gather, KEYS, false, &value, CONC_FOREVER,
				 NULL) == 0);
	return NULL;
}

/* Threads of the child wait for it, and it for them. */
static void talk(struct structures *s)
{
	struct conc_value value = number(KEYS);
	pthread_t threads[TALKERS];
	void *item;

	for (int i = 0; i < TALKERS; i++)
		require(pthread_create(&threads[i], NULL, ask, s) == 0);
	for (int i = 0; i < TALKERS; i++)
		require(conc_queue_pop(s->questions, &item, CONC_FOREVER,
				       NULL) == 0);
	for (int i = 0; i < TALKERS; i++)
		require(conc_bounded_queue_push(s->answers, s, CONC_FOREVER,
						NULL) == 0);
	require(conc_gather_insert(s->gather, KEYS, &value) == 0);
	for (int i = 0; i < TALKERS; i++)
		pthread_join(threads[i], NULL);
	require(conc_gather_take(s->gather, KEYS, true, &value, CONC_TRY,
				 NULL) == 0);
}

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
