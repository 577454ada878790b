# SPDX-License-Identifier: LGPL-2.1-or-later
"""One job, done in several ways: count the identifiers of many files with many threads.

A walking thread puts (number, path) pairs on a queue.  Worker threads take them off, read the
file and count its identifiers.  The results of the files reach the calling thread in the order of
the files.

    walker --(queue)--> workers --(results, back in order)--> caller
                           |
                           +--> counts, totals

`index_concurrently` does it with the `concurrency` package, `index_with_locks` with the standard
library alone; `index_plainly` is the loop without threads that both must agree with.  Every way
ends with a plain mapping of counts, and the time it took to make that is part of its time.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import NamedTuple

from concurrency import (
    AtomicInt64,
    ConcurrentDict,
    ConcurrentGatheringIterator,
    ConcurrentQueue,
    ShutDown,
)
from crew import Crew
from sources import FileResult, read_identifiers

Take = Callable[[FileResult], None]
"""Called in the calling thread with each file's result, in the order of the files."""


class Index(NamedTuple):
    """What a job returns."""

    counts: Mapping[str, int]
    files: int
    size: int
    """Bytes read."""
    identifiers: int
    seconds: float
    """Wall clock, from the moment all threads were ready to the last one's end."""


def ignore(_result: FileResult) -> None:
    """Takes a result and does nothing with it."""


# With the concurrency package ------------------------------------------------------------------

Count = Callable[["ConcurrentDict[str, int]", list[str]], None]
"""Counts the identifiers of one file."""


def add_each(counts: ConcurrentDict[str, int], identifiers: list[str]) -> None:
    """One shared operation for each identifier."""
    # `counts` is one object that all threads use, and on 3.13t each look at it writes its reference
    # count.  The bound method is this thread's own, so the loop does not touch `counts` itself.
    add = counts.add
    for identifier in identifiers:
        add(identifier, 1)


def add_per_file(counts: ConcurrentDict[str, int], identifiers: list[str]) -> None:
    """Counts the file on its own first: one shared operation for each different identifier."""
    add = counts.add
    for identifier, number in Counter(identifiers).items():
        add(identifier, number)


def add_nothing(_counts: ConcurrentDict[str, int], _identifiers: list[str]) -> None:
    """Reading and cutting alone: as fast as any way of counting could get."""


def index_concurrently(
    paths: Iterable[str], threads: int, take: Take = ignore, count: Count = add_each
) -> Index:
    """The job with shared containers that need no lock around them."""
    todo: ConcurrentQueue[tuple[int, str]] = ConcurrentQueue()
    results: ConcurrentGatheringIterator[FileResult] = ConcurrentGatheringIterator()
    counts: ConcurrentDict[str, int] = ConcurrentDict(scaling=threads)
    found, files, size, total = AtomicInt64(), AtomicInt64(), AtomicInt64(), AtomicInt64()

    def walk() -> None:
        for number, path in enumerate(paths):
            try:
                todo.push((number, path))
            except ShutDown:  # stop() was called
                return
            found.incr()
        todo.shutdown()  # what is queued still comes out; then pop raises ShutDown

    def work() -> None:
        while True:
            try:
                number, path = todo.pop()
            except ShutDown:
                return
            result, identifiers = read_identifiers(path)
            count(counts, identifiers)
            if result.problem is None:
                files.incr()
            size.add(result.size)
            total.add(result.identifiers)
            results.insert(number, result)

    def stop() -> None:
        todo.shutdown(immediate=True)
        with suppress(ValueError):
            # A negative key fails the gathering: who iterates wakes with a RuntimeError.
            results.insert(-1, FileResult("", 0, 0, 0))

    with Crew([walk] + [work] * threads, stop) as crew:
        crew.threads[0].join()  # when the walk is over, we know how many results to expect
        if found.get() > 0:
            for result in results.iterator(found.get() - 1):
                take(result)
        crew.join()
        plain = counts.as_dict()
        seconds = crew.elapsed()
    return Index(plain, files.get(), size.get(), total.get(), seconds)


def index_per_file(paths: Iterable[str], threads: int, take: Take = ignore) -> Index:
    """As index_concurrently, with fewer shared operations."""
    return index_concurrently(paths, threads, take, add_per_file)


def index_nothing(paths: Iterable[str], threads: int, take: Take = ignore) -> Index:
    """As index_concurrently, but counts no identifier: the ceiling."""
    return index_concurrently(paths, threads, take, add_nothing)


# With the standard library alone ---------------------------------------------------------------


def in_order(
    results: queue.Queue[tuple[int, FileResult] | None], number: int
) -> Iterator[FileResult]:
    """Brings `number` results back into order; the standard library has nothing that does."""
    early: dict[int, FileResult] = {}
    for expected in range(number):
        while expected not in early:
            arrived = results.get()
            if arrived is None:
                raise RuntimeError("a thread failed")
            early[arrived[0]] = arrived[1]
        yield early.pop(expected)


def index_with_locks(
    paths: Iterable[str], threads: int, take: Take = ignore, *, merge: bool = False
) -> Index:
    """The job with queue.Queue, threading.Lock and dict.

    With `merge`, each thread counts into a Counter of its own, and these are added up at the end:
    no thread waits for another, but nobody can look at the counts before the end.
    """
    todo: queue.Queue[tuple[int, str] | None] = queue.Queue()
    results: queue.Queue[tuple[int, FileResult] | None] = queue.Queue()
    counts: dict[str, int] = {}
    own_counts: list[Counter[str]] = []
    totals: Counter[str] = Counter()
    lock = threading.Lock()
    stopped = threading.Event()

    def walk() -> None:
        for number, path in enumerate(paths):
            if stopped.is_set():
                return
            todo.put((number, path))
            totals["found"] += 1
        for _ in range(threads):
            todo.put(None)  # before Python 3.13 a Queue cannot be shut down

    def work() -> None:
        own: Counter[str] = Counter()
        while (item := todo.get()) is not None and not stopped.is_set():
            number, path = item
            result, identifiers = read_identifiers(path)
            if merge:
                own.update(identifiers)
            else:
                for identifier in identifiers:
                    with lock:
                        counts[identifier] = counts.get(identifier, 0) + 1
            with lock:
                totals["files"] += result.problem is None
                totals["size"] += result.size
                totals["identifiers"] += result.identifiers
            results.put((number, result))
        with lock:
            own_counts.append(own)

    def stop() -> None:
        stopped.set()
        for _ in range(threads):
            todo.put(None)
        results.put(None)

    with Crew([walk] + [work] * threads, stop) as crew:
        crew.threads[0].join()
        for result in in_order(results, totals["found"]):
            take(result)
        crew.join()
        merged = sum_up(own_counts) if merge else counts
        seconds = crew.elapsed()
    return Index(merged, totals["files"], totals["size"], totals["identifiers"], seconds)


def sum_up(counters: list[Counter[str]]) -> Counter[str]:
    """Adds the counters up.

    In a new Counter of the calling thread: adding to one that another thread made takes 20 times as
    long on 3.13t.
    """
    total: Counter[str] = Counter()
    for counter in counters:
        total.update(counter)
    return total


def index_merged(paths: Iterable[str], threads: int, take: Take = ignore) -> Index:
    """As index_with_locks, with a Counter for each thread."""
    return index_with_locks(paths, threads, take, merge=True)


def index_plainly(paths: Iterable[str], _threads: int = 1, take: Take = ignore) -> Index:
    """The job in a plain loop, without threads: what every other way must agree with."""
    started = time.perf_counter()
    counts: Counter[str] = Counter()
    files = size = total = 0
    for path in paths:
        result, identifiers = read_identifiers(path)
        counts.update(identifiers)
        files += result.problem is None
        size += result.size
        total += result.identifiers
        take(result)
    return Index(counts, files, size, total, time.perf_counter() - started)
