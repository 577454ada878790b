/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * reclaim.pml: grace periods that are counted, blocks that wait in a batch, and
 * references that wait for a number.
 *
 * The protocol, as lib/base/rcu.c follows it:
 *
 *   retire(block):                         # the block was unlinked
 *     batch += block                       # one step
 *
 *   reclaim():
 *     try the reclaim lock; taken: leave it to another
 *     blocks = batch; batch = empty        # one step
 *     begun = begun + 1
 *     wait for a grace period: all sections that began before its start have ended
 *     done = begun
 *     unlock
 *     free blocks
 *
 *   give back later:
 *     unlink the reference; stamp = begun
 *     ... done > stamp: give it back
 *
 * What is asserted:
 *   - nothing is freed while a section that could find it goes on;
 *   - each thing is freed once, and after a last reclaim nothing waits.
 *
 * Abstracted: memory is sequentially consistent (tests/relacy has the orders); a
 * grace period notes the sections that are under way in one step and then waits
 * for each of them; a section keeps what it found until it ends; who finds the
 * lock taken waits for it, which is one of the later operations that reclaim.
 *
 * The runs, and the mistakes (a -D each) that a run must find; check-models reads
 * these lines.
 * run stamps: -DWRITES=2 -DREADERS=1 -DSECTIONS=2 -DRECLAIMERS=2 -DSTAMPS
 * run stamps_readers: -DWRITES=1 -DREADERS=2 -DSECTIONS=1 -DRECLAIMERS=2 -DSTAMPS
 * run stamps_thrice: -DWRITES=1 -DREADERS=1 -DSECTIONS=1 -DRECLAIMERS=3 -DSTAMPS
 * run batch: -DWRITES=2 -DREADERS=1 -DSECTIONS=2 -DRECLAIMERS=2
 * run batch_readers: -DWRITES=1 -DREADERS=2 -DSECTIONS=1 -DRECLAIMERS=2
 * mistake STAMP_FIRST in stamps: the stamp is read before the reference is unlinked
 * mistake STAMP_DONE in stamps: the stamp is the number of the last that has ended
 * mistake PASSED_SAME in stamps: the grace period of the stamp itself will do
 * mistake BEGUN_LATE in stamps: begun rises when the grace period has ended
 * mistake DONE_EARLY in stamps: done rises before the grace period has ended
 * mistake NO_LOCK in stamps_thrice: two count grace periods at once
 * mistake BATCH_LATE in batch: the batch is taken after the grace period
 * mistake BATCH_TWICE in batch: the batch is read, and emptied later
 * mistake NO_WAIT in batch: no grace period
 */

#define THINGS (WRITES + 1)

/* A thing is in `current', or waits (in the batch, or for a number), or is freed. */
byte current;
bool batch[THINGS];
bool freed[THINGS];

byte begun, ended;       /* `done', which is a name of the verifier's */
bool locked;

byte section[READERS];  /* their number; odd: the reader is inside */
byte found[READERS];    /* a thing + 1; 0: none */

inline free_thing(x)
{
	assert(!freed[x]);
	freed[x] = true;
	k = 0;
	do
	:: k < READERS -> assert(found[k] != x + 1); k++
	:: else -> break
	od;
	k = 0
}

proctype reader(byte me)
{
	byte i;

	do
	:: i < SECTIONS ->
		section[me]++;
		atomic { assert(!freed[current]); found[me] = current + 1 };
		atomic { found[me] = 0; section[me]++; i++ }
	:: else -> break
	od;
	i = 0
}

#ifdef STAMPS
proctype waiter(byte thing; byte stamp)
{
	byte k;

#ifdef PASSED_SAME
end_waiting: atomic { ended >= stamp -> free_thing(thing) }
#else
end_waiting: atomic { ended > stamp -> free_thing(thing) }
#endif
}
#endif

proctype writer()
{
	byte i, old;
#ifdef STAMPS
	byte stamp;
#endif

	do
	:: i < WRITES ->
		i++;
#ifdef STAMP_FIRST
		stamp = begun;
#endif
		atomic { old = current; current = i };
#ifdef STAMPS
#ifdef STAMP_DONE
		stamp = ended;
#else
#ifndef STAMP_FIRST
		stamp = begun;
#endif
#endif
		atomic { run waiter(old, stamp); old = 0; stamp = 0 }
#else
		atomic { batch[old] = true; old = 0 }
#endif
	:: else -> break
	od;
	i = 0
}

inline take_batch()
{
#ifdef BATCH_TWICE
	d_step {
		k = 0;
		do
		:: k < THINGS -> mine[k] = batch[k]; k++
		:: else -> break
		od;
		k = 0
	};
	d_step {
		do
		:: k < THINGS -> batch[k] = false; k++
		:: else -> break
		od;
		k = 0
	}
#else
	d_step {
		k = 0;
		do
		:: k < THINGS -> mine[k] = batch[k]; batch[k] = false; k++
		:: else -> break
		od;
		k = 0
	}
#endif
}

inline wait_for_readers()
{
#ifdef NO_WAIT
	skip
#else
	d_step {
		k = 0;
		do
		:: k < READERS -> noted[k] = section[k]; k++
		:: else -> break
		od;
		k = 0
	};
	do
	:: i < READERS ->
		atomic { noted[i] % 2 == 0 || section[i] != noted[i] -> noted[i] = 0; i++ }
	:: else -> break
	od;
	i = 0
#endif
}

inline free_mine()
{
	do
	:: i < THINGS ->
		atomic {
			if
			:: mine[i] -> mine[i] = false; free_thing(i)
			:: else
			fi;
			i++
		}
	:: else -> break
	od;
	i = 0
}

inline reclaim()
{
#ifndef NO_LOCK
	atomic { !locked -> locked = true };
#endif
#ifndef BATCH_LATE
	take_batch();
#endif
	n = begun + 1;
#ifndef BEGUN_LATE
	begun = n;
#endif
#ifdef DONE_EARLY
	ended = n;
#endif
	wait_for_readers();
#ifdef BEGUN_LATE
	begun = n;
#endif
	ended = n;
#ifdef BATCH_LATE
	take_batch();
#endif
	atomic { n = 0; locked = false };
	free_mine()
}

proctype reclaimer()
{
	byte n, i, k;
	byte noted[READERS];
	bool mine[THINGS];

	reclaim()
}

active proctype observer()
{
	byte i;

	atomic {
		do
		:: i < READERS -> run reader(i); i++
		:: else -> break
		od;
		i = 0;
		run writer();
		do
		:: i < RECLAIMERS -> run reclaimer(); i++
		:: else -> break
		od;
		i = 0
	};
	timeout -> run reclaimer();
	timeout ->
	do
	:: i < THINGS -> assert(freed[i] == (i != current)); i++
	:: else -> break
	od
}
