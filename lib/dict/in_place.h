/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CONC_DICT_IN_PLACE_H
#define CONC_DICT_IN_PLACE_H

#include "table.h"

/*
 * Inside a section.  Whether the add counted; else it needs the lock: so does one
 * that would take the sum out of a count's range, which may be an error.  (Adds that
 * are under way in other threads may still take it a little further: base/word.h.)
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
	*sum = word_number(old) + n;
	return true;
}

#endif
