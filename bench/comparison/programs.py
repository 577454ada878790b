# SPDX-License-Identifier: LGPL-2.1-or-later
"""Builds the benchmark programs; one that cannot be built is left out and named."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from typing import NamedTuple

from .cases import Missing, Program

BENCH = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Source(NamedTuple):
    """A program of bench/c, what its peers are called, and the tool it is built with."""

    name: str
    title: str
    tool: str
    quick: bool = True
    """False: fetching and building it takes minutes."""


SOURCES = (
    Source("ours", "libconcurrency", "make"),
    Source("floor", "the floor", "make"),
    Source("urcu", "liburcu", "make"),
    Source("ck", "Concurrency Kit", "make"),
    Source("std", "the C++ library behind locks", "make"),
    Source("tbb", "oneTBB", "make"),
    Source("rust", "Rust: dashmap, papaya, scc, crossbeam", "cargo", quick=False),
    Source("go", "Go: sync.Map, channels", "go", quick=False),
    Source("java", "Java: ConcurrentHashMap, JCTools", "javac", quick=False),
)


class CannotBuild(Exception):
    """Our own program does not build."""


def reason_of(output: str) -> str:
    """The line that says most of a failed build."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if "error" in line.lower() and "***" not in line]
    return (telling or lines or ["no message"])[0]


def build(source: Source, tree: str) -> Program | Missing:
    """Builds one into bench/programs/ of the built tree."""
    if shutil.which(source.tool) is None:
        return Missing(source.title, f"{source.tool} is not installed")
    answer = subprocess.run(
        ["make", "-s", "-C", os.path.join(BENCH, "c"), f"BUILD={tree}", source.name],
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode != 0:
        return Missing(source.title, reason_of(answer.stderr + answer.stdout))
    return Program(source.name, "C", (os.path.join(tree, "bench", "programs", source.name),))


def c_programs(
    tree: str, quick: bool, tick: Callable[[str], None]
) -> tuple[list[Program], list[Missing]]:
    """Those that can be built; raises CannotBuild if ours cannot."""
    built: list[Program] = []
    missing: list[Missing] = []
    for source in SOURCES:
        if quick and not source.quick:
            missing.append(Missing(source.title, "takes too long for --quick"))
            continue
        tick(source.title)
        one = build(source, tree)
        if isinstance(one, Program):
            built.append(one)
        elif source.name == "ours":
            raise CannotBuild(one.reason)
        else:
            missing.append(one)
    return built, missing


def python_program() -> Program:
    """The Python level, run by the interpreter that runs this."""
    return Program(
        "python", "Python", (sys.executable, os.path.join(BENCH, "python", "worker.py"))
    )
