/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include "workloads.h"

#define MOST_REPEATS 100

struct effort {
	unsigned repeats;
	int64_t target;  /* ns that one repeat should take */
	int64_t warm_up; /* ns to run before the first */
};

/* Writes the ns per operation of each repeat.  Exits if a sum is wrong. */
void measure(struct plan *plan, const struct effort *effort, double *ns);

/* Runs the tasks, each in a thread; ns from the first start to the last end. */
int64_t run_tasks(const struct library *library, struct task *tasks,
		  unsigned count);

/* What each thread does between the barrier and its end. */
void run_task(const struct library *library, struct task *task);

/*
 * How run_task() runs a pass: as library->run() does, unless latency.c has set
 * this to something else.
 */
extern int64_t (*run_pass)(const struct library *library,
			   const struct task *task);

/* CLOCK_MONOTONIC in ns. */
int64_t bench_now(void);

#endif
