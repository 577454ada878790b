/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * queue.pml: cells, poison, hand-over from segment to segment, close.
 *
 * The protocol, as lib/queue/queue.c follows it.  Every operation on an index, a cell
 * or a link is one atomic operation; the whole call is one read section.
 *
 *   segment  { enq, deq: indices; cell[C]; next }     C = cells in a segment
 *   cell     EMPTY -> item | POISON      next  NULL -> segment | CLOSED
 *   enq      carries the bit CLOSED above the number
 *
 *   push(item):
 *     again:
 *       s = tail
 *       t = fetch_add(s.enq, 1)
 *       if t has CLOSED:                       # close is under way or over
 *           cas(s.next, NULL, CLOSED)
 *           if s.next == CLOSED: return CLOSED # decided only in `next'
 *           cas(tail, s, s.next); goto again   # a segment was appended first
 *       if t < C:
 *           old = exchange(s.cell[t], item)
 *           if old == EMPTY: return OK
 *           goto again                         # POISON: this cell is spent
 *       n = s.next                             # past the end
 *       if n == NULL:
 *           a = new segment with cell[0] = item, enq = 1
 *           if none to be had: return NOMEM    # nothing is left behind
 *           n = cas(s.next, NULL, a)
 *           if it was NULL: cas(tail, s, a); return OK
 *           free a
 *       if n == CLOSED: return CLOSED
 *       cas(tail, s, n); goto again
 *
 *   pop():
 *     again:
 *       s = head
 *       d = s.deq                              # deq first,
 *       e = s.enq                              # then enq
 *       if d < C and d < number(e):
 *           t = fetch_add(s.deq, 1)
 *           if t >= C: goto again
 *           old = s.cell[t]; if EMPTY: old = exchange(s.cell[t], POISON)
 *           if old is an item: return it
 *           goto again
 *       if d < C: n = NULL                     # nobody got a ticket past the end
 *       else:     n = s.next
 *       if n == NULL and e has CLOSED: n = cas(s.next, NULL, CLOSED) or CLOSED
 *       if n == NULL:   return EMPTY
 *       if n == CLOSED: return END
 *       cas(tail, s, n)                        # head never passes tail
 *       if cas(head, s, n): retire s           # freed after a grace period
 *       goto again
 *
 *   close():
 *     again:
 *       s = tail
 *       fetch_or(s.enq, CLOSED)
 *       n = cas(s.next, NULL, CLOSED)
 *       if n is a segment: cas(tail, s, n); goto again   # close that one too
 *
 * What is asserted:
 *   - each item whose push returned OK comes out exactly once, no other does;
 *   - order: if push(a) returned before push(b) began, then no pop that begins
 *     after b came out returns a (strict FIFO; FIFO per producer follows);
 *   - EMPTY and END only if at some moment of the pop every item whose push had
 *     returned was covered by the ticket of some pop;
 *   - END: no item lies in a cell without the ticket of a pop;
 *   - once any call returned CLOSED or END, or close returned, no push that
 *     begins later succeeds, and no pop that begins later says EMPTY;
 *   - no access to a freed segment; head and tail never name a retired one.
 *
 * Abstracted: memory is sequentially consistent (the orders are argued beside
 * the C code); an index stops counting at C, for beyond it all values mean the
 * same; a retired segment is freed at the first moment the grace period allows,
 * and may come back as a new one; a new segment and its first link are one step
 * (it is private before); a call begins with its first and returns with its
 * last access, which is the strictest reading of "before".
 *
 * The runs, and the mistakes (a -D each) that a run must find; check-models reads
 * these lines.
 * run order1: -DORDER -DPUSHES0=2 -DPUSHES1=1 -DC=1
 * run order2: -DORDER -DPUSHES0=2 -DPUSHES1=1 -DC=2
 * run close1: -DCLOSER -DPUSHES0=1 -DPUSHES1=1 -DC=1
 * run close2: -DCLOSER -DPUSHES0=1 -DPUSHES1=1 -DC=2
 * run close_push1: -DCLOSER -DPUSHES0=2 -DPUSHES1=0 -DC=1
 * run close_push2: -DCLOSER -DPUSHES0=2 -DPUSHES1=0 -DC=2
 * run close_late: -DCLOSER -DPUSHES0=2 -DPUSHES1=2 -DC=1 -DPOPS=0
 * mistake NO_POISON in order2: a pop leaves an empty cell as it is
 * mistake POISON_IGNORED in order1: a push takes the exchange for done
 * mistake ENQ_BEFORE_DEQ in order2: emptiness reads the indices in the wrong order
 * mistake HEAD_PASSES_TAIL in order1: a pop moves head without helping tail first
 * mistake NO_GRACE in order1: a drained segment is freed at once
 * mistake END_BY_INDEX in close1: a pop says END by CLOSED on the index alone
 * mistake PUSH_FAILS_BY_INDEX in close_late: a push says CLOSED by the index alone
 * mistake CLOSE_ONE_SEGMENT in close1: close leaves the segment appended meanwhile open
 */

#ifndef C
#define C 1
#endif
#ifndef PUSHES0                 /* by each of the two producers */
#define PUSHES0 1
#endif
#ifndef PUSHES1
#define PUSHES1 1
#endif
#ifndef POPS                    /* by each of the two consumers; then one drains */
#define POPS 1
#endif
#ifndef SEGMENTS
#define SEGMENTS 3
#endif

#define PRODUCERS 2
#define CONSUMERS 2
#define ITEMS (PUSHES0 + PUSHES1)

#define EMPTY 0                 /* cell; items are 1 .. ITEMS */
#define POISON 15
#define NONE 0                  /* link; segments are 1 .. SEGMENTS */
#define CLOSED 128              /* link, and bit of the enqueue index */

#define UNUSED 0
#define LINKED 1
#define RETIRED 2

typedef Segment {
	byte state;
	byte enq;
	byte deq;
	byte next;
	byte waits;             /* who was inside a section at the retirement */
	byte cell[C]
};

Segment seg[SEGMENTS + 1];      /* seg[0] is not used */
byte head = 1, tail = 1;

byte inside;                    /* mask of processes inside a read section */
byte running;                   /* processes not yet done */

/* For the assertions: masks of items. */
byte returned;                  /* push has returned OK */
byte out;                       /* a pop has returned it */
bool ended;                     /* some call has reported the end */
#ifdef ORDER
byte covered;                   /* in a cell for which a pop holds a ticket */
byte earlier[ITEMS + 1];        /* pushes returned before this one began */
bool maybe_empty[CONSUMERS];
#endif

#define BIT(item) (1 << ((item) - 1))

#define use(s) assert(seg[s].state != UNUSED)

inline clear_segment(s)
{
	seg[s].state = UNUSED;
	seg[s].enq = 0;
	seg[s].deq = 0;
	seg[s].next = NONE;
	seg[s].waits = 0;
	k = 0;
	do
	:: k < C -> seg[s].cell[k] = EMPTY; k++
	:: else -> break
	od;
	k = 0
}

/* Leave the read section (if inside); frees what waited for it. */
inline leave(me)
{
	inside = inside & ~(1 << me);
	i = 1;
	do
	:: i <= SEGMENTS ->
		seg[i].waits = seg[i].waits & ~(1 << me);
		if
		:: seg[i].state == RETIRED && seg[i].waits == 0 ->
			clear_segment(i)
		:: else
		fi;
		i++
	:: else -> break
	od;
	i = 0
}

inline enter(me)
{
	inside = inside | (1 << me)
}

inline retire(s)
{
	assert(seg[s].state == LINKED);
	assert(tail != s);
#ifdef NO_GRACE
	clear_segment(s);
#else
	seg[s].state = RETIRED;
	seg[s].waits = inside;
#endif
}

inline help_tail()
{
	if
	:: tail == s -> assert(seg[n].state == LINKED); tail = n
	:: else
	fi
}

#ifdef ORDER
inline cover(x)
{
	if
	:: x != EMPTY && x != POISON -> covered = covered | BIT(x)
	:: else
	fi;
	if
	:: (returned & ~covered) == 0 ->
		maybe_empty[0] = true;
		maybe_empty[1] = true
	:: else
	fi
}
#else
#define cover(x) skip
#endif

inline push_returns_ok()
{
	assert(!late);          /* it began after the end was reported */
	returned = returned | BIT(item);
	late = false; s = 0; t = 0; n = NONE;
	leave(me)
}

inline push_returns_closed()
{
	ended = true;
	late = false; s = 0; t = 0; n = NONE;
	leave(me)
}

proctype producer(byte me)
{
	byte s, n, i, k, item, last;
	byte t;
	bool late;

	atomic {
		if
		:: me == 0 -> item = 0; last = PUSHES0
		:: else -> item = PUSHES0; last = ITEMS
		fi
	}
begin:
	atomic {
		if
		:: item == last -> goto done
		:: else
		fi;
		d_step {
			item++;
#ifdef ORDER
			earlier[item] = returned;
#endif
			late = ended;
			enter(me);
			s = tail
		}
		goto ticket
	}
again:
	atomic { d_step { leave(me); enter(me); s = tail } }
ticket:
	atomic {
		d_step {
			use(s);
			t = seg[s].enq;
			if
			:: (t & ~CLOSED) < C -> seg[s].enq = t + 1
			:: else
			fi
		}
		if
		:: t & CLOSED -> goto closed
		:: t < C -> goto put
		:: else -> t = 0; goto past
		fi
	}
put:
	atomic {
		d_step {
			use(s);
			n = seg[s].cell[t];
			seg[s].cell[t] = item;
#ifdef POISON_IGNORED
			n = EMPTY;
#endif
			if
			:: n == EMPTY ->
#ifdef ORDER
				if
				:: seg[s].deq > t -> covered = covered | BIT(item)
				:: else
				fi;
#endif
				push_returns_ok()
			:: else -> assert(n == POISON)
			fi;
			t = 0
		}
		if
		:: n == NONE -> goto begin
		:: else -> n = NONE; goto again
		fi
	}
past:
	atomic {
		use(s);
		n = seg[s].next;
		if
		:: n == NONE ->
			if
			:: d_step {             /* a new segment, if there is one */
				i = 1;
				do
				:: i <= SEGMENTS && seg[i].state != UNUSED -> i++
				:: else -> break
				od;
				if
				:: i <= SEGMENTS ->
					seg[i].state = LINKED;
					seg[i].cell[0] = item;
					seg[i].enq = 1;
					seg[s].next = i;
					n = i
				:: else
				fi;
				i = 0
			   }
			   if
			   :: n != NONE -> goto append
			   :: else
			   fi
			:: skip                 /* no memory */
			fi;
			d_step { late = false; s = 0; leave(me) }
			goto begin
		:: n == CLOSED -> d_step { push_returns_closed() } goto begin
		:: else -> goto help
		fi
	}
closed:
	atomic {
		d_step {
			use(s);
			t = 0;
			if
			:: seg[s].next == NONE -> seg[s].next = CLOSED
			:: else
			fi;
			n = seg[s].next;
#ifdef PUSH_FAILS_BY_INDEX
			n = CLOSED
#endif
		}
		if
		:: n == CLOSED -> d_step { push_returns_closed() } goto begin
		:: else -> goto help
		fi
	}
help:
	atomic { d_step { help_tail(); n = NONE } goto again }
append:
	atomic { d_step { help_tail(); push_returns_ok() } goto begin }
done:
	atomic { d_step { item = 0; last = 0; running-- } }
}

inline check_order()
{
	assert(!(out & BIT(item)));
#ifdef ORDER
	k = 1;
	do
	:: k <= ITEMS ->
		assert(!(out_before & BIT(k)) || !(earlier[k] & BIT(item)));
		k++
	:: else -> break
	od;
	k = 0
#endif
}

inline pop_returns()
{
#ifdef ORDER
	out_before = 0;
	maybe_empty[me - PRODUCERS] = false;
#endif
	late = false;
	item = 0; s = 0; n = NONE; e = 0; d = 0;
	leave(me)
}

inline pop_returns_nothing()
{
#ifdef ORDER
	assert(maybe_empty[me - PRODUCERS]);
#endif
	if
	:: n == CLOSED ->
		ended = true;
		i = 1;
		do
		:: i <= SEGMENTS ->
			k = seg[i].deq;
			do
			:: k < C ->
				assert(seg[i].cell[k] == EMPTY || seg[i].cell[k] == POISON);
				k++
			:: else -> break
			od;
			k = 0;
			i++
		:: else -> break
		od;
		i = 0
	:: else -> assert(!late)
	fi;
	pop_returns()
}

proctype consumer(byte me)
{
	byte s, n, i, k, count;
	byte d, e, item;
	bool late;
#ifdef ORDER
	byte out_before;
#endif

begin:
	atomic {
		if
		:: count == 0 && me == PRODUCERS -> run consumer(me + 1)
		:: else
		fi;
		if
		:: count < POPS -> count++
		:: count == POPS ->             /* at last the first one drains */
			if
			:: me == PRODUCERS -> running == 1 -> count++
			:: else -> goto done
			fi
		:: else
		fi;
		d_step {
			late = ended;
#ifdef ORDER
			out_before = out;
			maybe_empty[me - PRODUCERS] = (returned & ~covered) == 0;
#endif
			enter(me);
			s = head
		}
		goto look
	}
again:
	atomic { d_step { leave(me); enter(me); s = head } }
look:
#ifdef ENQ_BEFORE_DEQ
	atomic { d_step { use(s); e = seg[s].enq } }
#else
	atomic { d_step { use(s); d = seg[s].deq } }
#endif
	atomic {
#ifdef ENQ_BEFORE_DEQ
		d_step { use(s); d = seg[s].deq }
#else
		d_step { use(s); e = seg[s].enq }
#endif
		if
		:: d < C && d < (e & ~CLOSED) -> d = 0; e = 0; goto ticket
		:: d < C && d >= (e & ~CLOSED) -> d = 0; goto last
		:: else -> d = 0; goto past
		fi
	}
ticket:
	atomic {
		d_step {
			use(s);
			d = seg[s].deq;
			if
			:: d < C ->
				seg[s].deq = d + 1;
				cover(seg[s].cell[d])
			:: else
			fi
		}
		if
		:: d < C -> goto take
		:: else -> d = 0; goto again
		fi
	}
take:
	atomic {
		d_step {
			use(s);
			item = seg[s].cell[d];
			assert(item != POISON);
#ifdef NO_POISON
			if
			:: item != EMPTY -> seg[s].cell[d] = POISON
			:: else
			fi;
#else
			seg[s].cell[d] = POISON;
#endif
			d = 0
		}
		if
		:: item != EMPTY ->
			d_step {
				check_order();
				out = out | BIT(item);
				pop_returns()
			}
			goto begin
		:: else -> goto again
		fi
	}
past:
	atomic {
		use(s);
		n = seg[s].next;
		if
		:: n == NONE -> goto last
		:: else
		fi;
		e = 0;
		if
		:: n == CLOSED -> goto nothing
		:: else -> goto advance
		fi
	}
last:
	atomic {
		if
		:: e & CLOSED ->
			d_step {                /* the end is decided in `next' */
				use(s);
				e = 0;
				if
				:: seg[s].next == NONE -> seg[s].next = CLOSED
				:: else
				fi;
				n = seg[s].next;
#ifdef END_BY_INDEX
				n = CLOSED
#endif
			}
			if
			:: n == CLOSED -> goto nothing
			:: else -> goto advance
			fi
		:: else
		fi;
	}
nothing:
	atomic {
		d_step { pop_returns_nothing() }
		if
		:: count > POPS -> goto done
		:: else -> goto begin
		fi
	}
advance:
#ifndef HEAD_PASSES_TAIL
	atomic { d_step { help_tail() } }
#endif
	atomic {
		d_step {
			if
			:: head == s -> head = n; retire(s)
			:: else
			fi;
			n = NONE
		}
		goto again
	}
done:
	atomic {
		d_step {
			if
			:: me == PRODUCERS -> assert(out == returned)
			:: else
			fi;
			count = 0;
			running--
		}
	}
}

#ifdef CLOSER
proctype closer(byte me)
{
	byte s, n, i, k;
again:
	atomic { d_step { leave(me); enter(me); s = tail } }
	atomic { d_step { use(s); seg[s].enq = seg[s].enq | CLOSED } }
	atomic {
		d_step {
			use(s);
			if
			:: seg[s].next == NONE -> seg[s].next = CLOSED
			:: else
			fi;
			n = seg[s].next;
#ifdef CLOSE_ONE_SEGMENT
			n = CLOSED
#endif
		}
		if
		:: n == CLOSED -> d_step { ended = true; s = 0; n = NONE; leave(me); running-- } goto done
		:: else
		fi
	}
	atomic { d_step { help_tail(); n = NONE } goto again }
done:
	skip
}
#endif

init {
	atomic {
		seg[1].state = LINKED;
		running = PRODUCERS + CONSUMERS;
#ifdef CLOSER
		running++;
		run closer(4);
#endif
		run producer(0);
		run producer(1);
		run consumer(2)         /* and that one starts the other */
	}
}
