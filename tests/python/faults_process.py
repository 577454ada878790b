# SPDX-License-Identifier: LGPL-2.1-or-later
"""Forks at random moments; the interpreter's end while daemon threads wait in every call that can wait;
signals, one and many, while the main thread does. CONC_STRESS_SECONDS (default 2) sets how long.

Beside test_fork.py, test_lifecycle.py and test_signals.py, which look at single promises, these go through
every container and every call.
"""

import os

import pytest
from helpers import run_python

SECONDS = float(os.environ.get("CONC_STRESS_SECONDS", 2))

PREPARE = """
import gc, os, random, signal, sys, threading, time, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # Python's own, of threads at a fork
from concurrency import (
    AtomicFlag, AtomicInt64, AtomicReference, ConcurrentDict, ConcurrentGatheringIterator, ConcurrentQueue,
    Empty, Full, LocalWrapper, StdConcurrentQueue
)

class Lifo(StdConcurrentQueue):
    "With hooks, and so with a lock."
    def _init(self, maxsize):
        self.queue = []
    def _get(self):
        return self.queue.pop()

q, lock_free, g = ConcurrentQueue(), ConcurrentQueue(lock_free=True), ConcurrentGatheringIterator()
std, full, lifo, full_lifo = StdConcurrentQueue(), StdConcurrentQueue(1), Lifo(), Lifo(1)
full.put("first"), full_lifo.put("first")
iterator, local_iterator = g.iterator(9), g.iterator_local(9)
"""

# --- forks -------------------------------------------------------------------

FORKS = PREPARE + """
SECONDS = {seconds}
KEYS = 50
d, r, a, flag = ConcurrentDict(2), AtomicReference([0]), AtomicInt64(), AtomicFlag(False)
stop = False

def use(pick, who):
    "One step with everything; what it adds it takes away, but in `a` and d['steps']."
    local = LocalWrapper(d)
    key = who, pick.randrange(KEYS)
    local[key] = [key]
    d.add("up", 3), d.add("down", -3)
    if pick.random() < 0.4:
        try:
            del d[who, pick.randrange(KEYS)]
        except KeyError:
            pass
    q.push(who), lock_free.push([who]), std.put(who)
    for get in (q.pop, lock_free.pop, std.get):
        try:
            get(timeout=0)
        except Empty:
            pass
    r.set([pick.random()])
    g.insert(pick.randrange(KEYS), [who])
    flag.set(not flag)
    a.incr()
    d.add("steps")

def check_contents():
    "What must hold after a fork, though threads were in the middle of a step."
    for key, value in d.as_dict().items():
        assert isinstance(key, str) or value == [key], (key, value)
    # At most the step of each thread was under way.
    assert abs(d.get("up", 0) + d.get("down", 0)) <= 3 * 8
    assert abs(a.get() - d.get("steps", 0)) <= 8
    assert len(r.get()) == 1 and bool(flag) in (False, True)
    for queue in (q, lock_free):
        size = queue.size()
        assert len([queue.pop(0) for _ in range(size)]) == size and queue.empty()
    size = std.qsize()
    assert len([std.get(timeout=10) for _ in range(size)]) == size and std.empty()

def be_the_child():
    "Checks, uses and drops everything, with new threads too."
    global d, q, lock_free, std, g, r, a, flag, iterator, local_iterator
    check_contents()
    pick = random.Random()
    for _ in range(20):
        use(pick, "child")
    got = []
    threads = [threading.Thread(target=lambda: got.append((q.pop(), std.get()))) for _ in range(2)]
    while not q.empty() or not std.empty():
        q.empty() or q.pop(0)
        std.empty() or std.get_nowait()
    for thread in threads:
        thread.start()
    for n in range(2):
        q.push(n), std.put(n)
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive(), "a thread hangs in the child"
    assert sorted(first for first, _ in got) == sorted(second for _, second in got) == [0, 1]
    del d, q, lock_free, std, g, r, a, flag, iterator, local_iterator
    gc.collect()

def fork_one(n):
    child = os.fork()
    if child == 0:
        status = 1
        try:
            signal.alarm(60)
            be_the_child()
            status = 0
        except BaseException:
            sys.excepthook(*sys.exc_info())
            sys.stderr.flush()
        os._exit(status)
    _, status = os.waitpid(child, 0)
    assert status == 0, (n, os.waitstatus_to_exitcode(status))

steps = []
def work(who):
    pick, n = random.Random(who), 0
    while not stop:
        use(pick, who)
        n += 1
    steps.append(n)
def come_and_go():
    n = 0
    while not stop:
        visitors = [threading.Thread(target=use, args=(random.Random(i), i)) for i in range(3)]
        for visitor in visitors:
            visitor.start()
        for visitor in visitors:
            visitor.join()
        n += len(visitors)
    steps.append(n)
threads = [threading.Thread(target=work, args=(n,)) for n in range(3)] + [threading.Thread(target=come_and_go)]
for thread in threads:
    thread.start()
end, forks, pick = time.monotonic() + SECONDS, 0, random.Random()
try:
    while time.monotonic() < end or forks < 3:
        time.sleep(pick.random() / 200)
        fork_one(forks)
        forks += 1
finally:
    stop = True
for thread in threads:
    thread.join()
assert a.get() == d["steps"] == sum(steps) and d["up"] == -d["down"] == 3 * sum(steps)
check_contents()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork()")
@pytest.mark.timeout(200 + 5 * SECONDS)
def test_children_forked_at_random_moments_use_and_drop_everything_and_the_parent_goes_on():
    program = FORKS.format(seconds=4 * SECONDS)
    assert run_python(program, timeout=150 + 5 * SECONDS) == ("", "")


# --- every call that can wait ---------------------------------------------------

WAITS = {
    # what waits; what ends the wait; what it then returns; what a time-out raises
    "pop": ("q.pop({})", "q.push(7)", "7", "Empty"),
    "pop_local": ("q.pop_local({})", "q.push(7)", "7", "Empty"),
    "pop, lock-free": ("lock_free.pop({})", "lock_free.push(7)", "7", "Empty"),
    "get": ("std.get(True, {})", "std.put(7)", "7", "Empty"),
    "put": ("full.put(7, True, {})", "full.get()", "None", "Full"),
    "get, with hooks": ("lifo.get(True, {})", "lifo.put(7)", "7", "Empty"),
    "put, with hooks": ("full_lifo.put(7, True, {})", "full_lifo.get()", "None", "Full"),
    "join": ("full.join()", "full.task_done()", "None", None),
    "join, with hooks": ("full_lifo.join()", "full_lifo.task_done()", "None", None),
    "iterator": ("next(iterator)", "g.insert(0, 7)", "7", None),
    "iterator_local": ("next(local_iterator)", "g.insert(0, 7)", "7", None),
}

TIMED = [name for name, wait in WAITS.items() if wait[3]]


def call_of(name, timeout="None"):
    return WAITS[name][0].format(timeout)


# --- the interpreter's end ------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "timeout"), [(name, "None") for name in WAITS] + [(name, "100") for name in TIMED]
)
def test_an_interpreter_ends_while_daemon_threads_wait(name, timeout):
    program = PREPARE + f"""
def wait():
    {call_of(name, timeout)}
for _ in range(1 if "iterator" in "{name}" else 3):
    threading.Thread(target=wait, daemon=True).start()
time.sleep(0.1)
"""
    assert run_python(program, timeout=20) == ("", "")


@pytest.mark.parametrize("name", TIMED)
def test_an_interpreter_ends_while_daemon_threads_wait_again_and_again(name):
    program = PREPARE + f"""
def wait():
    while True:
        try:
            {call_of(name, "0.0005")}
        except (Empty, Full):
            pass
for _ in range(3):
    threading.Thread(target=wait, daemon=True).start()
time.sleep(0.1)
"""
    assert run_python(program, timeout=20) == ("", "")


@pytest.mark.parametrize("operation", ["d.add('k', 2**60)", "d[n % 3] = None", "r.set(a)", "len(d.as_dict())"])
def test_an_interpreter_ends_while_daemon_threads_contend(operation):
    program = PREPARE + f"""
d, r, a = ConcurrentDict(1), AtomicReference(), AtomicInt64()
def contend(d=d, r=r, a=a):
    n = 0
    while True:
        n += 1
        {operation}
for _ in range(4):
    threading.Thread(target=contend, daemon=True).start()
time.sleep(0.1)
"""
    assert run_python(program, timeout=20) == ("", "")


# --- signals ----------------------------------------------------------------------

SIGNALS = PREPARE + """
def unwrapped(value):
    return value.get_wrapped() if isinstance(value, LocalWrapper) else value

def later(function):
    "Calls it in a thread, when the main thread has waited for a while."
    started = threading.Event()
    def wait_and_call():
        started.wait()  # a signal that comes while the thread is started finds nobody waiting
        time.sleep(0.15)
        function()
    thread = threading.Thread(target=wait_and_call)
    thread.start()
    started.set()
    return thread

def sizes():
    return q.size(), lock_free.size(), std.qsize(), full.qsize(), lifo.qsize(), full_lifo.qsize(), repr(g)

def raises(error, function):
    try:
        function()
    except error:
        return
    raise SystemExit(f"no {error.__name__}")

class Interrupted(Exception):
    pass

calls = 0
def returns(number, frame):
    global calls
    calls += 1
def interrupts(number, frame):
    global calls
    calls += 1
    if calls == 20:
        raise Interrupted

def storm(handler):
    global calls
    calls = 0
    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
def calm():
    signal.setitimer(signal.ITIMER_REAL, 0)
"""


@pytest.mark.parametrize("name", WAITS)
def test_signals_while_the_main_thread_waits(name):
    call, wake, result, late = WAITS[name]
    program = SIGNALS + f"""
def wait():
    return {call_of(name)}
def wait_for_long():
    return {call_of(name, "100")}
def wait_in_vain():
    return {call_of(name, "0.2")}
def wake():
    {wake}
before = sizes()

# Ctrl-C
for function in (wait, wait_for_long):
    thread = later(lambda: os.kill(os.getpid(), signal.SIGINT))
    raises(KeyboardInterrupt, function)
    thread.join()
    assert sizes() == before

# Handlers that raise, among many that return.
for function in (wait, wait_for_long):
    storm(interrupts)
    raises(Interrupted, function)
    calm()
    assert calls >= 20 and sizes() == before

# Deadlines hold.
if {late is not None}:
    storm(returns)
    started = time.monotonic()
    raises({late}, wait_in_vain)
    assert 0.2 <= time.monotonic() - started < 15
    calm()
    assert calls > 0 and sizes() == before

# What comes is not lost.
storm(returns)
thread = later(wake)
assert unwrapped(wait()) == {result}
thread.join()
calm()
assert calls > 0
"""
    assert run_python(program, timeout=50) == ("", "")


def test_no_item_no_room_and_no_wake_is_lost_while_signals_come():
    program = SIGNALS + """
# One item, or room for one, at a time, for many who wait; the main thread is one of them.
def relay(send, receive, rounds=150):
    got, over = AtomicInt64(), False
    def receive_all():
        while not over:
            try:
                receive(0.5)
                got.incr()
            except (Empty, Full):
                pass
    others = [threading.Thread(target=receive_all) for _ in range(3)]
    for thread in others:
        thread.start()
    def send_all():
        nonlocal over
        for n in range(rounds):
            send()
            end = time.monotonic() + 20
            while got.get() + mine <= n:
                if time.monotonic() > end:
                    os.write(2, b"an item is left while threads wait\\n")
                    os._exit(1)
                time.sleep(0)
        over = True
    mine = 0
    sender = threading.Thread(target=send_all)
    sender.start()
    while not over:
        try:
            receive(0.5)
            mine += 1
        except (Empty, Full):
            pass
    for thread in others + [sender]:
        thread.join()
    assert got.get() + mine == rounds

storm(returns)
relay(lambda: q.push(1), q.pop)
relay(lambda: lock_free.push(1), lock_free.pop)
relay(lambda: std.put(1), lambda timeout: std.get(True, timeout))
relay(full.get_nowait, lambda timeout: full.put(1, True, timeout))
relay(lambda: lifo.put(1), lambda timeout: lifo.get(True, timeout))
relay(full_lifo.get_nowait, lambda timeout: full_lifo.put(1, True, timeout))
calm()
"""
    assert run_python(program, timeout=50) == ("", "")
