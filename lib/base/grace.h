/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Between rcu.c, which has the readers, grace.c, which has the grace periods,
 * and fork.c.  All others use rcu.h.
 */
#ifndef CONC_GRACE_H
#define CONC_GRACE_H

#include "rcu.h"

/* The newest record; acquire.  Those behind it do not change their order. */
conc_reader *conc_rcu_readers(void);

/* How many there are. */
extern _Atomic unsigned conc_rcu_reader_count
	__attribute__((visibility("hidden")));

/* Threads that are inside a section without a record. */
extern _Atomic size_t conc_rcu_unlisted __attribute__((visibility("hidden")));

/* So many bytes more, or less, wait for readers. */
void conc_rcu_count_bytes(conc_reader *reader, size_t change);

/*
 * Whether the calling thread, whose reader this is, is inside a section, of ours
 * or of another user of liburcu, or runs a callback of what waited.
 */
bool conc_rcu_inside(conc_reader *reader);

/*
 * A barrier of every other thread of the process, where readers have none of
 * their own; else one of the caller's.  False: the kernel does not grant it any
 * more.
 */
bool conc_rcu_barrier(void);

/* A thread's end: before any key's destructor, and after liburcu's. */
void conc_rcu_thread_ends(void);
void conc_rcu_thread_ended(void);

/* The child of a fork: readers that are not there any more are outside. */
void conc_rcu_forked(void);

enum conc_grace_hold {
	CONC_GRACE_HELD,
	CONC_GRACE_LATE, /* the deadline came first */
	CONC_GRACE_OWN	 /* a signal handler forks: who it interrupts has the lock */
};

/* Around a fork: takes the lock.  Only who holds it resumes. */
enum conc_grace_hold conc_grace_hold(int64_t deadline);
void conc_grace_resume(void);

/* The child: what waited is forgotten if it was late. */
void conc_grace_forked(enum conc_grace_hold hold);

#endif
