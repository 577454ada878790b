/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * reclaim.pml: grace periods by polling, step by step: who begins one, who ends it,
 * who frees what, and what a fork leaves.
 *
 * The protocol, as lib/base/grace.c follows it:
 *
 *   section: a record's word + 1; find; word + 3       # + 4 for each that has ended
 *            no record to be had: unlisted + 1; find; unlisted - 1
 *
 *   retire(block):                         # the block was unlinked
 *     batch += block                       # one step
 *
 *   poll():                                # any operation, nobody waits
 *     try the lock; taken: go on
 *     a period is under way:
 *       drop the records whose word is not as noted; unlisted is 0: drop those
 *       none left: it ends
 *     none is under way, or it ends, and something waits for a new one:
 *       next = batch; batch = empty        # one step
 *       begun + 1
 *     barrier
 *     one ends:   ready += blocks; done = its number
 *     one begins: blocks = next; note each word that says inside, and whether
 *                 unlisted is not 0
 *     piece = some of ready; ready -= piece
 *     unlock
 *     free piece
 *
 *   give back later:
 *     unlink the reference; stamp = begun
 *     ... done > stamp: give it back
 *
 *   fork: take the lock, or give up after a while
 *     parent: unlock, if it was got
 *     child, alone: all records but the own: outside, no longer watched
 *            unlisted = the own share
 *            the lock was not got: forget batch, blocks, ready and the period
 *            unlock
 *
 * What is asserted:
 *   - nothing is freed while a section that found it goes on, and nothing twice;
 *   - nothing is appended to ready that is there already (a list would be a circle);
 *   - when nothing more can be done, all is freed that was unlinked, in a child
 *     too, but for what died with a thread that held it, and, when the lock was not
 *     got, what waited in the batch, for the period, or to be freed.
 *
 * Abstracted: memory is sequentially consistent, so the barriers are nothing here
 * (grace_poll.pml has the orders); a thread takes a record for each section and gives
 * it back after it, which stands for threads that come and end; a poll that would
 * change nothing is not made; a piece is one block; what a word notes says inside, so
 * "not as noted" covers "outside". Of a fork, one side is followed: in the child all
 * threads but the forking one disappear, wherever they are.
 *
 * The runs, and the mistakes (a -D each) that a run must find; check-models reads
 * these lines.
 * run batch: -DWRITES=3 -DREADERS=1 -DSECTIONS=3 -DPOLLERS=2 -DRECORDS=1
 * run batch_readers: -DWRITES=3 -DREADERS=2 -DSECTIONS=2 -DPOLLERS=2 -DRECORDS=2
 * run batch_thrice: -DWRITES=2 -DREADERS=1 -DSECTIONS=2 -DPOLLERS=3 -DRECORDS=1
 * run batch_unlisted: -DWRITES=3 -DREADERS=2 -DSECTIONS=2 -DPOLLERS=2 -DRECORDS=1
 * run stamps: -DWRITES=2 -DREADERS=1 -DSECTIONS=2 -DPOLLERS=2 -DRECORDS=1 -DSTAMPS
 * run stamps_readers: -DWRITES=2 -DREADERS=2 -DSECTIONS=2 -DPOLLERS=2 -DRECORDS=2 -DSTAMPS
 * run stamps_thrice: -DWRITES=2 -DREADERS=1 -DSECTIONS=2 -DPOLLERS=3 -DRECORDS=1 -DSTAMPS
 * run fork: -DWRITES=2 -DREADERS=1 -DSECTIONS=1 -DPOLLERS=2 -DRECORDS=2 -DFORK
 * run fork_unlisted: -DWRITES=2 -DREADERS=1 -DSECTIONS=1 -DPOLLERS=2 -DRECORDS=1 -DFORK
 * run fork_stamps: -DWRITES=2 -DREADERS=1 -DSECTIONS=1 -DPOLLERS=2 -DRECORDS=2 -DFORK -DSTAMPS
 * mistake STAMP_FIRST in stamps: the stamp is read before the reference is unlinked
 * mistake STAMP_DONE in stamps: the stamp is the number of the last that has ended
 * mistake PASSED_SAME in stamps: the grace period of the stamp itself will do
 * mistake BEGUN_LATE in stamps: begun rises when the words have been noted
 * mistake DONE_EARLY in stamps: done rises before the grace period has ended
 * mistake DONE_BOTH in stamps: done rises to the period that begins at the end of the other
 * mistake NO_LOCK in stamps: two begin and end grace periods at once
 * mistake NO_LOCK in batch: two poll at once
 * mistake BATCH_LATE in batch: the batch is taken after the words have been noted
 * mistake BATCH_TWICE in batch: the batch is read, and emptied later
 * mistake NO_WAIT in batch: nothing is noted, so the grace period ends at the next look
 * mistake READY_EARLY in batch: the batch is ready when its period begins
 * mistake READY_UNLOCKED in batch: a piece is taken after unlocking
 * mistake NO_UNLISTED in batch_unlisted: sections without a record are not waited for
 * mistake CHILD_KEEPS_LOCK in fork: the child does not unlock
 * mistake CHILD_KEEPS_INSIDE in fork: the child waits for a record of a dead thread
 * mistake CHILD_DROPS_OWN in fork: the child does not wait for its own section
 * mistake CHILD_GOES_ON in fork: without the lock the child goes on with what it finds
 * mistake CHILD_GOES_ON in fork_stamps: without the lock it ends the period that was under way
 * mistake CHILD_FREES_AGAIN in fork: a piece stays in ready until it is freed
 * mistake CHILD_KEEPS_COUNT in fork_unlisted: the child waits for the sections of the dead
 */

#ifdef FORK
#define THINGS (WRITES + 2)
#else
#define THINGS (WRITES + 1)
#endif
#define THREADS (READERS + POLLERS)

#define BIT(x) (1 << (x))
#define LOWEST(mask) ((mask) & -(mask))
#define INSIDE(w) ((w) & 1)
#define NONE 255

/* Masks of things.  One is in `current', the smaller ones are or will be freed. */
byte current;
byte batch, blocks, ready, freed;
byte lost;                      /* nobody knows of them in the child */
#ifdef STAMPS
byte waits;                     /* for their stamps */
byte stamps[THINGS];
#endif

byte begun, ended;              /* `done', which is a name of the verifier's */
bool locked, under_way;
byte noted[RECORDS];            /* 0: not watched */
bool noted_unlisted;

byte word[RECORDS];
byte unlisted;
byte found[THREADS];            /* a thing + 1; 0: none */

bool over;
#ifdef FORK
byte child = NONE;              /* the thread that is alone in the child */
byte alive;
bool may_fork = true;
#define IN_CHILD(me) (child != NONE && child != (me))
#endif
#ifdef CHILD_FREES_AGAIN
byte freeing;
#define FREEABLE (ready & ~freeing)
#else
#define FREEABLE ready
#endif

inline free_things(mask)
{
	assert(!(freed & (mask)));
	freed = freed | (mask);
	k = 0;
	do
	:: k < THREADS -> assert(found[k] == 0 || !((mask) & BIT(found[k] - 1))); k++
	:: else -> break
	od;
	k = 0
}

/* A section, with a record that nobody has, or without one. */
inline enter()
{
	atomic {
		if
		:: !INSIDE(word[0]) -> r = 0; word[0]++
#if RECORDS > 1
		:: !INSIDE(word[1]) -> r = 1; word[1]++
#endif
		:: else -> unlisted++
		fi
	};
	atomic { assert(!(freed & BIT(current))); found[me] = current + 1 }
}

inline leave()
{
	atomic {
		found[me] = 0;
		if
		:: r != NONE -> word[r] = word[r] + 3; r = NONE
		:: else -> unlisted--
		fi
	}
}

proctype reader(byte me)
{
	byte i, r = NONE;

	{
		do
		:: i < SECTIONS -> i++; enter(); leave()
		:: else -> break
		od
	}
#ifdef FORK
	unless { IN_CHILD(me) };
	atomic { alive--; i = 0; r = NONE }
#endif
}

/* What is to be done with a thing that was unlinked. */
#ifdef STAMPS
inline retire(thing)
{
#ifdef STAMP_DONE
	stamps[thing] = ended;
#else
#ifndef STAMP_FIRST
	stamps[thing] = begun;
#endif
#endif
	waits = waits | BIT(thing)
}
#else
#define retire(thing) batch = batch | BIT(thing)
#endif

proctype writer()
{
	byte i;

	{
		do
		:: i < WRITES ->
#ifdef STAMP_FIRST
			stamps[i] = begun;
#endif
			current = i + 1;
			atomic { retire(i); i++ }
		:: else -> break
		od
	}
#ifdef FORK
	unless { IN_CHILD(NONE - 1) };
	atomic { alive--; i = 0 }
#endif
}

/* Something waits for a period that has not begun yet. */
#ifdef STAMPS
#define WANTED(i) (waits & BIT(i) && stamps[i] >= begun)
#ifdef FORK
#define WAITING (WANTED(0) || WANTED(1) || WANTED(2))
#else
#define WAITING (WANTED(0) || WANTED(1))
#endif
#else
#define WAITING (batch != 0)
#endif

#define DROPPED(i) (noted[i] && word[i] != noted[i])
#if RECORDS > 1
#define ANY_DROPPED (DROPPED(0) || DROPPED(1))
#define ANY_NOTED (noted[0] || noted[1])
#else
#define ANY_DROPPED DROPPED(0)
#define ANY_NOTED noted[0]
#endif

/* A poll would change something. */
#define USEFUL (FREEABLE || (!under_way && WAITING) || \
	(under_way && (ANY_DROPPED || (noted_unlisted && unlisted == 0) || \
		!(ANY_NOTED || noted_unlisted))))

inline look()
{
	do
	:: k < RECORDS ->
		atomic {
			if
			:: DROPPED(k) -> noted[k] = 0
			:: else
			fi;
			k++
		}
	:: else -> atomic { k = 0; break }
	od;
	atomic {
		if
		:: unlisted == 0 -> noted_unlisted = false
		:: else
		fi
	};
	ending = !(ANY_NOTED || noted_unlisted)
}

#ifdef NO_WAIT
#define note() skip
#else
inline note()
{
	do
	:: k < RECORDS ->
		atomic {
			if
			:: INSIDE(word[k]) -> noted[k] = word[k]
			:: else
			fi;
			k++
		}
	:: else -> atomic { k = 0; break }
	od;
#ifndef NO_UNLISTED
	noted_unlisted = (unlisted != 0)
#endif
}
#endif

inline take_batch()
{
#ifdef BATCH_TWICE
	next = batch;
	batch = 0
#else
	atomic { next = batch; batch = 0 }
#endif
}

inline poll()
{
#ifdef NO_LOCK
	USEFUL;
#else
	atomic { !locked && USEFUL -> locked = true };
#endif
	if
	:: under_way -> look()
	:: else
	fi;
	starting = (!under_way || ending) && WAITING;
	if
	:: starting ->
#ifndef BATCH_LATE
		take_batch();
#endif
#ifndef BEGUN_LATE
		begun++
#endif
	:: else
	fi;
	if
	:: ending ->
		atomic { assert(!(ready & blocks)); ready = ready | blocks };
		blocks = 0;
		under_way = false;
#ifdef DONE_BOTH
		atomic { ended = begun; ending = false }
#else
		atomic { ended = begun - starting; ending = false }
#endif
	:: else
	fi;
	if
	:: starting ->
#ifdef READY_EARLY
		atomic { ready = ready | next; next = 0 };
#endif
#ifdef DONE_EARLY
		ended = begun;
#endif
#ifndef BATCH_LATE
		atomic { blocks = next; next = 0 };
#endif
		note();
#ifdef BATCH_LATE
		take_batch();
		atomic { blocks = next; next = 0 };
#endif
#ifdef BEGUN_LATE
		begun++;
#endif
		atomic { under_way = true; starting = false }
	:: else
	fi;
#ifdef READY_UNLOCKED
	locked = false;
	piece = LOWEST(ready);
	ready = ready & ~piece;
#else
	piece = LOWEST(FREEABLE);
#ifdef CHILD_FREES_AGAIN
	freeing = freeing | piece;
#else
	ready = ready & ~piece;
#endif
	locked = false;
#endif
#ifdef CHILD_FREES_AGAIN
	atomic { free_things(piece) };
	atomic { ready = ready & ~piece; freeing = freeing & ~piece; piece = 0 }
#else
	atomic { free_things(piece); piece = 0 }
#endif
}

#ifdef FORK
inline in_child()
{
	/* For the assertions only: who is gone, and what was lost with them. */
	k = 0;
	do
	:: k < THREADS ->
		if
		:: k != me -> found[k] = 0
		:: else
		fi;
		k++
	:: else -> break
	od;
	lost = (BIT(current) - 1) & ~freed;
#ifdef STAMPS
	lost = lost & ~waits;
#endif
	if
	:: got -> lost = lost & ~(batch | blocks | ready)
	:: else
	fi;
	/* The handler. */
	k = 0;
	do
	:: k < RECORDS ->
		if
		:: k != r ->
#ifndef CHILD_KEEPS_INSIDE
			if
			:: INSIDE(word[k]) -> word[k] = word[k] + 3
			:: else
			fi;
#endif
			noted[k] = 0
		:: else ->
#ifdef CHILD_DROPS_OWN
			noted[k] = 0
#endif
		fi;
		k++
	:: else -> break
	od;
	k = 0;
#ifndef CHILD_KEEPS_COUNT
	unlisted = (found[me] != 0 && r == NONE);
#endif
#ifndef CHILD_GOES_ON
	if
	:: !got ->
		batch = 0;
		blocks = 0;
		ready = 0;
		under_way = false;
		noted_unlisted = false;
		noted[0] = 0;
#if RECORDS > 1
		noted[1] = 0
#endif
	:: else
	fi;
#endif
#ifdef CHILD_FREES_AGAIN
	freeing = 0;
#endif
#ifndef CHILD_KEEPS_LOCK
	locked = false;
#endif
	got = false
}
#endif

proctype poller(byte me)
{
	byte next, piece, k, r = NONE;
	bool starting, ending;
#ifdef FORK
	bool got, visited;
#endif

	{
end_polling:    do
		:: poll()
#ifdef STAMPS
#ifdef PASSED_SAME
#define PASSED(i) (ended >= stamps[i])
#else
#define PASSED(i) (ended > stamps[i])
#endif
		:: atomic { waits & BIT(0) && PASSED(0) ->
			waits = waits & ~BIT(0); free_things(BIT(0)) }
		:: atomic { waits & BIT(1) && PASSED(1) ->
			waits = waits & ~BIT(1); free_things(BIT(1)) }
#ifdef FORK
		:: atomic { waits & BIT(2) && PASSED(2) ->
			waits = waits & ~BIT(2); free_things(BIT(2)) }
#endif
#endif
#ifdef FORK
		/* One of them forks, for they are alike; it may be inside a section. */
		:: atomic { me == READERS && may_fork && !visited -> visited = true }; enter()
		:: found[me] != 0 -> leave()
		:: atomic { me == READERS && may_fork -> may_fork = false };
			atomic {
				if
				:: !locked -> locked = true; got = true
				:: else
				fi
			};
			if
			:: got -> atomic { locked = false; got = false }
			:: child = me;
				alive == 1;
				atomic {
					in_child();
					current++;
					retire(current - 1)
				}
			fi
#endif
		:: over -> break
		od
	}
#ifdef FORK
	unless { IN_CHILD(me) };
	atomic { alive--; next = 0; piece = 0; k = 0; r = NONE;
		starting = false; ending = false; got = false; visited = false }
#endif
}

active proctype observer()
{
	byte i;

	atomic {
#ifdef FORK
		alive = THREADS + 1;
#endif
		do
		:: i < READERS -> run reader(i); i++
		:: else -> break
		od;
		do
		:: i < THREADS -> run poller(i); i++
		:: else -> break
		od;
		i = 0;
		run writer()
	};
	timeout ->
	assert((freed | lost) == BIT(current) - 1);
	over = true
}
