/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The Python module `failing`: calls a function with its n-th allocation
 * failing, one of the interpreter's or one of the library's.  It is linked into
 * a build of the extension module that is made for this (tests/Makefile.am),
 * where alloc_sites.h stands before the library's own allocations.
 */
#include "core/compat.h"

#include "alloc_sites.h"

/* Of the thread that is inside of call(). */
static _Thread_local struct {
	bool watched;  /* blocks are counted */
	bool fails;    /* once `left' allocations have succeeded */
	bool once;
	long left;
	long asked;
	long failures;
	long blocks;
} now;

static bool must_fail(void)
{
	now.asked += now.watched;
	if (!now.fails || now.left-- > 0)
		return false;
	now.left = 0;
	now.fails = !now.once;
	now.failures++;
	return true;
}

static void *counted(void *memory)
{
	if (memory != NULL && now.watched)
		now.blocks++;
	return memory;
}

/* --- the interpreter's allocators, one for each domain -------------------- */

static PyMemAllocatorEx originals[3];

static void *failing_malloc(void *original, size_t bytes)
{
	PyMemAllocatorEx *to = original;

	return must_fail() ? NULL : counted(to->malloc(to->ctx, bytes));
}

static void *failing_calloc(void *original, size_t count, size_t bytes)
{
	PyMemAllocatorEx *to = original;

	return must_fail() ? NULL : counted(to->calloc(to->ctx, count, bytes));
}

static void *failing_realloc(void *original, void *memory, size_t bytes)
{
	PyMemAllocatorEx *to = original;
	void *moved;

	if (must_fail())
		return NULL;
	moved = to->realloc(to->ctx, memory, bytes);
	return memory == NULL ? counted(moved) : moved;
}

static void counting_free(void *original, void *memory)
{
	PyMemAllocatorEx *to = original;

	if (memory != NULL && now.watched)
		now.blocks--;
	to->free(to->ctx, memory);
}

static void stand_between(PyMemAllocatorDomain domain, PyMemAllocatorEx *original)
{
	PyMemAllocatorEx between = {original, failing_malloc, failing_calloc,
				    failing_realloc, counting_free};

	PyMem_GetAllocator(domain, original);
	PyMem_SetAllocator(domain, &between);
}

/* --- the module ------------------------------------------------------------ */

PyDoc_STRVAR(call_doc,
"call(n, once, library, function, args)\n"
"--\n"
"\n"
"function(*args), in which n allocations succeed and then one, or with `once`\n"
"false all that follow, fail: those of the interpreter, or with `library` those\n"
"of the library.  Returns (how many failed, the exception's type or None, the\n"
"result or None, by how many blocks the interpreter and the library have grown, how\n"
"often the interpreter's allocators were asked for memory).");

static PyObject *call(PyObject *module, PyObject *args)
{
	PyObject *function, *arguments, *result, *type = Py_None;
	int once, library;
	long n, failures, blocks, asked, library_blocks = alloc_live();

	(void)module;
	if (!PyArg_ParseTuple(args, "lppOO!", &n, &once, &library, &function,
			      &PyTuple_Type, &arguments))
		return NULL;
	now.watched = true;
	now.blocks = 0;
	now.asked = 0;
	now.failures = 0;
	now.left = n;
	now.once = once;
	now.fails = !library;
	if (library)
		alloc_fail_after(n, once);
	result = PyObject_Call(function, arguments, NULL);
	failures = library ? alloc_fail_no_more() : now.failures;
	now.fails = false;
	if (result == NULL) {
		/* Else it forgot to raise one: that is for the caller to see. */
		if (PyErr_Occurred())
			type = PyErr_Occurred();
		else
			type = (PyObject *)&PyBaseObject_Type;
		Py_INCREF(type);
		PyErr_Clear();
	} else {
		Py_INCREF(type);
	}
	now.watched = false;
	blocks = now.blocks;
	asked = now.asked;
	return Py_BuildValue("lNNlll", failures, type,
			     result == NULL ? Py_NewRef(Py_None) : result,
			     blocks, alloc_live() - library_blocks, asked);
}

PyDoc_STRVAR(count_sites_doc,
"count_sites()\n"
"--\n"
"\n"
"(places in the library that allocate, those of them that have failed)");

static PyObject *count_sites(PyObject *module, PyObject *unused)
{
	int failed, sites = alloc_count_sites(&failed);

	(void)module;
	(void)unused;
	return Py_BuildValue("ii", sites, failed);
}

static PyMethodDef methods[] = {
	{"call", call, METH_VARARGS, call_doc},
	{"count_sites", count_sites, METH_NOARGS, count_sites_doc},
	{NULL, NULL, 0, NULL},
};

static int prepare(PyObject *module)
{
	(void)module;
	stand_between(PYMEM_DOMAIN_RAW, &originals[0]);
	stand_between(PYMEM_DOMAIN_MEM, &originals[1]);
	stand_between(PYMEM_DOMAIN_OBJ, &originals[2]);
	return 0;
}

static PyModuleDef_Slot slots[] = {
	{Py_mod_exec, prepare},
#if PY_VERSION_HEX >= 0x030D0000
	{Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
	{0, NULL},
};

static struct PyModuleDef definition = {
	PyModuleDef_HEAD_INIT,
	.m_name = "failing",
	.m_methods = methods,
	.m_slots = slots,
};

PyMODINIT_FUNC PyInit_failing(void)
{
	return PyModuleDef_Init(&definition);
}
