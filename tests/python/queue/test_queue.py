# SPDX-License-Identifier: LGPL-2.1-or-later
"""ConcurrentQueue: order, waiting, the end, references."""

import copy
import gc
import math
import pickle
import queue
import signal
import sys
import threading
import time
import weakref

import pytest
from helpers import MANY, Background, Thing, asleep, run_together

import concurrency
from concurrency import ConcurrentQueue, Empty, ShutDown


# --- order -------------------------------------------------------------------


def test_items_come_out_in_the_order_they_went_in(make_queue):
    q = make_queue()
    items = [None, 0, "", Thing(), *range(3000)]
    for item in items:
        assert q.push(item) is None
    assert [q.pop() for _ in items] == items


def test_size_and_empty_follow_push_and_pop(make_queue):
    q = make_queue()
    assert q.size() == 0 and q.empty() is True
    for i in range(2000):
        q.push(i)
        assert q.size() == i + 1 and q.empty() is False
    for i in range(2000):
        q.pop()
        assert q.size() == 1999 - i and q.empty() is (i == 1999)


def test_each_item_of_many_producers_comes_out_once_and_in_its_producers_order(make_queue, frequent_switches):
    q = make_queue()
    each = 3000

    def produce(who):
        for i in range(each):
            q.push((who, i))

    def consume():
        got = []
        while True:
            try:
                got.append(q.pop())
            except ShutDown:
                return got

    def produce_all():
        run_together(*[lambda who=who: produce(who) for who in range(MANY)])
        q.shutdown()

    *results, _ = run_together(*[consume] * MANY, produce_all)
    for got in results:
        for who in range(MANY):
            mine = [i for w, i in got if w == who]
            assert mine == sorted(mine)
    assert sorted(pair for got in results for pair in got) == [
        (who, i) for who in range(MANY) for i in range(each)
    ]


def test_impatient_consumers_lose_nothing(make_queue, frequent_switches):
    q = make_queue()
    each = 1000
    done = threading.Event()

    def produce():
        for i in range(each):
            q.push(i)
            if i % 50 == 0:
                time.sleep(0.0005)

    def consume():
        got = []
        while True:
            try:
                got.append(q.pop(timeout=0.0002))
            except Empty:
                if done.is_set() and q.empty():
                    return got

    def produce_all():
        run_together(*[produce] * 4)
        done.set()

    *results, _ = run_together(*[consume] * MANY, produce_all)
    assert sorted(i for got in results for i in got) == sorted(list(range(each)) * 4)


# --- waiting -----------------------------------------------------------------


def test_a_waiting_pop_gets_what_is_pushed(make_queue):
    q = make_queue()
    with Background(q.pop) as waiter:
        asleep(waiter)
        q.push("item")
        assert waiter.wait() == "item"


def test_every_one_of_many_waiters_gets_one(make_queue):
    q = make_queue()
    def push():
        time.sleep(0.1)
        for i in range(MANY):
            q.push(i)

    *got, _ = run_together(*[q.pop] * MANY, push)
    assert sorted(got) == list(range(MANY))


@pytest.mark.parametrize("timeout", [0, 0.0, -0.0, False, 0.05, 5e-324], ids=repr)
def test_a_pop_whose_time_is_up_is_empty(make_queue, timeout):
    q = make_queue()
    started = time.monotonic()
    with pytest.raises(Empty):
        q.pop(timeout)
    with pytest.raises(queue.Empty):
        q.pop(timeout=timeout)
    assert 2 * timeout <= time.monotonic() - started < 2 * timeout + 5
    q.push(1)
    assert q.pop(timeout) == 1


@pytest.mark.parametrize("timeout", [-1, -1e-9, -math.inf, math.nan, -(10**400)], ids=lambda t: str(t)[:5])
def test_a_negative_timeout_is_a_value_error(make_queue, timeout):
    q = make_queue()
    q.push(1)
    with pytest.raises(ValueError):
        q.pop(timeout)
    assert q.size() == 1


@pytest.mark.parametrize("timeout", [None, math.inf, 1e300, 1e10, 10**400, 2**63], ids=lambda t: str(t)[:5])
def test_a_timeout_without_end_waits_for_ever(make_queue, timeout):
    q = make_queue()
    with Background(q.pop, timeout) as waiter:
        asleep(waiter, 0.03)
        q.push("item")
        assert waiter.wait() == "item"


@pytest.mark.parametrize("timeout", ["1", [], b"1"], ids=repr)
def test_a_timeout_that_is_no_number_is_a_type_error(make_queue, timeout):
    q = make_queue()
    with pytest.raises(TypeError):
        q.pop(timeout)


def test_threads_that_wait_use_no_cpu():
    q = ConcurrentQueue()

    def wait():
        started = time.thread_time()
        q.pop()
        return time.thread_time() - started

    def push():
        started = time.process_time()
        time.sleep(1.2)
        used = time.process_time() - started
        for _ in range(4):
            q.push(None)
        return used

    *each, together = run_together(*[wait] * 4, push)
    assert max(each) < 0.05 and together < 0.2


class Interrupted(Exception):
    pass


@pytest.fixture
def alarm():
    """A signal whose handler raises, 0.1 seconds after alarm() was called."""

    def handle(number, frame):
        raise Interrupted

    before = signal.signal(signal.SIGALRM, handle)
    yield lambda: signal.setitimer(signal.ITIMER_REAL, 0.1)
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def test_a_signal_handler_that_raises_ends_the_wait_and_loses_nothing(make_queue, alarm):
    q = make_queue()
    for timeout in (None, 30):
        started = time.monotonic()
        alarm()
        with pytest.raises(Interrupted):
            q.pop(timeout)
        assert time.monotonic() - started < 5
        q.push("item")
        assert q.pop() == "item" and q.empty()


def test_a_signal_handler_that_returns_does_not_end_the_wait(make_queue):
    q = make_queue()
    before = signal.signal(signal.SIGALRM, lambda number, frame: q.push("from the handler"))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        assert q.pop(20) == "from the handler"
    finally:
        signal.signal(signal.SIGALRM, before)


# --- the end -----------------------------------------------------------------


def test_after_shutdown_what_is_left_comes_out_and_then_shut_down(make_queue):
    q = make_queue()
    for i in range(3):
        q.push(i)
    q.shutdown()
    with pytest.raises(ShutDown):
        q.push(3)
    assert q.size() == 3 and [q.pop(), q.pop(0), q.pop(timeout=1)] == [0, 1, 2]
    for timeout in (None, 0, 1):
        with pytest.raises(ShutDown):
            q.pop(timeout)
    q.shutdown()
    q.shutdown(immediate=True)
    with pytest.raises(ShutDown):
        q.pop()


def test_immediate_shutdown_releases_what_is_left_at_once(make_queue):
    q = make_queue()
    things = [Thing() for _ in range(2000)]
    alive = [weakref.ref(thing) for thing in things]
    while things:
        q.push(things.pop())
    q.shutdown(True)
    assert [reference() for reference in alive] == [None] * 2000
    assert q.size() == 0 and q.empty()
    with pytest.raises(ShutDown):
        q.pop()


@pytest.mark.parametrize("immediate", [False, True])
def test_shutdown_wakes_everyone_who_waits(make_queue, immediate):
    q = make_queue()
    def wait():
        with pytest.raises(ShutDown):
            q.pop()

    def end():
        time.sleep(0.1)
        q.shutdown(immediate)

    run_together(*[wait] * MANY, end)


def test_pushes_that_race_with_shutdown_either_come_out_or_raise(make_queue, frequent_switches):
    q = make_queue()
    def push():
        pushed = 0
        try:
            while True:
                q.push(1)
                pushed += 1
        except ShutDown:
            return pushed

    def end():
        time.sleep(0.02)
        q.shutdown()

    def drain():
        popped = 0
        try:
            while True:
                q.pop()
                popped += 1
        except ShutDown:
            return popped

    *results, _ = run_together(push, push, push, push, drain, drain, end)
    assert sum(results[:4]) == sum(results[4:])


def test_the_exceptions_are_those_of_the_standard_library():
    assert concurrency.Empty is queue.Empty and concurrency.Full is queue.Full
    assert issubclass(ShutDown, Exception)
    if hasattr(queue, "ShutDown"):
        assert ShutDown is queue.ShutDown


# --- references --------------------------------------------------------------


def test_an_item_is_released_when_it_was_popped_and_dropped(make_queue):
    q = make_queue()
    q.push(Thing())
    alive = weakref.ref(q.pop())
    assert alive() is None


def test_what_is_left_is_released_with_the_queue(make_queue):
    q = make_queue()
    q = ConcurrentQueue()
    alive = []
    for _ in range(1000):
        thing = Thing()
        alive.append(weakref.ref(thing))
        q.push(thing)
    del thing, q
    assert [reference() for reference in alive] == [None] * 1000


def test_reference_counts_are_balanced(make_queue):
    q = make_queue()
    thing = Thing()
    before = sys.getrefcount(thing)
    for _ in range(3):
        for _ in range(1000):
            q.push(thing)
        assert sys.getrefcount(thing) == before + 1000
        for _ in range(1000):
            assert q.pop() is thing
        assert sys.getrefcount(thing) == before
    q.shutdown()
    for _ in range(10):
        with pytest.raises(ShutDown):
            q.push(thing)
    assert sys.getrefcount(thing) == before


def test_reference_counts_are_balanced_after_many_threads(make_queue, frequent_switches):
    q = make_queue()
    thing = Thing()
    before = sys.getrefcount(thing)

    def push():
        for _ in range(2000):
            q.push(thing)

    def pop():
        for _ in range(2000):
            assert q.pop() is thing

    run_together(*[push, pop] * 4)
    gc.collect()
    assert sys.getrefcount(thing) == before


def test_cycles_are_collected(collected):
    q = ConcurrentQueue()
    thing = Thing()
    thing.queue = q
    for _ in range(100):
        q.push(thing)
    q.push(q)
    alive = weakref.ref(q), weakref.ref(thing)
    del q, thing
    collected(*alive)


def test_the_collector_sees_each_item_once(make_queue):
    q = make_queue()
    things = [Thing() for _ in range(500)]
    for thing in things:
        q.push(thing)
    for _ in range(100):
        q.pop()
    seen = [id(o) for o in gc.get_referents(q)]
    assert [seen.count(id(thing)) for thing in things] == [0] * 100 + [1] * 400


def test_del_of_an_item_may_use_the_queue(make_queue, collected):
    q = make_queue()
    class Owner:
        def __init__(self, queue):
            self.queue = queue

        def __del__(self):
            self.queue.size()
            try:
                self.queue.push(Thing())
            except ShutDown:
                pass
            repr(self.queue)

    for _ in range(10):
        q.push(Owner(q))
    q.shutdown(immediate=True)
    assert q.empty()
    other = ConcurrentQueue()
    other.push(Owner(other))
    alive = weakref.ref(other)
    del other
    collected(alive)


def test_a_long_chain_of_queues_is_released_without_deep_recursion():
    q = None
    for _ in range(30_000):
        outer = ConcurrentQueue()
        outer.push(q)
        q = outer
    del outer, q


def test_pickling_and_copying_are_refused(make_queue):
    q = make_queue()
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot pickle or copy"):
            attempt(q)


def test_subclasses_weak_references_repr_and_generics():
    class Named(ConcurrentQueue):
        def __init__(self, name):
            self.name = name

    q = Named("n")
    q.push(1)
    assert "Named object" in repr(q) and "size=1" in repr(q) and q.pop() == 1
    q.shutdown()
    assert "shut down" in repr(q)
    alive = weakref.ref(q)
    del q
    assert alive() is None
    assert ConcurrentQueue[int].__origin__ is ConcurrentQueue


@pytest.mark.parametrize("arguments", [{}, {"scaling": 4}, {"scaling": None, "lock_free": 1}])
def test_arguments_are_accepted(arguments):
    q = ConcurrentQueue(**arguments)
    q.push(1)
    assert q.pop() == 1


def test_wrong_arguments_are_refused(make_queue):
    q = make_queue()
    for scaling in (0, -1):
        with pytest.raises(ValueError):
            ConcurrentQueue(scaling)
    for wrong in (lambda: ConcurrentQueue("4"), lambda: ConcurrentQueue(1, 2, 3), lambda: q.pop(1, 2),
                  lambda: q.pop(time=1), lambda: q.push(), lambda: q.push(1, 2),
                  lambda: q.shutdown(1, 2), lambda: q.pop(1, timeout=1)):  # fmt: skip
        with pytest.raises(TypeError):
            wrong()
