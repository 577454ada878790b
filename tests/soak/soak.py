# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every structure under random work by more threads than cores, for as long as one likes.

    python soak.py [--seconds N] [--seed N] [--threads N]

Round after round, each of a second or two and with a seed of its own: what came out is held against what
went in, and the process may not grow. The first failure ends it with the seed that makes it again (as
far as threads can be made to do the same twice) and exit status 1. The last line has the operations,
the time and the memory it took.
"""

import argparse
import os
import random
import resource
import sys
import threading
import time
import traceback
from collections import Counter

from concurrency import (
    AtomicInt64,
    AtomicReference,
    ConcurrentDict,
    ConcurrentGatheringIterator,
    ConcurrentQueue,
    Empty,
    Full,
    LocalWrapper,
    ShutDown,
    StdConcurrentQueue,
)

HANG = 120
"""Seconds after which threads that have not come back hang."""

GROWTH = 64 * 2**20
"""Bytes by which the process may grow after its first rounds."""

ROUND = 16_000
"""What all threads do in a round with one kind of structure, in turns of their loops."""

PROGRESS = 10.0
"""Seconds between two lines about it."""


class Lifo(StdConcurrentQueue):
    """With hooks, and so with a lock."""

    def _init(self, maxsize):
        self.queue = []

    def _get(self):
        return self.queue.pop()


def crowd(functions):
    """Runs each in a thread; their results. The first exception comes out."""
    results, errors = [None] * len(functions), []

    def run(i, function):
        try:
            results[i] = function()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=pair, daemon=True) for pair in enumerate(functions)]
    for thread in threads:
        thread.start()
    end = time.monotonic() + HANG
    for thread in threads:
        while thread.is_alive() and not errors and time.monotonic() < end:
            thread.join(0.1)
    if errors:
        raise errors[0]
    assert not any(thread.is_alive() for thread in threads), "threads hang"
    return results


def counts(seed, threads):
    """Counts in a dict: no add is lost, whatever else happens to other keys."""
    d, keys, each = ConcurrentDict(), range(20), ROUND // threads

    def work(number):
        r, mine = random.Random(seed + number), Counter()
        local = LocalWrapper(d)
        for _ in range(each):
            key, n = r.choice(keys), r.choice((1, 1, -3, 2**31, 2**70))
            local.add(key, n)
            mine[key] += n
            other = (number, r.randrange(50))
            if r.random() < 0.5:
                d[other] = [other]
            else:
                assert d.get(other, [other]) == [other]
                if other in d:
                    del d[other]
        return mine

    total = Counter()
    for mine in crowd([lambda i=i: work(i) for i in range(threads)]):
        total.update(mine)
    assert all(d[key] == total[key] for key in keys if key in total)
    return 2 * each * threads


def numbers(seed, threads):
    """An atomic integer and a reference: nothing is lost."""
    a, r, each = AtomicInt64(), AtomicReference(0), ROUND // threads

    def work(number):
        nonlocal a
        rnd, mine = random.Random(seed + number), 0
        for _ in range(each):
            n = rnd.randint(-5, 5)
            a += n
            mine += n
            old = r.get()
            while not r.compare_exchange(old, old + n):
                old = r.get()
        return mine

    total = sum(crowd([lambda i=i: work(i) for i in range(threads)]))
    assert a == total == r.get()
    return 3 * each * threads


def deliver(seed, threads, make, put, get, in_order=True):
    """A queue: each item comes out once, and each producer's in order."""
    q = make(random.Random(seed))
    producers = max(1, threads // 2)
    each = ROUND // producers

    def produce(number):
        r = random.Random(seed + number)
        for i in range(each):
            while True:
                try:
                    put(q, (number, i), r)
                    break
                except Full:
                    pass

    def consume(number):
        r, got = random.Random(seed - number), []
        while True:
            try:
                got.append(get(q, r))
            except Empty:
                pass
            except ShutDown:
                return got

    def produce_all():
        crowd([lambda i=i: produce(i) for i in range(producers)])
        q.shutdown()

    *results, _ = crowd([*[lambda i=i: consume(i) for i in range(threads - producers)], produce_all])
    for got in results:
        for number in range(producers):
            mine = [i for who, i in got if who == number]
            assert not in_order or mine == sorted(mine)
    assert sorted(item for got in results for item in got) == [
        (who, i) for who in range(producers) for i in range(each)
    ]
    return 2 * each * producers


def impatience(r):
    """A time-out: none, at once, or short."""
    return r.choice((None, 0, r.random() / 1000))


def queues(seed, threads):
    return deliver(
        seed, threads, lambda r: ConcurrentQueue(lock_free=r.random() < 0.5),
        lambda q, item, r: q.push(item), lambda q, r: q.pop(impatience(r)),
    )  # fmt: skip


def bounded(kind, in_order):
    def work(seed, threads):
        def put(q, item, r):
            if r.random() < 0.02:
                q.maxsize = r.randint(0, 20)
            q.put(item, timeout=impatience(r))

        def get(q, r):
            item = q.get(timeout=impatience(r))
            q.task_done()
            return item

        return deliver(seed, threads, lambda r: kind(r.randint(0, 20)), put, get, in_order)

    return work


def gathering(seed, threads):
    """Values come in the order of their keys, whoever inserts them when."""
    g, number = ConcurrentGatheringIterator(), ROUND
    keys = list(range(number))
    random.Random(seed).shuffle(keys)

    def insert(part):
        for key in part:
            g.insert(key, [key])

    parts = [keys[i :: threads - 1] for i in range(threads - 1)]
    values = crowd([lambda: list(g.iterator(number - 1)), *[lambda p=p: insert(p) for p in parts]])[0]
    assert values == [[key] for key in range(number)]
    return 2 * number


MIXES = {
    "dict": counts,
    "numbers": numbers,
    "queue": queues,
    "bounded queue": bounded(StdConcurrentQueue, True),
    "queue with hooks": bounded(Lifo, False),
    "gathering": gathering,
}
"""What is done in a round; each returns how many calls of the package it took, at least."""


def resident():
    """Bytes of memory in use."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def play(round_number, seed, threads):
    """One round of all mixes: the number of operations. The first failure ends the program."""
    done = 0
    for name, mix in MIXES.items():
        try:
            done += mix(seed, threads)
        except BaseException:
            traceback.print_exc()
            sys.exit(f"soak: {name} failed in round {round_number}; --seed {seed}")
    return done


def main():
    """The program."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--threads", type=int, default=64)
    options = parser.parse_args()
    sys.setswitchinterval(1e-4)
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(2**32)
    print(
        f"soak: {options.threads} threads, {os.cpu_count()} processors, seed {seed}, Python {sys.version}",
        flush=True,
    )
    began, rounds, operations, settled = time.monotonic(), 0, 0, None
    said = began
    while rounds == 0 or time.monotonic() < began + options.seconds:
        rounds += 1
        operations += play(rounds, seed, max(2, options.threads))
        size, now = resident(), time.monotonic()
        if rounds == 5:
            settled = size
        if settled is not None and size > settled + GROWTH:
            sys.exit(f"soak: the process grew from {settled} to {size} bytes; --seed {seed}")
        if now - said > PROGRESS:
            said = now
            print(
                f"soak: {now - began:.0f} s, round {rounds}, seed {seed}: {operations:,} operations, "
                f"{size / 2**20:.0f} MiB",
                flush=True,
            )
        seed += 1
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"soak: {operations:,} operations of the package in {time.monotonic() - began:.0f} s, {rounds} rounds, "
        f"peak memory {peak:.0f} MiB, all that went in came out"
    )


if __name__ == "__main__":
    main()
