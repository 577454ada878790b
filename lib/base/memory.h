/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every allocation of the library goes through here, so that tests can make
 * each of them fail.
 */
#ifndef CONC_MEMORY_H
#define CONC_MEMORY_H

#include <stdatomic.h>
#include <stddef.h>

/* The size that keeps two threads' words from sharing a line of the cache. */
#define CONC_LINE 64

/* Zeroed memory, or NULL. */
void *conc_alloc(size_t bytes);

/* The same for so many of that size; NULL also when no size_t holds them all. */
void *conc_alloc_array(size_t count, size_t bytes_each);

/* The same as conc_alloc(), starting on a cache line of its own and ending one. */
void *conc_alloc_lines(size_t bytes);

void conc_release(void *memory);

/*
 * For tests: the number of allocations that still succeed before all fail; -1,
 * as it is outside tests, for no limit.
 */
extern _Atomic long conc_alloc_fail_after;

#endif
