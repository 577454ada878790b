/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * This folder has what is one word: conc_int64 and conc_flag here, conc_ref in
 * ref.c.  It uses base alone.
 *
 * The exported twins of the inline functions, and what is not inline.
 */
#include <config.h>

#include <concurrency/common.h>

#define CONC_ATOMIC_INLINE CONC_API
#include <concurrency/atomic.h>

#include <errno.h>

#include "base/yield_point.h"

static int64_t floor_quotient(int64_t value, int64_t n)
{
	int64_t quotient;

	if (n == -1) /* the one division that leaves 64 bits */
		return (int64_t)(0 - (uint64_t)value);
	quotient = value / n;
	return value % n != 0 && (value < 0) != (n < 0) ? quotient - 1 : quotient;
}

int conc_int64_floor_divide(conc_int64 *a, int64_t n, int64_t *quotient)
{
	int64_t old = conc_int64_get(a), next;

	if (n == 0)
		return -EDOM;
	do {
		next = floor_quotient(old, n);
		CONC_YIELD_POINT();
	} while (!conc_int64_compare_exchange(a, &old, next));
	if (quotient != NULL)
		*quotient = next;
	return 0;
}
