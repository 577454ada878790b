/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CONC_DICT_WRITE_H
#define CONC_DICT_WRITE_H

#include "dict_search.h"

/*
 * Reads a count under the shard's lock, where no word is frozen.  0, -ENOENT;
 * -EAGAIN: it is no count any more.
 */
int dict_read_locked(struct search *s, struct conc_value *value);

/* Reads (dict.c), as conc_dict_get() does, with a search that goes on. */
int dict_read(struct search *s, struct conc_value *value);

#endif
