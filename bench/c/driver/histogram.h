/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Counts of durations, in steps of 1/32 of a power of two: a percentile is
 * right to 3 %.  Its memory is there from the beginning.
 */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

#define STEP_BITS 5
#define STEPS (1 << STEP_BITS)
/* Longer ones than 2^40 ns, 18 minutes, count as that. */
#define LONGEST_BITS 40

struct histogram {
	uint64_t counts[(LONGEST_BITS - STEP_BITS + 1) * STEPS];
	uint64_t all;
	uint64_t longest;
};

/*
 * Below STEPS a duration is its own index; above, the position of its highest
 * bit chooses a row of STEPS, and the next STEP_BITS bits the place in it.
 */
static inline unsigned histogram_index(uint64_t ns)
{
	unsigned row;

	if (ns < STEPS)
		return (unsigned)ns;
	if (ns >> LONGEST_BITS)
		ns = (UINT64_C(1) << LONGEST_BITS) - 1;
	row = 63 - (unsigned)__builtin_clzll(ns) - STEP_BITS;
	return row * STEPS + (unsigned)(ns >> row);
}

/* The middle of what falls into this place. */
static inline double histogram_value(unsigned index)
{
	unsigned row = index < STEPS ? 0 : index / STEPS - 1;
	uint64_t low = (uint64_t)(index - row * STEPS) << row;

	return (double)low + (double)((UINT64_C(1) << row) - 1) / 2;
}

static inline void histogram_note(struct histogram *histogram, int64_t ns)
{
	uint64_t length = ns > 0 ? (uint64_t)ns : 0;

	histogram->counts[histogram_index(length)]++;
	histogram->all++;
	if (length > histogram->longest)
		histogram->longest = length;
}

static inline void histogram_add(struct histogram *to,
				 const struct histogram *from)
{
	unsigned i;

	for (i = 0; i < sizeof(to->counts) / sizeof(to->counts[0]); i++)
		to->counts[i] += from->counts[i];
	to->all += from->all;
	if (from->longest > to->longest)
		to->longest = from->longest;
}

/* What `share` of the durations are no longer than. */
static inline double histogram_percentile(const struct histogram *histogram,
					  double share)
{
	double wanted = share * (double)histogram->all;
	uint64_t seen = 0;
	unsigned i = 0;

	while ((double)(seen += histogram->counts[i]) < wanted)
		i++;
	return histogram_value(i);
}

#endif
