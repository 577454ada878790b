/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "yield_point.h"

#ifdef CONC_YIELD_POINTS

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

/* One point in so many is slow, and at it one passage in so many sleeps. */
#define SLOW_POINTS 16
#define SLOW_PASSAGES 4
#define LONGEST_SLEEP_NS 100000
/* Elsewhere one passage in so many yields. */
#define YIELDS 16

static _Atomic uint64_t seed;
static _Atomic uint64_t threads;

/* Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014. */
static uint64_t mix(uint64_t x)
{
	x += UINT64_C(0x9E3779B97F4A7C15);
	x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
	return x ^ x >> 31;
}

void conc_yield_seed(uint64_t new_seed)
{
	atomic_store_explicit(&seed, new_seed, memory_order_relaxed);
}

__attribute__((constructor)) static void read_environment(void)
{
	const char *text = getenv("CONC_YIELD_SEED");

	if (text != NULL)
		conc_yield_seed(strtoull(text, NULL, 0));
}

static uint64_t draw(uint64_t now)
{
	static _Thread_local uint64_t state;

	if (state == 0)
		state = mix(now + atomic_fetch_add_explicit(
					  &threads, 1, memory_order_relaxed));
	return state = mix(state);
}

void conc_yield_at(unsigned line)
{
	uint64_t now = atomic_load_explicit(&seed, memory_order_relaxed);
	uint64_t number;

	if (now == 0)
		return;
	number = draw(now);
	if (mix(now ^ line) % SLOW_POINTS == 0) {
		struct timespec pause = {0, (number >> 8) % LONGEST_SLEEP_NS};

		if (number % SLOW_PASSAGES == 0)
			nanosleep(&pause, NULL);
	} else if (number % YIELDS == 0) {
		sched_yield();
	}
}

#endif
