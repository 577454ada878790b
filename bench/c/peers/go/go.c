/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the driver sees of the Go peers.  Go lends no pointer to C, so an object
 * is a handle of Go's, kept in a word of C memory that `void *` points to.
 */
#include <stdlib.h>

#include "bench.h"
#include "go_peers.h"

static void *keep(uintptr_t handle)
{
	uintptr_t *word = malloc(sizeof(*word));

	if (word == NULL)
		bench_die("no memory for a handle");
	*word = handle;
	return word;
}

static void destroy(void *object)
{
	peer_free(object);
	free(object);
}

static int64_t run(const struct task *task)
{
	return task_run((struct task *)task);
}

static void run_all(struct task *tasks, unsigned count)
{
	tasks_run(tasks, count, bench_now());
}

static const void *prepare(const char *keys, size_t count)
{
	return keep(strings_prepare((char *)keys, count));
}

static void fill(void *map, const void *keys, size_t count)
{
	(void)count;
	strings_fill(map, (void *)keys);
}

static int64_t value(void *counter)
{
	return counter_value(counter);
}

#define LIBRARY(variable, constructor, kind_, name_, how_, differs_,	      \
		cannot_)						      \
	static void *constructor##_object(size_t expected)		      \
	{								      \
		return keep(constructor(expected));			      \
	}								      \
	static const struct library variable = {			      \
		.kind = kind_,						      \
		.name = name_,						      \
		.how = how_,						      \
		.differs = differs_,					      \
		.cannot = cannot_,					      \
		.make = constructor##_object,				      \
		.destroy = destroy,					      \
		.run = run,						      \
		.prepare = kind_ == KIND_STRINGS ? prepare : NULL,	      \
		.fill = kind_ == KIND_STRINGS ? fill : NULL,		      \
		.value = kind_ == KIND_COUNTER ? value : NULL,		      \
		.run_all = run_all,					      \
	}

LIBRARY(sync_map, sync_map_new, KIND_MAP, "Go sync.Map",
	"goroutines; values boxed by each call", NULL, 0);
LIBRARY(sync_counts, sync_counts_new, KIND_MAP, "Go sync.Map of atomic.Int64",
	"goroutines", NULL, NEEDS_SET);
LIBRARY(locked_map, locked_map_new, KIND_MAP, "Go map + sync.RWMutex",
	"goroutines", NULL, 0);
LIBRARY(sync_strings, sync_strings_new, KIND_STRINGS, "Go sync.Map",
	"goroutines", NULL, 0);
LIBRARY(locked_strings, locked_strings_new, KIND_STRINGS, "Go map + sync.RWMutex",
	"goroutines", NULL, 0);
LIBRARY(channel, channel_new, KIND_QUEUE, "Go channel",
	"goroutines, which may share a thread", "bounded", 0);
LIBRARY(counter, counter_new, KIND_COUNTER, "Go atomic.Int64",
	"goroutines; inlined", NULL, 0);

const struct library *const libraries[] = {
	&sync_map, &sync_counts, &locked_map, &sync_strings, &locked_strings,
	&channel, &counter, NULL,
};
