/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "errors.h"

#include <errno.h>

PyObject *raise_error(int rc)
{
	if (rc == RAISED)
		return NULL;
	if (rc == -ENOMEM)
		return PyErr_NoMemory();
	if (rc == -ELOOP) {
		PyErr_SetString(PyExc_RuntimeError,
				"__eq__ of a key stores another key of the "
				"same hash whenever it is called");
		return NULL;
	}
	return PyErr_Format(PyExc_SystemError,
			    "libconcurrency answered %d (%s)", rc,
			    conc_strerror(rc));
}

PyObject *raise_from(PyObject *type, const char *message, PyObject *cause)
{
	PyObject *exception = PyObject_CallFunction(type, "s", message);

	if (exception == NULL)
		return NULL;
	if (cause != NULL)
		PyException_SetCause(exception, Py_NewRef(cause));
	PyErr_SetObject((PyObject *)Py_TYPE(exception), exception);
	Py_DECREF(exception);
	return NULL;
}
