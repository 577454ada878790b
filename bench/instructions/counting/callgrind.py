# SPDX-License-Identifier: LGPL-2.1-or-later
"""Instructions, reads, writes and locked instructions of each path, as valgrind counts them.

At each mark of the program (a call of getppid, see paths.c) callgrind writes down what it has
counted since the last one.
"""

from __future__ import annotations

import glob
import os
import re
from typing import NamedTuple

from .programs import CannotRun, Program, run

COUNT = 1000
"""Operations: as many as a segment of a queue has cells, so that its share is in each."""


class Counts(NamedTuple):
    """Per operation."""

    instructions: float
    reads: float
    writes: float
    locked: float


EVENTS = ("Ir", "Dr", "Dw", "Ge")
"""What callgrind calls them; Ge: global bus events, which are the locked instructions."""


def totals(path: str) -> list[int]:
    """Of one dump; callgrind leaves out zeros at the end."""
    with open(path, encoding="utf-8") as file:
        found = re.search(r"^events: ([\w ]+)$.*^totals: ([\d ]+)$", file.read(), re.M | re.S)
    if found is None:
        raise CannotRun(f"{path}: not what callgrind writes")
    numbers = dict(zip(found[1].split(), map(int, found[2].split()), strict=False))
    return [numbers.get(event, 0) for event in EVENTS]


def names_of(output: str) -> list[str]:
    """Of the paths, in order: each has four marks."""
    return [line.removeprefix("mark ") for line in output.splitlines()][::4]


def dumps_of(out: str) -> set[str]:
    """The numbered ones that are there."""
    return set(glob.glob(f"{glob.escape(out)}.*"))


def count(program: Program, scratch: str) -> dict[str, Counts]:
    """Runs it; the dumps stay in the scratch directory."""
    out = os.path.join(scratch, f"callgrind.{program.title.split()[0]}")
    for old in dumps_of(out):
        os.remove(old)
    valgrind = ["valgrind", "--tool=callgrind", "--cache-sim=yes", "--collect-bus=yes"]
    # Names in full: each dump must be readable by itself.
    dumps = ["--compress-strings=no", "--dump-before=getppid", f"--callgrind-out-file={out}"]
    output = run([*valgrind, *dumps, *program.command, str(COUNT)], program.environment)
    names = names_of(output)
    if dumps_of(out) != {f"{out}.{i}" for i in range(1, 4 * len(names) + 1)}:
        raise CannotRun("callgrind did not see each call of getppid once")
    counts: dict[str, Counts] = {}
    for i, name in enumerate(names):
        # The even ones were made at the end of a loop.
        once, twice = totals(f"{out}.{4 * i + 2}"), totals(f"{out}.{4 * i + 4}")
        counts[name] = Counts(*((b - a) / COUNT for a, b in zip(once, twice, strict=True)))
    return counts
