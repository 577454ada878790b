/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What differs between the Pythons that the module is built for: 3.11 and
 * later, with the GIL and without.
 */
#ifndef PYTHON_COMPAT_H
#define PYTHON_COMPAT_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <structmember.h>

#define LIKELY(condition) __builtin_expect(!!(condition), 1)
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)

#if PY_VERSION_HEX < 0x030B0000
#error "Python 3.11 or later is needed"
#endif

/*
 * Weak references: from 3.12 on the interpreter keeps the list in front of the
 * object, before that in a member of ours.
 */
#if PY_VERSION_HEX >= 0x030C0000
#define COMPAT_WEAKREF_FLAG Py_TPFLAGS_MANAGED_WEAKREF
#define COMPAT_WEAKREF_FIELD
#define COMPAT_WEAKREF_MEMBER(type)
#else
#define COMPAT_WEAKREF_FLAG 0
#define COMPAT_WEAKREF_FIELD PyObject *weakrefs;
#define COMPAT_WEAKREF_MEMBER(type)                                            \
	{"__weaklistoffset__", T_PYSSIZET, offsetof(type, weakrefs), READONLY, \
	 NULL},
#endif

/*
 * A reference to an object that may be dying, in another thread, right now.
 *
 * With the GIL nobody runs between our load of the pointer and this, so the
 * object is alive.
 *
 * Without it an object has two counts.  The thread that owns it (ob_tid) counts
 * in ob_ref_local without atomics; all others in ob_ref_shared, whose two low
 * bits are flags.  When the owner's count falls to zero it looks at the shared
 * word: if that is all zero the owner frees the object then and there, without
 * an atomic step that others could notice; so a reader may not add to a shared
 * word of zero.  If any flag is set, the owner first merges the counts with a
 * compare-and-swap, which a reader's own compare-and-swap cannot miss; a merged
 * word with a count of zero says that the object is dead.
 *
 * Hence the pair: compat_enable_try_incref() sets the flag MAYBE_WEAKREF on
 * every object that readers may reach without owning a reference, before they
 * can reach it, and compat_try_incref() refuses the words 0 and MERGED.
 *
 * The memory may have become another object since the pointer was loaded, but
 * some object or a free block it still is: the interpreter gives a page of
 * objects to another use only after each thread has been outside of such code.
 * So these fields can be read, and a reference taken to the wrong object is
 * given back when the caller sees that the pointer has changed.
 */
static inline bool compat_try_incref(PyObject *object)
{
#ifndef Py_GIL_DISABLED
	Py_INCREF(object);
	return true;
#elif PY_VERSION_HEX >= 0x030E0000
	return PyUnstable_TryIncRef(object);
#else
	uint32_t local = __atomic_load_n(&object->ob_ref_local,
					 __ATOMIC_RELAXED);
	Py_ssize_t shared;

	if (local == _Py_IMMORTAL_REFCNT_LOCAL)
		return true;
	if (__atomic_load_n(&object->ob_tid, __ATOMIC_RELAXED) ==
	    _Py_ThreadId()) {
		__atomic_store_n(&object->ob_ref_local, local + 1,
				 __ATOMIC_RELAXED);
		return true;
	}
	shared = __atomic_load_n(&object->ob_ref_shared, __ATOMIC_RELAXED);
	do {
		if (shared == 0 || shared == _Py_REF_MERGED)
			return false;
	} while (!__atomic_compare_exchange_n(
		&object->ob_ref_shared, &shared,
		shared + ((Py_ssize_t)1 << _Py_REF_SHARED_SHIFT), true,
		__ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
	return true;
#endif
}

/* The caller owns a reference to the object. */
static inline void compat_enable_try_incref(PyObject *object)
{
#ifndef Py_GIL_DISABLED
	(void)object;
#elif PY_VERSION_HEX >= 0x030E0000
	PyUnstable_EnableTryIncRef(object);
#else
	Py_ssize_t shared = __atomic_load_n(&object->ob_ref_shared,
					    __ATOMIC_RELAXED);

	if (__atomic_load_n(&object->ob_ref_local, __ATOMIC_RELAXED) ==
	    _Py_IMMORTAL_REFCNT_LOCAL)
		return;
	do {
		if ((shared & _Py_REF_SHARED_FLAG_MASK) != 0)
			return;
	} while (!__atomic_compare_exchange_n(
		&object->ob_ref_shared, &shared,
		shared | _Py_REF_MAYBE_WEAKREF, true, __ATOMIC_SEQ_CST,
		__ATOMIC_RELAXED));
#endif
}

/*
 * Whether the calling thread is the one that runs signal handlers: the main one
 * of the main interpreter.  The interpreter itself is asked, as it knows more
 * than who imported threading first: it may have been started in any thread, and
 * in the child of a fork the thread that forked becomes the main one.  (Exported
 * by all, but from 3.12 on declared only where the interpreter looks.)
 */
#if PY_VERSION_HEX >= 0x030C0000
PyAPI_FUNC(int) _PyOS_IsMainThread(void);
#endif
static inline bool compat_runs_signal_handlers(void)
{
	return _PyOS_IsMainThread() != 0;
}

/* The hash that an exact str remembers, or -1. */
static inline Py_hash_t compat_remembered_hash(PyObject *str)
{
	return __atomic_load_n(&((PyASCIIObject *)str)->hash, __ATOMIC_RELAXED);
}

/* Whether two exact str are equal: 1 or 0, or -1 to say "ask the type". */
static inline int compat_str_equal(PyObject *a, PyObject *b)
{
	Py_ssize_t length;

#if PY_VERSION_HEX < 0x030C0000
	if (!PyUnicode_IS_READY(a) || !PyUnicode_IS_READY(b))
		return -1;
#endif
	length = PyUnicode_GET_LENGTH(a);
	return length == PyUnicode_GET_LENGTH(b) &&
	       PyUnicode_KIND(a) == PyUnicode_KIND(b) &&
	       memcmp(PyUnicode_DATA(a), PyUnicode_DATA(b),
		      (size_t)length * PyUnicode_KIND(a)) == 0;
}

/*
 * What `name` is in a type or its bases, as it stands there (no descriptor was
 * asked): a new reference, or NULL without an exception.
 */
static inline PyObject *compat_type_lookup(PyTypeObject *type, PyObject *name)
{
#if PY_VERSION_HEX >= 0x030D0000
	return _PyType_LookupRef(type, name);
#else
	return Py_XNewRef(_PyType_Lookup(type, name));
#endif
}

/* The number of an int (of PyLong_Check), or *overflow = -1 or 1. */
static inline int64_t compat_long_value(PyObject *number, int *overflow)
{
#if PY_VERSION_HEX >= 0x030C0000
	if (PyUnstable_Long_IsCompact((PyLongObject *)number)) {
		*overflow = 0;
		return PyUnstable_Long_CompactValue((PyLongObject *)number);
	}
#endif
	return PyLong_AsLongLongAndOverflow(number, overflow);
}

/* Takes the exception that is set: a new reference. */
static inline PyObject *compat_take_exception(void)
{
#if PY_VERSION_HEX >= 0x030C0000
	return PyErr_GetRaisedException();
#else
	PyObject *type, *value, *traceback;

	PyErr_Fetch(&type, &value, &traceback);
	PyErr_NormalizeException(&type, &value, &traceback);
	if (traceback != NULL)
		PyException_SetTraceback(value, traceback);
	Py_XDECREF(type);
	Py_XDECREF(traceback);
	return value;
#endif
}

/* Sets it again; takes the reference over. */
static inline void compat_set_exception(PyObject *exception)
{
#if PY_VERSION_HEX >= 0x030C0000
	PyErr_SetRaisedException(exception);
#else
	PyErr_Restore(Py_NewRef((PyObject *)Py_TYPE(exception)), exception,
		      PyException_GetTraceback(exception));
#endif
}

#endif
