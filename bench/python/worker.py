#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measures one workload of one library at a time, called as the programs of bench/c are.

    worker.py list
    worker.py time WORKLOAD LIBRARY THREADS REPEATS MILLISECONDS
    worker.py memory SCENARIO LIBRARY PARTS
    worker.py latency SCENARIO LIBRARY THREADS MILLISECONDS

For `time`, pyperf starts the process that is timed, finds how many loops to run and warms up.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from contextlib import redirect_stdout
from typing import TypeVar

import latency
import memory
import pyperf
from atomics import ATOMICS, FLAGS, REFERENCES
from dicts import DICTS
from gathering import GATHERING
from queues import QUEUES
from tokenizing import JOBS
from workload import Library, Workload
from wrapping import WRAPPING

KINDS = (DICTS, QUEUES, ATOMICS, REFERENCES, FLAGS, GATHERING, WRAPPING, JOBS)


def can_load(library: type[Library]) -> bool:
    """Whether it is here; else says that it is missing."""
    try:
        library.load()
    except ImportError as problem:
        print(json.dumps({"missing": f"{library.name} (Python)", "reason": str(problem)}))
        return False
    return True


def line_of(part: str, kind: str, one: Workload | memory.Scenario | latency.Scenario) -> str:
    """A workload or a scenario, as JSON."""
    fields = {name: getattr(one, name) for name in ("title", "unit", "needs", "threads")}
    return json.dumps({"workload": one.name, "part": part, "kind": kind, **fields})


def list_all() -> None:
    """What there is, a line of JSON each."""
    for kind in KINDS:
        for library in filter(can_load, kind.libraries):
            fields = {name: getattr(library, name) for name in ("role", "how", "differs", "cannot")}
            print(json.dumps({"library": library.name, "kind": kind.name, **fields}))
        for workload in kind.workloads:
            print(line_of("time", kind.name, workload))
    for scenario in memory.SCENARIOS:
        print(line_of("memory", scenario.kind, scenario))
    for trial in latency.SCENARIOS:
        print(line_of("latency", trial.kind, trial))


T = TypeVar("T", Workload, memory.Scenario, latency.Scenario)


def named(name: str, choice: Iterable[T]) -> T:
    """The one of that name; raises KeyError."""
    return {one.name: one for one in choice}[name]


def library_named(name: str, kind_name: str) -> type[Library]:
    """Of that kind, imported; raises KeyError."""
    (kind,) = (kind for kind in KINDS if kind.name == kind_name)
    library = {library.name: library for library in kind.libraries}[name]
    library.load()
    return library


def time_one(arguments: list[str], more: list[str]) -> None:
    """`more`: what pyperf adds when it calls this script as its worker."""
    (kind,) = (k for k in KINDS if arguments[1] in [one.name for one in k.workloads])
    workload = named(arguments[1], kind.workloads)
    library = library_named(arguments[2], kind.name)
    threads, repeats, milliseconds = map(int, arguments[3:6])
    runner = pyperf.Runner(program_args=(__file__, *arguments))
    options = ["--quiet", "--copy-env", "--processes=1", f"--values={repeats}", "--warmups=1"]
    if milliseconds == 1:
        options = ["--quiet", "--copy-env", "--debug-single-value"]
    runner.parse_args([*options, f"--min-time={milliseconds / 1000}", *more])
    plan = workload.prepare(library, threads)
    try:
        with redirect_stdout(sys.stderr):
            result = runner.bench_time_func(
                workload.name, plan.seconds, inner_loops=max(1, plan.operations)
            )
    except RuntimeError:
        if runner.args.worker:
            raise
        sys.exit(1)  # the worker failed, and has said why
    if result is not None and not runner.args.worker:
        print_answer(library, workload.name, threads, ns=[1e9 * t for t in result.get_values()])


def print_answer(library: type[Library], workload: str, threads: int, **more: object) -> None:
    """The figures, with what they are the figures of."""
    names = {"library": library.name, "workload": workload, "threads": threads}
    print(json.dumps({**names, **more}))


def weigh_one(scenario_name: str, library_name: str, parts: str) -> None:
    """Bytes, or what the scenario says."""
    scenario = named(scenario_name, memory.SCENARIOS)
    library = library_named(library_name, scenario.kind)
    print_answer(library, scenario.name, 1, figure=scenario.measure(library, int(parts)))


def time_singles(scenario_name: str, library_name: str, threads: str, milliseconds: str) -> None:
    """Percentiles of single operations."""
    scenario = named(scenario_name, latency.SCENARIOS)
    library = library_named(library_name, scenario.kind)
    figures = latency.measure(scenario, library, int(threads), int(milliseconds))
    print_answer(library, scenario.name, int(threads), **figures)


def main(arguments: list[str]) -> None:
    """Does what the arguments ask for."""
    match arguments:
        case ["list"]:
            list_all()
        case ["time", _, _, _, _, _, *more]:
            time_one(arguments[:6], more)
        case ["memory", scenario, library, parts]:
            weigh_one(scenario, library, parts)
        case ["latency", scenario, library, threads, milliseconds]:
            time_singles(scenario, library, threads, milliseconds)
        case _:
            sys.exit((__doc__ or "").split("\n\n")[1])


if __name__ == "__main__":
    main(sys.argv[1:])
