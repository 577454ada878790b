/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The bytes in use with a structure less those in use before it was made, as
 * heap.c counts them.  Keys and steps are made before that.  One thread, the
 * first one, does it all, but where memory is retired.
 */
#include "memory.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "heap.h"
#include "keys.h"
#include "workloads.h"

struct scenario {
	struct workload workload;
	size_t count; /* of entries, items or milliseconds */
	double (*measure)(struct plan *plan, size_t count);
};

static struct heap *heap;

/* ---- counting ----------------------------------------------------------- */

void memory_begin(char **arguments)
{
	char path[4096];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 16);
	char *slash;

	heap = dlsym(RTLD_DEFAULT, HEAP_SYMBOL);
	if (heap != NULL)
		return;
	path[length < 0 ? 0 : length] = '\0';
	slash = strrchr(path, '/');
	if (slash == NULL || getenv("LD_PRELOAD") != NULL)
		bench_die("heap.so cannot be preloaded");
	strcpy(slash + 1, "heap.so");
	setenv("LD_PRELOAD", path, 1);
	execv("/proc/self/exe", arguments);
	bench_die("this program cannot be called again");
}

static double bytes_since(size_t before)
{
	return (double)atomic_load(&heap->in_use) - (double)before;
}

/* For a thread that frees what others have retired, and the like. */
static void wait_for_helpers(void)
{
	const struct timespec while_they_work = {0, 100000000};

	nanosleep(&while_they_work, NULL);
}

/* Whoever has a heap of his own would show next to nothing. */
static void check_at_least(const struct plan *plan, double bytes, size_t count)
{
	if (bytes < 8.0 * (double)count)
		bench_die("%s: %.0f bytes for %zu entries: they come from elsewhere",
			  plan->library->name, bytes, count);
}

/* ---- maps --------------------------------------------------------------- */

static void run_key_steps(struct plan *plan, enum operation operation,
			  size_t first, size_t count)
{
	uint64_t *steps = steps_for(operation, first, count);

	plan_run_here(plan, LOOP_STEPS, steps, count);
	free(steps);
}

/* The bytes of a structure that is made and loaded. */
static double bytes_of(struct plan *plan)
{
	size_t before = atomic_load(&heap->in_use);

	plan_make(plan);
	return bytes_since(before);
}

static double entries(struct plan *plan, size_t count)
{
	double bytes;

	load_keys(plan, count);
	check_keys(plan, 0, count);
	bytes = bytes_of(plan);
	check_at_least(plan, bytes, count);
	plan_verify(plan, 1);
	return bytes / (double)count;
}

/* In threads; the sums must be right.  Returns the ns that it took. */
static int64_t run_passes(struct plan *plan, size_t passes)
{
	int64_t elapsed = plan_run(plan, passes, run_whole);

	plan_verify(plan, passes);
	return elapsed;
}

static double strings(struct plan *plan, size_t count)
{
	double bytes;

	(void)count;
	workload_named(workload_at, "get-strings")->lay(plan);
	bytes = bytes_of(plan);
	check_at_least(plan, bytes, plan->loaded);
	run_passes(plan, 1);
	return bytes / (double)plan->loaded;
}

/* Deletes 99 % and then, if `more`, writes twice and waits. */
static double left(struct plan *plan, size_t count, bool more)
{
	size_t before, gone = count - count / 100;
	double bytes;

	load_keys(plan, count);
	/* What was deleted would make the sum too large. */
	check_keys(plan, 0, count);
	plan->check_sum = sum_of_keys(gone, count - gone);
	before = atomic_load(&heap->in_use);
	plan_make(plan);
	check_at_least(plan, bytes_since(before), count);
	run_key_steps(plan, MAP_DELETE, 0, gone);
	if (more) {
		run_key_steps(plan, MAP_SET, gone, 2);
		wait_for_helpers();
	}
	bytes = bytes_since(before);
	plan_verify(plan, 1);
	return bytes / 1024;
}

static double left_at_once(struct plan *plan, size_t count)
{
	return left(plan, count, false);
}

static double left_later(struct plan *plan, size_t count)
{
	return left(plan, count, true);
}

/* ---- queues ------------------------------------------------------------- */

static void produce_all(struct plan *plan, size_t count)
{
	plan_run_here(plan, LOOP_PRODUCE, NULL, count);
}

static void consume_all(struct plan *plan, size_t count)
{
	plan_expect(plan,
		    (uint64_t)plan_run_here(plan, LOOP_CONSUME, NULL, count),
		    sum_of(count));
}

/* One alone: plan_make() makes two queues.  Returns what was in use before. */
static size_t make_one(struct plan *plan, size_t capacity)
{
	size_t before = atomic_load(&heap->in_use);

	plan_make_one(plan, capacity);
	return before;
}

static double items(struct plan *plan, size_t count)
{
	size_t before = make_one(plan, count);
	double bytes;

	produce_all(plan, count);
	bytes = bytes_since(before);
	check_at_least(plan, bytes, count);
	consume_all(plan, count);
	return bytes / (double)count;
}

static double drained(struct plan *plan, size_t count)
{
	size_t before = make_one(plan, count);

	produce_all(plan, count);
	consume_all(plan, count);
	plan_run_here(plan, LOOP_PAIRS, NULL, 2);
	wait_for_helpers();
	return bytes_since(before) / 1024;
}

/* ---- all kinds ---------------------------------------------------------- */

static double empty(struct plan *plan, size_t capacity)
{
	size_t before = make_one(plan, capacity);

	return bytes_since(before);
}

/* The most above what was in use when all was loaded and nobody had begun. */
static double retired(struct plan *plan, const char *workload,
		      size_t milliseconds)
{
	int64_t left = (int64_t)milliseconds * 1000000;
	size_t rest, passes;

	workload_named(workload_at, workload)->lay(plan);
	plan_make(plan);
	rest = atomic_load(&heap->in_use);
	atomic_store(&heap->peak, rest);
	for (passes = 1; left > 0; passes *= 2)
		left -= run_passes(plan, passes);
	return ((double)atomic_load(&heap->peak) - (double)rest) / 1024;
}

static double retired_deleting(struct plan *plan, size_t milliseconds)
{
	return retired(plan, "churn", milliseconds);
}

static double retired_replacing(struct plan *plan, size_t milliseconds)
{
	return retired(plan, "mix-50-50", milliseconds);
}

static double retired_popping(struct plan *plan, size_t milliseconds)
{
	return retired(plan, "pairs", milliseconds);
}

/* ---- the table ---------------------------------------------------------- */

#define SET NEEDS_SET
#define DELETE (NEEDS_SET | NEEDS_DELETE)
#define MANY NEEDS_MANY_WRITERS

#define SCENARIO(kind, name, title, unit, threads, needs, count, measure)     \
	{                                                                     \
		{kind, name, title, unit, {threads}, NEEDS_MALLOC | (needs),  \
		 true, NULL},                                                 \
			count, measure                                        \
	}

static const struct scenario scenarios[] = {
	SCENARIO(KIND_MAP, "empty-map", "empty", "B", 1, SET, 0, empty),
	SCENARIO(KIND_MAP, "entry-1k", "1k ints", "B each", 1, SET, 1000,
		 entries),
	SCENARIO(KIND_MAP, "entry-100k", "100k ints", "B each", 1, SET, 100000,
		 entries),
	SCENARIO(KIND_MAP, "entry-1m", "1M ints", "B each", 1, SET, 1000000,
		 entries),
	SCENARIO(KIND_STRINGS, "entry-strings", "100k strings of 16", "B each",
		 1, 0, 100000, strings),
	SCENARIO(KIND_MAP, "deleted", "1M, then 99 % deleted", "KiB", 1, DELETE,
		 1000000, left_at_once),
	SCENARIO(KIND_MAP, "deleted-later", "0.1 s and 2 writes later", "KiB", 1,
		 DELETE, 1000000, left_later),
	SCENARIO(KIND_MAP, "retired-deleting", "above rest, churn", "KiB", CROWD,
		 MANY | DELETE, 500, retired_deleting),
	SCENARIO(KIND_MAP, "retired-replacing", "above rest, sets", "KiB", CROWD,
		 MANY | SET, 500, retired_replacing),
	SCENARIO(KIND_QUEUE, "empty-queue", "empty", "B", 1, 0, BOUNDED, empty),
	SCENARIO(KIND_QUEUE, "item-100k", "100k items", "B each", 1, 0, 100000,
		 items),
	SCENARIO(KIND_QUEUE, "drained", "1M taken out, 0.1 s and 2 pairs later",
		 "KiB", 1, 0, 1000000, drained),
	SCENARIO(KIND_QUEUE, "retired-items", "above rest, pairs", "KiB", CROWD,
		 MANY, 500, retired_popping),
	SCENARIO(KIND_COUNTER, "empty-counter", "counter", "B", 1, 0, 0, empty),
};

const struct workload *memory_scenario(size_t i)
{
	return i < COUNT(scenarios) ? &scenarios[i].workload : NULL;
}

double memory_measure(struct plan *plan, unsigned parts)
{
	/* The workload is the first member. */
	const struct scenario *scenario = (const void *)plan->workload;

	return scenario->measure(plan, scenario->count / parts);
}
