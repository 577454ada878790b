/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Keeps threads from coming or going in the middle of a fork.
 *
 * When a thread that has been a reader ends, liburcu takes it out of its list,
 * under a lock of its own, in the destructor of a thread-specific value.  A
 * child that is forked at that moment inherits the lock, held by nobody, for
 * ever.  To hold liburcu's lock across the fork is no way out (rcu.h).  So a
 * thread that ends announces itself before that destructor runs and signs off
 * after it; a fork waits for those in between and holds up those who come.
 *
 *     thread_local destructor ... key destructors, liburcu's too ... our key's
 *     |<---------------------------- passing ---------------------------->|
 *
 * Destructors of thread_local objects run before those of keys.  Key
 * destructors run in rounds, in any order, so ours asks for a second round and
 * signs off there.  Where there is no __cxa_thread_atexit_impl (glibc and
 * FreeBSD have it, musl and macOS do not) no thread that ends announces itself,
 * and a fork has the hole that it had.
 *
 * A thread that becomes a reader enters that list under the same lock, and so
 * does the same for that moment.  It does not wait for ever: a fork handler of
 * somebody else may wait for what this thread has.
 *
 * Nor does one that ends.  The fork's part is fork.c's.
 */
#ifndef CONC_THREAD_EXIT_H
#define CONC_THREAD_EXIT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * In ns: of a fork for who works on what waits (fork.c), and for threads that
 * end, which need some us of processor time that on a busy machine came more
 * than 200 ms late; and of a thread that comes for a fork, whose other handlers
 * may wait for what the thread has.
 */
#define CONC_FORK_WAIT (2 * INT64_C(1000000000))

/*
 * Called by a thread that is about to become a reader: `enter' puts it into
 * liburcu's list.  A second call announces nothing.
 */
void conc_thread_enter(void (*enter)(void));

/* conc_rcu_thread_ended() will be called when the calling thread ends. */
void conc_thread_exit_await(void);

/*
 * Around a fork, by itself.  hold: waits until no thread is passing, though not
 * for long (its other destructors may wait for what the caller has), and lets
 * none begin until resume.
 */
void conc_thread_exit_hold(void);
void conc_thread_exit_resume(void);

/* The child: nobody else is left. */
void conc_thread_exit_forked(void);

/* Whether a fork is under way. */
bool conc_thread_exit_held(void);

#endif
