/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PYTHON_LOCAL_WRAPPER_H
#define PYTHON_LOCAL_WRAPPER_H

#include "state.h"

/* A LocalWrapper of `object`. */
PyObject *local_wrapper_new(struct module_state *state, PyObject *object);
/*
 * Puts another object into a wrapper that nobody else has seen yet; takes over
 * the reference.  So a wrapper is made before an item is taken for it, and an
 * item is never lost for lack of memory.
 */
void local_wrapper_fill(PyObject *wrapper, PyObject *object);

#endif
