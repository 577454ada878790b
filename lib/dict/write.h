/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CONC_DICT_WRITE_H
#define CONC_DICT_WRITE_H

#include "search.h"

/*
 * Reads a count under the shard's lock, where no word is frozen.  0, -ENOENT;
 * -EAGAIN: it is no count any more.
 */
int conc_dict_read_locked(struct search *s, struct conc_value *value);

/* Reads (dict.c), as conc_dict_get() does, with a search that goes on. */
int conc_dict_read(struct search *s, struct conc_value *value);

/*
 * conc_dict_set() of a word, and conc_dict_add(), of a key with this hash that
 * in_place.c could not do at once.  *sum is written if it succeeds.
 */
int conc_dict_set_by_search(conc_dict *dict, uint64_t key, size_t len,
			    uint64_t hash, uint64_t word, struct conc_value *old);
int conc_dict_add_by_search(conc_dict *dict, uint64_t key, size_t len,
			    uint64_t hash, int64_t n, int64_t *sum);

#endif
