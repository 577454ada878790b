/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Beside many readers, byte-string keys are deleted about as fast as int64 keys:
 * at no less than half of the rate, on a machine that does nothing else.  What
 * is tested is an eighth, of what was a fiftieth; how fast it is otherwise is for
 * bench/ to say.
 *
 * It prints how long the longest operation took, too, and beside it the longest
 * gap that as many threads saw which only look at the clock: that is what the
 * machine does to anybody.  And what waited for readers: at most during the run,
 * and when the readers have stopped and a few operations have come after.
 */
#include "cases.h"

#define WRITERS 4
#define READERS 16
#define WATCHERS (WRITERS + READERS)
#define SECONDS_EACH 1
#define A_FEW 1000

static conc_dict *dict;
static bool bytes;
static atomic_bool stop;

/* Of one run. */
static atomic_long deleted;
static _Atomic int64_t longest; /* ns */
static _Atomic int64_t longest_gap;
static size_t most_pending, left_pending;

static void note_longest(_Atomic int64_t *most, int64_t ns)
{
	int64_t known = *most;

	while (ns > known && !atomic_compare_exchange_weak(most, &known, ns))
		;
}

static void *read_keys(void *arg)
{
	uint64_t random = (uintptr_t)arg;
	struct conc_value value;
	int64_t begun = conc_now(), most = 0;

	while (!stop) {
		uint64_t key;
		int64_t now;

		random = random * UINT64_C(6364136223846793005) + 1;
		key = random >> 50;
		if (bytes)
			conc_dict_get(dict, &key, sizeof(key), &value);
		else
			conc_dict_int_get(dict, (int64_t)key, &value);
		now = conc_now();
		if (now - begun > most)
			most = now - begun;
		begun = now;
	}
	note_longest(&longest, most);
	return NULL;
}

static void store_and_delete(uint64_t key, int64_t *most)
{
	struct conc_value value = {.kind = CONC_NUMBER};
	int64_t begun = conc_now(), stored, done;

	if (bytes)
		conc_dict_set(dict, &key, sizeof(key), &value);
	else
		conc_dict_int_set(dict, (int64_t)key, &value);
	stored = conc_now();
	if (bytes)
		conc_dict_delete(dict, &key, sizeof(key));
	else
		conc_dict_int_delete(dict, (int64_t)key);
	done = conc_now();
	if (stored - begun > *most)
		*most = stored - begun;
	if (done - stored > *most)
		*most = done - stored;
}

static void *write_keys(void *arg)
{
	uint64_t key = (uint64_t)(uintptr_t)arg << 40;
	int64_t most = 0;
	long count = 0;

	for (; !stop; key++, count++)
		store_and_delete(key, &most);
	deleted += count;
	note_longest(&longest, most);
	return NULL;
}

static void *watch_clock(void *arg)
{
	int64_t before = conc_now(), most = 0;

	while (!stop) {
		int64_t now = conc_now();

		if (now - before > most)
			most = now - before;
		before = now;
	}
	note_longest(&longest_gap, most);
	return arg;
}

static void watch_pending(void)
{
	int64_t end = conc_now() + SECONDS_EACH * INT64_C(1000000000);

	while (conc_now() < end) {
		size_t pending = conc_reclaim_pending();

		if (pending > most_pending)
			most_pending = pending;
		usleep(1000);
	}
}

static void begin_run(enum conc_key_kind keys)
{
	struct conc_dict_attr attr = {.size = sizeof(attr), .keys = keys};

	must(conc_dict_new(&attr, &dict) == 0, "no dict");
	bytes = keys == CONC_KEY_BYTES;
	stop = false;
	deleted = 0;
	longest = longest_gap = 0;
	most_pending = 0;
}

static void end_run(void)
{
	int64_t unused = 0;

	for (uint64_t key = 0; key < A_FEW; key++)
		store_and_delete(key, &unused);
	left_pending = conc_reclaim_pending();
	conc_dict_free(dict);
}

static long deletes_of(enum conc_key_kind keys)
{
	pthread_t threads[READERS + WRITERS + WATCHERS];

	begin_run(keys);
	for (long i = 0; i < READERS + WRITERS + WATCHERS; i++)
		threads[i] = start(i < READERS		     ? read_keys
				   : i < READERS + WRITERS ? write_keys
							     : watch_clock,
				   (void *)(i + 1));
	watch_pending();
	stop = true;
	for (int i = 0; i < READERS + WRITERS + WATCHERS; i++)
		pthread_join(threads[i], NULL);
	end_run();
	printf("%s keys: %ld deleted a second; longest operation %.0f ms, "
	       "longest gap %.0f ms; waiting: %zu bytes at most, %zu at the end\n",
	       bytes ? "byte-string" : "int64", deleted / SECONDS_EACH,
	       (double)longest / 1e6, (double)longest_gap / 1e6, most_pending,
	       left_pending);
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
	return of_bytes * 8 < of_numbers;
}
