/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The bodies of the functions that atomic.h declares, which includes it; not to
 * be included by itself.  The library defines each once more, out of line:
 * CONC_ATOMIC_INLINE is how that file asks for it.
 */
#ifndef CONCURRENCY_ATOMIC_INLINE_H
#define CONCURRENCY_ATOMIC_INLINE_H

#include <concurrency/atomic.h>

CONC_ATOMIC_INLINE int64_t conc_int64_get(const conc_int64 *a)
{
	return __atomic_load_n(&a->value, __ATOMIC_SEQ_CST);
}

CONC_ATOMIC_INLINE void conc_int64_set(conc_int64 *a, int64_t value)
{
	__atomic_store_n(&a->value, value, __ATOMIC_SEQ_CST);
}

CONC_ATOMIC_INLINE int64_t conc_int64_exchange(conc_int64 *a, int64_t value)
{
	return __atomic_exchange_n(&a->value, value, __ATOMIC_SEQ_CST);
}

CONC_ATOMIC_INLINE bool conc_int64_compare_exchange(conc_int64 *a,
						   int64_t *expected,
						   int64_t desired)
{
	return __atomic_compare_exchange_n(&a->value, expected, desired, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

CONC_ATOMIC_INLINE int64_t conc_int64_add(conc_int64 *a, int64_t n)
{
	return __atomic_add_fetch(&a->value, n, __ATOMIC_SEQ_CST);
}

CONC_ATOMIC_INLINE int64_t conc_int64_sub(conc_int64 *a, int64_t n)
{
	return __atomic_sub_fetch(&a->value, n, __ATOMIC_SEQ_CST);
}

CONC_ATOMIC_INLINE int64_t conc_int64_incr(conc_int64 *a)
{
	return conc_int64_add(a, 1);
}

CONC_ATOMIC_INLINE int64_t conc_int64_decr(conc_int64 *a)
{
	return conc_int64_sub(a, 1);
}

CONC_ATOMIC_INLINE int64_t conc_int64_and(conc_int64 *a, int64_t n)
{
	return __atomic_and_fetch(&a->value, n, __ATOMIC_SEQ_CST);
}

CONC_ATOMIC_INLINE int64_t conc_int64_or(conc_int64 *a, int64_t n)
{
	return __atomic_or_fetch(&a->value, n, __ATOMIC_SEQ_CST);
}

CONC_ATOMIC_INLINE int64_t conc_int64_xor(conc_int64 *a, int64_t n)
{
	return __atomic_xor_fetch(&a->value, n, __ATOMIC_SEQ_CST);
}

CONC_ATOMIC_INLINE int64_t conc_int64_multiply(conc_int64 *a, int64_t n)
{
	int64_t old = conc_int64_get(a), product;

	do {
		/* Wraps; a cast would be one that C++ has a warning for. */
		(void)__builtin_mul_overflow(old, n, &product);
	} while (!conc_int64_compare_exchange(a, &old, product));
	return product;
}

CONC_ATOMIC_INLINE bool conc_flag_get(const conc_flag *flag)
{
	return __atomic_load_n(&flag->value, __ATOMIC_SEQ_CST);
}

CONC_ATOMIC_INLINE void conc_flag_set(conc_flag *flag, bool value)
{
	__atomic_store_n(&flag->value, value, __ATOMIC_SEQ_CST);
}

CONC_ATOMIC_INLINE bool conc_flag_exchange(conc_flag *flag, bool value)
{
	return __atomic_exchange_n(&flag->value, value, __ATOMIC_SEQ_CST);
}

CONC_ATOMIC_INLINE bool conc_flag_compare_exchange(conc_flag *flag,
						   bool *expected,
						   bool desired)
{
	return __atomic_compare_exchange_n(&flag->value, expected, desired,
					   false, __ATOMIC_SEQ_CST,
					   __ATOMIC_SEQ_CST);
}

#endif
