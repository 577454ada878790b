/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * grace_poll.pml: grace periods by polling, and the memory orders they need.
 *
 * The protocol of lib/base/grace.c and rcu.c.  A thread has a record, one word:
 * bit 0: inside a section; above: sections that have ended.  (In C the lower half is
 * a depth, which sections within another count up and down; what is looked at is
 * the number above, and whether the depth is 0.)
 *
 *   enter:  w = word; inside: nested, barrier of readers, that is all
 *           word = w + 1; barrier of readers
 *   leave:  barrier of readers; unless nested: word = w + 4
 *   come:   take a record that is not taken, else push one to the list
 *   end:    taken = false (release); the record stays in the list
 *   no memory for a record: each section begins with unlisted += 1 and ends with
 *           unlisted -= 1, in place of the stores to a word
 *
 *   poll, under a lock that nobody waits for:
 *     new period:   blocks = batch, batch = empty; begun += 1
 *                   barrier M1
 *                   read the list; note each word that says inside
 *     later looks:  a word that is not as noted: done with that record
 *                   unlisted seen 0 once after M1: done with those
 *     none left:    barrier M2, which may be the M1 of the next period
 *                   done = the period's number; its blocks are ready
 *
 *   retire a block:    unlink it; put it into the batch (release)
 *   stamp a reference: unlink it; full barrier; stamp = begun
 *                      ... done > stamp: give it back
 *   or, with membarrier only:
 *                      unlink it; stamp = begun
 *                      ... done > stamp + 1: give it back
 *
 * Barriers M are membarrier, and the barrier of readers is one for the compiler.
 * Without membarrier (FENCES) all are full fences of the caller.
 *
 * A membarrier is a full barrier in each thread, but not in all at one moment: a
 * thread that had its own may find what another, whose turn is yet to come, has
 * unlinked in its store buffer only.  (So the stamp needs its barrier, or one more
 * period, though there is a membarrier.)
 *
 * What is asserted:
 *   - nothing is used by a section after it was freed, and nothing freed twice;
 *   - the poller reads no record that was freed.
 *
 * Memory: the stores of readers and writer, and their read-modify-writes, go through
 * a buffer each and take effect later, in order; with WEAK the two loads of a
 * section, that of the reference and that through it, happen later too, in that
 * order, even after the end of the section was seen (ARM, POWER).  Without WEAK it
 * is x86's order.  A membarrier empties buffer and late loads of each thread, one
 * thread after another, in any order; a fence waits for the own.
 *
 * Abstracted: one poller, for the lock orders them (reclaim.pml has several), whose
 * own stores take effect at once, as its barriers follow them; a later look that
 * changes nothing is not made; liburcu's own section, which lies between the word
 * and the barrier and holds back nobody here; one section has one late load at a
 * time; a record that is noted has said inside, so "not as noted" covers "outside".
 * A look by nesting alone, without the count, is right but may not end beside a
 * busy reader: a matter of time, which is measured, not modelled.
 *
 * The runs, and the mistakes (a -D each) that a run must find; check-models reads
 * these lines.
 * run tso: -DWRITES=2 -DPERIODS=2 -DREADERS=1 -DSECTIONS=2
 * run weak: -DWRITES=3 -DPERIODS=3 -DREADERS=1 -DSECTIONS=2 -DWEAK
 * run weak_readers: -DWRITES=1 -DPERIODS=2 -DREADERS=2 -DSECTIONS=1 -DWEAK
 * run fences: -DWRITES=2 -DPERIODS=2 -DREADERS=1 -DSECTIONS=2 -DFENCES
 * run fences_weak: -DWRITES=2 -DPERIODS=2 -DREADERS=1 -DSECTIONS=2 -DFENCES -DWEAK
 * run comes: -DWRITES=2 -DPERIODS=2 -DREADERS=1 -DSECTIONS=2 -DWEAK -DCOMES
 * run comes_fences: -DWRITES=2 -DPERIODS=2 -DREADERS=1 -DSECTIONS=2 -DFENCES -DWEAK -DCOMES
 * run again: -DWRITES=2 -DPERIODS=2 -DREADERS=2 -DSECTIONS=1 -DWEAK -DAGAIN
 * run again_same: -DWRITES=2 -DPERIODS=2 -DREADERS=2 -DSECTIONS=1 -DWEAK -DAGAIN -DSTARTS_OVER
 * run again_fences: -DWRITES=2 -DPERIODS=2 -DREADERS=2 -DSECTIONS=1 -DFENCES -DWEAK -DAGAIN
 * run unlisted: -DWRITES=2 -DPERIODS=2 -DREADERS=1 -DSECTIONS=2 -DWEAK -DUNLISTED
 * run unlisted_fences: -DWRITES=2 -DPERIODS=2 -DREADERS=1 -DSECTIONS=2 -DFENCES -DWEAK -DUNLISTED
 * run handler: -DWRITES=2 -DPERIODS=2 -DREADERS=1 -DSECTIONS=2 -DWEAK -DHANDLER
 * run handler_fences: -DWRITES=2 -DPERIODS=2 -DREADERS=1 -DSECTIONS=2 -DFENCES -DHANDLER
 * run handler_fences_weak: -DWRITES=2 -DPERIODS=2 -DREADERS=1 -DSECTIONS=2 -DFENCES -DWEAK -DHANDLER
 * run stamps: -DWRITES=1 -DPERIODS=3 -DREADERS=1 -DSECTIONS=2 -DSTAMPS
 * run stamps_weak: -DWRITES=1 -DPERIODS=2 -DREADERS=1 -DSECTIONS=2 -DWEAK -DSTAMPS
 * run stamps_readers: -DWRITES=1 -DPERIODS=2 -DREADERS=2 -DSECTIONS=1 -DWEAK -DSTAMPS
 * run stamps_later: -DWRITES=1 -DPERIODS=3 -DREADERS=1 -DSECTIONS=2 -DWEAK -DSTAMPS -DONE_MORE
 * run stamps_fences: -DWRITES=1 -DPERIODS=2 -DREADERS=1 -DSECTIONS=2 -DFENCES -DWEAK -DSTAMPS
 * mistake NO_M1 in tso: no barrier before the list is read
 * mistake LOOKED_FIRST in fences: no fence there: words as they were before the batch was taken
 * mistake NO_M2 in weak: no barrier after the last look
 * mistake BATCH_LATE in tso: the batch is taken after the barrier it shares with the last period
 * mistake SEEN_INSIDE in tso: the record is inside again: taken for another section
 * mistake LIST_FIRST in comes: the list is read before the barrier
 * mistake RECORD_FREED in again: a record is freed when its thread ends
 * mistake TAKEN_EARLY in again: a record is given back before its word says outside
 * mistake UNCOUNTED in unlisted: a thread without a record does not count itself
 * mistake UNLISTED_FIRST in unlisted: the count is looked at before the barrier
 * mistake NESTED_ENTER in handler_fences: a handler's section begins without a barrier
 * mistake NESTED_LEAVE in handler_fences_weak: a handler's section ends without a barrier
 * mistake STAMP_FIRST in stamps: the stamp is read before the reference is unlinked
 * mistake NO_STAMP_BARRIER in stamps: no barrier between the two, though there is membarrier
 * mistake NO_STAMP_BARRIER in stamps_fences: no barrier between the two
 * mistake NO_STAMP_FENCE in stamps_fences: one more period in place of the fence
 * mistake BEGUN_LATE in stamps_weak: begun rises after the barrier
 * mistake DONE_EARLY in stamps_weak: done rises before the barrier M2
 */

#define THREADS (READERS + 1)   /* 0: the writer */
#ifdef AGAIN
#define RECORDS 1
#define RECORD(t) 0
#else
#define RECORDS READERS
#define RECORD(t) ((t) - 1)
#endif

#define BIT(x) (1 << (x))
#define INSIDE(w) ((w) & 1)

/* What waits in a buffer: a word's new value, or one of these. */
#define PUSH 32
#define GIVE 33                 /* taken = false */
#define COUNT_UP 34
#define COUNT_DOWN 35
#define UNLINK 36               /* current = current + 1 */
#define RETIRE 40               /* + the block */

chan buffer[THREADS] = [3] of { byte };

/* The late load of a thread: of the reference, then of the block found, + 1. */
#define NONE 0
#define REFERENCE 255
byte late[THREADS];

byte current;                   /* the block that readers find */
byte batch, freed;              /* masks of blocks */
byte begun, ended;              /* `done', which is a name of the verifier's */

byte word[RECORDS];
byte unlisted;
bool over[THREADS];             /* this thread stores and loads no more */
#if defined(COMES) || defined(UNLISTED)
bool listed;
#else
bool listed = true;
#endif
#ifdef AGAIN
bool taken, gone;
#endif

inline take_effect(t)
{
	buffer[t]?x;
	if
	:: x < PUSH -> word[RECORD(t)] = x
#ifdef COMES
	:: x == PUSH -> listed = true
#endif
#ifdef AGAIN
	:: x == GIVE -> taken = false
#endif
#ifdef UNLISTED
	:: x == COUNT_UP -> unlisted++
	:: x == COUNT_DOWN -> unlisted--
#endif
	:: x == UNLINK -> current++
#ifndef STAMPS
	:: x >= RETIRE -> batch = batch | BIT(x - RETIRE)
#endif
	fi;
	x = 0
}

/* The load of the reference, and the one through it. */
inline find(t)
{
	late[t] = current + 1
}

inline use(t)
{
	assert(!(freed & BIT(late[t] - 1)));
	late[t] = NONE
}

/* What happens late, at any time. */
proctype memory(byte t)
{
	byte x;

	do
	:: atomic { nempty(buffer[t]) -> take_effect(t) }
#ifdef WEAK
	:: atomic { late[t] == REFERENCE -> find(t) }
	:: atomic { late[t] != REFERENCE && late[t] != NONE -> use(t) }
#endif
	:: atomic { over[t] && empty(buffer[t]) && late[t] == NONE -> break }
	od
}

#define FULL_BARRIER(t) (empty(buffer[t]) && late[t] == NONE)

#ifdef FENCES
#define READER_BARRIER FULL_BARRIER(me)
#else
#define READER_BARRIER skip
#endif

/*
 * What comes between the barriers of a section: two loads.  Both are late; or a
 * membarrier may come between the two, and the second one is late; or none is.
 */
inline read()
{
#ifdef WEAK
	atomic {
		late[me] == NONE ->
		if
		:: late[me] = REFERENCE
		:: found = current + 1
		fi
	};
	atomic {
		found == NONE || late[me] == NONE ->
		if
		:: found != NONE -> late[me] = found; found = NONE
		:: else
		fi
	}
#else
	find(me);
	use(me)
#endif
}

#ifdef HANDLER
inline handler_nested()
{
	if
	:: !handled ->
		handled = true;
#ifndef NESTED_ENTER
		READER_BARRIER;
#endif
		read();
#ifndef NESTED_LEAVE
		READER_BARRIER
#endif
	:: true
	fi
}

inline handler_outermost()
{
	if
	:: !handled ->
		handled = true;
		buffer[me]!w + 1;
		READER_BARRIER;
		read();
		READER_BARRIER;
		buffer[me]!w + 4        /* the interrupted one has loaded w */
	:: true
	fi
}
#else
#define handler_nested() skip
#define handler_outermost() skip
#endif

proctype reader(byte me)
{
	byte n, w;                  /* w: the word, as its own thread knows it */
#ifdef WEAK
	byte found;
#endif
#ifdef HANDLER
	bool handled;
#endif

#ifdef AGAIN
	atomic { !taken -> taken = true; w = word[RECORD(me)] };
#ifdef STARTS_OVER
	atomic { w = 0; buffer[me]!w };
#endif
#endif
#ifdef COMES
	buffer[me]!PUSH;
#endif
	do
	:: n < SECTIONS ->
		n++;
#ifdef UNLISTED
#ifndef UNCOUNTED
		buffer[me]!COUNT_UP;
#endif
		READER_BARRIER;
		read();
		READER_BARRIER;
#ifndef UNCOUNTED
		atomic { late[me] == NONE -> buffer[me]!COUNT_DOWN }    /* a release */
#endif
#else
#ifdef TAKEN_EARLY
		if
		:: INSIDE(w) -> read(); break
		:: else
		fi;
#endif
		handler_outermost();
		buffer[me]!w + 1;
		handler_nested();
		READER_BARRIER;
		read();
		READER_BARRIER;
		handler_nested();
#ifdef TAKEN_EARLY
		buffer[me]!GIVE;
#endif
		atomic { buffer[me]!w + 4; w = w + 4 }
#endif
	:: else -> break
	od;
#if defined(AGAIN) && !defined(TAKEN_EARLY)
	atomic { late[me] == NONE -> buffer[me]!GIVE };             /* a release */
#ifdef RECORD_FREED
	gone = true;
#endif
#endif
	atomic { n = 0; w = 0; over[me] = true }
}

inline free_blocks(blocks)
{
	assert(!(freed & (blocks)));
	freed = freed | (blocks)
}

proctype writer()
{
#ifdef STAMPS
	byte stamp;

#ifdef STAMP_FIRST
	stamp = begun;
#endif
	buffer[0]!UNLINK;
#if !defined(NO_STAMP_BARRIER) && !defined(NO_STAMP_FENCE) && !defined(ONE_MORE)
	FULL_BARRIER(0);
#endif
#ifndef STAMP_FIRST
	stamp = begun;
#endif
	over[0] = true;
#if defined(ONE_MORE) || defined(NO_STAMP_FENCE)
end_waiting: atomic { ended > stamp + 1 -> free_blocks(BIT(0)) }
#else
end_waiting: atomic { ended > stamp -> free_blocks(BIT(0)) }
#endif
#else
	byte i;

	do
	:: i < WRITES ->
		buffer[0]!UNLINK;
		atomic { buffer[0]!RETIRE + i; i++ }
	:: else -> break
	od;
	atomic { i = 0; over[0] = true }
#endif
}

/* All that the threads have before it in their programs: one after another. */
inline membarrier()
{
	do
	:: settled != BIT(THREADS) - 1 ->
		atomic {
			if
			:: !(settled & BIT(0)) -> t = 0
			:: !(settled & BIT(1)) -> t = 1
#if THREADS > 2
			:: !(settled & BIT(2)) -> t = 2
#endif
			fi;
#ifdef WEAK
			if
			:: late[t] == REFERENCE -> find(t)
			:: else
			fi;
			if
			:: late[t] != NONE -> use(t)
			:: else
			fi;
#endif
			do
			:: nempty(buffer[t]) -> take_effect(t)
			:: empty(buffer[t]) -> break
			od;
			settled = settled | BIT(t);
			t = 0
		}
	:: settled == BIT(THREADS) - 1 -> atomic { settled = 0; break }
	od
}

#ifdef STAMPS
#define take_batch() skip
#else
inline take_batch()
{
	atomic { next = batch; batch = 0 }
}
#endif

inline read_list()
{
	list = listed
}

inline note()
{
	do
	:: r < RECORDS ->
		atomic {
			if
			:: list && INSIDE(word[r]) -> noted[r] = word[r]
			:: else
			fi;
			r++
		}
	:: else -> atomic { r = 0; break }
	od
}

inline look()
{
	do
	:: r < RECORDS ->
		if
#ifdef SEEN_INSIDE
		:: atomic { noted[r] -> noted[r] = 0; r++ }
#else
		:: atomic { noted[r] && word[r] != noted[r] -> noted[r] = 0; r++ }
#endif
		:: atomic { !noted[r] -> r++ }
		fi;
#ifdef AGAIN
		assert(!gone)
#endif
	:: else -> atomic { r = 0; break }
	od;
#if defined(UNLISTED) && !defined(UNLISTED_FIRST)
	unlisted == 0
#endif
}

proctype poller()
{
	byte p;                     /* periods that were begun */
	byte blocks, next;          /* of the period under way, and of the one after it */
	bool ending, starting, list;
	byte noted[RECORDS];
	byte t, x, r, settled;

	do
	:: atomic { p < PERIODS -> p++; starting = true }
#ifdef LOOKED_FIRST
		read_list();
		note();
#endif
#ifndef BATCH_LATE
		take_batch();
#endif
#ifndef BEGUN_LATE
		begun++;
#endif
#ifdef LIST_FIRST
		read_list();
#endif
#ifdef UNLISTED_FIRST
		unlisted == 0;
#endif
between:
#ifdef DONE_EARLY
		if
		:: ending -> ended = begun - starting
		:: else
		fi;
#endif
#ifndef FENCES
#ifdef NO_M1
		if
		:: starting
		:: else -> membarrier()
		fi;
#else
#ifdef NO_M2
		if
		:: ending
		:: else -> membarrier()
		fi;
#else
		membarrier();
#endif
#endif
#endif
#ifdef BEGUN_LATE
		begun = begun + starting;
#endif
#ifdef BATCH_LATE
		if
		:: starting -> take_batch()
		:: else
		fi;
#endif
		if
		:: ending ->
#ifndef DONE_EARLY
			ended = begun - starting;
#endif
			atomic { free_blocks(blocks); blocks = 0; ending = false }
		:: else
		fi;
		if
		:: starting ->
			atomic { blocks = next; next = 0; starting = false };
#ifndef LOOKED_FIRST
#ifndef LIST_FIRST
			read_list();
#endif
			note();
#endif
			look();
			atomic { list = false; ending = true }
		:: else
		fi
	:: atomic { ending -> goto between }
	:: atomic { p == PERIODS && !ending -> break }
	od
}

init {
	atomic {
		run memory(0);
		run memory(1);
		run reader(1);
#if READERS > 1
		run memory(2);
		run reader(2);
#endif
		run writer();
		run poller()
	}
}
