/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PYTHON_GATHER_ITERATOR_H
#define PYTHON_GATHER_ITERATOR_H

#include "core/compat.h"

/*
 * An iterator over the values of a ConcurrentGatheringIterator; `local`: each
 * in a LocalWrapper.
 */
PyObject *gather_iterator_new(PyObject *gather, int64_t max_key, bool clear,
			      bool local);

#endif
