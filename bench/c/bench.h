/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the driver asks of a library that is measured.  The driver makes the
 * keys and the threads and holds the clock; a library (ours or a peer) brings
 * the loop, written in its own language around its own calls, so that nothing
 * but these calls is between one operation and the next.
 *
 *     driver/                               what each thread does, and what is
 *        |                                  found out; driver/driver.h says how
 *     struct library
 *        |
 *     ours/  peers/c/  go/  java/  rust/    what is measured: each program has
 *                                           one of these behind the same driver
 *
 * The driver reaches a library through its struct alone, and a library reaches
 * nothing of the driver: what both may call is in bench.c.  loops.h has the
 * loops for C and C++.
 *
 * Every loop returns a sum that the driver knows beforehand: a library that
 * loses an entry or an item fails the run instead of winning it.
 *
 * peers/rust/src/driver.rs repeats the types: change both, and layout.c there,
 * which compares them.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum kind { KIND_MAP, KIND_STRINGS, KIND_QUEUE, KIND_COUNTER };

/*
 * A step of a thread's work on a map: the key, and what to do with it.  A set
 * stores the key plus one; a get adds the value to the sum, 0 if there is none.
 */
enum operation { MAP_GET = 0, MAP_SET = 1, MAP_DELETE = 2, MAP_ADD = 3 };

static inline uint64_t map_step(enum operation operation, int64_t key)
{
	return (uint64_t)key << 2 | (uint64_t)operation;
}

static inline enum operation step_operation(uint64_t step)
{
	return (enum operation)(step & 3);
}

static inline int64_t step_key(uint64_t step)
{
	return (int64_t)(step >> 2);
}

/* The bytes of a key of KIND_STRINGS; there is no NUL behind them. */
#define STRING_LENGTH 16

enum loop {
	/* `count` steps, or gets of `count` probes. */
	LOOP_STEPS,
	/*
	 * Items 1 to `count`: push, or pop, with back-off while the queue is
	 * full or empty; push and pop one at a time; push all, then pop all.
	 */
	LOOP_PRODUCE,
	LOOP_CONSUME,
	LOOP_PAIRS,
	LOOP_BURST,
	/*
	 * With blocking pops: take an item from `object` and push it to
	 * `other`; push items 1 to `count` to `object` and await each in
	 * `other`.
	 */
	LOOP_ANSWER,
	LOOP_ASK,
	/* Add 1, `count` times. */
	LOOP_COUNT
};

/* What a workload needs and a library may lack. */
#define NEEDS_DELETE 1u        /* deleting while others use the map */
#define NEEDS_WAIT 2u          /* a pop that sleeps until there is an item */
#define NEEDS_MANY_WRITERS 4u  /* writes by several threads, or beside reads */
#define NEEDS_SET 8u           /* any value under a key: not counts alone */
#define NEEDS_MALLOC 16u       /* to take all its memory from malloc */
/* To be called by the driver's threads; who has run_all does neither. */
#define NEEDS_CALLS 32u

/* What one thread does, `passes` times over. */
struct task {
	enum loop loop;
	void *object;
	void *other;
	const void *steps; /* uint64_t, or what `prepare` made of strings */
	size_t count;
	size_t passes;
	int64_t sum;
	int64_t began; /* ns of CLOCK_MONOTONIC */
	int64_t ended;
};

struct library {
	enum kind kind;
	const char *name;
	/* How it is called: "out of line", "inlined template", ... */
	const char *how;
	/*
	 * NULL if it does the whole job, else how its job differs: peers are
	 * called the best only beside ours with the same words here.
	 */
	const char *differs;
	unsigned cannot; /* NEEDS_..., or-ed */
	/*
	 * expected: entries to make room for, or 0: it grows; for a queue, the
	 * items that it must hold.  NULL: no memory.
	 */
	void *(*make)(size_t expected);
	void (*destroy)(void *object);
	/* Runs the task's loop once and returns the sum. */
	int64_t (*run)(const struct task *task);

	/* The rest may be NULL or 0. */

	/*
	 * KIND_STRINGS: `count` keys as this library takes them; kept for ever.
	 * NULL: as they are.  And stores i + 1 for the key i.
	 */
	const void *(*prepare)(const char *keys, size_t count);
	void (*fill)(void *map, const void *keys, size_t count);
	/* KIND_COUNTER */
	int64_t (*value)(void *counter);
	/* Called by each thread before its first loop and after its last. */
	void (*thread_begin)(void);
	void (*thread_end)(void);
	/*
	 * For a language with threads of its own: runs all the tasks at once,
	 * each as run_task() of driver/threads.c does, and returns when they
	 * have ended.
	 */
	void (*run_all)(struct task *tasks, unsigned count);
	/* ns that it runs before it is at its best: a JIT does. */
	int64_t warm_up;
	/* Why it cannot be measured here; then only its name is of use. */
	const char *missing;
};

/* NULL-terminated: what this program measures. */
extern const struct library *const libraries[];

/* ---- bench.c: what everyone may call ------------------------------------ */

/* Writes the message to stderr and ends the program. */
void bench_die(const char *format, ...)
	__attribute__((noreturn, format(printf, 1, 2)));

/* CLOCK_MONOTONIC in ns. */
int64_t bench_now(void);

#ifdef __cplusplus
}
#endif

#endif
