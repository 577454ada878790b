/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * LocalWrapper: a proxy whose owner counts references to the proxy, while that
 * to the object is counted once.  On a free-threaded Python a count that
 * several threads change is what keeps them from running side by side.
 *
 * Everything goes to the object, but what is listed in wrapper_methods as the
 * wrapper's own, and what a subclass defines.  The object is set when the
 * wrapper is made and never changes: so it is used without a reference of one's
 * own, and needs no tp_clear (as with a tuple, another object of every cycle
 * has one).
 */
#include "local_wrapper.h"

#include "arguments.h"
#include "container.h"
#include "state.h"

struct wrapper_object {
	PyObject_HEAD
	PyObject *wrapped; /* never NULL once __new__ has returned */
	vectorcallfunc vectorcall;
	COMPAT_WEAKREF_FIELD
};

static void wrapper_dealloc(PyObject *object);

static PyObject *inside(PyObject *wrapper)
{
	return ((struct wrapper_object *)wrapper)->wrapped;
}

/* What an operand stands for, borrowed. */
static PyObject *unwrap(PyObject *object)
{
	return is_instance_by_dealloc(object, wrapper_dealloc) ? inside(object)
							       : object;
}

/* --- making and ending --------------------------------------------------- */

static PyObject *wrapper_call(PyObject *self, PyObject *const *args,
			      size_t count, PyObject *names)
{
	return PyObject_Vectorcall(inside(self), args, count, names);
}

/* Takes over the caller's reference to `object`. */
static PyObject *make(PyTypeObject *type, PyObject *object)
{
	struct wrapper_object *self =
		(struct wrapper_object *)type->tp_alloc(type, 0);

	if (self == NULL) {
		Py_DECREF(object);
		return NULL;
	}
	self->wrapped = object;
	self->vectorcall = wrapper_call;
	return (PyObject *)self;
}

PyObject *local_wrapper_new(struct module_state *state, PyObject *object)
{
	return make(state->wrapper_type, Py_NewRef(unwrap(object)));
}

void local_wrapper_fill(PyObject *wrapper, PyObject *object)
{
	PyObject *before = inside(wrapper);

	((struct wrapper_object *)wrapper)->wrapped =
		Py_NewRef(unwrap(object));
	Py_DECREF(object);
	Py_DECREF(before);
}

/* Other arguments are for __init__ to refuse, ours or that of a subclass. */
static PyObject *wrapper_new(PyTypeObject *type, PyObject *args,
			     PyObject *names)
{
	PyObject *object = NULL;

	if (PyTuple_GET_SIZE(args) > 0)
		object = PyTuple_GET_ITEM(args, 0);
	else if (names != NULL)
		object = PyDict_GetItemString(names, "obj");
	if (object == NULL) {
		PyErr_SetString(PyExc_TypeError,
				"LocalWrapper() missing required argument "
				"'obj' (pos 1)");
		return NULL;
	}
	return make(type, Py_NewRef(unwrap(object)));
}

static int wrapper_init(PyObject *self, PyObject *args, PyObject *names)
{
	static char *keywords[] = {"obj", NULL};
	PyObject *object;

	(void)self;
	return PyArg_ParseTupleAndKeywords(args, names, "O:LocalWrapper",
					   keywords, &object)
		       ? 0
		       : -1;
}

static int wrapper_traverse(PyObject *self, visitproc visit, void *arg)
{
	Py_VISIT(Py_TYPE(self));
	Py_VISIT(inside(self));
	return 0;
}

static void wrapper_dealloc(PyObject *object)
{
	PyTypeObject *type = Py_TYPE(object);

	PyObject_GC_UnTrack(object);
	Py_TRASHCAN_BEGIN(object, wrapper_dealloc)
	PyObject_ClearWeakRefs(object);
	Py_XDECREF(inside(object));
	type->tp_free(object);
	Py_DECREF(type);
	Py_TRASHCAN_END
}

PyDoc_STRVAR(get_wrapped_doc,
"get_wrapped($self, /)\n"
"--\n"
"\n"
"The object itself.");

static PyObject *get_wrapped(PyObject *self, PyObject *unused)
{
	(void)unused;
	return Py_NewRef(inside(self));
}

/* --- attributes ---------------------------------------------------------- */

#define NAME(text) {sizeof(text) - 1, text}

/* The lengths first: they tell nearly every other name apart. */
static bool is_own_name(PyObject *name)
{
	static const struct {
		Py_ssize_t length;
		const char *text;
	} own[] = {NAME("get_wrapped"), NAME("__reduce__"),
		   NAME("__reduce_ex__")};

	for (size_t i = 0; i < Py_ARRAY_LENGTH(own); i++) {
		if (PyUnicode_GET_LENGTH(name) == own[i].length &&
		    PyUnicode_CompareWithASCIIString(name, own[i].text) == 0)
			return true;
	}
	return false;
}

static bool is_dunder(PyObject *name)
{
	Py_ssize_t length = PyUnicode_GET_LENGTH(name);

	return length > 4 && PyUnicode_READ_CHAR(name, 0) == '_' &&
	       PyUnicode_READ_CHAR(name, 1) == '_' &&
	       PyUnicode_READ_CHAR(name, length - 1) == '_' &&
	       PyUnicode_READ_CHAR(name, length - 2) == '_';
}

static PyTypeObject *wrapper_base(PyTypeObject *type)
{
	while (type->tp_dealloc != wrapper_dealloc)
		type = type->tp_base;
	return type;
}

/*
 * What a subclass defines under this name, a new reference or NULL.  Not what
 * every class has by itself (__doc__, __module__, __dict__, __slots__): of the
 * names with underscores only methods and properties count.
 */
static PyObject *find_in_subclass(PyTypeObject *type, PyObject *name)
{
	PyTypeObject *base = wrapper_base(type);
	PyObject *theirs, *ours;

	if (LIKELY(type == base))
		return NULL;
	theirs = compat_type_lookup(type, name);
	ours = compat_type_lookup(base, name);
	if (theirs == ours ||
	    (theirs != NULL && is_dunder(name) &&
	     (Py_TYPE(theirs)->tp_descr_get == NULL ||
	      Py_IS_TYPE(theirs, &PyGetSetDescr_Type))))
		Py_CLEAR(theirs);
	Py_XDECREF(ours);
	return theirs;
}

/* `name` need be no str: __getattribute__() and the like hand on what they are given. */
static PyObject *wrapper_getattr(PyObject *self, PyObject *name)
{
	PyObject *found;

	if (UNLIKELY(!PyUnicode_Check(name)))
		return PyObject_GetAttr(inside(self), name); /* refuses it */
	found = find_in_subclass(Py_TYPE(self), name);
	if (UNLIKELY(found != NULL || is_own_name(name))) {
		Py_XDECREF(found);
		return PyObject_GenericGetAttr(self, name);
	}
	return PyObject_GetAttr(inside(self), name);
}

/* Also deletes, with a NULL. */
static int wrapper_setattr(PyObject *self, PyObject *name, PyObject *value)
{
	PyObject *found;
	bool theirs;

	if (UNLIKELY(!PyUnicode_Check(name)))
		return PyObject_SetAttr(inside(self), name, value);
	found = find_in_subclass(Py_TYPE(self), name);
	theirs = found != NULL && Py_TYPE(found)->tp_descr_set != NULL;
	Py_XDECREF(found);
	return theirs ? PyObject_GenericSetAttr(self, name, value)
		      : PyObject_SetAttr(inside(self), name, value);
}

/* --- operators ----------------------------------------------------------- */

#define UNARY(name, function)                                                 \
	static PyObject *name(PyObject *self)                                 \
	{                                                                     \
		return function(inside(self));                                \
	}

UNARY(wrapper_negative, PyNumber_Negative)
UNARY(wrapper_positive, PyNumber_Positive)
UNARY(wrapper_absolute, PyNumber_Absolute)
UNARY(wrapper_invert, PyNumber_Invert)
UNARY(wrapper_int, PyNumber_Long)
UNARY(wrapper_float, PyNumber_Float)
UNARY(wrapper_index, PyNumber_Index)
UNARY(wrapper_str, PyObject_Str)
UNARY(wrapper_iter, PyObject_GetIter)

#define BINARY(name, function)                                                \
	static PyObject *name(PyObject *left, PyObject *right)                \
	{                                                                     \
		return function(unwrap(left), unwrap(right));                 \
	}

BINARY(wrapper_add, PyNumber_Add)
BINARY(wrapper_subtract, PyNumber_Subtract)
BINARY(wrapper_multiply, PyNumber_Multiply)
BINARY(wrapper_matrix_multiply, PyNumber_MatrixMultiply)
BINARY(wrapper_true_divide, PyNumber_TrueDivide)
BINARY(wrapper_floor_divide, PyNumber_FloorDivide)
BINARY(wrapper_remainder, PyNumber_Remainder)
BINARY(wrapper_divmod, PyNumber_Divmod)
BINARY(wrapper_lshift, PyNumber_Lshift)
BINARY(wrapper_rshift, PyNumber_Rshift)
BINARY(wrapper_and, PyNumber_And)
BINARY(wrapper_or, PyNumber_Or)
BINARY(wrapper_xor, PyNumber_Xor)

static PyObject *wrapper_power(PyObject *base, PyObject *exponent,
			       PyObject *modulus)
{
	return PyNumber_Power(unwrap(base), unwrap(exponent), unwrap(modulus));
}

/*
 * What is left of `w += x`: the same wrapper if the object changed itself; else
 * a new one, so that other names of the old one still mean the old object.
 */
static PyObject *rewrap(PyObject *self, PyObject *result)
{
	if (result == NULL)
		return NULL;
	if (result == inside(self)) {
		Py_DECREF(result);
		return Py_NewRef(self);
	}
	return make(wrapper_base(Py_TYPE(self)), result);
}

#define IN_PLACE(name, function)                                              \
	static PyObject *name(PyObject *self, PyObject *other)                \
	{                                                                     \
		return rewrap(self, function(inside(self), unwrap(other)));   \
	}

IN_PLACE(in_place_add, PyNumber_InPlaceAdd)
IN_PLACE(in_place_subtract, PyNumber_InPlaceSubtract)
IN_PLACE(in_place_multiply, PyNumber_InPlaceMultiply)
IN_PLACE(in_place_matrix_multiply, PyNumber_InPlaceMatrixMultiply)
IN_PLACE(in_place_true_divide, PyNumber_InPlaceTrueDivide)
IN_PLACE(in_place_floor_divide, PyNumber_InPlaceFloorDivide)
IN_PLACE(in_place_remainder, PyNumber_InPlaceRemainder)
IN_PLACE(in_place_lshift, PyNumber_InPlaceLshift)
IN_PLACE(in_place_rshift, PyNumber_InPlaceRshift)
IN_PLACE(in_place_and, PyNumber_InPlaceAnd)
IN_PLACE(in_place_or, PyNumber_InPlaceOr)
IN_PLACE(in_place_xor, PyNumber_InPlaceXor)

static PyObject *in_place_power(PyObject *self, PyObject *exponent,
				PyObject *modulus)
{
	return rewrap(self, PyNumber_InPlacePower(inside(self),
						  unwrap(exponent),
						  unwrap(modulus)));
}

static int wrapper_bool(PyObject *self)
{
	return PyObject_IsTrue(inside(self));
}

static Py_hash_t wrapper_hash(PyObject *self)
{
	return PyObject_Hash(inside(self));
}

static PyObject *wrapper_compare(PyObject *self, PyObject *other, int op)
{
	return PyObject_RichCompare(inside(self), unwrap(other), op);
}

static PyObject *wrapper_repr(PyObject *self)
{
	PyObject *name = PyType_GetName(Py_TYPE(self)), *text;

	if (name == NULL)
		return NULL;
	text = PyUnicode_FromFormat("%U(%R)", name, inside(self));
	Py_DECREF(name);
	return text;
}

/* --- containers, iterators, buffers -------------------------------------- */

static Py_ssize_t wrapper_length(PyObject *self)
{
	return PyObject_Size(inside(self));
}

static PyObject *wrapper_subscript(PyObject *self, PyObject *key)
{
	return PyObject_GetItem(inside(self), key);
}

static int wrapper_store(PyObject *self, PyObject *key, PyObject *value)
{
	return value == NULL ? PyObject_DelItem(inside(self), key)
			     : PyObject_SetItem(inside(self), key, value);
}

static PyObject *wrapper_item(PyObject *self, Py_ssize_t i)
{
	return PySequence_GetItem(inside(self), i);
}

static int wrapper_contains(PyObject *self, PyObject *value)
{
	return PySequence_Contains(inside(self), value);
}

static PyObject *refuse(PyObject *object, const char *what)
{
	return PyErr_Format(PyExc_TypeError, "'%.200s' object %s",
			    Py_TYPE(object)->tp_name, what);
}

static PyObject *wrapper_next(PyObject *self)
{
	PyObject *object = inside(self);

	return PyIter_Check(object) ? Py_TYPE(object)->tp_iternext(object)
				    : refuse(object, "is not an iterator");
}

#define ASYNC(name, slot, what)                                               \
	static PyObject *name(PyObject *self)                                 \
	{                                                                     \
		PyObject *object = inside(self);                              \
		PyAsyncMethods *methods = Py_TYPE(object)->tp_as_async;       \
                                                                              \
		return methods != NULL && methods->slot != NULL               \
			       ? methods->slot(object)                        \
			       : refuse(object, what);                        \
	}

ASYNC(wrapper_await, am_await, "can't be used in 'await' expression")
ASYNC(wrapper_aiter, am_aiter, "is not an asynchronous iterable")
ASYNC(wrapper_anext, am_anext, "is not an asynchronous iterator")

static int wrapper_buffer(PyObject *self, Py_buffer *view, int flags)
{
	return PyObject_GetBuffer(inside(self), view, flags);
}

/* --- methods that Python looks up by name -------------------------------- */

/* function(object, *args), where `function` is one of a module's. */
static PyObject *call_function(const char *module, const char *function,
			       PyObject *object, PyObject *args)
{
	PyObject *found, *with, *all, *result = NULL;

	found = PyImport_ImportModule(module);
	if (found == NULL)
		return NULL;
	Py_SETREF(found, PyObject_GetAttrString(found, function));
	with = PyTuple_Pack(1, object);
	all = with == NULL || args == NULL ? Py_XNewRef(with)
					   : PySequence_Concat(with, args);
	if (found != NULL && all != NULL)
		result = PyObject_CallObject(found, all);
	Py_XDECREF(found);
	Py_XDECREF(with);
	Py_XDECREF(all);
	return result;
}

#define FUNCTION(name, module, function)                                      \
	static PyObject *name(PyObject *self, PyObject *unused)               \
	{                                                                     \
		(void)unused;                                                 \
		return call_function(module, function, inside(self), NULL);   \
	}

FUNCTION(wrapper_reversed, "builtins", "reversed")
FUNCTION(wrapper_bytes, "builtins", "bytes")
FUNCTION(wrapper_complex, "builtins", "complex")
FUNCTION(wrapper_trunc, "math", "trunc")
FUNCTION(wrapper_floor, "math", "floor")
FUNCTION(wrapper_ceil, "math", "ceil")

static PyObject *wrapper_round(PyObject *self, PyObject *args)
{
	return call_function("builtins", "round", inside(self), args);
}

static PyObject *wrapper_format(PyObject *self, PyObject *spec)
{
	return format_object(inside(self), spec);
}

static PyObject *wrapper_dir(PyObject *self, PyObject *unused)
{
	(void)unused;
	return PyObject_Dir(inside(self));
}

static PyObject *wrapper_fspath(PyObject *self, PyObject *unused)
{
	(void)unused;
	return PyOS_FSPath(inside(self));
}

static PyObject *wrapper_length_hint(PyObject *self, PyObject *unused)
{
	Py_ssize_t hint = PyObject_LengthHint(inside(self), -1);

	(void)unused;
	if (hint >= 0)
		return PyLong_FromSsize_t(hint);
	return PyErr_Occurred() ? NULL : Py_NewRef(Py_NotImplemented);
}

static PyObject *wrapper_instancecheck(PyObject *self, PyObject *instance)
{
	int answer = PyObject_IsInstance(instance, inside(self));

	return answer < 0 ? NULL : PyBool_FromLong(answer);
}

static PyObject *wrapper_subclasscheck(PyObject *self, PyObject *type)
{
	int answer = PyObject_IsSubclass(type, inside(self));

	return answer < 0 ? NULL : PyBool_FromLong(answer);
}

/* As a `with` statement does: the method of the type, not of the instance. */
static PyObject *call_special(PyObject *self, const char *name, PyObject *args,
			      const char *protocol)
{
	PyObject *object = inside(self), *type = (PyObject *)Py_TYPE(object);
	PyObject *method = PyObject_GetAttrString(type, name);
	PyObject *with, *all = NULL, *result = NULL;

	if (method == NULL) {
		if (!PyErr_ExceptionMatches(PyExc_AttributeError))
			return NULL;
		PyErr_Clear();
		return refuse(object, protocol);
	}
	with = PyTuple_Pack(1, object);
	if (with != NULL)
		all = PySequence_Concat(with, args);
	if (all != NULL)
		result = PyObject_CallObject(method, all);
	Py_DECREF(method);
	Py_XDECREF(with);
	Py_XDECREF(all);
	return result;
}

#define SPECIAL(name, method, protocol)                                       \
	static PyObject *name(PyObject *self, PyObject *args)                 \
	{                                                                     \
		return call_special(self, method, args,                       \
				    "does not support the " protocol          \
				    " protocol");                             \
	}

SPECIAL(wrapper_enter, "__enter__", "context manager")
SPECIAL(wrapper_exit, "__exit__", "context manager")
SPECIAL(wrapper_aenter, "__aenter__", "asynchronous context manager")
SPECIAL(wrapper_aexit, "__aexit__", "asynchronous context manager")

/* --- the type ------------------------------------------------------------ */

PyDoc_STRVAR(wrapper_doc,
"LocalWrapper(obj)\n"
"--\n"
"\n"
"A proxy of `obj` for one thread.\n"
"\n"
"Attributes, calls, indexing and operators go to the object, and give what they\n"
"give there; of two wrapped operands both objects are taken.  An operator in\n"
"place leaves a wrapper.  The reference count that using it changes is the\n"
"proxy's: on a free-threaded Python threads that use one object each through a\n"
"wrapper of their own do not slow each other down.  It adds no lock: an\n"
"operation is as atomic as on the object.\n"
"\n"
"get_wrapped() gives the object.  A wrapper of a wrapper wraps its object.\n"
"isinstance() sees the object's class; type(), callable() and `is` see the\n"
"wrapper.  TypeError and other errors are those of the object.");

static PyMethodDef wrapper_methods[] = {
	{"get_wrapped", get_wrapped, METH_NOARGS, get_wrapped_doc},
	{"__reversed__", wrapper_reversed, METH_NOARGS, NULL},
	{"__complex__", wrapper_complex, METH_NOARGS, NULL},
	{"__trunc__", wrapper_trunc, METH_NOARGS, NULL},
	{"__floor__", wrapper_floor, METH_NOARGS, NULL},
	{"__ceil__", wrapper_ceil, METH_NOARGS, NULL},
	{"__round__", wrapper_round, METH_VARARGS, NULL},
	{"__bytes__", wrapper_bytes, METH_NOARGS, NULL},
	{"__format__", wrapper_format, METH_O, NULL},
	{"__dir__", wrapper_dir, METH_NOARGS, NULL},
	{"__fspath__", wrapper_fspath, METH_NOARGS, NULL},
	{"__length_hint__", wrapper_length_hint, METH_NOARGS, NULL},
	{"__instancecheck__", wrapper_instancecheck, METH_O, NULL},
	{"__subclasscheck__", wrapper_subclasscheck, METH_O, NULL},
	{"__enter__", wrapper_enter, METH_VARARGS, NULL},
	{"__exit__", wrapper_exit, METH_VARARGS, NULL},
	{"__aenter__", wrapper_aenter, METH_VARARGS, NULL},
	{"__aexit__", wrapper_aexit, METH_VARARGS, NULL},
	COMMON_METHODS,
	{NULL, NULL, 0, NULL},
};

static PyMemberDef wrapper_members[] = {
	{"__vectorcalloffset__", T_PYSSIZET,
	 offsetof(struct wrapper_object, vectorcall), READONLY, NULL},
	COMPAT_WEAKREF_MEMBER(struct wrapper_object)
	{NULL, 0, 0, 0, NULL},
};

static PyType_Slot wrapper_slots[] = {
	{Py_tp_doc, (void *)wrapper_doc},
	{Py_tp_new, wrapper_new},
	{Py_tp_init, wrapper_init},
	{Py_tp_dealloc, wrapper_dealloc},
	{Py_tp_traverse, wrapper_traverse},
	{Py_tp_repr, wrapper_repr},
	{Py_tp_str, wrapper_str},
	{Py_tp_hash, wrapper_hash},
	{Py_tp_call, PyVectorcall_Call},
	{Py_tp_getattro, wrapper_getattr},
	{Py_tp_setattro, wrapper_setattr},
	{Py_tp_richcompare, wrapper_compare},
	{Py_tp_iter, wrapper_iter},
	{Py_tp_iternext, wrapper_next},
	{Py_tp_methods, wrapper_methods},
	{Py_tp_members, wrapper_members},
	{Py_nb_add, wrapper_add},
	{Py_nb_subtract, wrapper_subtract},
	{Py_nb_multiply, wrapper_multiply},
	{Py_nb_matrix_multiply, wrapper_matrix_multiply},
	{Py_nb_true_divide, wrapper_true_divide},
	{Py_nb_floor_divide, wrapper_floor_divide},
	{Py_nb_remainder, wrapper_remainder},
	{Py_nb_divmod, wrapper_divmod},
	{Py_nb_power, wrapper_power},
	{Py_nb_lshift, wrapper_lshift},
	{Py_nb_rshift, wrapper_rshift},
	{Py_nb_and, wrapper_and},
	{Py_nb_or, wrapper_or},
	{Py_nb_xor, wrapper_xor},
	{Py_nb_negative, wrapper_negative},
	{Py_nb_positive, wrapper_positive},
	{Py_nb_absolute, wrapper_absolute},
	{Py_nb_invert, wrapper_invert},
	{Py_nb_bool, wrapper_bool},
	{Py_nb_int, wrapper_int},
	{Py_nb_float, wrapper_float},
	{Py_nb_index, wrapper_index},
	{Py_nb_inplace_add, in_place_add},
	{Py_nb_inplace_subtract, in_place_subtract},
	{Py_nb_inplace_multiply, in_place_multiply},
	{Py_nb_inplace_matrix_multiply, in_place_matrix_multiply},
	{Py_nb_inplace_true_divide, in_place_true_divide},
	{Py_nb_inplace_floor_divide, in_place_floor_divide},
	{Py_nb_inplace_remainder, in_place_remainder},
	{Py_nb_inplace_power, in_place_power},
	{Py_nb_inplace_lshift, in_place_lshift},
	{Py_nb_inplace_rshift, in_place_rshift},
	{Py_nb_inplace_and, in_place_and},
	{Py_nb_inplace_or, in_place_or},
	{Py_nb_inplace_xor, in_place_xor},
	{Py_mp_length, wrapper_length},
	{Py_mp_subscript, wrapper_subscript},
	{Py_mp_ass_subscript, wrapper_store},
	{Py_sq_length, wrapper_length},
	{Py_sq_item, wrapper_item},
	{Py_sq_contains, wrapper_contains},
	{Py_am_await, wrapper_await},
	{Py_am_aiter, wrapper_aiter},
	{Py_am_anext, wrapper_anext},
	{Py_bf_getbuffer, wrapper_buffer},
	{0, NULL},
};

PyType_Spec wrapper_spec = {
	.name = "concurrency.LocalWrapper",
	.basicsize = sizeof(struct wrapper_object),
	.flags = CONTAINER_FLAGS | Py_TPFLAGS_HAVE_VECTORCALL,
	.slots = wrapper_slots,
};
