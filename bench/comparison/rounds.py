# SPDX-License-Identifier: LGPL-2.1-or-later
"""Interleaved runs: a round runs every case once, each in a process of its own.

All libraries of a workload run one after another, and each round begins with another one.  Ratios
are taken within a round, where the machine was in the same mood, then the median over the rounds.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import Any, NamedTuple, TypeVar

from .cases import Case, last_line, run

Key = tuple[str, str, int, str]
"""Level, workload, threads, library."""
T = TypeVar("T")


class Effort(NamedTuple):
    """How long to measure."""

    rounds: int
    repeats: int
    """In one process."""
    milliseconds: int
    """Of one repeat."""
    most_threads: int
    time_limit: float
    """Seconds of one process."""
    at_once: int = 1
    """Processes: more than one only where the figures mean nothing."""


class Results(NamedTuple):
    """ns per operation by case: the median of a process, one for each round."""

    cases: dict[Key, Case]
    ns: dict[Key, list[float]]
    failures: dict[Key, str]
    """What did not finish, and what it said: it is tried once."""

    def median(self, case: Case) -> float | None:
        """Over the rounds; None if it did not finish."""
        values = self.ns.get(key_of(case))
        return median(values) if values else None

    def ratio(self, case: Case, base: Case) -> float | None:
        """How many times as long as `base` it took, within the rounds."""
        pairs = zip(self.ns.get(key_of(case), []), self.ns.get(key_of(base), []), strict=False)
        ratios = [mine / other for mine, other in pairs if other > 0]
        return median(ratios) if ratios else None


def key_of(case: Case) -> Key:
    """What names a case in the results."""
    return (case.workload.level, case.workload.name, case.threads, case.library.name)


class NotFinished(Exception):
    """A process gave no figures."""


def answer_of(case: Case, numbers: Sequence[int], seconds: float) -> dict[str, Any]:
    """Runs one process; raises NotFinished."""
    try:
        answer = run(case.library.program, case.command(*numbers), seconds)
    except subprocess.TimeoutExpired:
        raise NotFinished(f"not within {seconds:g} s") from None
    if answer.returncode != 0:
        raise NotFinished(last_line(answer.stderr))
    figures: dict[str, Any] = json.loads(last_line(answer.stdout))
    return figures


def in_turn(groups: Iterable[Sequence[Case]], number: int) -> Iterator[Case]:
    """The cases of one round, each group beginning with another one than in the round before."""
    for group in groups:
        first = number % len(group)
        yield from [*group[first:], *group[:first]]


def collect(
    groups: Iterable[Sequence[Case]],
    effort: Effort,
    tick: Callable[[Case], None],
    measure: Callable[[Case], T],
) -> tuple[dict[Key, list[T]], dict[Key, str]]:
    """What all rounds gave, and what failed; `tick` is told each case before it runs."""
    groups = list(groups)
    found: dict[Key, list[T]] = {}
    failures: dict[Key, str] = {}

    def run_case(case: Case) -> None:
        tick(case)
        key = key_of(case)
        if key in failures:
            return
        try:
            found.setdefault(key, []).append(measure(case))
        except NotFinished as problem:
            failures[key] = str(problem)
            del found[key]

    with ThreadPoolExecutor(effort.at_once) as pool:
        for number in range(effort.rounds):
            list(pool.map(run_case, in_turn(groups, number)))
    return found, failures


def cases_by_key(groups: Iterable[Sequence[Case]]) -> dict[Key, Case]:
    """All of them."""
    return {key_of(case): case for group in groups for case in group}


def run_rounds(
    groups: Iterable[Sequence[Case]], effort: Effort, tick: Callable[[Case], None]
) -> Results:
    """Runs all rounds of timings."""
    groups = list(groups)

    def measure(case: Case) -> float:
        numbers = (case.threads, effort.repeats, effort.milliseconds)
        return float(median(answer_of(case, numbers, effort.time_limit)["ns"]))

    found, failures = collect(groups, effort, tick, measure)
    return Results(cases_by_key(groups), found, failures)
