/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * bounded_queue.pml: credit for a capacity beside a queue that knows none.
 *
 * The protocol of lib/queue/bounded_queue.c.  One word that changes in single steps,
 * { closed, limit, size }; a count of unfinished tasks; a queue that can end.
 *
 *   push:   one step: closed: refuse; size >= limit: wait; else size += 1
 *           unfinished += 1
 *           append; the queue has ended, or no memory:
 *               unfinished -= 1; size -= 1; notify one who waits for room
 *   pop:    take; nothing there, and closed: end the queue, take again
 *           size -= 1; notify one who waits for room
 *   limit:  one step: limit = n; notify all who wait for room
 *   close:  one step: closed = true; notify all; end the queue;
 *           immediate: as pop, and unfinished -= 1, for each item left
 *
 * What is asserted:
 *  - a credit is never taken beyond the limit of that very moment;
 *  - unfinished is never too low for the task_done that follows a pop;
 *  - once a push was refused, no pop that begins later finds "nothing yet";
 *  - when all is at rest, size is the number of items, unfinished the number of
 *    those that were pushed and not reported, and nobody sleeps beside room or
 *    on a closed queue.
 *
 * Abstracted: memory is sequentially consistent; the queue's own push, pop and
 * end are one step each (queue.pml has them); a notify is one step
 * (eventcount.pml has its two), and no deadline passes.
 *
 * The runs, and the mistakes (a -D each) that a run must find; check-models reads
 * these lines.
 * run room: -DPRODUCERS=3 -DPOPPERS=1
 * run limit: -DPRODUCERS=3 -DPOPPERS=1 -DSETTER
 * run close: -DPRODUCERS=2 -DPOPPERS=2 -DCLOSER
 * run memory: -DPRODUCERS=3 -DPOPPERS=1 -DNO_MEMORY
 * mistake QUIET_POP in room: a pop wakes nobody
 * mistake NO_SECOND_LOOK in room: sleeps without looking again
 * mistake LIMIT_APART in limit: a push reads the limit before the step that takes a credit
 * mistake QUIET_LIMIT in limit: a new limit wakes nobody
 * mistake NO_HELP in close: a pop leaves it to close to end the queue
 * mistake UNFINISHED_LATE in close: unfinished rises after the item was appended
 * mistake QUIET_CLOSE in close: close wakes nobody
 * mistake CREDIT_KEPT in memory: a push that fails keeps its credit
 * mistake QUIET_REFUSAL in memory: a push that fails wakes nobody
 */

#define OK 0
#define FULL 1
#define REFUSED 2

byte size, limit = 1, queued, unfinished;
bool closed, ended;

/* Who waits for room: the eventcount's word, and the kernel's side of it. */
byte entered, called, sequence;
byte asleep, woken;
byte pushed, done, thrown;
bool refused;
#ifdef NO_MEMORY
bool memory_lost;
#endif

inline notify_one()
{
	atomic {
		if
		:: entered > 0 ->
			sequence++;
			entered--;
			called++;
			if
			:: woken < asleep -> woken++
			:: else
			fi
		:: else
		fi
	}
}

inline notify_all()
{
	atomic {
		if
		:: entered > 0 ->
			sequence++;
			called = called + entered;
			entered = 0;
			woken = asleep
		:: else
		fi
	}
}

inline sleep()
{
	atomic {
		if
		:: sequence != seen -> awake = true
		:: else -> asleep++
		fi;
		seen = 0
	};
	if
	:: awake
	:: else ->
end_asleep:	atomic { woken > 0 -> woken--; asleep-- }
	fi;
	awake = false
}

inline leave()
{
	atomic {
		if
		:: called > 0 -> called--
		:: else -> entered--
		fi
	}
}

inline take_credit()
{
#ifdef LIMIT_APART
	seen = limit;
#endif
	atomic {
#ifndef LIMIT_APART
		seen = limit;
#endif
		if
		:: closed -> rc = REFUSED
		:: !closed && size >= seen -> rc = FULL
		:: else -> rc = OK; size++; assert(size <= limit)
		fi;
		seen = 0
	}
}

inline append()
{
	atomic {
		if
		:: ended -> rc = REFUSED
		:: !ended -> rc = OK; queued++; pushed++
#ifdef NO_MEMORY
		:: !ended && !memory_lost -> rc = REFUSED; memory_lost = true
#endif
		fi
	}
}

inline give_credit_back()
{
	size--;
	notify_one()
}

proctype producer()
{
	byte rc, seen;
	bool awake;

	do
	:: take_credit();
	   if
	   :: rc == FULL ->
		atomic { entered++; seen = sequence };
#ifdef NO_SECOND_LOOK
		sleep();
#else
		if
		:: closed || size < limit
		:: else -> sleep()
		fi;
#endif
		leave()
	   :: else -> break
	   fi
	od;
	if
	:: rc == OK ->
#ifndef UNFINISHED_LATE
		unfinished++;
#endif
		append();
#ifdef UNFINISHED_LATE
		unfinished++;
#endif
		if
		:: rc == REFUSED ->
			unfinished--;
#ifndef CREDIT_KEPT
#ifdef QUIET_REFUSAL
			size--
#else
			give_credit_back()
#endif
#endif
		:: else
		fi
	:: else
	fi;
	atomic {
		if
		:: rc == REFUSED && closed -> refused = true
		:: else
		fi;
		rc = 0
	}
}

inline take()
{
	atomic {
		if
		:: queued > 0 -> rc = OK; queued--
		:: queued == 0 && ended -> rc = REFUSED
		:: else -> rc = FULL
		fi
	}
}

proctype popper()
{
	byte rc, tries;
	bool late;

	do
	:: tries < 3 ->
		atomic { tries++; late = refused };
		take();
#ifndef NO_HELP
		if
		:: rc == FULL && closed ->
			ended = true;
			atomic {
				if
				:: queued > 0 -> rc = OK; queued--
				:: else -> rc = REFUSED
				fi
			}
		:: else
		fi;
#endif
		if
		:: rc == OK ->
#ifdef QUIET_POP
			size--;
#else
			give_credit_back();
#endif
			atomic {
				assert(unfinished > 0);
				unfinished--;
				done++
			}
		:: rc == FULL -> assert(!late)
		:: rc == REFUSED -> break
		fi
	:: else -> break
	od;
	atomic { rc = 0; tries = 0; late = false }
}

#ifdef SETTER
inline set_limit(n)
{
	limit = n;
#ifndef QUIET_LIMIT
	notify_all()
#endif
}

proctype setter()
{
	set_limit(2);
	set_limit(1);
	set_limit(3)
}
#endif

#ifdef CLOSER
proctype closer()
{
	closed = true;
#ifndef QUIET_CLOSE
	notify_all();
#endif
	ended = true;
	if
	:: true
	:: true -> /* immediate */
		do
		:: atomic { queued > 0 -> queued-- };
		   give_credit_back();
		   atomic { assert(unfinished > 0); unfinished--; thrown++ }
		:: queued == 0 -> break
		od
	fi
}
#endif

active proctype observer()
{
	byte i;

	atomic {
		do
		:: i < PRODUCERS -> run producer(); i++
		:: else -> break
		od;
		i = 0;
		do
		:: i < POPPERS -> run popper(); i++
		:: else -> break
		od;
#ifdef SETTER
		run setter();
#endif
#ifdef CLOSER
		run closer();
#endif
		i = 0
	};
	timeout ->
	atomic {
		assert(size == queued);
		assert(unfinished == pushed - done - thrown);
		assert(asleep == 0 || (!closed && size >= limit))
	}
}
