/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "container.h"

PyObject *refuse_to_reduce(PyObject *self, PyObject *args)
{
	(void)args;
	return PyErr_Format(
		PyExc_TypeError,
		"cannot pickle or copy '%s' object: it is shared by the "
		"threads of one process",
		Py_TYPE(self)->tp_name);
}
