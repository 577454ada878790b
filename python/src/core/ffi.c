/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `ffi` and `lib`: the C API for Python code and for other cffi modules.
 *
 * They are made on first access and not at import, because a cffi before
 * version 2 switches the GIL of a free-threaded Python on as soon as its
 * backend is imported.  There we look at the installed version without
 * importing it.
 *
 * cffi's init makes a module of its own and puts it into sys.modules under our
 * name; ours is put back.  Threads that come here together may each make one;
 * the first to be stored is the one that everybody gets.
 */
#include "ffi.h"

#include "errors.h"
#include "state.h"

/* In the generated file: what cffi calls PyInit__concurrency. */
PyObject *concurrency_ffi_init(void);

#ifdef Py_GIL_DISABLED
#define LEAST_MAJOR 2

/* "2.1.0" or NULL, with an exception. */
static PyObject *find_cffi_version(void)
{
	PyObject *metadata = PyImport_ImportModule("importlib.metadata");
	PyObject *version;

	if (metadata == NULL)
		return NULL;
	version = PyObject_CallMethod(metadata, "version", "s", "cffi");
	Py_DECREF(metadata);
	return version;
}

static int check_cffi(void)
{
	PyObject *version = find_cffi_version();
	const char *text;
	long major = 0;

	if (version == NULL)
		return -1;
	text = PyUnicode_Check(version) ? PyUnicode_AsUTF8(version) : NULL;
	if (text != NULL)
		major = strtol(text, NULL, 10);
	if (major < LEAST_MAJOR && !PyErr_Occurred())
		PyErr_Format(PyExc_ImportError,
			     "cffi %S would switch the GIL on", version);
	Py_DECREF(version);
	return major < LEAST_MAJOR ? -1 : 0;
}

#define NEEDS                                                                  \
	"concurrency.ffi and concurrency.lib need cffi 2 or later on a "      \
	"free-threaded Python; the rest of the package does not"
#else
static int check_cffi(void)
{
	return 0;
}

#define NEEDS                                                                  \
	"concurrency.ffi and concurrency.lib need cffi (pip install cffi); "  \
	"the rest of the package does not"
#endif

/* ImportError in place of the exception that is set, which is its cause. */
static void explain(void)
{
	PyObject *cause;

	if (!PyErr_ExceptionMatches(PyExc_ImportError))
		return;
	cause = compat_take_exception();
	raise_from(PyExc_ImportError, NEEDS, cause);
	Py_DECREF(cause);
}

/* Puts our module back under its name; keeps an exception that is set. */
static int restore_module(PyObject *name, PyObject *module)
{
	PyObject *exception = PyErr_Occurred() ? compat_take_exception() : NULL;
	int rc = PyObject_SetItem(PyImport_GetModuleDict(), name, module);

	if (exception != NULL)
		compat_set_exception(exception);
	return rc;
}

static PyObject *run_cffi_init(PyObject *module)
{
	PyObject *name = PyModule_GetNameObject(module), *made;

	if (name == NULL)
		return NULL;
	made = concurrency_ffi_init();
	if (restore_module(name, module) < 0)
		Py_CLEAR(made);
	Py_DECREF(name);
	return made;
}

/* What cffi made, borrowed, or NULL with an exception. */
static PyObject *cffi_module(PyObject *module)
{
	struct module_state *state = PyModule_GetState(module);
	PyObject *found = __atomic_load_n(&state->cffi, __ATOMIC_ACQUIRE);
	PyObject *made;

	if (found != NULL)
		return found;
	made = check_cffi() < 0 ? NULL : run_cffi_init(module);
	if (made == NULL) {
		explain();
		return NULL;
	}
	if (__atomic_compare_exchange_n(&state->cffi, &found, made, false,
					__ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return made;
	Py_DECREF(made);
	return found;
}

PyObject *module_getattr(PyObject *module, PyObject *name)
{
	PyObject *cffi;

	if (!PyUnicode_Check(name) ||
	    (PyUnicode_CompareWithASCIIString(name, "ffi") != 0 &&
	     PyUnicode_CompareWithASCIIString(name, "lib") != 0)) {
		PyErr_Format(PyExc_AttributeError,
			     "module '%s' has no attribute %R",
			     PyModule_GetName(module), name);
		return NULL;
	}
	cffi = cffi_module(module);
	return cffi == NULL ? NULL : PyObject_GetAttr(cffi, name);
}
