/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * This folder has what every structure stands on, and knows none of them: it
 * includes the public headers that are about no structure, and itself.  Each
 * structure has a folder beside it, which uses what is here, and of another
 * structure at most its public functions.
 *
 * In this file: the head of every object that a caller holds.  `copy' says
 * which copy of the library made it.  A process may have two, one linked
 * statically and one that a plug-in brought along, each with locks, retired
 * memory and secrets of its own: an object that both worked on would be two.
 */
#ifndef CONC_OBJECT_H
#define CONC_OBJECT_H

#include <stdbool.h>
#include <stddef.h>

#include "compiler.h"

struct conc_object {
	const void *copy;
};

/* Its address is this copy's mark.  Hidden, so that no load is needed for it. */
extern const char conc_copy __attribute__((visibility("hidden")));

static inline void conc_object_mark(void *object)
{
	((struct conc_object *)object)->copy = &conc_copy;
}

/* Whether the object is there, and this copy's. */
static inline bool conc_is_ours(const void *object)
{
	return CONC_LIKELY(object != NULL) &&
	       CONC_LIKELY(((const struct conc_object *)object)->copy ==
			   &conc_copy);
}

#endif
