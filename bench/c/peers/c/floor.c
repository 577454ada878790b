/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the machine can do: locked instructions in a row, on one word each but
 * uncontended where one thread runs, and an open-addressing table without any
 * synchronisation, which only one thread may write.
 */
#include <stdlib.h>

#include "loops.h"
#include "peer.h"

/* ---- locked adds -------------------------------------------------------- */

struct words {
	_Alignas(64) int64_t first;
	_Alignas(64) int64_t second;
	_Alignas(64) int64_t third;
	_Alignas(64) int64_t fourth;
};

static void *make_words(size_t unused)
{
	static struct words words;

	(void)unused;
	words = (struct words){0};
	return &words;
}

static void destroy_words(void *words)
{
	(void)words;
}

static inline void add_one(int64_t *word)
{
	__atomic_fetch_add(word, 1, __ATOMIC_SEQ_CST);
}

/* `how_many` is known where it is inlined: nothing but the adds is left. */
static inline __attribute__((always_inline)) int64_t
add_to(const struct task *task, int how_many)
{
	struct words *words = task->object;
	size_t i;

	for (i = 0; i < task->count; i++) {
		add_one(&words->first);
		if (how_many > 1)
			add_one(&words->second);
		if (how_many > 2)
			add_one(&words->third);
		if (how_many > 3)
			add_one(&words->fourth);
	}
	return 0;
}

static int64_t run_one(const struct task *task)
{
	return add_to(task, 1);
}

static int64_t run_two(const struct task *task)
{
	return add_to(task, 2);
}

static int64_t run_three(const struct task *task)
{
	return add_to(task, 3);
}

static int64_t run_four(const struct task *task)
{
	return add_to(task, 4);
}

static int64_t first_word(void *words)
{
	return ((struct words *)words)->first;
}

static const char no_counter[] = "no counter, but locked instructions alone";

#define FLOOR(variable, title, function, what_cannot)                         \
	static const struct library variable = {                              \
		.kind = KIND_COUNTER,                                         \
		.name = title,                                                \
		.how = "inlined",                                             \
		.differs = no_counter,                                        \
		.cannot = NEEDS_MALLOC | (what_cannot),                       \
		.make = make_words,                                           \
		.destroy = destroy_words,                                     \
		.run = function,                                              \
		.value = first_word,                                          \
	}

FLOOR(one_add, "1 locked add", run_one, 0);
FLOOR(two_adds, "2 locked adds", run_two, NEEDS_MANY_WRITERS);
FLOOR(three_adds, "3 locked adds", run_three, NEEDS_MANY_WRITERS);
FLOOR(four_adds, "4 locked adds", run_four, NEEDS_MANY_WRITERS);

/* ---- a table without synchronisation ------------------------------------ */

struct slot {
	int64_t key; /* -1: empty; the driver's keys are not negative */
	int64_t value;
};

struct table {
	struct slot *slots;
	size_t mask;
	size_t used;
};

static struct slot *empty_slots(size_t count)
{
	struct slot *slots = malloc(count * sizeof(*slots));
	size_t i;

	if (slots == NULL)
		abort();
	for (i = 0; i < count; i++)
		slots[i].key = -1;
	return slots;
}

/* The slot of the key, or the empty one at the end of its probe chain. */
static inline struct slot *find(const struct table *table, int64_t key)
{
	size_t i = hash_key(key) & table->mask;

	while (table->slots[i].key != key && table->slots[i].key != -1)
		i = (i + 1) & table->mask;
	return &table->slots[i];
}

static void grow(struct table *table)
{
	struct table larger = {.mask = 2 * table->mask + 1};
	size_t i;

	larger.slots = empty_slots(larger.mask + 1);
	larger.used = table->used;
	for (i = 0; i <= table->mask; i++)
		if (table->slots[i].key != -1)
			*find(&larger, table->slots[i].key) = table->slots[i];
	free(table->slots);
	*table = larger;
}

static inline struct slot *find_or_make(struct table *table, int64_t key)
{
	struct slot *slot = find(table, key);

	if (slot->key == key)
		return slot;
	if (2 * ++table->used > table->mask) {
		grow(table);
		slot = find(table, key);
	}
	*slot = (struct slot){key, 0};
	return slot;
}

static inline int64_t map_get(struct table *table, int64_t key)
{
	struct slot *slot = find(table, key);

	return slot->key == key ? slot->value : 0;
}

static inline void map_set(struct table *table, int64_t key, int64_t value)
{
	find_or_make(table, key)->value = value;
}

static inline void map_add(struct table *table, int64_t key)
{
	find_or_make(table, key)->value++;
}

/* Moves back what follows in the chain, so that it has no hole. */
static inline void map_delete(struct table *table, int64_t key)
{
	size_t hole = (size_t)(find(table, key) - table->slots), i = hole;

	if (table->slots[hole].key != key)
		return;
	for (;;) {
		size_t home;

		i = (i + 1) & table->mask;
		if (table->slots[i].key == -1)
			break;
		home = hash_key(table->slots[i].key) & table->mask;
		if (((i - home) & table->mask) < ((i - hole) & table->mask))
			continue;
		table->slots[hole] = table->slots[i];
		hole = i;
	}
	table->slots[hole].key = -1;
	table->used--;
}

#define BENCH_MAP struct table
#include "loops.h"

static void *make_table(size_t unused)
{
	struct table *table = malloc(sizeof(*table));

	(void)unused;
	if (table != NULL)
		*table = (struct table){empty_slots(16), 15, 0};
	return table;
}

static void destroy_table(void *object)
{
	struct table *table = object;

	free(table->slots);
	free(table);
}

static const struct library plain_table = {
	.kind = KIND_MAP,
	.name = "plain table",
	.how = "inlined",
	.differs = "not synchronised",
	.cannot = NEEDS_MANY_WRITERS,
	.make = make_table,
	.destroy = destroy_table,
	.run = run_map,
};

const struct library *const libraries[] = {
	&one_add, &two_adds, &three_adds, &four_adds, &plain_table, NULL,
};
