#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Counts what the hot paths cost and compares it with the table in the tree.

    ./quickstart instructions            compare: under a minute
    ./quickstart instructions --update   write the table anew, after a change that is meant

Instructions and cache lines, not time: the figures are the same on a busy machine.  Exit status 1
if a path costs more than the table says.  A table made with other tools (compiler, flags, liburcu,
Python) is not comparable: then the differences are shown and not judged.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator

from counting import callgrind, lines, table
from counting.programs import CannotRun, Program, c_program, python_program


def parse_arguments() -> argparse.Namespace:
    """Reads the command line; ends the program with status 2 if it makes no sense."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("tree", type=os.path.abspath, help="the directory of a built tree")
    parser.add_argument("--update", action="store_true", help="write the table anew")
    parser.add_argument("--level", choices=("C", "Python"), help="only this one")
    parser.add_argument("--no-lines", action="store_true", help="leave out the cache lines")
    parser.add_argument(
        "--keep",
        metavar="DIR",
        help="leave callgrind's dumps there: of path n, from 0, the numbers 4n+2 and 4n+4 "
        "(callgrind_annotate --threshold=100 shows them)",
    )
    arguments = parser.parse_args()
    if arguments.update and arguments.no_lines:
        parser.error("--update needs the cache lines, too")
    return arguments


def programs(tree: str, level: str | None, scratch: str) -> Iterator[Program]:
    """What can be counted in this tree."""
    if level != "Python":
        yield c_program(tree, scratch)
    if level != "C":
        python = python_program(tree)
        if python is not None:
            yield python
        elif level == "Python":
            raise CannotRun(f"{tree} was configured without Python")


def find_stepper(arguments: argparse.Namespace, scratch: str) -> str | None:
    """What counts lines, or None, and says why; without it there is no --update."""
    if arguments.no_lines:
        return None
    try:
        return lines.make_stepper(scratch)
    except CannotRun as problem:
        if arguments.update:
            raise
        print(f"Without cache lines: {problem}")
        return None


def count(program: Program, scratch: str, stepper: str | None) -> table.Part:
    """Every path of a program, as the table has it."""
    rows: dict[str, table.Values] = {}
    for name, counts in callgrind.count(program, scratch).items():
        rows[name] = dict(zip(table.COLUMNS, counts, strict=False))
    if stepper is not None:
        for name, some in lines.count(program, scratch, stepper).items():
            rows[name] |= dict(zip(table.COLUMNS[-len(some) :], some, strict=True))
    rounded = {
        name: {column: round(value, 1) for column, value in values.items()}
        for name, values in rows.items()
    }
    return table.Part(program.tools, rounded)


def compare(title: str, old: table.Part | None, new: table.Part) -> bool:
    """Prints what differs from the table; whether it is a regression."""
    if old is None:
        print(f"{title}: not in the table")
        return False
    changes = list(table.changes(old, new))
    worse = [change for change in changes if change.is_regression()]
    if old.tools != new.tools:
        print(f"{title}: NOT JUDGED, other tools: {new.tools}, in the table: {old.tools}")
    elif not changes:
        print(f"{title}: {len(new.rows)} paths as in the table")
    else:
        print(f"{title}: {len(worse)} regressions in {len(new.rows)} paths")
    for change in changes:
        print(f"  {'WORSE ' if change in worse else '      '}{change}")
    for name in old.rows.keys() ^ new.rows.keys():
        print(f"  in the table or here, not in both: {name}")
    return bool(worse) and old.tools == new.tools


def run(arguments: argparse.Namespace, scratch: str) -> int:
    """Counts, then compares or writes."""
    stepper = find_stepper(arguments, scratch)
    known = table.read()
    regressed = False
    for program in programs(arguments.tree, arguments.level, scratch):
        part = count(program, scratch, stepper)
        regressed |= compare(program.title, known.get(program.title), part)
        known[program.title] = part
    if not arguments.update:
        return int(regressed)
    table.write(known)
    print(f"Wrote {table.PATH}")
    return 0


def main() -> int:
    """Looks for the tools, then works in a scratch directory."""
    arguments = parse_arguments()
    for tool in ("valgrind", "gcc", "objdump"):
        if shutil.which(tool) is None:
            sys.exit(f"{tool} is not installed")
    try:
        if arguments.keep is not None:
            os.makedirs(arguments.keep, exist_ok=True)
            return run(arguments, os.path.abspath(arguments.keep))
        with tempfile.TemporaryDirectory() as scratch:
            return run(arguments, scratch)
    except CannotRun as problem:
        sys.exit(str(problem))


if __name__ == "__main__":
    sys.exit(main())
