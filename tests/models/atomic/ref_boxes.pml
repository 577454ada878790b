/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * ref_boxes.pml: one reference to counted objects, each in a box that waits for its
 * readers (CONC_RETAINED).
 *
 * The protocol, as lib/atomic/ref.c follows it:
 *
 *   word -> box -> object        waiting -> box -> box ...
 *
 *   get(): section { object = word.object; retain(object) }
 *
 *   replace(new): b = new box with the reference to new
 *     old = exchange(word, b)
 *     (exchange hands out old.object: retain it, the box keeps its own)
 *     retire(old)
 *
 *   compare_exchange(expected, new): b = new box
 *     section {
 *       again: w = word; if w.object != expected: fail, free b
 *       if not cas(word, w, b): again
 *     }
 *     retire(w)
 *
 *   retire(b): b.stamp = now; push(b); settle
 *   push(b): again: n = waiting; b.next = n; if not cas(waiting, n, b): again
 *   settle: list = exchange(waiting, NULL)
 *     for each box: its readers have left: free it, release its object; else push
 *
 * What is asserted:
 *   - no box is read after it was freed, no object retained after its end;
 *   - a compare_exchange succeeds only if the word held the expected object then;
 *   - at the end every object but that in the word has ended once, and no box is
 *     lost.
 *
 * Abstracted: memory is sequentially consistent (tests/relacy has the orders); a
 * stamp is the mask of who was inside (reclaim.pml has the numbers); an object is
 * its number; the lowest free box is reused at once.
 *
 * The runs, and the mistakes (a -D each) that a run must find; check-models reads
 * these lines.
 * run replace: -DSETTERS=2 -DREADERS=1
 * run exchange: -DSETTERS=1 -DREADERS=1 -DEXCHANGER
 * run swap: -DSETTERS=1 -DREADERS=0 -DEXCHANGER -DSWAPPER
 * run swap_reader: -DSETTERS=0 -DREADERS=1 -DEXCHANGER -DSWAPPER
 * mistake NO_WAIT in replace: a box is freed though a reader may be in it
 * mistake NO_SECTION in swap: compare_exchange reads the box outside of a section
 * mistake STAMP_FIRST in replace: the stamp is taken before the box is swapped out
 * mistake PUSH_BLIND in replace: a push does not look whether another came first
 * mistake NOT_RETAINED in exchange: exchange hands out the reference of the box
 * mistake FORGET in replace: boxes that must wait are not put back
 */

#define BOXES 5
#define NONE 0
#define OBJECTS 5

byte word, waiting;             /* boxes */
bool used[BOXES + 1];
byte object[BOXES + 1];
byte next[BOXES + 1];
byte waits[BOXES + 1];          /* who was inside when it was retired */

byte references[OBJECTS + 1];
bool ended[OBJECTS + 1];
byte numbers;

byte inside, running;

#define use(b) assert(used[b])

inline new_box(b)
{
	numbers++;
	references[numbers] = 1;
	b = 1;
	do
	:: used[b] -> b++
	:: else -> break
	od;
	used[b] = true;
	object[b] = numbers
}

inline release(x)
{
	assert(references[x] > 0);
	references[x]--;
	if
	:: references[x] == 0 -> assert(!ended[x]); ended[x] = true
	:: else
	fi
}

inline enter()
{
	inside = inside | (1 << me)
}

inline leave()
{
	inside = inside & ~(1 << me);
	k = 1;
	do
	:: k <= BOXES -> waits[k] = waits[k] & ~(1 << me); k++
	:: else -> break
	od;
	k = 0
}

inline free_box(b)
{
	x = object[b];
	used[b] = false;
	object[b] = 0;
	next[b] = NONE;
	waits[b] = 0;
	release(x);
	x = 0
}

inline push(b)
{
	do
	:: n = waiting;
	   use(b);
	   next[b] = n;
	   if
#ifdef PUSH_BLIND
	   :: waiting = b; break
#else
	   :: d_step { waiting == n -> waiting = b } break
#endif
#ifndef PUSH_BLIND
	   :: else
#endif
	   fi
	od;
	n = NONE;
	b = NONE
}

inline retire(b)
{
#ifndef STAMP_FIRST
	waits[b] = inside;
#endif
	push(b);
	settle()
}

inline settle()
{
	d_step { list = waiting; waiting = NONE };
	do
	:: list != NONE ->
		d_step { use(list); b = list; list = next[b] };
		if
		:: d_step {
#ifndef NO_WAIT
			waits[b] == 0 ->
#endif
			free_box(b);
			b = NONE }
		:: else ->
#ifndef FORGET
			push(b)
#else
			b = NONE
#endif
		fi
	:: else -> break
	od
}

proctype reader(byte me)
{
	byte w, x, k;

	enter();
	w = word;
	d_step { use(w); x = object[w]; w = NONE };
	atomic { assert(references[x] > 0); references[x]++ };
	d_step { leave() };
	atomic { release(x); x = 0; running-- }
}

proctype setter(byte me)
{
	byte old, b, n, list, x, k;

	d_step { new_box(b) };
#ifdef STAMP_FIRST
	d_step { waits[word] = inside };
#endif
	d_step { old = word; word = b; b = NONE };
	retire(old);
	running--
}

#ifdef EXCHANGER
/* conc_ref_exchange: the object that was there belongs to the caller. */
proctype exchanger(byte me)
{
	byte old, b, n, list, x, k, mine;

	d_step { new_box(b) };
	d_step { old = word; word = b; b = NONE };
	d_step {
		mine = object[old];
#ifndef NOT_RETAINED
		references[mine]++
#endif
	};
	retire(old);
	atomic { release(mine); mine = 0; running-- }
}
#endif

#ifdef SWAPPER
/* compare_exchange of the first object; the caller has a reference to it. */
proctype swapper(byte me)
{
	byte w, b, n, list, x, k, fresh;
	bool expected, swapped;

	d_step { new_box(fresh) };
#ifndef NO_SECTION
	enter();
#endif
	do
	:: w = word;
	   atomic { use(w); expected = object[w] == 1 };
	   if
	   :: !expected -> break
	   :: else ->
		if
		:: d_step { word == w -> assert(object[w] == 1); word = fresh;
			    fresh = NONE; swapped = true } break
		:: else
		fi
	   fi
	od;
#ifndef NO_SECTION
	atomic { leave() };
#endif
	if
	:: swapped -> retire(w)
	:: else -> d_step { free_box(fresh); fresh = NONE }
	fi;
	atomic { release(1); w = NONE; swapped = false; expected = false; running-- }
}
#endif

active proctype observer()
{
	byte b, i, x;

	atomic {
		new_box(b);
		word = b;
		b = NONE;
		running = SETTERS + READERS;
		do
		:: i < READERS -> run reader(i); i++
		:: else -> break
		od;
		do
		:: i < READERS + SETTERS -> run setter(i); i++
		:: else -> break
		od;
		i = 0;
#ifdef EXCHANGER
		running++;
		run exchanger(5);
#endif
#ifdef SWAPPER
		running++;
		references[1]++;
		run swapper(6);
#endif
	};
	running == 0 ->
	do
	:: d_step { waiting != NONE ->
		b = waiting;
		assert(waits[b] == 0);
		waiting = next[b];
		free_box(b);
		b = NONE }
	:: waiting == NONE -> break
	od;
	do
	:: i < numbers ->
		i++;
		assert(ended[i] == (i != object[word]))
	:: else -> break
	od
}
