/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CONC_DICT_DRAIN_H
#define CONC_DICT_DRAIN_H

#include "table.h"

/*
 * Gives back some of what retired slots own, if readers are gone: when
 * conc_rcu_rest() says so.  Calls release callbacks, so no lock held, outside
 * sections.
 */
void conc_dict_drain_some(conc_dict *dict);

/*
 * After the unlock: releases what a writer displaced, but the word if somebody
 * gets it.
 */
static inline void settle_displaced(conc_dict *dict, conc_reader *reader,
				    const struct displaced *displaced,
				    bool word_is_kept)
{
	if (displaced->owned && !word_is_kept)
		conc_word_release(dict, displaced->word);
	if (displaced->key_owned)
		conc_key_release(dict, displaced->key);
	if (displaced->retired)
		conc_rcu_waits(reader, 0);
}

/* The end of every operation on a dict. */
static CONC_INLINE void conc_dict_rest(conc_dict *dict, conc_reader *reader,
				       const struct conc_wait_hooks *nap)
{
	if (CONC_UNLIKELY(conc_rcu_rest(reader, nap)))
		conc_dict_drain_some(dict);
}

#endif
