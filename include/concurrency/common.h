/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What every header of libconcurrency begins with: how functions answer, how
 * structures grow, and how threads wait.
 *
 * Answers.  A function that can fail returns 0 or a negative errno value; it
 * never sets a global.  A call that failed changed nothing.  A function that
 * cannot fail returns its result, or void.
 *
 * Threads.  Any thread may call any function at any time, except that
 * conc_X_free() needs the last user of that object to be gone, that those which
 * traverse are for garbage collectors, and that a cursor serves one at a time.
 *
 * Objects belong to the copy of the library that made them: a process may have
 * another one (linked statically, or brought along by a package).  Given an
 * object that is not its own, or NULL, a function that can fail returns
 * -EINVAL; one that cannot fail does nothing and returns 0, false or NULL.
 *
 * Structures of the caller's (attributes, operations, hooks, entries) begin
 * with `size' and may grow at their end in later versions.  Start from the
 * macro that is named for each, or set `size' to sizeof and clear the rest.
 * The library takes a shorter one, of a program that was compiled with older
 * headers, and uses defaults for what it lacks; of a longer one, what it does
 * not know must be zero: else -EINVAL.  (-EINVAL, too: a `size' that is less
 * than sizeof(size_t) or more than 4096 bytes.)  They are copied: none is
 * needed after the call.
 *
 * Callbacks get `user' of their structure as their last argument.
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

/* --- Errors ---------------------------------------------------------------- */

/*
 * Callbacks may answer with errors of their own.  Those from CONC_ERROR_FIRST
 * down to CONC_ERROR_LAST mean nothing to the library, which hands them to the
 * caller of the operation.
 */
enum conc_error {
	CONC_ERROR_FIRST = -65536,
	CONC_ERROR_LAST = -131071
};

/*
 * What an answer means, as a short English text for people, without a full
 * stop; static storage.  Any number will do.  Cannot fail.
 */
CONC_API const char *conc_strerror(int error);

/*
 * The name of an answer: "0", "EAGAIN" for -EAGAIN; for a callback's own error,
 * or one that the library never returns, NULL.  Static storage.  Cannot fail.
 */
CONC_API const char *conc_error_name(int error);

/* --- The library ----------------------------------------------------------- */

/* "major.minor.micro" of the library that runs; static storage. */
CONC_API const char *conc_version(void);

/*
 * free(item), to be handed in as the `drain' of a queue of items from malloc(),
 * or called by a `release' when the last reference is gone.  user is not looked
 * at.
 */
CONC_API void conc_free(void *item, void *user);

/* --- Deadlines ------------------------------------------------------------- */

/*
 * Deadlines are absolute, in nanoseconds of CLOCK_MONOTONIC, or one of these.
 * A time from before the library was loaded is -EINVAL: most likely it was
 * meant to be counted from now, which conc_deadline_after() does.  (The
 * constants are there for what reads headers and does not know macros.)
 */
static const int64_t CONC_TRY = 0;      /* do not wait */
static const int64_t CONC_FOREVER = -1; /* no deadline */
#define CONC_TRY INT64_C(0)
#define CONC_FOREVER INT64_C(-1)

/* The monotonic clock, in ns.  Cannot fail. */
CONC_API int64_t conc_now(void);

/*
 * The deadline that lies `ns` nanoseconds from now.  ns <= 0 gives CONC_TRY;
 * a sum beyond the clock's range gives CONC_FOREVER.  Cannot fail.
 */
CONC_API int64_t conc_deadline_after(int64_t ns);

/* --- Hooks around sleeps --------------------------------------------------- */

/*
 * Callbacks around every sleep of the library, for runtimes with a lock or a
 * thread state of their own that must be let go while a thread sleeps.
 *
 * They run with no lock of the library held, outside read sections, in the
 * thread that waits.  Each may be NULL.
 */
struct conc_wait_hooks {
	size_t size; /* sizeof(struct conc_wait_hooks) */
	/* Handed to each of them; the library does not look at it. */
	void *user;
	/* Before a sleep; what it returns is handed to wait_end. */
	void *(*wait_begin)(void *user);
	/* After the sleep, always, in the same thread. */
	void (*wait_end)(void *token, void *user);
	/*
	 * Asked after wait_end when a signal arrived during a sleep, and at
	 * least once a second (a signal may land just before the sleep began).
	 * 0: go on waiting.  A negative value ends the wait, which returns it.
	 * A positive one ends it with -EINVAL.
	 */
	int (*interrupted)(void *user);
	/*
	 * Asked before wait_begin, once for each sleep: whether a signal could
	 * end it.  false: `interrupted` is not asked in this sleep, and the
	 * thread does not wake once a second for it.  NULL answers true.  For
	 * runtimes in which one thread alone handles signals.
	 */
	bool (*interruptible)(void *user);
};

#define CONC_WAIT_HOOKS_INIT \
	{sizeof(struct conc_wait_hooks), NULL, NULL, NULL, NULL, NULL}

#ifdef __cplusplus
}
#endif
#endif
