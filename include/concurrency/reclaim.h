/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory that waits for readers, and fork(). */
#ifndef CONCURRENCY_RECLAIM_H
#define CONCURRENCY_RECLAIM_H

#include <concurrency/common.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Waits until every read section that runs now has ended, then frees the memory
 * that the library had set aside until then.  Never needed for correctness: a
 * program calls it to give memory back now.  Values and keys that a dict or a
 * reference has retired are released by a later write to it, by its clear or
 * its free, not by this.  `hooks` run around the wait; they may be NULL.
 * Returns 0; -EBUSY when another thread is doing just that or the caller is
 * itself inside a read section of liburcu-bp; -EINVAL (the size of hooks).
 */
CONC_API int conc_reclaim(const struct conc_wait_hooks *hooks);

/* The bytes that wait for readers.  Cannot fail. */
CONC_API size_t conc_reclaim_pending(void);

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

#ifdef __cplusplus
}
#endif
#endif
