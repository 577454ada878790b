/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Errors of the library as exceptions. */
#ifndef PYTHON_ERRORS_H
#define PYTHON_ERRORS_H

#include "compat.h"

#include <concurrency.h>

/* What a callback of ours returns when a Python exception is set. */
#define RAISED CONC_ERROR_FIRST

/*
 * Raises what an error of the library means, if it means nothing special to
 * the caller; returns NULL.
 */
PyObject *raise_error(int rc);

/* Raises type(message) from the exception `cause`, which may be NULL. */
PyObject *raise_from(PyObject *type, const char *message, PyObject *cause);

#endif
