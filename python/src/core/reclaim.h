/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory of the library that waits for readers: two functions of the module. */
#ifndef PYTHON_RECLAIM_H
#define PYTHON_RECLAIM_H

#include "compat.h"

extern const char reclaim_doc[], reclaim_pending_doc[];

PyObject *reclaim(PyObject *module, PyObject *unused);
PyObject *reclaim_pending(PyObject *module, PyObject *unused);

#endif
