/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The hot paths of the library as a C program takes them, for count.py: each is
 * a loop of `count` operations between two marks, run three times: to warm up
 * (segments are in the pool, the thread has its record at liburcu), `count`
 * times, and twice as often.  The difference of the last two is `count`
 * operations and nothing else.
 *
 *   paths COUNT
 *
 * Nothing here may depend on chance, on the machine or on the time.
 */
#include <concurrency.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * In place of libc's, also for the library: its secrets, of which the lengths
 * of probe chains depend.  2^64 / phi, over and over.
 */
int getentropy(void *buffer, size_t length)
{
	unsigned char *bytes = buffer;

	for (size_t i = 0; i < length; i++)
		bytes[i] = (unsigned char)(UINT64_C(0x9E3779B97F4A7C15) >> i % 8 * 8);
	return 0;
}

static void expect(int rc)
{
	if (rc == 0)
		return;
	fprintf(stderr, "an operation failed: %d\n", rc);
	exit(1);
}

/* ---- dicts --------------------------------------------------------------- */

#define KEYS 64
#define KEY_BYTES 16

/* So many that the inserts that are counted let no shard grow. */
#define INSERTED_BEFORE 3300

static conc_dict *numbers;
static conc_dict *strings;
static conc_dict *filling;
static char names[KEYS][KEY_BYTES + 1];

/* `scaling` is given, as the default is the machine's number of cores. */
static conc_dict *make_dict(enum conc_key_kind keys)
{
	struct conc_dict_attr attr = {
		.size = sizeof(attr), .scaling = 2, .keys = keys};
	conc_dict *dict;

	expect(conc_dict_new(&attr, &dict));
	return dict;
}

static void make_dicts(void)
{
	struct conc_value value = {.kind = CONC_NUMBER, .u.number = 1};

	numbers = make_dict(CONC_KEY_INT64);
	strings = make_dict(CONC_KEY_BYTES);
	for (int i = 0; i < KEYS; i++) {
		snprintf(names[i], sizeof(names[i]), "the key no. %04u", (unsigned)i % KEYS);
		expect(conc_dict_int_set(numbers, i, &value));
		expect(conc_dict_set(strings, names[i], KEY_BYTES, &value));
	}
}

static void get_numbers(int count)
{
	struct conc_value value;

	for (int i = 0; i < count; i++)
		expect(conc_dict_int_get(numbers, i % KEYS, &value));
}

static void get_strings(int count)
{
	struct conc_value value;

	for (int i = 0; i < count; i++)
		expect(conc_dict_get(strings, names[i % KEYS], KEY_BYTES, &value));
}

static void set_numbers(int count)
{
	struct conc_value value = {.kind = CONC_NUMBER, .u.number = 2};

	for (int i = 0; i < count; i++)
		expect(conc_dict_int_set(numbers, i % KEYS, &value));
}

static void add_numbers(int count)
{
	for (int i = 0; i < count; i++)
		expect(conc_dict_int_add(numbers, i % KEYS, 1, NULL));
}

static void insert_range(int from, int to)
{
	struct conc_value value = {.kind = CONC_NUMBER, .u.number = 1};

	for (int i = from; i < to; i++)
		expect(conc_dict_int_insert(filling, i, &value, NULL));
}

static void begin_filling(int count)
{
	(void)count;
	filling = make_dict(CONC_KEY_INT64);
	insert_range(0, INSERTED_BEFORE);
}

static void insert_numbers(int count)
{
	insert_range(INSERTED_BEFORE, INSERTED_BEFORE + count);
}

static void end_filling(int count)
{
	(void)count;
	conc_dict_free(filling);
	/* Not for the next path to do. */
	expect(conc_reclaim(NULL));
}

/* ---- queues --------------------------------------------------------------- */

static conc_queue *queue;
static conc_bounded_queue *bounded;
static char item;

static void make_queues(int count)
{
	struct conc_bounded_queue_attr attr = {.size = sizeof(attr),
					       .capacity = 2 * count};

	expect(conc_queue_new(NULL, &queue));
	expect(conc_bounded_queue_new(&attr, &bounded));
}

static void push(int count)
{
	for (int i = 0; i < count; i++)
		expect(conc_queue_push(queue, &item));
}

static void pop(int count)
{
	void *out;

	for (int i = 0; i < count; i++)
		expect(conc_queue_try_pop(queue, &out));
}

static void push_bounded(int count)
{
	for (int i = 0; i < count; i++)
		expect(conc_bounded_queue_try_push(bounded, &item));
}

static void pop_bounded(int count)
{
	void *out;

	for (int i = 0; i < count; i++)
		expect(conc_bounded_queue_try_pop(bounded, &out));
}

/* ---- atomics --------------------------------------------------------------- */

static conc_int64 counter;
static conc_ref *reference;

static void make_reference(void)
{
	struct conc_value value = {.kind = CONC_NUMBER, .u.number = 1};

	expect(conc_ref_new(NULL, &reference));
	expect(conc_ref_set(reference, &value));
}

static void increment(int count)
{
	for (int i = 0; i < count; i++)
		conc_int64_incr(&counter);
}

static void get_reference(int count)
{
	struct conc_value value;

	for (int i = 0; i < count; i++)
		expect(conc_ref_get(reference, &value));
}

static void set_reference(int count)
{
	struct conc_value value = {.kind = CONC_NUMBER, .u.number = 2};

	for (int i = 0; i < count; i++)
		expect(conc_ref_set(reference, &value));
}

/* What the loop itself costs in each of the others. */
static void do_nothing(int count)
{
	for (int i = 0; i < count; i++)
		__asm__ __volatile__("" ::: "memory");
}

/* ---- the marks ------------------------------------------------------------- */

struct path {
	const char *name;
	void (*loop)(int count);
	/* Around the marks, or NULL. */
	void (*before)(int count);
	void (*after)(int count);
};

static const struct path paths[] = {
	{"the loop alone", do_nothing, NULL, NULL},
	{"dict get", get_numbers, NULL, NULL},
	{"dict get, 16 bytes", get_strings, NULL, NULL},
	{"dict set", set_numbers, NULL, NULL},
	{"dict add", add_numbers, NULL, NULL},
	{"dict insert", insert_numbers, begin_filling, end_filling},
	{"queue push", push, NULL, pop},
	{"queue pop", pop, push, NULL},
	{"bounded queue push", push_bounded, NULL, pop_bounded},
	{"bounded queue pop", pop_bounded, push_bounded, NULL},
	{"int64 incr", increment, NULL, NULL},
	{"ref get", get_reference, NULL, NULL},
	{"ref set", set_reference, NULL, NULL},
};

/* The line for who reads the trace, the call for who waits for it. */
static void mark(const char *name)
{
	dprintf(STDOUT_FILENO, "mark %s\n", name);
	(void)getppid();
}

static void run(const struct path *path, int count, void (*marked)(const char *))
{
	if (path->before != NULL)
		path->before(count);
	marked(path->name);
	path->loop(count);
	marked(path->name);
	if (path->after != NULL)
		path->after(count);
}

static void say_nothing(const char *name)
{
	(void)name;
}

int main(int arguments, char **argument)
{
	int count = arguments == 2 ? atoi(argument[1]) : 0;

	if (count < 1) {
		fprintf(stderr, "usage: %s COUNT\n", argument[0]);
		return 2;
	}
	make_dicts();
	make_queues(count);
	make_reference();
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		run(&paths[i], count, say_nothing);
		run(&paths[i], count, mark);
		run(&paths[i], 2 * count, mark);
	}
	return 0;
}
