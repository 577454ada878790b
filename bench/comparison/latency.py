# SPDX-License-Identifier: LGPL-2.1-or-later
"""How long single operations take at worst: measured, shown, and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from typing import NamedTuple

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from .cases import OURS, Case
from .report import plural, print_failures, subject_of, time_of
from .rounds import Effort, Key, answer_of, cases_by_key, collect, key_of

SHARES = ("p50", "p99", "p99.9", "max")


class Latencies(NamedTuple):
    """ns by case: SHARES, and `clock`, what the clock itself takes; a dict for each round."""

    cases: dict[Key, Case]
    figures: dict[Key, list[dict[str, float]]]
    failures: dict[Key, str]

    def figure(self, case: Case, share: str) -> float | None:
        """The median over the rounds; of `max` the longest."""
        values = [figures[share] for figures in self.figures.get(key_of(case), [])]
        if not values:
            return None
        return max(values) if share == "max" else median(values)

    def groups(self) -> list[list[Case]]:
        """The cases of one workload and number of threads."""
        together: dict[tuple[str, str, int], list[Case]] = {}
        for key, case in self.cases.items():
            together.setdefault(key[:3], []).append(case)
        return list(together.values())


def time_singles(
    groups: Sequence[Sequence[Case]], effort: Effort, tick: Callable[[Case], None]
) -> Latencies:
    """Runs all rounds."""

    def measure(case: Case) -> dict[str, float]:
        answer = answer_of(case, (case.threads, effort.milliseconds), effort.time_limit)
        return {name: float(answer[name]) for name in (*SHARES, "clock")}

    found, failures = collect(groups, effort, tick, measure)
    return Latencies(cases_by_key(groups), found, failures)


def print_group(console: Console, latencies: Latencies, cases: Sequence[Case]) -> None:
    """One table: libraries down, percentiles across."""
    workload, threads = cases[0].workload, cases[0].threads
    title = f"{workload.level}: {workload.title}, {plural(threads)} (ns for one {workload.unit})"
    table = Table(title=escape(title), box=SIMPLE_HEAD, pad_edge=False, title_justify="left")
    table.add_column("library", no_wrap=True)
    for share in SHARES:
        table.add_column(share, justify="right", no_wrap=True)
    for case in cases:
        times = [latencies.figure(case, share) for share in SHARES]
        cells = ["not finished" if ns is None else time_of(ns) for ns in times]
        table.add_row(
            case.library.name, *cells, style="bold" if case.library.role == OURS else None
        )
    console.print(table)


def print_latencies(console: Console, latencies: Latencies) -> None:
    """Every table, what the clock takes, and what did not finish."""
    for cases in latencies.groups():
        print_group(console, latencies, cases)
    for level in dict.fromkeys(key[0] for key in latencies.figures):
        clock = median(
            figures["clock"]
            for key, rounds in latencies.figures.items()
            if key[0] == level
            for figures in rounds
        )
        console.print(f"- {level}: {time_of(clock)} ns of each are the clock's", highlight=False)
    print_failures(console, latencies.failures)


def records_of(latencies: Latencies) -> list[dict[str, object]]:
    """For results.json."""
    return [
        {
            **subject_of(case),
            **{f"{share}_ns": latencies.figure(case, share) for share in SHARES},
            "rounds": latencies.figures.get(key, []),
            "failure": latencies.failures.get(key),
        }
        for key, case in latencies.cases.items()
    ]
