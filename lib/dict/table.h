/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * This folder has conc_dict: dict.c makes and ends one, read.c, store.c,
 * update.c, count.c and in_place.c have its operations, cursor.c iterates.
 * They stand on write.h (every write under a lock), search.h and probe.h
 * (finding a key), and these on the tables, which are here.  It uses base, and
 * no other structure.
 *
 * One shard of a dict: a writer lock and an RCU-published open-addressing
 * table.
 *
 *     conc_dict -> shards[] : { lock, table, live, waiting }     a cache line each
 *                                    |
 *                                    v
 *                 table { generation, mask, used, first_retired, slots[] }
 *                                                                   |
 *                                                  { hash, key, word }
 *
 * High bits of the mixed hash pick the shard, low bits the slot; probing is
 * linear.  A slot belongs to one key for the life of its table.  Its `hash`
 * tells the state, which only moves forward:
 *
 *     EMPTY (0) -> LIVE (hash << 1 | 1) -> RETIRED (stamp, next) -> TOMBSTONE
 *
 * Publishing: word and key are written first, then hash with release, which
 * pairs with the acquire of every probe.  An insert takes the empty slot at the
 * end of the probe chain, never an earlier one, so two inserts of one key meet
 * in the same slot.  Only the owner of the shard's lock changes hash and key.
 * Every later change of hash is a release as well: who misses a key has seen
 * what came before its deletion.
 *
 * RETIRED: the key (and a CONC_VALUE_RETAINED value) is still owned by the
 * slot, until no reader can have it; the retired slots of a table form a list,
 * the oldest first, linked through their hash fields: deleting needs no memory.
 * Readers that come later see no hash of theirs, so they never look at the key.
 * A rebuild moves retired slots to the new table: every owned reference is in
 * exactly one place, a LIVE or RETIRED slot of the current table.
 *
 * Rebuild (growing, shrinking, sweeping tombstones), under the lock: make the
 * new table, freeze and copy each word (base/word.h), publish the table with
 * release, retire the old one.  `generation` numbers the tables of a shard and
 * is never used twice, so an unlocked search can be verified under the lock
 * though the memory of a table may have been reused in between.
 */
#ifndef CONC_DICT_TABLE_H
#define CONC_DICT_TABLE_H

#include <stdatomic.h>

#include <concurrency/dict.h>

#include "base/word.h"
#include "base/lock.h"
#include "base/memory.h"
#include "base/object.h"
#include "base/rcu.h"
#include "base/yield_point.h"

#define HASH_EMPTY UINT64_C(0)
#define HASH_TOMBSTONE UINT64_C(4)

struct slot {
	_Atomic uint64_t hash;
	_Atomic uint64_t key; /* an int64, or a pointer to a block or an object */
	_Atomic uint64_t word;
};

struct table {
	struct conc_retired retired;
	uint64_t generation;    /* never 0: that stands for "no table" */
	uint32_t mask;          /* slots - 1 */
	uint32_t used;          /* slots that are not EMPTY; under the lock */
	uint32_t first_retired; /* index + 1 of the oldest; under the lock */
	uint32_t last_retired;  /* of the newest */
	struct slot slots[];
};

struct shard {
	_Alignas(CONC_LINE) struct conc_lock lock;
	_Atomic uint32_t waiting; /* retired slots; written under the lock */
	_Atomic(struct table *) table;
	_Atomic size_t live; /* LIVE slots; written under the lock */
	uint64_t generation; /* of the newest table; under the lock */
};

struct conc_dict {
	struct conc_object object;
	enum conc_key_kind keys;
	enum conc_lifetime values;
	unsigned shard_shift; /* hash >> shard_shift is the shard's index */
	struct shard *shards;
	uint64_t multiplier; /* of conc_mix() */
	/* So that what reads and writes call lies on two lines with the above. */
	struct conc_value_ops value_ops;
	struct conc_key_ops key_ops;
	struct conc_wait_hooks wait;
	size_t shard_count;
	_Alignas(CONC_LINE) _Atomic size_t waiting; /* of all shards */
	_Atomic size_t next_drained;		    /* shard, modulo their number */
};

/* The state of a live slot for a key of this mixed hash. */
static inline uint64_t hash_live(uint64_t mixed)
{
	return mixed << 1 | 1;
}

static inline bool hash_is_live(uint64_t hash)
{
	return (hash & 1) != 0;
}

/* bits 34-63 stamp, 2-33 index + 1 of the next retired slot, 0-1 binary 10 */
static inline bool hash_is_retired(uint64_t hash)
{
	return (hash & 3) == 2;
}

static inline bool dict_owns_keys(const conc_dict *dict)
{
	return dict->keys != CONC_KEY_INT64;
}

/* Whether what comes out is a reference that must be given back. */
static inline bool dict_counts_pointers(const conc_dict *dict)
{
	return dict->values == CONC_VALUE_RETAINED ||
	       dict->values == CONC_VALUE_TYPE_STABLE;
}

/*
 * Whether a deleted slot has something to keep until readers are gone.  (A byte
 * string waits by itself.)
 */
static inline bool dict_retires_slots(const conc_dict *dict)
{
	return dict->keys == CONC_KEY_GENERAL ||
	       dict->values == CONC_VALUE_RETAINED;
}

static inline struct shard *shard_of(const conc_dict *dict, uint64_t mixed)
{
	/* A shift of 64 has no meaning in C: one shard keeps shift 63 and 1. */
	return &dict->shards[mixed >> 1 >> dict->shard_shift];
}

/* Where the probe chain of a key begins. */
static inline uint32_t table_home(const struct table *table, uint64_t mixed)
{
	return (uint32_t)mixed & table->mask;
}

/* What a writer does to a slot and with what it displaced, under the lock. */
struct displaced {
	uint64_t word;
	bool valid;   /* a word was displaced */
	bool owned;   /* and the caller must release the pointer in it */
	bool retired; /* a slot was retired */
	uint64_t key;
	bool key_owned; /* and the caller must release the key */
};

/*
 * All below run under the shard's lock.  `index` is a slot of the current
 * table; those that may need room take the key's mixed hash to find their
 * place again after a rebuild.
 */

/* Sees to it that one more slot can be taken.  0, -ENOMEM. */
int conc_shard_make_room(conc_dict *dict, struct shard *shard);

/*
 * Adds an entry for a key that is not there.  `key` is what the slot holds; the
 * slot takes over a reference to it.  Cannot fail after conc_shard_make_room().
 */
void conc_shard_add(struct shard *shard, uint64_t mixed, uint64_t key,
		    uint64_t word);

/* Retires the entry in a live slot.  Needs no memory. */
void conc_shard_remove(conc_dict *dict, struct shard *shard, uint32_t index,
		       struct displaced *displaced);

/*
 * Moves a live entry to a new slot with another word, then kills the old one:
 * in this order, so that no reader misses the key.  Needs room.
 */
void conc_shard_move(conc_dict *dict, struct shard *shard, uint32_t index,
		     uint64_t word, struct displaced *displaced);

/* The slot of the live entry whose key field is `key`. */
uint32_t conc_shard_find(struct shard *shard, uint64_t mixed, uint64_t key);

/* Makes the table smaller when it is mostly empty, if there is memory. */
void conc_shard_shrink(conc_dict *dict, struct shard *shard);

/* What a retired slot held, for release outside the lock. */
struct remains {
	uint64_t key;
	uint64_t word;
};

/*
 * Turns up to `room` retired slots whose grace period has passed into
 * tombstones; returns how many it wrote to `remains`.  Looks at none that is
 * still to wait but the oldest.
 */
size_t conc_shard_take_remains(conc_dict *dict, struct shard *shard,
			       struct remains *remains, size_t room);

/*
 * Keys of the byte-string kind: counted, so that cursors can hold them.  When
 * nobody counts any more, readers may still look at the bytes: then the block
 * waits for these, and its count is a link.  Its size, from which they take the
 * length, never changes.
 */
struct key_block {
	union {
		_Atomic size_t references;
		struct conc_retired retired;
	};
	char bytes[];
};

static inline size_t key_length(const struct key_block *block)
{
	return block->retired.bytes - sizeof(*block);
}

void conc_key_retain(const conc_dict *dict, uint64_t key);
void conc_key_release(const conc_dict *dict, uint64_t key);

/* The same in a dict that nobody can be reading. */
void conc_key_release_unread(const conc_dict *dict, uint64_t key);

/*
 * One more reference to the pointer in a word, if the dict owns one.  Under the
 * lock, or inside a section where the lifetime allows it.
 */
void conc_word_retain(const conc_dict *dict, uint64_t word);

/* Releases the pointer in a word, if the dict owned one. */
void conc_word_release(const conc_dict *dict, uint64_t word);

#endif
