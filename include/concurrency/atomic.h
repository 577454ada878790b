/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conc_int64 and conc_flag: a 64-bit integer, and a truth value, that any
 * thread may change at any time.
 *
 * Every operation is one indivisible step, and sequentially consistent: all
 * threads see all of them in one order.  Arithmetic wraps at 64 bits in two's
 * complement, as atomic integers do.  Each function is inline here and an
 * exported symbol of the same name for callers through an FFI.  None can fail
 * but conc_int64_floor_divide; the pointer must be valid.  A conc_int64 is aligned
 * to 8 bytes, also where an int64_t is not.
 */
#ifndef CONCURRENCY_ATOMIC_H
#define CONCURRENCY_ATOMIC_H

#include <concurrency/common.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Yours to place anywhere; change it through the functions only. */
typedef struct conc_int64 {
	int64_t value CONC_ALIGNED;
} conc_int64;

#define CONC_INT64_INIT(number) {number}

/*
 * Every inline function is defined once more, out of line, by the library:
 * CONC_ATOMIC_INLINE is how that translation unit asks for it.
 */
#ifndef CONC_ATOMIC_INLINE
#define CONC_ATOMIC_INLINE static inline
#endif

/* The value. */
CONC_ATOMIC_INLINE int64_t conc_int64_get(const conc_int64 *a)
{
	return __atomic_load_n(&a->value, __ATOMIC_SEQ_CST);
}

/* Sets the value. */
CONC_ATOMIC_INLINE void conc_int64_set(conc_int64 *a, int64_t value)
{
	__atomic_store_n(&a->value, value, __ATOMIC_SEQ_CST);
}

/* Sets the value and returns the one it replaced. */
CONC_ATOMIC_INLINE int64_t conc_int64_exchange(conc_int64 *a, int64_t value)
{
	return __atomic_exchange_n(&a->value, value, __ATOMIC_SEQ_CST);
}

/*
 * Sets the value to `desired` if it is *expected, and returns true; else
 * writes the value to *expected and returns false.  Never fails without cause.
 */
CONC_ATOMIC_INLINE bool conc_int64_compare_exchange(conc_int64 *a,
						   int64_t *expected,
						   int64_t desired)
{
	return __atomic_compare_exchange_n(&a->value, expected, desired, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/* Adds n; returns the new value. */
CONC_ATOMIC_INLINE int64_t conc_int64_add(conc_int64 *a, int64_t n)
{
	return __atomic_add_fetch(&a->value, n, __ATOMIC_SEQ_CST);
}

/* Subtracts n; returns the new value. */
CONC_ATOMIC_INLINE int64_t conc_int64_sub(conc_int64 *a, int64_t n)
{
	return __atomic_sub_fetch(&a->value, n, __ATOMIC_SEQ_CST);
}

/* Adds 1; returns the new value. */
CONC_ATOMIC_INLINE int64_t conc_int64_incr(conc_int64 *a)
{
	return conc_int64_add(a, 1);
}

/* Subtracts 1; returns the new value. */
CONC_ATOMIC_INLINE int64_t conc_int64_decr(conc_int64 *a)
{
	return conc_int64_sub(a, 1);
}

/* Bitwise and, or, exclusive or with n; return the new value. */
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

/* Multiplies by n; returns the new value.  Lock-free: repeats when raced. */
CONC_ATOMIC_INLINE int64_t conc_int64_multiply(conc_int64 *a, int64_t n)
{
	int64_t old = conc_int64_get(a), product;

	do {
		/* Wraps; a cast would be one that C++ has a warning for. */
		(void)__builtin_mul_overflow(old, n, &product);
	} while (!conc_int64_compare_exchange(a, &old, product));
	return product;
}

/*
 * Divides by n, rounding towards minus infinity, and writes the new value to
 * *quotient, if that is not NULL.  0; -EDOM, nothing changed: n is 0.
 * -2^63 / -1 wraps to -2^63.  Lock-free: repeats when raced.
 */
CONC_API int conc_int64_floor_divide(conc_int64 *a, int64_t n,
				     int64_t *quotient);

/* Yours to place anywhere; change it through the functions only. */
typedef struct conc_flag {
	bool value;
} conc_flag;

#define CONC_FLAG_INIT(truth) {truth}

/* Whether it is set. */
CONC_ATOMIC_INLINE bool conc_flag_get(const conc_flag *flag)
{
	return __atomic_load_n(&flag->value, __ATOMIC_SEQ_CST);
}

/* Sets it, or clears it. */
CONC_ATOMIC_INLINE void conc_flag_set(conc_flag *flag, bool value)
{
	__atomic_store_n(&flag->value, value, __ATOMIC_SEQ_CST);
}

/* The same; returns what it was. */
CONC_ATOMIC_INLINE bool conc_flag_exchange(conc_flag *flag, bool value)
{
	return __atomic_exchange_n(&flag->value, value, __ATOMIC_SEQ_CST);
}

/* As conc_int64_compare_exchange(). */
CONC_ATOMIC_INLINE bool conc_flag_compare_exchange(conc_flag *flag,
						   bool *expected,
						   bool desired)
{
	return __atomic_compare_exchange_n(&flag->value, expected, desired,
					   false, __ATOMIC_SEQ_CST,
					   __ATOMIC_SEQ_CST);
}

#ifdef __cplusplus
}
#endif
#endif
