/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conc_gather: many threads insert values under the keys 0, 1, 2, ... in any
 * order; readers take them in key order and sleep until the next one is there.
 */
#ifndef CONCURRENCY_GATHER_H
#define CONCURRENCY_GATHER_H

#include <concurrency/cancel.h>
#include <concurrency/value.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct conc_gather conc_gather;

struct conc_gather_attr {
	size_t size; /* sizeof(struct conc_gather_attr) */
	unsigned scaling; /* as in struct conc_dict_attr */
	enum conc_lifetime values;
	const struct conc_value_ops *value_ops; /* for RETAINED, TYPE_STABLE */
	const struct conc_wait_hooks *wait;     /* NULL: none */
};

#define CONC_GATHER_ATTR_INIT \
	{sizeof(struct conc_gather_attr), 0, CONC_VALUE_INT64, NULL, NULL}

/*
 * Makes a gatherer; attr NULL: int64 values.  0; -EINVAL; -EOVERFLOW
 * (scaling); -ENOMEM.
 */
CONC_API int conc_gather_new(const struct conc_gather_attr *attr,
			     conc_gather **out);

/* Releases what is left and frees.  No other user may be left; NULL is allowed. */
CONC_API void conc_gather_free(conc_gather *gather);

/*
 * Puts a value in place of `key` (>= 0) and wakes who waits for it.  Takes over
 * the caller's reference.  A key that is there already: the later value counts,
 * the earlier one is released.  0; -EINVAL (a negative key, a wrong kind of
 * value); -EOVERFLOW; -ENOMEM.
 */
CONC_API int conc_gather_insert(conc_gather *gather, int64_t key,
				const struct conc_value *value);

/*
 * Gives the value of `key`, as a reference that the caller must release, and
 * waits for it until the deadline.  With `clear` the entry is removed.  0;
 * -EAGAIN (CONC_TRY and not there); -ETIMEDOUT; -ENOTRECOVERABLE (not there,
 * and conc_gather_fail() was called); -ECANCELED; the interrupted hook's value;
 * -EINVAL.
 */
CONC_API int conc_gather_take(conc_gather *gather, int64_t key, bool clear,
			      struct conc_value *value, int64_t deadline,
			      conc_cancel *cancel);

/*
 * The two halves, as for conc_queue: try never sleeps, wait takes nothing.  A
 * take in vain makes *value CONC_ABSENT.
 */
CONC_API int conc_gather_try_take(conc_gather *gather, int64_t key, bool clear,
				  struct conc_value *value);
CONC_API int conc_gather_wait(conc_gather *gather, int64_t key,
			      int64_t deadline, conc_cancel *cancel);

/* Marks the gathering as failed: every waiter wakes with -ENOTRECOVERABLE. */
CONC_API void conc_gather_fail(conc_gather *gather);
CONC_API bool conc_gather_has_failed(conc_gather *gather);

/* The number of values that wait to be taken; as conc_dict_size(). */
CONC_API size_t conc_gather_size(conc_gather *gather);

/* Releases every value that waits to be taken.  Needs no memory, cannot fail. */
CONC_API void conc_gather_clear(conc_gather *gather);

/* For tracing garbage collectors, as conc_dict_traverse(). */
CONC_API int conc_gather_traverse(conc_gather *gather,
				  int (*visit)(void *object, void *user),
				  void *user);

#ifdef __cplusplus
}
#endif
#endif
