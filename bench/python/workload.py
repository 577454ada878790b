# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the modules of this directory offer to worker.py: workloads and the libraries for them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

NEEDS_WAIT = 2
"""A pop that sleeps until there is an item."""
NEEDS_MANY_WRITERS = 4
"""Writes by several threads at once: asked for from two threads on."""
NEEDS_ADD = 8
"""Adding to a value in one step."""
NEEDS_ROOM = 16
"""A queue that takes many items before the first is taken out."""

Work = Callable[[int], None]
"""What one thread does, so many times over."""


class Library:
    """A subject; subclasses bring what the workloads of their kind call."""

    name = ""
    role = "peer"
    how = ""
    differs = ""
    cannot = 0

    @classmethod
    def load(cls) -> None:
        """Imports what it needs; raises ImportError."""


class Plan(NamedTuple):
    """A workload made ready for one library and a number of threads."""

    seconds: Callable[[int], float]
    """Runs it so many times over: wall clock."""
    operations: int
    """Of all threads together, in one time over."""


class Workload(NamedTuple):
    """What is done, the same for every library."""

    name: str
    title: str
    unit: str
    threads: tuple[int, ...]
    prepare: Callable[[type, int], Plan]
    needs: int = 0


class Kind(NamedTuple):
    """Workloads and the libraries that can do them."""

    name: str
    workloads: Sequence[Workload]
    libraries: Sequence[type[Library]]


class LostWork(Exception):
    """What came out is not what went in."""


class Runner(threading.Thread):
    """Waits for the others, works, and notes when."""

    def __init__(self, work: Work, loops: int, barrier: threading.Barrier) -> None:
        super().__init__(daemon=True)
        self.work, self.loops, self.barrier = work, loops, barrier
        self.began = self.ended = 0.0
        self.error: BaseException | None = None

    def run(self) -> None:
        """In its thread."""
        try:
            self.barrier.wait()
            self.began = time.perf_counter()
            self.work(self.loops)
            self.ended = time.perf_counter()
        except BaseException as error:  # for the main thread to raise
            self.error = error


def run_together(works: Sequence[Work], loops: int) -> float:
    """Seconds from the first start to the last finish; one alone runs in the main thread."""
    barrier = threading.Barrier(len(works))
    runners = [Runner(work, loops, barrier) for work in works]
    if len(runners) == 1:
        runners[0].run()
    else:
        for runner in runners:
            runner.start()
        for runner in runners:
            runner.join()
    for runner in runners:
        if runner.error is not None:
            raise runner.error
    return max(r.ended for r in runners) - min(r.began for r in runners)


def plan(
    works: Sequence[Work], operations: int, check: Callable[[int], object] | None = None
) -> Plan:
    """Threads that do `works`; `check` is told how many times over they did in all, so far."""
    done = 0

    def seconds(loops: int) -> float:
        nonlocal done
        elapsed = run_together(works, loops)
        done += loops
        if check is not None:
            check(done)
        return elapsed

    return Plan(seconds, operations)


def expect(what: str, found: object, wanted: object) -> None:
    """Raises LostWork unless they are equal."""
    if found != wanted:
        raise LostWork(f"{what}: {found} instead of {wanted}")
