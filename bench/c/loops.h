/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The loops of bench.h for libraries that are called from C and C++.  Include
 * it once for each kind, after defining, as static inline functions (what is
 * not there: a value of 0, an item of NULL),
 *
 *   BENCH_MAP      int64_t map_get(BENCH_MAP *, int64_t key)
 *                  void map_set(BENCH_MAP *, int64_t key, int64_t value)
 *                  void map_delete(BENCH_MAP *, int64_t key)
 *                  void map_add(BENCH_MAP *, int64_t key)
 *   BENCH_STRINGS, BENCH_PROBE
 *                  int64_t string_get(BENCH_STRINGS *, const BENCH_PROBE *)
 *                  void string_set(BENCH_STRINGS *, const BENCH_PROBE *, int64_t)
 *   BENCH_QUEUE    int queue_try_push(BENCH_QUEUE *, void *item)
 *                  void *queue_try_pop(BENCH_QUEUE *)
 *                  void *queue_pop(BENCH_QUEUE *)
 *
 * to get run_map, run_strings and fill_strings, run_queue: the names can be
 * taken again in another namespace.  The compiler sees the calls and inlines
 * what the library lets it inline.
 */
#ifndef BENCH_LOOPS_H
#define BENCH_LOOPS_H

#include <sched.h>
#include <stddef.h>
#include <stdint.h>

#include "bench.h"

/*
 * What a thread does that finds a queue full or empty, the same for all: some
 * pauses, twice as many each time, then it lets others run.
 */
static inline void back_off(unsigned *tried)
{
	unsigned i, pauses = 1u << (*tried < 6 ? *tried : 6);

	if (++*tried > 10) {
		sched_yield();
		return;
	}
	for (i = 0; i < pauses; i++)
#if defined(__x86_64__) || defined(__i386__)
		__builtin_ia32_pause();
#else
		__asm__ __volatile__("" ::: "memory");
#endif
}

#endif

#ifdef BENCH_MAP
static int64_t run_map(const struct task *task)
{
	BENCH_MAP *map = (BENCH_MAP *)task->object;
	const uint64_t *steps = (const uint64_t *)task->steps;
	int64_t sum = 0;
	size_t i;

	for (i = 0; i < task->count; i++) {
		int64_t key = step_key(steps[i]);

		switch (step_operation(steps[i])) {
		case MAP_GET:
			sum += map_get(map, key);
			break;
		case MAP_SET:
			map_set(map, key, key + 1);
			break;
		case MAP_DELETE:
			map_delete(map, key);
			break;
		case MAP_ADD:
			map_add(map, key);
			break;
		}
	}
	return sum;
}
#undef BENCH_MAP
#endif

#ifdef BENCH_STRINGS
static int64_t run_strings(const struct task *task)
{
	BENCH_STRINGS *map = (BENCH_STRINGS *)task->object;
	const BENCH_PROBE *probes = (const BENCH_PROBE *)task->steps;
	int64_t sum = 0;
	size_t i;

	for (i = 0; i < task->count; i++)
		sum += string_get(map, &probes[i]);
	return sum;
}

static void fill_strings(void *object, const void *keys, size_t count)
{
	BENCH_STRINGS *map = (BENCH_STRINGS *)object;
	const BENCH_PROBE *probes = (const BENCH_PROBE *)keys;
	size_t i;

	for (i = 0; i < count; i++)
		string_set(map, &probes[i], (int64_t)i + 1);
}
#undef BENCH_STRINGS
#undef BENCH_PROBE
#endif

#ifdef BENCH_QUEUE
static inline void push_item(BENCH_QUEUE *queue, uintptr_t number)
{
	unsigned tried = 0;

	while (!queue_try_push(queue, (void *)(number * 8)))
		back_off(&tried);
}

static inline int64_t poll_item(BENCH_QUEUE *queue)
{
	unsigned tried = 0;
	void *item;

	while ((item = queue_try_pop(queue)) == NULL)
		back_off(&tried);
	return (int64_t)((uintptr_t)item / 8);
}

static inline int64_t await_item(BENCH_QUEUE *queue)
{
	return (int64_t)((uintptr_t)queue_pop(queue) / 8);
}

static void produce(BENCH_QUEUE *queue, size_t count)
{
	size_t i;

	for (i = 1; i <= count; i++)
		push_item(queue, i);
}

static int64_t consume(BENCH_QUEUE *queue, size_t count)
{
	int64_t sum = 0;
	size_t i;

	for (i = 0; i < count; i++)
		sum += poll_item(queue);
	return sum;
}

static int64_t pairs(BENCH_QUEUE *queue, size_t count)
{
	int64_t sum = 0;
	size_t i;

	for (i = 1; i <= count; i++) {
		push_item(queue, i);
		sum += poll_item(queue);
	}
	return sum;
}

static int64_t answer(BENCH_QUEUE *in, BENCH_QUEUE *out, size_t count)
{
	int64_t sum = 0, item;
	size_t i;

	for (i = 0; i < count; i++) {
		item = await_item(in);
		push_item(out, (uintptr_t)item);
		sum += item;
	}
	return sum;
}

static int64_t ask(BENCH_QUEUE *out, BENCH_QUEUE *in, size_t count)
{
	int64_t sum = 0;
	size_t i;

	for (i = 1; i <= count; i++) {
		push_item(out, i);
		sum += await_item(in);
	}
	return sum;
}

static int64_t run_queue(const struct task *task)
{
	BENCH_QUEUE *queue = (BENCH_QUEUE *)task->object;
	BENCH_QUEUE *other = (BENCH_QUEUE *)task->other;

	switch (task->loop) {
	case LOOP_PRODUCE:
		produce(queue, task->count);
		return 0;
	case LOOP_CONSUME:
		return consume(queue, task->count);
	case LOOP_PAIRS:
		return pairs(queue, task->count);
	case LOOP_ANSWER:
		return answer(queue, other, task->count);
	case LOOP_ASK:
		return ask(queue, other, task->count);
	default:
		produce(queue, task->count);
		return consume(queue, task->count);
	}
}
#undef BENCH_QUEUE
#endif
