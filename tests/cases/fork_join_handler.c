/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A fork ends also where somebody else's fork handler, registered before the
 * library's first use, stops and joins a thread that has used it.
 */
#include "cases.h"

static conc_dict *dict;
static pthread_t worker;
static atomic_int stop, up;

static void *work(void *arg)
{
	conc_dict_int_add(dict, 1, 1, NULL);
	up = 1;
	while (!stop)
		usleep(1000);
	return arg;
}

static void before(void)
{
	stop = 1;
	pthread_join(worker, NULL);
}

int main(void)
{
	alarm(8);
	must(pthread_atfork(before, NULL, NULL) == 0, "no handler");
	must(conc_dict_new(NULL, &dict) == 0, "no dict");
	conc_dict_int_add(dict, 1, 1, NULL);
	worker = start(work, NULL);
	while (!up)
		usleep(1000);
	fork_once();
	conc_dict_free(dict);
	return 0;
}
