# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which memory an x86-64 instruction touches, from what objdump says of it.

Only the operands that are written out: what push, pop, call and ret do to the stack is left out
with the rest of the stack.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Sequence
from typing import NamedTuple

from .programs import run

REGISTERS = [
    *("rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi"),
    *("r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"),
]
"""In the order of the records of stepper.c."""

SLOT = 32
"""Each instruction is disassembled by itself: nops around it, so that the next is found."""
NOP = b"\x90"

OPERAND = re.compile(
    r"(?P<segment>%\wS:|%\ws:)?(?P<displacement>-?0x[0-9a-f]+)?"
    r"(?P<registers>\((?:%(?P<base>\w+))?(?:,%(?P<index>\w+),(?P<scale>\d))?\))?"
)
PREFIXES = {"lock", "rep", "repz", "repnz", "bnd", "notrack", "data16", "cs", "ds", "addr32"}
NO_ACCESS = re.compile(r"nop|lea|prefetch|endbr|j[a-z]+$|call$|xbegin|rdsspq")
ONLY_READS = re.compile(
    r"v?u?comis|cmp(?!xchg)|test|bt[lq]?$|push|i?mul|i?div|fi?ld|ldmxcsr|scas|v?ptest"
)
ALWAYS_WRITES = re.compile(r"xchg|cmpxchg|xadd")


class Operand(NamedTuple):
    """A memory operand: base + scaled * scale + displacement; base and scaled are registers."""

    base: int | None
    scaled: int | None
    scale: int
    displacement: int
    in_thread: bool
    """Relative to fs: the thread's own."""
    relative: bool
    """Relative to the next instruction; the displacement counts from this one."""
    writes: bool

    def address(self, rip: int, general: Sequence[int], fs: int) -> int:
        """Where it lies, given the registers before the instruction."""
        address = self.displacement + (rip if self.relative else 0)
        if self.base is not None:
            address += general[self.base]
        if self.scaled is not None:
            address += general[self.scaled] * self.scale
        if self.in_thread:
            address += fs
        return address & 0xFFFF_FFFF_FFFF_FFFF


def operand_of(found: re.Match[str], length: int, writes: bool) -> Operand:
    """From what the pattern found in an instruction of so many bytes."""
    base, index = found["base"], found["index"]
    displacement = int(found["displacement"] or "0", 16)
    relative = base == "rip"
    return Operand(
        None if base is None or relative else REGISTERS.index(base),
        None if index in (None, "riz") else REGISTERS.index(index),
        int(found["scale"] or 1),
        displacement + (length if relative else 0),
        found["segment"] == "%fs:",
        relative,
        writes,
    )


def operands_of(text: str, length: int) -> list[Operand]:
    """Of an instruction as objdump writes it: 'lock xadd %rax,0x10(%rdi)'."""
    words = text.split("#")[0].split("<")[0].split()
    while words and (words[0] in PREFIXES or words[0].startswith("rex")):
        words.pop(0)
    if not words:
        return []
    mnemonic, operands = words[0], "".join(words[1:])
    indirect = operands.startswith("*")
    if NO_ACCESS.match(mnemonic) and not indirect:
        return []
    found = [
        match
        for match in OPERAND.finditer(operands.lstrip("*"))
        if match["registers"] or match["segment"]
    ]
    last = len(operands.lstrip("*"))
    only_reads = indirect or ONLY_READS.match(mnemonic) is not None
    return [
        operand_of(
            match,
            length,
            bool(ALWAYS_WRITES.match(mnemonic)) or (match.end() == last and not only_reads),
        )
        for match in found
    ]


def disassemble(codes: Sequence[bytes]) -> list[list[Operand]]:
    """The memory operands of each of these instructions, which are 15 bytes or less."""
    with tempfile.TemporaryDirectory() as scratch:
        path = os.path.join(scratch, "code")
        with open(path, "wb") as file:
            for code in codes:
                file.write(code.ljust(SLOT, NOP))
        command = ["objdump", "-D", "-b", "binary", "-m", "i386:x86-64", "--insn-width=16", path]
        text = run(command)
    operands: list[list[Operand]] = [[] for _ in codes]
    for line in re.finditer(r"^ *([0-9a-f]+):\t([0-9a-f ]+)\t(.*)$", text, re.MULTILINE):
        slot, rest = divmod(int(line[1], 16), SLOT)
        if rest == 0:
            operands[slot] = operands_of(line[3], len(line[2].split()))
    return operands
