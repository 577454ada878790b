/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of the extension module share.
 *
 *	module.c     the module: types, exceptions, fork
 *	ffi.c        `ffi` and `lib`, made by cffi on first access
 *	callbacks.c  what the library calls: waiting, references, keys
 *	arguments.c  arguments of methods: collecting and converting
 *	dict.c flag.c gather.c gather_iterator.c int64.c local_wrapper.c queue.c
 *	reference.c std_queue.c    one type each
 *	std_queue_hooks.c          subclasses of the last that keep the items themselves
 *	compat.h     what differs between interpreters
 *
 * One rule: no Python code runs inside a read section or with a lock of the
 * library held.  The library keeps it for its side; here it means that the
 * callbacks named there (fast_eq, retain, try_retain) call nothing that could
 * run Python code, and that a thread detaches from the interpreter only in
 * wait_begin, when the library says that it holds nothing.
 */
#ifndef PYTHON_MODULE_H
#define PYTHON_MODULE_H

#include "compat.h"

#include <concurrency.h>
#include <errno.h>

#define LIKELY(condition) __builtin_expect(!!(condition), 1)
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)

/* --- module.c ------------------------------------------------------------ */

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
struct module_state *module_state_of(PyTypeObject *type);

/* --- ffi.c --------------------------------------------------------------- */

/* The module's __getattr__, asked for names that it does not have. */
PyObject *module_getattr(PyObject *module, PyObject *name);

/* --- callbacks.c --------------------------------------------------------- */

/* What a callback of ours returns when a Python exception is set. */
#define RAISED (-65536)

/* For a structure whose waits are short: sleeps detached. */
extern const struct conc_wait_hooks short_wait;
/* For waits without end: Ctrl-C and other signal handlers end them too. */
extern const struct conc_wait_hooks long_wait;
/* Python objects as values of lifetime CONC_TYPE_STABLE. */
extern const struct conc_value_ops object_ops;
/* Python objects as keys of the general kind. */
extern const struct conc_key_ops key_ops;

/* A value that holds `object`; the caller has a reference to give away. */
static inline struct conc_value value_of(PyObject *object)
{
	struct conc_value value = {.kind = CONC_POINTER};

	compat_enable_try_incref(object);
	value.u.pointer = object;
	return value;
}

/* The object in a value whose reference is ours: a new one for a number. */
static inline PyObject *object_of(const struct conc_value *value)
{
	if (LIKELY(value->kind == CONC_POINTER))
		return value->u.pointer;
	return PyLong_FromLongLong(value->u.number);
}

/* Lets go of a value that the library gave us. */
static inline void drop_value(const struct conc_value *value)
{
	if (value->kind == CONC_POINTER)
		Py_DECREF((PyObject *)value->u.pointer);
}

/* tp_traverse and the library's tour have visitors of different types. */
struct tour {
	visitproc visit;
	void *arg;
};
int visit_object(void *object, void *tour);

/*
 * Raises what an error of the library means, if it means nothing special to
 * the caller; returns NULL.
 */
PyObject *raise_error(int rc);

/* Raises type(message) from the exception `cause`, which may be NULL. */
PyObject *raise_from(PyObject *type, const char *message, PyObject *cause);

/*
 * Whether an object is of the type with this tp_dealloc, or of a subclass: the
 * solid base of every subclass lies on its chain of tp_base.
 */
static inline bool is_instance_by_dealloc(PyObject *object, destructor dealloc)
{
	for (PyTypeObject *type = Py_TYPE(object); type != NULL;
	     type = type->tp_base) {
		if (type->tp_dealloc == dealloc)
			return true;
	}
	return false;
}

/* --- arguments.c --------------------------------------------------------- */

/* What METH_FASTCALL | METH_KEYWORDS hands to a method. */
struct signature {
	const char *function;
	int required, most;
	const char *names[3];
};

/* take_arguments() for any arguments. */
bool sort_arguments(const struct signature *signature, PyObject *const *args,
		    Py_ssize_t count, PyObject *names, PyObject **found);

/*
 * Sorts arguments into found[0 .. most - 1], borrowed, NULL for those not
 * given.  Returns false with TypeError set.  Inline, as there is hardly
 * anything to do when none is named.
 */
static inline bool take_arguments(const struct signature *signature,
				  PyObject *const *args, Py_ssize_t count,
				  PyObject *names, PyObject **found)
{
	if (UNLIKELY(names != NULL || count < signature->required ||
		     count > signature->most))
		return sort_arguments(signature, args, count, names, found);
	for (int i = 0; i < signature->most; i++)
		found[i] = i < count ? args[i] : NULL;
	return true;
}

/*
 * A number of 64 bits from anything with __index__.  False with TypeError, or
 * with OverflowError that begins with `what`.
 */
bool take_int64(PyObject *object, const char *what, int64_t *number);

/* The same, the nearest there is for a number beyond.  False with TypeError. */
bool take_clamped(PyObject *object, int64_t *number);

/* format() for a __format__ method, which may be called with any `spec`. */
PyObject *format_object(PyObject *object, PyObject *spec);

/*
 * A deadline from a timeout in seconds; NULL and None: for ever.  False with
 * TypeError, or with ValueError for a negative number or NaN.
 */
bool take_timeout(PyObject *timeout, int64_t *deadline);

/* `scaling`: NULL and None give 0.  False with TypeError or ValueError. */
bool take_scaling(PyObject *scaling, unsigned *threads);

/* --- one file each ------------------------------------------------------- */

extern PyType_Spec dict_spec;
extern PyType_Spec int64_spec;
extern PyType_Spec flag_spec;
extern PyType_Spec reference_spec;
extern PyType_Spec queue_spec;
extern PyType_Spec std_queue_spec;
extern PyType_Spec wrapper_spec;
extern PyType_Spec gather_spec;
extern PyType_Spec gather_iterator_spec;

/* A LocalWrapper of `object`. */
PyObject *local_wrapper_new(struct module_state *state, PyObject *object);
/*
 * Puts another object into a wrapper that nobody else has seen yet; takes over
 * the reference.  So a wrapper is made before an item is taken for it, and an
 * item is never lost for lack of memory.
 */
void local_wrapper_fill(PyObject *wrapper, PyObject *object);

/*
 * An iterator over the values of a ConcurrentGatheringIterator; `local`: each in
 * a LocalWrapper.
 */
PyObject *gather_iterator_new(PyObject *gather, int64_t max_key, bool clear,
			      bool local);

/* The C structure of a ConcurrentGatheringIterator, or NULL and MemoryError. */
conc_gather *gather_of(PyObject *gather);
/* Raises RuntimeError from what made the gathering fail. */
PyObject *gather_raise_failure(PyObject *gather);

/*
 * Methods that every container has.  (No __reduce_ex__: that of object asks for
 * __reduce__, also for one that a subclass defines.)
 */
PyObject *refuse_to_reduce(PyObject *self, PyObject *args);
#define COMMON_METHODS                                                        \
	{"__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS,           \
	 PyDoc_STR("A generic alias, for annotations.")},                     \
	{"__reduce__", refuse_to_reduce, METH_NOARGS,                         \
	 PyDoc_STR("Raises TypeError: it cannot be pickled or copied.")}

#define CONTAINER_FLAGS                                                       \
	(Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC |      \
	 Py_TPFLAGS_IMMUTABLETYPE | COMPAT_WEAKREF_FLAG)

#endif
