/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * This folder has the queue types: queue.c ConcurrentQueue, std_queue.c
 * StdConcurrentQueue.  They use core.
 *
 * In this file: what StdConcurrentQueue needs for subclasses that override its
 * hooks.
 */
#ifndef STD_QUEUE_HOOKS_H
#define STD_QUEUE_HOOKS_H

#include "core/compat.h"

/* Whether a type has hooks of its own: 1, 0, or -1 and an error. */
int overrides_hooks(PyTypeObject *type);

/* A LockedQueue of concurrency/_locked_queue.py; `maxsize` as it was given. */
PyObject *locked_queue_new(PyObject *self, PyObject *maxsize);

/* locked.method(self, *args, **names) */
PyObject *locked_queue_call(PyObject *self, PyObject *locked,
			    const char *method, PyObject *const *args,
			    Py_ssize_t count, PyObject *names);

#define STD_QUEUE_HOOK_DOC                                                    \
	"A subclass may override it, as with queue.Queue; called with a lock\n" \
	"held that other methods of the queue need."

PyObject *std_queue_init_hook(PyObject *self, PyObject *maxsize);
PyObject *std_queue_qsize_hook(PyObject *self, PyObject *unused);
PyObject *std_queue_put_hook(PyObject *self, PyObject *item);
PyObject *std_queue_get_hook(PyObject *self, PyObject *unused);

#endif
