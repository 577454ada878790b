/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CONC_DICT_READ_H
#define CONC_DICT_READ_H

#include "search.h"

/* As conc_dict_get() does, with a search that goes on. */
int conc_dict_read(struct search *s, struct conc_value *value);

/* Gives back the reference in a value that was read; it is absent then. */
void conc_dict_drop(const conc_dict *dict, struct conc_value *value);

#endif
