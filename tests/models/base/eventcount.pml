/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * eventcount.pml: sleeping until there is something, without losing a wake-up.
 *
 * The protocol of lib/base/eventcount.h.  One word that changes in single steps,
 * { seq, called, waiting }, and a count `sleepers'; seq is the futex word.
 *
 *   wait for an item (deadline, interruption):
 *     loop:
 *       if try_pop() got an item: return it
 *       if closed: return CLOSED
 *       if expired: return TIMEOUT             # only after a try that failed
 *       waiting += 1, w = seq                  # one step
 *       if something is there or closed:       # the second look
 *           leave; goto loop
 *       sleepers += 1
 *       r = futex_wait(&seq, w, deadline)      # sleeps only while seq == w
 *       sleepers -= 1; leave
 *       expired = (r == ETIMEDOUT)
 *       if it must leave now, without another try (interrupted, cancelled):
 *           if r is not ETIMEDOUT or EINTR: notify(1)   # pass the wake on
 *           return INTERRUPTED
 *       goto loop                              # woken, timed out, seq changed:
 *                                              # all try once more first
 *
 *   leave: one step: called -= 1 if called != 0, else waiting -= 1
 *
 *   notify(n), after making n items visible:
 *     if waiting != 0:
 *         k = min(n, waiting)
 *         waiting -= k, called += k, seq += 1  # one step
 *         if sleepers != 0: futex_wake(&seq, n)
 *
 *   close():
 *     closed = true; then notify(all)
 *
 *   - Deregistering before the last try or after it is the same; before is
 *     cheaper for notifiers.
 *   - A waiter that tries after it woke, and finds nothing, owes nothing: what
 *     became visible later has a notifier of its own.  Only who leaves without
 *     such a try passes the wake on.  (To pass it on always is harmless.)
 *   - The kernel reports ETIMEDOUT or EINTR only to a thread that no futex_wake
 *     took out of the queue; such a thread holds no wake.  EAGAIN (seq had
 *     changed) is handled as woken.
 *   - All who wait on one eventcount wait for the same thing.  Where they do not
 *     (one key each), notify all, or give each its own.
 *
 * What is asserted: whenever nobody is awake between the first and the last step
 * of a call, there is no sleeper together with an item (or with `closed').  So
 * no wake-up is lost, and none depends on a deadline passing.
 *
 * Abstracted: memory is sequentially consistent (so the fence is not in the
 * model); the queue is a number of items, with an atomic push and pop (queue.pml
 * has the rest: an item is visible to a look that begins after its push
 * returned); seq does not come round to an old value (32 bits) between reading
 * it and sleeping; futex_wake takes any sleeper, not the oldest; a deadline may
 * pass at any moment; a thief is a consumer that does not wait.
 *
 * The runs, and the mistakes (a -D each) that a run must find; check-models reads
 * these lines.
 * run wait: -DWAITERS=3 -DPUSHERS=2 -DTHIEF
 * run close: -DWAITERS=3 -DPUSHERS=1 -DTHIEF -DCLOSER
 * run batch: -DWAITERS=3 -DPUSHERS=1 -DBATCH=2 -DTHIEF
 * mistake NO_SECOND_LOOK in wait: sleeps without looking again
 * mistake SEQ_AFTER_LOOK in wait: reads seq after the second look
 * mistake NO_LAST_TRY in wait: leaves after the sleep, with neither a try nor a wake
 * mistake NO_PASS_ON in wait: woken and interrupted, leaves without passing the wake on
 * mistake COUNT_BEFORE_PUBLISHING in wait: a notifier reads `waiting' before it publishes
 * mistake NO_SEQ in wait: a notifier wakes without changing seq
 * mistake WAITING_FIRST in wait: who leaves takes from `waiting' though it was called
 * mistake CLOSE_WAKES_ONE in close: close wakes one
 * mistake BATCH_WAKES_ONE in batch: who publishes two items wakes one
 */

#ifndef WAITERS
#define WAITERS 2
#endif
#ifndef PUSHERS
#define PUSHERS 2
#endif
#ifndef BATCH                   /* items per push */
#define BATCH 1
#endif

byte items;
bool closed;

byte waiting;
byte called;
byte sleepers;
byte seq;


byte sleeping;                  /* mask: the queue of the futex */
byte awake;                     /* processes in the middle of a call */

#define BIT(me) (1 << (me))

#define SLEPT 0                 /* how futex_wait ended */
#define CHANGED 1
#define EXPIRED 2
#define SIGNAL 3

/* The end of a call, or going to sleep. */
inline rest()
{
	awake--;
	assert(awake > 0 || sleeping == 0 || (items == 0 && !closed))
}

inline wake_one()
{
	if
	:: sleeping & BIT(0) -> sleeping = sleeping & ~BIT(0); awake++
	:: sleeping & BIT(1) -> sleeping = sleeping & ~BIT(1); awake++
	:: sleeping & BIT(2) -> sleeping = sleeping & ~BIT(2); awake++
	:: sleeping == 0
	fi
}


inline deregister()
{
	d_step {
#ifdef WAITING_FIRST
		if
		:: waiting > 0 -> waiting--
		:: else -> called--
		fi
#else
		if
		:: called > 0 -> called--
		:: else -> waiting--
		fi
#endif
	}
}

inline notify(n)
{
	atomic {
		if
		:: waiting == 0 -> rest(); goto done
		:: else
		fi
	}
	atomic {
		if
		:: waiting == 0 -> rest(); goto done
		:: else ->
			k = n;
			if
			:: k > waiting -> k = waiting
			:: else
			fi;
			waiting = waiting - k;
			called = called + k;
#ifndef NO_SEQ
			seq++;
#endif
			k = n
		fi
	}
	atomic {
		if
		:: sleepers == 0 -> k = 0; rest(); goto done
		:: else
		fi
	}
	atomic {
		do
		:: k > 0 && sleeping != 0 -> wake_one(); k--
		:: else -> break
		od;
		k = 0;
		rest();
		goto done
	}
}

proctype waiter(byte me)
{
	byte w, k, r;

	awake++;
try:
	atomic {
		if
		:: items > 0 -> items--; rest(); goto done
		:: items == 0 && closed -> rest(); goto done
		:: items == 0 && !closed && r == EXPIRED -> rest(); goto done
		:: else -> r = SLEPT
		fi
	}
#ifdef SEQ_AFTER_LOOK
	waiting++;
	atomic {
		if
		:: items > 0 || closed -> goto leave
		:: else
		fi
	}
	w = seq;
#else
	atomic { waiting++; w = seq }
#ifndef NO_SECOND_LOOK
	atomic {
		if
		:: items > 0 || closed -> w = 0; goto leave
		:: else
		fi
	}
#endif
#endif
	sleepers++;
	atomic {
		if
		:: seq != w -> w = 0; r = CHANGED; goto slept
		:: else -> w = 0; sleeping = sleeping | BIT(me); rest()
		fi
	}
	atomic {
		if
		:: !(sleeping & BIT(me)) -> r = SLEPT
		:: sleeping & BIT(me) -> sleeping = sleeping & ~BIT(me); awake++; r = EXPIRED
		:: sleeping & BIT(me) -> sleeping = sleeping & ~BIT(me); awake++; r = SIGNAL
		fi
	}
slept:
	sleepers--;
	deregister();
	atomic {
		if
		:: true
		:: true ->              /* must leave without another try */
			if
			:: r == EXPIRED || r == SIGNAL -> rest(); goto done
			:: else -> r = SLEPT
			fi;
#ifdef NO_PASS_ON
			rest(); goto done;
#endif
			goto pass_on
		fi;
#ifdef NO_LAST_TRY
		rest(); goto done;
#endif
		goto try
	}
pass_on:
	notify(1);
leave:
	deregister();
	goto try;
done:
	skip
}

proctype pusher()
{
	byte k;
#ifdef COUNT_BEFORE_PUBLISHING
	atomic {
		awake++;
		if
		:: waiting == 0 -> k = 0
		:: else -> k = 1
		fi
	}
	atomic {
		items = items + BATCH;
		if
		:: k == 0 -> rest(); goto done
		:: else -> k = 0
		fi
	}
#else
	atomic { awake++; items = items + BATCH }
#endif
#ifdef BATCH_WAKES_ONE
	notify(1);
#else
	notify(BATCH);
#endif
done:
	skip
}

#ifdef CLOSER
proctype closer()
{
	byte k;

	atomic { awake++; closed = true }
#ifdef CLOSE_WAKES_ONE
	notify(1);
#else
	notify(255);
#endif
done:
	skip
}
#endif

#ifdef THIEF
proctype thief()
{
	atomic {
		if
		:: items > 0 -> items--
		:: else
		fi
	}
}
#endif

init {
	atomic {
		run waiter(0);
#if WAITERS > 1
		run waiter(1);
#endif
#if WAITERS > 2
		run waiter(2);
#endif
		run pusher();
#if PUSHERS > 1
		run pusher();
#endif
#ifdef THIEF
		run thief();
#endif
#ifdef CLOSER
		run closer();
#endif
	}
}
