/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Structures of the caller's that begin with their size and may grow: see
 * concurrency/common.h.
 */
#ifndef CONC_GROWING_H
#define CONC_GROWING_H

#include <stddef.h>

/*
 * Copies what the caller gave, which may be NULL, over the defaults in `own'.
 * `own' is as large as this library knows the structure, and says so after
 * that.  0; -EINVAL: a wrong size, or something in it that is not known; then
 * `own' is as it was.
 */
int conc_growing_take(void *own, size_t own_size, const void *given);

/* Whether a structure that is to be filled in has a possible size.  0, -EINVAL. */
int conc_growing_check(const void *given);

/*
 * Fills in a structure of the caller's from one of ours, but for its size,
 * which is a possible one.  What is not known here is cleared.
 */
void conc_growing_fill(void *given, const void *own, size_t own_size);

#endif
