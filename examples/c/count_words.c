/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Counts the words of its files, or of standard input, in four threads that
 * share one dict, and prints the ten most frequent.
 *
 *   cc -O2 -pthread count_words.c $(pkg-config --cflags --libs concurrency) \
 *      -o count_words
 */
#define _POSIX_C_SOURCE 200809L
#include <concurrency.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS 4
#define TOP 10
#define BREAKS " \t\r\n.,;:!?\"'`()[]{}<>|/\\=+-*&^%$#@~0123456789"

static conc_dict *counts;

/* Counts words line by line; many threads may getline() from one stream. */
static void *count(void *stream)
{
	char *line = NULL, *word, *rest;
	size_t room = 0;

	while (getline(&line, &room, stream) >= 0)
		for (word = strtok_r(line, BREAKS, &rest); word;
		     word = strtok_r(NULL, BREAKS, &rest))
			if (conc_dict_add(counts, word, strlen(word), 1, NULL))
				abort(); /* -ENOMEM */
	free(line);
	return NULL;
}

/* Counts one stream with all threads. */
static void count_stream(FILE *stream)
{
	pthread_t threads[THREADS];
	int i;

	for (i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, count, stream))
			abort();
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

/* Goes over copies of the entries: other threads could go on counting. */
static void print_top(void)
{
	struct { char *word; int64_t count; } top[TOP + 1] = { { NULL, 0 } };
	struct conc_entry entry = CONC_ENTRY_INIT;
	conc_cursor *cursor;
	int i, result;

	if (conc_cursor_new(counts, &cursor))
		abort();
	while ((result = conc_cursor_next(cursor, &entry)) == 0) {
		for (i = TOP; i && top[i - 1].count < entry.value.u.number; i--)
			top[i] = top[i - 1];
		top[i].word = strndup(entry.key, entry.len); /* ours to keep */
		top[i].count = entry.value.u.number;
		free(top[TOP].word);
	}
	conc_cursor_free(cursor);
	if (result == -ENOMEM)
		abort();
	for (i = 0; i < TOP && top[i].word; i++) {
		printf("%10" PRId64 "  %s\n", top[i].count, top[i].word);
		free(top[i].word);
	}
}

int main(int argc, char **argv)
{
	struct conc_dict_attr attr = CONC_DICT_ATTR_INIT;
	FILE *stream;
	int i, status = 0;

	attr.keys = CONC_KEY_BYTES;
	if (conc_dict_new(&attr, &counts))
		abort();
	if (argc == 1)
		count_stream(stdin);
	for (i = 1; i < argc; i++) {
		if ((stream = fopen(argv[i], "r")) == NULL) {
			perror(argv[i]);
			status = 1;
			continue;
		}
		count_stream(stream);
		if (ferror(stream)) {
			fprintf(stderr, "%s: cannot be read\n", argv[i]);
			status = 1;
		}
		fclose(stream);
	}
	print_top();
	conc_dict_free(counts);
	return status;
}
