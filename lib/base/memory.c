/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "memory.h"

#include <concurrency/common.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

_Atomic long conc_alloc_fail_after = -1;

static bool must_fail(void)
{
	long left = atomic_load_explicit(&conc_alloc_fail_after,
					 memory_order_relaxed);

	while (left > 0 && !atomic_compare_exchange_weak_explicit(
				   &conc_alloc_fail_after, &left, left - 1,
				   memory_order_relaxed, memory_order_relaxed))
		;
	return left == 0;
}

/* The names in parentheses: tests make macros of them (tests/faults). */
void *(conc_alloc)(size_t bytes)
{
	return (conc_alloc_array)(1, bytes);
}

/* calloc() would see to the product, but sanitizers end the process for it. */
void *(conc_alloc_array)(size_t count, size_t bytes_each)
{
	size_t bytes;

	if (must_fail() || __builtin_mul_overflow(count, bytes_each, &bytes))
		return NULL;
	return calloc(1, bytes);
}

void *(conc_alloc_lines)(size_t bytes)
{
	void *memory;

	if (must_fail() || bytes > SIZE_MAX - CONC_LINE)
		return NULL;
	bytes = (bytes + CONC_LINE - 1) / CONC_LINE * CONC_LINE;
	memory = aligned_alloc(CONC_LINE, bytes);
	if (memory != NULL)
		memset(memory, 0, bytes);
	return memory;
}

void conc_free(void *item, void *user)
{
	(void)user;
	free(item);
}

void (conc_release)(void *memory)
{
	free(memory);
}
