/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Read sections, and memory that waits for them; with rcu.c the one place that
 * knows liburcu (flavor bp: threads need no registration by their owner).
 *
 * A read section (conc_rcu_enter ... conc_rcu_leave) holds back the memory that
 * is retired while it runs.  It is liburcu's section, and beside it a word of
 * ours, by which grace periods are polled: nobody waits for a reader, and a
 * reader of another user of liburcu holds nothing of ours up.
 *
 *     word:   sections that have ended | how deep within sections
 *
 *     enter:  word + 1; liburcu's section; its barrier after both stores
 *     leave:  its barrier; liburcu's section; word: one has ended, depth 0
 *
 * A section within another counts its depth only.  One word, so that a signal
 * handler may read at any moment: who it interrupts stores a word that it has
 * read before, which the handler has left as it was, or whose count it has
 * raised: then the old count comes back, which can only make a grace period
 * longer.  (What an operation does at its end is not for handlers.)
 *
 * Each thread has a record.  Records are pushed to a list once, are never
 * freed, and are used again by later threads.  They are not liburcu's records:
 * those of threads that liburcu has known first would never be listed.  Without
 * memory for one a thread counts itself in conc_rcu_unlisted during each of its
 * sections.  From the first of its thread_local destructors on a thread's
 * sections are ours alone: liburcu takes its record away in a later one.
 *
 * Grace periods, and what waits for them, are grace.c's.
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

#include "compiler.h"
#include "memory.h"

#if defined(__SANITIZE_THREAD__)
#define CONC_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CONC_TSAN 1
#endif
#endif

/*
 * Of the word, at a section's end.  relaxed: the barriers order it.  A sanitizer
 * does not see these: it is told by release what they do.
 */
#ifdef CONC_TSAN
#define CONC_WORD_STORE memory_order_release
#else
#define CONC_WORD_STORE memory_order_relaxed
#endif

/* Of the word: its lower 16 bits are the depth.  That the count comes round is harmless. */
#define CONC_ENDED (1UL << 16)
#define CONC_DEPTH (CONC_ENDED - 1)
/* In the depth: that of a section which is left by conc_rcu_leave_slowly(). */
#define CONC_SLOWLY (CONC_ENDED >> 1)
/* No deeper: who nests so deep stays inside for good. */
#define CONC_DEEPEST (CONC_SLOWLY - 1)

typedef struct conc_reader conc_reader;

struct conc_reader {
	_Alignas(CONC_LINE) _Atomic(unsigned long) word;
	int operations_left; /* before it looks after what waits */
	bool releasing;	     /* frees what waited: ready.c's */
	bool draining;	     /* runs callbacks of what waited in a structure */
	bool listed;
	bool too_deep; /* a section could not be counted: none ends any more */
#ifndef CONC_URCU_CALLED
	struct urcu_bp_reader *urcu;
#endif
	unsigned debt; /* blocks that its thread has retired, and not freed as many */
	/* What it has retired since that was last enough for a batch. */
	unsigned retired_blocks;
	size_t retired_bytes;
	/* Retired less freed, and not told yet; others add them up. */
	_Atomic size_t bytes;
	struct conc_retired *in_hand; /* about to be freed */
	_Atomic unsigned hands;	      /* odd: frees something */
	_Atomic bool taken; /* by a thread that has not ended */
	conc_reader *next;  /* never changes */
	/* grace.c's, under its lock: */
	_Alignas(CONC_LINE) conc_reader *next_watched;
	unsigned long noted;
};

/*
 * The calling thread's; or another one that looks like a reader that is inside,
 * when entering is for conc_rcu_enter_slowly(): for a thread's first section,
 * when it ends, and where there is no membarrier.
 */
extern _Thread_local conc_reader *conc_rcu_own
	__attribute__((visibility("hidden")));

/* What the calling thread has its sections with; makes it a reader. */
conc_reader *conc_rcu_reader(void);

conc_reader *conc_rcu_enter_slowly(void);
void conc_rcu_leave_slowly(conc_reader *reader);

/* Begins a section; they nest.  It must be left by the same thread. */
static CONC_INLINE conc_reader *conc_rcu_enter(void)
{
#ifdef CONC_URCU_CALLED
	return conc_rcu_enter_slowly();
#else
	conc_reader *reader = conc_rcu_own;
	unsigned long word = atomic_load_explicit(&reader->word,
						  memory_order_relaxed);
	struct urcu_bp_reader *urcu;

	if (CONC_UNLIKELY((word & CONC_DEPTH) != 0))
		return conc_rcu_enter_slowly();
	atomic_store_explicit(&reader->word, word + 1, memory_order_relaxed);
	/* As urcu_bp_read_lock(); its barrier is membarrier's, here. */
	urcu = reader->urcu;
	if (CONC_LIKELY((urcu->ctr & URCU_BP_GP_CTR_NEST_MASK) == 0))
		CMM_STORE_SHARED(urcu->ctr, CMM_LOAD_SHARED(urcu_bp_gp.ctr));
	else
		CMM_STORE_SHARED(urcu->ctr, urcu->ctr + URCU_BP_GP_COUNT);
	cmm_barrier();
	return reader;
#endif
}

/* Ends the section that conc_rcu_enter() began and answered `reader`. */
static CONC_INLINE void conc_rcu_leave(conc_reader *reader)
{
#ifdef CONC_URCU_CALLED
	conc_rcu_leave_slowly(reader);
#else
	unsigned long word;
	struct urcu_bp_reader *urcu;

	cmm_barrier();
	word = atomic_load_explicit(&reader->word, memory_order_relaxed);
	if (CONC_UNLIKELY((word & CONC_DEPTH) != 1)) {
		conc_rcu_leave_slowly(reader);
		return;
	}
	/* As urcu_bp_read_unlock(). */
	urcu = reader->urcu;
	CMM_STORE_SHARED(urcu->ctr, urcu->ctr - URCU_BP_GP_COUNT);
	cmm_barrier();
	atomic_store_explicit(&reader->word, word - 1 + CONC_ENDED,
			      CONC_WORD_STORE);
	cmm_barrier();
#endif
}

/* --- What waits ------------------------------------------------------------- */

/* At the head of every block that is freed through conc_retire(). */
struct conc_retired {
	struct conc_retired *next;
	struct conc_retired *next_batch;
	size_t bytes; /* of the block; the owner's to set, and not written here */
	void (*free)(struct conc_retired *block);
};

/*
 * Gives up a block that no new reader can find: `free` is called after a grace
 * period, by any thread, outside sections and without locks.  Never waits, never
 * fails.
 */
void conc_retire(struct conc_retired *block,
		 void (*free)(struct conc_retired *block));

/*
 * Structures with references of their own to give back (keys) stamp them:
 *
 *     make it unreachable, by a sequentially consistent read-modify-write;
 *     stamp = conc_rcu_stamp();
 *     ... later: if (conc_rcu_passed(stamp)) give it back
 */
uint64_t conc_rcu_stamp(void);
bool conc_rcu_passed(uint64_t stamp);

/* No less than any stamp that the caller has seen. */
uint64_t conc_rcu_newest_stamp(void);

/*
 * The same for what is not freed by conc_retire(): so many bytes wait for a
 * grace period, from now on or no more.  `reader': who had a section just now.
 */
void conc_rcu_waits(conc_reader *reader, size_t bytes);
void conc_rcu_waits_no_more(size_t bytes);

/*
 * So many operations of one thread lie between its looks at what waits.  A
 * prime: where those that may nap alternate with others, each has its turn.
 */
#define CONC_OPERATIONS_PER_LOOK 61

/* The half of conc_rcu_rest() that is not inline. */
bool conc_rcu_look(conc_reader *reader, const struct conc_wait_hooks *nap);

/*
 * The end of every operation that had a section: releases some of what waits,
 * now and then.  With no lock held, as callbacks run.  True: the structure
 * should do the same for what waits in it alone.  `nap': NULL, or the hooks
 * around a nap of at most 1 ms, which it may take when too many bytes wait.
 */
static CONC_INLINE bool conc_rcu_rest(conc_reader *reader,
				      const struct conc_wait_hooks *nap)
{
	return CONC_UNLIKELY(--reader->operations_left < 0) &&
	       conc_rcu_look(reader, nap);
}

/* The same for an operation that had none. */
bool conc_rcu_rest_without(const struct conc_wait_hooks *nap);

/* The same at once, for who has much to give back: begins a grace period. */
bool conc_rcu_rest_now(void);

/* Whether callbacks may run now: outside of sections, and not within others. */
bool conc_rcu_may_release(void);

/*
 * Around the callbacks of what waited in a structure alone: in what they do
 * conc_rcu_rest() is never true, so that they do not run within each other.
 */
static inline void conc_rcu_drains(conc_reader *reader, bool drains)
{
	reader->draining = drains;
}

#endif
