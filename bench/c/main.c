/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What bench/compare.py calls, one process for each measurement:
 *
 *   PROGRAM list                      libraries and workloads, a JSON line each
 *   PROGRAM time WORKLOAD LIBRARY THREADS REPEATS MILLISECONDS
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure.h"

void bench_die(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(1);
}

/* ---- list --------------------------------------------------------------- */

static const char *const kinds[] = {"map", "strings", "queue", "counter"};

static void list(void)
{
	const struct library *const *library;
	size_t i, j;

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
		       (*library)->cannot);
	}
	for (i = 0; i < workload_count; i++) {
		const struct workload *workload = &workloads[i];

		printf("{\"workload\": \"%s\", \"kind\": \"%s\", \"title\": \"%s\", "
		       "\"unit\": \"%s\", \"needs\": %u, \"threads\": [",
		       workload->name, kinds[workload->kind], workload->title,
		       workload->unit, workload->needs);
		for (j = 0; j < 4 && workload->threads[j] != 0; j++)
			printf("%s%u", j ? ", " : "", workload->threads[j]);
		printf("]}\n");
	}
}

/* ---- time --------------------------------------------------------------- */

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

static void find(struct plan *plan, const char *workload, const char *library)
{
	const struct library *const *at;
	size_t i;

	for (i = 0; i < workload_count; i++)
		if (strcmp(workloads[i].name, workload) == 0)
			plan->workload = &workloads[i];
	if (plan->workload == NULL)
		bench_die("no workload is called %s", workload);
	for (at = libraries; *at != NULL; at++)
		if (strcmp((*at)->name, library) == 0 &&
		    (*at)->kind == plan->workload->kind)
			plan->library = *at;
	if (plan->library == NULL)
		bench_die("no library here is called %s", library);
	if (plan->library->missing != NULL)
		bench_die("%s: %s", library, plan->library->missing);
	if (plan->library->cannot & plan->workload->needs &
	    (plan->threads == 1 ? ~NEEDS_MANY_WRITERS : ~0u))
		bench_die("%s cannot do %s on %u threads", library, workload,
			  plan->threads);
}

static void time_one(char **arguments)
{
	struct plan plan = {.threads = number(arguments[2], MOST_THREADS)};
	struct effort effort = {.repeats = number(arguments[3], MOST_REPEATS)};
	double ns[MOST_REPEATS];
	unsigned i;

	find(&plan, arguments[0], arguments[1]);
	effort.target = INT64_C(1000000) * number(arguments[4], 100000);
	effort.warm_up = 2 * effort.target;
	measure(&plan, &effort, ns);
	printf("{\"library\": \"%s\", \"workload\": \"%s\", \"threads\": %u, "
	       "\"ns\": [",
	       plan.library->name, plan.workload->name, plan.threads);
	for (i = 0; i < effort.repeats; i++)
		printf("%s%.3f", i ? ", " : "", ns[i]);
	printf("]}\n");
}

int main(int count, char **arguments)
{
	if (count == 2 && strcmp(arguments[1], "list") == 0)
		list();
	else if (count == 7 && strcmp(arguments[1], "time") == 0)
		time_one(arguments + 2);
	else
		bench_die("usage: %s list | time WORKLOAD LIBRARY THREADS REPEATS MILLISECONDS",
			  arguments[0]);
	return 0;
}
