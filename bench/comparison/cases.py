# SPDX-License-Identifier: LGPL-2.1-or-later
"""What can be measured: the libraries and workloads that a benchmark program lists.

Every program, of C or of Python, is called in the same way and answers in lines of JSON:

    PROGRAM list
    PROGRAM time WORKLOAD LIBRARY THREADS REPEATS MILLISECONDS
    PROGRAM memory WORKLOAD LIBRARY PARTS
    PROGRAM latency WORKLOAD LIBRARY THREADS MILLISECONDS

PARTS: how many times less than usual is enough.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from typing import NamedTuple

OURS, PEER, FLOOR = "ours", "peer", "floor"
TIME, MEMORY, LATENCY = "time", "memory", "latency"
"""The parts of the comparison, each with workloads of its own."""
NEEDS_MANY_WRITERS = 4
"""Of bench.h: what a library lacks that may be written by one thread alone."""


class Program(NamedTuple):
    """An executable that measures some libraries."""

    name: str
    level: str
    """`C` or `Python`."""
    command: tuple[str, ...]
    environment: dict[str, str] | None = None


class Workload(NamedTuple):
    """What is done, the same for every library."""

    level: str
    name: str
    kind: str
    title: str
    unit: str
    needs: int
    threads: tuple[int, ...]
    part: str


class Library(NamedTuple):
    """What does it, and how it is called."""

    program: Program
    name: str
    kind: str
    how: str
    differs: str
    """Empty if it does the same job as ours; else how the job is another one."""
    cannot: int
    role: str


class Case(NamedTuple):
    """One cell of the comparison."""

    workload: Workload
    threads: int
    library: Library

    def command(self, *numbers: int) -> list[str]:
        """The process that measures it once; `numbers` as the part wants them."""
        return [
            *self.library.program.command,
            self.workload.part,
            self.workload.name,
            self.library.name,
            *map(str, numbers),
        ]


class Missing(NamedTuple):
    """What is left out, and why."""

    name: str
    reason: str


class Offer(NamedTuple):
    """What programs can measure."""

    workloads: list[Workload]
    libraries: list[Library]
    missing: list[Missing]

    def cases(self, part: str, most_threads: int) -> Iterator[list[Case]]:
        """The libraries that can do it, for each workload and number of threads."""
        for workload in self.workloads:
            if workload.part != part:
                continue
            for threads in workload.threads:
                group = [
                    Case(workload, threads, library)
                    for library in self.libraries
                    if can(library, workload, threads)
                ]
                if group and threads <= most_threads:
                    yield group


def can(library: Library, workload: Workload, threads: int) -> bool:
    """Whether the library does such work."""
    lacks = library.cannot & workload.needs
    if threads == 1:
        lacks &= ~NEEDS_MANY_WRITERS
    same = library.kind == workload.kind and library.program.level == workload.level
    return same and lacks == 0


def run(
    program: Program, arguments: Sequence[str], seconds: float | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs it; the caller looks at the status.  What it has started ends with it."""
    with subprocess.Popen(
        arguments,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=program.environment,
        start_new_session=True,
    ) as process:
        try:
            output, errors = process.communicate(timeout=seconds)
        except BaseException:  # an interrupted run, too, leaves nobody behind
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(arguments, process.returncode, output, errors)


def last_line(text: str) -> str:
    """The last line that says something."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no message"


def ask(programs: Sequence[Program]) -> Offer:
    """Has every program list what it measures; a workload that several list counts once."""
    workloads: dict[tuple[str, str, str], Workload] = {}
    libraries: list[Library] = []
    missing: list[Missing] = []
    for program in programs:
        answer = run(program, [*program.command, "list"], 60)
        if answer.returncode != 0:
            missing.append(Missing(program.name, last_line(answer.stderr)))
            continue
        for fields in map(json.loads, answer.stdout.splitlines()):
            if "missing" in fields:
                missing.append(Missing(fields["missing"], fields["reason"]))
            elif "workload" in fields:
                name = fields.pop("workload")
                fields["threads"] = tuple(fields["threads"])
                workload = Workload(program.level, name, **fields)
                workloads.setdefault((program.level, workload.part, name), workload)
            else:
                role = program.name if program.name in (OURS, FLOOR) else PEER
                fields.setdefault("role", role)
                libraries.append(Library(program, fields.pop("library"), **fields))
    return Offer(list(workloads.values()), libraries, missing)
