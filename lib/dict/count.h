/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Counts, numbers that add changes in place (base/word.h): adding without the
 * lock, and what takes it.
 */
#ifndef CONC_DICT_COUNT_H
#define CONC_DICT_COUNT_H

#include "write.h"

/*
 * Inside a section.  Whether the add counted; then *sum, if that is not NULL,
 * receives the sum.  Else it needs the lock: so does one that would take the
 * sum out of a count's range, which may be an error.  (Adds that are under way
 * in other threads may still take it a little further: base/word.h.)
 */
static inline bool add_in_place(struct slot *slot, int64_t n, int64_t *sum)
{
	uint64_t old = atomic_load_explicit(&slot->word, memory_order_relaxed);

	if ((old & WORD_TAGS) != WORD_COUNT || !within(n, IN_PLACE_LIMIT) ||
	    !within(word_number(old) + n, COUNT_LIMIT))
		return false;
	CONC_YIELD_POINT();
	/* acq_rel: an add sees what was written before the adds it follows. */
	old = atomic_fetch_add_explicit(&slot->word, word_shifted(n),
					memory_order_acq_rel);
	if ((old & (WORD_FROZEN | WORD_DEAD)) != 0)
		return false;
	if (sum != NULL)
		*sum = word_number(old) + n;
	return true;
}

/*
 * Reads a count under the shard's lock, where no word is frozen.  0, -ENOENT;
 * -EAGAIN: it is no count any more.
 */
int conc_dict_read_locked(struct search *s, struct conc_value *value);

/*
 * conc_dict_add() to a key with this hash that in_place.c could not do at once.
 * *sum, which may be NULL, is written if it succeeds.
 */
int conc_dict_add_by_search(conc_dict *dict, uint64_t key, size_t len,
			    uint64_t hash, int64_t n, int64_t *sum);

/*
 * Steps: the count found, if it is `number`, becomes another one; it becomes
 * the object in u->word, or goes.  -EAGAIN: it is another number.
 */
int conc_count_exchange(struct update *u, int64_t number, uint64_t word);
int conc_count_end(struct update *u, int64_t number);

#endif
