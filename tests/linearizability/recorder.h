/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Recording what a few threads do to one structure, for the checker.
 *
 * A history is made in three parts: set_up() by the main thread, then some
 * random steps by each of a few workers at once, then finish() by the main
 * thread, which reads what is left.  Each operation notes when it was called
 * and when it returned by a clock that is one shared counter: so all these
 * moments differ, and an operation that began after another had returned has
 * the larger number.
 *
 * What a thread does depends on the seed of its history (and little on how
 * often an update had to be repeated, and the like); what the threads do to
 * each other, on the machine.
 *
 * The output, read by checker/history.go:
 *
 *     history STRUCTURE SEED [NAME=VALUE...]
 *     THREAD CALLED RETURNED NAME [ARGUMENT...] = ANSWER [RESULT...]
 *     ...
 *     end
 *
 * ANSWER is ok or the name of an errno value.  Arguments and results are
 * numbers, oN for the object number N (each is given to a structure once,
 * whatever its address), or none.  The last line of all is "recorded COUNT".
 */
#ifndef TESTS_RECORDER_H
#define TESTS_RECORDER_H

#include <concurrency.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define WORKERS_LEAST 3
#define WORKERS_MOST 5
#define STEPS_LEAST 3
#define STEPS_MOST 8
#define OPERATIONS_MOST 200
#define TOKENS_MOST 20
#define OBJECTS 128

struct operation {
	uint64_t called, returned; /* returned 0: it has not */
	const char *name;
	int answer;
	unsigned arguments, results;
	struct conc_value tokens[TOKENS_MOST]; /* first the arguments */
};

/* An object whose memory is used again as soon as nobody has a reference. */
struct object {
	_Alignas(8) _Atomic int references;
	_Atomic int64_t number; /* which object it is at present */
};

struct history;

struct worker {
	struct history *history;
	unsigned who; /* 0: the main thread */
	uint64_t random;
	int64_t numbers; /* that it has given to objects and values */
	unsigned count;
	struct operation operations[OPERATIONS_MOST];
};

/* How the histories of one structure are made. */
struct subject {
	const char *name;
	void (*set_up)(struct history *history);
	void (*step)(struct worker *worker);
	void (*finish)(struct history *history);
};

struct history {
	const struct subject *subject;
	uint64_t seed;
	unsigned threads;
	unsigned steps;
	char settings[80]; /* the end of the history's first line */
	void *structure;   /* what the subject works on */
	struct object objects[OBJECTS];
	struct worker workers[1 + WORKERS_MOST];
};

extern const struct subject dict_subject, queue_subject, bounded_queue_subject,
	gather_subject, int64_subject, flag_subject, ref_subject;

/* The worker of this thread, for callbacks. */
extern _Thread_local struct worker *this_worker;

/* A moment that differs from all others. */
uint64_t moment(void);

/* What went wrong beside the answers; ends the program. */
_Noreturn void complain(const struct history *history, const char *what);

static inline void expect_at(const struct history *history, bool ok,
			     const char *what)
{
	if (!ok)
		complain(history, what);
}
#define expect(history, ok) expect_at(history, ok, "not so: " #ok)

/* --- an operation: announce, its arguments, call, returned, its results --- */

struct operation *announce(struct worker *worker, const char *name);
void argument(struct operation *operation, struct conc_value token);
void result(struct operation *operation, struct conc_value token);

void call(struct operation *operation);
void returned(struct operation *operation, int answer);

/* --- values and tokens ---------------------------------------------------- */

static inline struct conc_value number(int64_t n)
{
	return (struct conc_value){.kind = CONC_NUMBER, .u.number = n};
}

static const struct conc_value absent = {.kind = CONC_ABSENT};

/* By enum conc_lifetime. */
extern const char *const lifetime_names[4];

/* What the token of a value is; of an object, while there is a reference to it. */
struct conc_value token_of(enum conc_lifetime values,
			   const struct conc_value *value);

/* A number that no other worker gives to anything in this history. */
static inline int64_t new_number(struct worker *worker)
{
	return 100 * (worker->who + 1) + worker->numbers++;
}

/* Callbacks for objects; `user' is the history. */
extern const struct conc_value_ops object_ops;
void drop(const struct history *history, enum conc_lifetime values,
	  const struct conc_value *value);

/* A value for a structure of this lifetime: a new pointer, with a reference. */
struct conc_value new_pointer(struct worker *worker, enum conc_lifetime values);

/* --- chance --------------------------------------------------------------- */

/* Of a worker, which must be the caller; 0 to below - 1. */
uint64_t draw(struct worker *worker, uint64_t below);

static inline bool chance(struct worker *worker, unsigned one_in)
{
	return draw(worker, one_in) == 0;
}

/* A time limit that passes soon. */
static inline int64_t short_deadline(struct worker *worker)
{
	return conc_now() + 1 + (int64_t)draw(worker, 200000);
}

/*
 * An immediate close of a queue is recorded as what it consists of: the close,
 * a `drained' for each item thrown away, and `ended': closed, and nothing left.
 */
void record_close(struct worker *worker, void (*close)(bool immediate),
		  bool immediate);
/* The `drain' callback for that; an item is a number. */
void record_drained(void *item, void *user);

static inline void *item_of(int64_t n)
{
	return (void *)(uintptr_t)n;
}

static inline struct conc_value token_of_item(const void *item)
{
	return number((int64_t)(uintptr_t)item);
}

static inline struct worker *main_worker(struct history *history)
{
	return &history->workers[0];
}

#endif
