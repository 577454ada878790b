# SPDX-License-Identifier: LGPL-2.1-or-later
"""How many cache lines an operation touches: of each path, one instruction at a time.

A line of 64 bytes counts once for each operation, as written or else as read.  The lines that are
written are the ones that threads can take away from each other, so they limit scaling.  The stack
is left out: it is always near, and nobody else's.  The processor runs stepper.c's program one
instruction at a time; an operation begins where the loop begins again.
"""

from __future__ import annotations

import os
import platform
import struct
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from .callgrind import names_of
from .operands import Operand, disassemble
from .programs import CannotRun, Program, build, run

COUNT = 41
"""Operations, the last of which is not seen whole: a queue's cells are 8 to a line."""

RECORD = struct.Struct("<18Q16s")
LINE = 64
BELOW_STACK = 1 << 16
ABOVE_STACK = 1 << 23
RSP = 5


class Lines(NamedTuple):
    """Per operation."""

    read: float
    written: float


class Step(NamedTuple):
    """One instruction: its address, and the lines that it touches."""

    rip: int
    read: tuple[int, ...]
    written: tuple[int, ...]


Record = tuple[int, ...]
Decoded = dict[int, list[Operand]]


def sections(data: bytes) -> Iterator[list[tuple[Record, bytes]]]:
    """The records of each loop: registers and code."""
    section: list[tuple[Record, bytes]] = []
    for *registers, code in RECORD.iter_unpack(data):
        if registers[0]:
            section.append((tuple(registers), code))
        else:
            yield section
            section = []


def decode(section: list[tuple[Record, bytes]]) -> Decoded:
    """The operands of the instructions, by address."""
    codes = {record[0]: code[:15] for record, code in section}
    return dict(zip(codes, disassemble(list(codes.values())), strict=True))


def step_of(record: Record, operands: list[Operand]) -> Step:
    """Where its operands lie, but for the stack."""
    rip, general, fs = record[0], record[1:17], record[17]
    stack = record[RSP]
    read: list[int] = []
    written: list[int] = []
    for operand in operands:
        address = operand.address(rip, general, fs)
        if not stack - BELOW_STACK <= address < stack + ABOVE_STACK:
            (written if operand.writes else read).append(address // LINE)
    return Step(rip, tuple(read), tuple(written))


def operations(steps: list[Step], count: int) -> Iterator[list[Step]]:
    """Cuts a loop of `count` rounds at an instruction that each begins with, the last one off."""
    often = Counter(step.rip for step in steps)
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    for i, step in enumerate(steps):
        if often[step.rip] == count:
            first.setdefault(step.rip, i)
            last[step.rip] = i
    # What else ran as often by chance did not do so from the first round to the last.
    begin = max(first, key=lambda rip: (last[rip] - first[rip], -first[rip]))
    cuts = [i for i, step in enumerate(steps) if step.rip == begin]
    for at, end in zip(cuts, cuts[1:], strict=False):
        yield steps[at:end]


def lines_of(section: list[tuple[Record, bytes]], count: int) -> Lines:
    """The mean over the operations of a loop."""
    operands = decode(section)
    steps = [step_of(record, operands[record[0]]) for record, _ in section]
    read = written = number = 0
    for operation in operations(steps, count):
        wrote = {line for step in operation for line in step.written}
        read += len({line for step in operation for line in step.read} - wrote)
        written += len(wrote)
        number += 1
    return Lines(read / number, written / number)


def make_stepper(scratch: str) -> str:
    """Builds stepper.c and tries it; raises CannotRun where that cannot be had."""
    if platform.machine() != "x86_64":
        raise CannotRun(f"operands are decoded for x86_64 only, and this is {platform.machine()}")
    stepper = os.path.join(scratch, "stepper")
    build("stepper.c", stepper)
    run([stepper, os.devnull, "/bin/true"])
    return stepper


def count(program: Program, scratch: str, stepper: str) -> dict[str, Lines]:
    """Runs it, one instruction at a time."""
    out = os.path.join(scratch, "steps")
    output = run([stepper, out, *program.command, str(COUNT)], program.environment)
    with open(out, "rb") as file:
        data = file.read()
    names = names_of(output)
    return {
        name: lines_of(section, COUNT) for name, section in zip(names, sections(data), strict=True)
    }
