/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tasks, run at once. */
#ifndef BENCH_THREADS_H
#define BENCH_THREADS_H

#include "driver.h"

/* How thread number `thread` does one pass of its task; returns the sum. */
typedef int64_t run_pass(const struct library *library, const struct task *task,
			 unsigned thread);

/* As library->run() does. */
run_pass run_whole;

/*
 * Runs the tasks, each in a thread; ns from the first start to the last end.  A
 * library that has run_all brings passes of its own and ignores `pass`.
 */
int64_t run_tasks(const struct library *library, struct task *tasks,
		  unsigned count, run_pass *pass);

#endif
