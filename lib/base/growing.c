/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "growing.h"

#include <errno.h>
#include <string.h>

#include "compiler.h"

/* Larger than any structure will be; so a size that was never set is found out. */
#define SIZE_MOST 4096

static size_t size_in(const void *given)
{
	size_t size;

	memcpy(&size, given, sizeof(size));
	return size;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

int conc_growing_check(const void *given)
{
	size_t size = size_in(given);

	return size < sizeof(size) || size > SIZE_MOST ? -EINVAL : 0;
}

int conc_growing_take(void *own, size_t own_size, const void *given)
{
	if (given == NULL)
		return 0;
	if (conc_growing_check(given) < 0)
		return -EINVAL;
	for (size_t i = own_size; i < size_in(given); i++)
		if (((const char *)given)[i] != 0)
			return -EINVAL;
	memcpy(own, given, least(own_size, size_in(given)));
	memcpy(own, &own_size, sizeof(own_size));
	return 0;
}

/* Not inlined: LTO, which knows the caller's size, would warn of a larger one. */
CONC_NOINLINE void conc_growing_fill(void *given, const void *own, size_t own_size)
{
	size_t size = size_in(given), head = sizeof(size);

	if (size > own_size)
		memset((char *)given + own_size, 0, size - own_size);
	memcpy((char *)given + head, (const char *)own + head,
	       least(own_size, size) - head);
}
