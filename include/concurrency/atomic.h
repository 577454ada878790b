/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conc_int64 and conc_flag: a 64-bit integer, and a truth value, that any
 * thread may change at any time.
 *
 * Every operation is one indivisible step, and sequentially consistent: all
 * threads see all of them in one order.  Arithmetic wraps at 64 bits in two's
 * complement, as atomic integers do.  Each function is inline here and an
 * exported symbol of the same name for callers through an FFI.  None can fail
 * but conc_int64_floor_divide; the pointer must be valid.  A conc_int64 is
 * aligned to 8 bytes, also where an int64_t is not.
 *
 * With CONC_NO_INLINE defined before it is included, this header declares plain
 * functions only: for generators of bindings, which cannot call inline ones,
 * and for compilers without GCC's atomics.
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

#ifdef CONC_NO_INLINE
#define CONC_ATOMIC_INLINE CONC_API
#endif
#ifndef CONC_ATOMIC_INLINE
#define CONC_ATOMIC_INLINE static inline
#endif

/* The value. */
CONC_ATOMIC_INLINE int64_t conc_int64_get(const conc_int64 *a);

/* Sets the value. */
CONC_ATOMIC_INLINE void conc_int64_set(conc_int64 *a, int64_t value);

/* Sets the value and returns the one it replaced. */
CONC_ATOMIC_INLINE int64_t conc_int64_exchange(conc_int64 *a, int64_t value);

/*
 * Sets the value to `desired` if it is *expected, and returns true; else
 * writes the value to *expected and returns false.  Never fails without cause.
 */
CONC_ATOMIC_INLINE bool conc_int64_compare_exchange(conc_int64 *a,
						   int64_t *expected,
						   int64_t desired);

/* Adds n; returns the new value. */
CONC_ATOMIC_INLINE int64_t conc_int64_add(conc_int64 *a, int64_t n);

/* Subtracts n; returns the new value. */
CONC_ATOMIC_INLINE int64_t conc_int64_sub(conc_int64 *a, int64_t n);

/* Adds 1; returns the new value. */
CONC_ATOMIC_INLINE int64_t conc_int64_incr(conc_int64 *a);

/* Subtracts 1; returns the new value. */
CONC_ATOMIC_INLINE int64_t conc_int64_decr(conc_int64 *a);

/* Bitwise and, or, exclusive or with n; return the new value. */
CONC_ATOMIC_INLINE int64_t conc_int64_and(conc_int64 *a, int64_t n);
CONC_ATOMIC_INLINE int64_t conc_int64_or(conc_int64 *a, int64_t n);
CONC_ATOMIC_INLINE int64_t conc_int64_xor(conc_int64 *a, int64_t n);

/* Multiplies by n; returns the new value.  Lock-free: repeats when raced. */
CONC_ATOMIC_INLINE int64_t conc_int64_multiply(conc_int64 *a, int64_t n);

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
CONC_ATOMIC_INLINE bool conc_flag_get(const conc_flag *flag);

/* Sets it, or clears it. */
CONC_ATOMIC_INLINE void conc_flag_set(conc_flag *flag, bool value);

/* The same; returns what it was. */
CONC_ATOMIC_INLINE bool conc_flag_exchange(conc_flag *flag, bool value);

/* As conc_int64_compare_exchange(). */
CONC_ATOMIC_INLINE bool conc_flag_compare_exchange(conc_flag *flag,
						   bool *expected,
						   bool desired);

#ifndef CONC_NO_INLINE
#include <concurrency/atomic_inline.h>
#endif

#ifdef __cplusplus
}
#endif
#endif
