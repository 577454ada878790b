/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ConcurrentGatheringIterator: the type.  What it is stands in gather_object.h. */
#include "gather_object.h"

#include "core/arguments.h"
#include "core/callbacks.h"
#include "core/container.h"
#include "core/errors.h"
#include "iterator.h"

/* --- making and ending --------------------------------------------------- */

static int gather_init(PyObject *object, PyObject *args, PyObject *names)
{
	static char *keywords[] = {"scaling", NULL};
	PyObject *scaling = NULL;
	unsigned threads;

	if (!PyArg_ParseTupleAndKeywords(args, names,
					 "|O:ConcurrentGatheringIterator",
					 keywords, &scaling) ||
	    !take_scaling(scaling, &threads))
		return -1;
	return gather_make((struct gather_object *)object, threads);
}

static PyObject *gather_new(PyTypeObject *type, PyObject *args, PyObject *names)
{
	(void)args;
	(void)names;
	return type->tp_alloc(type, 0);
}

static int gather_traverse(PyObject *object, visitproc visit, void *arg)
{
	struct gather_object *self = (struct gather_object *)object;
	struct tour tour = {visit, arg};

	Py_VISIT(Py_TYPE(object));
	Py_VISIT(self->failure);
	if (self->gather == NULL)
		return 0;
	return conc_gather_traverse(self->gather, visit_object, &tour);
}

static int gather_clear(PyObject *object)
{
	struct gather_object *self = (struct gather_object *)object;

	if (self->gather != NULL)
		conc_gather_clear(self->gather);
	Py_CLEAR(self->failure);
	return 0;
}

static void gather_dealloc(PyObject *object)
{
	struct gather_object *self = (struct gather_object *)object;
	PyTypeObject *type = Py_TYPE(object);

	PyObject_GC_UnTrack(object);
	Py_TRASHCAN_BEGIN(object, gather_dealloc)
	PyObject_ClearWeakRefs(object);
	conc_gather_free(self->gather);
	Py_XDECREF(self->failure);
	type->tp_free(object);
	Py_DECREF(type);
	Py_TRASHCAN_END
}

/* --- methods ------------------------------------------------------------- */

static bool insert(conc_gather *gather, PyObject *index, PyObject *object)
{
	struct conc_value value;
	int64_t key;
	int rc;

	if (!take_int64(index, "the key", &key))
		return false;
	if (key < 0) {
		PyErr_Format(PyExc_ValueError, "a negative key: %lld",
			     (long long)key);
		return false;
	}
	value = value_of(Py_NewRef(object));
	rc = conc_gather_insert(gather, key, &value);
	if (LIKELY(rc == 0))
		return true;
	Py_DECREF(object);
	raise_error(rc);
	return false;
}

PyDoc_STRVAR(gather_insert_doc,
"insert($self, /, key, value)\n"
"--\n"
"\n"
"Puts `value` in its place, `key`, and wakes who waits for it.\n"
"\n"
"The keys are ints from 0 on, in any order.  A key that is inserted twice\n"
"before it was passed: the later value counts.  Atomic; does not wait;\n"
"constant time on average.  TypeError: the key is no int; ValueError: it is\n"
"negative; OverflowError: it does not fit into 64 bits; MemoryError.  Any\n"
"exception out of insert() also fails the gathering, for ever: every iterator\n"
"raises RuntimeError, with the first such exception as its cause.");

static PyObject *gather_insert(PyObject *object, PyObject *const *args,
			       Py_ssize_t count, PyObject *names)
{
	static const struct signature signature = {
		"insert", 2, 2, {"key", "value"}};
	conc_gather *gather = gather_of(object);
	PyObject *found[2];

	if (UNLIKELY(gather == NULL))
		return NULL;
	if (LIKELY(take_arguments(&signature, args, count, names, found) &&
		   insert(gather, found[0], found[1])))
		Py_RETURN_NONE;
	gather_fail((struct gather_object *)object, gather);
	return NULL;
}

PyDoc_STRVAR(gather_iterator_doc,
"iterator($self, /, max_key, clear=True)\n"
"--\n"
"\n"
"An iterator over the values of the keys 0, 1, ... max_key, in that order.\n"
"\n"
"It waits, asleep, for those that are not there yet.  Each value passed is\n"
"dropped from the container, unless `clear` is False.  A negative max_key: no\n"
"values.  One thread at a time may use an iterator (ValueError), several\n"
"iterators may be in use.  RuntimeError: the gathering has failed, see\n"
"insert(), at the next step or while it waits.  Ctrl-C ends a wait; next()\n"
"then goes on with the same key.  TypeError: max_key is no int;\n"
"OverflowError: it does not fit into 64 bits.");

static PyObject *make_iterator(PyObject *object, bool local,
			       const struct signature *signature,
			       PyObject *const *args, Py_ssize_t count,
			       PyObject *names)
{
	PyObject *found[2];
	int64_t max_key;
	int clear;

	if (!take_arguments(signature, args, count, names, found) ||
	    !take_int64(found[0], "max_key", &max_key))
		return NULL;
	clear = found[1] == NULL ? 1 : PyObject_IsTrue(found[1]);
	if (clear < 0)
		return NULL;
	return gather_iterator_new(object, max_key, clear != 0, local);
}

static PyObject *gather_iterator(PyObject *object, PyObject *const *args,
				 Py_ssize_t count, PyObject *names)
{
	static const struct signature signature = {
		"iterator", 1, 2, {"max_key", "clear"}};

	return make_iterator(object, false, &signature, args, count, names);
}

PyDoc_STRVAR(gather_iterator_local_doc,
"iterator_local($self, /, max_key, clear=True)\n"
"--\n"
"\n"
"iterator(), with each value in a LocalWrapper of its own.");

static PyObject *gather_iterator_local(PyObject *object, PyObject *const *args,
				       Py_ssize_t count, PyObject *names)
{
	static const struct signature signature = {
		"iterator_local", 1, 2, {"max_key", "clear"}};

	return make_iterator(object, true, &signature, args, count, names);
}

static PyObject *gather_repr(PyObject *object)
{
	conc_gather *gather = gather_of(object);
	PyObject *name, *text;

	if (gather == NULL)
		return NULL;
	name = PyType_GetName(Py_TYPE(object));
	if (name == NULL)
		return NULL;
	text = PyUnicode_FromFormat(
		"<%U object at %p, %zu waiting%s>", name, object,
		conc_gather_size(gather),
		conc_gather_has_failed(gather) ? ", failed" : "");
	Py_DECREF(name);
	return text;
}

/* --- the type ------------------------------------------------------------ */

PyDoc_STRVAR(gather_doc,
"ConcurrentGatheringIterator(scaling=None)\n"
"--\n"
"\n"
"Brings results back into order: many threads insert() values under the keys\n"
"0, 1, 2, ... in any order, iterator() yields them in key order.\n"
"\n"
"`scaling`: how many threads should insert at the same time; None: the number\n"
"of processors.  ValueError below 1.");

static PyMethodDef gather_methods[] = {
	{"insert", (PyCFunction)(void (*)(void))gather_insert,
	 METH_FASTCALL | METH_KEYWORDS, gather_insert_doc},
	{"iterator", (PyCFunction)(void (*)(void))gather_iterator,
	 METH_FASTCALL | METH_KEYWORDS, gather_iterator_doc},
	{"iterator_local",
	 (PyCFunction)(void (*)(void))gather_iterator_local,
	 METH_FASTCALL | METH_KEYWORDS, gather_iterator_local_doc},
	COMMON_METHODS,
	{NULL, NULL, 0, NULL},
};

static PyMemberDef gather_members[] = {
	COMPAT_WEAKREF_MEMBER(struct gather_object)
	{NULL, 0, 0, 0, NULL},
};

static PyType_Slot gather_slots[] = {
	{Py_tp_doc, (void *)gather_doc},
	{Py_tp_new, gather_new},
	{Py_tp_init, gather_init},
	{Py_tp_dealloc, gather_dealloc},
	{Py_tp_traverse, gather_traverse},
	{Py_tp_clear, gather_clear},
	{Py_tp_repr, gather_repr},
	{Py_tp_methods, gather_methods},
	{Py_tp_members, gather_members},
	{0, NULL},
};

PyType_Spec gather_spec = {
	.name = "concurrency.ConcurrentGatheringIterator",
	.basicsize = sizeof(struct gather_object),
	.flags = CONTAINER_FLAGS,
	.slots = gather_slots,
};
