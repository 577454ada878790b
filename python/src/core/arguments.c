/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Arguments of methods: collecting them, and converting them to C.
 */
#include "arguments.h"

#include <concurrency.h>

#include <math.h>

#define NS_PER_S 1e9
#define SCALING_MOST 65536

static int find_name(const struct signature *signature, PyObject *name)
{
	for (int i = 0; i < signature->most; i++) {
		if (PyUnicode_CompareWithASCIIString(
			    name, signature->names[i]) == 0)
			return i;
	}
	return -1;
}

static bool take_named(const struct signature *signature, PyObject *const *args,
		       PyObject *names, PyObject **found)
{
	Py_ssize_t count = names == NULL ? 0 : PyTuple_GET_SIZE(names);

	for (Py_ssize_t i = 0; i < count; i++) {
		PyObject *name = PyTuple_GET_ITEM(names, i);
		int at = find_name(signature, name);

		if (at >= 0 && found[at] == NULL) {
			found[at] = args[i];
			continue;
		}
		PyErr_Format(PyExc_TypeError,
			     at < 0 ? "%s() got an unexpected keyword "
				      "argument '%U'"
				    : "%s() got multiple values for argument "
				      "'%U'",
			     signature->function, name);
		return false;
	}
	return true;
}

bool sort_arguments(const struct signature *signature, PyObject *const *args,
		    Py_ssize_t count, PyObject *names, PyObject **found)
{
	if (count > signature->most) {
		PyErr_Format(PyExc_TypeError,
			     "%s() takes at most %d argument%s (%zd given)",
			     signature->function, signature->most,
			     signature->most == 1 ? "" : "s", count);
		return false;
	}
	for (int i = 0; i < signature->most; i++)
		found[i] = i < count ? args[i] : NULL;
	if (!take_named(signature, args + count, names, found))
		return false;
	for (int i = 0; i < signature->required; i++) {
		if (found[i] == NULL) {
			PyErr_Format(PyExc_TypeError,
				     "%s() missing required argument: '%s'",
				     signature->function, signature->names[i]);
			return false;
		}
	}
	return true;
}

PyObject *format_object(PyObject *object, PyObject *spec)
{
	if (PyUnicode_Check(spec))
		return PyObject_Format(object, spec);
	PyErr_Format(PyExc_TypeError,
		     "__format__() argument must be str, not %s",
		     Py_TYPE(spec)->tp_name);
	return NULL;
}

bool take_int64(PyObject *object, const char *what, int64_t *number)
{
	PyObject *index;
	int overflow;

	if (LIKELY(PyLong_CheckExact(object))) {
		*number = compat_long_value(object, &overflow);
	} else {
		index = PyNumber_Index(object);
		if (index == NULL)
			return false;
		*number = compat_long_value(index, &overflow);
		Py_DECREF(index);
	}
	if (LIKELY(overflow == 0))
		return true;
	PyErr_Format(PyExc_OverflowError,
		     "%s does not fit into 64 bits with a sign", what);
	return false;
}

bool take_clamped(PyObject *object, int64_t *number)
{
	PyObject *index = PyNumber_Index(object);
	int overflow;

	if (index == NULL)
		return false;
	*number = compat_long_value(index, &overflow);
	Py_DECREF(index);
	if (overflow != 0)
		*number = overflow < 0 ? INT64_MIN : INT64_MAX;
	return true;
}

/* A timeout that is an int too large for a double: only its sign counts. */
static bool large_timeout(PyObject *timeout, double *seconds)
{
	int overflow = 0;

	if (!PyErr_ExceptionMatches(PyExc_OverflowError) ||
	    !PyLong_Check(timeout))
		return false;
	PyErr_Clear();
	(void)PyLong_AsLongLongAndOverflow(timeout, &overflow);
	*seconds = overflow < 0 ? -HUGE_VAL : HUGE_VAL;
	return true;
}

bool take_timeout(PyObject *timeout, int64_t *deadline)
{
	double seconds;

	*deadline = CONC_FOREVER;
	if (timeout == NULL || timeout == Py_None)
		return true;
	seconds = PyFloat_AsDouble(timeout);
	if (seconds == -1.0 && PyErr_Occurred() &&
	    !large_timeout(timeout, &seconds))
		return false;
	if (isnan(seconds) || seconds < 0) {
		PyErr_SetString(PyExc_ValueError,
				"'timeout' must be a non-negative number");
		return false;
	}
	seconds = ceil(seconds * NS_PER_S);
	if (seconds < (double)INT64_MAX)
		*deadline = conc_deadline_after((int64_t)seconds);
	return true;
}

bool take_scaling(PyObject *scaling, unsigned *threads)
{
	int64_t number;

	*threads = 0;
	if (scaling == NULL || scaling == Py_None)
		return true;
	if (!take_clamped(scaling, &number))
		return false;
	if (number < 1) {
		PyErr_SetString(PyExc_ValueError,
				"'scaling' must be at least 1");
		return false;
	}
	*threads = number > SCALING_MOST ? SCALING_MOST : (unsigned)number;
	return true;
}
