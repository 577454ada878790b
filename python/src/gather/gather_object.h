/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * This folder has ConcurrentGatheringIterator (gather.c) and its iterators
 * (iterator.c).  They use core.
 *
 * In this file: what a ConcurrentGatheringIterator is, for the type (gather.c)
 * and for the iterators over it (iterator.c): conc_gather with Python objects
 * as values.
 *
 * The exception that made a gathering fail is stored before the gathering is
 * marked as failed, and only once, so whoever sees the mark finds it.
 */
#ifndef PYTHON_GATHER_OBJECT_H
#define PYTHON_GATHER_OBJECT_H

#include "core/compat.h"

#include <concurrency.h>

struct gather_object {
	PyObject_HEAD
	conc_gather *gather; /* NULL before __init__ or the first use; then fixed */
	PyObject *failure;   /* NULL, then one exception until the end */
	COMPAT_WEAKREF_FIELD
};

/* Makes its C structure, unless another thread has.  0, or -1 and an error. */
int gather_make(struct gather_object *self, unsigned scaling);

/* Its C structure, or NULL and MemoryError. */
conc_gather *gather_of(PyObject *gather);

/* Called with an exception set, which stays set: fails the gathering. */
void gather_fail(struct gather_object *self, conc_gather *gather);

/* Raises RuntimeError from what made the gathering fail. */
PyObject *gather_raise_failure(PyObject *gather);

#endif
