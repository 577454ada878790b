/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sleeping until a structure without locks has what one came for.
 *
 *     waiter                                  notifier
 *       seen = conc_eventcount_enter()          publish
 *       look a second time at the structure     conc_eventcount_notify()
 *       nothing: conc_eventcount_sleep(seen)
 *       conc_eventcount_leave()
 *
 *     state   | sequence 24 | called 20 | waiting 20 |
 *             |<--- slept on, 32 --->|
 *
 *     waiting    threads that entered and were not called; 0: notify is a load
 *     called     calls that were made and not yet used up by one who left
 *     sequence   goes up with each call
 *     sleepers   threads that may be asleep in the kernel: without any, a call
 *                is no system call
 *
 * enter adds 1 to `waiting'.  A call turns one of `waiting' into one of `called'
 * and changes `sequence', in one step, and then wakes one sleeper.  Who leaves
 * takes 1 from `called', or from `waiting' if there is none.  So a thread that
 * was woken and does not run yet is not woken again with each further item.
 * (That was measured: 0.6 to 0.9 vain system calls for each item, which then
 * cost 500 ns and more.)
 *
 * No wake is lost.
 *  - enter adds to `waiting' and then looks; the notifier publishes and then
 *    loads `waiting'.  As all four are sequentially consistent, either the look
 *    finds what was published, or the notifier finds the waiter, or somebody
 *    else has called it since it entered.
 *  - A call changes `sequence' after every thread that it may be for has read
 *    it: who does not sleep yet will not.  Of those who sleep it wakes one.
 *  - waiting + (calls that have yet to wake) >= threads that sleep or will.  A
 *    call moves 1 between the two numbers on the left, and its wake takes 1 from
 *    both sides; if it finds nobody asleep, all who entered before the last call
 *    are awake, and `waiting' counts those who came since.  Leaving takes from
 *    `waiting' only when `called' is 0, so when it counts every thread.  So a
 *    notifier that finds 0 knows that all are awake or about to be woken, and
 *    these look again.
 * Hence the duty of who calls notify: the publication is a sequentially
 * consistent write of a word that the second look reads with a sequentially
 * consistent load.  Who cannot promise that calls
 * conc_eventcount_notify_after_any().
 *
 * No wake is kept by one who has no use for it.  A call of one thread stands for
 * one item.  Who was woken looks again; who leaves without doing so, or finds
 * nothing to its taste while there is something for others, notifies once more.
 * A wake too many costs a look, nothing else.
 *
 * Counters, not a list of waiters: a thread that disappears in its sleep (a
 * daemon thread at the end of its runtime, all but one thread at a fork) leaves
 * a number too high behind, and some later call wakes nobody.
 *
 * Two limits, which nobody meets: 2^20 threads that wait; 2^24 calls between a
 * second look and the sleep that follows it, exactly.
 */
#ifndef CONC_EVENTCOUNT_H
#define CONC_EVENTCOUNT_H

#include "futex.h"
#include "memory.h"

struct conc_eventcount {
	_Alignas(CONC_LINE) union {
		_Atomic uint64_t word;
		_Atomic uint32_t half[2];
	} state;
	_Atomic uint32_t sleepers;
};

/*
 * How long a thread looks before it enters: between looks the pauses double up to
 * this many, which makes 1 to 2 us.  Measured: a request and its answer between
 * two cores of a virtual machine take 8 to 20 us with it, 180 us without; it
 * does nothing for a producer that is slower than that, and costs nothing beside
 * the sleep that follows.
 */
#define CONC_LONGEST_PAUSE_BEFORE_SLEEP 32

static inline void conc_pause(int pauses)
{
	for (int i = 0; i < pauses; i++)
		conc_relax();
}

#define CONC_EVENTCOUNT_WAITING (UINT64_C(0xfffff))

/* Announces this thread; what it returns goes into conc_eventcount_sleep. */
static inline uint32_t conc_eventcount_enter(struct conc_eventcount *event)
{
	/*
	 * seq_cst: stands before the second look in the order of all such
	 * operations; pairs with the load in conc_eventcount_notify.  acquire,
	 * which it includes: who reads the sequence of a call sees in its
	 * second look what was published before.
	 */
	return atomic_fetch_add_explicit(&event->state.word, 1,
					 memory_order_seq_cst) >> 32;
}

void conc_eventcount_leave(struct conc_eventcount *event);

/*
 * Sleeps until a call that came after `seen'.  For the first `poll' ns, also
 * between the hooks, watches the sequence instead of sleeping in the kernel.  0:
 * look again; -ETIMEDOUT, or what hooks->interrupted answered.  hooks may be
 * NULL.
 */
int conc_eventcount_sleep(struct conc_eventcount *event, uint32_t seen,
			  int64_t deadline, int64_t poll,
			  const struct conc_wait_hooks *hooks);

/* Calls one of those who wait, or all. */
void conc_eventcount_call(struct conc_eventcount *event, bool all);

/* After a sequentially consistent publication, as said above. */
static inline void conc_eventcount_notify(struct conc_eventcount *event,
					  bool all)
{
	/* seq_cst: after the publication; pairs with conc_eventcount_enter. */
	if (atomic_load_explicit(&event->state.word, memory_order_seq_cst) &
	    CONC_EVENTCOUNT_WAITING)
		conc_eventcount_call(event, all);
}

/*
 * After a publication of any kind.  Read-modify-writes of one word have one
 * order: either this one reads the waiter's addition, or that addition reads
 * this one and acquires what was published before it.  (A fence would do the
 * same for less on some machines, but ThreadSanitizer does not know fences.)
 */
static inline void
conc_eventcount_notify_after_any(struct conc_eventcount *event, bool all)
{
	if (atomic_fetch_add_explicit(&event->state.word, 0,
				      memory_order_acq_rel) &
	    CONC_EVENTCOUNT_WAITING)
		conc_eventcount_call(event, all);
}

#endif
