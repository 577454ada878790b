/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PYTHON_FFI_H
#define PYTHON_FFI_H

#include "state.h"

/* The module's __getattr__, asked for names that it does not have. */
PyObject *module_getattr(PyObject *module, PyObject *name);

#endif
