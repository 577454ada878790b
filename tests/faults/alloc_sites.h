/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Knows every place in lib/ that allocates, and whether it has met a failing
 * allocation.
 *
 * The library is compiled once more with this file before each of its own
 * (-include): a macro stands before conc_alloc() and its like, and notes where
 * it is written.  So a place that is added to the library is known here, too.
 */
#ifndef TESTS_ALLOC_SITES_H
#define TESTS_ALLOC_SITES_H

#include "base/memory.h"

struct alloc_site {
	const char *file;
	int line;
	_Atomic long failures;
};

void *alloc_at(struct alloc_site *site, size_t bytes);
void *alloc_array_at(struct alloc_site *site, size_t count, size_t bytes_each);
void *alloc_lines_at(struct alloc_site *site, size_t bytes);
void release_counted(void *memory);

/* Pointers, as they lie in their section without gaps. */
#define ALLOC_SITE(allocate, ...)                                             \
	(__extension__({                                                      \
		static struct alloc_site site = {__FILE__, __LINE__, 0};      \
		static struct alloc_site *const noted                         \
			__attribute__((section("alloc_sites"), used)) = &site; \
		allocate(noted, __VA_ARGS__);                                 \
	}))

#define conc_alloc(bytes) ALLOC_SITE(alloc_at, bytes)
#define conc_alloc_array(count, bytes_each)                                   \
	ALLOC_SITE(alloc_array_at, count, bytes_each)
#define conc_alloc_lines(bytes) ALLOC_SITE(alloc_lines_at, bytes)
#define conc_release(memory) release_counted(memory)

/*
 * From here on `successes` allocations succeed and then all fail, or with
 * `once` only the next one.
 */
void alloc_fail_after(long successes, int once);

/* From here on all succeed; the number of those that failed. */
long alloc_fail_no_more(void);

/* Blocks that the library has. */
long alloc_live(void);

/* The number of places; *failed: of those that met a failing allocation. */
int alloc_count_sites(int *failed);

/* Names on stderr the places that did not. */
void alloc_name_sites_that_never_failed(void);

#endif
