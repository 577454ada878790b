# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is counted: paths.c and paths.py, with the tools that decide what comes out."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from typing import NamedTuple

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
INCLUDE = os.path.join(HERE, "..", "..", "include")

DESCRIBE_PYTHON = """\
import platform, sys
gil = getattr(sys, "_is_gil_enabled", lambda: True)()
print("Python", platform.python_version() + ("" if gil else " without the GIL"))
print(platform.python_compiler())
"""


class CannotRun(Exception):
    """Something that is needed is missing or failed; the message says what."""


class Program(NamedTuple):
    """One of the two, to be called with the number of operations."""

    title: str
    """Of its part of the table."""
    tools: str
    """Counts made with others cannot be compared."""
    command: tuple[str, ...]
    environment: dict[str, str]


def run(command: Sequence[str], environment: dict[str, str] | None = None) -> str:
    """What it prints; raises CannotRun."""
    try:
        answer = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False
        )
    except OSError as problem:
        raise CannotRun(f"{command[0]}: {problem.strerror}") from None
    if answer.returncode != 0:
        lines = (answer.stderr + answer.stdout).strip().splitlines() or ["no message"]
        raise CannotRun(f"{' '.join(command[:2])} ...: {lines[-1]}")
    return answer.stdout


def make_variable(makefile: str, name: str) -> str:
    """As configure wrote it; '' if it did not."""
    try:
        with open(makefile, encoding="utf-8") as file:
            found = re.search(rf"^{name} = (.*)$", file.read(), re.MULTILINE)
    except OSError as problem:
        raise CannotRun(f"{makefile}: {problem.strerror}: not a built tree") from None
    return found[1].strip() if found else ""


def library_tools(tree: str) -> str:
    """With what the library of this tree was built, and what it calls."""
    makefile = os.path.join(tree, "lib", "Makefile")
    compiler = run([*make_variable(makefile, "CC").split(), "--version"]).splitlines()[0]
    flags = make_variable(makefile, "CFLAGS")
    urcu = run(["pkg-config", "--modversion", "liburcu-bp"]).strip()
    libc = run(["getconf", "GNU_LIBC_VERSION"]).strip()
    return f"{compiler}; {flags}; shared library; liburcu {urcu}; {libc}"


def environment_of(**more: str) -> dict[str, str]:
    """The same for everyone: its size and what is in it can be seen in the counts."""
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", **more}


def build(source: str, output: str, *flags: str) -> None:
    """Compiles a C program of this directory."""
    command = ["-std=gnu11", "-O2", "-Wall", "-Wextra", os.path.join(HERE, source), "-o", output]
    run(["gcc", *command, *flags])


def c_program(tree: str, scratch: str) -> Program:
    """paths.c with the tree's library."""
    library = os.path.join(tree, "lib", ".libs")
    paths = os.path.join(scratch, "paths")
    linked = (f"-L{library}", "-lconcurrency", f"-Wl,-rpath,{library}")
    build("paths.c", paths, f"-I{INCLUDE}", *linked)
    return Program("C", library_tools(tree), (paths,), environment_of())


def python_program(tree: str) -> Program | None:
    """paths.py with the tree's package and interpreter; None for a tree without Python."""
    python = make_variable(os.path.join(tree, "python", "Makefile"), "PYTHON")
    package = os.path.join(tree, "python")
    if not python or not os.path.isdir(os.path.join(package, "concurrency")):
        return None
    title, compiler = run([python, "-S", "-c", DESCRIBE_PYTHON]).splitlines()
    # No hash seed of chance, and no writing of .pyc files by the first run alone.
    environment = environment_of(
        PYTHONHASHSEED="0", PYTHONPATH=package, PYTHONDONTWRITEBYTECODE="1"
    )
    command = (python, "-S", "-s", os.path.join(HERE, "paths.py"))
    return Program(title, f"{compiler}; {library_tools(tree)}", command, environment)
