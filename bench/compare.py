#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measures this library against its peers, side by side, and says where we stand.

    ./quickstart bench            everything: about an hour
    ./quickstart bench --quick    under two minutes: shows that it runs, the figures mean nothing

Leaves results.json and pictures in the output directory.  What is not installed is left out and
named.  Exit status 1 if this library's own programs do not build or do not finish.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from comparison import machine, report
from comparison.cases import OURS, Case, Missing, Program, ask
from comparison.programs import CannotBuild, c_programs, python_program
from comparison.rounds import Effort, Results, run_rounds
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

LEVELS = ("C", "Python")
FULL = Effort(rounds=5, repeats=3, milliseconds=30, most_threads=64, time_limit=15.0)
QUICK = Effort(
    rounds=1, repeats=1, milliseconds=1, most_threads=2, time_limit=20.0, at_once=machine.cores()
)


def parse_arguments() -> argparse.Namespace:
    """Reads the command line; ends the program with status 2 if it makes no sense."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("tree", type=os.path.abspath, help="the directory of a built tree")
    parser.add_argument("--quick", action="store_true", help="only show that it runs")
    parser.add_argument("--level", choices=LEVELS, help="only this one")
    parser.add_argument(
        "--workload", action="append", metavar="NAME", help="only this one (may be repeated)"
    )
    parser.add_argument("--rounds", type=int, metavar="N", help=f"default: {FULL.rounds}")
    parser.add_argument(
        "--output",
        default="bench.results",
        metavar="DIR",
        help="where to put the results (default: %(default)s)",
    )
    arguments = parser.parse_args()
    if arguments.rounds is not None and arguments.rounds < 1:
        parser.error("--rounds must be at least 1")
    return arguments


def progress_bar(console: Console) -> Progress:
    """Moves only when told to: no thread of its own disturbs what is measured."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        auto_refresh=False,
        transient=True,
        disable=not console.is_terminal,
    )


def choose_cases(
    groups: Sequence[list[Case]], workloads: Sequence[str] | None
) -> Sequence[list[Case]]:
    """Only those workloads, if some were named; ends the program if one is unknown."""
    if workloads is None:
        return groups
    known = {group[0].workload.name for group in groups}
    if not known.issuperset(workloads):
        sys.exit(f"no such workload: {', '.join(sorted(set(workloads) - known))}")
    return [group for group in groups if group[0].workload.name in workloads]


def most_threads_only(groups: Sequence[list[Case]]) -> Sequence[list[Case]]:
    """Of each workload the group of the most threads: enough to show that it runs."""
    last = {(group[0].workload.level, group[0].workload.name): group for group in groups}
    return list(last.values())


def run_groups(console: Console, groups: Sequence[list[Case]], effort: Effort) -> Results:
    """With a progress bar; elsewhere than on a terminal, a line for each workload."""
    with progress_bar(console) as progress:
        task = progress.add_task("", total=effort.rounds * sum(map(len, groups)))

        def tick(case: Case) -> None:
            workload = f"{case.workload.name}, {report.plural(case.threads)}"
            progress.update(task, description=f"{workload}: {case.library.name}")
            progress.advance(task)
            progress.refresh()

        return run_rounds(groups, effort, tick)


def ours_failed(results: Results) -> bool:
    """Whether a program of ours did not finish somewhere."""
    return any(results.cases[key].library.role == OURS for key in results.failures)


def main() -> int:
    """Builds, asks, runs, shows and saves."""
    arguments = parse_arguments()
    console = Console(width=None if sys.stdout.isatty() else 120)
    effort = QUICK if arguments.quick else FULL
    if arguments.rounds is not None:
        effort = effort._replace(rounds=arguments.rounds)
    programs: list[Program] = []
    missing: list[Missing] = []
    if arguments.level != "Python":
        try:
            programs, missing = c_programs(
                arguments.tree, arguments.quick, lambda name: console.print(f"Building: {name}")
            )
        except CannotBuild as problem:
            sys.exit(f"our own benchmark does not build: {problem}")
    if arguments.level != "C":
        programs.append(python_program())
    offer = ask(programs)
    missing += offer.missing
    report.print_missing(console, missing)
    groups = choose_cases(list(offer.cases(effort.most_threads)), arguments.workload)
    if arguments.quick:
        groups = most_threads_only(groups)
    results = run_groups(console, groups, effort)
    report.print_results(console, results)
    facts = machine.describe()
    os.makedirs(arguments.output, exist_ok=True)
    path = os.path.join(arguments.output, "results.json")
    report.save(
        path,
        results,
        machine=facts,
        rounds=effort.rounds,
        missing=[one._asdict() for one in missing],
    )
    from comparison import picture  # see there

    note = f"{facts['processor']}, {facts['cores']} cores, {facts['date']}"
    for path in [path, *picture.draw(results, note, arguments.output)]:
        console.print(f"Saved {path}", soft_wrap=True, highlight=False)
    return 1 if ours_failed(results) else 0


if __name__ == "__main__":
    sys.exit(main())
