# SPDX-License-Identifier: LGPL-2.1-or-later
"""For all Python tests: no test may hang, each leaves the switch interval as it was, and those that are
about the whole process are not run several times at once (pytest-run-parallel)."""

import functools
import gc
import signal
import sys
import types

import pytest

from concurrency import ConcurrentQueue


# What a shell starts in the background ignores Ctrl-C, and so would the programs that the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

ALONE = {
    "alarm": "signals go to the main thread",
    "collected": "the garbage collector runs once at a time",
    "frequent_switches": "sets the interpreter's switch interval, and has a crowd of threads of its own",
    "fork": "there is one process to fork",
    "gc": "the garbage collector runs once at a time",
    "get_objects": "looks at the objects of all threads",
    "getrefcount": "counts the references of other threads, too",
    "process_time": "measures the process",
    "run_python": "starts a process of its own",
    "signal": "signals go to the main thread",
}
"""Fixtures and names: why a test that uses one of them is run by one thread at a time."""

ALONE_FILES = {
    "test_fork.py": ALONE["fork"],
    "test_lifecycle.py": ALONE["run_python"],
    "test_signals.py": ALONE["signal"],
}
"""The same for all tests of a file."""


def names_of(code):
    """The names that a function and those inside it use."""
    inner = (names_of(const) for const in code.co_consts if isinstance(const, types.CodeType))
    return set(code.co_names).union(*inner)


def pytest_configure(config):
    config.addinivalue_line("markers", "thread_unsafe(reason): not to be run by several threads at once")


def pytest_collection_modifyitems(items):
    for item in items:
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(60))
        for name in sorted((names_of(item.function.__code__) | set(item.fixturenames)) & set(ALONE)):
            item.add_marker(pytest.mark.thread_unsafe(reason=ALONE[name]))
        if item.path.name in ALONE_FILES:
            item.add_marker(pytest.mark.thread_unsafe(reason=ALONE_FILES[item.path.name]))


@pytest.fixture
def frequent_switches():
    """Makes an interpreter with a GIL switch threads as often as it can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(interval)


@pytest.fixture
def collected():
    """Asserts that objects behind weak references go away when garbage is collected."""

    def check(*references):
        for _ in range(3):
            gc.collect()
        assert [reference() for reference in references] == [None] * len(references)

    return check


@pytest.fixture(params=[False, True], ids=["sleeping", "lock_free"])
def make_queue(request):
    """Makes queues of one kind; a fixture that is a queue would be shared by tests in parallel."""
    return functools.partial(ConcurrentQueue, lock_free=request.param)
