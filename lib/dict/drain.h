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

/* The end of every operation on a dict. */
static CONC_INLINE void conc_dict_rest(conc_dict *dict, conc_reader *reader,
				       const struct conc_wait_hooks *nap)
{
	if (CONC_UNLIKELY(conc_rcu_rest(reader, nap)))
		conc_dict_drain_some(dict);
}

#endif
