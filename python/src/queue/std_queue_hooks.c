/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which subclasses of StdConcurrentQueue decide themselves how items are kept,
 * the LockedQueue that serves these, and the hooks that they did not override.
 */
#include "std_queue_hooks.h"

#include "core/state.h"

/* Whether the type has another `name` than we gave it: 1, 0, or -1 and an error. */
static int overrides(PyTypeObject *type, PyTypeObject *base, const char *name)
{
	PyObject *theirs = PyObject_GetAttrString((PyObject *)type, name);
	PyObject *ours = PyObject_GetAttrString((PyObject *)base, name);
	int differ = theirs == NULL || ours == NULL ? -1 : theirs != ours;

	Py_XDECREF(theirs);
	Py_XDECREF(ours);
	return differ;
}

int overrides_hooks(PyTypeObject *type)
{
	static const char *const hooks[] = {"_init", "_qsize", "_put", "_get"};
	struct module_state *state;
	int differ = 0;

	state = module_state_of(type);
	if (state == NULL)
		return -1;
	if (type == state->std_queue_type)
		return 0;
	for (size_t i = 0; differ == 0 && i < Py_ARRAY_LENGTH(hooks); i++)
		differ = overrides(type, state->std_queue_type, hooks[i]);
	return differ;
}

PyObject *locked_queue_new(PyObject *self, PyObject *maxsize)
{
	PyObject *module, *made;

	module = PyImport_ImportModule("concurrency._locked_queue");
	if (module == NULL)
		return NULL;
	made = PyObject_CallMethod(module, "LockedQueue", "OO", self, maxsize);
	Py_DECREF(module);
	return made;
}

#define FORWARDED_MOST 4

PyObject *locked_queue_call(PyObject *self, PyObject *locked,
			    const char *method, PyObject *const *args,
			    Py_ssize_t count, PyObject *names)
{
	Py_ssize_t all = count + (names == NULL ? 0 : PyTuple_GET_SIZE(names));
	PyObject *stack[2 + FORWARDED_MOST] = {locked, self};
	PyObject *name, *result;

	if (all > FORWARDED_MOST)
		return PyErr_Format(PyExc_TypeError,
				    "%s() got too many arguments", method);
	for (Py_ssize_t i = 0; i < all; i++)
		stack[2 + i] = args[i];
	name = PyUnicode_InternFromString(method);
	if (name == NULL)
		return NULL;
	result = PyObject_VectorcallMethod(name, stack, 2 + count, names);
	Py_DECREF(name);
	return result;
}

/* --- the hooks, as they are if not overridden ----------------------------- */

PyObject *std_queue_init_hook(PyObject *self, PyObject *maxsize)
{
	PyObject *module = PyImport_ImportModule("collections"), *items;
	int rc;

	(void)maxsize;
	if (module == NULL)
		return NULL;
	items = PyObject_CallMethod(module, "deque", NULL);
	Py_DECREF(module);
	if (items == NULL)
		return NULL;
	rc = PyObject_SetAttrString(self, "queue", items);
	Py_DECREF(items);
	return rc < 0 ? NULL : Py_NewRef(Py_None);
}

PyObject *std_queue_qsize_hook(PyObject *self, PyObject *unused)
{
	PyObject *items = PyObject_GetAttrString(self, "queue");
	Py_ssize_t size;

	(void)unused;
	if (items == NULL)
		return NULL;
	size = PyObject_Size(items);
	Py_DECREF(items);
	return size < 0 ? NULL : PyLong_FromSsize_t(size);
}

PyObject *std_queue_put_hook(PyObject *self, PyObject *item)
{
	PyObject *items = PyObject_GetAttrString(self, "queue"), *result;

	if (items == NULL)
		return NULL;
	result = PyObject_CallMethod(items, "append", "(O)", item);
	Py_DECREF(items);
	return result;
}

PyObject *std_queue_get_hook(PyObject *self, PyObject *unused)
{
	PyObject *items = PyObject_GetAttrString(self, "queue"), *result;

	(void)unused;
	if (items == NULL)
		return NULL;
	result = PyObject_CallMethod(items, "popleft", NULL);
	Py_DECREF(items);
	return result;
}
