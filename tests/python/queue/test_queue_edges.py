# SPDX-License-Identifier: LGPL-2.1-or-later
"""ConcurrentQueue: every kind of time-out and of item, the races of shutdown, waiting and its price."""

import gc
import math
import os
import queue
import random
import resource
import sys
import sysconfig
import threading
import time
import weakref
from decimal import Decimal
from fractions import Fraction

import pytest
from helpers import MANY, Background, Thing, asleep, gil_enabled, run_python, run_together

from concurrency import AtomicInt64, ConcurrentQueue, Empty, ShutDown


# --- time-outs ---------------------------------------------------------------


class Float:
    def __init__(self, value):
        self.value = value

    def __float__(self):
        return self.value


class Index:
    def __init__(self, value):
        self.value = value

    def __index__(self):
        return self.value


ZEROES = [0, 0.0, -0.0, False, Fraction(0), Decimal(0), Decimal("-0"), Float(0.0), Index(0), AtomicInt64(0)]
NEGATIVE = [-1, -1e-300, -5e-324, -math.inf, -(10**400), -(2**63), Fraction(-1, 7), Decimal("-Infinity"),
            Float(-1.0), Index(-1), math.nan, -math.nan, Decimal("NaN"), Float(math.nan)]  # fmt: skip
ENDLESS = [None, math.inf, 1e300, 1.8e308, 10**400, 10**30, 2**63, 2**62, 9.3e9, Decimal("1e400"),
           Float(math.inf), Index(2**63)]  # fmt: skip
NO_NUMBERS = ["", "1", b"1", [], (1,), {}, 1j, object(), Float("1"), Index(1.0), len]


def named(timeout):
    """What a test is called after."""
    return f"{type(timeout).__name__} {getattr(timeout, 'value', timeout)}"[:20]


@pytest.mark.parametrize("timeout", ZEROES, ids=named)
def test_a_timeout_of_zero_does_not_wait(make_queue, timeout):
    q = make_queue()
    for _ in range(3):
        with pytest.raises(Empty):
            q.pop(timeout)
        with pytest.raises(queue.Empty):
            q.pop(timeout=timeout)
    q.push(1)
    assert q.pop(timeout) == 1
    q.shutdown()
    with pytest.raises(ShutDown):
        q.pop(timeout)


@pytest.mark.parametrize("timeout", NEGATIVE, ids=named)
def test_a_negative_timeout_or_nan_is_a_value_error_whatever_is_there(make_queue, timeout):
    q = make_queue()
    for prepare in (lambda: None, lambda: q.push(1), q.shutdown):
        prepare()
        with pytest.raises(ValueError, match="'timeout' must be a non-negative number"):
            q.pop(timeout)
    assert q.size() == 1 and q.pop() == 1


@pytest.mark.parametrize("timeout", ENDLESS, ids=named)
def test_an_infinite_or_huge_timeout_waits_as_none_does(make_queue, timeout):
    q = make_queue()
    with Background(q.pop, timeout) as waiter:
        asleep(waiter, 0.02)
        q.push("item")
        assert waiter.wait() == "item"


@pytest.mark.parametrize("timeout", NO_NUMBERS, ids=named)
def test_a_timeout_that_is_no_number_is_a_type_error_and_takes_nothing(make_queue, timeout):
    q = make_queue()
    q.push(1)
    with pytest.raises(TypeError):
        q.pop(timeout)
    with pytest.raises(TypeError):
        q.pop(timeout=timeout)
    assert q.size() == 1


def test_true_is_a_timeout_of_one_second():
    q = ConcurrentQueue()
    started = time.monotonic()
    with pytest.raises(Empty):
        q.pop(True)
    assert time.monotonic() - started >= 1
    with Background(q.pop, True) as waiter:
        q.push("item")
        assert waiter.wait() == "item"


SHORT = [0.02, 1e-9, 1e-12, 5e-324, Fraction(1, 50), Decimal("0.02"), Float(0.02)]


@pytest.mark.parametrize("timeout", SHORT, ids=named)
def test_a_timeout_is_not_over_before_its_time(make_queue, timeout):
    q = make_queue()
    for _ in range(3):
        started = time.monotonic()
        with pytest.raises(Empty):
            q.pop(timeout)
        assert time.monotonic() - started >= float(timeout)


def test_what_a_timeout_raises_comes_out_and_takes_nothing(make_queue):
    q = make_queue()
    class Unwilling:
        def __float__(self):
            raise ZeroDivisionError

    q.push(1)
    with pytest.raises(ZeroDivisionError):
        q.pop(Unwilling())
    assert q.pop() == 1


def test_a_timeout_may_push_the_item_that_pop_takes(make_queue):
    q = make_queue()
    class Pushing:
        def __float__(self):
            q.push("from float")
            return 0.0

    assert q.pop(Pushing()) == "from float"


# --- items of every kind -----------------------------------------------------


def test_none_is_an_item_like_any_other(make_queue):
    q = make_queue()
    for _ in range(3):
        q.push(None)
    assert q.size() == 3 and not q.empty()
    assert [q.pop(), q.pop(0), q.pop(timeout=1)] == [None] * 3
    with pytest.raises(Empty):
        q.pop(0)
    with Background(q.pop) as waiter:
        asleep(waiter, 0.02)
        q.push(None)
        assert waiter.wait() is None


def test_the_same_object_may_be_queued_many_times(make_queue):
    q = make_queue()
    thing = Thing()
    for item in (thing, None, thing, NotImplemented, ..., thing, Empty, ShutDown(), q):
        q.push(item)
    assert q.pop() is thing and q.pop() is None and q.pop() is thing and q.pop() is NotImplemented
    assert q.pop() is ... and q.pop() is thing and q.pop() is Empty
    assert isinstance(q.pop(), ShutDown) and q.pop() is q


def test_a_queue_that_contains_itself_is_shown_and_collected(make_queue, collected):
    q = make_queue()
    q = ConcurrentQueue()
    for n in range(100):
        q.push(q)
        q.push([q, n])
    assert "size=200" in repr(q) and q.pop() is q
    alive = weakref.ref(q)
    del q
    collected(alive)


def test_items_of_one_thread_come_out_in_their_order_at_any_pace(make_queue, frequent_switches):
    q = make_queue()
    def work():
        pick = random.Random(7)
        pushed = popped = 0
        while popped < 5000:
            for _ in range(pick.randrange(60)):
                q.push(pushed)
                pushed += 1
            for _ in range(min(pick.randrange(60), pushed - popped)):
                assert q.pop() == popped
                popped += 1
            assert q.size() == pushed - popped and q.empty() is (pushed == popped)

    work()


@pytest.mark.parametrize("scaling", [None, 1, 2, 64, 10**6, True])
def test_the_order_is_strict_whatever_the_scaling(scaling, frequent_switches):
    q = ConcurrentQueue(scaling=scaling)

    def push(who):
        for n in range(500):
            q.push((who, n))

    run_together(*[lambda who=who: push(who) for who in range(3)])
    got = [q.pop() for _ in range(1500)]
    for who in range(3):
        assert [n for w, n in got if w == who] == list(range(500))


# --- the end -----------------------------------------------------------------


def pop_to_the_end(q, timeout=None):
    got = []
    while True:
        try:
            got.append(q.pop(timeout))
        except ShutDown:
            return got
        except Empty:
            pass


@pytest.mark.parametrize("immediate", [False, True])
def test_each_item_comes_out_once_or_is_released_when_shutdown_races(immediate, frequent_switches):
    for round_ in range(6):
        q = ConcurrentQueue(lock_free=round_ % 2 == 0)
        alive = weakref.WeakSet()
        lock = threading.Lock()
        made = AtomicInt64()

        def push(who):
            n = 0
            try:
                while True:
                    item = Thing()
                    item.name = who, n
                    with lock:
                        alive.add(item)
                    made.incr()
                    q.push(item)
                    n += 1
            except ShutDown:
                return n

        def end():
            time.sleep(0.004 * round_)
            q.shutdown(immediate)
            with pytest.raises(ShutDown):
                q.push(None)

        *results, _ = run_together(
            *[lambda who=who: push(who) for who in range(3)],
            lambda: pop_to_the_end(q),
            lambda: pop_to_the_end(q, 0.001),
            lambda: pop_to_the_end(q, 0),
            end,
        )
        pushed, got = results[:3], results[3:]
        names = [item.name for mine in got for item in mine]
        assert len(set(names)) == len(names)
        for mine in got:  # in the order of each producer
            for who in range(3):
                numbers = [item.name[1] for item in mine if item.name[0] == who]
                assert numbers == sorted(numbers)
        if not immediate:
            assert sorted(names) == [(who, n) for who in range(3) for n in range(pushed[who])]
        assert q.size() == 0 and q.empty() and "shut down" in repr(q)
        item = mine = None
        gc.collect()
        assert len(alive) == len(names)  # what did not come out is gone
        del results, got
        gc.collect()
        assert len(alive) == 0 and made >= sum(pushed)


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("second", [False, True])
def test_shutdown_may_come_again_and_from_many_threads(make_queue, first, second, frequent_switches):
    q = make_queue()
    for n in range(100):
        q.push(n)
    waiters = [lambda: pop_to_the_end(q)] * 2
    *got, _, _, _ = run_together(
        *waiters,
        *[lambda: q.shutdown(first)] * 2,
        lambda: (q.shutdown(second), q.shutdown(immediate=not second)),
    )
    assert len({n for mine in got for n in mine}) == sum(map(len, got)) <= 100
    assert q.empty() and q.size() == 0
    with pytest.raises(ShutDown):
        q.push(1)


def test_immediate_after_shutdown_releases_what_is_left(make_queue):
    q = make_queue()
    things = [Thing() for _ in range(100)]
    alive = [weakref.ref(thing) for thing in things]
    for thing in things:
        q.push(thing)
    del things, thing
    q.shutdown()
    assert q.pop() is alive[0]() and q.size() == 99
    q.shutdown(immediate=True)
    assert not any(reference() for reference in alive) and q.size() == 0


@pytest.mark.parametrize("immediate", [0, None, "", False, 1, "yes", [0], True], ids=repr)
def test_immediate_is_taken_for_true_or_false(make_queue, immediate):
    q = make_queue()
    q.push("item")
    q.shutdown(immediate)
    if not immediate:
        assert q.pop() == "item"
    with pytest.raises(ShutDown):
        q.pop()


def test_an_immediate_that_has_no_truth_ends_nothing(make_queue):
    q = make_queue()
    class Unclear:
        def __bool__(self):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        q.shutdown(Unclear())
    q.push(1)
    assert q.pop() == 1


def test_a_finalizer_of_an_item_that_shutdown_releases_may_use_the_queue(make_queue):
    q = make_queue()
    log = []

    class Owner:
        def __del__(self):
            log.append(q.size())
            with pytest.raises(ShutDown):
                q.push(None)
            try:
                assert isinstance(q.pop(), Owner)  # one that is still to be released
            except ShutDown:
                pass
            q.shutdown(immediate=True)  # inside of itself

    for _ in range(50):
        q.push(Owner())
    q.shutdown(immediate=True)
    assert len(log) == 50 and q.size() == 0


def test_items_that_push_others_as_they_are_popped_come_to_an_end(make_queue):
    q = make_queue()
    class Nested:
        def __init__(self, left):
            self.left = left

        def __del__(self):
            if self.left:
                q.push(Nested(self.left - 1))

    q.push(Nested(500))
    count = 0
    while not q.empty():
        q.pop()
        count += 1
    assert count == 501


# --- waiting -----------------------------------------------------------------


def test_waiters_of_every_kind_are_served_or_time_out_and_none_is_forgotten(make_queue, frequent_switches):
    q = make_queue()
    number = 400
    got = AtomicInt64()

    def wait(timeout):
        while True:
            try:
                q.pop(timeout)
                got.incr()
            except Empty:
                pass
            except ShutDown:
                return

    def push():
        for n in range(number):
            q.push(n)
            if n % 7 == 0:
                time.sleep(0.0003)
        while got < number:  # no item may stay behind while somebody waits
            time.sleep(0.001)
        q.shutdown()

    run_together(*[lambda t=t: wait(t) for t in (None, math.inf, 0.0001, 0.001, 5, None)], push)
    assert got == number


def test_one_item_wakes_one_of_many_who_wait_for_ever(make_queue):
    q = make_queue()
    results = []
    with Background(lambda: run_together(*[lambda: results.append(q.pop())] * MANY)) as waiters:
        for n in range(MANY):
            asleep(waiters, 0.01)
            q.push(n)
            end = time.monotonic() + 20
            while len(results) <= n and time.monotonic() < end:
                time.sleep(0.001)
            assert results == list(range(n + 1))


def threads_own_sleeps():
    return resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw


@pytest.mark.skipif(gil_enabled(), reason="who waits for the GIL sleeps")
@pytest.mark.skipif(not hasattr(resource, "RUSAGE_THREAD"), reason="needs Linux")
def test_lock_free_waiters_do_not_sleep_in_the_kernel_while_items_keep_coming():
    q = ConcurrentQueue(lock_free=True)
    number = 300

    def push():
        for n in range(number):
            q.push(n)
            time.sleep(0.0005)

    def pop():
        slept = soon = 0
        for _ in range(number):
            before, started = threads_own_sleeps(), time.monotonic()
            q.pop()
            if time.monotonic() - started < 0.005:  # else the producer was not running
                soon += 1
                slept += threads_own_sleeps() - before
        return slept, soon

    slept, soon = run_together(pop, push)[0]
    assert soon == 0 or slept <= soon / 4


def test_lock_free_waiters_sleep_after_a_long_while_without_items():
    q = ConcurrentQueue(lock_free=True)

    def wait():
        started = time.thread_time()
        q.pop()
        return time.thread_time() - started

    def push():
        time.sleep(1)
        for _ in range(3):
            q.push(None)

    assert max(run_together(wait, wait, wait, push)[:3]) < 0.4


# --- no memory ---------------------------------------------------------------

NO_MEMORY = """
import resource, sys, threading, time
from concurrency import ConcurrentQueue
lock_free = {lock_free}

def until_memory_ends(function):
    n = 0
    try:
        while True:
            function(n)
            n += 1
    except MemoryError:
        return n

q, other, ready, results = ConcurrentQueue(lock_free=lock_free), ConcurrentQueue(), [], []
class Waiter(threading.Thread):
    def run(self):
        got = 0
        ready.append(1)
        try:
            while True:
                q.pop()
                got += 1
        except RuntimeError as error:
            results.append((got, str(error)))
threading.stack_size(2**20)
waiters = [Waiter(daemon=True) for _ in range(3)]
for waiter in waiters:
    waiter.start()
while len(ready) < 3:
    time.sleep(0.01)
time.sleep(0.1)
with open("/proc/self/statm") as file:
    used = int(file.read().split()[0]) * resource.getpagesize()
limits = resource.getrlimit(resource.RLIMIT_AS)
resource.setrlimit(resource.RLIMIT_AS, (used + 2**23, limits[1]))
until_memory_ends(other.push)
pushed = until_memory_ends(q.push)
resource.setrlimit(resource.RLIMIT_AS, limits)
for waiter in waiters:
    waiter.join(20)
assert len(results) == 3, results
assert sum(got for got, _ in results) == pushed, (results, pushed)
assert all("failed" in message for _, message in results)
q.push("after")
assert q.pop() == "after" and q.empty()
for timeout in (None, 0, 1):
    try:
        q.pop(timeout)
    except RuntimeError:
        pass
    else:
        raise SystemExit("no RuntimeError")
q.shutdown()
try:
    q.pop()
except Exception as error:
    print(type(error).__name__)
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="needs Linux")
@pytest.mark.parametrize("lock_free", [False, True])
def test_a_push_without_memory_wakes_those_who_wait_with_a_runtime_error(lock_free):
    assert run_python(NO_MEMORY.format(lock_free=lock_free)) == ("ShutDown\n", "")


# --- references --------------------------------------------------------------


def test_a_failed_push_leaves_the_item_with_its_owner(make_queue):
    q = make_queue()
    thing = Thing()
    before = sys.getrefcount(thing)
    q.shutdown()
    for _ in range(100):
        with pytest.raises(ShutDown):
            q.push(thing)
        with pytest.raises(ShutDown):
            q.push(v=thing)
        with pytest.raises(TypeError):
            q.push(thing, thing)
    assert sys.getrefcount(thing) == before


def test_a_full_queue_in_a_cycle_is_collected_shut_down_or_not(collected):
    def make(how):
        q = ConcurrentQueue()
        thing = Thing()
        thing.queue = q
        for n in range(3000):
            q.push([thing, n])
        for _ in range(1500):
            q.pop()
        if how == "shut down":
            q.shutdown()
        return weakref.ref(q), weakref.ref(thing)

    for how in ("open", "shut down"):
        collected(*make(how))


def test_queues_come_and_go_with_threads_that_wait_in_them(frequent_switches):
    alive = weakref.WeakSet()

    def work():
        for n in range(60):
            q = ConcurrentQueue(lock_free=n % 2 == 0)
            alive.add(q)
            with Background(q.pop) as waiter:
                q.push(n)
                assert waiter.wait() == n

    run_together(*[work] * 4)
    del work
    gc.collect()
    assert len(alive) == 0


if sysconfig.get_config_var("Py_GIL_DISABLED"):

    def test_empty_and_size_may_be_asked_while_everybody_works():
        q = ConcurrentQueue()
        running = AtomicInt64(4)

        def work():
            for n in range(3000):
                q.push(n)
                q.pop()
            running.decr()

        def look():
            while running:
                assert 0 <= q.size() <= 4 and q.empty() in (True, False) and "size=" in repr(q)

        run_together(*[work] * 4, look, look)
        assert q.size() == 0 and q.empty()
