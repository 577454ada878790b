# SPDX-License-Identifier: LGPL-2.1-or-later
"""reclaim() and reclaim_pending(): memory of the library that waits for readers.

It is the whole process's, so each test has one of its own.
"""

import pytest
from helpers import run_python

import concurrency

PREPARE = """
import ctypes, signal, sys, threading, time, weakref
from concurrency import ConcurrentDict, reclaim, reclaim_pending

def set_aside():
    "Some bytes: tables that a dict has outgrown."
    d, n = ConcurrentDict(1), 0
    while reclaim_pending() == 0:
        d[n] = n
        n += 1
        assert n < 10**6
    return reclaim_pending()

def read_section():
    "The functions that begin and end one, as C code may do; if they cannot be had, the test ends here."
    with open("/proc/self/maps") as maps:
        for path in {line.split()[-1] for line in maps}:
            if "libconcurrency." in path:
                library = ctypes.CDLL(path)
                return library.conc_read_begin, library.conc_read_end
    sys.exit()

class Reader(threading.Thread):
    "A read section in a thread of its own, from the beginning of a with block on."
    def __init__(self):
        super().__init__(daemon=True)
        self.begin, self.end = read_section()
        self.begun, self.go = threading.Event(), threading.Event()
    def run(self):
        self.begin()
        self.begun.set()
        self.go.wait()
        self.end()
    def __enter__(self):
        self.start()
        self.begun.wait()
        return self
    def __exit__(self, *error):
        self.go.set()
        self.join()
"""


def test_what_was_set_aside_is_given_back_and_counted():
    program = PREPARE + """
pending = set_aside()
assert type(pending) is int and pending > 0
given = reclaim()
assert type(given) is int and given == pending and reclaim_pending() == 0
assert reclaim() == 0 == reclaim_pending()
assert reclaim() == 0
"""
    assert run_python(program) == ("", "")


def test_it_waits_for_the_reads_under_way_and_other_threads_run_meanwhile():
    program = PREPARE + """
pending, given = set_aside(), []
thread = threading.Thread(target=lambda: given.append(reclaim()), daemon=True)
with Reader():
    thread.start()
    thread.join(0.2)
    assert thread.is_alive() and given == [] and reclaim_pending() == pending
thread.join(20)
assert given == [pending] and reclaim_pending() == 0
"""
    assert run_python(program) == ("", "")


def test_inside_a_read_section_it_is_a_runtime_error_that_says_what_to_do():
    program = PREPARE + """
begin, end = read_section()
pending = set_aside()
begin()
try:
    reclaim()
except RuntimeError as error:
    assert "read section" in str(error) and "call it again when" in str(error), error
else:
    raise SystemExit("no error")
assert reclaim_pending() == pending
end()
reclaim()  # if the reader, as it ended, has left anything
assert reclaim_pending() == 0
"""
    assert run_python(program) == ("", "")


def test_a_signal_handler_that_raises_ends_the_wait_and_nothing_is_given_back():
    program = PREPARE + """
class Handled(Exception):
    pass
calls = []
def handle(number, frame):
    calls.append(number)
    if len(calls) == 3:
        raise Handled
signal.signal(signal.SIGALRM, handle)
pending = set_aside()
with Reader() as reader:
    signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
    watchdog = threading.Timer(20, reader.go.set)
    watchdog.start()
    try:
        reclaim()
    except Handled:
        pass
    else:
        raise SystemExit("not interrupted")
    signal.setitimer(signal.ITIMER_REAL, 0)
    watchdog.cancel()
    assert len(calls) >= 3 and reclaim_pending() == pending
reclaim()
assert reclaim_pending() == 0
"""
    assert run_python(program) == ("", "")


def test_ctrl_c_ends_the_wait():
    program = PREPARE + """
import os
with Reader() as reader:
    set_aside()
    threading.Timer(20, lambda: os._exit(1)).start()
    try:  # all of it: nobody knows when the signal comes
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        reclaim()
    except KeyboardInterrupt:
        os._exit(0)
    sys.stdout.write("not interrupted")
    sys.stdout.flush()
    os._exit(1)
"""
    assert run_python(program) == ("", "")


def test_many_threads_may_call_it_while_others_work():
    program = PREPARE + """
d, stop, given = ConcurrentDict(), False, []
def work():
    n = 0
    while not stop:
        n += 1
        d[n % 3000, n] = n
        if n % 3000 == 0:
            for key in d.as_dict():
                try:
                    del d[key]
                except KeyError:
                    pass
def give_back():
    total = 0
    for _ in range(200):
        got = reclaim()
        assert got >= 0 and reclaim_pending() >= 0
        total += got
    given.append(total)
workers = [threading.Thread(target=work, daemon=True) for _ in range(2)]
callers = [threading.Thread(target=give_back, daemon=True) for _ in range(3)]
for thread in workers + callers:
    thread.start()
for thread in callers:
    thread.join()
stop = True
for thread in workers:
    thread.join()
assert len(given) == 3, given
reclaim()
assert reclaim_pending() == 0
"""
    assert run_python(program) == ("", "")


def test_a_deleted_key_is_released_by_later_writes_to_its_dict():
    program = PREPARE + """
class Key:
    pass
d, key = ConcurrentDict(1), Key()
gone = weakref.ref(key)
d[key] = None
del d[key], key
end = time.monotonic() + 20
while gone() is not None and time.monotonic() < end:
    reclaim()
    for n in range(100):
        d[n] = None
        del d[n]
assert gone() is None
"""
    assert run_python(program) == ("", "")


@pytest.mark.parametrize("function", [concurrency.reclaim, concurrency.reclaim_pending])
def test_there_are_no_arguments(function):
    for args, names in (((1,), {}), ((None,), {}), ((), {"x": 1})):
        with pytest.raises(TypeError):
            function(*args, **names)
