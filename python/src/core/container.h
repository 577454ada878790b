/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What every container type has, and what it asks of an object. */
#ifndef PYTHON_CONTAINER_H
#define PYTHON_CONTAINER_H

#include "compat.h"

/*
 * Whether an object is of the type with this tp_dealloc, or of a subclass: the
 * solid base of every subclass lies on its chain of tp_base.
 */
static inline bool is_instance_by_dealloc(PyObject *object, destructor dealloc)
{
	for (PyTypeObject *type = Py_TYPE(object); type != NULL;
	     type = type->tp_base) {
		if (type->tp_dealloc == dealloc)
			return true;
	}
	return false;
}

/*
 * Methods that every container has.  (No __reduce_ex__: that of object asks for
 * __reduce__, also for one that a subclass defines.)
 */
PyObject *refuse_to_reduce(PyObject *self, PyObject *args);
#define COMMON_METHODS                                                        \
	{"__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS,           \
	 PyDoc_STR("A generic alias, for annotations.")},                     \
	{"__reduce__", refuse_to_reduce, METH_NOARGS,                         \
	 PyDoc_STR("Raises TypeError: it cannot be pickled or copied.")}

#define CONTAINER_FLAGS                                                       \
	(Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC |      \
	 Py_TPFLAGS_IMMUTABLETYPE | COMPAT_WEAKREF_FLAG)

#endif
