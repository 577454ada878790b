/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reclaim.h"

#include "callbacks.h"
#include "errors.h"

#include <errno.h>

const char reclaim_doc[] =
"reclaim($module, /)\n"
"--\n"
"\n"
"Gives memory back now that waits for reads under way to end.\n"
"\n"
"Never needed, as the library does so by itself, from time to time.  Waits,\n"
"asleep, for the reads under way to end: microseconds, unless a thread is kept\n"
"from running in the middle of one.  Returns how many bytes were given back,\n"
"an int: what reclaim_pending() told before, less what it tells then; at least\n"
"0, also if other threads have set more aside meanwhile.  Time: that wait, and\n"
"constant for each block of memory.\n"
"\n"
"Keys that were deleted from a ConcurrentDict are no such memory: later\n"
"operations on that dict release them, reads too.\n"
"\n"
"Ctrl-C and other signal handlers end the wait if they raise.  RuntimeError:\n"
"another thread is forking; or C code called Python inside a read section, or\n"
"in a function that it had deferred to the end of one.  OSError: a sandbox\n"
"forbids what is needed to wait for readers.";

/* Why not, and what to do: the library has one answer for all of it. */
#define BUSY                                                                  \
	"reclaim() inside a read section or a deferred function, or while "   \
	"another thread forks: call it again when that has ended"

static PyObject *raise_reclaim_error(int rc)
{
	if (rc == -EBUSY) {
		PyErr_SetString(PyExc_RuntimeError, BUSY);
		return NULL;
	}
	if (rc == -ENOSYS) {
		errno = ENOSYS;
		return PyErr_SetFromErrno(PyExc_OSError);
	}
	return raise_error(rc);
}

PyObject *reclaim(PyObject *module, PyObject *unused)
{
	size_t before = conc_reclaim_pending(), after;
	int rc = conc_reclaim(&long_wait);

	(void)module;
	(void)unused;
	if (rc < 0)
		return raise_reclaim_error(rc);
	after = conc_reclaim_pending();
	return PyLong_FromSize_t(before > after ? before - after : 0);
}

const char reclaim_pending_doc[] =
"reclaim_pending($module, /)\n"
"--\n"
"\n"
"How many bytes of the library's memory wait for readers to end, an int.\n"
"\n"
"They are given back by a later operation of any container, or by reclaim().\n"
"Right at a moment of the call, give or take operations under way.  Time: the\n"
"number of threads.";

PyObject *reclaim_pending(PyObject *module, PyObject *unused)
{
	(void)module;
	(void)unused;
	return PyLong_FromSize_t(conc_reclaim_pending());
}
