/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * StdConcurrentQueue: queue.Queue on conc_bounded_queue.
 *
 * A subclass that overrides one of _init, _qsize, _put and _get decides itself
 * how items are kept, so these run under a lock, in Python: `locked` is then a
 * LockedQueue of concurrency/_locked_queue.py, every method is forwarded to it,
 * and `items` is what Python code sees as self.queue.  Which of the two an
 * object is, is settled once, when it is made.
 */
#include "core/arguments.h"
#include "core/callbacks.h"
#include "core/container.h"
#include "core/errors.h"
#include "core/state.h"

#include <errno.h>
#include "std_queue_hooks.h"

struct std_queue_object {
	PyObject_HEAD
	/* One of these two, from __init__ or the first use on. */
	conc_bounded_queue *queue;
	PyObject *locked;
	PyObject *items; /* with `locked`: whatever _init() made */
	COMPAT_WEAKREF_FIELD
};

static struct std_queue_object *itself(PyObject *object)
{
	return (struct std_queue_object *)object;
}

/* --- making and ending --------------------------------------------------- */

static int make_queue(struct std_queue_object *self, int64_t capacity)
{
	struct conc_bounded_queue_attr attr = {
		.size = sizeof(attr),
		.capacity = capacity,
		.drain = object_ops.release,
		.wait = &long_wait,
	};
	conc_bounded_queue *made, *none = NULL;
	int rc = conc_bounded_queue_new(&attr, &made);

	if (rc < 0) {
		raise_error(rc);
		return -1;
	}
	/* Another thread may have been faster; then its queue is the queue. */
	if (!__atomic_compare_exchange_n(&self->queue, &none, made, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		conc_bounded_queue_free(made);
	return 0;
}

/* As make_queue(), for a subclass with hooks; `maxsize` as it was given. */
static int make_locked(struct std_queue_object *self, PyObject *maxsize)
{
	PyObject *none = NULL;
	PyObject *made = locked_queue_new((PyObject *)self, maxsize);

	if (made == NULL)
		return -1;
	if (!__atomic_compare_exchange_n(&self->locked, &none, made, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		Py_DECREF(made);
	return 0;
}

static int make_either(PyObject *self, PyObject *maxsize)
{
	int hooked = overrides_hooks(Py_TYPE(self));
	int64_t capacity = 0;

	if (hooked < 0 || !take_clamped(maxsize, &capacity))
		return -1;
	return hooked ? make_locked(itself(self), maxsize)
		      : make_queue(itself(self), capacity);
}

static PyObject *locked_of(PyObject *self)
{
	return __atomic_load_n(&itself(self)->locked, __ATOMIC_ACQUIRE);
}

/* NULL and no exception: there is a LockedQueue instead. */
static conc_bounded_queue *queue_of(PyObject *self)
{
	return __atomic_load_n(&itself(self)->queue, __ATOMIC_ACQUIRE);
}

/* For a subclass that does not call our __init__. */
static int ensure_made(PyObject *self)
{
	PyObject *zero;
	int rc;

	if (LIKELY(queue_of(self) != NULL || locked_of(self) != NULL))
		return 0;
	zero = PyLong_FromLong(0);
	rc = zero == NULL ? -1 : make_either(self, zero);
	Py_XDECREF(zero);
	return rc;
}

static int std_queue_init(PyObject *self, PyObject *args, PyObject *names)
{
	static char *keywords[] = {"maxsize", NULL};
	PyObject *maxsize = NULL, *zero = PyLong_FromLong(0);
	int rc = -1;

	if (zero != NULL &&
	    PyArg_ParseTupleAndKeywords(args, names, "|O:StdConcurrentQueue",
					keywords, &maxsize))
		rc = make_either(self, maxsize == NULL ? zero : maxsize);
	Py_XDECREF(zero);
	return rc;
}

static PyObject *std_queue_new(PyTypeObject *type, PyObject *args,
			       PyObject *names)
{
	(void)args;
	(void)names;
	return type->tp_alloc(type, 0);
}

static int std_queue_traverse(PyObject *object, visitproc visit, void *arg)
{
	struct std_queue_object *self = itself(object);
	struct tour tour = {visit, arg};

	Py_VISIT(Py_TYPE(object));
	Py_VISIT(self->locked);
	Py_VISIT(self->items);
	return self->queue == NULL ? 0
				   : conc_bounded_queue_traverse(
					     self->queue, visit_object, &tour);
}

/*
 * As many items as there are now: what their __del__ puts may stay.  `locked`
 * stays too, as it holds no reference to anything of the user's.
 */
static int std_queue_clear(PyObject *object)
{
	struct std_queue_object *self = itself(object);
	void *item;

	Py_CLEAR(self->items);
	if (self->queue == NULL)
		return 0;
	for (size_t left = conc_bounded_queue_size(self->queue);
	     left > 0 && conc_bounded_queue_try_pop(self->queue, &item) == 0;
	     left--)
		Py_DECREF((PyObject *)item);
	return 0;
}

static void std_queue_dealloc(PyObject *object)
{
	PyTypeObject *type = Py_TYPE(object);

	PyObject_GC_UnTrack(object);
	Py_TRASHCAN_BEGIN(object, std_queue_dealloc)
	PyObject_ClearWeakRefs(object);
	conc_bounded_queue_free(itself(object)->queue);
	Py_XDECREF(itself(object)->items);
	Py_XDECREF(itself(object)->locked);
	type->tp_free(object);
	Py_DECREF(type);
	Py_TRASHCAN_END
}

/* --- the locked path ----------------------------------------------------- */

/*
 * For every method to ask when it finds no queue: makes what is missing; true,
 * with the method's result, if it is a LockedQueue that answers.
 */
static bool forwarded(PyObject *self, const char *method, PyObject *const *args,
		      Py_ssize_t count, PyObject *names, PyObject **result)
{
	PyObject *locked;

	*result = NULL;
	if (ensure_made(self) < 0)
		return true;
	locked = locked_of(self);
	if (locked == NULL)
		return false;
	*result = locked_queue_call(self, locked, method, args, count, names);
	return true;
}

/* The same for methods without arguments. */
static bool hooked(PyObject *self, const char *method, PyObject **result)
{
	return UNLIKELY(queue_of(self) == NULL) &&
	       forwarded(self, method, NULL, 0, NULL, result);
}

/* --- put and get --------------------------------------------------------- */

static PyObject *raise_state(PyObject *self, int rc, bool putting)
{
	struct module_state *state;

	if (rc != -EPIPE && rc != -EAGAIN && rc != -ETIMEDOUT)
		return raise_error(rc);
	state = module_state_of(Py_TYPE(self));
	if (state != NULL)
		PyErr_SetNone(rc == -EPIPE ? state->shut_down
			      : putting	   ? state->full
					   : state->empty);
	return NULL;
}

/* `block` and `timeout` as queue.Queue takes them; NULL for those not given. */
static bool take_waiting(PyObject *block, PyObject *timeout, int64_t *deadline)
{
	int waits = block == NULL ? 1 : PyObject_IsTrue(block);

	*deadline = CONC_TRY;
	if (waits <= 0)
		return waits == 0;
	return take_timeout(timeout, deadline);
}

/* In the order of queue.Queue: the end, the limit, and only then the timeout. */
static bool take_put_waiting(PyObject *self, PyObject *block, PyObject *timeout,
			     int64_t *deadline)
{
	if (conc_bounded_queue_is_closed(queue_of(self))) {
		raise_state(self, -EPIPE, true);
		return false;
	}
	if (take_waiting(block, timeout, deadline))
		return true;
	if (conc_bounded_queue_capacity(queue_of(self)) > 0)
		return false;
	PyErr_Clear();
	return true;
}

static PyObject *put(PyObject *self, PyObject *item, int64_t deadline)
{
	int rc = conc_bounded_queue_push(queue_of(self), Py_NewRef(item),
					 deadline, NULL);

	if (LIKELY(rc == 0))
		Py_RETURN_NONE;
	Py_DECREF(item);
	return raise_state(self, rc, true);
}

static PyObject *get(PyObject *self, int64_t deadline)
{
	void *item;
	int rc = conc_bounded_queue_pop(queue_of(self), &item, deadline, NULL);

	return LIKELY(rc == 0) ? item : raise_state(self, rc, false);
}

PyDoc_STRVAR(std_queue_put_doc,
"put($self, /, item, block=True, timeout=None)\n"
"--\n"
"\n"
"Appends an object; waits for room, asleep, while `maxsize` items are queued.\n"
"\n"
"`block` False: does not wait.  `timeout`: seconds; None waits for ever; not\n"
"looked at when `block` is false or there is no limit.  Atomic; constant time\n"
"but for the wait.  Full: no room, or the time is up.  ShutDown: the queue was\n"
"shut down, before or while it waited.  ValueError: a negative timeout or\n"
"NaN.  MemoryError.  With an exception nothing was appended.");

static PyObject *std_queue_put(PyObject *self, PyObject *const *args,
			       Py_ssize_t count, PyObject *names)
{
	static const struct signature signature = {
		"put", 1, 3, {"item", "block", "timeout"}};
	PyObject *found[3];
	int64_t deadline = CONC_FOREVER;
	PyObject *result;

	if (UNLIKELY(queue_of(self) == NULL) &&
	    forwarded(self, "put", args, count, names, &result))
		return result;
	if (!take_arguments(&signature, args, count, names, found))
		return NULL;
	if ((found[1] != NULL || found[2] != NULL) &&
	    !take_put_waiting(self, found[1], found[2], &deadline))
		return NULL;
	return put(self, found[0], deadline);
}

/*
 * Whether nothing will ever come out again.  A put that took its place before
 * the end may still be on its way to the items; closing these too (again: that
 * is allowed) lets none come after the look.
 */
static bool has_ended(conc_bounded_queue *queue)
{
	if (!conc_bounded_queue_is_closed(queue))
		return false;
	conc_bounded_queue_close(queue, false);
	return conc_bounded_queue_empty(queue);
}

PyDoc_STRVAR(std_queue_get_doc,
"get($self, /, block=True, timeout=None)\n"
"--\n"
"\n"
"Takes the oldest item; waits for one, asleep, if there is none.\n"
"\n"
"`block` False: does not wait.  `timeout`: seconds; None waits for ever; not\n"
"looked at when `block` is false.  Atomic; constant time but for the wait.\n"
"Empty: no item, or the time is up.  ShutDown: the queue was shut down and\n"
"nothing is left.  ValueError: a negative timeout or NaN.  With an exception\n"
"no item was taken.");

static PyObject *std_queue_get(PyObject *self, PyObject *const *args,
			       Py_ssize_t count, PyObject *names)
{
	static const struct signature signature = {
		"get", 0, 2, {"block", "timeout"}};
	PyObject *found[2];
	int64_t deadline = CONC_FOREVER;
	PyObject *result;

	if (UNLIKELY(queue_of(self) == NULL) &&
	    forwarded(self, "get", args, count, names, &result))
		return result;
	if (!take_arguments(&signature, args, count, names, found))
		return NULL;
	if (found[0] != NULL || found[1] != NULL) {
		/* As in queue.Queue, the end comes before a bad timeout. */
		if (has_ended(queue_of(self)))
			return raise_state(self, -EPIPE, false);
		if (!take_waiting(found[0], found[1], &deadline))
			return NULL;
	}
	return get(self, deadline);
}

PyDoc_STRVAR(std_queue_put_nowait_doc,
"put_nowait($self, /, item)\n"
"--\n"
"\n"
"put(item, block=False)");

static PyObject *std_queue_put_nowait(PyObject *self, PyObject *const *args,
				      Py_ssize_t count, PyObject *names)
{
	static const struct signature signature = {
		"put_nowait", 1, 1, {"item"}};
	PyObject *item;
	PyObject *result;

	if (UNLIKELY(queue_of(self) == NULL) &&
	    forwarded(self, "put_nowait", args, count, names, &result))
		return result;
	if (!take_arguments(&signature, args, count, names, &item))
		return NULL;
	return put(self, item, CONC_TRY);
}

PyDoc_STRVAR(std_queue_get_nowait_doc,
"get_nowait($self, /)\n"
"--\n"
"\n"
"get(block=False)");

static PyObject *std_queue_get_nowait(PyObject *self, PyObject *unused)
{
	PyObject *result;

	(void)unused;
	if (hooked(self, "get_nowait", &result))
		return result;
	return get(self, CONC_TRY);
}

/* --- tasks and the end --------------------------------------------------- */

PyDoc_STRVAR(std_queue_task_done_doc,
"task_done($self, /)\n"
"--\n"
"\n"
"Says that the work on one item that was got is complete.\n"
"\n"
"Atomic; constant time.  ValueError, and nothing changed: called more often\n"
"than items were put.");

static PyObject *std_queue_task_done(PyObject *self, PyObject *unused)
{
	PyObject *result;

	(void)unused;
	if (hooked(self, "task_done", &result))
		return result;
	if (conc_bounded_queue_task_done(queue_of(self)) == 0)
		Py_RETURN_NONE;
	PyErr_SetString(PyExc_ValueError, "task_done() called too many times");
	return NULL;
}

PyDoc_STRVAR(std_queue_join_doc,
"join($self, /)\n"
"--\n"
"\n"
"Waits, asleep, until task_done() was called for every item that was put.\n"
"\n"
"Ctrl-C and other signal handlers end the wait if they raise.");

static PyObject *std_queue_join(PyObject *self, PyObject *unused)
{
	int rc;
	PyObject *result;

	(void)unused;
	if (hooked(self, "join", &result))
		return result;
	rc = conc_bounded_queue_join(queue_of(self), CONC_FOREVER, NULL);
	if (rc == 0)
		Py_RETURN_NONE;
	return raise_error(rc);
}

PyDoc_STRVAR(std_queue_shutdown_doc,
"shutdown($self, /, immediate=False)\n"
"--\n"
"\n"
"Ends the queue: put() raises ShutDown, in threads that wait now too; get()\n"
"hands out what is left and then raises ShutDown.\n"
"\n"
"`immediate`: what is left is released instead, and counts as done.  May be\n"
"called again; cannot fail.");

static PyObject *std_queue_shutdown(PyObject *self, PyObject *const *args,
				    Py_ssize_t count, PyObject *names)
{
	static const struct signature signature = {
		"shutdown", 0, 1, {"immediate"}};
	PyObject *found;
	int immediate;
	PyObject *result;

	if (UNLIKELY(queue_of(self) == NULL) &&
	    forwarded(self, "shutdown", args, count, names, &result))
		return result;
	if (!take_arguments(&signature, args, count, names, &found))
		return NULL;
	immediate = found == NULL ? 0 : PyObject_IsTrue(found);
	if (immediate < 0)
		return NULL;
	conc_bounded_queue_close(queue_of(self), immediate != 0);
	Py_RETURN_NONE;
}

/* --- looking at it ------------------------------------------------------- */

PyDoc_STRVAR(std_queue_qsize_doc,
"qsize($self, /)\n"
"--\n"
"\n"
"The number of items; exact, and never more than `maxsize` allowed.");

static PyObject *std_queue_qsize(PyObject *self, PyObject *unused)
{
	PyObject *result;

	(void)unused;
	if (hooked(self, "qsize", &result))
		return result;
	return PyLong_FromSize_t(conc_bounded_queue_size(queue_of(self)));
}

PyDoc_STRVAR(std_queue_empty_doc,
"empty($self, /)\n"
"--\n"
"\n"
"True if there was a moment in the call when nothing was queued.");

static PyObject *std_queue_empty(PyObject *self, PyObject *unused)
{
	PyObject *result;

	(void)unused;
	if (hooked(self, "empty", &result))
		return result;
	return PyBool_FromLong(conc_bounded_queue_empty(queue_of(self)));
}

PyDoc_STRVAR(std_queue_full_doc,
"full($self, /)\n"
"--\n"
"\n"
"True if there was a moment in the call when `maxsize` items were queued.");

static PyObject *std_queue_full(PyObject *self, PyObject *unused)
{
	PyObject *result;

	(void)unused;
	if (hooked(self, "full", &result))
		return result;
	return PyBool_FromLong(conc_bounded_queue_full(queue_of(self)));
}

static PyObject *get_maxsize(PyObject *self, void *unused)
{
	PyObject *result;

	(void)unused;
	if (hooked(self, "get_maxsize", &result))
		return result;
	return PyLong_FromLongLong(conc_bounded_queue_capacity(queue_of(self)));
}

static PyObject *set_locked_maxsize(PyObject *self, PyObject *maxsize)
{
	PyObject *result;

	if (UNLIKELY(queue_of(self) == NULL) &&
	    forwarded(self, "set_maxsize", &maxsize, 1, NULL, &result))
		return result;
	Py_RETURN_NONE;
}

static int set_maxsize(PyObject *self, PyObject *maxsize, void *unused)
{
	int64_t capacity;
	PyObject *done;

	(void)unused;
	if (maxsize == NULL) {
		PyErr_SetString(PyExc_AttributeError, "cannot delete maxsize");
		return -1;
	}
	if (!take_clamped(maxsize, &capacity))
		return -1;
	done = set_locked_maxsize(self, maxsize);
	Py_XDECREF(done);
	if (done != NULL && queue_of(self) != NULL)
		conc_bounded_queue_set_capacity(queue_of(self), capacity);
	return done == NULL ? -1 : 0;
}

static PyObject *get_unfinished(PyObject *self, void *unused)
{
	PyObject *result;

	(void)unused;
	if (hooked(self, "get_unfinished_tasks", &result))
		return result;
	return PyLong_FromUnsignedLongLong(
		conc_bounded_queue_unfinished(queue_of(self)));
}

static PyObject *get_is_shutdown(PyObject *self, void *unused)
{
	PyObject *result;

	(void)unused;
	if (hooked(self, "get_is_shutdown", &result))
		return result;
	return PyBool_FromLong(conc_bounded_queue_is_closed(queue_of(self)));
}

static PyObject *std_queue_repr(PyObject *self)
{
	PyObject *name, *text;

	if (ensure_made(self) < 0)
		return NULL;
	name = PyType_GetName(Py_TYPE(self));
	if (name == NULL)
		return NULL;
	/* The hooks of a subclass are not for a repr to call. */
	text = queue_of(self) == NULL
		       ? PyUnicode_FromFormat("<%U object at %p>", name, self)
		       : PyUnicode_FromFormat(
				 "<%U object at %p, maxsize=%lld, size=%zu%s>",
				 name, self,
				 (long long)conc_bounded_queue_capacity(
					 queue_of(self)),
				 conc_bounded_queue_size(queue_of(self)),
				 conc_bounded_queue_is_closed(queue_of(self))
					 ? ", shut down"
					 : "");
	Py_DECREF(name);
	return text;
}

/* --- the type ------------------------------------------------------------ */

PyDoc_STRVAR(std_queue_doc,
"StdConcurrentQueue(maxsize=0)\n"
"--\n"
"\n"
"queue.Queue for many threads: the same methods, arguments and exceptions,\n"
"strictly first in, first out, without a lock.\n"
"\n"
"`maxsize`: the most items it may hold; 0 and less: no limit.  It may be\n"
"changed at any time and is never exceeded.  TypeError: it is no int.\n"
"\n"
"put(), get(), task_done() and shutdown() are each atomic.  Threads that wait\n"
"sleep and use no CPU.  There is no `mutex` and no condition `not_empty`,\n"
"`not_full` or `all_tasks_done`.  A subclass that overrides _init(), _qsize(),\n"
"_put() or _get() works as with queue.Queue, and as slowly: these are called\n"
"with a lock held, which they may take again by using the queue, and `queue` is\n"
"what _init() made.");

#define FAST(name, function)                                                  \
	{name, (PyCFunction)(void (*)(void))function,                         \
	 METH_FASTCALL | METH_KEYWORDS, function##_doc}

static PyMethodDef std_queue_methods[] = {
	FAST("put", std_queue_put),
	FAST("get", std_queue_get),
	FAST("put_nowait", std_queue_put_nowait),
	{"get_nowait", std_queue_get_nowait, METH_NOARGS,
	 std_queue_get_nowait_doc},
	{"task_done", std_queue_task_done, METH_NOARGS,
	 std_queue_task_done_doc},
	{"join", std_queue_join, METH_NOARGS, std_queue_join_doc},
	FAST("shutdown", std_queue_shutdown),
	{"qsize", std_queue_qsize, METH_NOARGS, std_queue_qsize_doc},
	{"empty", std_queue_empty, METH_NOARGS, std_queue_empty_doc},
	{"full", std_queue_full, METH_NOARGS, std_queue_full_doc},
	{"_init", std_queue_init_hook, METH_O,
	 PyDoc_STR("_init($self, maxsize, /)\n--\n\n"
		   "Makes self.queue.  " STD_QUEUE_HOOK_DOC)},
	{"_qsize", std_queue_qsize_hook, METH_NOARGS,
	 PyDoc_STR("_qsize($self, /)\n--\n\n"
		   "len(self.queue).  " STD_QUEUE_HOOK_DOC)},
	{"_put", std_queue_put_hook, METH_O,
	 PyDoc_STR("_put($self, item, /)\n--\n\n"
		   "self.queue.append(item).  " STD_QUEUE_HOOK_DOC)},
	{"_get", std_queue_get_hook, METH_NOARGS,
	 PyDoc_STR("_get($self, /)\n--\n\n"
		   "self.queue.popleft().  " STD_QUEUE_HOOK_DOC)},
	COMMON_METHODS,
	{NULL, NULL, 0, NULL},
};

static PyGetSetDef std_queue_getset[] = {
	{"maxsize", get_maxsize, set_maxsize,
	 PyDoc_STR("The most items it may hold, an int; 0 and less: no limit.  "
		   "May be set at any time, for every put() from then on."),
	 NULL},
	{"unfinished_tasks", get_unfinished, NULL,
	 PyDoc_STR("Items put for which task_done() was not yet called."), NULL},
	{"is_shutdown", get_is_shutdown, NULL,
	 PyDoc_STR("Whether shutdown() was called."), NULL},
	{NULL, NULL, NULL, NULL, NULL},
};

static PyMemberDef std_queue_members[] = {
	{"queue", T_OBJECT_EX, offsetof(struct std_queue_object, items), 0,
	 PyDoc_STR("What _init() made, in a subclass that overrides hooks.")},
	COMPAT_WEAKREF_MEMBER(struct std_queue_object)
	{NULL, 0, 0, 0, NULL},
};

static PyType_Slot std_queue_slots[] = {
	{Py_tp_doc, (void *)std_queue_doc},
	{Py_tp_new, std_queue_new},
	{Py_tp_init, std_queue_init},
	{Py_tp_dealloc, std_queue_dealloc},
	{Py_tp_traverse, std_queue_traverse},
	{Py_tp_clear, std_queue_clear},
	{Py_tp_repr, std_queue_repr},
	{Py_tp_methods, std_queue_methods},
	{Py_tp_members, std_queue_members},
	{Py_tp_getset, std_queue_getset},
	{0, NULL},
};

PyType_Spec std_queue_spec = {
	.name = "concurrency.StdConcurrentQueue",
	.basicsize = sizeof(struct std_queue_object),
	.flags = CONTAINER_FLAGS,
	.slots = std_queue_slots,
};
