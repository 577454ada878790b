/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CONC_DICT_STORE_H
#define CONC_DICT_STORE_H

#include "write.h"

/*
 * Stores a word, replacing what was there, under a key with this hash; `old`,
 * if not NULL, receives that.
 */
int conc_dict_set_by_search(conc_dict *dict, uint64_t key, size_t len,
			    uint64_t hash, uint64_t word, struct conc_value *old);

#endif
