/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keys.h"

#include <stdlib.h>

/* Each line maps 60 bits one to one, so no two keys are the same. */
int64_t bench_key(uint64_t i)
{
	const uint64_t bits = (UINT64_C(1) << 60) - 1;

	i = (i + 1) * UINT64_C(0x9e3779b97f4a7c15) & bits;
	i ^= i >> 31;
	i = i * UINT64_C(0xbf58476d1ce4e5b9) & bits;
	i ^= i >> 29;
	return (int64_t)i;
}

uint64_t random_below(struct random *random, uint64_t n)
{
	return (uint64_t)bench_key(random->at++) % n;
}

void *take(size_t count, size_t size)
{
	void *memory = calloc(count ? count : 1, size);

	if (memory == NULL)
		bench_die("no memory for %zu steps", count);
	return memory;
}

uint64_t *steps_for(enum operation operation, size_t first, size_t count)
{
	uint64_t *steps = take(count, sizeof(*steps));
	size_t i;

	for (i = 0; i < count; i++)
		steps[i] = map_step(operation, bench_key(first + i));
	return steps;
}

uint64_t sum_of_keys(size_t first, size_t count)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < count; i++)
		sum += (uint64_t)bench_key(first + i) + 1;
	return sum;
}

uint64_t sum_of(size_t count)
{
	return (uint64_t)count * (count + 1) / 2;
}
