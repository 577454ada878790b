/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CONC_DICT_DRAIN_H
#define CONC_DICT_DRAIN_H

#include "table.h"

/*
 * Gives back what retired slots own, if enough of them wait and readers are
 * gone: calls release callbacks, so no lock held, outside sections.
 */
void conc_dict_drain_if_due(conc_dict *dict);

#endif
