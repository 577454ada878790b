# SPDX-License-Identifier: LGPL-2.1-or-later
"""Queues: ours against those of the standard library and of ft_utils."""

from __future__ import annotations

import queue
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from workload import NEEDS_ROOM, NEEDS_WAIT, Kind, Library, Plan, Work, Workload, expect, plan

ITEMS = 1000
"""In one time over; each thread."""
BOUND = 100
AS_QUEUE = "all that queue.Queue does"
BOUNDED = f"bounded: {BOUND}"

Ends = tuple[Callable[[Any], object], Callable[[], Any]]
"""What puts an item in, and what takes one out."""


# ---- the libraries ----------------------------------------------------------


class Queue(Library):
    """A queue whose two ends are `put` and `get`."""

    @staticmethod
    def make() -> Any:
        """An empty one."""
        raise NotImplementedError

    @staticmethod
    def ends(made: Any) -> Ends:
        """Of what make() made."""
        return made.put, made.get


class Ours(Queue):
    """This library's own."""

    name, role = "ConcurrentQueue", "ours"

    @staticmethod
    def make() -> Any:
        """An empty one."""
        from concurrency import ConcurrentQueue

        return ConcurrentQueue()

    @staticmethod
    def ends(made: Any) -> Ends:
        """push and pop."""
        return made.push, made.pop


class OursLockFree(Ours):
    """The same, that spins instead of sleeping."""

    name = "ConcurrentQueue(lock_free=True)"
    differs = "spins instead of sleeping"

    @staticmethod
    def make() -> Any:
        """An empty one."""
        from concurrency import ConcurrentQueue

        return ConcurrentQueue(lock_free=True)


class OursStandard(Queue):
    """This library's queue.Queue."""

    name, role, differs = "StdConcurrentQueue", "ours", AS_QUEUE

    @staticmethod
    def make() -> Any:
        """An empty one."""
        from concurrency import StdConcurrentQueue

        return StdConcurrentQueue()


class OursBounded(Queue):
    """The same with a bound."""

    name, role, differs = f"StdConcurrentQueue({BOUND})", "ours", BOUNDED
    cannot = NEEDS_ROOM

    @staticmethod
    def make() -> Any:
        """An empty one."""
        from concurrency import StdConcurrentQueue

        return StdConcurrentQueue(BOUND)


class Simple(Queue):
    """The standard library's, in C."""

    name = "queue.SimpleQueue"
    make: Any = staticmethod(queue.SimpleQueue)


class Standard(Queue):
    """The standard library's, with locks."""

    name, differs = "queue.Queue", AS_QUEUE
    make: Any = staticmethod(queue.Queue)


class StandardBounded(Queue):
    """The same with a bound."""

    name, differs, cannot = f"queue.Queue({BOUND})", BOUNDED, NEEDS_ROOM

    @staticmethod
    def make() -> Any:
        """An empty one."""
        return queue.Queue(BOUND)


class FtUtils(Queue):
    """Meta's ft_utils."""

    name = "ft_utils.ConcurrentQueue"

    @classmethod
    def load(cls) -> None:
        """Imports it."""
        import ft_utils.concurrency  # noqa: F401

    @staticmethod
    def make() -> Any:
        """An empty one."""
        from ft_utils.concurrency import ConcurrentQueue

        return ConcurrentQueue()

    @staticmethod
    def ends(made: Any) -> Ends:
        """push and pop."""
        return made.push, made.pop


class FtUtilsStandard(FtUtils):
    """Its queue.Queue."""

    name, differs = "ft_utils.StdConcurrentQueue", AS_QUEUE

    @staticmethod
    def make() -> Any:
        """An empty one."""
        from ft_utils.concurrency import StdConcurrentQueue

        return StdConcurrentQueue()

    @staticmethod
    def ends(made: Any) -> Ends:
        """put and get."""
        return made.put, made.get


class Deque(Queue):
    """A deque: nobody can wait for an item."""

    name, differs, cannot = "collections.deque", "cannot wait", NEEDS_WAIT
    make: Any = staticmethod(deque)

    @staticmethod
    def ends(made: Any) -> Ends:
        """append and popleft."""
        return made.append, made.popleft


# ---- what a thread does -----------------------------------------------------


def put_and_get(ends: Ends) -> Work:
    """One at a time."""
    put, get = ends

    def work(loops: int) -> None:
        for _ in range(loops):
            for _ in range(ITEMS):
                put(None)
                get()

    return work


def put_many(ends: Ends) -> Work:
    """Only puts, the same object each time."""
    put = ends[0]

    def work(loops: int) -> None:
        for _ in range(loops):
            for _ in range(ITEMS):
                put(None)

    return work


def put_fresh(ends: Ends) -> Work:
    """Only puts, ints that it makes: another thread lets go of them."""
    put = ends[0]

    def work(loops: int) -> None:
        number = 1_000_000
        for _ in range(loops):
            for _ in range(ITEMS):
                number += 1
                put(number)

    return work


def get_many(ends: Ends) -> Work:
    """Only gets."""
    get = ends[1]

    def work(loops: int) -> None:
        for _ in range(loops):
            for _ in range(ITEMS):
                get()

    return work


def put_all_get_all(ends: Ends) -> Work:
    """Fills it, then empties it."""
    put, get = ends

    def work(loops: int) -> None:
        for _ in range(loops):
            for _ in range(ITEMS):
                put(None)
            for _ in range(ITEMS):
                get()

    return work


def ask(there: Ends, back: Ends) -> Work:
    """Sends, and awaits the answer."""
    put, get = there[0], back[1]

    def work(loops: int) -> None:
        for _ in range(loops):
            for _ in range(ITEMS // 10):
                put(None)
                get()

    return work


def answer(there: Ends, back: Ends) -> Work:
    """The other side."""
    put, get = back[0], there[1]

    def work(loops: int) -> None:
        for _ in range(loops):
            for _ in range(ITEMS // 10):
                get()
                put(None)

    return work


# ---- the workloads ----------------------------------------------------------


def left_in(made: Any) -> int:
    """How many items nobody took."""
    for name in ("qsize", "size", "__len__"):
        size = getattr(made, name, None)
        if size is not None:
            return int(size())
    raise TypeError(f"{type(made).__name__} does not tell its size")


def prepared(works: Callable[[Ends, int], Sequence[Work]], shares: int) -> Callable[..., Plan]:
    """Threads at one queue, which is empty again afterwards; `shares` of them make one item."""

    def prepare(library: Any, threads: int) -> Plan:
        made = library.make()
        return plan(
            works(library.ends(made), threads),
            ITEMS * threads // shares,
            lambda _: expect("left in the queue", left_in(made), 0),
        )

    return prepare


def alike(work: Callable[[Ends], Work]) -> Callable[..., Plan]:
    """All threads do the same."""
    return prepared(lambda ends, threads: [work(ends)] * threads, 1)


def from_half_to_half(put: Callable[[Ends], Work]) -> Callable[..., Plan]:
    """Half of the threads put, the others get."""
    return prepared(lambda ends, threads: [put(ends), get_many(ends)] * (threads // 2), 2)


def round_trip(library: Any, threads: int) -> Plan:
    """Two queues, two threads, one item."""
    there, back = (library.ends(library.make()) for _ in range(2))
    return plan([ask(there, back), answer(there, back)], ITEMS // 10 * threads // 2)


QUEUES = Kind(
    "queue",
    [
        Workload("pairs", "put and get on each thread", "item", (1, 2, 4), alike(put_and_get)),
        Workload(
            "burst", "put 1,000, then get them", "item", (1,), alike(put_all_get_all), NEEDS_ROOM
        ),
        Workload(
            "hand-over",
            "half of the threads put, half get",
            "item",
            (2, 4),
            from_half_to_half(put_many),
            NEEDS_WAIT,
        ),
        Workload(
            "hand-over-fresh",
            "the same with new ints",
            "item",
            (2, 4),
            from_half_to_half(put_fresh),
            NEEDS_WAIT,
        ),
        Workload("round-trip", "there and back", "round trip", (2,), round_trip, NEEDS_WAIT),
    ],
    [
        Ours,
        OursLockFree,
        OursStandard,
        OursBounded,
        Simple,
        Standard,
        StandardBounded,
        FtUtils,
        FtUtilsStandard,
        Deque,
    ],
)
