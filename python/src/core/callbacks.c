/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the library calls back: waiting, references, keys. */
#include "callbacks.h"

#include "errors.h"

/* --- waiting ------------------------------------------------------------- */

/*
 * A sleeping thread is detached from the interpreter: it lets the GIL go, or,
 * without one, may be left out when the world is stopped.  While the
 * interpreter shuts down, attaching ends (or for ever stops) a daemon thread;
 * the library holds nothing at that moment, so nobody misses it.
 */
static void *detach(void *user)
{
	(void)user;
	return PyEval_SaveThread();
}

static void attach(void *token, void *user)
{
	(void)user;
	PyEval_RestoreThread(token);
}

static int check_signals(void *user)
{
	(void)user;
	return PyErr_CheckSignals() == 0 ? 0 : RAISED;
}

/* All other threads sleep on, and in one piece. */
static bool can_be_interrupted(void *user)
{
	(void)user;
	return compat_runs_signal_handlers();
}

const struct conc_wait_hooks short_wait = {
	.size = sizeof(short_wait),
	.wait_begin = detach,
	.wait_end = attach,
};

const struct conc_wait_hooks long_wait = {
	.size = sizeof(long_wait),
	.wait_begin = detach,
	.wait_end = attach,
	.interrupted = check_signals,
	.interruptible = can_be_interrupted,
};

/* --- references ---------------------------------------------------------- */

static bool try_retain(void *value, void *user)
{
	(void)user;
	return compat_try_incref(value);
}

static void release(void *value, void *user)
{
	(void)user;
	Py_DECREF((PyObject *)value);
}

const struct conc_value_ops object_ops = {
	.size = sizeof(object_ops),
	.try_retain = try_retain,
	.release = release,
};

int visit_object(void *object, void *tour)
{
	const struct tour *to = tour;

	return to->visit(object, to->arg);
}

/* --- keys ---------------------------------------------------------------- */

/*
 * Python objects as keys: equal where Python finds them equal.
 * key_fast_equal() runs inside a read section.  It answers for identical types
 * whose comparison it knows (str, int, bytes; no subclasses, which may compare
 * as they like) and for two objects that both compare by identity.  Everything
 * else is for key_full_equal(), which runs whatever __eq__ there is.
 */
static int key_hash(const void *key, uint64_t *hash, void *user)
{
	PyObject *object = (PyObject *)key;
	Py_hash_t found = -1;

	(void)user;
	if (LIKELY(PyUnicode_CheckExact(object)))
		found = compat_remembered_hash(object);
	if (UNLIKELY(found == -1)) {
		found = PyObject_Hash(object);
		if (found == -1)
			return RAISED;
	}
	*hash = (uint64_t)found;
	return 0;
}

static richcmpfunc comparer_of(PyObject *object)
{
	return __atomic_load_n(&Py_TYPE(object)->tp_richcompare,
			       __ATOMIC_RELAXED);
}

static enum conc_equal bytes_equal(PyObject *a, PyObject *b)
{
	Py_ssize_t length = PyBytes_GET_SIZE(a);

	return length == PyBytes_GET_SIZE(b) &&
			       memcmp(PyBytes_AS_STRING(a),
				      PyBytes_AS_STRING(b), (size_t)length) == 0
		       ? CONC_EQUAL
		       : CONC_DIFFERENT;
}

static enum conc_equal int_equal(PyObject *a, PyObject *b)
{
	int beyond_a, beyond_b;
	int64_t number_a = compat_long_value(a, &beyond_a);
	int64_t number_b = compat_long_value(b, &beyond_b);

	if (beyond_a != 0 || beyond_b != 0)
		return beyond_a == beyond_b ? CONC_ASK : CONC_DIFFERENT;
	return number_a == number_b ? CONC_EQUAL : CONC_DIFFERENT;
}

/* Nothing here may run Python code or touch a count. */
static enum conc_equal key_fast_equal(const void *probe, const void *stored,
				      void *user)
{
	PyObject *a = (PyObject *)probe, *b = (PyObject *)stored;
	PyTypeObject *type = Py_TYPE(a);

	(void)user;
	if (LIKELY(type == Py_TYPE(b))) {
		if (LIKELY(type == &PyUnicode_Type)) {
			int equal = compat_str_equal(a, b);

			return equal < 0 ? CONC_ASK : (enum conc_equal)equal;
		}
		if (type == &PyLong_Type)
			return int_equal(a, b);
		if (type == &PyBytes_Type)
			return bytes_equal(a, b);
	}
	if (comparer_of(a) == PyBaseObject_Type.tp_richcompare &&
	    comparer_of(b) == PyBaseObject_Type.tp_richcompare)
		return CONC_DIFFERENT;
	return CONC_ASK;
}

/* As the built-in dict does: stored == probe. */
static int key_full_equal(const void *probe, const void *stored, void *user)
{
	int equal = PyObject_RichCompareBool((PyObject *)stored,
					     (PyObject *)probe, Py_EQ);

	(void)user;
	return equal < 0 ? RAISED : equal;
}

static void key_retain(const void *key, void *user)
{
	(void)user;
	Py_INCREF((PyObject *)key);
}

static void key_release(const void *key, void *user)
{
	(void)user;
	Py_DECREF((PyObject *)key);
}

const struct conc_key_ops key_ops = {
	.size = sizeof(key_ops),
	.hash = key_hash,
	.fast_eq = key_fast_equal,
	.full_eq = key_full_equal,
	.retain = key_retain,
	.release = key_release,
};
