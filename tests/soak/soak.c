/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 *   soak SECONDS [SEED]
 *
 * Ends with the operations, the time and the memory it took, and status 0; or
 * at the first thing that is not as it should be, with its place and status 1.
 */
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "objects.h"

/* Seconds without a single operation after which somebody sleeps for ever. */
#define HANG 60

/*
 * What the process may grow by after its first third, in KiB: what is stored is
 * bounded, and so is what waits for a grace period.
 */
#define GROWTH (96 * 1024)

static const struct load *const loads[] = {
	&load_counts, &load_values, &load_queue, &load_bounded_queue,
	&load_gather, &load_ref,    &load_atomic,
};
#define LOADS (sizeof(loads) / sizeof(loads[0]))

static struct soaker soakers[SOAK_THREADS];
static int64_t began, end;

void soak_check_at(bool ok, const char *what, const char *file, int line)
{
	if (ok)
		return;
	fprintf(stderr, "soak: %s:%d: %s\n", file, line, what);
	_exit(1);
}

/* Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014. */
uint64_t soak_random(struct soaker *soaker, uint64_t limit)
{
	uint64_t x = soaker->seed += UINT64_C(0x9E3779B97F4A7C15);

	x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
	return (x ^ x >> 31) % limit;
}

unsigned soak_season(void)
{
	return (unsigned)((conc_now() - began) / 500000000) & 255;
}

void soak_balance(const char *what, const struct account *accounts)
{
	struct account sum = {0};

	for (int i = 0; i < SOAK_THREADS; i++) {
		sum.in += accounts[i].in;
		sum.out += accounts[i].out;
		sum.in_squares += accounts[i].in_squares;
		sum.out_squares += accounts[i].out_squares;
	}
	if (sum.in == sum.out && sum.in_squares == sum.out_squares)
		return;
	fprintf(stderr, "soak: %s: in %" PRIu64 ", out %" PRIu64 "; squares %" PRIu64
		" and %" PRIu64 "\n", what, sum.in, sum.out, sum.in_squares,
		sum.out_squares);
	_exit(1);
}

static void *soak(void *arg)
{
	struct soaker *soaker = arg;

	while (conc_now() < end) {
		const struct load *load = loads[soak_random(soaker, LOADS)];

		atomic_fetch_add(&soaker->operations, load->burst(soaker));
	}
	return NULL;
}

static uint64_t operations(void)
{
	uint64_t sum = 0;

	for (int i = 0; i < SOAK_THREADS; i++)
		sum += atomic_load(&soakers[i].operations);
	return sum;
}

static long resident_kib(void)
{
	long size, pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");

	if (file != NULL) {
		if (fscanf(file, "%ld %ld", &size, &pages) != 2)
			pages = 0;
		fclose(file);
	}
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void report(int64_t now, uint64_t done)
{
	printf("soak: %.0f s, %" PRIu64 " million operations, %ld MiB\n",
	       (double)(now - began) / 1e9, done / 1000000,
	       resident_kib() / 1024);
	fflush(stdout);
}

/* Once a second until the end: does it go on, and does it not grow? */
static void watch(void)
{
	int64_t now, moved = began, said = began;
	uint64_t done = 0, last = 0;
	long settled = 0;

	while ((now = conc_now()) < end) {
		sleep(1);
		done = operations();
		if (done != last)
			moved = now;
		last = done;
		soak_check(now - moved < HANG * INT64_C(1000000000));
		if (settled == 0 && now - began > (end - began) / 3)
			settled = resident_kib();
		soak_check(settled == 0 || resident_kib() < settled + GROWTH);
		if (now - said > (end - began) / 10) {
			report(now, done);
			said = now;
		}
	}
}

/* Of threads that do not come back when their time is over. */
static void give_up(int signal)
{
	static const char message[] = "soak: threads do not come back\n";

	(void)signal;
	if (write(STDERR_FILENO, message, sizeof(message) - 1) > 0)
		_exit(1);
	_exit(1);
}

static void run(uint64_t seed)
{
	pthread_t threads[SOAK_THREADS];

	for (unsigned i = 0; i < SOAK_THREADS; i++) {
		soakers[i].who = i;
		soakers[i].seed = seed * SOAK_THREADS + i;
		soak_check(pthread_create(&threads[i], NULL, soak,
					  &soakers[i]) == 0);
	}
	watch();
	signal(SIGALRM, give_up);
	alarm(2 * HANG);
	for (unsigned i = 0; i < SOAK_THREADS; i++)
		pthread_join(threads[i], NULL);
	alarm(0);
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 0;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0)
				 : (uint64_t)conc_now();
	struct rusage usage;

	if (seconds <= 0) {
		fprintf(stderr, "usage: soak SECONDS [SEED]\n");
		return 2;
	}
	printf("soak: %d threads, %ld processors, seed %" PRIu64 "\n",
	       SOAK_THREADS, sysconf(_SC_NPROCESSORS_ONLN), seed);
	fflush(stdout);
	began = conc_now();
	end = began + (int64_t)(seconds * 1e9);
	for (size_t i = 0; i < LOADS; i++)
		loads[i]->begin();
	run(seed);
	for (size_t i = 0; i < LOADS; i++)
		loads[i]->end();
	soak_check(objects_alive() == 0);
	objects_end();
	getrusage(RUSAGE_SELF, &usage);
	printf("soak: %" PRIu64 " operations in %.0f s, peak memory %ld MiB, all"
	       " that went in came out\n", operations(),
	       (double)(conc_now() - began) / 1e9, usage.ru_maxrss / 1024);
	return 0;
}
