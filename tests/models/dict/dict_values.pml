/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * dict_values.pml: one shard of a dict whose values are references, in memory
 * that is reused at once (the type-stable discipline): lookup without a lock,
 * insertion, replacement, deletion, rebuild.
 *
 * The protocol, as lib/dict/ follows it.
 *
 *   shard { lock, table }      table { generation, slot[S] { hash, key, word } }
 *   hash   EMPTY -> LIVE(hash) -> RETIRED, each once in the life of the table
 *
 *   get(key):
 *     again: enter section; t = table
 *       for each slot on the probe chain of t:
 *           h = slot.hash
 *           EMPTY: leave; return absent
 *           LIVE and the key is equal:
 *               (a comparison that may call back is made outside: leave with a
 *               reference to the key, compare, enter, verify as a writer does)
 *               w = slot.word
 *               if w is dead: go on probing
 *               if not try_reference(w): again
 *               if slot.word != w or table != t: drop the reference; again
 *               leave; return w
 *       end of the chain: leave; return absent
 *
 *   set(key, value) / delete(key):
 *     again: enter; t, g = table, its generation
 *       search the chain: the live slot of the key, else the EMPTY slot at its
 *       end, else the chain is full; leave
 *     lock
 *       if table's generation != g: unlock; again
 *       if the slot is no longer LIVE with this key / no longer EMPTY: unlock; again
 *       set, slot LIVE:   old = exchange(slot.word, value)
 *       set, slot EMPTY:  slot.word = value; slot.key = key; slot.hash = LIVE
 *       set, chain full:  rebuild; unlock; again
 *       delete:           old = exchange(slot.word, DEAD); slot.hash = RETIRED;
 *                         the key moves to the retired list
 *     unlock; release old
 *     (later, after a grace period: release the key)
 *
 *   rebuild (under the lock):
 *     n = new table, a new generation            # or no memory: nothing changed
 *     copy the live slots; table = n; retire t   # freed after a grace period
 *
 * What is asserted:
 *   - get returns a value that this key had, and absent only if it was absent, at
 *     some moment of the call;
 *   - no table and no key is touched after it was freed;
 *   - at each unlock a key has at most one live slot, and the current table says
 *     what the operations so far have made of the dict (so nothing is lost and a
 *     snapshot gives each key once);
 *   - at the end each value in the dict has one reference, all others none.
 *
 * Abstracted: memory is sequentially consistent; two keys with the same hash;
 * what a lock holder does between two stores that readers can see is one step;
 * tables, keys and blocks are freed at the first moment the rules allow and the
 * lowest free one is reused first; a call begins with its first and ends with
 * its last access.  DEAD is a word of its own here; where words have tag bits it
 * is a bit, set with fetch_or (dict_counts.pml).
 *
 * The runs, and the mistakes (a -D each) that a run must find; check-models reads
 * these lines.
 * run writers: -DOPS0=2 -DOPS1=2
 * run table_first: -DOPS0=2 -DOPS1=1 -DTABLES=3 -DTABLE_FIRST
 * run long: -DOPS0=3 -DOPS1=1
 * run small: -DOPS0=2 -DOPS1=2 -DS=2 -DBLOCKS=2
 * run tombstone: -DOPS0=3 -DOPS1=1 -DFIRST_RETIRED
 * mistake NO_TABLE_RECHECK in long: a reader looks at the word again only
 * mistake NO_WORD_RECHECK in long: a reader looks at the table pointer again only
 * mistake NO_VERIFY in writers: a writer believes its search under the lock
 * mistake VERIFY_BY_ADDRESS in tombstone: the same table address taken for the same table
 * mistake RETIRED_SLOT_REUSED in writers: an insert takes an earlier slot than the EMPTY one
 * mistake HASH_FIRST in writers: an insert publishes the hash before key and word
 * mistake KEY_RELEASED_AT_ONCE in writers: delete releases the key without a grace period
 * mistake NO_GRACE in writers: the old table is freed at once
 */

#ifndef OPS0                    /* operations of each of the two writers */
#define OPS0 2
#endif
#ifndef OPS1
#define OPS1 1
#endif
#ifndef S                       /* slots; here all are one probe chain */
#define S 3
#endif
#ifndef TABLES
#define TABLES 2
#endif
#ifndef BLOCKS
#define BLOCKS 4
#endif
#define KEYS 3                  /* pieces of memory for copies of the key K */

#define EMPTY 0                 /* hash, with the key: */
#define K 1
#define L 2
#define RETIRED 3

#define DEAD 0                  /* word; else a block, 1 .. BLOCKS */

#define UNUSED 0                /* states of tables and keys */
#define USED 1
#define WAITING 2               /* for a grace period */

typedef Table {
	byte state;
	byte waits;
	byte generation;
	byte hash[S];
	byte key[S];            /* of K: which piece of memory */
	byte word[S]
};

Table table[TABLES];
byte current;
bool lock;
byte generation;

byte references[BLOCKS + 1];    /* of the object in each block */
byte key_state[KEYS + 1];
byte key_waits[KEYS + 1];
byte inside;                    /* mask of processes inside a read section */
byte running;

/* For the assertions. */
byte now[3];                    /* the value of K, of L; 0: absent */
bool reading;
byte seen;                      /* mask: values of K during the read; 1: absent */

#define use(t) assert(table[t].state != UNUSED)
#define use_key(piece) assert(key_state[piece] != UNUSED)

inline clear_table(t)
{
	table[t].state = UNUSED;
	table[t].waits = 0;
	table[t].generation = 0;
	z = 0;
	do
	:: z < S ->
		table[t].hash[z] = EMPTY;
		table[t].key[z] = 0;
		table[t].word[z] = DEAD;
		z++
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
	y = 1;
	do
	:: y <= KEYS ->
		key_waits[y] = key_waits[y] & ~(1 << me);
		if
		:: key_state[y] == WAITING && key_waits[y] == 0 -> key_state[y] = UNUSED
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

inline retire_table(t)
{
#ifndef NO_GRACE
	if
	:: inside != 0 -> table[t].state = WAITING; table[t].waits = inside
	:: else -> clear_table(t)
	fi
#else
	clear_table(t)
#endif
}

inline retire_key(piece)
{
#ifndef KEY_RELEASED_AT_ONCE
	if
	:: inside != 0 -> key_state[piece] = WAITING; key_waits[piece] = inside
	:: else -> key_state[piece] = UNUSED
	fi
#else
	key_state[piece] = UNUSED
#endif
}

/* The moment at which key gets the value. */
inline becomes(a_key, value)
{
	now[a_key] = value;
	if
	:: reading && a_key == K -> seen = seen | (1 << value)
	:: else
	fi
}

inline unlock()
{
	lock = false;
	/* what a snapshot would find */
	z = 0;
	found[K] = 0;
	found[L] = 0;
	do
	:: z < S ->
		y = table[current].hash[z];
		if
		:: y == K || y == L ->
			assert(found[y] == 0);
			found[y] = table[current].word[z];
			assert(found[y] != DEAD)
		:: else
		fi;
		z++
	:: else -> break
	od;
	assert(found[K] == now[K] && found[L] == now[L]);
	y = 0;
	z = 0;
	found[K] = 0;
	found[L] = 0
}

inline release(b)
{
	assert(references[b] > 0);
	references[b]--
}

/* Under the lock; the free table is x, or x == TABLES. */
inline rebuild()
{
	x = 0;
	do
	:: x < TABLES && table[x].state != UNUSED -> x++
	:: else -> break
	od;
	if
	:: x < TABLES ->
		table[x].state = USED;
		generation++;
		table[x].generation = generation;
		y = 0;
		z = 0;
		do
		:: z < S ->
			if
			:: table[current].hash[z] == K || table[current].hash[z] == L ->
				table[x].hash[y] = table[current].hash[z];
				table[x].key[y] = table[current].key[z];
				table[x].word[y] = table[current].word[z];
				y++
			:: else
			fi;
			z++
		:: else -> break
		od;
		z = current;
		current = x;
		x = z;
		z = 0;
		y = 0;
		retire_table(x);
		x = 0
	:: else
	fi
}

proctype writer(byte me; byte ops)
{
	byte t, g, s, h;
	byte op, a_key, value;
	byte x, y, z, found[3];

begin:
	atomic {
		g = 0;
		if
		:: ops == 0 -> goto done
		:: else -> ops--
		fi;
		if
		:: a_key = K; op = 0
		:: a_key = L; op = 0
		:: a_key = K; op = 1
		:: lock == false ->             /* a rebuild alone is one step */
			d_step { lock = true; rebuild(); unlock() }
			goto begin
		fi;
		if
		:: op == 0 ->                   /* a new object */
			d_step {
				value = 1;
				do
				:: value <= BLOCKS && references[value] > 0 -> value++
				:: else -> break
				od;
				if
				:: value <= BLOCKS ->
					references[value] = 1;
					seen = seen & ~(1 << value)
				:: else -> value = 0
				fi
			}
			if
			:: value == 0 -> goto failed
			:: else
			fi
		:: else
		fi;
	}
again:
	atomic { d_step { leave(); enter(); t = current; g = table[t].generation; s = 0 } }
probe:
	atomic {
		use(t);
		h = table[t].hash[s];
		if
		:: h == K && a_key == K -> goto compare
		:: h == L && a_key == L
		:: h == EMPTY
#ifdef RETIRED_SLOT_REUSED
		:: h == RETIRED && op == 0
#endif
		:: else ->
			s++;
			if
			:: s < S -> h = 0; goto probe
			:: else -> h = EMPTY
			fi
		fi;
		d_step { leave() }
		goto update
	}
compare:
	atomic { d_step { use(t); use_key(table[t].key[s]); leave() } }
update:
	atomic {
		lock == false -> lock = true;
#ifdef VERIFY_BY_ADDRESS
		if
		:: t != current -> goto look_again
		:: else
		fi;
#else
#ifndef NO_VERIFY
		if
		:: g != table[current].generation -> goto look_again
		:: else
		fi;
#endif
#endif
		t = current;
		g = 0;
#ifndef NO_VERIFY
		if
		:: s < S && table[t].hash[s] != h -> goto look_again
		:: else
		fi;
#endif
		if
		:: op == 0 && s < S && h == a_key ->
			d_step {
				x = table[t].word[s];
				table[t].word[s] = value;
				becomes(a_key, value);
				unlock();
				release(x);
				x = 0; value = 0; t = 0; s = 0; h = 0
			}
			goto begin
		:: op == 0 && s < S && h != a_key ->
			if
			:: a_key == K ->        /* memory for the key */
				d_step {
					x = 1;
					do
					:: x <= KEYS && key_state[x] != UNUSED -> x++
					:: else -> break
					od;
					if
					:: x <= KEYS ->
						key_state[x] = USED
					:: else -> x = 0
					fi
				}
				if
				:: x == 0 -> lock = false; goto failed
				:: else
				fi
			:: else
			fi;
			goto insert
		:: op == 0 && s == S ->
			d_step { rebuild(); unlock() }
			if
			:: t == current -> goto failed          /* no memory */
			:: else -> goto again
			fi
		:: op == 1 && s < S && h == a_key ->
			d_step {
				value = table[t].word[s];
				table[t].word[s] = DEAD;
				becomes(a_key, 0)
			}
			goto delete
		:: else ->                              /* nothing to delete */
			lock = false;
			t = 0; s = 0; h = 0;
			goto begin
		fi
	}
look_again:
	atomic { lock = false; goto again }
insert:
	atomic {
		d_step {
#ifdef HASH_FIRST
			table[t].hash[s] = a_key
#else
			table[t].word[s] = value;
			table[t].key[s] = x
#endif
		}
	}
	atomic {
		d_step {
			table[t].hash[s] = a_key;
			table[t].word[s] = value;
			table[t].key[s] = x;
			x = 0;
			becomes(a_key, value);
			unlock();
			value = 0; t = 0; s = 0; h = 0
		}
		goto begin
	}
delete:
	atomic {
		d_step {
			table[t].hash[s] = RETIRED;
			if
			:: a_key == K -> retire_key(table[t].key[s])
			:: else
			fi;
			unlock();
			release(value);
			value = 0; t = 0; s = 0; h = 0
		}
		goto begin
	}
failed:
	atomic {
		if
		:: value != 0 -> release(value)
		:: else
		fi;
		value = 0; t = 0; s = 0; h = 0;
		goto begin
	}
done:
	atomic { op = 0; a_key = 0; running-- }
}

proctype reader(byte me)
{
	byte t, g, s, w;
	byte y, z;

	atomic {
		d_step {
			reading = true;
			seen = 1 << now[K];
			enter();
			t = current;
			g = table[t].generation
		}
		goto probe
	}
again:
	atomic { d_step { leave(); enter(); t = current; g = table[t].generation; s = 0; w = 0 } }
probe:
	atomic {
		if
		:: s == S -> goto absent
		:: else
		fi;
		use(t);
		w = table[t].hash[s];
		if
		:: w == EMPTY -> goto absent
		:: w == K -> w = 0
		:: else -> s++; w = 0; goto probe
		fi
	}
	atomic {
		use(t);
		use_key(table[t].key[s]);
		if
		:: true
		:: d_step { leave() } goto verify       /* compare outside */
		fi
	}
load:
	atomic {
		use(t);
		w = table[t].word[s];
		if
		:: w == DEAD -> s++; goto probe
		:: else
		fi
	}
	atomic {                                        /* try_reference */
		if
		:: references[w] == 0 -> goto again
		:: else -> references[w]++
		fi
	}
#ifdef TABLE_FIRST
	atomic {
		if
		:: current != t -> goto stale
		:: else
		fi
	}
#endif
#ifndef NO_WORD_RECHECK
	atomic {
		use(t);
		if
		:: table[t].word[s] != w -> goto stale
		:: else
		fi
	}
#endif
#ifndef TABLE_FIRST
#ifndef NO_TABLE_RECHECK
	atomic {
		if
		:: current != t -> goto stale
		:: else
		fi
	}
#endif
#endif
	atomic {
		assert(seen & (1 << w));
		d_step { release(w); leave() }
		goto done
	}
stale:
	atomic { release(w); goto again }
verify:
	atomic {
		d_step { enter() }
		if
#ifdef VERIFY_BY_ADDRESS
		:: current != t -> goto again
#else
		:: table[current].generation != g -> goto again
#endif
		:: else
		fi;
		if
		:: table[t].hash[s] != K -> goto again
		:: else -> goto load
		fi
	}
absent:
	assert(seen & 1);
	d_step { leave() }
done:
	atomic { reading = false; seen = 0; t = 0; g = 0; s = 0; w = 0; running-- }
}

init {
	byte i;

	atomic {
		table[0].state = USED;
#ifdef FIRST_RETIRED
		table[0].hash[0] = RETIRED;
#else
		table[0].hash[0] = K;
		table[0].key[0] = 1;
		table[0].word[0] = 1;
		key_state[1] = USED;
		references[1] = 1;
		now[K] = 1;
#endif
		running = 3;
		run writer(0, OPS0);
		run writer(1, OPS1);
		run reader(2)
	}
	atomic {
		running == 0 ->
		i = 1;
		do
		:: i <= BLOCKS ->
			assert(references[i] == (i == now[K] || i == now[L] -> 1 : 0));
			i++
		:: else -> break
		od
	}
}
