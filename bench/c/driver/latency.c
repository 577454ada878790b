/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How long single operations take: a call of library->run for one step, between
 * two looks at the clock.  Nothing is subtracted; what the clock takes by
 * itself is reported beside it.
 */
#include "latency.h"

#include <stdatomic.h>

#include "keys.h"
#include "workloads.h"

struct recorder;

/* A run_pass that notes how long single operations take. */
typedef int64_t recorded_pass(const struct library *library,
			      const struct task *task,
			      struct recorder *recorder);

/* How a thread does one pass of its task, and what it notes of it. */
struct recorder {
	recorded_pass *pass;
	struct histogram histogram;
	size_t adds; /* of this thread, where it adds until it is told to end */
};

static struct recorder recorders[MOST_THREADS];

/* For plan_run(). */
static int64_t record_pass(const struct library *library,
			   const struct task *task, unsigned thread)
{
	struct recorder *recorder = &recorders[thread];

	return recorder->pass(library, task, recorder);
}

/* ---- passes ------------------------------------------------------------- */

/* The task's operation number i alone. */
static inline int64_t run_single(const struct library *library,
				 const struct task *task, enum loop loop,
				 size_t i)
{
	struct task single = {.loop = loop,
			      .object = task->object,
			      .other = task->other,
			      .count = 1};

	if (task->steps != NULL)
		single.steps = (const uint64_t *)task->steps + i;
	return library->run(&single);
}

static inline int64_t time_single(const struct library *library,
				  const struct task *task, enum loop loop,
				  size_t i, struct recorder *recorder)
{
	int64_t began = bench_now();
	int64_t value = run_single(library, task, loop, i);

	histogram_note(&recorder->histogram, bench_now() - began);
	return value;
}

static int64_t time_steps(const struct library *library,
			  const struct task *task, struct recorder *recorder)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < task->count; i++)
		sum += (uint64_t)time_single(library, task, LOOP_STEPS, i,
					      recorder);
	return (int64_t)sum;
}

static int64_t time_pushes(const struct library *library,
			   const struct task *task, struct recorder *recorder)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < task->count; i++) {
		time_single(library, task, LOOP_PRODUCE, i, recorder);
		sum += (uint64_t)run_single(library, task, LOOP_CONSUME, i);
	}
	return (int64_t)sum;
}

static int64_t time_pops(const struct library *library, const struct task *task,
			 struct recorder *recorder)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < task->count; i++) {
		run_single(library, task, LOOP_PRODUCE, i);
		sum += (uint64_t)time_single(library, task, LOOP_CONSUME, i,
					      recorder);
	}
	return (int64_t)sum;
}

/* Set by the thread that makes the table grow: the others may end. */
static atomic_bool grown;

static int64_t grow(const struct library *library, const struct task *task,
		    struct recorder *recorder)
{
	int64_t sum = library->run(task);

	(void)recorder;
	atomic_store(&grown, true);
	return sum;
}

static int64_t time_until_grown(const struct library *library,
				const struct task *task, struct recorder *recorder)
{
	uint64_t sum = 0;
	size_t i = 0, adds = 0;

	while (!atomic_load_explicit(&grown, memory_order_relaxed)) {
		sum += (uint64_t)time_single(library, task, LOOP_STEPS, i,
					      recorder);
		i = i + 1 < task->count ? i + 1 : 0;
		adds++;
	}
	recorder->adds = adds;
	return (int64_t)sum;
}

/* ---- what each thread does ---------------------------------------------- */

static size_t entries = 1000000;

static void lay_insert(struct plan *plan)
{
	unsigned thread;

	lay_shares(plan, entries);
	for (thread = 0; thread < plan->threads; thread++)
		recorders[thread].pass = time_steps;
}

/*
 * The first thread inserts; the others add to keys that are there, until it is
 * ready.
 */
static void lay_add(struct plan *plan)
{
	const size_t keys = 1000, more = entries / 4;
	uint64_t *adds = steps_for(MAP_ADD, 0, keys);
	unsigned thread;

	load_keys(plan, keys);
	plan->expected = keys + more;
	set_task(plan, 0, LOOP_STEPS, steps_for(MAP_SET, keys, more), more);
	recorders[0].pass = grow;
	for (thread = 1; thread < plan->threads; thread++) {
		set_task(plan, thread, LOOP_STEPS, adds, keys);
		recorders[thread].pass = time_until_grown;
	}
	check_keys(plan, 0, keys + more);
}

/* Every item is a 1: it is pushed by a call of its own. */
static void lay_pairs(struct plan *plan, recorded_pass *pass)
{
	size_t count = entries / 10;
	unsigned thread;

	plan->expected = BOUNDED;
	for (thread = 0; thread < plan->threads; thread++) {
		set_task(plan, thread, LOOP_PAIRS, NULL, count);
		recorders[thread].pass = pass;
	}
	plan->sum = plan->threads * count;
}

static void lay_push(struct plan *plan)
{
	lay_pairs(plan, time_pushes);
}

static void lay_pop(struct plan *plan)
{
	lay_pairs(plan, time_pops);
}

#define MANY (NEEDS_CALLS | NEEDS_MANY_WRITERS)

static const struct workload scenarios[] = {
	{KIND_MAP, "insert", "insert 1,000,000, growing from empty", "insert",
	 {1, 2, CROWD}, MANY | NEEDS_SET, true, lay_insert},
	{KIND_MAP, "add", "add 1, while another thread inserts 250,000",
	 "add", {2, CROWD}, MANY | NEEDS_SET, true, lay_add},
	{KIND_QUEUE, "push", "push, then pop", "push", {2, CROWD}, MANY, true,
	 lay_push},
	{KIND_QUEUE, "pop", "push, then pop", "pop", {2, CROWD}, MANY, true,
	 lay_pop},
};

const struct workload *latency_scenario(size_t i)
{
	return i < COUNT(scenarios) ? &scenarios[i] : NULL;
}

/* ---- measuring ---------------------------------------------------------- */

static int64_t run_once(struct plan *plan)
{
	uint64_t check_sum = plan->check_sum;
	int64_t elapsed;
	unsigned i;

	for (i = 0; i < plan->threads; i++)
		recorders[i].adds = 0;
	atomic_store(&grown, false);
	plan_make(plan);
	elapsed = plan_run(plan, 1, record_pass);
	for (i = 0; i < plan->threads; i++)
		plan->check_sum += recorders[i].adds;
	plan_verify(plan, 1);
	plan_destroy(plan);
	plan->check_sum = check_sum;
	return elapsed;
}

static void forget(unsigned threads)
{
	unsigned i;

	for (i = 0; i < threads; i++)
		recorders[i].histogram = (struct histogram){0};
}

/* A tenth of the work, so that what is measured finds all code loaded. */
static void warm_up(struct plan plan)
{
	size_t all = entries;

	entries /= 10;
	plan.workload->lay(&plan);
	run_once(&plan);
	forget(plan.threads);
	entries = all;
}

/* The less time there is, the smaller the table: 10,000 entries for each ms. */
void latency_measure(struct plan *plan, unsigned milliseconds,
		     struct histogram *all)
{
	int64_t left = INT64_C(1000000) * milliseconds;
	unsigned i;

	if (milliseconds < 100)
		entries = 10000 * (size_t)milliseconds;
	warm_up(*plan);
	plan->workload->lay(plan);
	while (left > 0)
		left -= run_once(plan);
	for (i = 0; i < plan->threads; i++)
		histogram_add(all, &recorders[i].histogram);
}

void latency_of_clock(struct histogram *histogram)
{
	unsigned i;

	for (i = 0; i < 100000; i++) {
		int64_t began = bench_now();

		histogram_note(histogram, bench_now() - began);
	}
}
