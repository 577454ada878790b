# SPDX-License-Identifier: LGPL-2.1-or-later
"""The table that is kept in the tree: written, read back and compared.

It is Markdown: a part for each program (C, and each Python), with the tools that made it, and a
row for each path.  Counts of other tools are shown beside it but not judged.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import NamedTuple

from .programs import HERE

PATH = os.path.join(HERE, "table.md")

COLUMNS = ("instructions", "reads", "writes", "locked", "lines read", "lines written")

TOLERANCES = {
    "instructions": (1.0, 0.01),
    "reads": (1.0, 0.01),
    "writes": (1.0, 0.01),
    "locked": (0.05, 0.0),
    "lines read": (0.5, 0.05),
    "lines written": (0.5, 0.05),
}
"""How much more is no regression: so many, or this part, whichever is more.  The same tree gives
the same counts, but where objects lie depends on what was made before them."""

HEAD = """\
<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->
# What the hot paths cost, in instructions and cache lines

Per operation, on one thread, everything warm. `make instructions` compares a build with these
figures and `make instructions COUNTFLAGS=--update` writes them anew: do not edit.

- *instructions*, *reads*, *writes*: as callgrind counts them, with the loop around the operation.
- *locked*: those of the instructions that lock the bus, which cost the most.
- *lines read*, *lines written*: the different cache lines (64 bytes) that an operation touches. A
  line that it writes is not counted as read; the stack is left out. A line that one thread writes
  and another uses moves between their cores each time: that is what limits scaling.
"""

Values = dict[str, float]


class Part(NamedTuple):
    """One program's: its tools, and the values of each path."""

    tools: str
    rows: dict[str, Values]


Parts = dict[str, Part]


class Change(NamedTuple):
    """A value that is not what it was."""

    path: str
    column: str
    old: float
    new: float

    def is_regression(self) -> bool:
        """More, and by more than the tolerance."""
        number, part = TOLERANCES[self.column]
        return self.new - self.old > max(number, part * self.old) + 1e-9

    def __str__(self) -> str:
        percent = f" ({100 * (self.new / self.old - 1):+.1f} %)" if self.old else ""
        return f"{self.path}: {self.column} {self.old:g} -> {self.new:g}{percent}"


def cells(line: str) -> list[str]:
    """Of a row of a Markdown table."""
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def read_part(text: str) -> tuple[str, Part]:
    """From its heading on."""
    heading, tools, *lines = (line for line in text.splitlines() if line.strip())
    rows = {}
    for line in lines[2:]:
        name, *numbers = cells(line)
        values = zip(COLUMNS, numbers, strict=True)
        rows[name] = {column: float(number) for column, number in values if number}
    return heading, Part(tools, rows)


def read() -> Parts:
    """What is in the tree; nothing, if there is no table."""
    try:
        with open(PATH, encoding="utf-8") as file:
            text = file.read()
    except FileNotFoundError:
        return {}
    return dict(read_part(part) for part in re.split(r"^## ", text, flags=re.M)[1:])


def lines_of(title: str, part: Part) -> Iterator[str]:
    """As Markdown."""
    yield from ("", f"## {title}", "", part.tools, "")
    yield f"| path | {' | '.join(COLUMNS)} |"
    yield "|---" + "|--:" * len(COLUMNS) + "|"
    for name, values in part.rows.items():
        numbers = (f"{values[column]:.1f}" if column in values else "" for column in COLUMNS)
        yield f"| {name} | {' | '.join(numbers)} |"


def write(parts: Parts) -> None:
    """Puts these in the place of the table."""
    lines = [line for title, part in parts.items() for line in lines_of(title, part)]
    with open(PATH, "w", encoding="utf-8") as file:
        file.write(HEAD + "\n".join(lines) + "\n")


def changes(old: Part, new: Part) -> Iterator[Change]:
    """Path by path, in the order of the new ones."""
    for name, values in new.rows.items():
        before = old.rows.get(name, {})
        for column, value in values.items():
            if column in before and before[column] != value:
                yield Change(name, column, before[column], value)
