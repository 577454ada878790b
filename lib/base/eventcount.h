/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sleeping until a structure without locks has what one came for.
 *
 *     waiter, in conc_eventcount_await()      notifier
 *       look; nothing                           publish
 *       seen = enter()                          conc_eventcount_notify()
 *       look a second time
 *       nothing: sleep_from(seen)
 *       leave()
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
 * enter adds 1 to `waiting'.  A call turns one of `waiting' into one of
 * `called' and changes `sequence', in one step, and then wakes one sleeper.
 * Who leaves takes 1 from `called', or from `waiting' if there is none.  So a
 * thread that was woken and does not run yet is not woken again with each
 * further item.  (That was measured: 0.6 to 0.9 vain system calls for each
 * item, which then cost 500 ns and more.)
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
 * No wake is kept by one who has no use for it.  A call of one thread stands
 * for one item.  Who was woken looks again; who leaves without doing so, or
 * finds nothing to its taste while there is something for others, notifies once
 * more.  A wake too many costs a look, nothing else.
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
	_Atomic uint32_t recent; /* how long a wait takes of late, in ns */
};

static inline void conc_pause(int pauses)
{
	for (int i = 0; i < pauses; i++)
		conc_relax();
}

#define CONC_EVENTCOUNT_WAITING (UINT64_C(0xfffff))

/*
 * Waits until there is what one came for, or until the deadline.  0: there_is()
 * was true, or somebody called: try; -EAGAIN: it was false, with CONC_TRY;
 * -ETIMEDOUT, or what hooks->interrupted answered.  there_is() looks with
 * sequentially consistent loads, in the thread that waits and never between the
 * hooks.  For the first `poll' ns of a sleep, or for some 10 us where an answer
 * may be near, the thread watches the sequence instead of sleeping in the
 * kernel, also between the hooks.  hooks may be NULL.
 */
int conc_eventcount_await(struct conc_eventcount *event,
			  bool (*there_is)(void *what), void *what,
			  int64_t deadline, int64_t poll,
			  const struct conc_wait_hooks *hooks);

/* Calls one of those who wait, or all. */
void conc_eventcount_call(struct conc_eventcount *event, bool all);

/* After a sequentially consistent publication, as said above. */
static inline void conc_eventcount_notify(struct conc_eventcount *event,
					  bool all)
{
	/* seq_cst: after the publication; pairs with enter(). */
	if (atomic_load_explicit(&event->state.word, memory_order_seq_cst) &
	    CONC_EVENTCOUNT_WAITING)
		conc_eventcount_call(event, all);
}

/*
 * After a publication of any kind.  Read-modify-writes of one word have one
 * order: either this one reads the waiter's addition, or that addition reads
 * this one and acquires what was published before it: release is what it takes
 * here.  (A fence would do the same for less on some machines, but
 * ThreadSanitizer does not know fences.)
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
