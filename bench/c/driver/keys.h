/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys, steps over them, and the sums that must come out. */
#ifndef BENCH_KEYS_H
#define BENCH_KEYS_H

#include "driver.h"

/* The i-th of the keys: random, no two the same, 60 bits. */
int64_t bench_key(uint64_t i);

/* Random numbers of a fixed seed: the same work for every library. */
struct random {
	uint64_t at;
};

uint64_t random_below(struct random *random, uint64_t n);

/* Zeroed memory for a task's steps; exits with a message if there is none. */
void *take(size_t count, size_t size);
/* A step for each of `count` keys from `first` on. */
uint64_t *steps_for(enum operation operation, size_t first, size_t count);

/* The sum of the values of `count` keys from `first` on. */
uint64_t sum_of_keys(size_t first, size_t count);
/* The sum of the items 1 to count. */
uint64_t sum_of(size_t count);

#endif
