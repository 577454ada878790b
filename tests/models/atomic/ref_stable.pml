/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * ref_stable.pml: one reference to objects in memory that is reused at once for
 * others of their kind (the type-stable discipline), read without a lock.
 *
 * The protocol, as lib/atomic/ref.c follows it:
 *
 *   get():
 *     again: w = word
 *       nothing: return nothing
 *       if not try_retain(w): again          # count > 0: count + 1
 *       if word != w: release(w); again      # the second look
 *       return w
 *
 *   replace(new): w = exchange(word, new); release(w)
 *   compare_exchange(expected, new):
 *     if cas(word, expected, new): release(expected)
 *     (the caller has a reference to what it expects)
 *
 * What is asserted:
 *   - get returns an object that the reference held at some moment of the call,
 *     not another one that has its memory;
 *   - no reference is given back twice, no object is revived, and at the end only
 *     the object in the word is alive, with one reference.
 *
 * Abstracted: memory is sequentially consistent (tests/relacy has the orders); an
 * object is its number, its memory one of BLOCKS; the lowest free one is reused.
 *
 * The runs, and the mistakes (a -D each) that a run must find; check-models reads
 * these lines.
 * run replace: -DWRITES=2 -DREADERS=2 -DSTRANGERS=1 -DBLOCKS=4
 * run narrow: -DWRITES=3 -DREADERS=1 -DSTRANGERS=2 -DBLOCKS=4
 * run exchange: -DWRITES=2 -DREADERS=1 -DSTRANGERS=1 -DBLOCKS=6 -DEXCHANGER
 * mistake NO_SECOND_LOOK in narrow: a reader trusts the reference it has taken
 * mistake LOOK_FIRST in narrow: the second look comes before the reference
 * mistake RELEASE_FIRST in replace: the old object is given back before it is swapped out
 * mistake REVIVE in replace: a reference is taken to an object that has none
 * mistake KEEP_STRANGER in replace: the second look fails, and the reference is kept
 * mistake UNOWNED in exchange: who exchanges has no reference to what it expects
 */

#define NONE 0

byte word;                      /* a block, 1 .. BLOCKS */
byte references[BLOCKS + 1];
bool alive[BLOCKS + 1];
byte object[BLOCKS + 1];        /* the number of the one that lies there */

byte numbers;                   /* of objects so far */
byte now;                       /* the one that the reference holds */
byte running;

/* For each reader: was the object that it may return held during the call? */
byte seen[READERS];             /* mask of numbers, the word's and each new one */

#define BIT(number) (1 << (number))

inline make(b)
{
	numbers++;
	b = 1;
	do
	:: references[b] != 0 -> b++
	:: else -> break
	od;
	assert(b <= BLOCKS);
	references[b] = 1;
	alive[b] = true;
	object[b] = numbers
}

inline release(b)
{
	assert(references[b] > 0);
	references[b]--;
	if
	:: references[b] == 0 -> assert(alive[b]); alive[b] = false
	:: else
	fi
}

inline holds(number)
{
	now = number;
	i = 0;
	do
	:: i < READERS -> seen[i] = seen[i] | BIT(number); i++
	:: else -> break
	od;
	i = 0
}

proctype reader(byte me)
{
	byte w;

	atomic { seen[me] = BIT(now); w = word };
again:
#ifdef LOOK_FIRST
	atomic {
		if
		:: word != w -> w = word; goto again
		:: else
		fi
	};
#endif
	atomic {
		if
#ifdef REVIVE
		:: true -> references[w]++
#else
		:: references[w] > 0 -> references[w]++
		:: else -> w = word; goto again
#endif
		fi
	};
#ifndef NO_SECOND_LOOK
#ifndef LOOK_FIRST
	if
	:: atomic { word != w ->
#ifndef KEEP_STRANGER
		release(w);
#endif
		w = NONE };
		atomic { w = word; goto again }
	:: else
	fi;
#endif
#endif
	atomic { assert(seen[me] & BIT(object[w])) };
	atomic { release(w); w = NONE; running-- }
}

proctype writer()
{
	byte n, b, old, i;

	do
	:: n < WRITES ->
		d_step { n++; make(b) };
#ifdef RELEASE_FIRST
		atomic { old = word; release(old) };
		d_step { word = b; holds(object[b]); b = NONE; old = NONE }
#else
		d_step { old = word; word = b; holds(object[b]); b = NONE };
		atomic { release(old); old = NONE }
#endif
	:: else -> break
	od;
	atomic { n = 0; running-- }
}

/* Somebody else's objects of the kind. */
proctype stranger()
{
	byte n, b;

	do
	:: n < STRANGERS ->
		d_step { n++; make(b) };
		atomic { release(b); b = NONE }
	:: else -> break
	od;
	atomic { n = 0; running-- }
}

#ifdef EXCHANGER
proctype exchanger()
{
	byte b, w, expected, i;

	/* What get returned: the block, and which object it is. */
	d_step {
		w = word;
		expected = object[w];
#ifndef UNOWNED
		references[w]++
#endif
	};
	d_step { make(b) };
	if
	:: d_step { word == w ->
		assert(object[w] == expected);
		word = b;
		holds(object[b]);
		b = NONE };
		atomic { assert(references[w] > 0); references[w]-- }
	:: else -> atomic { release(b); b = NONE }
	fi;
#ifndef UNOWNED
	atomic { release(w) };
#endif
	atomic { w = NONE; expected = 0; running-- }
}
#endif

active proctype observer()
{
	byte b, i;

	atomic {
		make(word);
		now = 1;
		running = READERS + 2;
		do
		:: i < READERS -> run reader(i); i++
		:: else -> break
		od;
		i = 0;
		run writer();
		run stranger();
#ifdef EXCHANGER
		running++;
		run exchanger();
#endif
		b = 0
	};
	running == 0 ->
	do
	:: b < BLOCKS ->
		b++;
		assert(references[b] == (b == word))
	:: else -> break
	od
}
