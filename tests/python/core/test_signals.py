# SPDX-License-Identifier: LGPL-2.1-or-later
"""Signals that reach the main thread, again and again, while it waits: no item and no wake-up is lost."""

import itertools
import signal
import subprocess
import sys
import threading
import time

import pytest
from helpers import Background, run_python

from concurrency import AtomicInt64, ConcurrentGatheringIterator, ConcurrentQueue, Empty, ShutDown

pytestmark = pytest.mark.skipif(
    threading.current_thread() is not threading.main_thread(), reason="signals go to the main thread"
)
EVERY = 0.002  # seconds between two signals


@pytest.fixture(scope="module", autouse=True)
def late_signals():
    """What was sent may arrive after its handler has gone: from here on it finds one that does nothing."""
    signal.signal(signal.SIGUSR1, lambda number, frame: None)


class Interrupted(Exception):
    pass


class Storm:
    """A signal to the main thread every few milliseconds; each calls `handle`.

    SIGUSR1 and a thread that sends it: SIGALRM and its timer belong to pytest-timeout.
    """

    def __init__(self, handle):
        self.count = 0
        self._handle = handle
        self._over = threading.Event()
        self._sender = threading.Thread(target=self._send, daemon=True)

    def _called(self, number, frame):
        self.count += 1
        self._handle()

    def _send(self):
        while not self._over.wait(EVERY):
            interrupt_main()

    def __enter__(self):
        self._before = signal.signal(signal.SIGUSR1, self._called)
        self._sender.start()
        return self

    def __exit__(self, *error):
        self._over.set()
        self._sender.join()
        signal.signal(signal.SIGUSR1, self._before)


def interrupt_main():
    signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1)


class Armed:
    """A handler that raises once each time it was armed."""

    def __init__(self):
        self.armed = False
        self.raised = 0

    def __call__(self):
        if self.armed:
            self.armed = False
            self.raised += 1
            raise Interrupted

    def collect(self, step, got):
        """Appends what step() returns to `got` until ShutDown, though interrupted time and again.

        In C alone: between a call and the next line of Python code an exception could lose the item.
        """
        ended = False
        while not ended:
            try:
                try:
                    self.armed = True
                    got.extend(itertools.starmap(step, itertools.repeat(())))
                except ShutDown:
                    ended = True
                self.armed = False
            except Interrupted:
                pass


def test_no_item_is_lost_while_signal_handlers_interrupt_the_main_thread(make_queue):
    q = make_queue()
    handler = Armed()
    each = 400

    def push(who):
        for n in range(each):
            q.push((who, n))
            # The longer pauses are for lock_free, which looks for signals when it stops polling.
            time.sleep(0.03 if n % 50 == 0 else 0.0005)

    def push_all():
        with Background(push, "a"), Background(push, "b"):
            pass
        time.sleep(5 * EVERY)
        q.shutdown()

    mine, others = [], [[], []]

    def pop(got):
        try:
            while True:
                got.append(q.pop())
        except ShutDown:
            pass

    with Storm(handler) as storm, Background(push_all), Background(pop, others[0]), Background(pop, others[1]):
        handler.collect(q.pop, mine)
    assert storm.count > 0 and handler.raised > 0
    assert sorted(mine + others[0] + others[1]) == [(who, n) for who in "ab" for n in range(each)]


def test_no_item_is_lost_to_signal_handlers_that_only_return(make_queue):
    q = make_queue()
    got, calls = [], []

    def push():
        n = 0
        # On a busy machine signals come late.
        while n < 600 or len(calls) <= 10:
            q.push(n)
            n += 1
            if n % 5 == 0:
                time.sleep(0.001)
        q.shutdown()

    with Storm(lambda: calls.append(q.size())) as storm, Background(push):
        with pytest.raises(ShutDown):
            while True:
                got.append(q.pop())
    assert got == list(range(len(got))) and len(got) >= 600 and storm.count == len(calls) > 10


def test_a_signal_handler_may_push_and_pop_what_the_main_thread_waits_for(make_queue):
    q = make_queue()
    numbers = itertools.count()

    def handle():
        q.push(next(numbers))
        q.push(next(numbers))
        q.pop(0)

    with Storm(handle):
        got = [q.pop(20) for _ in range(50)]
    assert got == sorted(got) and len(set(got)) == 50


def test_no_wake_up_is_lost_to_a_waiter_that_a_signal_takes_away(make_queue):
    q = make_queue()
    # One item for many who wait; who is called and then interrupted must pass the call on.
    handler = Armed()
    got = AtomicInt64()
    number = 300

    def pop():
        try:
            while True:
                q.pop()
                got.incr()
        except ShutDown:
            pass

    def push():
        for n in range(number):
            if n % 2:
                interrupt_main()
            q.push(n)
            if n % 2 == 0:
                interrupt_main()
            end = time.monotonic() + 20
            while got.get() + len(mine) <= n:
                assert time.monotonic() < end, "an item is left while threads wait"
                time.sleep(0)
        q.shutdown()

    mine = []
    before = signal.signal(signal.SIGUSR1, lambda number, frame: handler())
    try:
        with Background(pop), Background(pop), Background(push):
            handler.collect(q.pop, mine)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert got + len(mine) == number


def test_a_timeout_is_kept_though_signals_come_all_the_time(make_queue):
    q = make_queue()
    with Storm(lambda: None) as storm:
        for timeout in (0.05, 0.2):
            started = time.monotonic()
            with pytest.raises(Empty):
                q.pop(timeout)
            assert timeout <= time.monotonic() - started < timeout + 5
    assert storm.count > 0


def test_an_iterator_goes_on_after_each_signal_with_the_same_key():
    handler = Armed()
    g = ConcurrentGatheringIterator()
    number = 300
    values = []
    iterator = g.iterator(number - 1)

    def insert():
        for key in range(number):
            g.insert(key ^ 1, key ^ 1)
            if key % 4 == 0:
                time.sleep(0.002)

    with Storm(handler) as storm, Background(insert):
        while len(values) < number:
            try:
                handler.armed = True
                values.extend(iterator)
                handler.armed = False
            except Interrupted:
                pass
    assert values == list(range(number)) and storm.count > 0 and handler.raised > 0


# --- who sleeps in one piece --------------------------------------------------

SLEEPS = """
import os, resource, signal, sys, threading, time, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # Python's own, of threads at a fork
from concurrency import ConcurrentGatheringIterator, ConcurrentQueue, Empty, ShutDown, StdConcurrentQueue

def sleeps(seconds):
    "How often this thread sleeps while it waits so long for what does not come."
    before = resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw
    try:
        ConcurrentQueue().pop(seconds)
    except Empty:
        return resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw - before

def in_a_thread(function):
    results = []
    thread = threading.Thread(target=lambda: results.append(function()))
    thread.start()
    thread.join()
    return results[0]

def expect_interruption():
    "A handler that raises ends a wait of this thread."
    def handle(number, frame):
        raise KeyError("handled")
    signal.signal(signal.SIGALRM, handle)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        ConcurrentQueue().pop(60)
    except KeyError:
        pass
"""
needs_counts = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux")


@needs_counts
def test_the_main_thread_wakes_once_a_second_to_look_for_signals():
    run_python(SLEEPS + "assert sleeps(2.5) >= 3\nexpect_interruption()")


@needs_counts
def test_other_threads_sleep_in_one_piece_whatever_they_wait_in():
    program = SLEEPS + """
full, g = StdConcurrentQueue(1), ConcurrentGatheringIterator()
queues = ConcurrentQueue(), ConcurrentQueue(lock_free=True), StdConcurrentQueue()
full.put(0)
waits = [q.pop for q in queues[:2]] + [queues[2].get, full.join, lambda: full.put(1)]
waits += [lambda: queues[0].pop(1000), lambda: next(g.iterator(0))]
def wait(function):
    try:
        function()
    except ShutDown:
        pass
threads = [threading.Thread(target=wait, args=(function,)) for function in waits]
for thread in threads:
    thread.start()
def switches():
    found = {}
    for thread in threads:
        with open(f"/proc/self/task/{thread.native_id}/status") as file:
            found[thread.name] = [line for line in file if line.startswith("voluntary_ctxt_switches")]
    return found
# Who wakes once a second never lets 2.5 s pass without it; others may take a while to fall asleep.
for _ in range(10):
    before = switches()
    time.sleep(2.5)
    if switches() == before:
        break
else:
    raise SystemExit(f"threads wake: {before} {switches()}")
g.insert(0, 0)
for q in (*queues, full):
    q.shutdown(*[True] * (q is full))
for thread in threads:
    thread.join()
"""
    run_python(program, timeout=50)


@needs_counts
def test_the_thread_that_forked_is_the_main_one_of_the_child():
    program = SLEEPS + """
def fork():
    child = os.fork()
    if child == 0:
        status = 1
        try:
            assert sleeps(2.5) >= 3
            expect_interruption()
            assert in_a_thread(lambda: any(sleeps(2.5) < 3 for _ in range(5)))
            status = 0
        except BaseException:
            sys.excepthook(*sys.exc_info())
            sys.stderr.flush()
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
assert in_a_thread(fork) == 0
# Here it is no more than it was.
assert sleeps(2.5) >= 3
"""
    assert run_python(program) == ("", "")


# --- Ctrl-C ------------------------------------------------------------------

CONTROL_C = """
import os, signal, threading, time
from concurrency import ConcurrentDict, ConcurrentGatheringIterator, ConcurrentQueue, ShutDown
q, g, d = ConcurrentQueue(lock_free={lock_free}), ConcurrentGatheringIterator(), ConcurrentDict()
got, mine, interrupts, armed, ended = [], [], 0, False, False
def interrupt(number, frame):
    global armed, interrupts
    if armed:
        armed = False
        interrupts += 1
        raise KeyboardInterrupt
def pop():
    try:
        while True:
            got.append(q.pop())
    except ShutDown:
        pass
def push():
    for n in range(2000):
        d.add("pushed")
        g.insert(n, n)
        q.push(n)
        if n % 20 == 0:
            time.sleep(0.03 if n % 200 == 0 else 0.002)
    q.shutdown()
signal.signal(signal.SIGINT, interrupt)
threads = [threading.Thread(target=pop) for _ in range(3)] + [threading.Thread(target=push)]
for thread in threads:
    thread.start()
print("ready", flush=True)
while not ended:
    try:
        try:
            armed = True
            mine.extend(iter(q.pop, object()))
        except ShutDown:
            ended = True
        armed = False
    except KeyboardInterrupt:
        pass
for thread in threads:
    thread.join()
assert sorted(got + mine) == list(range(2000)) and list(g.iterator(1999)) == list(range(2000))
assert d["pushed"] == 2000
print("interrupted" if interrupts else "not interrupted", flush=True)
os._exit(0)  # at the interpreter's end a signal ends the process, in whatever thread is left
"""


@pytest.mark.parametrize("lock_free", [False, True])
def test_ctrl_c_again_and_again_loses_no_item_of_the_main_thread_or_others(lock_free):
    program = CONTROL_C.format(lock_free=lock_free)
    child = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout.readline() == "ready\n"
        while child.poll() is None:
            time.sleep(0.003)
            child.send_signal(signal.SIGINT)
        output, errors = child.communicate(timeout=30)
    finally:
        child.kill()
    assert (output, errors, child.returncode) == ("interrupted\n", "", 0)
