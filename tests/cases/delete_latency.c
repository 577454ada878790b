/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Beside many readers, byte-string keys are deleted at no less than half of the
 * rate of int64 keys.  (A ratio within one run, of what differs by a factor of
 * 50 where it is wrong; how fast it is otherwise is for bench/ to say.)
 */
#include "cases.h"

#define WRITERS 4
#define READERS 16
#define SECONDS_EACH 1

static conc_dict *dict;
static bool bytes;
static atomic_bool stop;
static atomic_long deleted;

static void *read_keys(void *arg)
{
	uint64_t random = (uintptr_t)arg;
	struct conc_value value;

	while (!stop) {
		uint64_t key;

		random = random * UINT64_C(6364136223846793005) + 1;
		key = random >> 50;
		if (bytes)
			conc_dict_get(dict, &key, sizeof(key), &value);
		else
			conc_dict_int_get(dict, (int64_t)key, &value);
	}
	return NULL;
}

static void *write_keys(void *arg)
{
	struct conc_value value = {.kind = CONC_NUMBER};
	uint64_t key = (uint64_t)(uintptr_t)arg << 40;
	long count = 0;

	for (; !stop; key++, count++) {
		if (bytes) {
			conc_dict_set(dict, &key, sizeof(key), &value);
			conc_dict_delete(dict, &key, sizeof(key));
		} else {
			conc_dict_int_set(dict, (int64_t)key, &value);
			conc_dict_int_delete(dict, (int64_t)key);
		}
	}
	deleted += count;
	return NULL;
}

static long deletes_of(enum conc_key_kind keys)
{
	struct conc_dict_attr attr = {.size = sizeof(attr), .keys = keys};
	pthread_t threads[READERS + WRITERS];

	must(conc_dict_new(&attr, &dict) == 0, "no dict");
	bytes = keys == CONC_KEY_BYTES;
	stop = false;
	deleted = 0;
	for (long i = 0; i < READERS + WRITERS; i++)
		threads[i] = start(i < READERS ? read_keys : write_keys,
				   (void *)(i + 1));
	sleep(SECONDS_EACH);
	stop = true;
	for (int i = 0; i < READERS + WRITERS; i++)
		pthread_join(threads[i], NULL);
	conc_dict_free(dict);
	return deleted;
}

int main(void)
{
	long of_numbers = 0, of_bytes = 0;

	alarm(120);
	for (int round = 0; round < 2; round++) {
		of_numbers += deletes_of(CONC_KEY_INT64);
		of_bytes += deletes_of(CONC_KEY_BYTES);
	}
	printf("deleted: %ld int64 keys, %ld byte-string keys\n", of_numbers,
	       of_bytes);
	return of_bytes * 2 < of_numbers;
}
