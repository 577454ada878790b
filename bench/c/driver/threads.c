/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Threads start together, and the time is that from the first start to the last
 * finish.
 */
#include "threads.h"

#include <pthread.h>

struct runner {
	const struct library *library;
	struct task *task;
	run_pass *pass;
	unsigned thread;
	pthread_barrier_t *start;
};

int64_t run_whole(const struct library *library, const struct task *task,
		  unsigned thread)
{
	(void)thread;
	return library->run(task);
}

/* What each thread does between the barrier and its end. */
static void run_task(const struct runner *runner)
{
	struct task *task = runner->task;
	size_t i;

	task->sum = 0;
	task->began = bench_now();
	for (i = 0; i < task->passes; i++)
		task->sum = (int64_t)((uint64_t)task->sum +
				      (uint64_t)runner->pass(runner->library,
							     task,
							     runner->thread));
	task->ended = bench_now();
}

static void *run_one(void *argument)
{
	const struct runner *runner = argument;

	if (runner->library->thread_begin != NULL)
		runner->library->thread_begin();
	pthread_barrier_wait(runner->start);
	run_task(runner);
	if (runner->library->thread_end != NULL)
		runner->library->thread_end();
	return NULL;
}

static void run_in_threads(const struct library *library, struct task *tasks,
			   unsigned count, run_pass *pass)
{
	struct runner runners[MOST_THREADS];
	pthread_t threads[MOST_THREADS];
	pthread_barrier_t start;
	unsigned i;

	pthread_barrier_init(&start, NULL, count);
	for (i = 0; i < count; i++) {
		runners[i] = (struct runner){library, &tasks[i], pass, i, &start};
		if (pthread_create(&threads[i], NULL, run_one, &runners[i]))
			bench_die("a thread could not be started");
	}
	for (i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&start);
}

int64_t run_tasks(const struct library *library, struct task *tasks,
		  unsigned count, run_pass *pass)
{
	int64_t began, ended;
	unsigned i;

	if (library->run_all != NULL)
		library->run_all(tasks, count);
	else
		run_in_threads(library, tasks, count, pass);
	began = tasks[0].began;
	ended = tasks[0].ended;
	for (i = 1; i < count; i++) {
		began = tasks[i].began < began ? tasks[i].began : began;
		ended = tasks[i].ended > ended ? tasks[i].ended : ended;
	}
	return ended - began;
}
