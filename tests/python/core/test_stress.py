# SPDX-License-Identifier: LGPL-2.1-or-later
"""More threads than cores on one container; what comes out must be right to the last item."""

import gc
import random
import sys
import threading
import time
import weakref

import pytest
from helpers import MANY, Key, Thing, run_together

from concurrency import AtomicInt64, ConcurrentDict, ConcurrentGatheringIterator, ConcurrentQueue, ShutDown

pytestmark = pytest.mark.usefixtures("frequent_switches")


@pytest.mark.parametrize("scaling", [1, 17])
def test_no_count_is_lost_while_the_tables_grow(scaling):
    d = ConcurrentDict(scaling)
    keys, rounds = 3000, 5

    def count(seed):
        mine = [f"key {i}" for i in range(keys)] * rounds
        random.Random(seed).shuffle(mine)
        for key in mine:
            d.add(key)

    run_together(*[lambda seed=seed: count(seed) for seed in range(MANY)])
    assert d.as_dict() == {f"key {i}": MANY * rounds for i in range(keys)}


def test_no_count_is_lost_while_other_keys_come_and_go():
    d = ConcurrentDict(2)
    running = AtomicInt64(6)

    def count():
        for i in range(10_000):
            d.add(i % 10)
        running.decr()

    def churn(who):
        n = 0
        while running:
            n += 1
            d[who, n % 700] = n
            if n % 2:
                del d[who, n % 700]

    def watch():
        last = [0] * 10
        while running:
            for i in range(10):
                now = d.get(i, 0)
                assert now >= last[i]
                last[i] = now

    run_together(*[count] * 6, lambda: churn("a"), lambda: churn("b"), watch)
    assert [d[i] for i in range(10)] == [6000] * 10


def test_counts_are_exact_across_the_limit_of_a_word():
    d = ConcurrentDict()
    start = 2**59 - 6000
    d.add("up", start)
    d.add("down", -start)
    d["object"] = start

    def count(sign):
        for i in range(1000):
            d.add("up", 1 + i % 3)
            d.add("down", -1 - i % 3)
            d.add("object", 2**40 * sign)

    run_together(*[lambda sign=1 - 2 * (n % 2): count(sign) for n in range(MANY)])
    total = start + MANY * sum(1 + i % 3 for i in range(1000))
    assert total > 2**59 and d.as_dict() == {"up": total, "down": -total, "object": start}


def test_numbers_handed_out_by_add_come_once_each_although_keys_are_deleted():
    d = ConcurrentDict()
    got = [[] for _ in range(MANY)]
    taken = AtomicInt64()

    def add(mine):
        for _ in range(4000):
            mine.append(d.add("k"))

    def reset():
        for _ in range(300):
            try:
                del d["k"]
            except KeyError:
                pass
            else:
                taken.incr()
            d["other"] = 1

    run_together(*[lambda mine=mine: add(mine) for mine in got], reset, reset)
    # Each deletion begins a new run 1, 2, 3, ...; no run may have a hole or a number twice.
    counts = {}
    for mine in got:
        for n in mine:
            counts[n] = counts.get(n, 0) + 1
    assert sum(counts.values()) == MANY * 4000
    assert counts[1] == taken.get() + ("k" in d)
    assert all(counts[n] <= counts[n - 1] for n in counts if n > 1)


def test_a_reader_never_gets_the_value_of_another_key():
    d = ConcurrentDict(2)
    keys = [f"k{i}" for i in range(40)]
    running = AtomicInt64(3)

    def write(seed):
        pick = random.Random(seed)
        for n in range(15_000):
            key = pick.choice(keys)
            if n % 7 == 0:
                d.get(key)
                try:
                    del d[key]
                except KeyError:
                    pass
            else:
                d[key] = [key, n]
        running.decr()

    def read():
        looked = 0
        while running:
            for key in keys:
                value = d.get(key)
                if value is not None:
                    assert value[0] == key and len(value) == 2
                looked += 1
        for key, value in d.as_dict().items():
            assert value[0] == key
        return looked

    def grow():
        n = 0
        while running:
            n += 1
            d[n % 5000] = (n % 5000, n)
            if n % 5000 == 0:
                for i in range(5000):
                    if i in d:
                        del d[i]
        for i in range(5000):
            d[i] = [i]

    run_together(*[lambda s=s: write(s) for s in range(3)], read, read, grow)


def test_keys_that_stay_are_seen_all_the_time():
    d = ConcurrentDict(4)
    stay = {f"stay {i}": str(i) for i in range(200)}
    for key, value in stay.items():
        d[key] = value
    running = AtomicInt64(2)

    def churn(who):
        for n in range(20_000):
            d[who, n % 3000] = n
            if n % 3 == 0:
                del d[who, n % 3000]
        running.decr()

    def look():
        while running:
            for key, value in stay.items():
                assert d[key] == value
            copied = d.as_dict()
            assert all(copied.get(key) == value for key, value in stay.items())

    run_together(lambda: churn(1), lambda: churn(2), look, look)


def test_keys_compared_in_python_are_one_key_each():
    d = ConcurrentDict(2)

    def work(seed):
        pick = random.Random(seed)
        for _ in range(2500):
            n = pick.randrange(60)
            key = Key(n, n % 8)
            d.add(key)
            d[Key(-1 - n, n % 8)] = n
            if pick.random() < 0.3:
                try:
                    del d[Key(-1 - n, n % 8)]
                except KeyError:
                    pass

    run_together(*[lambda s=s: work(s) for s in range(MANY)])
    copied = d.as_dict()
    assert len(copied) == len({key.value for key in copied}) == len(d)
    assert sum(value for key, value in copied.items() if key.value >= 0) == MANY * 2500


def test_reference_counts_are_balanced_after_many_threads():
    things = [Thing() for _ in range(4)]
    keys = [Thing() for _ in range(20)]
    before = [sys.getrefcount(thing) for thing in things + keys]
    d, q, g = ConcurrentDict(2), ConcurrentQueue(), ConcurrentGatheringIterator()
    order = AtomicInt64(-1)

    def work(seed):
        pick = random.Random(seed)
        for n in range(2500):
            key, thing = pick.choice(keys), pick.choice(things)
            d[key] = thing
            d.get(key)
            if n % 3 == 0:
                try:
                    del d[pick.choice(keys)]
                except KeyError:
                    pass
            q.push(thing)
            q.pop()
            g.insert(order.incr(), thing)
            if n % 500 == 0:
                d.as_dict()

    run_together(*[lambda s=s: work(s) for s in range(MANY)])
    assert q.empty() and sum(1 for _ in g.iterator(order.get(), clear=False)) == MANY * 2500
    del d, q, g
    gc.collect()
    assert [sys.getrefcount(thing) for thing in things + keys] == before


def test_the_collector_may_run_at_any_moment():
    d, q = ConcurrentDict(2), ConcurrentQueue()
    running = AtomicInt64(4)
    alive = weakref.WeakSet()

    def work(who):
        for n in range(1500):
            inner = ConcurrentDict(1)
            thing = Thing()
            thing.dict = inner
            inner["cycle"] = thing
            inner[thing] = d
            d[who, n % 50] = thing
            q.push([thing, q])
            if n % 10 == 0:
                alive.add(thing)
            if n % 2:
                q.pop()
        running.decr()

    def collect():
        while running:
            gc.collect()
            time.sleep(0.002)  # without a GIL it would leave the others no time

    run_together(*[lambda who=who: work(who) for who in range(4)], collect)
    assert q.size() == 4 * 750
    while not q.empty():
        q.pop()
    for key in d.as_dict():
        del d[key]
    gc.collect()
    gc.collect()
    assert len(alive) == 0


def test_a_pipeline_of_queues_loses_nothing():
    first, second = ConcurrentQueue(), ConcurrentQueue()
    total = AtomicInt64()
    g = ConcurrentGatheringIterator()
    number = 6000

    def stage():
        while True:
            try:
                n = first.pop()
            except ShutDown:
                return
            second.push((n, n * n))

    def finish():
        while True:
            try:
                n, square = second.pop()
            except ShutDown:
                return
            total.add(square)
            g.insert(n, square)

    def feed():
        for n in range(number):
            first.push(n)
        first.shutdown()

    def run():
        run_together(feed, *[stage] * 4)
        second.shutdown()

    *_, values = run_together(run, *[finish] * 4, lambda: list(g.iterator(number - 1)))
    assert values == [n * n for n in range(number)] and total == sum(values)


def test_objects_made_in_one_thread_and_dropped_in_another_are_released():
    q = ConcurrentQueue()
    alive = []
    lock = threading.Lock()

    def make():
        for _ in range(2000):
            thing = Thing()
            with lock:
                alive.append(weakref.ref(thing))
            q.push(thing)

    def drop():
        for _ in range(2000):
            q.pop()

    run_together(*[make, drop] * 3)
    gc.collect()
    assert len(alive) == 6000 and not any(reference() for reference in alive)
