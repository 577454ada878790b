/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a caller through an FFI does: it opens the library by its SONAME, which
 * it was not linked with, and looks functions up by name.  The atomics that it
 * finds must give what those that are inline in the headers give.  C99 and
 * C++11, as tour.c.
 *
 *   opened libconcurrency.so.1
 */
#include <concurrency.h>

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

#include "must.h"

typedef int64_t unary(conc_int64 *a);
typedef int64_t binary(conc_int64 *a, int64_t n);
typedef int64_t getter(const conc_int64 *a);
typedef void setter(conc_int64 *a, int64_t n);
typedef bool exchanger(conc_int64 *a, int64_t *expected, int64_t desired);

static void *library;

/* A pointer to a function does not fit into void * by itself in either language. */
static void find(const char *name, void *function)
{
	void *symbol = dlsym(library, name);

	must(symbol != NULL, name);
	memcpy(function, &symbol, sizeof(symbol));
}

static const int64_t operands[] = {
	0, 1, -1, 3, -5, INT64_C(0x123456789abcdef), INT64_MAX, INT64_MIN,
};
static const size_t operand_count = sizeof(operands) / sizeof(operands[0]);

static void compare_unary(const char *name, unary *inlined)
{
	unary *exported;
	size_t i;

	find(name, &exported);
	for (i = 0; i < operand_count; i++) {
		conc_int64 here = CONC_INT64_INIT(operands[i]);
		conc_int64 there = CONC_INT64_INIT(operands[i]);

		must(inlined(&here) == exported(&there) &&
		     here.value == there.value, name);
	}
}

static void compare_binary(const char *name, binary *inlined)
{
	binary *exported;
	size_t i;

	find(name, &exported);
	for (i = 0; i < operand_count * operand_count; i++) {
		int64_t n = operands[i % operand_count];
		conc_int64 here = CONC_INT64_INIT(operands[i / operand_count]);
		conc_int64 there = CONC_INT64_INIT(here.value);

		must(inlined(&here, n) == exported(&there, n) &&
		     here.value == there.value, name);
	}
}

static void compare_words(void)
{
	getter *get;
	setter *set;
	exchanger *compare_exchange;
	size_t i;

	find("conc_int64_get", &get);
	find("conc_int64_set", &set);
	find("conc_int64_compare_exchange", &compare_exchange);
	for (i = 0; i < operand_count; i++) {
		conc_int64 here = CONC_INT64_INIT(0), there = CONC_INT64_INIT(0);
		int64_t seen_here = 0, seen_there = 0;
		int round;

		set(&there, operands[i]);
		conc_int64_set(&here, operands[i]);
		must(get(&here) == conc_int64_get(&there), "conc_int64_set");
		/* The second time each expects what is there. */
		for (round = 0; round < 2; round++)
			must(conc_int64_compare_exchange(&here, &seen_here, 9) ==
			     compare_exchange(&there, &seen_there, 9) &&
			     seen_here == seen_there && here.value == there.value,
			     "conc_int64_compare_exchange");
		must(here.value == 9, "the exchange took place");
	}
}

static void compare_flags(void)
{
	bool (*get)(const conc_flag *);
	void (*set)(conc_flag *, bool);
	bool (*exchange)(conc_flag *, bool);
	bool (*compare_exchange)(conc_flag *, bool *, bool);
	int i;

	find("conc_flag_get", &get);
	find("conc_flag_set", &set);
	find("conc_flag_exchange", &exchange);
	find("conc_flag_compare_exchange", &compare_exchange);
	for (i = 0; i < 8; i++) {
		bool start = (i & 1) != 0, desired = (i & 2) != 0;
		bool seen_here = (i & 4) != 0, seen_there = seen_here;
		conc_flag here = CONC_FLAG_INIT(!start), there = CONC_FLAG_INIT(!start);

		conc_flag_set(&here, start);
		set(&there, start);
		must(get(&here) == conc_flag_get(&there), "conc_flag_set");
		must(conc_flag_compare_exchange(&here, &seen_here, desired) ==
		     compare_exchange(&there, &seen_there, desired) &&
		     seen_here == seen_there && here.value == there.value,
		     "conc_flag_compare_exchange");
		must(conc_flag_exchange(&here, !desired) ==
		     exchange(&there, !desired) && here.value == there.value,
		     "conc_flag_exchange");
	}
}

static void compare_atomics(void)
{
	compare_unary("conc_int64_incr", conc_int64_incr);
	compare_unary("conc_int64_decr", conc_int64_decr);
	compare_binary("conc_int64_add", conc_int64_add);
	compare_binary("conc_int64_sub", conc_int64_sub);
	compare_binary("conc_int64_and", conc_int64_and);
	compare_binary("conc_int64_or", conc_int64_or);
	compare_binary("conc_int64_xor", conc_int64_xor);
	compare_binary("conc_int64_multiply", conc_int64_multiply);
	compare_binary("conc_int64_exchange", conc_int64_exchange);
	compare_words();
	compare_flags();
}

/* The thread ends, for which the library has work to do, after the dlclose(). */
static void *use_and_close(void *unused)
{
	int (*dict_new)(const struct conc_dict_attr *, conc_dict **);
	int (*dict_int_add)(conc_dict *, int64_t, int64_t, int64_t *);
	void (*dict_free)(conc_dict *);
	conc_dict *dict;
	int64_t sum = 0;

	(void)unused;
	find("conc_dict_new", &dict_new);
	find("conc_dict_int_add", &dict_int_add);
	find("conc_dict_free", &dict_free);
	must(dict_new(NULL, &dict) == 0, "a dict");
	must(dict_int_add(dict, 1, 2, &sum) == 0 && sum == 2, "that counts");
	dict_free(dict);
	must(dlclose(library) == 0, "the library is closed");
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	must(argc == 2, "a name to open");
	library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
	must(library != NULL, "the library opens");
	compare_atomics();
	must(pthread_create(&thread, NULL, use_and_close, NULL) == 0, "a thread");
	must(pthread_join(thread, NULL) == 0, "that ends");
	/* No thread holds it any more, as one does until it ends. */
	library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
	must(library != NULL && dlclose(library) == 0, "it opens and closes");
	must(dlopen(argv[1], RTLD_NOW | RTLD_NOLOAD) != NULL,
	     "the library is never unloaded: other threads may end later");
	return 0;
}
