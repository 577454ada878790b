# SPDX-License-Identifier: LGPL-2.1-or-later
"""ConcurrentGatheringIterator: repeated and late inserts, many iterators, every way to fail, finalizers."""

import gc
import random
import sys
import threading
import time
import weakref
from decimal import Decimal
from fractions import Fraction

import pytest
from helpers import MANY, Background, Thing, asleep, run_together

from concurrency import AtomicInt64, ConcurrentGatheringIterator

MOST = 2**63 - 1


def gathered(*values):
    g = ConcurrentGatheringIterator()
    for key, value in enumerate(values):
        g.insert(key, value)
    return g


# --- inserting again, and late -----------------------------------------------


def test_a_key_inserted_again_before_it_was_passed_has_the_later_value():
    g = gathered("a", "b", "c")
    i = g.iterator(2)
    assert next(i) == "a"
    g.insert(1, "later")
    g.insert(2, "later still")
    g.insert(2, "the last")
    assert list(i) == ["later", "the last"]


def test_a_key_inserted_again_after_it_was_passed_waits_for_another_iterator():
    g = gathered("a", "b")
    i = g.iterator(1)
    assert next(i) == "a"
    g.insert(0, "late")
    assert next(i) == "b"  # it goes on with the next key
    with pytest.raises(StopIteration):
        next(i)
    assert "1 waiting" in repr(g) and list(g.iterator(0)) == ["late"]
    with Background(lambda: list(g.iterator(0))) as reader:
        asleep(reader, 0.03)
        g.insert(0, "third")
        assert reader.wait() == ["third"]


def test_a_key_beyond_max_key_stays():
    g = gathered("a", "b", "c")
    assert list(g.iterator(0)) == ["a"] and "2 waiting" in repr(g)
    g.insert(0, "A")
    assert list(g.iterator(2)) == ["A", "b", "c"] and "0 waiting" in repr(g)


def test_without_clear_the_values_stay_for_another_time():
    g = gathered("a", "b", "c")
    for _ in range(2):
        assert list(g.iterator(2, clear=False)) == ["a", "b", "c"]
    first, second = g.iterator(2, False), g.iterator(2, False)
    assert [next(first), next(second), next(first), next(second)] == ["a", "a", "b", "b"]
    g.insert(2, "later")
    assert next(first) == next(second) == "later"
    assert list(g.iterator(2)) == ["a", "b", "later"] and "0 waiting" in repr(g)


@pytest.mark.parametrize("clear", [0, None, "", [], False, 1, "yes", [0], True], ids=repr)
def test_clear_is_taken_for_true_or_false(clear):
    g = gathered("a")
    assert list(g.iterator(0, clear)) == ["a"] and ("0 waiting" in repr(g)) is bool(clear)


def test_a_clear_that_has_no_truth_does_not_fail_the_gathering():
    class Unclear:
        def __bool__(self):
            raise ZeroDivisionError

    g = gathered("a")
    with pytest.raises(ZeroDivisionError):
        g.iterator(0, Unclear())
    assert list(g.iterator(0)) == ["a"]


def test_what_a_repeated_insert_replaces_is_released_at_once():
    g = ConcurrentGatheringIterator()
    for _ in range(50):
        thing = Thing()
        alive = weakref.ref(thing)
        g.insert(3, thing)
        del thing
        assert alive() is not None
        g.insert(3, None)
        assert alive() is None


# --- keys and max_key --------------------------------------------------------


class Index:
    def __init__(self, value):
        self.value = value

    def __index__(self):
        return self.value


def test_keys_are_ints_bools_and_what_stands_for_an_int():
    g = ConcurrentGatheringIterator()
    for key, value in ((False, "0"), (True, "1"), (Index(2), "2"), (AtomicInt64(3), "3"), (int("4"), "4")):
        g.insert(key, value)
    assert list(g.iterator(Index(4))) == list("01234")


def test_the_largest_key_of_all_can_be_inserted():
    g = ConcurrentGatheringIterator()
    g.insert(MOST, "far")
    g.insert(2**62, "not so far")
    g.insert(0, "near")
    i = g.iterator(MOST)
    assert next(i) == "near" and "2 waiting" in repr(g)
    with Background(next, i) as reader:
        asleep(reader, 0.03)
        g.insert(1, "next")
        assert reader.wait() == "next"


@pytest.mark.parametrize("max_key", [-1, -2, -(2**63), Index(-7), False - 1])
def test_a_negative_max_key_yields_nothing_and_waits_for_nothing(max_key):
    g = gathered("a")
    assert list(g.iterator(max_key)) == [] and "1 waiting" in repr(g)


@pytest.mark.parametrize(
    ("max_key", "error"),
    [(2**63, OverflowError), (-(2**63) - 1, OverflowError), (10**400, OverflowError), ("1", TypeError),
     (1.0, TypeError), (None, TypeError), (Fraction(1), TypeError), (Index("x"), TypeError)],
    ids=lambda x: str(x)[:8],
)  # fmt: skip
def test_a_max_key_that_is_no_int_of_64_bits_is_refused_and_fails_nothing(max_key, error):
    g = gathered("a")
    with pytest.raises(error):
        g.iterator(max_key)
    with pytest.raises(error):
        g.iterator(max_key=max_key, clear=False)
    assert "failed" not in repr(g) and list(g.iterator(0)) == ["a"]


# --- iterators ---------------------------------------------------------------


def test_an_iterator_keeps_its_gatherer_alive():
    g = gathered("a", "b")
    i = g.iterator(2)
    insert, alive = g.insert, weakref.ref(g)
    del g
    assert next(i) == "a" and alive() is not None
    insert(2, "c")
    del insert
    gc.collect()
    assert list(i) == ["b", "c"]
    del i
    assert alive() is None


def test_an_iterator_may_wait_though_nobody_else_knows_the_gatherer():
    def make():
        g = ConcurrentGatheringIterator()
        return g.iterator(0), g.insert

    i, insert = make()
    with Background(next, i) as reader:
        asleep(reader, 0.03)
        insert(0, "a")
        del insert
        assert reader.wait() == "a"


def test_an_iterator_is_its_own_iterator_and_works_with_what_takes_one():
    g = gathered(*"abcdef")
    i = g.iterator(5)
    assert iter(i) is i and dict(zip(range(2), i)) == {0: "a", 1: "b"}
    first, *rest = i
    assert first in "cd" and "f" in rest
    with pytest.raises(TypeError):
        len(i)
    with pytest.raises(TypeError):
        i.__class__()


def test_iterators_of_many_threads_each_yield_every_value_in_order(frequent_switches):
    g = ConcurrentGatheringIterator(scaling=MANY)
    total = 1500
    keys = list(range(total))
    random.Random(3).shuffle(keys)

    def insert(who):
        for key in keys[who::3]:
            g.insert(key, (key,))

    *results, _, _, _ = run_together(
        *[lambda: list(g.iterator(total - 1, clear=False))] * MANY,
        *[lambda who=who: insert(who) for who in range(3)],
    )
    assert results == [[(key,) for key in range(total)]] * MANY
    assert list(g.iterator(total - 1)) == results[0] and "0 waiting" in repr(g)


def test_clearing_iterators_of_many_threads_take_each_value_once(frequent_switches):
    # Each thread passes key 0 again and again: an insert goes to exactly one of them.
    g = ConcurrentGatheringIterator()
    each = 300

    def take():
        return [next(g.iterator(0)) for _ in range(each)]

    taken = AtomicInt64()

    def insert():
        for n in range(4 * each):
            g.insert(0, n)
            while "0 waiting" not in repr(g):
                time.sleep(0)
            taken.incr()

    *results, _ = run_together(*[take] * 4, insert)
    assert sorted(n for mine in results for n in mine) == list(range(4 * each)) and taken == 4 * each


def test_an_iterator_shared_by_threads_serves_one_at_a_time(frequent_switches):
    g = gathered(*range(2000))
    i = g.iterator(1999)

    def take():
        mine = []
        while True:
            try:
                mine.append(next(i))
            except ValueError as error:
                assert "in use" in str(error)
            except StopIteration:
                return mine

    results = run_together(*[take] * 4)
    assert sorted(n for mine in results for n in mine) == list(range(2000))
    assert all(mine == sorted(mine) for mine in results)


def test_values_are_dropped_one_by_one_as_they_are_passed():
    things = [Thing() for _ in range(100)]
    alive = [weakref.ref(thing) for thing in things]
    g = gathered(*things)
    del things
    iterator = g.iterator(99)
    for n in range(100):
        next(iterator)
        assert [reference() is None for reference in alive] == [True] * (n + 1) + [False] * (99 - n)


# --- failing -----------------------------------------------------------------


class Unwilling:
    def __index__(self):
        raise ZeroDivisionError("on purpose")


WRONG_KEYS = {
    "a str": ("0", TypeError),
    "a float": (1.0, TypeError),
    "a NaN": (float("nan"), TypeError),
    "None": (None, TypeError),
    "bytes": (b"0", TypeError),
    "complex": (1j, TypeError),
    "a Fraction": (Fraction(1), TypeError),
    "a Decimal": (Decimal(1), TypeError),
    "a tuple": ((0,), TypeError),
    "an index that is no int": (Index("0"), TypeError),
    "an index that raises": (Unwilling(), ZeroDivisionError),
    "-1": (-1, ValueError),
    "the least": (-(2**63), ValueError),
    "2^63": (2**63, OverflowError),
    "-2^63 - 1": (-(2**63) - 1, OverflowError),
    "10^400": (10**400, OverflowError),
}
WRONG_CALLS = {
    "no argument": ((), {}),
    "no value": ((0,), {}),
    "no key": ((), {"value": 1}),
    "three arguments": ((0, 1, 2), {}),
    "an unknown name": ((0,), {"val": 1}),
    "the key twice": ((0, 1), {"key": 1}),
}


def check_failed(g, cause):
    for iterator in (g.iterator(5), g.iterator(0, clear=False)):
        with pytest.raises(RuntimeError, match="failed") as failed:
            next(iterator)
        assert failed.value.__cause__ is cause
    assert "failed" in repr(g)


@pytest.mark.parametrize("wrong", WRONG_KEYS)
def test_a_wrong_key_raises_and_fails_the_gathering_with_that_exception_as_the_cause(wrong):
    key, error = WRONG_KEYS[wrong]
    g = ConcurrentGatheringIterator()
    value = Thing()
    before = sys.getrefcount(value)
    with pytest.raises(error) as raised:
        g.insert(key, value)
    check_failed(g, raised.value)
    del raised
    gc.collect()
    assert sys.getrefcount(value) == before


@pytest.mark.parametrize("wrong", WRONG_CALLS)
def test_wrong_arguments_too_are_an_exception_out_of_insert_and_fail_the_gathering(wrong):
    arguments, names = WRONG_CALLS[wrong]
    g = gathered("a")
    with pytest.raises(TypeError, match="insert") as raised:
        g.insert(*arguments, **names)
    check_failed(g, raised.value)


def test_an_iterator_of_a_failed_gathering_raises_though_the_next_value_is_there():
    g = gathered("a", "b", "c")
    old, unused, done = g.iterator(2), g.iterator(2, False), g.iterator(0, False)
    assert next(old) == "a" and "2 waiting" in repr(g)
    g.insert(0, "again")
    assert list(done) == ["again"]
    with pytest.raises(ValueError) as raised:
        g.insert(-1, None)
    for iterator in (old, unused, g.iterator(2)):
        for _ in range(3):
            with pytest.raises(RuntimeError) as failed:
                next(iterator)
            assert failed.value.__cause__ is raised.value
    with pytest.raises(StopIteration):  # one at its end has nothing to fail
        next(done)
    assert list(g.iterator(-1)) == []


def test_the_first_cause_stays_whatever_fails_later():
    g = ConcurrentGatheringIterator()
    causes = []
    for key, error in WRONG_KEYS.values():
        with pytest.raises(error) as raised:
            g.insert(key, None)
        causes.append(raised.value)
        check_failed(g, causes[0])
    g.insert(0, "a good one")
    check_failed(g, causes[0])


def test_of_failures_in_many_threads_one_is_the_cause_for_everyone(frequent_switches):
    for _ in range(30):
        g = ConcurrentGatheringIterator()

        def fail(number):
            with pytest.raises(ValueError) as raised:
                g.insert(-1 - number, None)
            return raised.value

        def wait():
            with pytest.raises(RuntimeError) as failed:
                next(g.iterator(5))
            return failed.value.__cause__

        *raised, a, b, c = run_together(*[lambda n=n: fail(n) for n in range(4)], wait, wait, wait)
        assert a is b is c and any(a is each for each in raised)


@pytest.mark.parametrize("wrong", ["a str", "a float", "None", "-1", "2^63", "an index that raises"])
def test_iterators_that_wait_wake_and_raise_with_the_cause(wrong):
    key, error = WRONG_KEYS[wrong]
    g = ConcurrentGatheringIterator()
    waiting = threading.Semaphore(0)

    def wait(number):
        iterator = g.iterator(100)
        g.insert(0, None)
        waiting.release()
        try:
            for _ in iterator:
                pass
        except RuntimeError as failed:
            return failed.__cause__
        return None

    def fail():
        for _ in range(MANY):
            waiting.acquire()
        time.sleep(0.03)
        with pytest.raises(error) as raised:
            g.insert(key, None)
        return raised.value

    *causes, raised = run_together(*[lambda n=n: wait(n) for n in range(MANY)], fail)
    assert all(cause is raised for cause in causes)


def test_inserts_go_on_after_a_failure_and_are_released_with_the_gatherer():
    g = ConcurrentGatheringIterator()
    with pytest.raises(TypeError):
        g.insert("x", None)
    things = [Thing() for _ in range(200)]
    alive = [weakref.ref(thing) for thing in things]
    for key, thing in enumerate(things):
        g.insert(key, thing)
    assert "200 waiting" in repr(g)
    del things, thing, g
    gc.collect()
    assert not any(reference() for reference in alive)


def test_a_failed_gathering_does_not_grow_its_cause(collected):
    g = ConcurrentGatheringIterator()
    with pytest.raises(TypeError):
        g.insert("x", None)
    i = g.iterator(0)
    with pytest.raises(RuntimeError) as failed:
        next(i)
    cause = failed.value.__cause__
    depth = 0
    for _ in range(50):
        with pytest.raises(RuntimeError) as failed:
            next(i)
        assert failed.value.__cause__ is cause and failed.value.__context__ in (cause, None)
    traceback = cause.__traceback__
    while traceback is not None:
        traceback, depth = traceback.tb_next, depth + 1
    assert depth < 5


# --- Python code while inserting and passing ---------------------------------


def test_an_index_may_use_the_same_gatherer():
    g = ConcurrentGatheringIterator()

    class Busy:
        def __index__(self):
            g.insert(1, "from index")
            return len(list(g.iterator(-1)))

    g.insert(Busy(), "a")
    assert list(g.iterator(1)) == ["a", "from index"]


def test_a_value_whose_finalizer_inserts_is_no_danger():
    g = ConcurrentGatheringIterator()
    log = []

    class Heir:
        def __init__(self, key, left):
            self.key, self.left = key, left

        def __del__(self):
            log.append(self.left)
            if self.left:
                g.insert(self.key, Heir(self.key, self.left - 1))

    g.insert(0, Heir(0, 3))
    g.insert(1, "b")
    i = g.iterator(1)
    next(i)  # dropped at once, and so inserted anew under a key that was passed
    assert log == [3] and next(i) == "b" and "1 waiting" in repr(g)
    for left in (2, 1, 0):
        g.insert(0, None)
        assert log[-1] == left
    assert list(g.iterator(0)) == [None]


def test_a_value_whose_finalizer_fails_the_gathering_is_no_danger(collected):
    g = ConcurrentGatheringIterator()

    class Failing:
        def __del__(self):
            try:
                g.insert(-1, self)
            except ValueError:
                pass

    g.insert(0, Failing())
    g.insert(1, "b")
    i = g.iterator(1)
    next(i)
    with pytest.raises(RuntimeError) as failed:
        next(i)
    assert isinstance(failed.value.__cause__, ValueError)
    del failed


def test_a_value_may_come_back_to_life():
    saved = []

    class Phoenix:
        def __del__(self):
            saved.append(self)

    g = gathered(Phoenix(), Phoenix())
    g.insert(0, None)
    assert len(saved) == 1
    g.insert(0, saved.pop())
    values = list(g.iterator(1))
    assert saved == [] and len(values) == 2
    del values
    assert len(saved) == 1  # the other one: a finalizer runs once in a life


def test_a_second_init_changes_nothing():
    g = gathered("a")
    g.__init__(scaling=3)
    assert list(g.iterator(0)) == ["a"]


def test_a_full_gatherer_in_a_cycle_is_collected_with_its_iterators(collected):
    def make():
        g = ConcurrentGatheringIterator()
        thing = Thing()
        thing.parts = g, g.iterator(3), g.iterator(2**40, clear=False)
        for key in range(3000):
            g.insert(key, thing)
        next(thing.parts[1])
        with pytest.raises(TypeError):
            g.insert("x", g)
        return weakref.ref(g), weakref.ref(thing)

    for _ in range(3):
        collected(*make())
