# SPDX-License-Identifier: LGPL-2.1-or-later
"""Shows results as tables and plain words, and saves them as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from .cases import OURS, Case, Missing
from .rounds import Key, Results, key_of
from .standing import Standing, groups_of, standings


def plural(threads: int) -> str:
    """'1 thread', '2 threads'."""
    return f"{threads} thread{'s' if threads > 1 else ''}"


def time_of(ns: float) -> str:
    """In the unit that suits."""
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if ns >= 10 * size:
            return f"{ns / size:,.0f} {unit}" if ns >= 100 * size else f"{ns / size:.3g} {unit}"
    return f"{ns:.1f}" if ns < 100 else f"{ns:.0f}"


def workloads_of(results: Results) -> Iterator[list[list[Case]]]:
    """The groups of each workload, one for each number of threads."""
    together: dict[tuple[str, str], list[list[Case]]] = {}
    for group in groups_of(results):
        workload = group[0].workload
        together.setdefault((workload.level, workload.name), []).append(group)
    yield from together.values()


def cell(results: Results, case: Case) -> str:
    """The median, or that there is none."""
    ns = results.median(case)
    return "not finished" if ns is None else time_of(ns)


def rows_of(results: Results, groups: Sequence[Sequence[Case]]) -> Iterator[tuple[Case, list[str]]]:
    """A line for each library: its cell for each number of threads."""
    cases = {(case.library.name, case.threads): case for group in groups for case in group}
    names = dict.fromkeys(name for name, _ in cases)
    for name in names:
        mine = [cases.get((name, group[0].threads)) for group in groups]
        first = next(case for case in mine if case is not None)
        yield first, [cell(results, case) if case else "" for case in mine]


def print_workload(console: Console, results: Results, groups: Sequence[Sequence[Case]]) -> None:
    """One table: libraries down, threads across."""
    workload = groups[0][0].workload
    table = Table(
        title=escape(f"{workload.level}: {workload.title} (ns per {workload.unit})"),
        box=SIMPLE_HEAD,
        pad_edge=False,
        title_justify="left",
    )
    table.add_column("library", no_wrap=True)
    for group in groups:
        table.add_column(plural(group[0].threads), justify="right", no_wrap=True)
    table.add_column("how", overflow="fold")
    for case, cells in rows_of(results, groups):
        library = case.library
        how = "; ".join(part for part in (library.how, library.differs) if part)
        style = "bold" if library.role == OURS else None
        table.add_row(library.name, *cells, escape(how), style=style)
    console.print(table)


def line_of(one: Standing) -> str:
    """'get, 1,000 keys, 2 threads: conc_dict 9.7 ns: 1.15x the floor, ...'."""
    workload = one.ours.workload
    return (
        f"{workload.level}: {workload.title}, {plural(one.ours.threads)}: "
        f"{one.ours.library.name} {time_of(one.ns)}: {one.words()}"
    )


def print_results(console: Console, results: Results) -> None:
    """Every table, then where we stand, then what did not finish."""
    for groups in workloads_of(results):
        print_workload(console, results, groups)
    console.print("Time as a multiple of the floor's and the best peer's (below 1: ours is faster)")
    for one in standings(results):
        style = None if one.to_best is None else "red" if one.to_best > 1 else "green"
        console.print(
            f"- {line_of(one)}", style=style, highlight=False, soft_wrap=True, markup=False
        )
    print_failures(console, results.failures)


def print_failures(console: Console, failures: Mapping[Key, str]) -> None:
    """What did not finish."""
    for (level, workload, threads, library), why in failures.items():
        console.print(
            f"- not finished: {level}: {library}, {workload}, {plural(threads)}: {why}",
            soft_wrap=True,
            markup=False,
        )


def print_missing(console: Console, missing: Sequence[Missing]) -> None:
    """What was left out."""
    for one in missing:
        console.print(f"- left out: {one.name}: {one.reason}", soft_wrap=True, highlight=False)


def subject_of(case: Case) -> dict[str, object]:
    """What a case is about, as a JSON object."""
    library, workload = case.library, case.workload
    return {
        "level": workload.level,
        "workload": workload.name,
        "kind": workload.kind,
        "title": workload.title,
        "unit": workload.unit,
        "threads": case.threads,
        "library": library.name,
        "role": library.role,
        "how": library.how,
        "differs": library.differs,
    }


def record_of(results: Results, case: Case) -> dict[str, object]:
    """A timing as one JSON object."""
    return {
        **subject_of(case),
        "ns": results.ns.get(key_of(case), []),
        "median_ns": results.median(case),
        "failure": results.failures.get(key_of(case)),
    }


def standing_record(one: Standing) -> dict[str, object]:
    """Where we stand in one case, as a JSON object."""
    return {
        "level": one.ours.workload.level,
        "workload": one.ours.workload.name,
        "threads": one.ours.threads,
        "library": one.ours.library.name,
        "floor": one.floor and one.floor.library.name,
        "times_the_floor": one.to_floor,
        "best_peer": one.best and one.best.library.name,
        "times_the_best_peer": one.to_best,
    }


def save(path: str, results: Results, **more: object) -> dict[str, object]:
    """Writes everything as JSON, and returns what it wrote."""
    report = {
        **more,
        "results": [record_of(results, case) for case in results.cases.values()],
        "standing": [standing_record(one) for one in standings(results)],
    }
    with open(path, "w", encoding="utf-8") as file:
        json.dump(report, file, ensure_ascii=False, separators=(",", ":"))
        file.write("\n")
    return report
