/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The extension module concurrency._concurrency: its types and its exceptions.
 *
 * It is also a cffi module; that half is in the generated _concurrency.c, whose
 * init function has been renamed, and is reached through ffi.c.
 */
#include <config.h>

#include "ffi.h"
#include "reclaim.h"
#include "state.h"
#include "types.h"

#include <concurrency.h>

/* --- exceptions ---------------------------------------------------------- */

PyDoc_STRVAR(shut_down_doc,
"Raised by push() after shutdown(), and by pop() when nothing is left then.\n"
"From Python 3.13 on this is queue.ShutDown.");

/* queue.ShutDown, or one of our own: before Python 3.13 there is none. */
static PyObject *find_shut_down(PyObject *queue)
{
	PyObject *found = PyObject_GetAttrString(queue, "ShutDown");

	if (found != NULL || !PyErr_ExceptionMatches(PyExc_AttributeError))
		return found;
	PyErr_Clear();
	return PyErr_NewExceptionWithDoc("concurrency.ShutDown", shut_down_doc,
					 NULL, NULL);
}

static int find_exceptions(struct module_state *state)
{
	PyObject *queue = PyImport_ImportModule("queue");

	if (queue == NULL)
		return -1;
	/* One after the other: none may be asked for with an exception set. */
	if ((state->empty = PyObject_GetAttrString(queue, "Empty")) != NULL &&
	    (state->full = PyObject_GetAttrString(queue, "Full")) != NULL)
		state->shut_down = find_shut_down(queue);
	Py_DECREF(queue);
	return state->shut_down == NULL ? -1 : 0;
}

static int add_exceptions(PyObject *module, struct module_state *state)
{
	if (find_exceptions(state) < 0 ||
	    PyModule_AddObjectRef(module, "Empty", state->empty) < 0 ||
	    PyModule_AddObjectRef(module, "Full", state->full) < 0 ||
	    PyModule_AddObjectRef(module, "ShutDown", state->shut_down) < 0)
		return -1;
	return 0;
}

/* --- the module ---------------------------------------------------------- */

static int add_types(PyObject *module, struct module_state *state)
{
	const struct {
		PyType_Spec *spec;
		PyTypeObject **type;
		bool shown;
	} types[] = {
		{&dict_spec, &state->dict_type, true},
		{&int64_spec, &state->int64_type, true},
		{&flag_spec, &state->flag_type, true},
		{&reference_spec, &state->reference_type, true},
		{&queue_spec, &state->queue_type, true},
		{&std_queue_spec, &state->std_queue_type, true},
		{&wrapper_spec, &state->wrapper_type, true},
		{&gather_spec, &state->gather_type, true},
		{&gather_iterator_spec, &state->gather_iterator_type, false},
	};

	for (size_t i = 0; i < Py_ARRAY_LENGTH(types); i++) {
		PyObject *type = PyType_FromModuleAndSpec(
			module, types[i].spec, NULL);

		*types[i].type = (PyTypeObject *)type;
		if (type == NULL ||
		    (types[i].shown &&
		     PyModule_AddType(module, (PyTypeObject *)type) < 0))
			return -1;
	}
	return 0;
}

/* An AtomicReference is one 64-bit word (lib/atomic/ref.c), as an AtomicInt64 is. */
static PyObject *lock_free(void)
{
	PyObject *word = PyBool_FromLong(
		__atomic_is_lock_free(sizeof(conc_int64), NULL));
	PyObject *flag = PyBool_FromLong(
		__atomic_is_lock_free(sizeof(conc_flag), NULL));

	return Py_BuildValue("{sOsNsN}", "AtomicInt64", word, "AtomicFlag",
			     flag, "AtomicReference", word);
}

/* What `python -m concurrency` tells of how this module was compiled. */
static int add_facts(PyObject *module)
{
	PyObject *dict = lock_free();
	int rc = PyModule_AddObjectRef(module, "_lock_free", dict);

	Py_XDECREF(dict);
	return rc < 0 ? rc
		      : PyModule_AddStringConstant(module, "_compiled_version",
						   PACKAGE_VERSION);
}

/*
 * Structures belong to the process, and cffi's half to one interpreter in it, as
 * does the thread that runs signal handlers: until each of those has been thought
 * through, a second interpreter is refused.
 */
static int check_interpreter(void)
{
	if (PyInterpreterState_Get() == PyInterpreterState_Main())
		return 0;
	PyErr_SetString(PyExc_ImportError,
			"concurrency cannot be used in a subinterpreter");
	return -1;
}

static int module_exec(PyObject *module)
{
	struct module_state *state = PyModule_GetState(module);

	if (check_interpreter() < 0 || add_types(module, state) < 0 ||
	    add_exceptions(module, state) < 0 ||
	    PyModule_AddStringConstant(module, "__version__",
				       conc_version()) < 0 ||
	    add_facts(module) < 0)
		return -1;
	return 0;
}

static int module_traverse(PyObject *module, visitproc visit, void *arg)
{
	struct module_state *state = PyModule_GetState(module);

	Py_VISIT(state->dict_type);
	Py_VISIT(state->int64_type);
	Py_VISIT(state->flag_type);
	Py_VISIT(state->reference_type);
	Py_VISIT(state->queue_type);
	Py_VISIT(state->std_queue_type);
	Py_VISIT(state->wrapper_type);
	Py_VISIT(state->gather_type);
	Py_VISIT(state->gather_iterator_type);
	Py_VISIT(state->empty);
	Py_VISIT(state->full);
	Py_VISIT(state->shut_down);
	Py_VISIT(state->cffi);
	return 0;
}

static int module_clear(PyObject *module)
{
	struct module_state *state = PyModule_GetState(module);

	Py_CLEAR(state->dict_type);
	Py_CLEAR(state->int64_type);
	Py_CLEAR(state->flag_type);
	Py_CLEAR(state->reference_type);
	Py_CLEAR(state->queue_type);
	Py_CLEAR(state->std_queue_type);
	Py_CLEAR(state->wrapper_type);
	Py_CLEAR(state->gather_type);
	Py_CLEAR(state->gather_iterator_type);
	Py_CLEAR(state->empty);
	Py_CLEAR(state->full);
	Py_CLEAR(state->shut_down);
	Py_CLEAR(state->cffi);
	return 0;
}

static void module_free(void *module)
{
	module_clear(module);
}

static PyMethodDef module_methods[] = {
	{"__getattr__", module_getattr, METH_O,
	 PyDoc_STR("Makes `ffi` and `lib` when they are first asked for.")},
	{"reclaim", reclaim, METH_NOARGS, reclaim_doc},
	{"reclaim_pending", reclaim_pending, METH_NOARGS, reclaim_pending_doc},
	{NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot module_slots[] = {
	{Py_mod_exec, module_exec},
#if PY_VERSION_HEX >= 0x030C0000
	{Py_mod_multiple_interpreters,
	 Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030D0000
	{Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
	{0, NULL},
};

struct PyModuleDef module_def = {
	PyModuleDef_HEAD_INIT,
	.m_name = "concurrency._concurrency",
	.m_doc = PyDoc_STR("Concurrent data structures; import `concurrency`."),
	.m_size = sizeof(struct module_state),
	.m_methods = module_methods,
	.m_slots = module_slots,
	.m_traverse = module_traverse,
	.m_clear = module_clear,
	.m_free = module_free,
};

PyMODINIT_FUNC PyInit__concurrency(void)
{
	return PyModuleDef_Init(&module_def);
}
