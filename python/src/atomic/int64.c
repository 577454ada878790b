/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * AtomicInt64: a conc_int64 in a Python object.
 *
 * Methods and in-place operators are one atomic step each and wrap at 64 bits;
 * `a + b` and the like read each operand once and then compute with Python's
 * ints, exactly.
 */
#include "core/arguments.h"
#include "core/container.h"

#include <concurrency.h>

struct int64_object {
	PyObject_HEAD
	conc_int64 number;
	COMPAT_WEAKREF_FIELD
};

static void int64_dealloc(PyObject *object);

static conc_int64 *number_of(PyObject *self)
{
	return &((struct int64_object *)self)->number;
}

static int64_t get(PyObject *self)
{
	return conc_int64_get(number_of(self));
}

static bool is_int64(PyObject *object)
{
	return is_instance_by_dealloc(object, int64_dealloc);
}

static bool take_number(PyObject *object, int64_t *number)
{
	return take_int64(object, "the value", number);
}

/* --- making and ending --------------------------------------------------- */

static PyObject *int64_new(PyTypeObject *type, PyObject *args, PyObject *names)
{
	(void)args;
	(void)names;
	return type->tp_alloc(type, 0);
}

static int int64_init(PyObject *self, PyObject *args, PyObject *names)
{
	static char *keywords[] = {"value", NULL};
	PyObject *value = NULL;
	int64_t number = 0;

	if (!PyArg_ParseTupleAndKeywords(args, names, "|O:AtomicInt64",
					 keywords, &value) ||
	    (value != NULL && !take_number(value, &number)))
		return -1;
	conc_int64_set(number_of(self), number);
	return 0;
}

static int int64_traverse(PyObject *self, visitproc visit, void *arg)
{
	Py_VISIT(Py_TYPE(self));
	return 0;
}

static void int64_dealloc(PyObject *self)
{
	PyTypeObject *type = Py_TYPE(self);

	PyObject_GC_UnTrack(self);
	PyObject_ClearWeakRefs(self);
	type->tp_free(self);
	Py_DECREF(type);
}

/* --- methods ------------------------------------------------------------- */

PyDoc_STRVAR(int64_get_doc,
"get($self, /)\n"
"--\n"
"\n"
"The value, as an int.  Atomic.");

/* Also int() and operator.index(). */
static PyObject *int64_get(PyObject *self, PyObject *unused)
{
	(void)unused;
	return PyLong_FromLongLong(get(self));
}

/* The one argument of a method; false with an exception. */
static bool take_argument(const struct signature *signature,
			  PyObject *const *args, Py_ssize_t count,
			  PyObject *names, int64_t *number)
{
	PyObject *found;

	return take_arguments(signature, args, count, names, &found) &&
	       take_number(found, number);
}

PyDoc_STRVAR(int64_set_doc,
"set($self, /, v)\n"
"--\n"
"\n"
"Sets the value, an int.  Atomic.  TypeError: no int; OverflowError: it does\n"
"not fit into 64 bits.");

static PyObject *int64_set(PyObject *self, PyObject *const *args,
			   Py_ssize_t count, PyObject *names)
{
	static const struct signature signature = {"set", 1, 1, {"v"}};
	int64_t number;

	if (!take_argument(&signature, args, count, names, &number))
		return NULL;
	conc_int64_set(number_of(self), number);
	Py_RETURN_NONE;
}

PyDoc_STRVAR(int64_incr_doc,
"incr($self, /)\n"
"--\n"
"\n"
"Adds 1 and returns the new value.  One atomic step; wraps at 64 bits.");

static PyObject *int64_incr(PyObject *self, PyObject *unused)
{
	(void)unused;
	return PyLong_FromLongLong(conc_int64_incr(number_of(self)));
}

PyDoc_STRVAR(int64_decr_doc,
"decr($self, /)\n"
"--\n"
"\n"
"Subtracts 1 and returns the new value.  One atomic step; wraps at 64 bits.");

static PyObject *int64_decr(PyObject *self, PyObject *unused)
{
	(void)unused;
	return PyLong_FromLongLong(conc_int64_decr(number_of(self)));
}

/* Methods named as the functions of the module `operator` are. */
#define CHANGE_DOC(name, what)                                                \
	PyDoc_STRVAR(int64_##name##_doc,                                      \
		     #name "($self, /, n)\n"                                 \
			   "--\n"                                            \
			   "\n" what " and returns the new value.  One "     \
			   "atomic step;\nwraps at 64 bits.  TypeError: no " \
			   "int; OverflowError: n does not fit into\n64 bits.")

#define CHANGE(name, function, what)                                          \
	CHANGE_DOC(name, what);                                               \
	static PyObject *int64_##name(PyObject *self, PyObject *const *args,  \
				      Py_ssize_t count, PyObject *names)      \
	{                                                                     \
		static const struct signature signature = {                   \
			#name, 1, 1, {"n"}};                                  \
		int64_t n;                                                    \
                                                                              \
		if (!take_argument(&signature, args, count, names, &n))       \
			return NULL;                                          \
		return PyLong_FromLongLong(function(number_of(self), n));     \
	}

CHANGE(add, conc_int64_add, "Adds the int n")
CHANGE(sub, conc_int64_sub, "Subtracts the int n")
CHANGE(mul, conc_int64_multiply, "Multiplies by the int n")
CHANGE(and_, conc_int64_and, "Makes a bitwise and with the int n")
CHANGE(or_, conc_int64_or, "Makes a bitwise or with the int n")
CHANGE(xor, conc_int64_xor, "Makes a bitwise exclusive or with the int n")

static PyObject *floor_divide(PyObject *self, int64_t n)
{
	int64_t quotient;

	if (conc_int64_floor_divide(number_of(self), n, &quotient) == 0)
		return PyLong_FromLongLong(quotient);
	PyErr_SetString(PyExc_ZeroDivisionError,
			"integer division or modulo by zero");
	return NULL;
}

PyDoc_STRVAR(int64_floordiv_doc,
"floordiv($self, /, n)\n"
"--\n"
"\n"
"Divides by the int n, rounding down as // does, and returns the new value.\n"
"One atomic step; wraps at 64 bits.  ZeroDivisionError, and nothing changed:\n"
"n is 0.  TypeError: no int; OverflowError: n does not fit into 64 bits.");

static PyObject *int64_floordiv(PyObject *self, PyObject *const *args,
				Py_ssize_t count, PyObject *names)
{
	static const struct signature signature = {"floordiv", 1, 1, {"n"}};
	int64_t n;

	if (!take_argument(&signature, args, count, names, &n))
		return NULL;
	return floor_divide(self, n);
}

PyDoc_STRVAR(int64_format_doc,
"__format__($self, spec, /)\n"
"--\n"
"\n"
"The value formatted as an int.");

static PyObject *int64_format(PyObject *self, PyObject *spec)
{
	PyObject *number = int64_get(self, NULL), *text;

	if (number == NULL)
		return NULL;
	text = format_object(number, spec);
	Py_DECREF(number);
	return text;
}

/* --- operators that give an int ------------------------------------------ */

/* What an operand stands for: an int, or NotImplemented. */
static PyObject *operand(PyObject *object)
{
	if (PyLong_Check(object))
		return Py_NewRef(object);
	if (is_int64(object))
		return int64_get(object, NULL);
	Py_RETURN_NOTIMPLEMENTED;
}

static PyObject *compute(binaryfunc function, PyObject *left, PyObject *right)
{
	PyObject *a = operand(left), *b = operand(right), *result = NULL;

	if (a != NULL && b != NULL) {
		if (a == Py_NotImplemented || b == Py_NotImplemented)
			result = Py_NewRef(Py_NotImplemented);
		else
			result = function(a, b);
	}
	Py_XDECREF(a);
	Py_XDECREF(b);
	return result;
}

#define BINARY(name, function)                                                \
	static PyObject *name(PyObject *left, PyObject *right)                \
	{                                                                     \
		return compute(function, left, right);                        \
	}

BINARY(number_add, PyNumber_Add)
BINARY(number_subtract, PyNumber_Subtract)
BINARY(number_multiply, PyNumber_Multiply)
BINARY(number_floor_divide, PyNumber_FloorDivide)
BINARY(number_and, PyNumber_And)
BINARY(number_or, PyNumber_Or)
BINARY(number_xor, PyNumber_Xor)

#define UNARY(name, function)                                                 \
	static PyObject *name(PyObject *self)                                 \
	{                                                                     \
		PyObject *number = int64_get(self, NULL), *result = NULL;     \
                                                                              \
		if (number != NULL) {                                         \
			result = function(number);                            \
			Py_DECREF(number);                                    \
		}                                                             \
		return result;                                                \
	}

UNARY(number_negative, PyNumber_Negative)
UNARY(number_positive, PyNumber_Positive)
UNARY(number_absolute, PyNumber_Absolute)
UNARY(number_invert, PyNumber_Invert)
UNARY(number_index, PyNumber_Index)
UNARY(int64_str, PyObject_Str)

static int number_bool(PyObject *self)
{
	return get(self) != 0;
}

/* Compares the number that is there now, as an int does. */
static PyObject *int64_compare(PyObject *self, PyObject *other, int op)
{
	PyObject *number, *against, *result = NULL;

	if (!PyLong_Check(other) && !PyFloat_Check(other) && !is_int64(other))
		Py_RETURN_NOTIMPLEMENTED;
	number = int64_get(self, NULL);
	against = is_int64(other) ? int64_get(other, NULL) : Py_NewRef(other);
	if (number != NULL && against != NULL)
		result = PyObject_RichCompare(number, against, op);
	Py_XDECREF(number);
	Py_XDECREF(against);
	return result;
}

/* --- operators in place -------------------------------------------------- */

/*
 * The operand of `a += n`: 1, 0 when it is neither an int nor an AtomicInt64,
 * -1 with OverflowError.
 */
static int take_operand(PyObject *object, int64_t *n)
{
	if (is_int64(object)) {
		*n = get(object);
		return 1;
	}
	if (!PyLong_Check(object))
		return 0;
	return take_number(object, n) ? 1 : -1;
}

#define IN_PLACE(name, function)                                              \
	static PyObject *name(PyObject *self, PyObject *other)                \
	{                                                                     \
		int64_t n;                                                    \
		int taken = take_operand(other, &n);                          \
                                                                              \
		if (taken == 0)                                               \
			Py_RETURN_NOTIMPLEMENTED;                             \
		if (taken < 0)                                                \
			return NULL;                                          \
		function(number_of(self), n);                                 \
		return Py_NewRef(self);                                       \
	}

IN_PLACE(in_place_add, conc_int64_add)
IN_PLACE(in_place_subtract, conc_int64_sub)
IN_PLACE(in_place_multiply, conc_int64_multiply)
IN_PLACE(in_place_and, conc_int64_and)
IN_PLACE(in_place_or, conc_int64_or)
IN_PLACE(in_place_xor, conc_int64_xor)

static PyObject *in_place_floor_divide(PyObject *self, PyObject *other)
{
	PyObject *quotient;
	int64_t n;
	int taken = take_operand(other, &n);

	if (taken == 0)
		Py_RETURN_NOTIMPLEMENTED;
	quotient = taken < 0 ? NULL : floor_divide(self, n);
	if (quotient == NULL)
		return NULL;
	Py_DECREF(quotient);
	return Py_NewRef(self);
}

/* --- the type ------------------------------------------------------------ */

static PyObject *int64_repr(PyObject *self)
{
	PyObject *name = PyType_GetName(Py_TYPE(self)), *text;

	if (name == NULL)
		return NULL;
	text = PyUnicode_FromFormat("%U(%lld)", name, (long long)get(self));
	Py_DECREF(name);
	return text;
}

PyDoc_STRVAR(int64_doc,
"AtomicInt64(value=0)\n"
"--\n"
"\n"
"An integer of 64 bits that threads change in one step.\n"
"\n"
"get(), set(), incr(), decr(), add(), sub(), mul(), floordiv(), and_(), or_(),\n"
"xor() and += -= *= //= |= ^= &= are each atomic and sequentially consistent,\n"
"take no lock and constant time.  They wrap at 64 bits in two's complement, as\n"
"atomic integers do; an operand that itself does not fit is an OverflowError.\n"
"Division by 0 raises ZeroDivisionError and changes nothing.\n"
"\n"
"+ - * // | ^ & with ints and other AtomicInt64, unary - + abs ~, and\n"
"comparisons read each value once and give plain, exact ints (which do not\n"
"wrap).  Unhashable, as mutable things that compare by value are.");

#define CHANGE_METHOD(name)                                                   \
	{#name, (PyCFunction)(void (*)(void))int64_##name,                    \
	 METH_FASTCALL | METH_KEYWORDS, int64_##name##_doc}

static PyMethodDef int64_methods[] = {
	{"get", int64_get, METH_NOARGS, int64_get_doc},
	{"incr", int64_incr, METH_NOARGS, int64_incr_doc},
	{"decr", int64_decr, METH_NOARGS, int64_decr_doc},
	CHANGE_METHOD(set),
	CHANGE_METHOD(add),
	CHANGE_METHOD(sub),
	CHANGE_METHOD(mul),
	CHANGE_METHOD(floordiv),
	CHANGE_METHOD(and_),
	CHANGE_METHOD(or_),
	CHANGE_METHOD(xor),
	{"__format__", int64_format, METH_O, int64_format_doc},
	COMMON_METHODS,
	{NULL, NULL, 0, NULL},
};

static PyMemberDef int64_members[] = {
	COMPAT_WEAKREF_MEMBER(struct int64_object)
	{NULL, 0, 0, 0, NULL},
};

static PyType_Slot int64_slots[] = {
	{Py_tp_doc, (void *)int64_doc},
	{Py_tp_new, int64_new},
	{Py_tp_init, int64_init},
	{Py_tp_dealloc, int64_dealloc},
	{Py_tp_traverse, int64_traverse},
	{Py_tp_repr, int64_repr},
	{Py_tp_str, int64_str},
	{Py_tp_hash, PyObject_HashNotImplemented},
	{Py_tp_richcompare, int64_compare},
	{Py_tp_methods, int64_methods},
	{Py_tp_members, int64_members},
	{Py_nb_add, number_add},
	{Py_nb_subtract, number_subtract},
	{Py_nb_multiply, number_multiply},
	{Py_nb_floor_divide, number_floor_divide},
	{Py_nb_and, number_and},
	{Py_nb_or, number_or},
	{Py_nb_xor, number_xor},
	{Py_nb_negative, number_negative},
	{Py_nb_positive, number_positive},
	{Py_nb_absolute, number_absolute},
	{Py_nb_invert, number_invert},
	{Py_nb_bool, number_bool},
	{Py_nb_int, number_index},
	{Py_nb_index, number_index},
	{Py_nb_inplace_add, in_place_add},
	{Py_nb_inplace_subtract, in_place_subtract},
	{Py_nb_inplace_multiply, in_place_multiply},
	{Py_nb_inplace_floor_divide, in_place_floor_divide},
	{Py_nb_inplace_and, in_place_and},
	{Py_nb_inplace_or, in_place_or},
	{Py_nb_inplace_xor, in_place_xor},
	{0, NULL},
};

PyType_Spec int64_spec = {
	.name = "concurrency.AtomicInt64",
	.basicsize = sizeof(struct int64_object),
	.flags = CONTAINER_FLAGS,
	.slots = int64_slots,
};
