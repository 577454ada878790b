# SPDX-License-Identifier: LGPL-2.1-or-later
"""How much memory structures take: measured, shown, and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from statistics import median
from typing import NamedTuple

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from .cases import OURS, Case
from .report import print_failures, subject_of
from .rounds import Effort, Key, answer_of, cases_by_key, collect, key_of


class Weights(NamedTuple):
    """The figures by case, each in the unit of its workload, one for each round."""

    cases: dict[Key, Case]
    figures: dict[Key, list[float]]
    failures: dict[Key, str]


def weigh(
    groups: Sequence[Sequence[Case]], effort: Effort, parts: int, tick: Callable[[Case], None]
) -> Weights:
    """Runs all rounds; `parts`: as many times less than usual."""

    def measure(case: Case) -> float:
        return float(answer_of(case, (parts,), effort.time_limit)["figure"])

    found, failures = collect(groups, effort, tick, measure)
    return Weights(cases_by_key(groups), found, failures)


def tables_of(weights: Weights) -> Iterator[list[Case]]:
    """The cases that are shown in one table: those of one kind of structure."""
    together: dict[tuple[str, str], list[Case]] = {}
    for case in weights.cases.values():
        kind = "map" if case.workload.kind == "strings" else case.workload.kind
        together.setdefault((case.workload.level, kind), []).append(case)
    yield from together.values()


def cell(weights: Weights, case: Case | None) -> str:
    """The median, or that there is none."""
    if case is None:
        return ""
    figures = weights.figures.get(key_of(case))
    if not figures:
        return "not finished"
    figure = median(figures)
    if figure >= 1e6:
        return f"{figure / 1e6:.1f}M"
    return f"{figure:.1f}" if figure < 1000 else f"{figure:,.0f}"


def print_weights(console: Console, weights: Weights) -> None:
    """A table for each kind: libraries down, workloads across."""
    for cases in tables_of(weights):
        first = cases[0].workload
        workloads = {case.workload.name: case.workload for case in cases}
        table = Table(
            title=f"{first.level}: memory, {first.kind}",
            box=SIMPLE_HEAD,
            pad_edge=False,
            title_justify="left",
        )
        table.add_column("library", no_wrap=True)
        for workload in workloads.values():
            table.add_column(f"{workload.title}, {workload.unit}", justify="right")
        places = {(case.library.name, case.workload.name): case for case in cases}
        for library in {case.library.name: case.library for case in cases}.values():
            cells = [cell(weights, places.get((library.name, name))) for name in workloads]
            table.add_row(library.name, *cells, style="bold" if library.role == OURS else None)
        console.print(table)
    print_failures(console, weights.failures)


def records_of(weights: Weights) -> list[dict[str, object]]:
    """For results.json."""
    return [
        {
            **subject_of(case),
            "figures": weights.figures.get(key, []),
            "failure": weights.failures.get(key),
        }
        for key, case in weights.cases.items()
    ]
