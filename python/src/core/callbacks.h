/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the library calls: waiting, references, keys; and values that hold objects. */
#ifndef PYTHON_CALLBACKS_H
#define PYTHON_CALLBACKS_H

#include "compat.h"

#include <concurrency.h>

/* For a structure whose waits are short: sleeps detached. */
extern const struct conc_wait_hooks short_wait;
/* For waits without end: Ctrl-C and other signal handlers end them too. */
extern const struct conc_wait_hooks long_wait;
/* Python objects as values of lifetime CONC_VALUE_TYPE_STABLE. */
extern const struct conc_value_ops object_ops;
/* Python objects as keys of the general kind. */
extern const struct conc_key_ops key_ops;

/* A value that holds `object`; the caller has a reference to give away. */
static inline struct conc_value value_of(PyObject *object)
{
	struct conc_value value = {.kind = CONC_POINTER};

	compat_enable_try_incref(object);
	value.u.pointer = object;
	return value;
}

/* The object in a value whose reference is ours: a new one for a number. */
static inline PyObject *object_of(const struct conc_value *value)
{
	if (LIKELY(value->kind == CONC_POINTER))
		return value->u.pointer;
	return PyLong_FromLongLong(value->u.number);
}

/* Lets go of a value that the library gave us. */
static inline void drop_value(const struct conc_value *value)
{
	if (value->kind == CONC_POINTER)
		Py_DECREF((PyObject *)value->u.pointer);
}

/* tp_traverse and the library's tour have visitors of different types. */
struct tour {
	visitproc visit;
	void *arg;
};
int visit_object(void *object, void *tour);

#endif
