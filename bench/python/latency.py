# SPDX-License-Identifier: LGPL-2.1-or-later
"""How long single operations take: between two looks at the clock, and nothing is subtracted.

The loops are written out, so that beside the operation only the clock is between the two; what it
takes by itself is reported with the figures.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import dicts
from queues import Ends, left_in
from workload import NEEDS_ADD, NEEDS_MANY_WRITERS, Work, expect, run_together

THREADS = (2, 8)
Now = time.perf_counter_ns


class Trial(NamedTuple):
    """A scenario made ready for one library and a number of threads, to be run once."""

    works: Sequence[Work]
    samples: Sequence[array[int]]
    check: Callable[[], None]


class Scenario(NamedTuple):
    """What is timed, the same for every library."""

    name: str
    kind: str
    title: str
    unit: str
    prepare: Callable[[Any, int, int], Trial]
    """Told the library, the number of threads and of the operations of all of them."""
    needs: int = NEEDS_MANY_WRITERS
    threads: tuple[int, ...] = THREADS


# ---- inserting --------------------------------------------------------------


def insert(mapping: Any, keys: Sequence[int], samples: array[int]) -> None:
    """`d[k] = v`."""
    now = Now
    for i, key in enumerate(keys):
        began = now()
        mapping[key] = None
        samples[i] = now() - began


def insert_locked(mapping: Any, keys: Sequence[int], samples: array[int]) -> None:
    """The same under a lock."""
    now = Now
    lock = dicts.LOCK
    for i, key in enumerate(keys):
        began = now()
        with lock:
            mapping[key] = None
        samples[i] = now() - began


def inserting(library: Any, threads: int, count: int) -> Trial:
    """A mapping that grows from empty: every thread inserts its share."""
    loop = insert_locked if library is dicts.LockedDict else insert
    mapping, share = library.make(), count // threads

    def loop_of(thread: int) -> Callable[[array[int]], None]:
        keys = list(range(thread * share, (thread + 1) * share))
        return lambda samples: loop(mapping, keys, samples)

    return trial(
        [loop_of(thread) for thread in range(threads)],
        share,
        lambda: expect("keys", library.count(mapping), threads * share),
    )


# ---- adding -----------------------------------------------------------------


def add(mapping: Any, keys: Sequence[int], samples: array[int]) -> None:
    """`d.add(k)`."""
    now = Now
    call = mapping.add
    for i, key in enumerate(keys):
        began = now()
        call(key)
        samples[i] = now() - began


def add_locked(mapping: Any, keys: Sequence[int], samples: array[int]) -> None:
    """`d[k] += 1` under a lock."""
    now = Now
    lock = dicts.LOCK
    for i, key in enumerate(keys):
        began = now()
        with lock:
            mapping[key] += 1
        samples[i] = now() - began


def add_reduced(mapping: Any, keys: Sequence[int], samples: array[int]) -> None:
    """cereggii's counting of one key."""
    now = Now
    call = mapping.reduce_count
    for i, key in enumerate(keys):
        began = now()
        call((key,))
        samples[i] = now() - began


ADDS = {dicts.Ours: add, dicts.LockedDict: add_locked, dicts.Cereggii: add_reduced}


def adding(library: Any, threads: int, count: int) -> Trial:
    """All threads add to the same 1,000 keys."""
    loop, mapping, share = ADDS[library], library.make(), count // threads
    some = range(1000)
    keys = [i % len(some) for i in range(share)]
    for key in some:
        mapping[key] = 0
    return trial(
        [lambda samples: loop(mapping, keys, samples)] * threads,
        share,
        lambda: expect("sum", sum(mapping[key] for key in some), threads * share),
    )


# ---- pushing and popping ----------------------------------------------------


def push(ends: Ends, samples: array[int]) -> None:
    """Each put is followed by a get that is not timed."""
    put, get = ends
    now = Now
    for i in range(len(samples)):
        began = now()
        put(None)
        samples[i] = now() - began
        get()


def pop(ends: Ends, samples: array[int]) -> None:
    """Each get follows a put that is not timed."""
    put, get = ends
    now = Now
    for i in range(len(samples)):
        put(None)
        began = now()
        get()
        samples[i] = now() - began


def pairs(loop: Callable[[Ends, array[int]], None]) -> Callable[[Any, int, int], Trial]:
    """All threads put and get at one queue."""

    def prepare(library: Any, threads: int, count: int) -> Trial:
        made = library.make()
        return trial(
            [lambda samples: loop(library.ends(made), samples)] * threads,
            count // threads,
            lambda: expect("left in the queue", left_in(made), 0),
        )

    return prepare


# ---- measuring --------------------------------------------------------------


def trial(
    loops: Sequence[Callable[[array[int]], None]], share: int, check: Callable[[], None]
) -> Trial:
    """Each thread has samples of its own, whose memory has been touched."""
    samples = [array("q", bytes(8 * share)) for _ in loops]

    def work(loop: Callable[[array[int]], None], own: array[int]) -> Work:
        return lambda _: loop(own)

    return Trial([work(*both) for both in zip(loops, samples, strict=True)], samples, check)


def run(one: Trial) -> float:
    """Seconds; raises LostWork if something was lost."""
    seconds = run_together(one.works, 1)
    one.check()
    return seconds


def clock_samples() -> array[int]:
    """The clock alone."""
    now = Now
    samples = array("q", bytes(8 * 20_000))
    for i in range(len(samples)):
        began = now()
        samples[i] = now() - began
    return samples


def percentile(samples: Sequence[int], share: float) -> int:
    """What `share` of the sorted samples are no longer than."""
    return samples[min(len(samples) - 1, int(share * len(samples)))]


def measure(scenario: Scenario, library: Any, threads: int, milliseconds: int) -> dict[str, float]:
    """Warms up, then runs on new objects until so much time has been spent: ns."""
    count = min(200_000, 1000 * milliseconds)
    run(scenario.prepare(library, threads, count // 10))
    left = milliseconds / 1000
    samples: array[int] = array("q")
    while left > 0:
        one = scenario.prepare(library, threads, count)
        left -= run(one)
        for own in one.samples:
            samples.extend(own)
    inorder = sorted(samples)
    return {
        "count": len(inorder),
        "p50": percentile(inorder, 0.5),
        "p99": percentile(inorder, 0.99),
        "p99.9": percentile(inorder, 0.999),
        "max": inorder[-1],
        "clock": percentile(sorted(clock_samples()), 0.5),
    }


SCENARIOS = [
    Scenario("insert", "dict", "d[k] = v, growing from empty", "insert", inserting),
    Scenario(
        "add",
        "dict",
        "add 1, 1,000 keys",
        "add",
        adding,
        needs=NEEDS_ADD | NEEDS_MANY_WRITERS,
    ),
    Scenario("push", "queue", "put, then get", "put", pairs(push)),
    Scenario("pop", "queue", "put, then get", "get", pairs(pop)),
]
