# SPDX-License-Identifier: LGPL-2.1-or-later
"""The interpreter's own test.test_queue, with another class in queue.Queue's place.

    python standard_queue_tests.py [--class MODULE.NAME] [-v]

The class is concurrency.StdConcurrentQueue, all of whose promises are those tests. With queue.Queue,
the run is a control: what fails then is the fault of the machine or of this file.

Exit status 77: this interpreter has no test.test_queue (Debian: libpython3.X-testsuite).
"""

import argparse
import faulthandler
import heapq
import importlib
import queue
import sys
import types
import unittest

SKIPPED: dict[str, str] = {}
"""Tests that are left out, as "class.method", and why: only what reaches into the lock and the conditions
of queue.Queue. None does, neither in 3.11 nor in 3.13."""

LEFT_OUT = {
    "SimpleQueueTest": "about queue.SimpleQueue, which is another class",
}
"""Classes of tests that are none about Queue."""

GENEROUS = 100
"""Seconds, instead of the 10 that a blocked thread gets until the other one sets it free."""

HANG = 240
"""Seconds after which a test hangs: all stacks are shown, and the run is over."""


def variants(base):
    """The module `queue` as the tests see it, with all its classes made from `base`.

    LifoQueue and PriorityQueue override the hooks that queue.Queue offers to those who derive from it,
    in the words of the standard library.
    """

    class LifoQueue(base):
        def _init(self, maxsize):
            self.queue = []

        def _qsize(self):
            return len(self.queue)

        def _put(self, item):
            self.queue.append(item)

        def _get(self):
            return self.queue.pop()

    class PriorityQueue(LifoQueue):
        def _put(self, item):
            heapq.heappush(self.queue, item)

        def _get(self):
            return heapq.heappop(self.queue)

    return types.SimpleNamespace(
        Queue=base,
        LifoQueue=LifoQueue,
        PriorityQueue=PriorityQueue,
        Empty=queue.Empty,
        Full=queue.Full,
        ShutDown=getattr(queue, "ShutDown", None),
    )


class Patient:
    """Goes before the standard library's classes: time enough on a machine that is busy."""

    def setUp(self):
        faulthandler.dump_traceback_later(HANG, exit=True)
        super().setUp()

    def tearDown(self):
        super().tearDown()
        faulthandler.cancel_dump_traceback_later()

    def do_blocking_test(self, function, arguments, *rest):
        return super().do_blocking_test(function, patiently(arguments), *rest)

    def do_exceptional_blocking_test(self, function, arguments, *rest):
        return super().do_exceptional_blocking_test(function, patiently(arguments), *rest)


def patiently(arguments):
    """Those of a blocking put or get, with a longer timeout, if with any."""
    return tuple(GENEROUS if argument == 10 else argument for argument in arguments)


def tests_of(module, base):
    """A test suite of all tests about Queue in `module`, run with `base`."""
    classes = [
        found
        for name, found in vars(module).items()
        if isinstance(found, type)
        and issubclass(found, unittest.TestCase)
        and name.startswith("Py")
        and name.removeprefix("Py") not in LEFT_OUT
    ]
    members = unittest.TestSuite()
    for original in classes:
        skipped = {
            key.partition(".")[2]: unittest.skip(why)(getattr(original, key.partition(".")[2]))
            for key, why in SKIPPED.items()
            if key.partition(".")[0] == original.__name__
        }
        members.addTests(
            unittest.defaultTestLoader.loadTestsFromTestCase(
                type(original.__name__, (Patient, original), {"queue": variants(base), **skipped})
            )
        )
    return members


def prepare(module, base):
    """What the tests of `module` hold against a class that is not called Queue, or a slow machine."""
    from test import support

    support.SHORT_TIMEOUT = support.LONG_TIMEOUT = GENEROUS
    # The one look at a name: the order that basic_queue_test expects is found by it.
    module.dict = lambda **orders: {base.__name__: orders["Queue"], **orders}


def find_class(name):
    """The class that the command line names, or an end that says what is missing."""
    module, _, attribute = name.rpartition(".")
    found = getattr(importlib.import_module(module), attribute, None)
    if found is None:
        sys.exit(f"{module} has no {attribute}: its tests cannot be run")
    return found


def main():
    """The program."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--class", dest="base", default="concurrency.StdConcurrentQueue")
    parser.add_argument("-v", "--verbose", action="store_true")
    options = parser.parse_args()
    try:
        module = importlib.import_module("test.test_queue")
    except ImportError as error:
        print(f"not checked: {sys.executable} has no test.test_queue: {error} (Debian: libpython3.X-testsuite)")
        sys.exit(77)
    base = find_class(options.base)
    prepare(module, base)
    tests = tests_of(module, base)
    assert tests.countTestCases() >= 15, "test.test_queue is not what it was"
    print(f"{options.base} under test.test_queue of {module.__file__}")
    result = unittest.TextTestRunner(sys.stdout, verbosity=1 + options.verbose).run(tests)
    print(
        f"{options.base}: {result.testsRun} tests of the standard library, "
        f"{len(result.failures) + len(result.errors)} failed, {len(result.skipped)} skipped, "
        f"Python {sys.version.split()[0]}"
    )
    sys.exit(not result.wasSuccessful())


if __name__ == "__main__":
    main()
