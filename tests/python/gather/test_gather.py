# SPDX-License-Identifier: LGPL-2.1-or-later
"""ConcurrentGatheringIterator: the order, the waiting, the failing, references."""

import copy
import gc
import pickle
import random
import signal
import sys
import threading
import time
import weakref

import pytest
from helpers import MANY, Background, Thing, asleep, run_together

from concurrency import ConcurrentGatheringIterator


def test_values_come_in_the_order_of_their_keys():
    g = ConcurrentGatheringIterator()
    keys = list(range(2000))
    random.Random(1).shuffle(keys)
    for key in keys:
        assert g.insert(key, str(key)) is None
    assert list(g.iterator(1999)) == [str(i) for i in range(2000)]


def test_keywords_and_any_object_as_a_value():
    g = ConcurrentGatheringIterator(scaling=3)
    g.insert(key=0, value=None)
    g.insert(True, [])
    assert list(g.iterator(max_key=1, clear=False)) == [None, []]
    assert list(g.iterator(0)) == [None]


@pytest.mark.parametrize("max_key", [-1, -(2**63)])
def test_a_negative_max_key_means_no_values(max_key):
    assert list(ConcurrentGatheringIterator().iterator(max_key)) == []


def test_an_iterator_at_its_end_stays_there():
    g = ConcurrentGatheringIterator()
    g.insert(0, "a")
    g.insert(1, "b")
    i = g.iterator(0)
    assert iter(i) is i and next(i) == "a"
    for _ in range(3):
        with pytest.raises(StopIteration):
            next(i)


def test_a_key_inserted_twice_before_it_was_passed_has_the_later_value():
    g = ConcurrentGatheringIterator()
    first = Thing()
    alive = weakref.ref(first)
    g.insert(0, first)
    del first
    g.insert(0, "later")
    assert alive() is None and list(g.iterator(0)) == ["later"]


def test_a_value_passed_is_dropped_unless_clear_is_false():
    g = ConcurrentGatheringIterator()
    for i in range(3):
        g.insert(i, Thing())
    for thing in g.iterator(2, clear=False):
        alive = weakref.ref(thing)
        del thing
        assert alive() is not None
    for thing in g.iterator(2):
        alive = weakref.ref(thing)
        del thing
        assert alive() is None
    g.insert(0, "again")
    assert list(g.iterator(0)) == ["again"]


def test_an_iterator_waits_for_the_next_value():
    g = ConcurrentGatheringIterator()
    g.insert(1, "b")
    with Background(lambda: list(g.iterator(2))) as reader:
        asleep(reader)
        g.insert(0, "a")
        asleep(reader, 0.03)
        g.insert(2, "c")
        assert reader.wait() == ["a", "b", "c"]


def test_values_of_many_threads_come_in_order(frequent_switches):
    g = ConcurrentGatheringIterator(scaling=MANY)
    total = MANY * 1500

    def insert(who):
        for key in range(who, total, MANY):
            g.insert(key, (key,))

    *_, values = run_together(
        *[lambda who=who: insert(who) for who in range(MANY)], lambda: list(g.iterator(total - 1))
    )
    assert values == [(i,) for i in range(total)]


def test_several_iterators_may_read_the_same_values(frequent_switches):
    g = ConcurrentGatheringIterator()

    def insert():
        for i in reversed(range(500)):
            g.insert(i, i)

    *values, _ = run_together(*[lambda: list(g.iterator(499, False))] * 4, insert)
    assert values == [list(range(500))] * 4


def test_threads_that_wait_use_no_cpu():
    g = ConcurrentGatheringIterator()

    def wait():
        started = time.thread_time()
        next(g.iterator(0, clear=False))
        return time.thread_time() - started

    def insert():
        time.sleep(1.2)
        g.insert(0, None)

    assert max(run_together(*[wait] * 4, insert)[:4]) < 0.05


class Interrupted(Exception):
    pass


def test_a_signal_handler_that_raises_ends_the_wait_and_loses_nothing():
    def handle(number, frame):
        raise Interrupted

    g = ConcurrentGatheringIterator()
    g.insert(0, "a")
    i = g.iterator(1)
    assert next(i) == "a"
    before = signal.signal(signal.SIGALRM, handle)
    try:
        for _ in range(2):
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            with pytest.raises(Interrupted):
                next(i)
    finally:
        signal.signal(signal.SIGALRM, before)
    g.insert(1, "b")
    assert list(i) == ["b"]


def test_an_iterator_in_use_by_another_thread_is_a_value_error():
    g = ConcurrentGatheringIterator()
    i = g.iterator(0)
    with Background(next, i) as reader:
        asleep(reader)
        with pytest.raises(ValueError):
            next(i)
        g.insert(0, "a")
        assert reader.wait() == "a"


# --- failing -----------------------------------------------------------------

WRONG = {
    "no int": (("0", None), TypeError),
    "a float": ((1.0, None), TypeError),
    "negative": ((-1, None), ValueError),
    "too large": ((2**63, None), OverflowError),
    "no value": ((0,), TypeError),
}


@pytest.fixture(params=WRONG)
def wrong(request):
    return WRONG[request.param]


def test_any_exception_out_of_insert_fails_every_iterator(wrong):
    arguments, error = wrong
    g = ConcurrentGatheringIterator()
    g.insert(0, "a")
    g.insert(1, "b")
    old = g.iterator(1)
    assert next(old) == "a"
    with pytest.raises(error) as raised:
        g.insert(*arguments)
    for iterator in (old, g.iterator(1), g.iterator(0, clear=False)):
        for _ in range(2):
            with pytest.raises(RuntimeError) as failed:
                next(iterator)
            assert failed.value.__cause__ is raised.value
    assert "failed" in repr(g)


def test_an_iterator_that_waits_fails_too(wrong):
    arguments, error = wrong
    g = ConcurrentGatheringIterator()
    ready = threading.Semaphore(0)

    def wait():
        iterator = g.iterator(5)
        ready.release()
        with pytest.raises(RuntimeError) as failed:
            list(iterator)
        return failed.value.__cause__

    def fail():
        for _ in range(4):
            ready.acquire()
        time.sleep(0.05)
        with pytest.raises(error) as raised:
            g.insert(*arguments)
        return raised.value

    *causes, raised = run_together(*[wait] * 4, fail)
    assert causes == [raised] * 4


def test_an_exception_out_of_index_fails_the_gathering():
    class Unwilling:
        def __index__(self):
            raise ZeroDivisionError

    g = ConcurrentGatheringIterator()
    with pytest.raises(ZeroDivisionError):
        g.insert(Unwilling(), 1)
    with pytest.raises(RuntimeError) as failed:
        next(g.iterator(0))
    assert type(failed.value.__cause__) is ZeroDivisionError


def test_the_first_failure_is_the_cause():
    g = ConcurrentGatheringIterator()
    for key in (-1, "x", -2):
        with pytest.raises((ValueError, TypeError)):
            g.insert(key, None)
    with pytest.raises(RuntimeError) as failed:
        next(g.iterator(0))
    assert str(failed.value.__cause__) == "a negative key: -1"


@pytest.mark.parametrize(("max_key", "error"), [("1", TypeError), (2**63, OverflowError), (None, TypeError)])
def test_a_wrong_max_key_does_not_fail_the_gathering(max_key, error):
    g = ConcurrentGatheringIterator()
    with pytest.raises(error):
        g.iterator(max_key)
    g.insert(0, "a")
    assert list(g.iterator(0)) == ["a"]


@pytest.mark.parametrize(("scaling", "error"), [(0, ValueError), (-5, ValueError), ("1", TypeError)])
def test_a_wrong_scaling_is_refused(scaling, error):
    with pytest.raises(error):
        ConcurrentGatheringIterator(scaling)


# --- references --------------------------------------------------------------


def test_reference_counts_are_balanced():
    thing, g = Thing(), ConcurrentGatheringIterator()
    before = sys.getrefcount(thing), sys.getrefcount(g)
    for _ in range(50):
        for i in range(10):
            g.insert(i, thing)
        assert sys.getrefcount(thing) == before[0] + 10
        assert list(g.iterator(9, False)) == [thing] * 10 == list(g.iterator(9))
    for i in range(10):
        g.insert(i, thing)
    with pytest.raises(ValueError):
        g.insert(-1, thing)
    assert sys.getrefcount(g) == before[1]
    del g
    gc.collect()  # the exception had the frame, and that the gatherer
    assert sys.getrefcount(thing) == before[0]


def test_cycles_are_collected(collected):
    g = ConcurrentGatheringIterator()
    thing = Thing()
    thing.parts = g, g.iterator(3)
    g.insert(0, thing)
    g.insert(5, g)
    g.insert(6, thing.parts[1])
    alive = weakref.ref(g), weakref.ref(thing)
    del g, thing
    collected(*alive)


def test_the_stored_failure_is_no_leak(collected):
    def fail():
        g = ConcurrentGatheringIterator()
        with pytest.raises(TypeError):
            g.insert("x", 1)
        return weakref.ref(g)

    collected(fail())


def test_the_collector_sees_each_value_once():
    g = ConcurrentGatheringIterator()
    things = [Thing() for _ in range(50)]
    for i, thing in enumerate(things):
        g.insert(i, thing)
    next(g.iterator(0))
    seen = [id(o) for o in gc.get_referents(g)]
    assert [seen.count(id(thing)) for thing in things] == [0] + [1] * 49


def test_del_of_a_value_may_use_the_gatherer(collected):
    class Owner:
        def __init__(self, g):
            self.gatherer = g

        def __del__(self):
            self.gatherer.insert(7, Thing())
            repr(self.gatherer)

    g = ConcurrentGatheringIterator()
    g.insert(0, Owner(g))
    g.insert(0, 1)
    g.insert(1, Owner(g))
    assert next(g.iterator(0)) == 1
    alive = weakref.ref(g)
    del g
    collected(alive)


def test_pickling_and_copying_are_refused():
    g = ConcurrentGatheringIterator()
    for each in (g, g.iterator(1)):
        for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match="cannot pickle or copy"):
                attempt(each)


def test_subclasses_weak_references_repr_and_generics():
    class Named(ConcurrentGatheringIterator):
        def __init__(self, name):
            self.name = name

    g = Named("n")
    g.insert(0, 1)
    assert "Named object" in repr(g) and "1 waiting" in repr(g) and list(g.iterator(0)) == [1]
    alive = weakref.ref(g)
    del g
    assert alive() is None
    assert ConcurrentGatheringIterator[int].__origin__ is ConcurrentGatheringIterator
    with pytest.raises(TypeError):
        type(ConcurrentGatheringIterator().iterator(1))()
