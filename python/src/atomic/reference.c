/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * AtomicReference: a conc_ref of type-stable Python objects.
 *
 * It always holds an object, None to begin with and after tp_clear, and the
 * library's reference to it is the only one: a reader takes its own while the
 * object may be on its way out (compat_try_incref).
 */
#include "core/arguments.h"
#include "core/callbacks.h"
#include "core/container.h"
#include "core/errors.h"

#include <errno.h>

struct reference_object {
	PyObject_HEAD
	conc_ref *ref; /* made by __new__; then fixed */
	COMPAT_WEAKREF_FIELD
};

static conc_ref *ref_of(PyObject *object)
{
	return ((struct reference_object *)object)->ref;
}

/* --- making and ending --------------------------------------------------- */

/* Makes it hold the object.  False with an exception. */
static bool store(conc_ref *ref, PyObject *object)
{
	struct conc_value value = value_of(Py_NewRef(object));
	int rc = conc_ref_set(ref, &value);

	if (LIKELY(rc == 0))
		return true;
	Py_DECREF(object);
	raise_error(rc);
	return false;
}

/* Never waits, so it needs no hooks: nothing type-stable is kept for later. */
static bool make_reference(struct reference_object *self)
{
	const struct conc_ref_attr attr = {
		.size = sizeof(attr),
		.values = CONC_VALUE_TYPE_STABLE,
		.value_ops = &object_ops,
	};
	int rc = conc_ref_new(&attr, &self->ref);

	if (rc == 0)
		return store(self->ref, Py_None);
	raise_error(rc);
	return false;
}

static PyObject *reference_new(PyTypeObject *type, PyObject *args,
			       PyObject *names)
{
	PyObject *object = type->tp_alloc(type, 0);

	(void)args;
	(void)names;
	if (object != NULL &&
	    !make_reference((struct reference_object *)object))
		Py_CLEAR(object);
	return object;
}

static int reference_init(PyObject *self, PyObject *args, PyObject *names)
{
	static char *keywords[] = {"obj", NULL};
	PyObject *object = Py_None;

	if (!PyArg_ParseTupleAndKeywords(args, names, "|O:AtomicReference",
					 keywords, &object))
		return -1;
	return store(ref_of(self), object) ? 0 : -1;
}

static int reference_traverse(PyObject *self, visitproc visit, void *arg)
{
	struct tour tour = {visit, arg};

	Py_VISIT(Py_TYPE(self));
	if (ref_of(self) == NULL)
		return 0;
	return conc_ref_traverse(ref_of(self), visit_object, &tour);
}

static int reference_clear(PyObject *self)
{
	if (ref_of(self) != NULL && !store(ref_of(self), Py_None))
		PyErr_WriteUnraisable(self);
	return 0;
}

static void reference_dealloc(PyObject *self)
{
	PyTypeObject *type = Py_TYPE(self);

	PyObject_GC_UnTrack(self);
	Py_TRASHCAN_BEGIN(self, reference_dealloc)
	PyObject_ClearWeakRefs(self);
	conc_ref_free(ref_of(self));
	type->tp_free(self);
	Py_DECREF(type);
	Py_TRASHCAN_END
}

/* --- methods ------------------------------------------------------------- */

PyDoc_STRVAR(reference_get_doc,
"get($self, /)\n"
"--\n"
"\n"
"The object that it holds.  Atomic; takes no lock; constant time.");

static PyObject *reference_get(PyObject *self, PyObject *unused)
{
	struct conc_value value;
	int rc = conc_ref_get(ref_of(self), &value);

	(void)unused;
	return LIKELY(rc == 0) ? value.u.pointer : raise_error(rc);
}

PyDoc_STRVAR(reference_set_doc,
"set($self, /, o)\n"
"--\n"
"\n"
"Makes it hold `o`.  Atomic; takes no lock; constant time.  The object that\n"
"it held is released before set() returns.");

static PyObject *reference_set(PyObject *self, PyObject *const *args,
			       Py_ssize_t count, PyObject *names)
{
	static const struct signature signature = {"set", 1, 1, {"o"}};
	PyObject *object;

	if (!take_arguments(&signature, args, count, names, &object) ||
	    !store(ref_of(self), object))
		return NULL;
	Py_RETURN_NONE;
}

PyDoc_STRVAR(reference_exchange_doc,
"exchange($self, /, o)\n"
"--\n"
"\n"
"Makes it hold `o` and returns the object that it held, in one atomic step:\n"
"each object that was stored comes out once.  Takes no lock; constant time.");

static PyObject *reference_exchange(PyObject *self, PyObject *const *args,
				    Py_ssize_t count, PyObject *names)
{
	static const struct signature signature = {"exchange", 1, 1, {"o"}};
	struct conc_value value, old;
	PyObject *object;
	int rc;

	if (!take_arguments(&signature, args, count, names, &object))
		return NULL;
	value = value_of(Py_NewRef(object));
	rc = conc_ref_exchange(ref_of(self), &value, &old);
	if (LIKELY(rc == 0))
		return old.u.pointer;
	Py_DECREF(object);
	return raise_error(rc);
}

PyDoc_STRVAR(reference_compare_exchange_doc,
"compare_exchange($self, /, expected, new)\n"
"--\n"
"\n"
"If it holds the very object `expected`, makes it hold `new` and returns True;\n"
"else changes nothing and returns False.  One atomic step; takes no lock;\n"
"constant time unless other threads interfere.\n"
"\n"
"Objects are compared by identity (`is`), never by ==: mind that equal ints\n"
"and strings may be different objects, so pass what get() returned.  While\n"
"you hold `expected` no other object can be taken for it.  The reference may\n"
"have held others meanwhile and hold it again; as it is the same object, that\n"
"makes no difference to what is exchanged here, but its contents may have\n"
"changed.");

static PyObject *reference_compare_exchange(PyObject *self,
					    PyObject *const *args,
					    Py_ssize_t count, PyObject *names)
{
	static const struct signature signature = {
		"compare_exchange", 2, 2, {"expected", "new"}};
	struct conc_value expected = {.kind = CONC_POINTER}, desired;
	PyObject *found[2];
	int rc;

	if (!take_arguments(&signature, args, count, names, found))
		return NULL;
	expected.u.pointer = found[0];
	desired = value_of(Py_NewRef(found[1]));
	rc = conc_ref_compare_exchange(ref_of(self), &expected, &desired,
				       NULL);
	if (LIKELY(rc == 0))
		Py_RETURN_TRUE;
	drop_value(&desired);
	if (rc == -EAGAIN)
		Py_RETURN_FALSE;
	return raise_error(rc);
}

/* Without `object`: inside the repr of what it holds. */
static PyObject *represent(PyObject *self, PyObject *object)
{
	PyObject *name = PyType_GetName(Py_TYPE(self)), *text = NULL;

	if (name == NULL)
		return NULL;
	text = object == NULL ? PyUnicode_FromFormat("%U(...)", name)
			      : PyUnicode_FromFormat("%U(%R)", name, object);
	Py_DECREF(name);
	return text;
}

static PyObject *reference_repr(PyObject *self)
{
	int entered = Py_ReprEnter(self);
	PyObject *object, *text = NULL;

	if (entered != 0)
		return entered < 0 ? NULL : represent(self, NULL);
	object = reference_get(self, NULL);
	if (object != NULL)
		text = represent(self, object);
	Py_XDECREF(object);
	Py_ReprLeave(self);
	return text;
}

/* --- the type ------------------------------------------------------------ */

PyDoc_STRVAR(reference_doc,
"AtomicReference(obj=None)\n"
"--\n"
"\n"
"A reference to one object, that threads read and replace in one step.\n"
"\n"
"get(), set(), exchange() and compare_exchange() are each atomic and\n"
"sequentially consistent, and take no lock.  An object that is replaced is\n"
"released at once, by the thread that replaced it, while nothing is held: its\n"
"__del__ may use the same reference.\n"
"\n"
"    old = config.get()\n"
"    while not config.compare_exchange(old, updated(old)):\n"
"        old = config.get()\n"
"\n"
"compare_exchange() compares by identity.  An object that was replaced and\n"
"stored again is the same object still, and counts as unchanged.\n"
"\n"
"A reference is itself compared and hashed by identity.");

static PyMethodDef reference_methods[] = {
	{"get", reference_get, METH_NOARGS, reference_get_doc},
	{"set", (PyCFunction)(void (*)(void))reference_set,
	 METH_FASTCALL | METH_KEYWORDS, reference_set_doc},
	{"exchange", (PyCFunction)(void (*)(void))reference_exchange,
	 METH_FASTCALL | METH_KEYWORDS, reference_exchange_doc},
	{"compare_exchange",
	 (PyCFunction)(void (*)(void))reference_compare_exchange,
	 METH_FASTCALL | METH_KEYWORDS, reference_compare_exchange_doc},
	COMMON_METHODS,
	{NULL, NULL, 0, NULL},
};

static PyMemberDef reference_members[] = {
	COMPAT_WEAKREF_MEMBER(struct reference_object)
	{NULL, 0, 0, 0, NULL},
};

static PyType_Slot reference_slots[] = {
	{Py_tp_doc, (void *)reference_doc},
	{Py_tp_new, reference_new},
	{Py_tp_init, reference_init},
	{Py_tp_dealloc, reference_dealloc},
	{Py_tp_traverse, reference_traverse},
	{Py_tp_clear, reference_clear},
	{Py_tp_repr, reference_repr},
	{Py_tp_methods, reference_methods},
	{Py_tp_members, reference_members},
	{0, NULL},
};

PyType_Spec reference_spec = {
	.name = "concurrency.AtomicReference",
	.basicsize = sizeof(struct reference_object),
	.flags = CONTAINER_FLAGS,
	.slots = reference_slots,
};
