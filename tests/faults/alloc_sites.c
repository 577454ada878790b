/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "alloc_sites.h"

#include <stdio.h>

/* The linker's names for the ends of the section. */
extern struct alloc_site *const __start_alloc_sites[];
extern struct alloc_site *const __stop_alloc_sites[];

static _Atomic long live;
static _Atomic long failures;
static _Atomic int fail_once;

static void *note(struct alloc_site *site, void *memory)
{
	if (memory != NULL) {
		live++;
		return memory;
	}
	site->failures++;
	failures++;
	if (fail_once)
		conc_alloc_fail_after = -1;
	return NULL;
}

/* In parentheses, here and below, it is the library's function and no macro. */
void *alloc_at(struct alloc_site *site, size_t bytes)
{
	return note(site, (conc_alloc)(bytes));
}

void *alloc_array_at(struct alloc_site *site, size_t count, size_t bytes_each)
{
	return note(site, (conc_alloc_array)(count, bytes_each));
}

void *alloc_lines_at(struct alloc_site *site, size_t bytes)
{
	return note(site, (conc_alloc_lines)(bytes));
}

void release_counted(void *memory)
{
	if (memory != NULL)
		live--;
	(conc_release)(memory);
}

void alloc_fail_after(long successes, int once)
{
	failures = 0;
	fail_once = once;
	conc_alloc_fail_after = successes;
}

long alloc_fail_no_more(void)
{
	conc_alloc_fail_after = -1;
	return failures;
}

long alloc_live(void)
{
	return live;
}

int alloc_count_sites(int *failed)
{
	struct alloc_site *const *site = __start_alloc_sites;

	*failed = 0;
	for (; site < __stop_alloc_sites; site++)
		*failed += (*site)->failures > 0;
	return (int)(__stop_alloc_sites - __start_alloc_sites);
}

void alloc_name_sites_that_never_failed(void)
{
	struct alloc_site *const *site = __start_alloc_sites;

	for (; site < __stop_alloc_sites; site++)
		if ((*site)->failures == 0)
			fprintf(stderr, "%s:%d never failed\n", (*site)->file,
				(*site)->line);
}
