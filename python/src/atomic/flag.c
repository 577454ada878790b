/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* AtomicFlag: a conc_flag in a Python object. */
#include "core/container.h"

#include <concurrency.h>

struct flag_object {
	PyObject_HEAD
	conc_flag flag;
	COMPAT_WEAKREF_FIELD
};

static conc_flag *flag_of(PyObject *self)
{
	return &((struct flag_object *)self)->flag;
}

/* --- making and ending --------------------------------------------------- */

static PyObject *flag_new(PyTypeObject *type, PyObject *args, PyObject *names)
{
	(void)args;
	(void)names;
	return type->tp_alloc(type, 0);
}

/* Any object goes by its truth, which is asked before anything changes. */
static bool store(PyObject *self, PyObject *value)
{
	int truth = PyObject_IsTrue(value);

	if (truth < 0)
		return false;
	conc_flag_set(flag_of(self), truth != 0);
	return true;
}

static int flag_init(PyObject *self, PyObject *args, PyObject *names)
{
	static char *keywords[] = {"value", NULL};
	PyObject *value;

	if (!PyArg_ParseTupleAndKeywords(args, names, "O:AtomicFlag", keywords,
					 &value) ||
	    !store(self, value))
		return -1;
	return 0;
}

static int flag_traverse(PyObject *self, visitproc visit, void *arg)
{
	Py_VISIT(Py_TYPE(self));
	return 0;
}

static void flag_dealloc(PyObject *self)
{
	PyTypeObject *type = Py_TYPE(self);

	PyObject_GC_UnTrack(self);
	PyObject_ClearWeakRefs(self);
	type->tp_free(self);
	Py_DECREF(type);
}

/* --- methods ------------------------------------------------------------- */

PyDoc_STRVAR(flag_set_doc,
"set($self, value, /)\n"
"--\n"
"\n"
"Makes it True or False, as `value` is by bool().  Atomic.  What bool(value)\n"
"raises comes out, and nothing was changed.");

static PyObject *flag_set(PyObject *self, PyObject *value)
{
	if (!store(self, value))
		return NULL;
	Py_RETURN_NONE;
}

static int flag_bool(PyObject *self)
{
	return conc_flag_get(flag_of(self));
}

static PyObject *flag_str(PyObject *self)
{
	return PyUnicode_FromString(flag_bool(self) ? "True" : "False");
}

static PyObject *flag_repr(PyObject *self)
{
	PyObject *name = PyType_GetName(Py_TYPE(self)), *text;

	if (name == NULL)
		return NULL;
	text = PyUnicode_FromFormat("%U(%s)", name,
				    flag_bool(self) ? "True" : "False");
	Py_DECREF(name);
	return text;
}

/* --- the type ------------------------------------------------------------ */

PyDoc_STRVAR(flag_doc,
"AtomicFlag(value)\n"
"--\n"
"\n"
"True or False, set by one thread and seen by the others.\n"
"\n"
"set() and bool(flag) are atomic and sequentially consistent, and take no\n"
"lock: whoever sees the flag set also sees what was done before it was set.\n"
"`value` is any object, and counts by its truth.  str(flag) is 'True' or\n"
"'False'.  A flag is compared and hashed by identity: write `if flag`, not\n"
"`if flag == True`.");

static PyMethodDef flag_methods[] = {
	{"set", flag_set, METH_O, flag_set_doc},
	COMMON_METHODS,
	{NULL, NULL, 0, NULL},
};

static PyMemberDef flag_members[] = {
	COMPAT_WEAKREF_MEMBER(struct flag_object)
	{NULL, 0, 0, 0, NULL},
};

static PyType_Slot flag_slots[] = {
	{Py_tp_doc, (void *)flag_doc},
	{Py_tp_new, flag_new},
	{Py_tp_init, flag_init},
	{Py_tp_dealloc, flag_dealloc},
	{Py_tp_traverse, flag_traverse},
	{Py_tp_repr, flag_repr},
	{Py_tp_str, flag_str},
	{Py_tp_methods, flag_methods},
	{Py_tp_members, flag_members},
	{Py_nb_bool, flag_bool},
	{0, NULL},
};

PyType_Spec flag_spec = {
	.name = "concurrency.AtomicFlag",
	.basicsize = sizeof(struct flag_object),
	.flags = CONTAINER_FLAGS,
	.slots = flag_slots,
};
