/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ConcurrentQueue: conc_queue with Python objects as items.
 *
 * The queue owns a reference to each item.  conc_queue_pop() sleeps between the
 * hooks, where the thread is detached from the interpreter, and tries outside
 * of them: an item changes hands only while the thread is attached, so the
 * garbage collector, which stops the world, sees each reference exactly once.
 */
#include "core/arguments.h"
#include "core/callbacks.h"
#include "core/container.h"
#include "core/errors.h"
#include "core/local_wrapper.h"
#include "core/state.h"

#include <errno.h>

struct queue_object {
	PyObject_HEAD
	conc_queue *queue; /* NULL before __init__ or the first use; then fixed */
	COMPAT_WEAKREF_FIELD
};

/* --- making and ending --------------------------------------------------- */

static int make_queue(struct queue_object *self, bool lock_free)
{
	struct conc_queue_attr attr = {
		.size = sizeof(attr),
		.lock_free = lock_free,
		.drain = object_ops.release,
		.wait = &long_wait,
	};
	conc_queue *made, *none = NULL;
	int rc = conc_queue_new(&attr, &made);

	if (rc < 0) {
		raise_error(rc);
		return -1;
	}
	/* Another thread may have been faster; then its queue is the queue. */
	if (!__atomic_compare_exchange_n(&self->queue, &none, made, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		conc_queue_free(made);
	return 0;
}

static conc_queue *queue_of(PyObject *object)
{
	struct queue_object *self = (struct queue_object *)object;
	conc_queue *queue = __atomic_load_n(&self->queue, __ATOMIC_ACQUIRE);

	if (LIKELY(queue != NULL))
		return queue;
	/* A subclass that does not call our __init__. */
	if (make_queue(self, false) < 0)
		return NULL;
	return __atomic_load_n(&self->queue, __ATOMIC_ACQUIRE);
}

static int queue_init(PyObject *object, PyObject *args, PyObject *names)
{
	static char *keywords[] = {"scaling", "lock_free", NULL};
	PyObject *scaling = NULL;
	unsigned threads;
	int lock_free = 0;

	if (!PyArg_ParseTupleAndKeywords(args, names, "|Op:ConcurrentQueue",
					 keywords, &scaling, &lock_free) ||
	    !take_scaling(scaling, &threads))
		return -1;
	return make_queue((struct queue_object *)object, lock_free != 0);
}

static PyObject *queue_new(PyTypeObject *type, PyObject *args, PyObject *names)
{
	(void)args;
	(void)names;
	return type->tp_alloc(type, 0);
}

static int queue_traverse(PyObject *object, visitproc visit, void *arg)
{
	conc_queue *queue = ((struct queue_object *)object)->queue;
	struct tour tour = {visit, arg};

	Py_VISIT(Py_TYPE(object));
	return queue == NULL ? 0
			     : conc_queue_traverse(queue, visit_object, &tour);
}

/* As many items as there are now: what their __del__ pushes may stay. */
static int queue_clear(PyObject *object)
{
	conc_queue *queue = ((struct queue_object *)object)->queue;
	void *item;

	if (queue == NULL)
		return 0;
	for (size_t left = conc_queue_size(queue);
	     left > 0 && conc_queue_try_pop(queue, &item) == 0; left--)
		Py_DECREF((PyObject *)item);
	return 0;
}

static void queue_dealloc(PyObject *object)
{
	PyTypeObject *type = Py_TYPE(object);

	PyObject_GC_UnTrack(object);
	Py_TRASHCAN_BEGIN(object, queue_dealloc)
	PyObject_ClearWeakRefs(object);
	conc_queue_free(((struct queue_object *)object)->queue);
	type->tp_free(object);
	Py_DECREF(type);
	Py_TRASHCAN_END
}

/* --- push and pop -------------------------------------------------------- */

static PyObject *raise_state(PyObject *self, int rc)
{
	struct module_state *state;

	if (rc == RAISED || rc == -ENOMEM)
		return raise_error(rc);
	if (rc == -ENOTRECOVERABLE) {
		PyErr_SetString(PyExc_RuntimeError,
				"the queue has failed: a push ran out of "
				"memory, and its item is missing");
		return NULL;
	}
	state = module_state_of(Py_TYPE(self));
	if (state == NULL)
		return NULL;
	if (rc == -EPIPE)
		PyErr_SetNone(state->shut_down);
	else if (rc == -EAGAIN || rc == -ETIMEDOUT)
		PyErr_SetNone(state->empty);
	else
		raise_error(rc);
	return NULL;
}

PyDoc_STRVAR(queue_push_doc,
"push($self, /, v)\n"
"--\n"
"\n"
"Appends an object; None is one like any other.\n"
"\n"
"Atomic; never waits; constant time.  ShutDown: the queue was shut down.\n"
"MemoryError: nothing was appended, what is queued is intact, and from then on\n"
"a pop() that would have to wait raises RuntimeError instead.");

static PyObject *queue_push(PyObject *self, PyObject *const *args,
			    Py_ssize_t count, PyObject *names)
{
	static const struct signature signature = {"push", 1, 1, {"v"}};
	conc_queue *queue = queue_of(self);
	PyObject *item;
	int rc;

	if (UNLIKELY(queue == NULL) ||
	    !take_arguments(&signature, args, count, names, &item))
		return NULL;
	rc = conc_queue_push(queue, Py_NewRef(item));
	if (LIKELY(rc == 0))
		Py_RETURN_NONE;
	Py_DECREF(item);
	if (rc == -ENOMEM)
		conc_queue_fail(queue);
	return raise_state(self, rc);
}

PyDoc_STRVAR(queue_pop_doc,
"pop($self, /, timeout=None)\n"
"--\n"
"\n"
"Takes the oldest item; waits for one, asleep, if there is none.\n"
"\n"
"`timeout`: seconds; None and infinity wait for ever, 0 does not wait.\n"
"Atomic: each item comes out once, in the order of the pushes; constant time\n"
"but for the wait.  Empty: the time is up.  ShutDown: the queue was shut down\n"
"and nothing is left.  RuntimeError: nothing is left and a push had failed for\n"
"lack of memory.  ValueError: a negative timeout or NaN.  Ctrl-C and other\n"
"signal handlers end the wait if they raise.  With an exception no item was\n"
"taken.");

static PyObject *pop(PyObject *self, const struct signature *signature,
		     PyObject *const *args, Py_ssize_t count, PyObject *names)
{
	conc_queue *queue = queue_of(self);
	PyObject *timeout = NULL;
	int64_t deadline = CONC_FOREVER;
	void *item;
	int rc;

	if (UNLIKELY(queue == NULL))
		return NULL;
	if (count != 0 || names != NULL) {
		if (!take_arguments(signature, args, count, names, &timeout) ||
		    !take_timeout(timeout, &deadline))
			return NULL;
	}
	rc = conc_queue_pop(queue, &item, deadline, NULL);
	if (LIKELY(rc == 0))
		return item;
	return raise_state(self, rc);
}

static PyObject *queue_pop(PyObject *self, PyObject *const *args,
			   Py_ssize_t count, PyObject *names)
{
	static const struct signature signature = {"pop", 0, 1, {"timeout"}};

	return pop(self, &signature, args, count, names);
}

PyDoc_STRVAR(queue_pop_local_doc,
"pop_local($self, /, timeout=None)\n"
"--\n"
"\n"
"pop(), with the item in a LocalWrapper.");

/* The wrapper first: an item must not be lost for lack of memory. */
static PyObject *queue_pop_local(PyObject *self, PyObject *const *args,
				 Py_ssize_t count, PyObject *names)
{
	static const struct signature signature = {
		"pop_local", 0, 1, {"timeout"}};
	struct module_state *state = module_state_of(Py_TYPE(self));
	PyObject *wrapper, *item;

	wrapper = state == NULL ? NULL : local_wrapper_new(state, Py_None);
	if (wrapper == NULL)
		return NULL;
	item = pop(self, &signature, args, count, names);
	if (item == NULL) {
		Py_DECREF(wrapper);
		return NULL;
	}
	local_wrapper_fill(wrapper, item);
	return wrapper;
}

/* --- the rest ------------------------------------------------------------ */

PyDoc_STRVAR(queue_size_doc,
"size($self, /)\n"
"--\n"
"\n"
"The number of items: exact while nobody pushes or pops, else one that was\n"
"right during the call, give or take the operations under way.");

static PyObject *queue_size(PyObject *self, PyObject *unused)
{
	conc_queue *queue = queue_of(self);

	(void)unused;
	return queue == NULL ? NULL : PyLong_FromSize_t(conc_queue_size(queue));
}

PyDoc_STRVAR(queue_empty_doc,
"empty($self, /)\n"
"--\n"
"\n"
"True if there was a moment in the call when nothing was queued.");

static PyObject *queue_empty(PyObject *self, PyObject *unused)
{
	conc_queue *queue = queue_of(self);

	(void)unused;
	return queue == NULL ? NULL : PyBool_FromLong(conc_queue_empty(queue));
}

PyDoc_STRVAR(queue_shutdown_doc,
"shutdown($self, /, immediate=False)\n"
"--\n"
"\n"
"Ends the queue: every push() that starts later raises ShutDown; pop() hands\n"
"out what is left and then raises ShutDown, in threads that wait now too.\n"
"\n"
"`immediate`: what is left is released instead.  May be called again; cannot\n"
"fail.  Constant time, or in proportion to what is released.");

static PyObject *queue_shutdown(PyObject *self, PyObject *const *args,
				Py_ssize_t count, PyObject *names)
{
	static const struct signature signature = {
		"shutdown", 0, 1, {"immediate"}};
	conc_queue *queue = queue_of(self);
	PyObject *found;
	int immediate;

	if (queue == NULL ||
	    !take_arguments(&signature, args, count, names, &found))
		return NULL;
	immediate = found == NULL ? 0 : PyObject_IsTrue(found);
	if (immediate < 0)
		return NULL;
	conc_queue_close(queue, immediate != 0);
	Py_RETURN_NONE;
}

static PyObject *queue_repr(PyObject *self)
{
	conc_queue *queue = queue_of(self);
	PyObject *name, *text;

	if (queue == NULL)
		return NULL;
	name = PyType_GetName(Py_TYPE(self));
	if (name == NULL)
		return NULL;
	text = PyUnicode_FromFormat(
		"<%U object at %p, size=%zu%s>", name, self,
		conc_queue_size(queue),
		conc_queue_is_closed(queue) ? ", shut down" : "");
	Py_DECREF(name);
	return text;
}

/* --- the type ------------------------------------------------------------ */

PyDoc_STRVAR(queue_doc,
"ConcurrentQueue(scaling=None, lock_free=False)\n"
"--\n"
"\n"
"An unbounded queue, strictly first in, first out, for many producers and\n"
"many consumers.\n"
"\n"
"`scaling`: how many threads are expected; a hint (ValueError below 1).\n"
"`lock_free`: threads that wait poll with back-off and do not sleep in the\n"
"kernel while items keep coming; costs CPU time.\n"
"\n"
"push() and pop() are each atomic.  Threads that wait sleep and use no CPU;\n"
"one that has just woken another may poll up to 50 us for its answer first.");

static PyMethodDef queue_methods[] = {
	{"push", (PyCFunction)(void (*)(void))queue_push,
	 METH_FASTCALL | METH_KEYWORDS, queue_push_doc},
	{"pop", (PyCFunction)(void (*)(void))queue_pop,
	 METH_FASTCALL | METH_KEYWORDS, queue_pop_doc},
	{"pop_local", (PyCFunction)(void (*)(void))queue_pop_local,
	 METH_FASTCALL | METH_KEYWORDS, queue_pop_local_doc},
	{"size", queue_size, METH_NOARGS, queue_size_doc},
	{"empty", queue_empty, METH_NOARGS, queue_empty_doc},
	{"shutdown", (PyCFunction)(void (*)(void))queue_shutdown,
	 METH_FASTCALL | METH_KEYWORDS, queue_shutdown_doc},
	COMMON_METHODS,
	{NULL, NULL, 0, NULL},
};

static PyMemberDef queue_members[] = {
	COMPAT_WEAKREF_MEMBER(struct queue_object)
	{NULL, 0, 0, 0, NULL},
};

static PyType_Slot queue_slots[] = {
	{Py_tp_doc, (void *)queue_doc},
	{Py_tp_new, queue_new},
	{Py_tp_init, queue_init},
	{Py_tp_dealloc, queue_dealloc},
	{Py_tp_traverse, queue_traverse},
	{Py_tp_clear, queue_clear},
	{Py_tp_repr, queue_repr},
	{Py_tp_methods, queue_methods},
	{Py_tp_members, queue_members},
	{0, NULL},
};

PyType_Spec queue_spec = {
	.name = "concurrency.ConcurrentQueue",
	.basicsize = sizeof(struct queue_object),
	.flags = CONTAINER_FLAGS,
	.slots = queue_slots,
};
