/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * This folder has the mapping types.  They use core, and nothing of one
 * another.
 *
 * ConcurrentDict: conc_dict with Python objects as general keys and type-stable
 * values; how those are hashed, compared and counted is in callbacks.c.
 *
 * A value is stored as a pointer to the object, but for a number that add()
 * has changed: that one is a bare 64-bit word in the table, and becomes an int
 * only when it is read.
 */
#include "core/arguments.h"
#include "core/callbacks.h"
#include "core/container.h"
#include "core/errors.h"

#include <errno.h>

struct dict_object {
	PyObject_HEAD
	conc_dict *dict; /* NULL before __init__ or the first use; then fixed */
	COMPAT_WEAKREF_FIELD
};

/* --- making and ending --------------------------------------------------- */

#define DEFAULT_SCALING 17

static int make_table(struct dict_object *self, unsigned scaling)
{
	struct conc_dict_attr attr = {
		.size = sizeof(attr),
		.scaling = scaling,
		.keys = CONC_KEY_GENERAL,
		.values = CONC_VALUE_TYPE_STABLE,
		.key_ops = &key_ops,
		.value_ops = &object_ops,
		.wait = &short_wait,
	};
	conc_dict *made, *none = NULL;
	int rc = conc_dict_new(&attr, &made);

	if (rc < 0) {
		raise_error(rc);
		return -1;
	}
	/* Another thread may have been faster; then its table is the table. */
	if (!__atomic_compare_exchange_n(&self->dict, &none, made, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		conc_dict_free(made);
	return 0;
}

static conc_dict *table_of(PyObject *object)
{
	struct dict_object *self = (struct dict_object *)object;
	conc_dict *dict = __atomic_load_n(&self->dict, __ATOMIC_ACQUIRE);

	if (LIKELY(dict != NULL))
		return dict;
	/* A subclass that does not call our __init__. */
	if (make_table(self, DEFAULT_SCALING) < 0)
		return NULL;
	return __atomic_load_n(&self->dict, __ATOMIC_ACQUIRE);
}

static int dict_init(PyObject *object, PyObject *args, PyObject *names)
{
	static char *keywords[] = {"scaling", NULL};
	struct dict_object *self = (struct dict_object *)object;
	PyObject *scaling = NULL;
	unsigned threads = DEFAULT_SCALING;

	if (!PyArg_ParseTupleAndKeywords(args, names, "|O:ConcurrentDict",
					 keywords, &scaling) ||
	    (scaling != NULL && !take_scaling(scaling, &threads)))
		return -1;
	return make_table(self, threads);
}

static PyObject *dict_new(PyTypeObject *type, PyObject *args, PyObject *names)
{
	(void)args;
	(void)names;
	return type->tp_alloc(type, 0);
}

static int dict_traverse(PyObject *object, visitproc visit, void *arg)
{
	conc_dict *dict = ((struct dict_object *)object)->dict;
	struct tour tour = {visit, arg};

	Py_VISIT(Py_TYPE(object));
	return dict == NULL ? 0 : conc_dict_traverse(dict, visit_object, &tour);
}

static int dict_clear(PyObject *object)
{
	conc_dict *dict = ((struct dict_object *)object)->dict;

	if (dict != NULL)
		conc_dict_clear(dict);
	return 0;
}

static void dict_dealloc(PyObject *object)
{
	PyTypeObject *type = Py_TYPE(object);

	PyObject_GC_UnTrack(object);
	Py_TRASHCAN_BEGIN(object, dict_dealloc)
	PyObject_ClearWeakRefs(object);
	conc_dict_free(((struct dict_object *)object)->dict);
	type->tp_free(object);
	Py_DECREF(type);
	Py_TRASHCAN_END
}

/* --- reading and writing ------------------------------------------------- */

/* KeyError(key), also for a key that is a tuple. */
static PyObject *raise_key_error(PyObject *key)
{
	PyObject *error = PyObject_CallOneArg(PyExc_KeyError, key);

	if (error != NULL) {
		PyErr_SetObject(PyExc_KeyError, error);
		Py_DECREF(error);
	}
	return NULL;
}

/* The __missing__ of self's class, bound to self; NULL if it has none. */
static PyObject *find_missing(PyObject *self)
{
	PyObject *name = PyUnicode_InternFromString("__missing__");
	PyObject *found, *bound;
	descrgetfunc bind;

	if (name == NULL)
		return NULL;
	found = compat_type_lookup(Py_TYPE(self), name);
	Py_DECREF(name);
	bind = found == NULL ? NULL : Py_TYPE(found)->tp_descr_get;
	if (bind == NULL)
		return found;
	bound = bind(found, self, (PyObject *)Py_TYPE(self));
	Py_DECREF(found);
	return bound;
}

/* As with dict: a subclass may say in __missing__ what d[key] gives then. */
static PyObject *ask_missing(PyObject *self, PyObject *key)
{
	PyObject *missing, *result;

	if (Py_TYPE(self)->tp_dealloc == dict_dealloc)
		return raise_key_error(key);
	missing = find_missing(self);
	if (missing == NULL)
		return PyErr_Occurred() ? NULL : raise_key_error(key);
	result = PyObject_CallOneArg(missing, key);
	Py_DECREF(missing);
	return result;
}

static PyObject *dict_subscript(PyObject *self, PyObject *key)
{
	conc_dict *dict = table_of(self);
	struct conc_value value;
	int rc;

	if (UNLIKELY(dict == NULL))
		return NULL;
	rc = conc_dict_get(dict, key, 0, &value);
	if (LIKELY(rc == 0))
		return object_of(&value);
	return rc == -ENOENT ? ask_missing(self, key) : raise_error(rc);
}

static int delete_item(conc_dict *dict, PyObject *key)
{
	int rc = conc_dict_delete(dict, key, 0);

	if (LIKELY(rc == 0))
		return 0;
	if (rc == -ENOENT)
		raise_key_error(key);
	else
		raise_error(rc);
	return -1;
}

static int dict_store(PyObject *self, PyObject *key, PyObject *object)
{
	conc_dict *dict = table_of(self);
	struct conc_value value;
	int rc;

	if (UNLIKELY(dict == NULL))
		return -1;
	if (object == NULL)
		return delete_item(dict, key);
	value = value_of(Py_NewRef(object));
	rc = conc_dict_set(dict, key, 0, &value);
	if (LIKELY(rc == 0))
		return 0;
	Py_DECREF(object);
	raise_error(rc);
	return -1;
}

static int dict_contains(PyObject *self, PyObject *key)
{
	conc_dict *dict = table_of(self);
	struct conc_value value;
	int rc;

	if (UNLIKELY(dict == NULL))
		return -1;
	rc = conc_dict_get(dict, key, 0, &value);
	if (rc == 0) {
		drop_value(&value);
		return 1;
	}
	if (rc == -ENOENT)
		return 0;
	raise_error(rc);
	return -1;
}

static Py_ssize_t dict_length(PyObject *self)
{
	conc_dict *dict = table_of(self);

	return dict == NULL ? -1 : (Py_ssize_t)conc_dict_size(dict);
}

PyDoc_STRVAR(dict_get_doc,
"get($self, /, key, default=None)\n"
"--\n"
"\n"
"The value of `key`, or `default` if it is not there.\n"
"\n"
"Atomic; takes no lock; constant time on average.  TypeError: the key is\n"
"unhashable; also whatever its __hash__ or __eq__ raises.");

static PyObject *dict_get(PyObject *self, PyObject *const *args,
			  Py_ssize_t count, PyObject *names)
{
	static const struct signature signature = {
		"get", 1, 2, {"key", "default"}};
	conc_dict *dict = table_of(self);
	PyObject *found[2];
	struct conc_value value;
	int rc;

	if (dict == NULL ||
	    !take_arguments(&signature, args, count, names, found))
		return NULL;
	rc = conc_dict_get(dict, found[0], 0, &value);
	if (LIKELY(rc == 0))
		return object_of(&value);
	if (rc == -ENOENT)
		return Py_NewRef(found[1] == NULL ? Py_None : found[1]);
	return raise_error(rc);
}

/* --- counting ------------------------------------------------------------ */

/* Numbers up to here lie unboxed in a table that also holds pointers. */
#define UNBOXED_LIMIT (INT64_C(1) << 59)

/* What to store for a sum, whose reference is taken over. */
static struct conc_value value_of_sum(PyObject *sum)
{
	struct conc_value value = {.kind = CONC_NUMBER};
	int beyond;
	int64_t number = compat_long_value(sum, &beyond);

	if (beyond != 0 || number < -UNBOXED_LIMIT || number >= UNBOXED_LIMIT)
		return value_of(sum);
	value.u.number = number;
	Py_DECREF(sum);
	return value;
}

/* What add_number() passes through the library. */
struct sum {
	PyObject *number; /* what is added: an int, borrowed */
	PyObject *result; /* the latest sum: owned, or NULL */
};

/* old + number as ints: a new reference. */
static PyObject *sum_of(const struct conc_value *old, PyObject *number)
{
	PyObject *augend, *sum;

	if (old->kind == CONC_POINTER) {
		augend = Py_NewRef((PyObject *)old->u.pointer);
		if (!PyLong_Check(augend)) {
			PyErr_Format(PyExc_TypeError,
				     "add() needs an int, but the value of "
				     "the key is '%.200s'",
				     Py_TYPE(augend)->tp_name);
			Py_DECREF(augend);
			return NULL;
		}
	} else {
		augend = PyLong_FromLongLong(
			old->kind == CONC_NUMBER ? old->u.number : 0);
		if (augend == NULL)
			return NULL;
	}
	sum = PyLong_Type.tp_as_number->nb_add(augend, number);
	Py_DECREF(augend);
	return sum;
}

static int make_sum(const struct conc_value *old, struct conc_value *desired,
		    void *user)
{
	struct sum *sum = user;

	Py_XSETREF(sum->result, sum_of(old, sum->number));
	if (sum->result == NULL)
		return RAISED;
	*desired = value_of_sum(Py_NewRef(sum->result));
	return 0;
}

/* Adds with ints of Python's: what is there, or what comes out, is one. */
static PyObject *add_object(conc_dict *dict, PyObject *key, PyObject *number)
{
	struct sum sum = {.number = number};
	int rc = conc_dict_update(dict, key, 0, make_sum, &sum);

	if (LIKELY(rc == 0))
		return sum.result;
	Py_XDECREF(sum.result);
	return raise_error(rc);
}

PyDoc_STRVAR(dict_add_doc,
"add($self, /, key, n=1)\n"
"--\n"
"\n"
"Adds the int `n` to the int that `key` has, and returns the sum.\n"
"\n"
"A key that is not there starts at 0.  One atomic step: no other thread's\n"
"add() or assignment is lost.  Mostly without a lock; constant time on\n"
"average.  Ints of any size.  TypeError, and nothing changed: the value or n\n"
"is no int (a bool is one), or the key is unhashable; also whatever its\n"
"__hash__ or __eq__ raises.");

/* `number` is an int. */
static PyObject *add_number(conc_dict *dict, PyObject *key, PyObject *number)
{
	int64_t n, sum;
	int beyond, rc;

	n = compat_long_value(number, &beyond);
	rc = beyond ? -EOVERFLOW : conc_dict_add(dict, key, 0, n, &sum);
	if (LIKELY(rc == 0))
		return PyLong_FromLongLong(sum);
	if (rc == -EDOM || rc == -EOVERFLOW)
		return add_object(dict, key, number);
	return raise_error(rc);
}

static PyObject *dict_add(PyObject *self, PyObject *const *args,
			  Py_ssize_t count, PyObject *names)
{
	static const struct signature signature = {"add", 1, 2, {"key", "n"}};
	conc_dict *dict = table_of(self);
	PyObject *found[2], *number, *result;

	if (UNLIKELY(dict == NULL) ||
	    !take_arguments(&signature, args, count, names, found))
		return NULL;
	if (LIKELY(found[1] != NULL && PyLong_CheckExact(found[1])))
		return add_number(dict, found[0], found[1]);
	number = found[1] == NULL ? PyLong_FromLong(1) : PyNumber_Index(found[1]);
	if (number == NULL)
		return NULL;
	result = add_number(dict, found[0], number);
	Py_DECREF(number);
	return result;
}

/* --- the whole ----------------------------------------------------------- */

static int copy_entry(PyObject *copy, const struct conc_entry *entry)
{
	PyObject *value;
	int rc;

	if (entry->value.kind == CONC_POINTER)
		return PyDict_SetItem(copy, (PyObject *)entry->key,
				      entry->value.u.pointer);
	value = PyLong_FromLongLong(entry->value.u.number);
	if (value == NULL)
		return -1;
	rc = PyDict_SetItem(copy, (PyObject *)entry->key, value);
	Py_DECREF(value);
	return rc;
}

static int copy_entries(PyObject *copy, conc_cursor *cursor)
{
	struct conc_entry entry = CONC_ENTRY_INIT;
	int rc;

	while ((rc = conc_cursor_next(cursor, &entry)) == 0) {
		if (copy_entry(copy, &entry) < 0)
			return -1;
	}
	if (rc == -ENOENT)
		return 0;
	raise_error(rc);
	return -1;
}

PyDoc_STRVAR(dict_as_dict_doc,
"as_dict($self, /)\n"
"--\n"
"\n"
"A plain dict with the same entries.\n"
"\n"
"Each pair is one that was there at some moment of the call; a key that was\n"
"there throughout is in it.  Not atomic as a whole.  Time in proportion to\n"
"the number of entries; other threads are not held up.  MemoryError, or\n"
"whatever __eq__ of a key raises.");

static PyObject *dict_as_dict(PyObject *self, PyObject *unused)
{
	conc_dict *dict = table_of(self);
	conc_cursor *cursor;
	PyObject *copy;
	int rc;

	(void)unused;
	if (dict == NULL)
		return NULL;
	rc = conc_cursor_new(dict, &cursor);
	if (rc < 0)
		return raise_error(rc);
	copy = PyDict_New();
	if (copy != NULL && copy_entries(copy, cursor) < 0)
		Py_CLEAR(copy);
	conc_cursor_free(cursor);
	return copy;
}

static PyObject *represent(PyObject *self)
{
	PyObject *name, *copy, *text = NULL;

	name = PyType_GetName(Py_TYPE(self));
	copy = dict_as_dict(self, NULL);
	if (name != NULL && copy != NULL)
		text = PyUnicode_FromFormat("%U(%R)", name, copy);
	Py_XDECREF(name);
	Py_XDECREF(copy);
	return text;
}

static PyObject *dict_repr(PyObject *self)
{
	PyObject *text;
	int entered = Py_ReprEnter(self);

	if (entered != 0)
		return entered < 0 ? NULL : PyUnicode_FromString("{...}");
	text = represent(self);
	Py_ReprLeave(self);
	return text;
}

/* --- the type ------------------------------------------------------------ */

PyDoc_STRVAR(dict_doc,
"ConcurrentDict(scaling=17)\n"
"--\n"
"\n"
"A dict for many threads: reads take no lock, writes lock one of many shards\n"
"for a few instructions.\n"
"\n"
"`scaling`: how many threads should write at the same time without waiting\n"
"for each other; off by 2x hardly matters.  ValueError below 1.\n"
"\n"
"d[k], d[k] = v, del d[k], k in d, get() and add() are each atomic and take\n"
"constant time on average.  Any hashable key; equal keys are one key.  A\n"
"missing key raises KeyError, an unhashable one TypeError; what __hash__ or\n"
"__eq__ of a key raises comes out, and nothing was changed.  __hash__, __eq__\n"
"and __del__ run while no lock is held, and may use the same dict.  (Only an\n"
"__eq__ that stores another key of the same hash whenever it is called makes\n"
"d[k] = v and add() of a new key give up: RuntimeError.)  A value that is\n"
"replaced or deleted is released at once, a key soon.  len() is exact while\n"
"nobody writes.  No order is promised.");

static PyMethodDef dict_methods[] = {
	{"get", (PyCFunction)(void (*)(void))dict_get,
	 METH_FASTCALL | METH_KEYWORDS, dict_get_doc},
	{"add", (PyCFunction)(void (*)(void))dict_add,
	 METH_FASTCALL | METH_KEYWORDS, dict_add_doc},
	{"as_dict", dict_as_dict, METH_NOARGS, dict_as_dict_doc},
	COMMON_METHODS,
	{NULL, NULL, 0, NULL},
};

static PyMemberDef dict_members[] = {
	COMPAT_WEAKREF_MEMBER(struct dict_object)
	{NULL, 0, 0, 0, NULL},
};

static PyType_Slot dict_slots[] = {
	{Py_tp_doc, (void *)dict_doc},
	{Py_tp_new, dict_new},
	{Py_tp_init, dict_init},
	{Py_tp_dealloc, dict_dealloc},
	{Py_tp_traverse, dict_traverse},
	{Py_tp_clear, dict_clear},
	{Py_tp_repr, dict_repr},
	{Py_tp_hash, PyObject_HashNotImplemented},
	{Py_tp_methods, dict_methods},
	{Py_tp_members, dict_members},
	{Py_mp_subscript, dict_subscript},
	{Py_mp_ass_subscript, dict_store},
	{Py_mp_length, dict_length},
	{Py_sq_contains, dict_contains},
	{0, NULL},
};

PyType_Spec dict_spec = {
	.name = "concurrency.ConcurrentDict",
	.basicsize = sizeof(struct dict_object),
	.flags = CONTAINER_FLAGS,
	.slots = dict_slots,
};
