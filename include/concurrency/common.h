/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What every structure of libconcurrency shares: how functions answer, how
 * threads wait, and how a value is described.
 *
 * Answers.  A function that can fail returns 0 or a negative errno value; it
 * never sets a global.  A call that failed changed nothing.  A function that
 * cannot fail returns its result, or void.
 *
 * Threads.  Any thread may call any function at any time, except that
 * conc_X_free() needs the last user of that object to be gone.
 *
 * Attributes.  conc_X_new() takes a pointer to a struct conc_X_attr, or NULL
 * for the defaults.  Set its member `size` to sizeof(struct conc_X_attr) and
 * clear the rest: the structures may grow at their end in later versions.
 */
#ifndef CONCURRENCY_COMMON_H
#define CONCURRENCY_COMMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define CONC_API __attribute__((visibility("default")))
#define CONC_ALIGNED __attribute__((aligned(8))) /* i386: int64_t has 4 */
#else
#define CONC_API
#define CONC_ALIGNED
#endif

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Callbacks around every sleep of the library, for runtimes with a lock or a
 * thread state of their own that must be let go while a thread sleeps.
 *
 * They run with no lock of the library held, outside read sections, in the
 * thread that waits.  Each may be NULL.
 */
struct conc_wait_hooks {
	/* Before a sleep; what it returns is handed to wait_end. */
	void *(*wait_begin)(void *user);
	/* After the sleep, always, in the same thread. */
	void (*wait_end)(void *user, void *token);
	/*
	 * Asked after wait_end when a signal arrived during a sleep, and at
	 * least once a second (a signal may land just before the sleep began).
	 * 0: go on waiting.  A negative value ends the wait, which returns it.
	 */
	int (*interrupted)(void *user);
	/* Handed to each of them; the library does not look at it. */
	void *user;
};

/* Deadlines are absolute, in nanoseconds of CLOCK_MONOTONIC, or one of these. */
#define CONC_TRY INT64_C(0)      /* do not wait */
#define CONC_FOREVER INT64_C(-1) /* no deadline */

/* The monotonic clock, in ns.  Cannot fail. */
CONC_API int64_t conc_now(void);

/*
 * The deadline that lies `ns` nanoseconds from now.  ns <= 0 gives CONC_TRY;
 * a sum beyond the clock's range gives CONC_FOREVER.  Cannot fail.
 */
CONC_API int64_t conc_deadline_after(int64_t ns);

/* "major.minor.micro" of the library that runs; static storage. */
CONC_API const char *conc_version(void);

/*
 * fork().  A C program that forks and goes on using the library in the child
 * calls these three around fork(), as for pthread_atfork(); the library does
 * not do that itself.  (The handlers that it installs take no lock: they only
 * make a fork wait for threads that use the library for the first time, or
 * end.)  conc_before_fork() waits for a grace period under way to end.  The
 * child may use every structure in which no other thread was inside a call at
 * the moment of the fork.
 */
CONC_API void conc_before_fork(void);
CONC_API void conc_after_fork_parent(void);
CONC_API void conc_after_fork_child(void);

/*
 * Waits until every read section that runs now has ended, then frees the
 * memory that the library had set aside until then.  Never needed for
 * correctness: a program calls it to give memory back now.  `hooks` may be
 * NULL.  Returns 0, -EBUSY when another thread is doing just that or the caller
 * is itself inside a read section of liburcu-bp.
 */
CONC_API int conc_reclaim(const struct conc_wait_hooks *hooks);

/* What a struct conc_value holds. */
enum conc_kind {
	CONC_ABSENT = 0, /* no value */
	CONC_INT = 1,    /* the number in u.number */
	CONC_POINTER = 2 /* the pointer in u.pointer */
};

/* A value that goes into or comes out of a structure. */
struct conc_value {
	enum conc_kind kind;
	union {
		int64_t number;
		void *pointer;
	} u;
};

/* How long a value that a structure holds stays alive. */
enum conc_lifetime {
	/*
	 * Numbers of 61 bits, -2^60 <= n < 2^60; beyond: -EOVERFLOW.  Nothing
	 * is released.
	 */
	CONC_INT64 = 0,
	/*
	 * Pointers that are counted: `retain` takes a reference, inside a read
	 * section; the structure's own reference is given back through
	 * `release` after a grace period, so a racing `retain` is safe.
	 */
	CONC_RETAINED = 1,
	/*
	 * Pointers to memory that stays an object of its kind after it was
	 * freed (CPython objects, type-stable pools).  `try_retain` may refuse
	 * a dying object; `release` is called at once.
	 */
	CONC_TYPE_STABLE = 2,
	/* Pointers that are the caller's affair: never released. */
	CONC_BORROWED = 3
};

/*
 * The operations that go with a lifetime.  Pointers under CONC_RETAINED and
 * CONC_TYPE_STABLE must be aligned to 8 bytes.
 */
struct conc_value_ops {
	/*
	 * CONC_RETAINED: takes one reference.  Runs inside a read section or
	 * under a lock of the library: must not block, call back or fail.
	 */
	void (*retain)(void *user, void *value);
	/*
	 * CONC_TYPE_STABLE: takes one reference, by a step with acquire order,
	 * and returns true, or returns false if the object is dying.  Runs
	 * where retain runs; must return true for an object to which the
	 * structure holds a reference.
	 */
	bool (*try_retain)(void *user, void *value);
	/*
	 * Gives one reference back.  Runs with no lock held and outside read
	 * sections: may do anything, also call the same structure.
	 */
	void (*release)(void *user, void *value);
	void *user;
};

#ifdef __cplusplus
}
#endif
#endif
