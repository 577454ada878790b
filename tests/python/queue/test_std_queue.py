# SPDX-License-Identifier: LGPL-2.1-or-later
"""StdConcurrentQueue: what queue.Queue promises, held by the queue itself and by subclasses with hooks.

Where the standard library's own queue is a parameter, it shows that the test asks for no more than that.
"""

import copy
import gc
import heapq
import pickle
import queue
import random
import signal
import sys
import threading
import time
import weakref
from collections import deque

import pytest
from helpers import MANY, Background, Thing, asleep, run_together

from concurrency import Empty, Full, ShutDown, StdConcurrentQueue


class Hooked(StdConcurrentQueue):
    """First in, first out, too, but by hooks of its own."""

    def _init(self, maxsize):
        self.queue = []

    def _qsize(self):
        return len(self.queue)

    def _put(self, item):
        self.queue.append(item)

    def _get(self):
        return self.queue.pop(0)


OURS = [StdConcurrentQueue, Hooked]
CAN_SHUT_DOWN = [*OURS, *([queue.Queue] if hasattr(queue, "ShutDown") else [])]


@pytest.fixture(params=[*OURS, queue.Queue])
def kind(request):
    return request.param


@pytest.fixture(params=OURS)
def ours(request):
    return request.param


@pytest.fixture(params=CAN_SHUT_DOWN)
def stoppable(request):
    return request.param


def fill(q, count):
    for i in range(count):
        q.put(i)
    return q


# --- order and size ----------------------------------------------------------


def test_items_come_out_in_the_order_they_went_in(kind):
    q = kind()
    items = [None, 0, "", Thing(), *range(3000)]
    for item in items:
        assert q.put(item) is None
    assert [q.get() for _ in items] == items


def test_qsize_empty_and_full_follow_put_and_get(kind):
    q = kind(3)
    for i in range(3):
        assert (q.qsize(), q.empty(), q.full()) == (i, i == 0, False)
        q.put(i)
    assert (q.qsize(), q.empty(), q.full()) == (3, False, True)
    for i in range(3):
        q.get()
        assert (q.qsize(), q.empty(), q.full()) == (2 - i, i == 2, False)


def test_a_queue_without_maxsize_is_never_full(kind):
    for maxsize in (0, -1, -(10**30)):
        q = fill(kind(maxsize), 100)
        assert not q.full() and q.qsize() == 100 and q.maxsize in (maxsize, -(2**63))


def test_a_maxsize_beyond_all_numbers_is_no_limit(kind):
    q = fill(kind(10**30), 100)
    assert not q.full() and q.maxsize > 2**62


def test_each_item_comes_out_once_and_in_its_producers_order(kind, frequent_switches):
    each = 300 if kind is queue.Queue else 1000
    q = kind(5)

    def produce(who):
        for i in range(each):
            q.put((who, i))

    def consume():
        got = []
        while True:
            item = q.get()
            if item is None:
                return got
            got.append(item)

    def produce_all():
        run_together(*[lambda who=who: produce(who) for who in range(4)])
        for _ in range(4):
            q.put(None)

    *results, _ = run_together(*[consume] * 4, produce_all)
    for got in results:
        for who in range(4):
            mine = [i for w, i in got if w == who]
            assert mine == sorted(mine)
    assert sorted(pair for got in results for pair in got) == [
        (who, i) for who in range(4) for i in range(each)
    ]


# --- arguments and time-outs -------------------------------------------------


@pytest.mark.parametrize("timeout", [0, 0.0, 0.02])
def test_put_on_a_full_queue_raises_full_when_the_time_is_up(kind, timeout):
    q = fill(kind(1), 1)
    begin = time.monotonic()
    with pytest.raises(Full):
        q.put(2, timeout=timeout)
    with pytest.raises(Full):
        q.put(2, True, timeout)
    assert time.monotonic() - begin >= 2 * timeout
    assert q.qsize() == 1 and q.unfinished_tasks == 1


@pytest.mark.parametrize("timeout", [0, 0.0, 0.02])
def test_get_on_an_empty_queue_raises_empty_when_the_time_is_up(kind, timeout):
    q = kind()
    begin = time.monotonic()
    with pytest.raises(Empty):
        q.get(timeout=timeout)
    with pytest.raises(Empty):
        q.get(True, timeout)
    assert time.monotonic() - begin >= 2 * timeout


def test_without_block_nothing_waits_and_the_timeout_is_not_looked_at(kind):
    q = kind(1)
    for get in (q.get_nowait, lambda: q.get(False), lambda: q.get(block=0, timeout=-1)):
        with pytest.raises(Empty):
            get()
    q.put(1, block=False, timeout="soon")
    for put in (lambda: q.put_nowait(2), lambda: q.put(2, False), lambda: q.put(2, block=[], timeout=-1)):
        with pytest.raises(Full):
            put()
    assert q.get(block=False, timeout=-1) == 1


@pytest.mark.parametrize("timeout", [-1, -0.001, -(10**400), float("-inf")])
def test_a_negative_timeout_is_a_value_error(kind, timeout):
    q = kind(1)
    with pytest.raises(ValueError, match="non-negative"):
        q.put(1, timeout=timeout)
    assert q.qsize() == 0 and q.unfinished_tasks == 0
    with pytest.raises(ValueError, match="non-negative"):
        q.get(timeout=timeout)
    q.put(1)
    with pytest.raises(ValueError, match="non-negative"):
        q.get(timeout=timeout)
    assert q.qsize() == 1


def test_nan_is_a_value_error_too(ours):
    q = ours(1)
    with pytest.raises(ValueError):
        q.get(timeout=float("nan"))
    q.put(1)
    with pytest.raises(ValueError):
        q.put(2, timeout=float("nan"))


def test_a_timeout_without_end_waits_for_ever(ours):
    for timeout in (None, float("inf"), 1e300, 10**400):
        q = ours(1)
        with Background(lambda q=q, t=timeout: q.get(timeout=t)) as getter:
            asleep(getter, 0.05)
            q.put(1)
        q.put(1)
        with Background(lambda q=q, t=timeout: q.put(2, timeout=t)) as putter:
            asleep(putter, 0.05)
            q.get()


def test_without_maxsize_the_timeout_of_put_is_not_looked_at(kind):
    q = kind()
    q.put(1, timeout=-1)
    q.put(2, True, "soon")
    assert q.get() == 1 and q.get() == 2


def test_wrong_arguments_are_type_errors_that_change_nothing(kind):
    q = kind(2)
    for call in (
        lambda: q.put(),
        lambda: q.put(1, True, None, 4),
        lambda: q.put(1, True, None, 4, 5, 6),
        lambda: q.put(1, colour=2),
        lambda: q.put(1, item=2),
        lambda: q.put(1, timeout="soon"),
        lambda: q.get(True, None, 3),
        lambda: q.get(timeout="soon"),
        lambda: q.get(item=1),
        lambda: q.get_nowait(1),
        lambda: q.put_nowait(),
        lambda: q.put_nowait(1, 2),
        lambda: q.shutdown(1, 2) if hasattr(q, "shutdown") else q.qsize(1),
        lambda: q.qsize(1),
        lambda: q.task_done(1),
        lambda: q.join(1),
        lambda: kind(1, 2),
        lambda: kind(size=1),
    ):
        with pytest.raises(TypeError):
            call()
    assert q.qsize() == 0 and q.unfinished_tasks == 0
    q.put(item=1, block=True, timeout=None)
    q.put_nowait(item=2)
    assert q.get(block=True, timeout=None) == 1


@pytest.mark.parametrize("maxsize", ["3", 2.5, None, []])
def test_a_maxsize_that_is_no_int_is_a_type_error(ours, maxsize):
    with pytest.raises(TypeError):
        ours(maxsize)
    q = fill(ours(3), 3)
    with pytest.raises(TypeError):
        q.maxsize = maxsize
    with pytest.raises(AttributeError):
        del q.maxsize
    assert q.maxsize == 3 and q.full()


# --- maxsize -----------------------------------------------------------------


def test_maxsize_is_never_exceeded_with_64_producers(ours, frequent_switches):
    q = ours(5)
    done = threading.Event()

    def produce():
        for i in range(20):
            q.put(i)

    def consume():
        for _ in range(64 * 20 // 2):
            q.get()

    def watch():
        most = 0
        while not done.is_set():
            most = max(most, q.qsize())
        return most

    def all_others():
        run_together(*[produce] * 64, consume, consume)
        done.set()

    most, *_ = run_together(watch, all_others)
    assert most <= 5 and q.empty()


def test_maxsize_is_never_exceeded_while_it_changes(ours, frequent_switches):
    """The size never grows while it is at or above what maxsize was set to before."""
    q = ours(1)
    done = threading.Event()

    def produce():
        while not done.is_set():
            try:
                q.put(1, timeout=0.01)
            except Full:
                pass

    def consume():
        while not done.is_set():
            try:
                q.get(timeout=0.01)
            except Empty:
                pass

    def change():
        seed = random.Random(7)
        for _ in range(300):
            maxsize = q.maxsize = seed.randint(1, 20)
            assert q.maxsize == maxsize
            before = q.qsize()
            for _ in range(10):
                after = q.qsize()
                assert after <= max(maxsize, before)
                before = after
        done.set()

    run_together(*[produce] * 12, consume, consume, change)


def test_a_larger_maxsize_lets_waiting_producers_in(ours):
    q = fill(ours(1), 1)
    with Background(q.put, 2) as putter:
        asleep(putter)
        q.maxsize = 2
        putter.wait()
    assert q.qsize() == 2


def test_a_smaller_maxsize_keeps_what_is_queued(kind):
    q = fill(kind(), 5)
    q.maxsize = 2
    assert q.full() and q.qsize() == 5
    for i in range(3):
        assert q.get() == i
        with pytest.raises(Full):
            q.put_nowait(9)
    assert q.get() == 3
    q.put_nowait(9)
    assert q.full()


# --- waiting -----------------------------------------------------------------


def test_a_waiting_get_gets_what_is_put(kind):
    q = kind()
    with Background(q.get) as waiter:
        asleep(waiter)
        q.put("item")
        assert waiter.wait() == "item"


def test_a_waiting_put_gets_the_room_that_a_get_leaves(kind):
    q = fill(kind(1), 1)
    with Background(q.put, "next") as waiter:
        asleep(waiter)
        assert q.get() == 0
        waiter.wait()
    assert q.get() == "next"


def test_every_one_of_many_waiters_is_served(kind):
    q = kind(1)

    def put_all():
        time.sleep(0.05)
        for i in range(MANY):
            q.put(i)

    *got, _ = run_together(*[q.get] * MANY, put_all)
    assert sorted(got) == list(range(MANY))


@pytest.fixture
def alarm():
    """Sends SIGALRM to the main thread after a moment; the handler raises."""

    def interrupt(number, frame):
        raise InterruptedError

    before = signal.signal(signal.SIGALRM, interrupt)
    yield lambda: signal.setitimer(signal.ITIMER_REAL, 0.1)
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def test_a_signal_handler_that_raises_ends_each_wait_and_nothing_is_lost(ours, alarm):
    q = ours(1)
    alarm()
    with pytest.raises(InterruptedError):
        q.get()
    q.put(1)
    alarm()
    with pytest.raises(InterruptedError):
        q.put(2)
    alarm()
    with pytest.raises(InterruptedError):
        q.join()
    assert q.get() == 1 and q.empty() and q.unfinished_tasks == 1
    q.task_done()
    q.join()


# --- tasks -------------------------------------------------------------------


def test_task_done_too_often_is_a_value_error_that_changes_nothing(kind):
    q = kind()
    with pytest.raises(ValueError, match="too many times"):
        q.task_done()
    q.put(1)
    q.task_done()
    with pytest.raises(ValueError, match="too many times"):
        q.task_done()
    assert q.unfinished_tasks == 0 and q.qsize() == 1


def test_join_waits_for_the_last_task_done(kind):
    q = fill(kind(), 3)
    q.get()
    with Background(q.join) as joiner:
        for left in (3, 2, 1):
            assert q.unfinished_tasks == left
            asleep(joiner, 0.03)
            q.task_done()
        joiner.wait()
    q.join()


def test_every_join_ends(kind):
    q = fill(kind(), 1)

    def finish():
        time.sleep(0.05)
        q.task_done()

    run_together(*[q.join] * MANY, finish)


def test_unfinished_tasks_are_never_too_few(kind, frequent_switches):
    """task_done() right after get() never finds the count that put() should have raised."""
    q = kind(3)
    each = 500

    def produce():
        for i in range(each):
            q.put(i)

    def consume():
        for _ in range(each):
            q.get()
            q.task_done()

    run_together(*[produce] * 4, *[consume] * 4)
    assert q.unfinished_tasks == 0
    q.join()


# --- the end -----------------------------------------------------------------


def test_after_shutdown_put_raises_and_get_hands_out_what_is_left(stoppable):
    q = fill(stoppable(5), 2)
    assert q.is_shutdown is False
    q.shutdown()
    assert q.is_shutdown is True
    for put in (lambda: q.put(1), lambda: q.put_nowait(1), lambda: q.put(1, timeout=-1)):
        with pytest.raises(ShutDown):
            put()
    assert q.qsize() == 2 and q.get() == 0 and q.get(timeout=0) == 1
    for get in (q.get, q.get_nowait, lambda: q.get(timeout=-1), lambda: q.get(False)):
        with pytest.raises(ShutDown):
            get()
    assert q.unfinished_tasks == 2
    q.shutdown()
    q.shutdown(immediate=True)
    assert q.unfinished_tasks == 2


def test_a_negative_timeout_is_looked_at_while_something_is_left(stoppable):
    q = fill(stoppable(), 1)
    q.shutdown()
    with pytest.raises(ValueError):
        q.get(timeout=-1)
    assert q.get() == 0


def test_immediate_shutdown_releases_what_is_left_and_counts_it_as_done(stoppable):
    q = stoppable()
    items = [Thing() for _ in range(5)]
    references = [weakref.ref(item) for item in items]
    while items:
        q.put(items.pop())
    q.get()
    with Background(q.join) as joiner:
        q.shutdown(immediate=True)
        assert [reference() for reference in references] == [None] * 5
        assert q.qsize() == 0 and q.unfinished_tasks == 1
        asleep(joiner, 0.03)
        q.task_done()
        joiner.wait()
    with pytest.raises(ShutDown):
        q.get()


@pytest.mark.parametrize("immediate", [False, True])
def test_shutdown_wakes_everyone_who_waits(stoppable, immediate):
    empty, full = stoppable(), fill(stoppable(1), 1)

    def refused(method, *args):
        with pytest.raises(ShutDown):
            method(*args)

    def end():
        time.sleep(0.1)
        empty.shutdown(immediate)
        full.shutdown(immediate)

    run_together(
        *[lambda: refused(empty.get)] * 4,
        *[lambda: refused(empty.get, True, 30)] * 4,
        *[lambda: refused(full.put, 1)] * 4,
        *[lambda: refused(full.put, 1, True, 30)] * 4,
        end,
    )


@pytest.mark.parametrize("immediate", [False, True])
def test_puts_that_race_with_shutdown_come_out_are_released_or_raise(
    ours, immediate, frequent_switches
):
    for _ in range(20):
        q = ours(3)
        made = []

        def produce(q=q, made=made):
            count = 0
            try:
                while True:
                    item = Thing()
                    q.put(item)
                    made.append(weakref.ref(item))
                    del item
                    count += 1
            except ShutDown:
                return count

        def consume(q=q):
            count = 0
            try:
                while True:
                    q.get()
                    count += 1
            except ShutDown:
                return count

        def end(q=q):
            time.sleep(0.002)
            q.shutdown(immediate)

        results = run_together(*[produce] * 3, *[consume] * 3, end)
        put, got = sum(results[:3]), sum(results[3:6])
        assert got <= put and (immediate or got == put)
        assert q.unfinished_tasks == got and q.qsize() == 0
        gc.collect()
        assert not any(reference() is not None for reference in made)


# --- subclasses --------------------------------------------------------------


class Priority(StdConcurrentQueue):
    def _init(self, maxsize):
        self.queue = []

    def _put(self, item):
        heapq.heappush(self.queue, item)

    def _get(self):
        return heapq.heappop(self.queue)


def test_lifo_and_priority_queues_are_made_as_in_the_standard_library():
    class Lifo(StdConcurrentQueue):
        def _init(self, maxsize):
            self.queue = []

        def _get(self):
            return self.queue.pop()

    lifo, priority = Lifo(), Priority()
    for i in (2, 1, 3):
        lifo.put(i)
        priority.put(i)
    assert [lifo.get() for _ in range(3)] == [3, 1, 2]
    assert [priority.get() for _ in range(3)] == [1, 2, 3]


def test_hooks_that_are_not_overridden_work_on_a_deque_called_queue():
    class Noisy(StdConcurrentQueue):
        heard = ()

        def _put(self, item):
            self.heard += (item,)
            super()._put(item)

    q = Noisy(2)
    q.put(1)
    q.put(2)
    assert q.heard == (1, 2) and q.queue == deque([1, 2]) and q.full()
    assert q.get() == 1 and q.qsize() == 1
    assert not hasattr(StdConcurrentQueue(), "queue")


@pytest.mark.timeout(20)
def test_what_is_called_with_the_lock_held_may_use_the_queue():
    """An item's comparison, a truth, a finalizer: queue.Queue waits for itself there, for ever."""
    q, seen = Priority(), []

    class Item:
        def __lt__(self, other):
            seen.append(q.qsize())
            return True

        def __bool__(self):
            seen.append(q.get_nowait())
            return True

    first, second = Item(), Item()
    q.put(first)
    q.put(second)
    q.shutdown(Item())
    assert seen[0] == 2 and seen[1] in (first, second) and len(seen) == 2
    assert q.empty() and q.unfinished_tasks == 1


def test_init_gets_maxsize_and_each_hook_runs_alone(frequent_switches):
    class Alone(Hooked):
        __slots__ = ("given", "inside")

        def _init(self, maxsize):
            self.given = maxsize
            self.inside = 0
            super()._init(maxsize)

        def _put(self, item):
            assert self.inside == 0
            self.inside += 1
            time.sleep(0)
            super()._put(item)
            self.inside -= 1

        def _get(self):
            assert self.inside == 0
            self.inside += 1
            time.sleep(0)
            item = super()._get()
            self.inside -= 1
            return item

    q = Alone(maxsize=4)
    assert q.given == 4
    run_together(
        *[lambda: [q.put(i) for i in range(200)]] * 4, *[lambda: [q.get() for _ in range(200)]] * 4
    )
    assert q.empty()


def test_a_hook_that_raises_leaves_the_queue_usable():
    class Failing(Hooked):
        fails = False

        def _put(self, item):
            if self.fails:
                raise ZeroDivisionError
            super()._put(item)

        def _get(self):
            if self.fails:
                raise ZeroDivisionError
            return super()._get()

    q = fill(Failing(3), 2)
    q.fails = True
    for call in (lambda: q.put(1), lambda: q.put(1, timeout=1), q.get, q.get_nowait):
        with pytest.raises(ZeroDivisionError):
            call()
    q.fails = False
    assert q.qsize() == 2 and q.unfinished_tasks == 2
    q.put(2)
    assert [q.get() for _ in range(3)] == [0, 1, 2]


def test_a_subclass_without_hooks_of_its_own_takes_no_lock():
    class Plain(StdConcurrentQueue):
        def put(self, item, block=True, timeout=None):
            super().put(("wrapped", item), block, timeout)

    q = Plain(1)
    q.put(1)
    assert q.get() == ("wrapped", 1) and not hasattr(q, "queue")
    assert "maxsize=1" in repr(q)


def test_a_subclass_that_never_calls_init_is_an_unbounded_queue(ours):
    class Careless(ours):
        def __init__(self):
            pass

    for use in (
        lambda q: fill(q, 3).get(),
        lambda q: q.maxsize,
        lambda q: q.qsize(),
        lambda q: q.unfinished_tasks,
        lambda q: int(q.is_shutdown),
        lambda q: q.join() or 0,
    ):
        assert use(Careless()) == 0
    q = Careless()
    q.maxsize = 1
    q.put(1)
    assert q.full() and repr(q)


def test_there_is_no_mutex_and_no_condition():
    q = StdConcurrentQueue()
    for name in ("mutex", "not_empty", "not_full", "all_tasks_done"):
        assert not hasattr(q, name)
    for name in ("unfinished_tasks", "is_shutdown"):
        with pytest.raises(AttributeError):
            setattr(q, name, 1)


# --- references --------------------------------------------------------------


def test_an_item_is_released_when_it_was_got_and_dropped(ours):
    q = ours()
    item = Thing()
    reference = weakref.ref(item)
    q.put(item)
    del item
    assert isinstance(reference(), Thing)
    q.get()
    assert reference() is None


def test_what_is_left_is_released_with_the_queue(ours):
    q = ours()
    item = Thing()
    reference = weakref.ref(item)
    q.put(item)
    del item, q
    assert reference() is None


def test_a_refused_item_is_not_kept(ours):
    q = fill(ours(1), 1)
    item = Thing()
    before = sys.getrefcount(item)
    for _ in range(10):
        with pytest.raises(Full):
            q.put_nowait(item)
        with pytest.raises(Full):
            q.put(item, timeout=0.001)
    q.shutdown()
    with pytest.raises(ShutDown):
        q.put(item)
    assert sys.getrefcount(item) == before


def test_cycles_are_collected_also_when_the_queue_is_full(ours, collected):
    class Mine(ours):
        pass

    q = Mine(3)
    thing = Thing()
    thing.queue = q
    q.put(thing)
    q.put(q)
    q.put([q])
    q.me = q
    references = weakref.ref(q), weakref.ref(thing)
    del q, thing
    collected(*references)


def test_del_of_an_item_may_use_the_queue(ours):
    q = ours()
    seen = []

    class Last:
        def __del__(self):
            seen.append(q.qsize() if not isinstance(q, Hooked) else q.unfinished_tasks)

    q.put(Last())
    q.get()
    assert seen == [1 if ours is Hooked else 0]
    if ours is StdConcurrentQueue:
        q.put(Last())
        q.put(Last())
        q.shutdown(immediate=True)
        assert seen[1:] == [1, 0]


def test_pickling_and_copying_are_refused(ours):
    q = ours()
    for refuse in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot pickle or copy"):
            refuse(q)


def test_weak_references_repr_and_generics(ours):
    q = ours(7)
    assert weakref.ref(q)() is q
    assert type(q).__name__ in repr(q)
    assert "maxsize=7, size=1" in repr(fill(StdConcurrentQueue(7), 1))
    assert "shut down" not in repr(q)
    assert ours[int].__origin__ is ours
    assert q == q and q != ours(7) and hash(q) == hash(q)
