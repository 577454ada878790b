/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 *     recorder STRUCTURE SEED COUNT [--same-seed] [--one-cpu]
 *
 * Records COUNT histories with the seeds SEED, SEED + 1, ... (or all with SEED)
 * and writes them to stdout.  Exit 1: a thread hung, or a reference was lost.
 */
#define _GNU_SOURCE
#include <config.h>

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "recorder.h"
#include "base/yield_point.h"

/* Who has not come back by then hangs. */
#define TOO_LONG INT64_C(60000000000)

static const struct subject *const subjects[] = {
	&dict_subject, &queue_subject, &bounded_queue_subject, &gather_subject,
	&int64_subject, &flag_subject, &ref_subject,
};

_Thread_local struct worker *this_worker;

uint64_t moment(void)
{
	static _Atomic uint64_t clock = 1;

	/* seq_cst: what was done before is seen by who gets a larger number. */
	return atomic_fetch_add_explicit(&clock, 1, memory_order_seq_cst);
}

/* --- chance --------------------------------------------------------------- */

/* Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014. */
static uint64_t mix(uint64_t x)
{
	x += UINT64_C(0x9E3779B97F4A7C15);
	x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
	return x ^ x >> 31;
}

uint64_t draw(struct worker *worker, uint64_t below)
{
	worker->random = mix(worker->random);
	return (worker->random >> 8) % below;
}

/* On at once, mostly; or after a while, or when others have run. */
static void dawdle(struct worker *worker)
{
	switch (draw(worker, 8)) {
	case 0:
		sched_yield();
		break;
	case 1:
		for (uint64_t n = draw(worker, 200); n > 0; n--)
			atomic_signal_fence(memory_order_seq_cst);
		break;
	default:
		break;
	}
}

/* --- operations ----------------------------------------------------------- */

struct operation *announce(struct worker *worker, const char *name)
{
	struct operation *operation = &worker->operations[worker->count];

	expect(worker->history, worker->count < OPERATIONS_MOST);
	worker->count++;
	memset(operation, 0, sizeof(*operation));
	operation->name = name;
	return operation;
}

static void add_token(struct operation *operation, struct conc_value token)
{
	unsigned at = operation->arguments + operation->results;

	if (at >= TOKENS_MOST)
		abort();
	operation->tokens[at] = token;
}

void argument(struct operation *operation, struct conc_value token)
{
	add_token(operation, token);
	operation->arguments++;
}

void result(struct operation *operation, struct conc_value token)
{
	add_token(operation, token);
	operation->results++;
}

/* A thread may be held up within the call, but outside the structure, too. */
void call(struct operation *operation)
{
	operation->called = moment();
	dawdle(this_worker);
}

void returned(struct operation *operation, int answer)
{
	dawdle(this_worker);
	operation->returned = moment();
	operation->answer = answer;
}

/* When the close under way, or its last pop, began. */
static _Thread_local uint64_t since;

void record_drained(void *item, void *user)
{
	struct operation *operation = announce(this_worker, "drained");

	(void)user;
	operation->called = since;
	returned(operation, 0);
	result(operation, token_of_item(item));
	since = moment();
}

void record_close(struct worker *worker, void (*close)(bool immediate),
		  bool immediate)
{
	struct operation *operation = announce(worker, "close");

	call(operation);
	since = operation->called;
	close(immediate);
	returned(operation, 0);
	if (!immediate)
		return;
	operation = announce(worker, "ended");
	operation->called = since;
	returned(operation, 0);
}

/* --- writing -------------------------------------------------------------- */

static const char *answer_name(int answer)
{
	static const struct {
		int answer;
		const char *name;
	} names[] = {
		{0, "ok"},		  {-EAGAIN, "EAGAIN"},
		{-ETIMEDOUT, "ETIMEDOUT"}, {-ENOENT, "ENOENT"},
		{-EEXIST, "EEXIST"},	  {-EPIPE, "EPIPE"},
		{-EOVERFLOW, "EOVERFLOW"}, {-EDOM, "EDOM"},
		{-ERANGE, "ERANGE"},	  {-ENOTRECOVERABLE, "ENOTRECOVERABLE"},
	};

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (names[i].answer == answer)
			return names[i].name;
	return "unexpected";
}

static void write_token(FILE *file, const struct conc_value *token)
{
	switch (token->kind) {
	case CONC_NUMBER:
		fprintf(file, " %" PRId64, token->u.number);
		break;
	case CONC_POINTER:
		fprintf(file, " o%" PRId64, token->u.number);
		break;
	default:
		fputs(" none", file);
	}
}

static void write_operation(FILE *file, unsigned who,
			    const struct operation *operation)
{
	const struct conc_value *token = operation->tokens;

	fprintf(file, "%u %" PRIu64 " %" PRIu64 " %s", who, operation->called,
		operation->returned, operation->name);
	for (unsigned i = 0; i < operation->arguments; i++)
		write_token(file, token++);
	if (operation->returned == 0) {
		fputs(" has not returned\n", file);
		return;
	}
	fprintf(file, " = %s", answer_name(operation->answer));
	for (unsigned i = 0; i < operation->results; i++)
		write_token(file, token++);
	fputc('\n', file);
}

static void write_history(FILE *file, const struct history *history)
{
	fprintf(file, "history %s %" PRIu64 "%s\n", history->subject->name,
		history->seed, history->settings);
	for (unsigned who = 0; who <= WORKERS_MOST; who++)
		for (unsigned i = 0; i < history->workers[who].count; i++)
			write_operation(file, who,
					&history->workers[who].operations[i]);
	fputs("end\n", file);
}

void complain(const struct history *history, const char *what)
{
	fprintf(stderr, "FAILED: recorder %s %" PRIu64 " 1: %s\n",
		history->subject->name, history->seed, what);
	write_history(stderr, history);
	fflush(stdout);
	_exit(1);
}

const char *const lifetime_names[4] = {"int64", "retained", "type_stable",
				       "borrowed"};

/* --- objects -------------------------------------------------------------- */

static void retain_object(void *value, void *user)
{
	/* A free object here would be a missing grace period. */
	if (atomic_fetch_add(&((struct object *)value)->references, 1) <= 0)
		complain(user, "a reference was taken to a freed object");
}

static bool try_retain_object(void *value, void *user)
{
	struct object *object = value;
	int count = atomic_load(&object->references);

	(void)user;
	while (count != 0)
		if (atomic_compare_exchange_weak(&object->references, &count,
						 count + 1))
			return true;
	return false;
}

static void release_object(void *value, void *user)
{
	if (atomic_fetch_sub(&((struct object *)value)->references, 1) <= 0)
		complain(user, "a reference was released twice");
}

const struct conc_value_ops object_ops = {
	.size = sizeof(struct conc_value_ops),
	.retain = retain_object,
	.try_retain = try_retain_object,
	.release = release_object,
};

static struct object *new_object(struct worker *worker)
{
	struct object *objects = worker->history->objects;

	/* Few at first, so that addresses come back soon. */
	for (unsigned tries = 0; tries < 100 * OBJECTS; tries++) {
		unsigned most = tries < 8 ? 4 : OBJECTS;
		struct object *object = &objects[draw(worker, most)];
		int none = 0;

		if (atomic_compare_exchange_strong(&object->references, &none,
						   1))
			return object;
	}
	complain(worker->history, "all objects are in use");
}

struct conc_value new_pointer(struct worker *worker, enum conc_lifetime values)
{
	struct conc_value value = {.kind = CONC_POINTER};
	int64_t n = new_number(worker);

	if (values == CONC_VALUE_BORROWED) {
		value.u.pointer = (void *)(uintptr_t)(8 * (uint64_t)n);
	} else {
		struct object *object = new_object(worker);

		atomic_store(&object->number, n);
		value.u.pointer = object;
	}
	return value;
}

struct conc_value token_of(enum conc_lifetime values,
			   const struct conc_value *value)
{
	struct conc_value token = *value;

	if (value->kind != CONC_POINTER)
		return token;
	if (values == CONC_VALUE_BORROWED)
		token.u.number = (int64_t)((uintptr_t)value->u.pointer / 8);
	else
		token.u.number = atomic_load(
			&((struct object *)value->u.pointer)->number);
	return token;
}

void drop(const struct history *history, enum conc_lifetime values,
	  const struct conc_value *value)
{
	if (value->kind == CONC_POINTER && values != CONC_VALUE_BORROWED)
		release_object(value->u.pointer, (void *)history);
}

/* --- running -------------------------------------------------------------- */

static struct {
	pthread_barrier_t start;
	struct history *history;
	_Atomic unsigned ready, done;
	bool over;
} round;

static void run_worker(struct history *history, struct worker *worker)
{
	/*
	 * The barrier lets them go one by one.  Who has a processor keeps it
	 * for a while, so as to start when the last one does.
	 */
	atomic_fetch_add(&round.ready, 1);
	for (unsigned n = 1; atomic_load(&round.ready) < history->threads; n++)
		if (n % 1000 == 0)
			sched_yield();
	for (unsigned i = 0; i < history->steps; i++) {
		history->subject->step(worker);
		dawdle(worker);
	}
}

static void *worker_main(void *arg)
{
	unsigned who = *(const unsigned *)arg;

	for (;;) {
		struct history *history;

		pthread_barrier_wait(&round.start);
		if (round.over)
			return NULL;
		history = round.history;
		this_worker = &history->workers[who];
		if (who <= history->threads)
			run_worker(history, this_worker);
		atomic_fetch_add(&round.done, 1);
	}
}

static void await_workers(const struct history *history)
{
	const struct timespec moment = {0, 20000};
	int64_t end = conc_now() + TOO_LONG;

	while (atomic_load(&round.done) < WORKERS_MOST) {
		if (conc_now() > end)
			complain(history, "a thread hangs");
		nanosleep(&moment, NULL);
	}
}

static void prepare(struct history *history, const struct subject *subject,
		    uint64_t seed)
{
	memset(history, 0, sizeof(*history));
	history->subject = subject;
	history->seed = seed;
	for (unsigned who = 0; who <= WORKERS_MOST; who++) {
		struct worker *worker = &history->workers[who];

		worker->history = history;
		worker->who = who;
		worker->random = mix(seed) + who;
	}
	history->threads =
		WORKERS_LEAST +
		(unsigned)draw(main_worker(history),
			       WORKERS_MOST - WORKERS_LEAST + 1);
	history->steps = STEPS_LEAST +
			 (unsigned)draw(main_worker(history),
					STEPS_MOST - STEPS_LEAST + 1);
}

static void record(const struct subject *subject, uint64_t seed)
{
	static struct history history;

	prepare(&history, subject, seed);
	this_worker = main_worker(&history);
	/* Slow in other places each time; the main thread is never. */
	conc_yield_seed(0);
	subject->set_up(&history);
	conc_yield_seed(mix(seed) | 1);
	round.history = &history;
	round.ready = round.done = 0;
	pthread_barrier_wait(&round.start);
	await_workers(&history);
	conc_yield_seed(0);
	subject->finish(&history);
	for (unsigned i = 0; i < OBJECTS; i++)
		if (history.objects[i].references != 0)
			complain(&history, "a reference was not given back");
	write_history(stdout, &history);
}

static void record_all(const struct subject *subject, uint64_t seed,
		       unsigned long count, bool same)
{
	static const unsigned who[WORKERS_MOST] = {1, 2, 3, 4, 5};
	pthread_t threads[WORKERS_MOST];

	pthread_barrier_init(&round.start, NULL, 1 + WORKERS_MOST);
	for (unsigned i = 0; i < WORKERS_MOST; i++)
		if (pthread_create(&threads[i], NULL, worker_main,
				   (void *)&who[i]) != 0)
			abort();
	for (unsigned long i = 0; i < count; i++)
		record(subject, same ? seed : seed + i);
	round.over = true;
	pthread_barrier_wait(&round.start);
	for (unsigned i = 0; i < WORKERS_MOST; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&round.start);
	printf("recorded %lu\n", count);
}

/* On the first processor that this process may use. */
static void stay_on_one_cpu(void)
{
	cpu_set_t cpus;
	int first = 0;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) != 0)
		abort();
	while (!CPU_ISSET(first, &cpus))
		first++;
	CPU_ZERO(&cpus);
	CPU_SET(first, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus) != 0)
		abort();
}

static const struct subject *find_subject(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(subjects); i++)
		if (strcmp(subjects[i]->name, name) == 0)
			return subjects[i];
	fprintf(stderr, "recorder: no structure %s; there are:", name);
	for (size_t i = 0; i < COUNT_OF(subjects); i++)
		fprintf(stderr, " %s", subjects[i]->name);
	fputc('\n', stderr);
	exit(2);
}

int main(int argc, char **argv)
{
	const struct subject *subject;
	bool same = false;

	if (argc < 4) {
		fputs("recorder STRUCTURE SEED COUNT [--same-seed] [--one-cpu]\n",
		      stderr);
		return 2;
	}
	subject = find_subject(argv[1]);
	for (int i = 4; i < argc; i++) {
		same |= strcmp(argv[i], "--same-seed") == 0;
		if (strcmp(argv[i], "--one-cpu") == 0)
			stay_on_one_cpu();
	}
	record_all(subject, strtoull(argv[2], NULL, 0),
		   strtoul(argv[3], NULL, 0), same);
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
