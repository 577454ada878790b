/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What bench/compare.py calls, one process for each measurement:
 *
 *   PROGRAM list                      libraries and workloads, a JSON line each
 *   PROGRAM time WORKLOAD LIBRARY THREADS REPEATS MILLISECONDS
 *   PROGRAM memory SCENARIO LIBRARY PARTS
 *   PROGRAM latency SCENARIO LIBRARY THREADS MILLISECONDS
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "latency.h"
#include "memory.h"
#include "throughput.h"
#include "workloads.h"

/* ---- list --------------------------------------------------------------- */

static const char *const kinds[] = {"map", "strings", "queue", "counter"};

static void list_workloads(const char *part, catalogue *at)
{
	const struct workload *workload;
	size_t i, j;
	unsigned threads;

	for (i = 0; (workload = at(i)) != NULL; i++) {
		printf("{\"workload\": \"%s\", \"part\": \"%s\", \"kind\": \"%s\", "
		       "\"title\": \"%s\", \"unit\": \"%s\", \"needs\": %u, "
		       "\"threads\": [",
		       workload->name, part, kinds[workload->kind],
		       workload->title, workload->unit, workload->needs);
		for (j = 0; (threads = workload_threads(workload, j)) != 0; j++)
			printf("%s%u", j ? ", " : "", threads);
		printf("]}\n");
	}
}

static unsigned lacks(const struct library *library)
{
	return library->cannot |
	       (library->run_all ? NEEDS_MALLOC | NEEDS_CALLS : 0);
}

static void list(void)
{
	const struct library *const *library;

	for (library = libraries; *library != NULL; library++) {
		if ((*library)->missing != NULL) {
			printf("{\"missing\": \"%s\", \"reason\": \"%s\"}\n",
			       (*library)->name, (*library)->missing);
			continue;
		}
		printf("{\"library\": \"%s\", \"kind\": \"%s\", \"how\": \"%s\", "
		       "\"differs\": \"%s\", \"cannot\": %u}\n",
		       (*library)->name, kinds[(*library)->kind],
		       (*library)->how,
		       (*library)->differs ? (*library)->differs : "",
		       lacks(*library));
	}
	list_workloads("time", workload_at);
	list_workloads("memory", memory_scenario);
	list_workloads("latency", latency_scenario);
}

/* ---- what the arguments name -------------------------------------------- */

static unsigned number(const char *text, unsigned most)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || *end || end == text || value < 1 || value > most)
		bench_die("%s: not a number from 1 to %u", text, most);
	return (unsigned)value;
}

/* threads == 0: as many as the workload says first. */
static void find(struct plan *plan, catalogue *workloads, const char *workload,
		 const char *library)
{
	const struct library *const *at;

	plan->workload = workload_named(workloads, workload);
	if (plan->threads == 0)
		plan->threads = workload_threads(plan->workload, 0);
	for (at = libraries; *at != NULL; at++)
		if (strcmp((*at)->name, library) == 0 &&
		    (*at)->kind == plan->workload->kind)
			plan->library = *at;
	if (plan->library == NULL)
		bench_die("no library here is called %s", library);
	if (plan->library->missing != NULL)
		bench_die("%s: %s", library, plan->library->missing);
	if (lacks(plan->library) & plan->workload->needs &
	    (plan->threads == 1 ? ~NEEDS_MANY_WRITERS : ~0u))
		bench_die("%s cannot do %s on %u threads", library, workload,
			  plan->threads);
}

static void print_names(const struct plan *plan)
{
	printf("{\"library\": \"%s\", \"workload\": \"%s\", \"threads\": %u, ",
	       plan->library->name, plan->workload->name, plan->threads);
}

/* ---- the parts ---------------------------------------------------------- */

static void time_one(char **arguments)
{
	struct plan plan = {.threads = number(arguments[2], MOST_THREADS)};
	struct effort effort = {.repeats = number(arguments[3], MOST_REPEATS)};
	double ns[MOST_REPEATS];
	unsigned i;

	find(&plan, workload_at, arguments[0], arguments[1]);
	effort.target = INT64_C(1000000) * number(arguments[4], 100000);
	effort.warm_up = 2 * effort.target;
	throughput_measure(&plan, &effort, ns);
	print_names(&plan);
	printf("\"ns\": [");
	for (i = 0; i < effort.repeats; i++)
		printf("%s%.3f", i ? ", " : "", ns[i]);
	printf("]}\n");
}

static void weigh_one(char **arguments)
{
	struct plan plan = {0};
	double figure;

	find(&plan, memory_scenario, arguments[0], arguments[1]);
	figure = memory_measure(&plan, number(arguments[2], 1000));
	print_names(&plan);
	printf("\"figure\": %.1f}\n", figure);
}

static void time_singles(char **arguments)
{
	static const struct {
		const char *name;
		double share;
	} shares[] = {{"p50", 0.5}, {"p99", 0.99}, {"p99.9", 0.999}};
	static struct histogram histogram, clock;
	struct plan plan = {.threads = number(arguments[2], MOST_THREADS)};
	size_t i;

	find(&plan, latency_scenario, arguments[0], arguments[1]);
	latency_measure(&plan, number(arguments[3], 100000), &histogram);
	latency_of_clock(&clock);
	print_names(&plan);
	printf("\"count\": %llu, ", (unsigned long long)histogram.all);
	for (i = 0; i < COUNT(shares); i++)
		printf("\"%s\": %.1f, ", shares[i].name,
		       histogram_percentile(&histogram, shares[i].share));
	printf("\"max\": %llu, \"clock\": %.1f}\n",
	       (unsigned long long)histogram.longest,
	       histogram_percentile(&clock, 0.5));
}

static const char usage[] =
	"usage: %s list\n"
	"       %s time WORKLOAD LIBRARY THREADS REPEATS MILLISECONDS\n"
	"       %s memory SCENARIO LIBRARY PARTS\n"
	"       %s latency SCENARIO LIBRARY THREADS MILLISECONDS";

int main(int count, char **arguments)
{
	const char *program = arguments[0], *verb = count > 1 ? arguments[1] : "";

	if (count == 2 && strcmp(verb, "list") == 0) {
		list();
	} else if (count == 7 && strcmp(verb, "time") == 0) {
		time_one(arguments + 2);
	} else if (count == 5 && strcmp(verb, "memory") == 0) {
		memory_begin(arguments);
		weigh_one(arguments + 2);
	} else if (count == 6 && strcmp(verb, "latency") == 0) {
		time_singles(arguments + 2);
	} else {
		bench_die(usage, program, program, program, program);
	}
	return 0;
}
