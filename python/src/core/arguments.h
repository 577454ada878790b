/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Arguments of methods: collecting them, and converting them to C. */
#ifndef PYTHON_ARGUMENTS_H
#define PYTHON_ARGUMENTS_H

#include "compat.h"

/* What METH_FASTCALL | METH_KEYWORDS hands to a method. */
struct signature {
	const char *function;
	int required, most;
	const char *names[3];
};

/* take_arguments() for any arguments. */
bool sort_arguments(const struct signature *signature, PyObject *const *args,
		    Py_ssize_t count, PyObject *names, PyObject **found);

/*
 * Sorts arguments into found[0 .. most - 1], borrowed, NULL for those not
 * given.  Returns false with TypeError set.  Inline, as there is hardly
 * anything to do when none is named.
 */
static inline bool take_arguments(const struct signature *signature,
				  PyObject *const *args, Py_ssize_t count,
				  PyObject *names, PyObject **found)
{
	if (UNLIKELY(names != NULL || count < signature->required ||
		     count > signature->most))
		return sort_arguments(signature, args, count, names, found);
	for (int i = 0; i < signature->most; i++)
		found[i] = i < count ? args[i] : NULL;
	return true;
}

/*
 * A number of 64 bits from anything with __index__.  False with TypeError, or
 * with OverflowError that begins with `what`.
 */
bool take_int64(PyObject *object, const char *what, int64_t *number);

/* The same, the nearest there is for a number beyond.  False with TypeError. */
bool take_clamped(PyObject *object, int64_t *number);

/* format() for a __format__ method, which may be called with any `spec`. */
PyObject *format_object(PyObject *object, PyObject *spec);

/*
 * A deadline from a timeout in seconds; NULL and None: for ever.  False with
 * TypeError, or with ValueError for a negative number or NaN.
 */
bool take_timeout(PyObject *timeout, int64_t *deadline);

/* `scaling`: NULL and None give 0.  False with TypeError or ValueError. */
bool take_scaling(PyObject *scaling, unsigned *threads);

#endif
