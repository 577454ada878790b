#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measures this library against its peers, side by side, and says where we stand.

    ./quickstart bench            everything: about an hour
    ./quickstart bench --quick    under two minutes: shows that it runs, the figures mean nothing

Leaves results.json, tables and pictures in the output directory.  What is not installed is left
out and named.  Exit status 1 if this library's own programs do not build or do not finish.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from comparison import latency, machine, markdown, memory, report
from comparison.cases import LATENCY, MEMORY, OURS, TIME, Case, Missing, Offer, Program, ask
from comparison.programs import CannotBuild, c_programs, python_program
from comparison.rounds import Effort, Results, run_rounds
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

LEVELS = ("C", "Python")
FULL = Effort(rounds=3, repeats=3, milliseconds=30, most_threads=64, time_limit=15.0)
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
    parser.add_argument("--part", choices=(TIME, MEMORY, LATENCY), help="only this one")
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


def most_threads_only(groups: Sequence[list[Case]]) -> Sequence[list[Case]]:
    """Of each workload the group of the most threads: enough to show that it runs."""
    last = {(group[0].workload.level, group[0].workload.name): group for group in groups}
    return list(last.values())


class Measuring:
    """What all parts have in common: what can be measured, how much of it, and where to show it."""

    def __init__(self, arguments: argparse.Namespace, console: Console, offer: Offer) -> None:
        self.arguments, self.console, self.offer = arguments, console, offer
        self.effort = QUICK if arguments.quick else FULL
        if arguments.rounds is not None:
            self.effort = self.effort._replace(rounds=arguments.rounds)

    def groups(self, part: str, most_threads: int) -> Sequence[list[Case]]:
        """The cases that were asked for; none of a part that was not."""
        if self.arguments.part not in (None, part):
            return []
        groups = [
            group
            for group in self.offer.cases(part, most_threads)
            if self.arguments.workload is None or group[0].workload.name in self.arguments.workload
        ]
        return most_threads_only(groups) if self.arguments.quick else groups

    @contextmanager
    def ticking(
        self, groups: Sequence[list[Case]], rounds: int
    ) -> Iterator[Callable[[Case], None]]:
        """With a progress bar on a terminal; gives what is to be told each case."""
        with progress_bar(self.console) as progress:
            task = progress.add_task("", total=rounds * sum(map(len, groups)))

            def tick(case: Case) -> None:
                workload = f"{case.workload.name}, {report.plural(case.threads)}"
                progress.update(task, description=f"{workload}: {case.library.name}")
                progress.advance(task)
                progress.refresh()

            yield tick

    def time(self) -> Results:
        """ns per operation of many."""
        groups = self.groups(TIME, self.effort.most_threads)
        with self.ticking(groups, self.effort.rounds) as tick:
            return run_rounds(groups, self.effort, tick)

    def weigh(self) -> memory.Weights:
        """Bytes: they hardly differ from round to round."""
        groups = self.groups(MEMORY, FULL.most_threads)
        effort = self.effort._replace(rounds=1)
        with self.ticking(groups, effort.rounds) as tick:
            return memory.weigh(groups, effort, 100 if self.arguments.quick else 1, tick)

    def time_singles(self) -> latency.Latencies:
        """ns of single operations, of very many in one round."""
        groups = self.groups(LATENCY, FULL.most_threads)
        effort = self.effort._replace(
            rounds=min(self.effort.rounds, 2), milliseconds=1 if self.arguments.quick else 100
        )
        with self.ticking(groups, effort.rounds) as tick:
            return latency.time_singles(groups, effort, tick)


def check_workloads(names: Sequence[str] | None, offer: Offer) -> None:
    """Ends the program if one is unknown."""
    unknown = set(names or ()) - {workload.name for workload in offer.workloads}
    if unknown:
        sys.exit(f"no such workload: {', '.join(sorted(unknown))}")


def ours_failed(*parts: Results | memory.Weights | latency.Latencies) -> bool:
    """Whether a program of ours did not finish somewhere."""
    return any(part.cases[key].library.role == OURS for part in parts for key in part.failures)


def find_programs(
    arguments: argparse.Namespace, console: Console
) -> tuple[list[Program], list[Missing]]:
    """Builds those of C; ends the program if ours does not build."""
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
    return programs, missing


def main() -> int:
    """Builds, asks, runs, shows and saves."""
    arguments = parse_arguments()
    console = Console(width=None if sys.stdout.isatty() else 120)
    programs, missing = find_programs(arguments, console)
    offer = ask(programs)
    check_workloads(arguments.workload, offer)
    missing += offer.missing
    report.print_missing(console, missing)
    measuring = Measuring(arguments, console, offer)
    results, weights, latencies = measuring.time(), measuring.weigh(), measuring.time_singles()
    if results.cases:
        report.print_results(console, results)
    memory.print_weights(console, weights)
    latency.print_latencies(console, latencies)
    facts = machine.describe()
    os.makedirs(arguments.output, exist_ok=True)
    path = os.path.join(arguments.output, "results.json")
    saved = report.save(
        path,
        results,
        machine=facts,
        rounds=measuring.effort.rounds,
        missing=[one._asdict() for one in missing],
        memory=memory.records_of(weights),
        latency=latency.records_of(latencies),
    )
    tables = os.path.join(arguments.output, "figures.md")
    markdown.write(saved, tables)
    from comparison import picture, picture_latency  # see there

    note = f"{facts['processor']}, {facts['cores']} cores, {facts['date']}"
    pictures = [
        *picture.draw(results, note, arguments.output),
        *picture_latency.draw_latencies(latencies, note, arguments.output),
    ]
    for path in [path, tables, *pictures]:
        console.print(f"Saved {path}", soft_wrap=True, highlight=False)
    return 1 if ours_failed(results, weights, latencies) else 0


if __name__ == "__main__":
    sys.exit(main())
