#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measures one workload of one library at a time, called as the programs of bench/c are.

    worker.py list
    worker.py time WORKLOAD LIBRARY THREADS REPEATS MILLISECONDS

pyperf starts the process that is timed, finds how many loops to run and warms up.
"""

from __future__ import annotations

import json
import sys
from contextlib import redirect_stdout

import pyperf
from atomics import ATOMICS, FLAGS, REFERENCES
from dicts import DICTS
from gathering import GATHERING
from queues import QUEUES
from tokenizing import JOBS
from workload import Kind, Library, Workload
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


def list_all() -> None:
    """What there is, a line of JSON each."""
    for kind in KINDS:
        for library in filter(can_load, kind.libraries):
            fields = {name: getattr(library, name) for name in ("role", "how", "differs", "cannot")}
            print(json.dumps({"library": library.name, "kind": kind.name, **fields}))
        for workload in kind.workloads:
            line = {
                "workload": workload.name,
                "kind": kind.name,
                "title": workload.title,
                "unit": workload.unit,
                "needs": workload.needs,
                "threads": workload.threads,
            }
            print(json.dumps(line))


def find(workload_name: str, library_name: str) -> tuple[Workload, type[Library]]:
    """By their names; raises KeyError."""

    def in_kind(kind: Kind) -> tuple[Workload, type[Library]] | None:
        workloads = {workload.name: workload for workload in kind.workloads}
        if workload_name not in workloads:
            return None
        libraries = {library.name: library for library in kind.libraries}
        return workloads[workload_name], libraries[library_name]

    for found in map(in_kind, KINDS):
        if found is not None:
            return found
    raise KeyError(workload_name)


def time_one(arguments: list[str], more: list[str]) -> None:
    """`more`: what pyperf adds when it calls this script as its worker."""
    workload, library = find(arguments[1], arguments[2])
    threads, repeats, milliseconds = map(int, arguments[3:6])
    library.load()
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
        values = [1e9 * value for value in result.get_values()]
        print(
            json.dumps(
                {
                    "library": library.name,
                    "workload": workload.name,
                    "threads": threads,
                    "ns": values,
                }
            )
        )


if __name__ == "__main__":
    if sys.argv[1:] == ["list"]:
        list_all()
    elif len(sys.argv) >= 7 and sys.argv[1] == "time":
        time_one(sys.argv[1:7], sys.argv[7:])
    else:
        sys.exit((__doc__ or "").split("\n\n")[1])
