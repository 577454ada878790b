/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What ConcurrentGatheringIterator.iterator() returns.
 *
 * `next` is the key whose value comes next; it moves on only when that value
 * was taken, so a step that an exception ended is tried again by the next one.
 * One thread at a time takes a step (`busy`): nobody waits for another's.
 */
#include "iterator.h"

#include "gather_object.h"
#include "core/callbacks.h"
#include "core/container.h"
#include "core/errors.h"
#include "core/local_wrapper.h"
#include "core/state.h"

#include <errno.h>

struct iterator_object {
	PyObject_HEAD
	PyObject *gather;
	int64_t next, max_key;
	bool clear;
	bool local;
	bool busy;
};

PyObject *gather_iterator_new(PyObject *gather, int64_t max_key, bool clear,
			      bool local)
{
	struct module_state *state = module_state_of(Py_TYPE(gather));
	struct iterator_object *self;

	if (state == NULL)
		return NULL;
	self = PyObject_GC_New(struct iterator_object,
			       state->gather_iterator_type);
	if (self == NULL)
		return NULL;
	self->gather = Py_NewRef(gather);
	self->next = 0;
	self->max_key = max_key;
	self->clear = clear;
	self->local = local;
	self->busy = false;
	PyObject_GC_Track(self);
	return (PyObject *)self;
}

static int iterator_traverse(PyObject *object, visitproc visit, void *arg)
{
	Py_VISIT(Py_TYPE(object));
	Py_VISIT(((struct iterator_object *)object)->gather);
	return 0;
}

/* No tp_clear: the gatherer's own breaks every cycle through an iterator. */
static void iterator_dealloc(PyObject *object)
{
	PyTypeObject *type = Py_TYPE(object);

	PyObject_GC_UnTrack(object);
	Py_DECREF(((struct iterator_object *)object)->gather);
	type->tp_free(object);
	Py_DECREF(type);
}

/* Waits detached, then tries attached. */
static int take(struct iterator_object *self, conc_gather *gather,
		struct conc_value *value)
{
	int rc;

	for (;;) {
		if (conc_gather_has_failed(gather))
			return -ENOTRECOVERABLE;
		rc = conc_gather_try_take(gather, self->next, self->clear,
					  value);
		if (rc != -EAGAIN)
			return rc;
		rc = conc_gather_wait(gather, self->next, CONC_FOREVER, NULL);
		if (rc < 0 && rc != -ENOTRECOVERABLE)
			return rc;
	}
}

static PyObject *step(struct iterator_object *self)
{
	conc_gather *gather = gather_of(self->gather);
	struct conc_value value;
	int rc;

	if (gather == NULL)
		return NULL;
	rc = take(self, gather, &value);
	if (rc == -ENOTRECOVERABLE)
		return gather_raise_failure(self->gather);
	if (rc < 0)
		return raise_error(rc);
	if (self->next == INT64_MAX)
		self->max_key = -1; /* that was the last key of all */
	else
		self->next++;
	return object_of(&value);
}

/* The wrapper first: what was taken must not be lost for lack of memory. */
static PyObject *local_step(struct iterator_object *self)
{
	struct module_state *state = module_state_of(Py_TYPE(self));
	PyObject *wrapper, *object;

	wrapper = state == NULL ? NULL : local_wrapper_new(state, Py_None);
	if (wrapper == NULL)
		return NULL;
	object = step(self);
	if (object == NULL) {
		Py_DECREF(wrapper);
		return NULL;
	}
	local_wrapper_fill(wrapper, object);
	return wrapper;
}

static PyObject *iterator_next(PyObject *object)
{
	struct iterator_object *self = (struct iterator_object *)object;
	PyObject *result;

	if (__atomic_exchange_n(&self->busy, true, __ATOMIC_ACQUIRE)) {
		PyErr_SetString(PyExc_ValueError,
				"the iterator is already in use");
		return NULL;
	}
	if (self->next > self->max_key)
		result = NULL;
	else
		result = self->local ? local_step(self) : step(self);
	__atomic_store_n(&self->busy, false, __ATOMIC_RELEASE);
	return result;
}

PyDoc_STRVAR(iterator_doc,
"An iterator over gathered values; see ConcurrentGatheringIterator.iterator().");

static PyMethodDef iterator_methods[] = {
	COMMON_METHODS,
	{NULL, NULL, 0, NULL},
};

static PyType_Slot iterator_slots[] = {
	{Py_tp_doc, (void *)iterator_doc},
	{Py_tp_dealloc, iterator_dealloc},
	{Py_tp_traverse, iterator_traverse},
	{Py_tp_iter, PyObject_SelfIter},
	{Py_tp_iternext, iterator_next},
	{Py_tp_methods, iterator_methods},
	{0, NULL},
};

PyType_Spec gather_iterator_spec = {
	.name = "concurrency._GatheringIterator",
	.basicsize = sizeof(struct iterator_object),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC |
		 Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
	.slots = iterator_slots,
};
