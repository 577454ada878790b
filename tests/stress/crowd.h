/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A crowd of threads that starts at one moment, runs for a time and is asked
 * whether all went well.  CONC_STRESS_SECONDS sets the time (default 2).
 */
#ifndef TESTS_CROWD_H
#define TESTS_CROWD_H

#include <concurrency.h>
#include <stdatomic.h>
#include <stdio.h>

#include "suite.h"

#define CROWD_MOST 64

/* The first member of a test's own structure. */
struct crowd {
	pthread_barrier_t start;
	int64_t end; /* by conc_now(); set when all are there */
	_Atomic long failures;
	void (*work)(struct crowd *crowd, unsigned who);
};

struct crowd_member {
	pthread_t thread;
	struct crowd *crowd;
	unsigned who;
};

static inline double crowd_seconds(void)
{
	const char *text = getenv("CONC_STRESS_SECONDS");

	return text != NULL ? atof(text) : 2.0;
}

static inline bool crowd_goes_on(const struct crowd *crowd)
{
	return conc_now() < crowd->end;
}

/* Notes a failure from any thread; crowd_run() fails the test for it. */
static inline void crowd_check_at(struct crowd *crowd, bool ok,
				  const char *what, int line)
{
	if (!ok && atomic_fetch_add(&crowd->failures, 1) == 0)
		fprintf(stderr, "line %d: %s\n", line, what);
}
#define crowd_check(crowd, ok) crowd_check_at(crowd, ok, #ok, __LINE__)

static inline uint64_t crowd_seed(unsigned who)
{
	return ((uint64_t)who + 1) * UINT64_C(0x9E3779B97F4A7C15) ^
	       (uint64_t)conc_now();
}

/* Marsaglia, "Xorshift RNGs", 2003. */
static inline uint64_t crowd_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed >> 11;
}

static void *crowd_main(void *arg)
{
	struct crowd_member *member = arg;

	pthread_barrier_wait(&member->crowd->start);
	member->crowd->work(member->crowd, member->who);
	return NULL;
}

static inline void crowd_run(struct crowd *crowd, unsigned threads,
			     void (*work)(struct crowd *crowd, unsigned who))
{
	struct crowd_member members[CROWD_MOST];

	ck_assert_uint_le(threads, CROWD_MOST);
	atomic_init(&crowd->failures, 0);
	crowd->work = work;
	pthread_barrier_init(&crowd->start, NULL, threads + 1);
	for (unsigned i = 0; i < threads; i++) {
		members[i] = (struct crowd_member){.crowd = crowd, .who = i};
		ck_assert_int_eq(pthread_create(&members[i].thread, NULL,
						crowd_main, &members[i]), 0);
	}
	crowd->end = conc_now() + (int64_t)(crowd_seconds() * 1e9);
	pthread_barrier_wait(&crowd->start);
	for (unsigned i = 0; i < threads; i++)
		pthread_join(members[i].thread, NULL);
	pthread_barrier_destroy(&crowd->start);
	ck_assert_int_eq(atomic_load(&crowd->failures), 0);
}

#endif
