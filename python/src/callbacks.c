/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the library calls back, and how its errors become exceptions.
 */
#include "module.h"

/* --- waiting ------------------------------------------------------------- */

/*
 * A sleeping thread is detached from the interpreter: it lets the GIL go, or,
 * without one, may be left out when the world is stopped.  While the interpreter
 * shuts down, attaching ends (or for ever stops) a daemon thread; the library
 * holds nothing at that moment, so nobody misses it.
 */
static void *detach(void *user)
{
	(void)user;
	return PyEval_SaveThread();
}

static void attach(void *user, void *token)
{
	(void)user;
	PyEval_RestoreThread(token);
}

static int check_signals(void *user)
{
	(void)user;
	return PyErr_CheckSignals() == 0 ? 0 : RAISED;
}

const struct conc_wait_hooks short_wait = {
	.wait_begin = detach,
	.wait_end = attach,
};

const struct conc_wait_hooks long_wait = {
	.wait_begin = detach,
	.wait_end = attach,
	.interrupted = check_signals,
};

/* --- references ---------------------------------------------------------- */

static bool try_retain(void *user, void *value)
{
	(void)user;
	return compat_try_incref(value);
}

static void release(void *user, void *value)
{
	(void)user;
	Py_DECREF((PyObject *)value);
}

const struct conc_value_ops object_ops = {
	.try_retain = try_retain,
	.release = release,
};

int visit_object(void *object, void *tour)
{
	const struct tour *to = tour;

	return to->visit(object, to->arg);
}

/* --- errors -------------------------------------------------------------- */

PyObject *raise_error(int rc)
{
	if (rc == RAISED)
		return NULL;
	if (rc == -ENOMEM)
		return PyErr_NoMemory();
	return PyErr_Format(PyExc_SystemError,
			    "libconcurrency answered %d (%s)", rc,
			    strerror(-rc));
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

PyObject *refuse_to_reduce(PyObject *self, PyObject *args)
{
	(void)args;
	return PyErr_Format(
		PyExc_TypeError,
		"cannot pickle or copy '%s' object: it is shared by the "
		"threads of one process",
		Py_TYPE(self)->tp_name);
}
