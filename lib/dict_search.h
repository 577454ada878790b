/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Finding a key.  The comparison happens in two places:
 *
 *   inside the read section: the same pointer, int64, bytes, fast_eq;
 *   outside: full_eq, on candidates that were retained inside, as it may block,
 *   write to the same dict, or fail.
 *
 * A search remembers the keys it had compared outside and does not compare them
 * again, so it ends though full_eq may write.  The answer is good for the moment
 * of the section; writers verify it under the lock (dict.c).
 */
#ifndef CONC_DICT_SEARCH_H
#define CONC_DICT_SEARCH_H

#include "dict_table.h"
#include "hash.h"

enum answer { NOT_ASKED, UNEQUAL, EQUAL };

struct asked {
	uint64_t key; /* retained by the search */
	enum answer answer;
};

#define ASKED_INLINE 8

struct search {
	conc_dict *dict;
	struct shard *shard;
	uint64_t mixed;
	uint64_t key;	   /* the int64, or the pointer */
	size_t len;	   /* of a byte string */
	size_t asked_count;
	size_t asked_room;
	bool open_questions; /* a candidate has no answer yet */
	struct asked *asked;
	struct asked asked_inline[ASKED_INLINE];
};

enum found { FOUND, ABSENT, ASK };

/* Readies a search.  0, -EINVAL, or what the hash callback answered. */
int search_begin(struct search *s, conc_dict *dict, const void *key, size_t len);
int search_begin_int(struct search *s, conc_dict *dict, int64_t key);

/* Releases what it remembers: no lock held, outside sections. */
void search_end(struct search *s);

/*
 * Inside a section: walks the probe chain from slot *at (search_home() at
 * first).  FOUND: *at is a live slot with an equal key.  ABSENT: *at is the
 * empty slot at the end of the chain.  ASK: leave the section and call
 * search_answer(), then begin again.
 */
enum found search_probe(struct search *s, struct table *table, uint32_t *at);

static inline uint32_t search_home(const struct search *s,
				   const struct table *table)
{
	return (uint32_t)s->mixed & table->mask;
}

/* Has the open questions answered.  0, -ENOMEM, or full_eq's error. */
int search_answer(struct search *s);

#endif
