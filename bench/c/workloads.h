/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What each thread does in each workload, the same for every library. */
#ifndef BENCH_WORKLOADS_H
#define BENCH_WORKLOADS_H

#include <stdbool.h>

#include "bench.h"

#define MOST_THREADS 64

/* What a bounded queue must hold, where that is not what is measured. */
#define BOUNDED 1024

/* In a list of numbers of threads: many more than there are cores. */
#define CROWD (~0u)

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

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
	/*
	 * Fills plan->tasks and the rest; memory that it takes is never freed.
	 * NULL in scenarios of memory.c.
	 */
	void (*lay)(struct plan *plan);
};

/* The i-th of what is timed, or NULL. */
const struct workload *workload_at(size_t i);
/* One of these, which there must be. */
const struct workload *workload_named(const char *name);
/* The i-th of its numbers of threads; 0: there are no more. */
unsigned workload_threads(const struct workload *workload, size_t i);

/* The i-th of the keys: random, no two the same, 60 bits. */
int64_t bench_key(uint64_t i);
/* A step for each of `count` keys from `first` on; exits if there is no memory. */
uint64_t *steps_for(enum operation operation, size_t first, size_t count);
/* The sum of the values of `count` keys from `first` on. */
uint64_t sum_of_keys(size_t first, size_t count);
/* The sum of the items 1 to count. */
uint64_t sum_of(size_t count);

/* For `lay`: what the map holds at first; what must be in it at the end. */
void load_keys(struct plan *plan, size_t count);
void check_keys(struct plan *plan, size_t first, size_t count);
/* What thread number `thread` does; `count` operations. */
void set_task(struct plan *plan, unsigned thread, enum loop loop,
	      const void *steps, size_t count);

/* Makes the objects and loads them; exits with a message if it cannot. */
void plan_make(struct plan *plan);
void plan_destroy(struct plan *plan);
/* Exits with a message unless everything that went in came out. */
void plan_verify(struct plan *plan, size_t passes);

void bench_die(const char *format, ...)
	__attribute__((noreturn, format(printf, 1, 2)));

#endif
