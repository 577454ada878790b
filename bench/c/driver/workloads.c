/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "workloads.h"

#include <stdio.h>
#include <string.h>

#include "keys.h"

/* ---- maps --------------------------------------------------------------- */

/* Gets, and sets that change no value, of random keys out of `keys`. */
static void lay_mix(struct plan *plan, size_t keys, size_t count,
		    unsigned set_percent)
{
	struct random random = {keys};
	unsigned thread;
	size_t i;

	load_keys(plan, keys);
	for (thread = 0; thread < plan->threads; thread++) {
		uint64_t *steps = take(count, sizeof(*steps));

		for (i = 0; i < count; i++) {
			int64_t key = bench_key(random_below(&random, keys));
			bool set = random_below(&random, 100) < set_percent;

			steps[i] = map_step(set ? MAP_SET : MAP_GET, key);
			if (!set)
				plan->sum += (uint64_t)key + 1;
		}
		set_task(plan, thread, LOOP_STEPS, steps, count);
	}
}

static void lay_get_few(struct plan *plan)
{
	lay_mix(plan, 1000, 1 << 13, 0);
}

static void lay_get_many(struct plan *plan)
{
	lay_mix(plan, 1000000, 1 << 20, 0);
}

static void lay_mostly_get(struct plan *plan)
{
	lay_mix(plan, 100000, 1 << 18, 5);
}

static void lay_half_set(struct plan *plan)
{
	lay_mix(plan, 100000, 1 << 18, 50);
}

void lay_shares(struct plan *plan, size_t count)
{
	unsigned thread;

	for (thread = 0; thread < plan->threads; thread++) {
		size_t from = count * thread / plan->threads;
		size_t to = count * (thread + 1) / plan->threads;

		set_task(plan, thread, LOOP_STEPS,
			 steps_for(MAP_SET, from, to - from), to - from);
	}
	check_keys(plan, 0, count);
}

static void lay_insert(struct plan *plan)
{
	lay_shares(plan, 1000000);
}

/*
 * Each thread has a ring of keys of its own, the first half of it in the map;
 * it inserts the key after that half and deletes the oldest, once around the
 * ring, and so ends where it began.
 */
static void lay_churn(struct plan *plan)
{
	const size_t keys = 100000, half = keys / plan->threads;
	unsigned thread;
	size_t i;

	plan->expected = keys;
	plan->load = take(keys, sizeof(*plan->load));
	plan->check = take(keys, sizeof(*plan->check));
	for (thread = 0; thread < plan->threads; thread++) {
		uint64_t *steps = take(4 * half, sizeof(*steps));
		size_t ring = 2 * half * thread;

		for (i = 0; i < 2 * half; i++) {
			int64_t old = bench_key(ring + i);
			int64_t new = bench_key(ring + (i + half) % (2 * half));

			steps[2 * i] = map_step(MAP_SET, new);
			steps[2 * i + 1] = map_step(MAP_DELETE, old);
			if (i >= half)
				continue;
			plan->load[plan->loaded++] = map_step(MAP_SET, old);
			plan->check[plan->checked++] = map_step(MAP_GET, old);
			plan->check_sum += (uint64_t)old + 1;
		}
		set_task(plan, thread, LOOP_STEPS, steps, 4 * half);
	}
}

static void lay_hot_key(struct plan *plan)
{
	const size_t count = 10000;
	uint64_t *steps = take(count, sizeof(*steps));
	unsigned thread;
	size_t i;

	for (i = 0; i < count; i++)
		steps[i] = map_step(MAP_ADD, bench_key(0));
	for (thread = 0; thread < plan->threads; thread++)
		set_task(plan, thread, LOOP_STEPS, steps, count);
	plan->check = steps_for(MAP_GET, 0, 1);
	plan->checked = 1;
	plan->added = plan->operations;
}

/* ---- strings ------------------------------------------------------------ */

static void write_string(char *to, uint64_t i)
{
	char text[STRING_LENGTH + 1];

	snprintf(text, sizeof(text), "%016llx",
		 (unsigned long long)bench_key(i));
	memcpy(to, text, STRING_LENGTH);
}

static const void *prepared(const struct plan *plan, const char *keys,
			    size_t count)
{
	return plan->library->prepare ? plan->library->prepare(keys, count)
				      : keys;
}

/* Equal keys, but never the same memory as those in the map. */
static void lay_strings(struct plan *plan)
{
	const size_t keys = 100000, count = 1 << 18;
	struct random random = {keys};
	char *load = take(keys, STRING_LENGTH);
	unsigned thread;
	size_t i, which;

	for (i = 0; i < keys; i++)
		write_string(load + i * STRING_LENGTH, i);
	plan->expected = keys;
	plan->load = (uint64_t *)prepared(plan, load, keys);
	plan->loaded = keys;
	for (thread = 0; thread < plan->threads; thread++) {
		char *probes = take(count, STRING_LENGTH);

		for (i = 0; i < count; i++) {
			which = random_below(&random, keys);
			memcpy(probes + i * STRING_LENGTH,
			       load + which * STRING_LENGTH, STRING_LENGTH);
			plan->sum += which + 1;
		}
		set_task(plan, thread, LOOP_STEPS,
			 prepared(plan, probes, count), count);
	}
}

/* ---- queues ------------------------------------------------------------- */

/* Every thread pushes and pops `count` items. */
static void lay_alike(struct plan *plan, enum loop loop, size_t count)
{
	unsigned thread;

	for (thread = 0; thread < plan->threads; thread++) {
		set_task(plan, thread, loop, NULL, count);
		plan->sum += sum_of(count);
	}
}

static void lay_pairs(struct plan *plan)
{
	plan->expected = BOUNDED;
	lay_alike(plan, LOOP_PAIRS, 10000);
}

static void lay_burst(struct plan *plan)
{
	plan->expected = 100000;
	lay_alike(plan, LOOP_BURST, 100000);
}

/* Half of the threads push, half pop: an operation is one item. */
static void lay_hand_over(struct plan *plan)
{
	const size_t count = 50000;
	unsigned thread;

	plan->expected = BOUNDED;
	for (thread = 0; thread < plan->threads; thread++)
		set_task(plan, thread,
			 thread % 2 ? LOOP_CONSUME : LOOP_PRODUCE, NULL, count);
	plan->operations = count * plan->threads / 2;
	plan->sum = plan->threads / 2 * sum_of(count);
}

static void lay_round_trip(struct plan *plan)
{
	const size_t count = 500;

	plan->expected = BOUNDED;
	set_task(plan, 0, LOOP_ASK, NULL, count);
	set_task(plan, 1, LOOP_ANSWER, NULL, count);
	plan->operations = count;
	plan->sum = 2 * sum_of(count);
}

/* ---- counters ----------------------------------------------------------- */

static void lay_counter(struct plan *plan)
{
	unsigned thread;

	for (thread = 0; thread < plan->threads; thread++)
		set_task(plan, thread, LOOP_COUNT, NULL, 100000);
	plan->added = plan->operations;
}

/* ---- the table ---------------------------------------------------------- */

#define MANY NEEDS_MANY_WRITERS
#define SET NEEDS_SET

static const struct workload workloads[] = {
	{KIND_MAP, "get-1k", "get, 1,000 keys", "get", {1, 2, 4}, SET, false,
	 lay_get_few},
	{KIND_MAP, "get-1m", "get, 1,000,000 keys", "get", {1, 2, 4}, SET, false,
	 lay_get_many},
	{KIND_MAP, "mix-95-5", "95 % get, 5 % set, 100,000 keys", "operation",
	 {1, 2, 4}, MANY | SET, false, lay_mostly_get},
	{KIND_MAP, "mix-50-50", "50 % get, 50 % set, 100,000 keys", "operation",
	 {1, 2, 4}, MANY | SET, false, lay_half_set},
	{KIND_MAP, "insert-1m", "insert 1,000,000, growing from empty",
	 "insert", {1, 2, 4}, MANY | SET, true, lay_insert},
	{KIND_MAP, "churn", "insert and delete, 100,000 keys", "operation",
	 {1, 2, 4}, MANY | SET | NEEDS_DELETE, false, lay_churn},
	{KIND_STRINGS, "get-strings", "get, 100,000 strings of 16 bytes", "get",
	 {1, 2, 4}, 0, false, lay_strings},
	{KIND_MAP, "hot-key", "add 1 to one key", "add", {1, 2, 4}, MANY, false,
	 lay_hot_key},
	{KIND_QUEUE, "pairs", "push and pop on each thread", "item", {1, 2, 4},
	 MANY, false, lay_pairs},
	{KIND_QUEUE, "hand-over", "half of the threads push, half pop", "item",
	 {2, 4}, MANY, false, lay_hand_over},
	{KIND_QUEUE, "burst", "push 100,000, then pop them", "item", {1}, MANY,
	 false, lay_burst},
	{KIND_QUEUE, "round-trip", "there and back, blocking", "round trip",
	 {2}, MANY | NEEDS_WAIT, false, lay_round_trip},
	{KIND_COUNTER, "counter", "add 1 to one counter", "add", {1, 2, 4},
	 MANY, false, lay_counter},
};

const struct workload *workload_at(size_t i)
{
	return i < COUNT(workloads) ? &workloads[i] : NULL;
}
