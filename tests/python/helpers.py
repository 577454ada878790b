# SPDX-License-Identifier: LGPL-2.1-or-later
"""What several test files need."""

import subprocess
import sys
import threading
import time

import pytest

MANY = 8
"""Threads: more than the machine has cores, in most places."""


def gil_enabled():
    """Whether threads of this process take turns."""
    ask = getattr(sys, "_is_gil_enabled", None)
    return ask is None or ask()


def run_together(*functions, timeout=50):
    """Runs each function in a thread of its own, all from one moment on; raises what one of them raised.

    Returns their results, in order.
    """
    results = [None] * len(functions)
    errors = []
    ready = threading.Barrier(len(functions))

    def run(number, function):
        try:
            ready.wait()
            results[number] = function()
        except BaseException as error:
            errors.append(error)

    threads = [
        threading.Thread(target=run, args=pair, daemon=True) for pair in enumerate(functions)
    ]
    for thread in threads:
        thread.start()
    end = time.monotonic() + timeout
    for thread in threads:
        while thread.is_alive() and not errors and time.monotonic() < end:
            thread.join(0.05)
    if errors:
        raise errors[0]
    assert not any(thread.is_alive() for thread in threads), "threads hang"
    return results


class Background:
    """A function in a thread, in a `with` block; its end is awaited and its error raised there."""

    def __init__(self, function, *args):
        self.result = None
        self._error = None
        self._thread = threading.Thread(target=self._run, args=(function, args), daemon=True)

    def _run(self, function, args):
        try:
            self.result = function(*args)
        except BaseException as error:
            self._error = error

    def is_running(self):
        return self._thread.is_alive()

    def wait(self):
        self._thread.join(20)
        assert not self._thread.is_alive(), "the thread hangs"
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        return self.result

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, kind, error, traceback):
        if error is None:
            self.wait()


def repeated_until(condition, step, timeout=30):
    """Repeats `step` until `condition` holds; returns whether it does.

    What was deleted goes when the reads under way have ended, which takes longer where other threads, of other
    tests, too, are kept from running in the middle of one; but it goes.
    """
    end = time.monotonic() + timeout
    while not condition() and time.monotonic() < end:
        step()
    return condition()


def asleep(background, seconds=0.1):
    """Waits a moment and asserts that the thread has not come to its end meanwhile."""
    time.sleep(seconds)
    assert background.is_running()


def run_python(program, *options, env=None, timeout=30, status=0):
    """Runs a program in an interpreter of its own; returns what it wrote to stdout and stderr."""
    done = subprocess.run(
        [sys.executable, *options, "-c", program],
        capture_output=True,
        text=True,
        env=env,
        timeout=timeout,
    )
    if done.returncode != status:
        pytest.fail(f"exit status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout, done.stderr


class Thing:
    """An object with an identity and weak references."""


class Key:
    """A key with a hash of its own choosing, compared by value, in Python code."""

    def __init__(self, value, hash_=None):
        self.value = value
        self.hash = hash(value) if hash_ is None else hash_

    def __hash__(self):
        return self.hash

    def __eq__(self, other):
        return isinstance(other, Key) and self.value == other.value

    def __repr__(self):
        return f"Key({self.value!r})"
