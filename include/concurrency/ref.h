/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conc_ref: a reference to one value, or to nothing, that any thread may read
 * and replace at any time.
 *
 * get, set, exchange, compare_exchange and clear are each one indivisible step,
 * and sequentially consistent.  None takes a lock, and none waits for readers.
 * (While very much memory waits for them, a write to a RETAINED reference may
 * nap for 1 ms: conc_reclaim_set_limit().)
 */
#ifndef CONCURRENCY_REF_H
#define CONCURRENCY_REF_H

#include <concurrency/value.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct conc_ref conc_ref;

struct conc_ref_attr {
	size_t size; /* sizeof(struct conc_ref_attr) */
	enum conc_lifetime values;
	const struct conc_value_ops *value_ops; /* for RETAINED, TYPE_STABLE */
	const struct conc_wait_hooks *wait;	/* for RETAINED; NULL: none */
};

#define CONC_REF_ATTR_INIT \
	{sizeof(struct conc_ref_attr), CONC_VALUE_INT64, NULL, NULL}

/*
 * Makes a reference that holds nothing; attr NULL: int64 values.  Stores it in
 * *out, to be freed with conc_ref_free().  0; -EINVAL (out NULL, a wrong size,
 * an unknown lifetime, a missing callback); -ENOMEM.
 */
CONC_API int conc_ref_new(const struct conc_ref_attr *attr, conc_ref **out);

/*
 * Releases what it holds and what waits for a grace period, at once, and frees.
 * No other user may be left; NULL is allowed.
 */
CONC_API void conc_ref_free(conc_ref *ref);

/*
 * Below, values go in as CONC_NUMBER or CONC_POINTER, as the lifetime says, or
 * as CONC_ABSENT for nothing.  A reference of RETAINED or TYPE_STABLE pointers
 * may also hold a number, -2^59 <= n < 2^59.  NULL for an argument, a wrong
 * kind, a NULL or misaligned pointer: -EINVAL; a number out of range:
 * -EOVERFLOW.
 *
 * A successful set, exchange or compare_exchange takes over the caller's
 * reference to the pointer it stored; a failed one leaves it with the caller,
 * and changes nothing.  What comes out through `value`, `old` or `present` is a
 * reference that the caller must release (but borrowed pointers).  What is
 * replaced is released as its lifetime says: a TYPE_STABLE pointer before the
 * call returns; a RETAINED one by some hundred later operations on this
 * reference, reads too, or by the next one after a conc_reclaim().
 *
 * Only storing a RETAINED pointer needs memory.
 */

/* What it holds.  Needs no memory.  0; -EINVAL. */
CONC_API int conc_ref_get(conc_ref *ref, struct conc_value *value);

/* Makes it hold `value`.  0; -EINVAL; -EOVERFLOW; -ENOMEM. */
CONC_API int conc_ref_set(conc_ref *ref, const struct conc_value *value);

/* The same; *old receives what it held.  0; as conc_ref_set(). */
CONC_API int conc_ref_exchange(conc_ref *ref, const struct conc_value *value,
			       struct conc_value *old);

/*
 * If it holds `expected` (the same number, the same pointer, or CONC_ABSENT for
 * nothing), makes it hold `desired`.  The reference that it had to a replaced
 * pointer is released.  `present', if not NULL, receives the value that it
 * holds instead, or CONC_ABSENT when it was exchanged; it may be `expected'
 * itself.  0; -EAGAIN: it holds another value, also when `expected' is a number
 * or a pointer that it cannot hold, and nothing has changed; else as
 * conc_ref_set().  Never fails without cause.
 */
CONC_API int conc_ref_compare_exchange(conc_ref *ref,
				       const struct conc_value *expected,
				       const struct conc_value *desired,
				       struct conc_value *present);

/*
 * Makes it hold nothing, and releases what waits, but for RETAINED pointers that
 * a read under way may have: these are left to later operations.  Needs no
 * memory, cannot fail.
 */
CONC_API void conc_ref_clear(conc_ref *ref);

/*
 * For tracing garbage collectors, as conc_dict_traverse(): visits each
 * reference to a pointer that it owns, those that wait for a grace period too.
 */
CONC_API int conc_ref_traverse(conc_ref *ref,
			       int (*visit)(void *object, void *user),
			       void *user);

#ifdef __cplusplus
}
#endif
#endif
