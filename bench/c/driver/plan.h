/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A workload, and that workload made ready for one library and its threads. */
#ifndef BENCH_PLAN_H
#define BENCH_PLAN_H

#include <stdbool.h>

#include "driver.h"
#include "threads.h"

/* What a bounded queue must hold, where that is not what is measured. */
#define BOUNDED 1024

/* In a list of numbers of threads: many more than there are cores. */
#define CROWD (~0u)

struct workload;

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

/* Where workloads are found: the i-th, or NULL. */
typedef const struct workload *catalogue(size_t i);

/* Exits with a message if there is none of this name. */
const struct workload *workload_named(catalogue *at, const char *name);
/* The i-th of its numbers of threads; 0: there are no more. */
unsigned workload_threads(const struct workload *workload, size_t i);

/* ---- for `lay` ---------------------------------------------------------- */

/* What the map holds at first; what must be in it at the end. */
void load_keys(struct plan *plan, size_t count);
void check_keys(struct plan *plan, size_t first, size_t count);
/* What thread number `thread` does; `count` operations. */
void set_task(struct plan *plan, unsigned thread, enum loop loop,
	      const void *steps, size_t count);

/* ---- for who measures --------------------------------------------------- */

/* Makes the objects and loads them; exits with a message if it cannot. */
void plan_make(struct plan *plan);
/* One object alone, with nothing in it. */
void plan_make_one(struct plan *plan, size_t expected);
void plan_destroy(struct plan *plan);

/* Runs all tasks in their threads; the ns that it took. */
int64_t plan_run(struct plan *plan, size_t passes, run_pass *pass);
/* Runs a loop on the calling thread, once; its sum. */
int64_t plan_run_here(const struct plan *plan, enum loop loop,
		      const uint64_t *steps, size_t count);

/* Exits with a message unless everything that went in came out. */
void plan_verify(struct plan *plan, size_t passes);
/* The same for a sum that the caller knows. */
void plan_expect(const struct plan *plan, uint64_t found, uint64_t wanted);

#endif
