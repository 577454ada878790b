# SPDX-License-Identifier: LGPL-2.1-or-later
"""From the first import to the interpreter's last breath: exit, atexit, daemon threads, subinterpreters."""

import os
import subprocess
import sys

import pytest
from helpers import gil_enabled, run_python

PREPARE = """
import atexit, gc, sys, threading, time, weakref
import concurrency
from concurrency import (
    AtomicInt64, ConcurrentDict, ConcurrentGatheringIterator, ConcurrentQueue, Empty, ShutDown
)
d, q, g, a = ConcurrentDict(), ConcurrentQueue(), ConcurrentGatheringIterator(), AtomicInt64()

def use():
    "Every container once, with all that the module needs for it."
    d["k"] = [d]
    d.add("n")
    len(d.as_dict()), repr(d)
    q.push(1)
    q.pop()
    try:
        q.pop(0.001)
    except Empty:
        pass
    g.insert(0, g)
    next(g.iterator(0))
    a.add(2)
    fresh = ConcurrentDict(2), ConcurrentQueue(), ConcurrentGatheringIterator(), AtomicInt64(1)
    fresh[1].shutdown()
    try:
        fresh[1].pop()
    except ShutDown:
        pass
    try:
        fresh[2].insert(-1, None)
    except ValueError:
        pass
    try:
        next(fresh[2].iterator(0))
    except RuntimeError:
        pass
    try:
        fresh[0]["missing"]
    except KeyError:
        pass

class Late:
    "Uses everything that is left when it goes."
    def __init__(self, *parts):
        self.parts = parts
    def __del__(self, use=use):
        for part in self.parts:
            if isinstance(part, ConcurrentDict if ConcurrentDict else ()):
                part["late"] = part.get("k")
                part.add("lates")
                len(part.as_dict())
            elif hasattr(part, "push"):
                part.push(None)
                part.size()
            elif hasattr(part, "insert"):
                part.insert(7, None)
            else:
                part += 1
"""


@pytest.fixture(params=[(), ("-X", "dev")], ids=["plain", "dev"])
def run(request):
    return lambda program, **names: run_python(program, *request.param, **names)


# --- exit --------------------------------------------------------------------


def test_containers_may_live_until_the_exit_and_be_used_by_finalizers(run):
    program = PREPARE + """
use()
keep = [Late(d, q, g, a) for _ in range(20)]
d["late"], d["self"] = Late(d, q, g, a), d
d[Late(q)] = Late(g)
q.push(Late(d, q))
q.push(q)
g.insert(5, Late(g, a))
g.insert(6, g.iterator(3))
sys.keep = d, q, g, a, Late(d, q, g, a)
cycle = Late(d)
cycle.cycle = cycle
"""
    assert run(program) == ("", "")


def test_containers_are_released_at_the_exit_or_before():
    program = PREPARE + """
class Loud:
    def __init__(self, name):
        self.name = name
    def __del__(self, write=sys.stdout.write):
        write(self.name)
d["k"] = Loud("d")
q.push(Loud("q"))
g.insert(0, Loud("g"))
"""
    output, errors = run_python(program)
    assert sorted(output) == ["d", "g", "q"] and errors == ""


def test_containers_may_be_used_from_atexit(run):
    program = PREPARE + """
atexit.register(use)
atexit.register(lambda: [use() for _ in range(50)])
def from_thread():
    try:
        thread = threading.Thread(target=use)
        thread.start()
        thread.join()
    except RuntimeError as error:  # Python's own: no new threads at shutdown
        assert "can't" in str(error), error
    print("done")
atexit.register(from_thread)
"""
    assert run(program) == ("done\n", "")


def test_containers_may_be_used_from_the_callbacks_before_threads_are_joined():
    program = PREPARE + """
def end():
    q.shutdown()
    use_queue = ConcurrentQueue()
    use_queue.push(1)
    assert use_queue.pop() == 1
    d["end"] = 1
threading._register_atexit(end)
def work():
    try:
        while True:
            q.pop()
    except ShutDown:
        ended.incr()
ended = AtomicInt64()
for _ in range(3):
    threading.Thread(target=work).start()
atexit.register(lambda: print(ended))  # after the threads were joined
"""
    assert run_python(program) == ("3\n", "")


def test_containers_may_be_used_while_the_module_goes(run):
    # What finalizers of modules, types and frames see last.
    program = PREPARE + """
class Meta(type):
    def __del__(cls):
        pass
class Sub(ConcurrentDict, metaclass=Meta):
    pass
s = Sub()
s["late"] = Late(d, q)
s["class"] = Sub
concurrency.late = Late(d, q, g, a)
concurrency._concurrency.later = Late(d, q, g, a)
sys.modules["late"] = Late(d, q, g, a)
threading.local().late = Late(d)
weakref.finalize(d, print, "finalized")
del concurrency
for name in [name for name in sys.modules if name.startswith("concurrency")]:
    del sys.modules[name]
"""
    assert run(program) == ("finalized\n", "")


def test_sys_exit_and_unhandled_errors_end_as_they_do_without_us():
    for end, status in (("sys.exit(3)", 3), ("raise SystemExit", 0), ("1 / 0", 1)):
        _, errors = run_python(PREPARE + "use()\n" + end + "\n", status=status)
        assert ("ZeroDivisionError" in errors) is (status == 1) and len(errors.splitlines()) <= 6


def test_a_thread_that_waits_is_joined_at_the_exit():
    program = PREPARE + """
def wait():
    print(q.pop(), next(iterator))
iterator = g.iterator(0)
thread = threading.Thread(target=wait)
thread.start()
def later():
    time.sleep(0.1)
    q.push("item")
    g.insert(0, "value")
threading.Thread(target=later).start()
"""
    assert run_python(program) == ("item value\n", "")


# --- daemon threads ----------------------------------------------------------

DAEMONS = {
    "wait in a queue": "q.pop()",
    "wait in a queue again and again": "time_out(q.pop, 0.0005)",
    "poll a queue": "time_out(q.pop, 0)",
    "wait in a lock-free queue": "lock_free.pop()",
    "wait in a lock-free queue again and again": "time_out(lock_free.pop, 0.0005)",
    "wait in a gatherer": "next(g.iterator(99))",
    "push": "q.push(item(n)); n % 50 or time.sleep(0.0001)",
    "push and pop": "q.push(item(n)); q.pop()",
    "write": "d[n % 200] = item(n); d.add(-1 - n % 3)",
    "write and delete": "d[who * 50 + n % 50] = item(n); del d[who * 50 + n % 50]",
    "read": "d.get(n % 200); d.as_dict(); repr(q)",
    "insert and iterate": "g.insert(n % 99, item(n)); next(g.iterator(0, clear=False)) if n > 100 else None",
    "compare keys in Python code": "d[Key(n % 20)] = item(n); d.get(Key(n % 7))",
    "fail": "fails(lambda: d['missing']); fails(lambda: ConcurrentGatheringIterator().insert(-1, 1))",
    "make and drop": "ConcurrentDict(1)[n] = q; ConcurrentQueue().push(d); use_gatherer(a)",
    "count": "mine += 1; mine.mul(3)",
}


@pytest.mark.parametrize("what", DAEMONS)
def test_an_interpreter_ends_quietly_whatever_daemon_threads_do(what):
    program = PREPARE + f"""
lock_free = ConcurrentQueue(lock_free=True)
# Without a GIL Python 3.13 itself may hang at the exit when a daemon thread stores to a dict that others
# use (globals are one), or drops the last reference to an object that another thread has made.
item = (lambda n: n % 7) if {not gil_enabled()} else (lambda n: [n])
class Key:
    def __init__(self, n):
        self.n = n
    def __hash__(self):
        return 1
    def __eq__(self, other):
        return isinstance(other, Key) and self.n == other.n
def time_out(pop, timeout):
    try:
        pop(timeout)
    except Empty:
        pass
def use_gatherer(value):
    ConcurrentGatheringIterator().insert(0, value)
def fails(function):
    try:
        function()
    except Exception:
        pass
def work(who):
    n, mine = 0, a
    while True:
        n += 1
        {DAEMONS[what]}
for who in range(4):
    threading.Thread(target=work, args=(who,), daemon=True).start()
time.sleep(0.05)
sys.keep = Late(d, q, g)
"""
    assert run_python(program) == ("", "")


def test_an_interpreter_ends_quietly_while_daemon_threads_wait_in_everything_and_finalizers_wake_them():
    program = PREPARE + """
lock_free = ConcurrentQueue(lock_free=True)
iterators = [g.iterator(50) for _ in range(3)]
waits = [q.pop, q.pop, lock_free.pop, lambda: q.pop(100)] + [i.__next__ for i in iterators]
for wait in waits:
    threading.Thread(target=wait, daemon=True).start()
time.sleep(0.1)
class Waking:
    def __del__(self):
        q.push(1)
        q.push(2)
        lock_free.push(3)
        g.insert(0, 4)
        q.shutdown(immediate=True)
sys.keep = Waking(), d
atexit.register(q.push, "at exit")
"""
    for _ in range(2):
        assert run_python(program) == ("", "")


# --- killed ------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "kill"), reason="needs signals")
def test_a_child_killed_while_its_threads_wait_leaves_nothing_behind():
    program = PREPARE + """
for _ in range(3):
    threading.Thread(target=q.pop).start()
    threading.Thread(target=lambda: next(g.iterator(0))).start()
print("ready", flush=True)
"""
    child = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdout.readline() == "ready\n"
    child.kill()
    output, errors = child.communicate(timeout=20)
    assert (output, errors, child.returncode) == ("", "", -9)


def test_an_exception_sent_to_a_thread_that_waits_arrives_when_it_wakes():
    program = PREPARE + """
import ctypes
class Sent(Exception):
    pass
alive, caught = [], []
class Item:
    pass
def wait(step):
    try:
        step()
        time.sleep(0)
        caught.append("nothing")
    except Sent:
        caught.append("Sent")
iterator = g.iterator(0)
for step, wake in ((q.pop, q.push), (iterator.__next__, lambda item: g.insert(0, item))):
    thread = threading.Thread(target=wait, args=(step,))
    thread.start()
    time.sleep(0.05)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(Sent))
    item = Item()
    alive.append(weakref.ref(item))
    wake(item)
    del item
    thread.join(20)
    assert not thread.is_alive()
del thread, step, wake
gc.collect()
assert caught == ["Sent"] * 2, caught
assert [reference() for reference in alive] == [None] * 2  # taken and released, once
use()
"""
    assert run_python(program) == ("", "")


# --- interpreters ------------------------------------------------------------

REFUSED = """
import sys
try:
    import concurrency
except ImportError as error:
    assert "subinterpreter" in str(error) or "does not support" in str(error), error
else:
    raise SystemError("not refused")
assert "concurrency._concurrency" not in sys.modules
"""


@pytest.mark.parametrize("before", ["", "import concurrency; d = concurrency.ConcurrentDict(); d[1] = 2"])
@pytest.mark.parametrize("kind", ["isolated", "legacy"])
def test_a_subinterpreter_is_refused_with_a_clear_import_error(kind, before):
    program = f"""
try:
    import _interpreters as interpreters
    create = lambda: interpreters.create({kind!r})
except ImportError:
    import _xxsubinterpreters as interpreters
    create = lambda: interpreters.create(isolated={kind == "isolated"})
{before}
for _ in range(3):
    interpreter = create()
    failed = None
    if hasattr(interpreters, "exec"):
        failed = interpreters.exec(interpreter, {REFUSED!r})
    else:
        interpreters.run_string(interpreter, {REFUSED!r})
    assert failed is None, failed
    interpreters.destroy(interpreter)
import concurrency
d = concurrency.ConcurrentDict()
d[1] = 2
assert d.add(1) == 3
q = concurrency.ConcurrentQueue()
try:
    q.pop(0)
except concurrency.Empty:
    print("done")
"""
    assert run_python(program) == ("done\n", "")


def test_many_imports_leave_one_working_module_each():
    program = """
import gc, sys, weakref
import concurrency
def once():
    for name in [name for name in sys.modules if name.startswith("concurrency")]:
        del sys.modules[name]
    import concurrency as again
    d, q = again.ConcurrentDict(), again.ConcurrentQueue()
    d["k"] = q
    assert isinstance(d["k"], again.ConcurrentQueue) and not isinstance(d, concurrency.ConcurrentDict)
    return again
modules = [once() for _ in range(5)]
for module in modules + [concurrency]:
    d = module.ConcurrentDict()
    d["k"] = 1
    assert d.add("k") == 2
    try:
        module.ConcurrentQueue().pop(0)
    except module.Empty:
        pass
del modules, module, d
gc.collect()
print("done")
"""
    assert run_python(program) == ("done\n", "")
