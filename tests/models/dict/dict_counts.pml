/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * dict_counts.pml: one shard of a dict whose value words may be counts that are
 * changed in place, without a lock, while the table is rebuilt and counts are
 * deleted, replaced and promoted.
 *
 * The protocol, as lib/dict/ follows it.  (Search and verification of writers,
 * and references to objects, are the subject of dict_values.pml.)
 *
 *   word   a count: value, COUNT; an object: pointer.  FROZEN and DEAD are bits
 *          too; all of them lie where no add reaches.
 *
 *   add(key, n):
 *     enter section; t = table; probe as get does, to the word of the key
 *     if it is a count, neither FROZEN nor DEAD:
 *         w = fetch_add(slot.word, n)
 *         if w is neither FROZEN nor DEAD: leave; done
 *         (else the add did not count: what it did to the word matters to nobody)
 *     leave
 *     lock; search the current table
 *       a count:   fetch_add(slot.word, n)       # cannot be FROZEN or DEAD here
 *       an object: exchange(slot.word, count of object + n)      # in place
 *       absent:    insert COUNT n at the end of the chain
 *     unlock
 *
 *   set(key, n), n a number:
 *     as add, but in place of the fetch_add a compare-exchange, from a count that
 *     is neither FROZEN nor DEAD; what it replaced is given back
 *     lock; search the current table
 *       a count:   exchange(slot.word, n)          # cannot be FROZEN or DEAD here
 *       an object: the same, in place
 *       absent:    insert COUNT n at the end of the chain
 *     unlock
 *
 *   get(key):
 *     probe; w = slot.word
 *       DEAD: go on probing
 *       an object: it (see dict_values.pml)
 *       a count, not FROZEN: its value
 *       a count, FROZEN: leave; lock; search the current table, read; unlock
 *
 *   rebuild (under the lock):
 *     n = new table                              # or no memory: nothing changed
 *     for each live slot: w = fetch_or(slot.word, FROZEN); copy w without FROZEN
 *     table = n; retire the old one
 *
 *   delete (under the lock):
 *     w = fetch_or(slot.word, DEAD)              # w is what was deleted
 *     slot.hash = RETIRED
 *
 *   replace a count by an object (under the lock):
 *     make sure of an EMPTY slot, else rebuild and search again
 *     insert the key anew at the end of the chain, with the object
 *     w = fetch_or(old slot.word, DEAD)          # w is what was replaced
 *     old slot.hash = RETIRED
 *
 *   replace a count that equals v by an object (compare-exchange; promotion of a
 *   count too big for the word is this, with an object that equals v), under the
 *   lock:
 *     make sure of an EMPTY slot, else rebuild and search again
 *     w = fetch_or(old slot.word, FROZEN)
 *     insert the key anew: the object if w equals v, else COUNT w
 *     fetch_or(old slot.word, DEAD); old slot.hash = RETIRED
 *     (after the FROZEN nothing may fail: room and object are there before)
 *
 *   An object may become a count in place, a count never becomes an object in
 *   the same slot.
 *
 * What is asserted:
 *   - at the end: what is in the dict and what deletions, replacements and sets
 *     gave back is together what was added and set: nothing is lost or counted
 *     twice;
 *   - for each get, with F the adds that had returned when it began, B those that
 *     have begun when it ends, and X the sums taken out: F - X <= value <= B - X
 *     (X at the end of the call on the left, at its beginning on the right); and
 *     of two in a row the second is less by no more than was taken out meanwhile
 *     (so under adds alone no sum falls);
 *   - get says absent only if the key was absent at some moment of the call;
 *   - under the lock, the live slot of the current table is not FROZEN or DEAD;
 *   - at each unlock, and in a snapshot under the lock, the key has at most one
 *     live slot; a fetch_add meets only words that are counts;
 *   - no access to a freed table.
 *
 * Abstracted: memory is sequentially consistent; one key, all slots one chain;
 * an object is the number it stands for; an add adds 1, a set sets 1 (the second
 * adder sets, if SETS), so it counts as an add; counts do not overflow;
 * tables are freed at the first moment the grace period allows, and reused; a
 * call begins with its first and ends with its last access.
 *
 * The runs, and the mistakes (a -D each) that a run must find; check-models reads
 * these lines.
 * run adds: -DADDS0=2 -DADDS1=1 -DOPS=2 -DREADS=2 -DTABLES=3
 * run all: -DADDS0=1 -DADDS1=1 -DOPS=3 -DREADS=1 -DTAKE -DTABLES=3
 * run sets: -DADDS0=2 -DADDS1=2 -DOPS=2 -DREADS=1 -DTAKE -DSETS -DTABLES=3
 * run full: -DADDS0=1 -DADDS1=1 -DOPS=4 -DREADS=0 -DTAKE -DS=2
 * run no_memory: -DADDS0=2 -DADDS1=1 -DOPS=3 -DREADS=1 -DTAKE -DS=2 -DTABLES=1
 * run snapshot: -DADDS0=1 -DADDS1=0 -DOPS=2 -DREADS=0 -DTAKE -DSNAPSHOT
 * mistake ADD_IGNORES_RETURNED in adds: an adder does not look at the word it got back
 * mistake SET_IGNORES_TAGS in sets: a setter exchanges whatever word is there
 * mistake REBUILD_COPIES_EARLIER in adds: a rebuild copies the word it read before the FROZEN
 * mistake FROZEN_READ_UNLOCKED in adds: a reader takes a frozen count for its value
 * mistake PROMOTES_UNFROZEN in adds: a count is promoted by the value read before
 * mistake NO_GRACE in adds: the old table is freed at once
 * mistake KILL_FIRST in all: a replacement kills the old slot, then inserts the new one
 * mistake TAKES_EARLIER in all: delete and replace give the word they read before the DEAD
 * mistake REPLACES_IN_PLACE in all: a count becomes an object in the same slot
 * mistake FREEZE_BEFORE_ROOM in no_memory: freezes before there is room for the new slot
 * mistake SNAPSHOT_UNLOCKED in snapshot: a snapshot in a section, without the lock
 */

#ifndef ADDS0                   /* by each of the two adders */
#define ADDS0 1
#endif
#ifndef ADDS1
#define ADDS1 1
#endif
#ifndef OPS                     /* by the writer */
#define OPS 1
#endif
#ifndef READS
#define READS 1
#endif
#ifndef S                       /* slots; all are one probe chain */
#define S 3
#endif
#ifndef TABLES
#define TABLES 2
#endif

#define EMPTY 0                 /* hash, with the key: */
#define K 1
#define RETIRED 3

#define COUNT 1                 /* word */
#define FROZEN 2
#define DEAD 4
#define ONE 8
#define VALUE(w) ((w) / ONE)
#ifdef SETS
#define SETTER (me == 1)
#else
#define SETTER false
#endif
#define WORD(value) ((value) * ONE)

#define UNUSED 0                /* states of a table */
#define USED 1
#define WAITING 2               /* for a grace period */

typedef Table {
	byte state;
	byte waits;
	byte hash[S];
	byte word[S]
};

Table table[TABLES];
byte current;
bool lock;
byte inside;                    /* mask of processes inside a read section */
byte running;

/* For the assertions. */
byte begun, finished;           /* adds */
byte taken;                     /* sum of what was deleted or replaced */
bool absent = true;
bool was_absent;                /* at some moment of the read */

#define use(t) assert(table[t].state != UNUSED)

inline clear_table(t)
{
	table[t].state = UNUSED;
	table[t].waits = 0;
	z = 0;
	do
	:: z < S -> table[t].hash[z] = EMPTY; table[t].word[z] = 0; z++
	:: else -> break
	od;
	z = 0
}

/* Leave the read section (if inside); frees what waited for it. */
inline leave()
{
	inside = inside & ~(1 << me);
	y = 0;
	do
	:: y < TABLES ->
		table[y].waits = table[y].waits & ~(1 << me);
		if
		:: table[y].state == WAITING && table[y].waits == 0 -> clear_table(y)
		:: else
		fi;
		y++
	:: else -> break
	od;
	y = 0
}

inline enter()
{
	inside = inside | (1 << me)
}

inline publish(n)
{
	y = current;
	current = n;
#ifdef NO_GRACE
	clear_table(y);
#else
	if
	:: inside != 0 -> table[y].state = WAITING; table[y].waits = inside
	:: else -> clear_table(y)
	fi;
#endif
	y = 0
}

inline unlock()
{
	lock = false;
	y = 0;
	z = 0;
	do
	:: z < S ->
		if
		:: table[current].hash[z] == K ->
			assert(!(table[current].word[z] & (FROZEN | DEAD)));
			y++
		:: else
		fi;
		z++
	:: else -> break
	od;
	assert(y == (absent -> 0 : 1));
	y = 0;
	z = 0
}

/* Under the lock: t the current table, s the live slot or S, e the EMPTY one or S. */
inline search()
{
	t = current;
	s = 0;
	do
	:: s < S && table[t].hash[s] == RETIRED -> s++
	:: else -> break
	od;
	e = s;
	do
	:: e < S && table[t].hash[e] != EMPTY -> e++
	:: else -> break
	od;
	if
	:: s == e -> s = S
	:: else
	fi;
	assert(s == S || !(table[t].word[s] & (FROZEN | DEAD)))
}

/* A free table, or TABLES. */
inline allocate()
{
	n = 0;
	do
	:: n < TABLES && table[n].state != UNUSED -> n++
	:: else -> break
	od;
	if
	:: n < TABLES -> table[n].state = USED
	:: else
	fi
}

proctype adder(byte me; byte adds)
{
	byte t, s, e, n, w;
	byte y, z;

begin:
	atomic {
		if
		:: adds == 0 -> goto done
		:: else -> adds--
		fi;
		d_step { begun++; enter(); t = current }
	}
probe:
	atomic {
		if
		:: s == S -> goto slow
		:: else
		fi;
		use(t);
		w = table[t].hash[s];
		if
		:: w == RETIRED -> w = 0; s++; goto probe
		:: w == EMPTY -> goto slow
		:: else -> w = 0
		fi
	}
	atomic {
		use(t);
		w = table[t].word[s];
		if
		:: w & DEAD -> w = 0; s++; goto probe
		:: !(w & DEAD) && (!(w & COUNT) || (w & FROZEN)) -> goto slow
		:: else -> w = 0
		fi
	}
	atomic {
		use(t);
		w = table[t].word[s];
		assert(w & COUNT);
		if
		:: SETTER ->
#ifndef SET_IGNORES_TAGS
			if
			:: w & (FROZEN | DEAD) -> goto slow
			:: else
			fi;
#endif
			table[t].word[s] = COUNT + ONE;
			taken = taken + VALUE(w);
			w = 0
		:: else -> table[t].word[s] = w + ONE
		fi;
#ifdef ADD_IGNORES_RETURNED
		w = 0;
#endif
		if
		:: w & (FROZEN | DEAD) -> goto slow
		:: else
		fi;
		d_step { w = 0; t = 0; s = 0; finished++; leave() }
		goto begin
	}
slow:
	atomic { d_step { w = 0; t = 0; s = 0; leave() } }
locked:
	atomic {
		lock == false -> lock = true;
		d_step { search() }
		if
		:: s < S ->
			d_step {
				w = table[t].word[s];
				if
				:: SETTER ->
					table[t].word[s] = COUNT + ONE;
					taken = taken + VALUE(w)
				:: else -> table[t].word[s] = (w | COUNT) + ONE
				fi;
				w = 0;
				unlock();
				s = 0; e = 0; t = 0;
				finished++
			}
			goto begin
		:: s == S && e < S ->
			table[t].word[e] = COUNT + ONE
		:: else ->                      /* a new table with the key inserted */
			d_step {
				s = 0; e = 0; t = 0;
				allocate();
				if
				:: n < TABLES ->
					table[n].hash[0] = K;
					table[n].word[0] = COUNT + ONE;
					absent = false;
					finished++;
					publish(n)
				:: else -> begun--      /* no memory */
				fi;
				n = 0;
				unlock()
			}
			goto begin
		fi
	}
	atomic {
		d_step {
			table[t].hash[e] = K;
			absent = false;
			unlock();
			s = 0; e = 0; t = 0;
			finished++
		}
		goto begin
	}
done:
	running--
}

#define REBUILD 0
#define PROMOTE 1
#define DELETE 2
#define REPLACE 3

proctype writer(byte me)
{
	byte t, s, e, n, w, v;
	byte y, z;
	byte op, ops;

begin:
	atomic {
		if
		:: ops == OPS -> goto done
		:: else -> ops++
		fi;
		if
		:: op = REBUILD
		:: op = PROMOTE
#ifdef TAKE
		:: op = DELETE
		:: op = REPLACE
#endif
		fi;
		lock == false -> lock = true
	}
again:
	atomic {
		d_step { search() }
		if
		:: op == REBUILD -> goto rebuild
		:: op != REBUILD && s == S -> goto finish               /* absent */
		:: op == DELETE && s < S -> e = 0; goto kill
		:: op == REPLACE && s < S && !(table[t].word[s] & COUNT) -> /* in place */
			d_step {
				taken = taken + VALUE(table[t].word[s]);
				table[t].word[s] = 0
			}
			goto finish
		:: op == PROMOTE && s < S && !(table[t].word[s] & COUNT) -> goto finish
		:: else
		fi;
#ifndef FREEZE_BEFORE_ROOM
		if
		:: e == S -> goto rebuild
		:: else
		fi;
#endif
		if
		:: op == PROMOTE ->
			v = table[t].word[s] & ~COUNT;
			goto freeze
		:: else
		fi;
#ifdef REPLACES_IN_PLACE
		d_step {
			taken = taken + VALUE(table[t].word[s]);
			table[t].word[s] = 0
		}
		goto finish;
#endif
#ifdef KILL_FIRST
		d_step {
			v = table[t].word[s];
			table[t].word[s] = v | DEAD;
			taken = taken + VALUE(v);
			v = 0
		}
#else
		table[t].word[e] = 0            /* an object that stands for 0 */
#endif
	}
publish_slot:
	atomic { table[t].hash[e] = K; e = 0 }
kill:
#ifdef TAKES_EARLIER
	v = table[t].word[s];
#endif
	atomic {
		d_step {
			w = table[t].word[s];
#ifdef KILL_FIRST
			if
			:: op == REPLACE -> w = 0
			:: else
			fi;
#endif
#ifdef TAKES_EARLIER
			w = v;
			v = 0;
#endif
			table[t].word[s] = table[t].word[s] | DEAD;
			if
			:: op == PROMOTE
			:: else -> taken = taken + VALUE(w)
			fi;
			w = 0;
			if
			:: op == DELETE ->
				absent = true;
				was_absent = true
			:: else
			fi
		}
	}
	atomic { table[t].hash[s] = RETIRED; goto finish }
freeze:
	atomic {
		d_step {
			w = table[t].word[s];
#ifndef PROMOTES_UNFROZEN
			table[t].word[s] = w | FROZEN;
#else
			w = v | COUNT
#endif
		}
#ifdef FREEZE_BEFORE_ROOM
		if
		:: e == S -> w = 0; v = 0; goto rebuild
		:: else
		fi;
#endif
		if
		:: (w & ~COUNT) == v -> w = v           /* an object of that value */
		:: else
		fi;
		table[t].word[e] = w;
		w = 0; v = 0;
		goto publish_slot
	}
rebuild:
	atomic {
		d_step { allocate() }
		if
		:: n == TABLES -> n = 0; goto finish            /* no memory */
		:: n < TABLES && s == S -> goto publish_table   /* an empty one */
		:: else
		fi
#ifdef REBUILD_COPIES_EARLIER
		;
		v = table[t].word[s]
#endif
	}
	atomic {
		d_step {
			w = table[t].word[s];
			table[t].word[s] = w | FROZEN;
#ifdef REBUILD_COPIES_EARLIER
			w = v;
			v = 0;
#endif
			table[n].hash[0] = K;
			table[n].word[0] = w & ~FROZEN;
			w = 0
		}
	}
publish_table:
	atomic {
		d_step { t = 0; s = 0; e = 0; publish(n); n = 0 }
		if
		:: op == REBUILD -> goto finish
		:: else -> goto again
		fi
	}
finish:
	atomic { d_step { t = 0; s = 0; e = 0; op = 0; unlock() } goto begin }
done:
	running--
}

proctype reader(byte me)
{
	byte t, s, e, w, value;
	byte y, z;
	byte reads;
	byte finished_before, taken_before;     /* when this read began */
	byte last_value, last_taken;            /* of the read before */

begin:
	atomic {
		if
		:: reads == READS -> goto done
		:: else -> reads++
		fi;
		d_step {
			was_absent = absent;
			finished_before = finished;
			taken_before = taken;
			enter();
			t = current
		}
	}
probe:
	atomic {
		if
		:: s == S -> goto nothing
		:: else
		fi;
		use(t);
		w = table[t].hash[s];
		if
		:: w == RETIRED -> w = 0; s++; goto probe
		:: w == EMPTY -> w = 0; goto nothing
		:: else -> w = 0
		fi
	}
	atomic {
		use(t);
		w = table[t].word[s];
		if
		:: w & DEAD -> w = 0; s++; goto probe
#ifndef FROZEN_READ_UNLOCKED
		:: !(w & DEAD) && (w & FROZEN) && (w & COUNT) -> goto frozen
#endif
		:: else -> value = VALUE(w); goto result
		fi
	}
nothing:
	atomic { assert(was_absent); value = 0; goto result }
frozen:
	atomic { d_step { w = 0; t = 0; s = 0; leave() } }
	atomic {
		lock == false ->
		d_step {
			search();
			if
			:: s == S -> assert(was_absent); value = 0
			:: else -> value = VALUE(table[t].word[s])
			fi;
			e = 0
		}
	}
result:
	atomic {
		d_step {
			w = 0; t = 0; s = 0;
			leave();
			assert(value + taken >= finished_before);
			assert(value + taken_before <= begun);
			assert(reads == 1 || value + taken >= last_value + last_taken);
			last_value = value;
			last_taken = taken_before;
			value = 0;
			finished_before = 0;
			taken_before = 0;
			was_absent = false
		}
		goto begin
	}
done:
	atomic { last_value = 0; last_taken = 0; running-- }
}

#ifdef SNAPSHOT
proctype snapshot(byte me)
{
	byte t, s, live, w;
	byte y, z;

#ifdef SNAPSHOT_UNLOCKED
	atomic { d_step { enter(); t = current } }
#else
	atomic { lock == false -> lock = true; t = current }
#endif
	do
	:: s < S ->
		atomic { use(t); w = table[t].hash[s] }
		if
		:: w == K ->
			atomic {
				use(t);
				w = table[t].word[s];
				if
				:: w & DEAD
				:: else -> live++
				fi
			}
		:: else
		fi;
		w = 0;
		s++
	:: else -> break
	od;
	atomic {
		assert(live <= 1);
#ifdef SNAPSHOT_UNLOCKED
		d_step { leave() }
#else
		lock = false;
#endif
		running--
	}
}
#endif

init {
	byte i, sum;

	atomic {
		table[0].state = USED;
		running = 4;
		run adder(0, ADDS0);
		run adder(1, ADDS1);
		run writer(2);
		run reader(3);
#ifdef SNAPSHOT
		running++;
		run snapshot(4);
#endif
	}
	atomic {
		running == 0 ->
		do
		:: i < S ->
			if
			:: table[current].hash[i] == K -> sum = sum + VALUE(table[current].word[i])
			:: else
			fi;
			i++
		:: else -> break
		od;
		assert(sum + taken == begun && begun == finished)
	}
}
