# SPDX-License-Identifier: LGPL-2.1-or-later
"""fork() with StdConcurrentQueue whose subclass has hooks: the child inherits a lock, and it is free.

What a child does has a time limit of its own: one that hangs is ended by a signal, and the test fails.
"""

import os

import pytest
from helpers import run_python

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork()")

PREPARE = """
import gc, os, signal, sys, threading, time, warnings, weakref
warnings.simplefilter("ignore", DeprecationWarning)  # Python's own, of threads at a fork
from concurrency import Empty, ShutDown, StdConcurrentQueue, _locked_queue

class Queue(StdConcurrentQueue):
    "First in, first out; runs what is queued as \\"hook\\" with the lock held, before it puts its result."
    def _init(self, maxsize):
        self.queue = []
    def _qsize(self):
        return len(self.queue)
    def _get(self):
        return self.queue.pop(0)
    def _put(self, item):
        if isinstance(item, tuple) and item[0] == "hook":
            item = item[1]()
        self.queue.append(item)

def started(function, *arguments):
    thread = threading.Thread(target=function, args=arguments, daemon=True)
    thread.start()
    return thread

def joined(*threads):
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive(), "a thread hangs"

def check_everything(q):
    "All that the queue can do, in this thread and between new ones; it is empty before and after."
    q.maxsize = 0
    assert q.qsize() == 0 and q.empty() and not q.full()
    q.put(1)
    q.put_nowait(2)
    assert [q.get(), q.get_nowait()] == [1, 2]
    try:
        q.get(timeout=0.01)
    except Empty:
        pass
    else:
        raise AssertionError("an item too many")
    got = []
    # One item wakes one who waits, and it is one who is here.
    waiters = [started(lambda: got.append(q.get())) for _ in range(3)]
    time.sleep(0.1)
    for n in range(3):
        q.put(n)
    joined(*waiters)
    assert sorted(got) == [0, 1, 2]
    q.maxsize = 1
    q.put(0)
    putters = [started(q.put, n) for n in (1, 2)]
    time.sleep(0.1)
    assert q.get() == 0 and sorted([q.get(), q.get()]) == [1, 2]
    joined(*putters)
    joins = started(q.join)
    for _ in range(q.unfinished_tasks):
        q.task_done()
    joined(joins)

def run_child(function, *arguments):
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        end_child(function, *arguments)
    return child

def end_child(function, *arguments):
    status = 1
    try:
        signal.alarm(20)
        function(*arguments)
        status = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
        sys.stderr.flush()
    finally:
        os._exit(status)

def expect_success(child):
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status == 0, f"the child ended with {status}"

def held(q):
    "A thread that is in the middle of a put, and what lets it go on."
    inside, go = threading.Event(), threading.Event()
    def hook():
        inside.set()
        go.wait()
        return "late"
    thread = started(q.put, ("hook", hook))
    inside.wait()
    return thread, go
"""


def test_the_child_finds_the_lock_free_that_another_thread_held():
    program = PREPARE + """
q = Queue()
thread, go = held(q)
def child():
    check_everything(q)
    expect_success(run_child(check_everything, q))
for _ in range(3):
    expect_success(run_child(child))
go.set()
joined(thread)
assert q.get() == "late"
check_everything(q)
"""
    assert run_python(program) == ("", "")


def test_the_child_finds_the_lock_free_that_another_thread_waited_for():
    program = PREPARE + """
q = Queue()
thread, go = held(q)
others = [started(q.put, n) for n in range(3)] + [started(q.qsize)]
time.sleep(0.1)
expect_success(run_child(check_everything, q))
go.set()
joined(thread, *others)
assert q.qsize() == 4
"""
    assert run_python(program) == ("", "")


def test_nobody_waits_in_the_child_who_waited_in_the_parent():
    program = PREPARE + """
empty, full = Queue(), Queue(1)
full.put(0)
threads = [started(empty.get) for _ in range(3)] + [started(full.put, n) for n in (1, 2)]
threads += [started(full.join), started(full.join)]
time.sleep(0.1)
def child():
    check_everything(empty)
    assert full.get() == 0 and full.unfinished_tasks == 1
    check_everything(full)
for _ in range(3):
    expect_success(run_child(child))
for n in range(3):
    empty.put(n)
assert sorted(full.get() for _ in range(3)) == [0, 1, 2]
for _ in range(3):
    full.task_done()
joined(*threads)
"""
    assert run_python(program) == ("", "")


def test_a_hook_that_forks_holds_the_lock_in_the_child_and_releases_it():
    program = PREPARE + """
q = Queue()
children, seen = [], []
def hook():
    child = os.fork()
    if child:
        children.append(child)
        return "parent"
    signal.alarm(20)
    q.put("once more")  # which the thread that holds the lock may do
    other = started(lambda: seen.append(q.qsize()))
    other.join(0.2)
    assert other.is_alive() and seen == [], "two threads have the lock"
    threads.append(other)
    return "child"
threads = [started(q.get)]  # waits in the parent
time.sleep(0.1)
parent = os.getpid()
q.put(("hook", hook))
if os.getpid() != parent:
    def child():
        joined(*threads[1:])
        assert seen == [2] and [q.get(), q.get()] == ["once more", "child"]
        check_everything(q)
    end_child(child)
expect_success(children[0])
joined(*threads)
check_everything(q)
"""
    assert run_python(program) == ("", "")


def test_a_signal_handler_that_forks_during_a_wait_waits_on_in_the_child():
    program = PREPARE + """
q, other = Queue(), Queue()
thread, go = held(other)
children, late = [], []
def put_later(item):
    time.sleep(0.2)
    q.put(item)
def handle(number, frame):
    child = os.fork()
    if child:
        children.append(child)
    else:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(20)
    late.append(started(put_later, "parent" if child else "child"))
signal.signal(signal.SIGALRM, handle)
signal.setitimer(signal.ITIMER_REAL, 0.1)
parent = os.getpid()
got = q.get()
if os.getpid() != parent:
    def child():
        assert got == "child"
        joined(*late)
        check_everything(q)
        check_everything(other)
    end_child(child)
assert got == "parent"
joined(*late)
expect_success(children[0])
check_everything(q)
"""
    assert run_python(program) == ("", "")


def test_queues_may_come_and_go_while_another_thread_forks_and_none_is_kept():
    program = PREPARE + """
class Quiet(Queue):
    pass
kept = [Queue() for _ in range(200)]
stop = False
def come_and_go(mine):
    while not stop:
        for q in [Quiet() for _ in range(5)]:
            q.put(1)
            assert q.get() == 1
        for q in mine:
            q.put(1)
            q.get()
threads = [started(come_and_go, kept[n::4]) for n in range(3)]
thread, go = held(kept[3])
def child():
    for q in kept:
        while not q.empty():  # a thread was between its put and its get
            q.get()
        q.put(1)
        assert q.get() == 1
    check_everything(kept[3])
for _ in range(6):
    expect_success(run_child(child))
stop = True
go.set()
joined(thread, *threads)
gc.collect()
assert len(_locked_queue._all) == len(kept), len(_locked_queue._all)
"""
    assert run_python(program, timeout=55) == ("", "")


def test_a_hook_of_the_program_at_a_fork_may_use_the_queue_in_the_child():
    program = PREPARE + """
os.register_at_fork(after_in_child=lambda: (signal.alarm(20), check_everything(q)))
q = Queue()
thread, go = held(q)
expect_success(run_child(check_everything, q))
go.set()
joined(thread)
"""
    assert run_python(program) == ("", "")


def test_the_queues_of_two_imports_are_free_in_the_child():
    program = PREPARE + """
first = Queue()
for name in [name for name in sys.modules if name.startswith("concurrency")]:
    del sys.modules[name]
from concurrency import StdConcurrentQueue as Another, _locked_queue as another
assert another is not _locked_queue and Another is not StdConcurrentQueue
second = type("Second", (Another,), {name: vars(Queue)[name] for name in ("_init", "_qsize", "_get", "_put")})()
threads = [held(first), held(second)]
def child():
    first.put(1)
    second.put(2)
    assert (first.get(), second.get()) == (1, 2)
expect_success(run_child(child))
for thread, go in threads:
    go.set()
    joined(thread)
"""
    assert run_python(program) == ("", "")


def test_a_queue_that_lives_until_the_exit_is_no_danger_in_parent_and_child():
    program = PREPARE + """
sys.keep = q = Queue()
thread, go = held(q)
child = os.fork()
if child:
    expect_success(child)
    go.set()
    joined(thread)
else:
    signal.alarm(20)
q.put(q)
"""
    assert run_python(program) == ("", "")
