# SPDX-License-Identifier: LGPL-2.1-or-later
"""The hot paths of the package as Python code takes them, for count.py: see paths.c.

    paths.py COUNT

Beside them what Python brings along, to show how much of each is the interpreter's.  The loops use
local names only: to look into a closure takes locked instructions without the GIL.
"""

from __future__ import annotations

import gc
import os
import sys
from collections import deque
from collections.abc import Callable, Iterator
from itertools import repeat
from typing import NamedTuple

from concurrency import (
    AtomicInt64,
    AtomicReference,
    ConcurrentDict,
    ConcurrentQueue,
    StdConcurrentQueue,
)

Loop = Callable[[int], None]


class Path(NamedTuple):
    """What is counted, and what goes before and after it."""

    name: str
    loop: Loop
    before: Loop | None = None
    after: Loop | None = None


def do_nothing(count: int) -> None:
    """What the loop itself costs in each of the others."""
    for _ in repeat(None, count):
        pass


def mapping_paths(name: str, mapping: dict[str, int] | ConcurrentDict[str, int]) -> Iterator[Path]:
    """One interned key, and values whose reference counts nobody writes."""
    key = "key"

    def get(count: int) -> None:
        d, k = mapping, key
        for _ in repeat(None, count):
            d[k]

    def set_(count: int) -> None:
        d, k = mapping, key
        for _ in repeat(None, count):
            d[k] = 1

    mapping[key] = 0
    yield Path(f"{name} d[k]", get)
    yield Path(f"{name} d[k] = v", set_)


def adding_path() -> Path:
    """To a count that the dict holds without an object."""
    mapping = ConcurrentDict[str, int](2)
    key = "key"

    def add(count: int) -> None:
        d, k = mapping, key
        for _ in repeat(None, count):
            d.add(k)

    mapping[key] = 0
    return Path("ConcurrentDict d.add(k)", add)


def deque_paths() -> Iterator[Path]:
    """The fastest queue that Python has, for one thread."""
    queue = deque[None]()

    def push(count: int) -> None:
        q = queue
        for _ in repeat(None, count):
            q.append(None)

    def pop(count: int) -> None:
        q = queue
        for _ in repeat(None, count):
            q.popleft()

    yield Path("deque append", push, after=pop)
    yield Path("deque popleft", pop, before=push)


def queue_paths() -> Iterator[Path]:
    """Unbounded."""
    queue = ConcurrentQueue[None]()

    def push(count: int) -> None:
        q = queue
        for _ in repeat(None, count):
            q.push(None)

    def pop(count: int) -> None:
        q = queue
        for _ in repeat(None, count):
            q.pop()

    yield Path("ConcurrentQueue push", push, after=pop)
    yield Path("ConcurrentQueue pop", pop, before=push)


def std_queue_paths() -> Iterator[Path]:
    """With the count of unfinished tasks that queue.Queue has."""
    queue = StdConcurrentQueue[None]()

    def put(count: int) -> None:
        q = queue
        for _ in repeat(None, count):
            q.put(None)

    def get(count: int) -> None:
        q = queue
        for _ in repeat(None, count):
            q.get()

    yield Path("StdConcurrentQueue put", put, after=get)
    yield Path("StdConcurrentQueue get", get, before=put)


def atomic_paths() -> Iterator[Path]:
    """Numbers and references."""
    number = AtomicInt64()
    reference = AtomicReference[None](None)

    def increment(count: int) -> None:
        n = number
        for _ in repeat(None, count):
            n.incr()

    def get(count: int) -> None:
        r = reference
        for _ in repeat(None, count):
            r.get()

    yield Path("AtomicInt64 incr", increment)
    yield Path("AtomicReference get", get)


def every_path() -> list[Path]:
    """In the order of the table."""
    return [
        Path("the loop alone", do_nothing),
        *mapping_paths("dict", {}),
        *mapping_paths("ConcurrentDict", ConcurrentDict[str, int](2)),
        adding_path(),
        *deque_paths(),
        *queue_paths(),
        *std_queue_paths(),
        *atomic_paths(),
    ]


def mark(name: str) -> None:
    """The line for who reads the trace, the call for who waits for it."""
    os.write(1, b"mark %s\n" % name.encode())
    os.getppid()


def run(path: Path, count: int, marked: Callable[[str], None]) -> None:
    """One loop between two marks."""
    if path.before is not None:
        path.before(count)
    marked(path.name)
    path.loop(count)
    marked(path.name)
    if path.after is not None:
        path.after(count)


def main() -> None:
    """Warm, once, twice."""
    count = int(sys.argv[1])
    gc.disable()
    for path in every_path():
        run(path, count, lambda _: None)
        run(path, count, mark)
        run(path, 2 * count, mark)


if __name__ == "__main__":
    main()
