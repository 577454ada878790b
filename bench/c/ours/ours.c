/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ours.h"

#include <concurrency.h>
#include <stdlib.h>

#include "loops.h"

/* ---- conc_dict, int64 keys ---------------------------------------------- */

static inline int64_t map_get(conc_dict *dict, int64_t key)
{
	struct conc_value value;

	return conc_dict_int_get(dict, key, &value) == 0 ? value.u.number : 0;
}

static inline void map_set(conc_dict *dict, int64_t key, int64_t number)
{
	struct conc_value value = {.kind = CONC_NUMBER, .u.number = number};

	conc_dict_int_set(dict, key, &value);
}

static inline void map_delete(conc_dict *dict, int64_t key)
{
	conc_dict_int_delete(dict, key);
}

static inline void map_add(conc_dict *dict, int64_t key)
{
	conc_dict_int_add(dict, key, 1, NULL);
}

#define BENCH_MAP conc_dict
#include "loops.h"

/* There is no way to tell a conc_dict how many entries to expect. */
static void *make_map(size_t expected)
{
	conc_dict *dict;

	(void)expected;
	return conc_dict_new(NULL, &dict) == 0 ? dict : NULL;
}

static void destroy_map(void *map)
{
	conc_dict_free(map);
}

static const struct library our_map = {
	.kind = KIND_MAP,
	.name = "conc_dict",
	.how = "out of line",
	.make = make_map,
	.destroy = destroy_map,
	.run = run_map,
};

/* ---- conc_dict, byte strings -------------------------------------------- */

struct string {
	char bytes[STRING_LENGTH];
};

static inline int64_t string_get(conc_dict *dict, const struct string *key)
{
	struct conc_value value;

	return conc_dict_get(dict, key->bytes, STRING_LENGTH, &value) == 0
		       ? value.u.number
		       : 0;
}

static inline void string_set(conc_dict *dict, const struct string *key,
			      int64_t number)
{
	struct conc_value value = {.kind = CONC_NUMBER, .u.number = number};

	conc_dict_set(dict, key->bytes, STRING_LENGTH, &value);
}

#define BENCH_STRINGS conc_dict
#define BENCH_PROBE struct string
#include "loops.h"

static void *make_strings(size_t expected)
{
	struct conc_dict_attr attr = {.size = sizeof(attr),
				      .keys = CONC_KEY_BYTES};
	conc_dict *dict;

	(void)expected;
	return conc_dict_new(&attr, &dict) == 0 ? dict : NULL;
}

static const struct library our_strings = {
	.kind = KIND_STRINGS,
	.name = "conc_dict",
	.how = "out of line",
	.make = make_strings,
	.destroy = destroy_map,
	.run = run_strings,
	.fill = fill_strings,
};

/* ---- conc_queue --------------------------------------------------------- */

static inline int queue_try_push(conc_queue *queue, void *item)
{
	return conc_queue_push(queue, item) == 0;
}

static inline void *queue_try_pop(conc_queue *queue)
{
	void *item;

	return conc_queue_try_pop(queue, &item) == 0 ? item : NULL;
}

static inline void *queue_pop(conc_queue *queue)
{
	void *item;

	return conc_queue_pop(queue, &item, CONC_FOREVER, NULL) == 0 ? item : NULL;
}

#define BENCH_QUEUE conc_queue
#include "loops.h"

static void *make_queue(size_t capacity)
{
	conc_queue *queue;

	(void)capacity;
	return conc_queue_new(NULL, &queue) == 0 ? queue : NULL;
}

static void destroy_queue(void *queue)
{
	conc_queue_free(queue);
}

static const struct library our_queue = {
	.kind = KIND_QUEUE,
	.name = "conc_queue",
	.how = "out of line",
	.make = make_queue,
	.destroy = destroy_queue,
	.run = run_queue,
};

/* ---- conc_int64 --------------------------------------------------------- */

static void *make_counter(size_t unused)
{
	conc_int64 *counter = malloc(sizeof(*counter));

	(void)unused;
	if (counter != NULL)
		conc_int64_set(counter, 0);
	return counter;
}

static int64_t run_counter(const struct task *task)
{
	size_t i;

	for (i = 0; i < task->count; i++)
		conc_int64_add(task->object, 1);
	return 0;
}

static int64_t counter_value(void *object)
{
	return conc_int64_get(object);
}

static const struct library our_counter = {
	.kind = KIND_COUNTER,
	.name = "conc_int64",
	.how = "inlined",
	.make = make_counter,
	.destroy = free,
	.run = run_counter,
	.value = counter_value,
};

const struct library *const libraries[] = {
	&our_map, &our_strings, &our_queue, &our_bounded_queue, &our_counter,
	NULL,
};
