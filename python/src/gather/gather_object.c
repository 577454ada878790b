/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gather_object.h"

#include "core/callbacks.h"
#include "core/errors.h"

int gather_make(struct gather_object *self, unsigned scaling)
{
	struct conc_gather_attr attr = {
		.size = sizeof(attr),
		.scaling = scaling,
		.values = CONC_VALUE_TYPE_STABLE,
		.value_ops = &object_ops,
		.wait = &long_wait,
	};
	conc_gather *made, *none = NULL;
	int rc = conc_gather_new(&attr, &made);

	if (rc < 0) {
		raise_error(rc);
		return -1;
	}
	/* Another thread may have been faster; then its gatherer it is. */
	if (!__atomic_compare_exchange_n(&self->gather, &none, made, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		conc_gather_free(made);
	return 0;
}

conc_gather *gather_of(PyObject *object)
{
	struct gather_object *self = (struct gather_object *)object;
	conc_gather *gather = __atomic_load_n(&self->gather, __ATOMIC_ACQUIRE);

	if (LIKELY(gather != NULL))
		return gather;
	/* A subclass that does not call our __init__. */
	if (gather_make(self, 0) < 0)
		return NULL;
	return __atomic_load_n(&self->gather, __ATOMIC_ACQUIRE);
}

void gather_fail(struct gather_object *self, conc_gather *gather)
{
	PyObject *exception = compat_take_exception(), *none = NULL;

	Py_INCREF(exception);
	if (!__atomic_compare_exchange_n(&self->failure, &none, exception,
					 false, __ATOMIC_ACQ_REL,
					 __ATOMIC_ACQUIRE))
		Py_DECREF(exception); /* the first one counts */
	conc_gather_fail(gather);
	compat_set_exception(exception);
}

PyObject *gather_raise_failure(PyObject *object)
{
	struct gather_object *self = (struct gather_object *)object;

	return raise_from(PyExc_RuntimeError,
			  "the gathering has failed: an insert() raised",
			  __atomic_load_n(&self->failure, __ATOMIC_ACQUIRE));
}
