/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Finding a key.  The comparison happens in two places:
 *
 *   inside the read section: the same pointer, int64, bytes, fast_eq;
 *   outside: full_eq, on candidates that were retained inside, as it may block,
 *   write to the same dict, or fail.
 *
 * A search remembers the keys it had compared outside and does not compare them
 * again.  The answer is good for the moment of the section; writers verify it
 * under the lock (write.c).
 *
 * A search ends though full_eq may write to the dict, also though it inserts
 * another key of this very hash each time.  Nothing is asked before one look
 * has noted every candidate, to the end of the chain.  When these are answered,
 *
 *   who only looks (read, delete, an exchange of what is there) is done if all
 *   of them differ: the key was not there when that look ended, and candidates
 *   that came later are of no interest.  If one was equal and is gone, the key
 *   was not there right after it was deleted; but it may be back, so a new look
 *   is worth it, ROUNDS_MOST times.
 *
 *   who may insert (`inserts`) must know those that came later too, as one key
 *   may not have two entries: it asks them and looks again, and gives up with
 *   -ELOOP after ROUNDS_MOST times.  That is no contention: the others, who
 *   compare as many keys for each that they insert, are not faster so often.
 */
#ifndef CONC_DICT_SEARCH_H
#define CONC_DICT_SEARCH_H

#include "probe.h"
#include "base/hash.h"

enum answer { NOT_ASKED, UNEQUAL, EQUAL };

struct asked {
	uint64_t key; /* retained by the search */
	enum answer answer;
};

#define ASKED_INLINE 8
#define ROUNDS_MOST 1000

struct search {
	conc_dict *dict;
	struct shard *shard;
	uint64_t mixed;
	uint64_t key;	   /* the int64, or the pointer */
	size_t len;	   /* of a byte string */
	size_t asked_count;
	size_t asked_room;
	size_t known;	     /* of asked_count, noted before this look */
	size_t left_out;     /* candidates that this look had no room to note */
	bool open_questions; /* a candidate has no answer yet */
	bool inserts;	     /* see above */
	bool settled;	     /* candidates without an answer do not matter */
	unsigned rounds;     /* of questions */
	struct asked *asked;
	struct asked asked_inline[ASKED_INLINE];
};

static inline void search_ready(struct search *s, conc_dict *dict, uint64_t key,
				size_t len, uint64_t hash)
{
	s->dict = dict;
	s->mixed = conc_mix(dict->multiplier, hash);
	s->shard = shard_of(dict, s->mixed);
	s->key = key;
	s->len = len;
	s->asked_count = 0;
	s->asked_room = ASKED_INLINE;
	s->inserts = false;
	s->settled = false;
	s->rounds = 0;
	s->asked = s->asked_inline;
}

/* Whether the functions for int64 keys may work on it. */
static inline bool takes_int_keys(const conc_dict *dict)
{
	return conc_is_ours(dict) && dict->keys == CONC_KEY_INT64;
}

/*
 * The hash of a key that is no int64.  0; -EINVAL, also if it is no key of this
 * dict; or what the hash callback answered.
 */
int conc_search_hash(conc_dict *dict, const void *key, size_t len, uint64_t *hash);

/* Readies a search.  0, or what conc_search_hash() answers. */
int conc_search_begin(struct search *s, conc_dict *dict, const void *key,
		      size_t len);

/* Inline, as an int64 costs no more than this. */
static inline int search_begin_int(struct search *s, conc_dict *dict, int64_t key)
{
	if (!takes_int_keys(dict))
		return -EINVAL;
	search_ready(s, dict, (uint64_t)key, 0, (uint64_t)key);
	return 0;
}

/* Releases what it remembers: no lock held, outside sections. */
void conc_search_end(struct search *s);

static inline uint32_t search_home(const struct search *s,
				   const struct table *table)
{
	return table_home(table, s->mixed);
}

/* search_probe() for keys that may ask. */
enum found conc_search_walk(struct search *s, struct table *table, uint32_t *at);

/*
 * Inside a section: walks the probe chain from slot *at (search_home() at
 * first).  FOUND: *at is a live slot with an equal key.  ABSENT: *at is the
 * empty slot at the end of the chain.  ASK: leave the section and call
 * conc_search_answer(), then begin again.
 */
static inline enum found search_probe(struct search *s, struct table *table,
				      uint32_t *at)
{
	return s->dict->keys == CONC_KEY_INT64
		       ? probe_chain(s->dict, CONC_KEY_INT64, table, s->mixed,
				     s->key, 0, at)
		       : conc_search_walk(s, table, at);
}

/*
 * Has the open questions answered, or makes room for those that were left out.
 * 0, -ENOMEM, -ELOOP, or full_eq's error.
 */
int conc_search_answer(struct search *s);

#endif
