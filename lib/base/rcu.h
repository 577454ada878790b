/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Read sections, grace periods and retired memory; the one file that knows
 * liburcu (flavor bp: threads need no registration by their owner).
 *
 * A read section (conc_rcu_enter ... conc_rcu_leave) holds back the memory that
 * is retired while it runs.  No helper thread: retired memory waits in a batch
 * of the library; the operation that fills it calls conc_reclaim_if_due() at
 * its end, with no lock held and outside sections, which waits for a grace
 * period (synchronize_rcu) and frees the batch.  One thread at a time does
 * this, under one reclaim lock, which it never sleeps on: who finds it taken,
 * or is itself inside a section of somebody's, leaves the batch to a later
 * operation.
 *
 * Structures with references of their own to give back (keys) stamp them:
 *
 *     make it unreachable, by a sequentially consistent read-modify-write;
 *     stamp = conc_rcu_stamp();
 *     ... later: if (conc_rcu_passed(stamp)) give it back
 *
 * Grace periods are counted: `begun` goes up before one begins, `done` follows
 * when it has ended.  A stamp is `begun` at that moment.  Step, stamp and the
 * store to `begun` are sequentially consistent: the grace period number stamp +
 * 1 began after the reference was unreachable, so once done > stamp no reader
 * has it.  That a section which begins later does not find it is more than
 * happens-before: it takes the full barrier that every grace period is.
 */
#ifndef CONC_RCU_H
#define CONC_RCU_H

/*
 * Inlined, a section costs 1.3 ns; called, 10.  CONC_URCU_CALLED is for
 * sanitizers: liburcu 0.13 keeps its per-thread records at addresses less
 * aligned than their type says, which is not ours to be told.
 */
#ifndef CONC_URCU_CALLED
#define _LGPL_SOURCE
#endif
#include <urcu/urcu-bp.h>

#include <stdatomic.h>

#include <concurrency/common.h>

#if defined(__SANITIZE_THREAD__)
#define CONC_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CONC_TSAN 1
#endif
#endif

#ifdef CONC_TSAN
/*
 * liburcu 0.13 does not tell TSan what a grace period orders: everything before
 * the end of a section happens before the end of a grace period that waited
 * for it.  One tag per thread, so that nothing else is ordered by it.
 */
void conc_rcu_tsan_leave(void);
#endif

/* liburcu's record of a thread; there is none to be seen with CONC_URCU_CALLED. */
typedef struct urcu_bp_reader conc_reader;

/*
 * Before a thread's first section, or liburcu's first look at it: makes it
 * known to liburcu, and its end to us (thread_exit.h).
 */
conc_reader *conc_rcu_register(void);

/*
 * The record of the calling thread.  In a shared library each look at
 * thread-local memory is a call, and liburcu's inline functions look four times
 * in a section: those below look once and hand it on.
 */
static inline conc_reader *conc_rcu_reader(void)
{
#ifdef CONC_URCU_CALLED
	return conc_rcu_register();
#else
	conc_reader *reader = URCU_TLS(urcu_bp_reader);

	if (__builtin_expect(reader == NULL, 0))
		reader = conc_rcu_register();
	return reader;
#endif
}

/*
 * Begins a section; they nest.  The same protocol as urcu_bp_read_lock(): the
 * outermost copies the counter of grace periods into the record, and no access
 * of the section comes before that store (urcu_bp_smp_mb_slave pairs with the
 * membarrier, or the fence, of synchronize_rcu).
 */
static inline conc_reader *conc_rcu_enter(void)
{
	conc_reader *reader = conc_rcu_reader();

#ifdef CONC_URCU_CALLED
	urcu_bp_read_lock();
#else
	if (__builtin_expect((reader->ctr & URCU_BP_GP_CTR_NEST_MASK) == 0, 1)) {
		CMM_STORE_SHARED(reader->ctr, CMM_LOAD_SHARED(urcu_bp_gp.ctr));
		urcu_bp_smp_mb_slave();
	} else {
		CMM_STORE_SHARED(reader->ctr, reader->ctr + URCU_BP_GP_COUNT);
	}
#endif
	return reader;
}

/* Ends the section that conc_rcu_enter() began and answered `reader`. */
static inline void conc_rcu_leave(conc_reader *reader)
{
#ifdef CONC_TSAN
	conc_rcu_tsan_leave();
#endif
#ifdef CONC_URCU_CALLED
	(void)reader;
	urcu_bp_read_unlock();
#else
	/* Every access of the section comes before the store; pairs as above. */
	urcu_bp_smp_mb_slave();
	CMM_STORE_SHARED(reader->ctr, reader->ctr - URCU_BP_GP_COUNT);
	cmm_barrier();
#endif
}

/* At the head of every block that is freed through conc_retire(). */
struct conc_retired {
	struct conc_retired *next;
	size_t bytes;
	void (*free)(struct conc_retired *block);
};

/*
 * Gives up a block of `bytes` bytes that no new reader can find: `free` is
 * called after a grace period, by any thread, outside sections and without
 * locks; it must not call back into a structure.  Never waits, never fails.
 */
void conc_retire(struct conc_retired *block, size_t bytes,
		 void (*free)(struct conc_retired *block));

/* conc_reclaim() with hooks of our own, which have been looked at. */
int conc_rcu_reclaim(const struct conc_wait_hooks *hooks);

/* A batch is due at this many blocks or bytes, whichever comes first. */
#define CONC_BATCH_BLOCKS 64
#define CONC_BATCH_BYTES (1 << 20)

/* What has been retired and not yet freed. */
struct conc_batch_size {
	_Alignas(2 * sizeof(size_t)) _Atomic size_t blocks; /* on one line */
	_Atomic size_t bytes;
};
extern struct conc_batch_size conc_batch_size
	__attribute__((visibility("hidden")));

/*
 * Waits for a grace period and frees, if enough has been retired.  Inline: the
 * end of every write.
 */
static inline void conc_reclaim_if_due(const struct conc_wait_hooks *hooks)
{
	/* relaxed, both: a hint. */
	if (atomic_load_explicit(&conc_batch_size.blocks, memory_order_relaxed) >=
		    CONC_BATCH_BLOCKS ||
	    atomic_load_explicit(&conc_batch_size.bytes, memory_order_relaxed) >=
		    CONC_BATCH_BYTES)
		conc_rcu_reclaim(hooks);
}

uint64_t conc_rcu_stamp(void);
bool conc_rcu_passed(uint64_t stamp);

#endif
