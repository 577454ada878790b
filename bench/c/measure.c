/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Times one workload of one library: threads start together, and the time is
 * that from the first start to the last finish.
 */
#include "measure.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

int64_t bench_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t run_whole(const struct library *library, const struct task *task)
{
	return library->run(task);
}

int64_t (*run_pass)(const struct library *, const struct task *) = run_whole;

void run_task(const struct library *library, struct task *task)
{
	size_t i;

	task->sum = 0;
	task->began = bench_now();
	for (i = 0; i < task->passes; i++)
		task->sum = (int64_t)((uint64_t)task->sum +
				      (uint64_t)run_pass(library, task));
	task->ended = bench_now();
}

struct runner {
	const struct library *library;
	struct task *task;
	pthread_barrier_t *start;
};

static void *run_one(void *argument)
{
	struct runner *runner = argument;

	if (runner->library->thread_begin != NULL)
		runner->library->thread_begin();
	pthread_barrier_wait(runner->start);
	run_task(runner->library, runner->task);
	if (runner->library->thread_end != NULL)
		runner->library->thread_end();
	return NULL;
}

static void run_in_threads(const struct library *library, struct task *tasks,
			   unsigned count)
{
	struct runner runners[MOST_THREADS];
	pthread_t threads[MOST_THREADS];
	pthread_barrier_t start;
	unsigned i;

	pthread_barrier_init(&start, NULL, count);
	for (i = 0; i < count; i++) {
		runners[i] = (struct runner){library, &tasks[i], &start};
		if (pthread_create(&threads[i], NULL, run_one, &runners[i]))
			bench_die("a thread could not be started");
	}
	for (i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&start);
}

int64_t run_tasks(const struct library *library, struct task *tasks,
		  unsigned count)
{
	int64_t began, ended;
	unsigned i;

	if (library->run_all != NULL)
		library->run_all(tasks, count);
	else
		run_in_threads(library, tasks, count);
	began = tasks[0].began;
	ended = tasks[0].ended;
	for (i = 1; i < count; i++) {
		began = tasks[i].began < began ? tasks[i].began : began;
		ended = tasks[i].ended > ended ? tasks[i].ended : ended;
	}
	return ended - began;
}

/* One measurement: ns for `passes` passes of all threads. */
static int64_t time_passes(struct plan *plan, size_t passes)
{
	int64_t elapsed;
	unsigned i;

	if (plan->workload->fresh)
		plan_make(plan);
	for (i = 0; i < plan->threads; i++)
		plan->tasks[i].passes = passes;
	elapsed = run_tasks(plan->library, plan->tasks, plan->threads);
	plan_verify(plan, passes);
	if (plan->workload->fresh)
		plan_destroy(plan);
	return elapsed;
}

/* Until warm_up ns have gone by; returns how many passes take `target` ns. */
static size_t warm_up(struct plan *plan, int64_t warm, int64_t target)
{
	int64_t spent = 0, elapsed;
	size_t passes = 1;

	do {
		elapsed = time_passes(plan, passes);
		spent += elapsed;
		if (!plan->workload->fresh && elapsed < target)
			passes = elapsed < target / 2
					 ? 2 * passes
					 : passes * (size_t)target /
						   (size_t)elapsed;
	} while (spent < warm || (!plan->workload->fresh && elapsed < target / 2));
	return passes;
}

void measure(struct plan *plan, const struct effort *effort, double *ns)
{
	int64_t warm = effort->warm_up;
	size_t passes;
	unsigned i;

	if (warm < plan->library->warm_up)
		warm = plan->library->warm_up;
	plan->workload->lay(plan);
	if (!plan->workload->fresh)
		plan_make(plan);
	passes = warm_up(plan, warm, effort->target);
	for (i = 0; i < effort->repeats; i++)
		ns[i] = (double)time_passes(plan, passes) / (double)passes /
			(double)plan->operations;
	if (!plan->workload->fresh)
		plan_destroy(plan);
}
