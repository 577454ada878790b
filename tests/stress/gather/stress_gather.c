/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conc_gather under more threads than cores: every value reaches who waits for
 * it, once if it is taken away, and all references are given back.
 */
#include <config.h>

/* First, for RUSAGE_THREAD. */
#include <sys/resource.h>

#include <concurrency.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#include "stress/crowd.h"
#include "suite.h"

#define PRODUCERS 4
#define READERS 4

/* A wake that did not come by then was lost. */
#define TOO_LONG INT64_C(5000000000)

struct stream {
	struct crowd crowd;
	conc_gather *gather;
	_Atomic int64_t next_in, next_out; /* the keys that were not given yet */
	_Atomic int64_t taken;		   /* values, by all readers */
	_Atomic unsigned producing;
	bool hurry;  /* readers with short deadlines */
};

static struct conc_value value_of(int64_t key)
{
	return (struct conc_value){.kind = CONC_NUMBER,
				   .u.number = key * 3 + 1};
}

/* Takes the next few keys and inserts them in the reverse order. */
static void produce(struct stream *s, unsigned who)
{
	uint64_t seed = crowd_seed(who);

	while (crowd_goes_on(&s->crowd)) {
		int64_t count = (int64_t)(crowd_random(&seed) % 8) + 1;
		int64_t first = atomic_fetch_add(&s->next_in, count);

		for (int64_t key = first + count - 1; key >= first; key--) {
			struct conc_value value = value_of(key);

			crowd_check(&s->crowd, conc_gather_insert(s->gather, key,
								  &value) == 0);
		}
		while (conc_gather_size(s->gather) > 2000 &&
		       crowd_goes_on(&s->crowd))
			sched_yield();
	}
	if (atomic_fetch_sub(&s->producing, 1) == 1)
		conc_gather_fail(s->gather);
}

static int take(struct stream *s, uint64_t *seed, int64_t key,
		struct conc_value *value)
{
	int64_t begin = conc_now();
	int rc;

	do {
		int64_t wait = s->hurry ? (int64_t)(crowd_random(seed) % 40000)
					: TOO_LONG;

		rc = conc_gather_take(s->gather, key, true, value,
				      conc_now() + wait, NULL);
	} while (rc == -ETIMEDOUT && s->hurry &&
		 conc_now() - begin < TOO_LONG);
	crowd_check(&s->crowd, conc_now() - begin < TOO_LONG);
	return rc;
}

/* The readers share the keys; each gets its own in rising order. */
static void read_on(struct stream *s, unsigned who)
{
	uint64_t seed = crowd_seed(who);

	for (;;) {
		int64_t key = atomic_fetch_add(&s->next_out, 1);
		struct conc_value value;
		int rc = take(s, &seed, key, &value);

		if (rc == -ENOTRECOVERABLE)
			break;
		crowd_check(&s->crowd, rc == 0);
		if (rc != 0)
			break;
		crowd_check(&s->crowd,
			    value.u.number == value_of(key).u.number);
		atomic_fetch_add(&s->taken, 1);
	}
}

static void pass_along(struct crowd *crowd, unsigned who)
{
	struct stream *s = (struct stream *)crowd;

	if (who < PRODUCERS)
		produce(s, who);
	else
		read_on(s, who);
}

static void run_stream(struct stream *s)
{
	atomic_init(&s->producing, PRODUCERS);
	ck_assert_int_eq(conc_gather_new(NULL, &s->gather), 0);
	crowd_run(&s->crowd, PRODUCERS + READERS, pass_along);
	/*
	 * At the end some keys that were given to readers had not come, and of
	 * those that came some were left: but none is missing.
	 */
	ck_assert_int_gt(s->taken, 0);
	ck_assert_int_eq(s->taken + (int64_t)conc_gather_size(s->gather),
			 s->next_in);
	conc_gather_free(s->gather);
}

START_TEST(every_value_reaches_the_one_who_waits_for_it)
{
	struct stream s = {.hurry = false};

	run_stream(&s);
}
END_TEST

START_TEST(a_take_that_times_out_loses_nothing)
{
	struct stream s = {.hurry = true};

	run_stream(&s);
}
END_TEST

static void insert_and_fail(struct crowd *crowd, unsigned who)
{
	struct stream *s = (struct stream *)crowd;
	struct conc_value value = value_of(7);
	int rc;

	if (who == 0) {
		crowd_check(crowd, conc_gather_insert(s->gather, 7, &value) == 0);
		conc_gather_fail(s->gather);
		return;
	}
	do {
		rc = conc_gather_try_take(s->gather, 7, true, &value);
	} while (rc == -EAGAIN);
	crowd_check(crowd, rc == 0);
}

START_TEST(what_was_inserted_before_the_failure_comes_out)
{
	int64_t end = conc_now() + (int64_t)(crowd_seconds() * 1e9);

	do {
		struct stream s = {.hurry = false};

		ck_assert_int_eq(conc_gather_new(NULL, &s.gather), 0);
		crowd_run(&s.crowd, 2, insert_and_fail);
		conc_gather_free(s.gather);
	} while (conc_now() < end);
}
END_TEST

/* ---- one value, many takers ---------------------------------------------- */

#define OBJECTS 64

struct object {
	_Alignas(8) _Atomic int references;
};

struct contest {
	struct crowd crowd;
	conc_gather *gather;
	struct object objects[OBJECTS];
	_Atomic int64_t inserted, won;
};

static void retain(void *value, void *user)
{
	(void)user;
	atomic_fetch_add(&((struct object *)value)->references, 1);
}

static void release(void *value, void *user)
{
	struct contest *c = user;
	int before = atomic_fetch_sub(&((struct object *)value)->references, 1);

	crowd_check(&c->crowd, before > 0);
}

/* Only keys that are not there: replaced values would not be taken. */
static void offer(struct contest *c, unsigned who)
{
	uint64_t seed = crowd_seed(who);

	while (crowd_goes_on(&c->crowd)) {
		/* Each offerer has keys of its own. */
		int64_t key = (int64_t)(crowd_random(&seed) % (OBJECTS / 4)) * 4 +
			      who;
		struct conc_value value = {.kind = CONC_POINTER,
					   .u.pointer = &c->objects[key]};

		if (conc_gather_wait(c->gather, key, CONC_TRY, NULL) == 0)
			continue;
		retain(value.u.pointer, c);
		crowd_check(&c->crowd,
			    conc_gather_insert(c->gather, key, &value) == 0);
		atomic_fetch_add(&c->inserted, 1);
	}
}

static void compete(struct contest *c, unsigned who)
{
	uint64_t seed = crowd_seed(who);
	int64_t won = 0;

	while (crowd_goes_on(&c->crowd)) {
		int64_t key = (int64_t)(crowd_random(&seed) % OBJECTS);
		bool clear = crowd_random(&seed) % 4 != 0;
		struct conc_value value;
		int rc = conc_gather_take(c->gather, key, clear, &value,
					  conc_now() + 200000, NULL);

		crowd_check(&c->crowd, rc == 0 || rc == -ETIMEDOUT);
		if (rc != 0)
			continue;
		crowd_check(&c->crowd, value.u.pointer == &c->objects[key]);
		won += clear;
		release(value.u.pointer, c);
	}
	atomic_fetch_add(&c->won, won);
}

static void contend(struct crowd *crowd, unsigned who)
{
	struct contest *c = (struct contest *)crowd;

	if (who < 4)
		offer(c, who);
	else
		compete(c, who);
}

START_TEST(a_value_is_cleared_by_one_and_references_balance)
{
	static struct contest c;
	const struct conc_value_ops value_ops = {
		.size = sizeof(value_ops),
		.retain = retain,
		.release = release,
		.user = &c,
	};
	struct conc_gather_attr attr = {.size = sizeof(attr),
					.values = CONC_VALUE_RETAINED,
					.value_ops = &value_ops};

	ck_assert_int_eq(conc_gather_new(&attr, &c.gather), 0);
	crowd_run(&c.crowd, 10, contend);
	ck_assert_int_gt(c.won, 0);
	ck_assert_int_eq(c.won + (int64_t)conc_gather_size(c.gather),
			 c.inserted);
	conc_gather_free(c.gather);
	conc_reclaim(NULL);
	for (int i = 0; i < OBJECTS; i++)
		ck_assert_int_eq(c.objects[i].references, 0);
}
END_TEST

/* ---- waking -------------------------------------------------------------- */

#define PAIRS 4

struct match {
	struct crowd crowd;
	conc_gather *gather;
};

/* Key by key: one inserts what the other waits for, all in one gathering. */
static void play(struct crowd *crowd, unsigned who)
{
	struct match *m = (struct match *)crowd;
	struct conc_value value = value_of(0);
	uint64_t seed = crowd_seed(who);

	for (int64_t turn = 0;; turn++) {
		int64_t key = turn * 2 * PAIRS + who / 2 * 2;
		int64_t begin = conc_now();
		int rc;

		if (who % 2 == 0)
			conc_gather_insert(m->gather, key, &value);
		rc = conc_gather_take(m->gather, who % 2 == 0 ? key + 1 : key,
				      true, &value, begin + TOO_LONG, NULL);
		if (rc == -ENOTRECOVERABLE)
			break;
		crowd_check(crowd, rc == 0 && conc_now() - begin < TOO_LONG);
		if (!crowd_goes_on(crowd)) {
			conc_gather_fail(m->gather);
			break;
		}
		/* Of the length of a look, so that they cross. */
		for (uint64_t n = crowd_random(&seed) % 512; n > 0; n--)
			atomic_signal_fence(memory_order_seq_cst);
		if (who % 2 == 1)
			conc_gather_insert(m->gather, key + 1, &value);
	}
}

START_TEST(no_wake_is_lost)
{
	static struct match m;

	ck_assert_int_eq(conc_gather_new(NULL, &m.gather), 0);
	crowd_run(&m.crowd, 2 * PAIRS, play);
	conc_gather_free(m.gather);
}
END_TEST

/* ---- sleeping ------------------------------------------------------------ */

static int64_t cpu_ns(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) *
		       INT64_C(1000000000) +
	       (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) *
		       INT64_C(1000);
}

static void sleep_a_while(struct crowd *crowd, unsigned who)
{
	struct match *m = (struct match *)crowd;
	struct conc_value value;
	int64_t before = cpu_ns();

	crowd_check(crowd, conc_gather_take(m->gather, who, true, &value,
					    conc_deadline_after(300000000),
					    NULL) == -ETIMEDOUT);
	crowd_check(crowd, cpu_ns() - before < 20000000);
}

START_TEST(who_waits_burns_no_cpu)
{
	static struct match m;

	ck_assert_int_eq(conc_gather_new(NULL, &m.gather), 0);
	crowd_run(&m.crowd, 8, sleep_a_while);
	conc_gather_free(m.gather);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		every_value_reaches_the_one_who_waits_for_it,
		a_take_that_times_out_loses_nothing,
		what_was_inserted_before_the_failure_comes_out,
		a_value_is_cleared_by_one_and_references_balance,
		no_wake_is_lost,
		who_waits_burns_no_cpu,
	};

	return run_tests("gather under stress", tests, COUNT_OF(tests),
			 60 + 10 * crowd_seconds());
}
