/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What each thread does in each workload, the same for every library. */
#ifndef BENCH_WORKLOADS_H
#define BENCH_WORKLOADS_H

#include <stdbool.h>

#include "bench.h"

#define MOST_THREADS 64

struct workload;

/* A workload made ready for one library and a number of threads. */
struct plan {
	const struct library *library;
	const struct workload *workload;
	unsigned threads;
	struct task tasks[MOST_THREADS];
	void *object;
	void *other;     /* the second queue of a round trip */
	size_t expected; /* for library->make */
	/* Operations, and the sum of all threads' sums, in one pass. */
	size_t operations;
	uint64_t sum;
	/* Maps: run before the clock starts; NULL: nothing. */
	uint64_t *load;
	size_t loaded;
	/* Maps: run after it stopped, and the sum that must come out. */
	uint64_t *check;
	size_t checked;
	uint64_t check_sum;
	size_t added; /* operations so far that add to the checked sum */
};

struct workload {
	enum kind kind;
	const char *name;
	const char *title;
	const char *unit; /* what one operation is */
	unsigned threads[4];
	unsigned needs; /* NEEDS_..., or-ed; the last on 2 threads and more */
	/* Each measurement starts with a new object and is one pass. */
	bool fresh;
	/* Fills plan->tasks and the rest; memory that it takes is never freed. */
	void (*lay)(struct plan *plan);
};

extern const struct workload workloads[];
extern const size_t workload_count;

/* The i-th of the keys: random, no two the same, 60 bits. */
int64_t bench_key(uint64_t i);
/* A step for each of `count` keys from `first` on; exits if there is no memory. */
uint64_t *steps_for(enum operation operation, size_t first, size_t count);

/* Makes the objects and loads them; exits with a message if it cannot. */
void plan_make(struct plan *plan);
void plan_destroy(struct plan *plan);
/* Exits with a message unless everything that went in came out. */
void plan_verify(struct plan *plan, size_t passes);

void bench_die(const char *format, ...)
	__attribute__((noreturn, format(printf, 1, 2)));

#endif
