/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the module knows: its types and exceptions.  Every type asks here; only
 * module.c, which makes them, knows the types.
 *
 * This folder has what all types of the module stand on, and the module itself:
 *
 *	compat.h       what differs between interpreters
 *	state.h        the module's state
 *	errors.[ch]    errors of the library as exceptions
 *	arguments.[ch] arguments of methods: collecting and converting
 *	callbacks.[ch] what the library calls: waiting, references, keys
 *	container.[ch] what every container type has
 *	local_wrapper.[ch]  LocalWrapper, which the containers hand out
 *	ffi.[ch]       `ffi` and `lib`, made by cffi on first access
 *	types.h module.c    all types, and the module made of them
 *
 * Each may include those above it.  The folders beside this one have a family
 * of types each; they include what is here, but types.h, and nothing of one
 * another.
 *
 * One rule: no Python code runs inside a read section or with a lock of the
 * library held.  The library keeps it for its side; here it means that the
 * callbacks named there (fast_eq, retain, try_retain) call nothing that could
 * run Python code, and that a thread detaches from the interpreter only in
 * wait_begin, when the library says that it holds nothing.
 */
#ifndef PYTHON_STATE_H
#define PYTHON_STATE_H

#include "compat.h"

struct module_state {
	PyTypeObject *dict_type;
	PyTypeObject *int64_type;
	PyTypeObject *flag_type;
	PyTypeObject *reference_type;
	PyTypeObject *queue_type;
	PyTypeObject *std_queue_type;
	PyTypeObject *wrapper_type;
	PyTypeObject *gather_type;
	PyTypeObject *gather_iterator_type;
	PyObject *empty;     /* queue.Empty */
	PyObject *full;      /* queue.Full */
	PyObject *shut_down; /* queue.ShutDown, or our own before 3.13 */
	PyObject *cffi;	     /* what ffi.c made, or NULL; see there */
};

extern struct PyModuleDef module_def;

/* The state of the module that a type, or a base of it, belongs to. */
static inline struct module_state *module_state_of(PyTypeObject *type)
{
	PyObject *module = PyType_GetModuleByDef(type, &module_def);

	return module == NULL ? NULL : PyModule_GetState(module);
}

#endif
