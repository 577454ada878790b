/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Nothing that is called with CONC_TRY waits: here for a reader of another
 * structure, which does not run for as long as the pops take (its fast_eq
 * stands for a thread held up by a debugger, a signal handler, a paused
 * processor).
 */
#include "cases.h"

#define POPS 200000

static atomic_bool hold, held;
static conc_dict *dict;
static int stored, looked_up;

static int hash(const void *key, uint64_t *hash, void *user)
{
	(void)user;
	(void)key;
	*hash = 1;
	return 0;
}

static enum conc_equal equal(const void *probe, const void *key, void *user)
{
	(void)user;
	(void)probe;
	(void)key;
	held = true;
	while (hold)
		usleep(1000);
	return CONC_DIFFERENT;
}

static void keep(const void *key, void *user)
{
	(void)user;
	(void)key;
}

static void *read_one(void *arg)
{
	struct conc_value value;

	conc_dict_get(dict, &looked_up, 0, &value);
	return arg;
}

int main(void)
{
	const struct conc_key_ops key_ops = {
		.size = sizeof(key_ops),
		.hash = hash,
		.fast_eq = equal,
		.retain = keep,
		.release = keep,
	};
	struct conc_dict_attr attr = {
		.size = sizeof(attr),
		.keys = CONC_KEY_GENERAL,
		.key_ops = &key_ops,
	};
	struct conc_value value = {.kind = CONC_NUMBER};
	conc_queue *queue;
	pthread_t reader;

	alarm(10);
	must(conc_dict_new(&attr, &dict) == 0 &&
		     conc_dict_set(dict, &stored, 0, &value) == 0 &&
		     conc_queue_new(NULL, &queue) == 0,
	     "no memory");
	hold = true;
	reader = start(read_one, NULL);
	while (!held)
		usleep(100);
	for (int i = 0; i < POPS; i++) {
		void *item;

		must(conc_queue_push(queue, &stored) == 0, "no push");
		if (conc_queue_pop(queue, &item, CONC_TRY, NULL) != 0)
			return 1;
	}
	hold = false;
	pthread_join(reader, NULL);
	conc_queue_free(queue);
	conc_dict_free(dict);
	return 0;
}
