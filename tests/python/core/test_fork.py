# SPDX-License-Identifier: LGPL-2.1-or-later
"""fork(): the child, and the child of a child, may use every container, whatever other threads were doing."""

import os
import subprocess
import sys

import pytest
from helpers import run_python

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork()")

PREPARE = """
import os, random, sys, threading, time, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # Python's own, of threads at a fork
from concurrency import (
    AtomicInt64, ConcurrentDict, ConcurrentGatheringIterator, ConcurrentQueue, Empty, ShutDown
)

def check_everything(d, q, g, a):
    "Uses every container in every way, from this thread and from new ones; what threads left is whole."
    for key, value in d.as_dict().items():
        if isinstance(value, list):
            assert value[0] == key, (key, value)
    for i in range(300):
        d["child", i] = i
        d.add("child")
        assert d["child", i] == i
    for i in range(300):
        del d["child", i]
    assert d["child"] >= 300
    size = q.size()
    assert len([q.pop(0) for _ in range(size)]) == size and q.empty()
    before = a.get()
    def work(number):
        q.push(("first", number))
        d[number, "thread"] = [(number, "thread")]
        g.insert(10**6 + number, number)
        a.incr()
    def wait(got):
        got.append(q.pop(20))
    got = []
    waiters = [threading.Thread(target=wait, args=(got,)) for _ in range(3)]
    for waiter in waiters:
        waiter.start()
    time.sleep(0.01)
    workers = [threading.Thread(target=work, args=(n,)) for n in range(3)]
    for worker in workers:
        worker.start()
    for thread in workers + waiters:
        thread.join(20)
        assert not thread.is_alive(), "a thread hangs in the child"
    assert sorted(got) == [("first", n) for n in range(3)] and a == before + 3
    fresh = ConcurrentGatheringIterator()
    values = []
    reader = threading.Thread(target=lambda: values.extend(fresh.iterator(50)))
    reader.start()
    for key in reversed(range(51)):
        fresh.insert(key, key)
    reader.join(20)
    assert values == list(range(51))
    try:
        q.pop(0.001)
    except Empty:
        pass
    else:
        raise AssertionError("an item too many")

def run_child(function, *arguments):
    "The exit status of a child that runs the function."
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            function(*arguments)
            status = 0
        except BaseException:
            sys.excepthook(*sys.exc_info())
            sys.stderr.flush()
        finally:
            os._exit(status)
    return child

def expect_success(child):
    end = time.monotonic() + 40
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        if time.monotonic() > end:
            os.kill(child, 6)
            os.waitpid(child, 0)
            raise SystemExit("the child hangs")
        time.sleep(0.001)
    assert status == 0, os.waitstatus_to_exitcode(status)

d, q, g, a = ConcurrentDict(2), ConcurrentQueue(), ConcurrentGatheringIterator(), AtomicInt64()
"""


def test_the_child_and_its_child_may_use_containers_that_nobody_else_used():
    program = PREPARE + """
d["k"] = ["k"]
q.push(1)
g.insert(0, "a")
def generation(left):
    check_everything(d, q, g, a)
    assert d["k"] == ["k"] and next(g.iterator(0)) == "a"
    if left:
        g.insert(0, "a")
        q.push(left)
        expect_success(run_child(generation, left - 1))
generation(4)
"""
    assert run_python(program) == ("", "")


def test_the_child_may_use_containers_that_other_threads_were_using():
    program = PREPARE + """
stop = False
def write(number):
    pick = random.Random(number)
    n = 0
    while not stop:
        n += 1
        key = number, pick.randrange(400)
        d[key] = [key]
        d.add(n % 50)
        if n % 3 == 0:
            try:
                del d[number, pick.randrange(400)]
            except KeyError:
                pass
        q.push(n)
        g.insert(n % 1000, n)
        a.incr()
def consume():
    while not stop:
        try:
            q.pop(0.001)
        except Empty:
            pass
threads = [threading.Thread(target=write, args=(n,)) for n in range(3)] + [threading.Thread(target=consume)]
for thread in threads:
    thread.start()
for round_ in range(12):
    expect_success(run_child(check_everything, d, q, g, a))
stop = True
for thread in threads:
    thread.join()
check_everything(d, q, g, a)
"""
    assert run_python(program, timeout=55) == ("", "")


def test_the_child_may_use_what_threads_of_the_parent_wait_in():
    program = PREPARE + """
lock_free = ConcurrentQueue(lock_free=True)
got = []
def wait(function):
    try:
        got.append(function())
    except ShutDown:
        got.append("ShutDown")
iterator = g.iterator(5)
waits = [q.pop, q.pop, lambda: q.pop(1000), lock_free.pop, lambda: next(iterator)]
threads = [threading.Thread(target=wait, args=(w,), daemon=True) for w in waits]
for thread in threads:
    thread.start()
time.sleep(0.2)
def child():
    check_everything(d, q, g, a)
    lock_free.push(1)
    assert lock_free.pop() == 1
    g.insert(0, "child")
    assert next(g.iterator(0)) == "child" and got == []
    try:
        next(iterator)  # a step of it was under way, in a thread that is not here
    except ValueError:
        pass
    expect_success(run_child(check_everything, d, q, g, a))
    q.shutdown()
    try:
        q.pop()
    except ShutDown:
        pass
for _ in range(3):
    expect_success(run_child(child))
for n in range(3):
    q.push(n)
lock_free.push("lock-free")
g.insert(0, "gathered")
for thread in threads:
    thread.join(20)
assert sorted(map(str, got)) == ["0", "1", "2", "gathered", "lock-free"], got
"""
    assert run_python(program) == ("", "")


def test_threads_that_come_and_go_do_not_disturb_a_fork():
    program = PREPARE + """
stop = False
def churn():
    def short(n):
        d[n % 100] = [n % 100]
        q.push(n)
        q.pop()
    n = 0
    while not stop:
        n += 1
        threads = [threading.Thread(target=short, args=(n + i,)) for i in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
churner = threading.Thread(target=churn)
churner.start()
try:
    for _ in range(12):
        expect_success(run_child(check_everything, d, q, g, a))
finally:
    stop = True
churner.join()
"""
    assert run_python(program, timeout=55) == ("", "")


def test_several_threads_may_fork_at_the_same_time():
    program = PREPARE + """
failures = []
def fork(number):
    try:
        for _ in range(4):
            d[number] = [number]
            q.push(number)
            expect_success(run_child(check_everything, d, q, g, a))
    except BaseException as error:
        failures.append(error)
threads = [threading.Thread(target=fork, args=(n,)) for n in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert failures == []
"""
    assert run_python(program, timeout=55) == ("", "")


def test_a_plug_in_may_hand_the_fork_functions_to_the_C_library_beside_the_package():
    """As C programs once had to; twice, for there may be two. Threads of theirs use the library, too."""
    program = PREPARE + """
import ctypes
mapped = {line.split()[-1] for line in open("/proc/self/maps") if "libconcurrency.so" in line}
if not mapped:
    print("no shared library")
    raise SystemExit
library, libc = ctypes.CDLL(mapped.pop()), ctypes.CDLL(None)
for _ in range(2):
    assert libc.__register_atfork(
        library.conc_before_fork, library.conc_after_fork_parent, library.conc_after_fork_child, None
    ) == 0
queue = ctypes.c_void_p()
assert library.conc_queue_new(None, ctypes.byref(queue)) == 0
stop = False
def use_in_C():
    item = ctypes.c_void_p()
    while not stop:
        assert library.conc_queue_push(queue, ctypes.c_void_p(8)) == 0
        assert library.conc_queue_try_pop(queue, ctypes.byref(item)) in (0, -11)
threads = [threading.Thread(target=use_in_C) for _ in range(2)]
for thread in threads:
    thread.start()
for _ in range(5):
    expect_success(run_child(check_everything, d, q, g, a))
    check_everything(d, q, g, a)
stop = True
for thread in threads:
    thread.join()
"""
    out, err = run_python(program, timeout=55)
    if out.strip() == "no shared library":
        pytest.skip("the package has the library in it")
    assert (out, err) == ("", "")


def test_a_fork_inside_of_a_finalizer_a_hash_or_an_index_leaves_whole_containers():
    program = PREPARE + """
children = []
class Forking:
    def fork(self):
        child = os.fork()
        if child == 0:
            children.clear()
            self.inside = True
        else:
            children.append(child)
        return child
    def __hash__(self):
        self.fork()
        return 1
    def __index__(self):
        self.fork()
        return 0
class ForkingValue(Forking):
    def __del__(self):
        self.fork()
me = os.getpid()
d[Forking()] = 1
d["v"] = ForkingValue()
d["v"] = None
g.insert(Forking(), "a")
a.add(Forking())
q.push(ForkingValue())
q.pop()
q.push(ForkingValue())
q.shutdown(immediate=True)
Forking.fork = lambda self: None
q = ConcurrentQueue()
check_everything(d, q, g, a)
assert d["v"] is None and list(g.iterator(0)) == ["a"]
for child in children:
    expect_success(child)
if os.getpid() != me:
    os._exit(0)
assert len(children) == 6, children
"""
    assert run_python(program, timeout=55) == ("", "")


def test_what_at_fork_hooks_of_others_do_with_the_containers_is_no_danger():
    program = PREPARE + """
def hook(name):
    def run():
        d[name] = d.get(name, 0) + 1
        for i in range(200):
            d[name, i] = i
            del d[name, i]
        q.push(name)
        assert q.pop() == name
        a.incr()
    return run
os.register_at_fork(before=hook("before"), after_in_parent=hook("parent"), after_in_child=hook("in child"))
thread = threading.Thread(target=lambda: [d.__setitem__(i % 50, [i % 50]) for i in range(100_000)])
thread.start()
def child():
    assert d["before"] == n + 1 and d["in child"] == 1
    check_everything(d, q, g, a)
for n in range(5):
    expect_success(run_child(child))
thread.join()
assert d["before"] == d["parent"] == 5
"""
    assert run_python(program, timeout=55) == ("", "")


def test_memory_that_waits_for_readers_is_given_back_in_the_child_too():
    program = PREPARE + """
import weakref
class Thing:
    pass
alive = weakref.WeakSet()
def churn(number):
    for _ in range(number):
        key = Thing()
        alive.add(key)
        d[key] = None
        del d[key]
churn(1000)
def child():
    churn(5000)
    assert len(alive) < 300, len(alive)
for _ in range(3):
    expect_success(run_child(child))
churn(1000)
assert len(alive) < 300
"""
    assert run_python(program) == ("", "")


# --- no native thread, no warning --------------------------------------------


@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="needs Linux")
def test_heavy_use_starts_no_native_thread_and_a_fork_warns_of_nothing():
    program = PREPARE.replace("warnings.simplefilter", "0 and warnings.simplefilter") + """
def use():
    mine, g = threading.get_ident(), ConcurrentGatheringIterator()
    for i in range(10_000):
        d[mine, i % 700] = [i]
        q.push(i)
        g.insert(i, i)
        if i % 2:
            del d[mine, i % 700]
    for _ in g.iterator(9_999):
        q.pop()
use()
threads = [threading.Thread(target=use) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
use()
end = time.monotonic() + 20  # a joined thread may take a moment to leave the list
while len(os.listdir("/proc/self/task")) != 1 and time.monotonic() < end:
    time.sleep(0.01)
assert os.listdir("/proc/self/task") == [str(os.getpid())]
child = os.fork()
if child == 0:
    use()
    os._exit(3 if os.listdir("/proc/self/task") == [str(os.getpid())] else 4)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
"""
    assert run_python(program, "-W", "error") == ("", "")


# --- multiprocessing ---------------------------------------------------------

MULTIPROCESSING = """
import multiprocessing, sys, threading, warnings
warnings.simplefilter("ignore", DeprecationWarning)
from concurrency import AtomicInt64, ConcurrentDict, ConcurrentGatheringIterator, ConcurrentQueue

d, q, g, a = ConcurrentDict(), ConcurrentQueue(), ConcurrentGatheringIterator(), AtomicInt64()

def work(number):
    def use(who):
        for i in range(200):
            d.add("n")
            q.push(q.size())
            g.insert(who * 200 + i, i)
            a.incr()
    threads = [threading.Thread(target=use, args=(who,)) for who in range(3)]
    for thread in threads:
        thread.start()
    values = list(g.iterator(599))
    for thread in threads:
        thread.join()
    assert values == list(range(200)) * 3
    result = d["n"], a.get(), q.size()
    del d["n"]
    a.set(0)
    while not q.empty():
        q.pop()
    return number, result

def main(method):
    context = multiprocessing.get_context(method)
    work(0)
    stop = threading.Event()
    def busy():
        i = 0
        while not stop.is_set():
            i += 1
            d[i % 100] = i
    thread = threading.Thread(target=busy)
    thread.start()
    try:
        with context.Pool(2) as pool:
            results = pool.map(work, range(6), chunksize=1)
        assert results == [(n, (600, 600, 600)) for n in range(6)], results
        process = context.Process(target=work, args=(7,))
        process.start()
        process.join(40)
        assert process.exitcode == 0
    finally:
        stop.set()
        thread.join()
    try:
        context.Process(target=work, args=(d,)).start()
    except TypeError as error:
        assert method != "fork" and "cannot pickle or copy" in str(error)
    else:
        assert method == "fork"
    print("done")

if __name__ == "__main__":
    main(sys.argv[1])
"""


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_processes_of_multiprocessing_may_use_the_containers(method, tmp_path):
    script = tmp_path / "processes.py"
    script.write_text(MULTIPROCESSING)
    done = subprocess.run([sys.executable, script, method], capture_output=True, text=True, timeout=55)
    output = done.stdout.splitlines()
    assert done.returncode == 0 and output[-1:] == ["done"], done.stdout + done.stderr
    if method != "fork":
        assert done.stderr == ""
