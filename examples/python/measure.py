# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the ways of doing the job against each other, fairly.

Runs are interleaved: a round runs every way with every number of threads once, the next round
starts with another way.  Ratios are taken within a round, where the machine was in the same mood,
and then the median over the rounds.  Each run's result is compared with the one that a single
thread got.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import NamedTuple

from jobs import Index
from ways import Way


class WrongTotals(Exception):
    """A way of counting came to another result than the loop without threads."""


class Spread(NamedTuple):
    """The middle and the ends of what the rounds gave."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """The spread of some values, at least one."""
        return cls(median(values), min(values), max(values))


Round = dict[tuple[str, int], float]
"""Seconds by name of the way and number of threads."""


class Comparison(NamedTuple):
    """What the rounds gave."""

    ways: Sequence[Way]
    thread_counts: Sequence[int]
    rounds: Sequence[Round]
    size: int
    """Bytes that each run read."""

    def seconds(self, way: Way, threads: int) -> Spread:
        """Wall clock of a way; one without threads has one figure for all."""
        key = (way.name, threads if way.threaded else 1)
        return Spread.of([r[key] for r in self.rounds])

    def ratio(self, way: Way, base: Way, threads: int) -> Spread:
        """How many times as long as `base` the way took, each with so many threads."""
        key, other = ((w.name, threads if w.threaded else 1) for w in (way, base))
        return Spread.of([r[key] / r[other] for r in self.rounds])

    def speed_up(self, way: Way, threads: int) -> Spread:
        """How many times as fast the way was as itself with one thread."""
        return Spread.of([r[way.name, 1] / r[way.name, threads] for r in self.rounds])


def check(way: Way, threads: int, index: Index, expected: Index) -> None:
    """Raises WrongTotals unless a run's result is exactly the expected one."""
    difference = way.difference(index, expected)
    if difference is not None:
        raise WrongTotals(
            f"{way.name}, {threads} thread(s), did not count what one thread counts: {difference}"
        )


def run_round(
    ways: Sequence[Way],
    thread_counts: Sequence[int],
    paths: Sequence[str],
    expected: Index,
    tick: Callable[[str], None],
) -> Round:
    """Runs every way with every number of threads once, and checks what it counted."""
    seconds: Round = {}
    for threads in thread_counts:
        for way in ways:
            if way.threaded or threads == 1:
                tick(f"{way.name}, {threads}")
                gc.collect()
                index = way.run(paths, threads)
                check(way, threads, index, expected)
                seconds[way.name, threads] = index.seconds
    return seconds


def compare(
    ways: Sequence[Way],
    thread_counts: Sequence[int],
    paths: Sequence[str],
    expected: Index,
    *,
    most_rounds: int,
    budget: float,
    tick: Callable[[str], None],
) -> Comparison:
    """Runs rounds until there are `most_rounds`, or one more would go beyond `budget` seconds.

    At least one is run whatever it takes.  `tick` is called with a description before each run.
    """
    rounds: list[Round] = []
    started = time.monotonic()
    while len(rounds) < most_rounds:
        spent = time.monotonic() - started
        if rounds and spent + spent / len(rounds) > budget:
            break
        first = len(rounds) % len(ways)
        rotated = [*ways[first:], *ways[:first]]
        rounds.append(run_round(rotated, thread_counts, paths, expected, tick))
    return Comparison(ways, thread_counts, rounds, expected.size)
