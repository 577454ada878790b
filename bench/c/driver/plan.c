/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan.h"

#include <string.h>
#include <unistd.h>

#include "keys.h"

/* ---- workloads ---------------------------------------------------------- */

const struct workload *workload_named(catalogue *at, const char *name)
{
	const struct workload *workload;
	size_t i;

	for (i = 0; (workload = at(i)) != NULL; i++)
		if (strcmp(workload->name, name) == 0)
			return workload;
	bench_die("no workload is called %s", name);
}

/* Four times the cores, and eight at least. */
static unsigned crowd(void)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (4 * cores > MOST_THREADS)
		return MOST_THREADS;
	return cores > 2 ? 4 * (unsigned)cores : 8;
}

unsigned workload_threads(const struct workload *workload, size_t i)
{
	if (i == COUNT(workload->threads))
		return 0;
	return workload->threads[i] == CROWD ? crowd() : workload->threads[i];
}

/* ---- laid --------------------------------------------------------------- */

void load_keys(struct plan *plan, size_t count)
{
	plan->expected = count;
	plan->load = steps_for(MAP_SET, 0, count);
	plan->loaded = count;
}

/* The check reads every key back. */
void check_keys(struct plan *plan, size_t first, size_t count)
{
	plan->check = steps_for(MAP_GET, first, count);
	plan->checked = count;
	plan->check_sum = sum_of_keys(first, count);
}

void set_task(struct plan *plan, unsigned thread, enum loop loop,
	      const void *steps, size_t count)
{
	struct task *task = &plan->tasks[thread];

	task->loop = loop;
	task->steps = steps;
	task->count = count;
	plan->operations += count;
}

/* ---- made --------------------------------------------------------------- */

static void *make(const struct library *library, size_t expected)
{
	void *object = library->make(expected);

	if (object == NULL)
		bench_die("%s: no memory", library->name);
	return object;
}

void plan_make_one(struct plan *plan, size_t expected)
{
	plan->object = make(plan->library, expected);
}

void plan_make(struct plan *plan)
{
	const struct library *library = plan->library;
	unsigned i;

	plan->object = make(library, plan->expected);
	if (library->kind == KIND_QUEUE)
		plan->other = make(library, plan->expected);
	if (library->kind == KIND_STRINGS)
		library->fill(plan->object, plan->load, plan->loaded);
	else if (plan->load != NULL)
		plan_run_here(plan, LOOP_STEPS, plan->load, plan->loaded);
	/* Asked through `object`, answered through `other`. */
	for (i = 0; i < plan->threads; i++) {
		plan->tasks[i].object = plan->object;
		plan->tasks[i].other = plan->other;
	}
}

void plan_destroy(struct plan *plan)
{
	plan->library->destroy(plan->object);
	if (plan->other != NULL)
		plan->library->destroy(plan->other);
	plan->object = plan->other = NULL;
}

/* ---- run ---------------------------------------------------------------- */

int64_t plan_run(struct plan *plan, size_t passes, run_pass *pass)
{
	unsigned i;

	for (i = 0; i < plan->threads; i++)
		plan->tasks[i].passes = passes;
	return run_tasks(plan->library, plan->tasks, plan->threads, pass);
}

int64_t plan_run_here(const struct plan *plan, enum loop loop,
		      const uint64_t *steps, size_t count)
{
	struct task task = {.loop = loop,
			    .object = plan->object,
			    .steps = steps,
			    .count = count};

	return plan->library->run(&task);
}

/* ---- checked ------------------------------------------------------------ */

void plan_expect(const struct plan *plan, uint64_t found, uint64_t wanted)
{
	if (found != wanted)
		bench_die("%s, %s: the sum is %llu instead of %llu: something was lost",
			  plan->library->name, plan->workload->name,
			  (unsigned long long)found,
			  (unsigned long long)wanted);
}

static uint64_t sum_of_tasks(const struct plan *plan)
{
	uint64_t sum = 0;
	unsigned i;

	for (i = 0; i < plan->threads; i++)
		sum += (uint64_t)plan->tasks[i].sum;
	return sum;
}

/* What the object holds in the end: a counter's value, or the keys to check. */
static uint64_t sum_held(const struct plan *plan)
{
	return plan->library->kind == KIND_COUNTER
		       ? (uint64_t)plan->library->value(plan->object)
		       : (uint64_t)plan_run_here(plan, LOOP_STEPS, plan->check,
						 plan->checked);
}

void plan_verify(struct plan *plan, size_t passes)
{
	plan_expect(plan, sum_of_tasks(plan), plan->sum * passes);
	plan->check_sum += plan->added * passes;
	if (plan->added != 0 || plan->check != NULL)
		plan_expect(plan, sum_held(plan), plan->check_sum);
}
