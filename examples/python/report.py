# SPDX-License-Identifier: LGPL-2.1-or-later
"""Says what was run, on what, and how it compares: tables, plain words, and a JSON file."""

from __future__ import annotations

import json
import os
import platform
import sys
import sysconfig
from importlib import metadata

import concurrency
from jobs import Index
from measure import Comparison
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text
from ways import OTHER_WAYS, OUR_WAYS


def core_count() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def gil_enabled() -> bool:
    """Whether threads of this process take turns."""
    ask = getattr(sys, "_is_gil_enabled", None)
    return ask is None or bool(ask())


def library_version() -> str:
    """The version of libconcurrency that runs."""
    version = getattr(concurrency, "__version__", None)
    if version is None:
        try:
            version = metadata.version("libconcurrency")
        except metadata.PackageNotFoundError:
            version = "unknown version"
    return str(version)


def environment() -> dict[str, object]:
    """What the figures depend on."""
    return {
        "interpreter": f"{platform.python_implementation()} {platform.python_version()}",
        "free_threaded_build": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
        "gil_enabled": gil_enabled(),
        "cores": core_count(),
        "machine": f"{platform.system()} {platform.machine()}",
        "libconcurrency": library_version(),
    }


def describe(facts: dict[str, object]) -> str:
    """The same in one line."""
    build = "free-threaded build, " if facts["free_threaded_build"] else ""
    gil = "on" if facts["gil_enabled"] else "off"
    return (
        f"{facts['interpreter']}, {build}GIL {gil}, cores: {facts['cores']}, "
        f"{facts['machine']}, libconcurrency {facts['libconcurrency']}"
    )


def print_top(console: Console, index: Index) -> None:
    """The ten most frequent identifiers."""
    table = Table(
        title="Most frequent identifiers", box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True
    )
    table.add_column("identifier")
    table.add_column("times", justify="right")
    for identifier, times in sorted(index.counts.items(), key=lambda pair: (-pair[1], pair[0]))[
        :10
    ]:
        table.add_row(identifier, f"{times:,}")
    console.print(table)


def print_comparison(console: Console, comparison: Comparison) -> None:
    """Seconds of every way with every number of threads, and the speed-up over one thread."""
    title = "Seconds, and how many times as fast as with one thread (medians)"
    table = Table(title=title, box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("way")
    for threads in comparison.thread_counts:
        table.add_column(plural(threads), justify="right")
    for way in comparison.ways:
        cells = []
        for threads in comparison.thread_counts:
            if way.threaded or threads == 1:
                cell = f"{comparison.seconds(way, threads).median:.2f} s"
                if threads > 1:
                    cell += f"  {comparison.speed_up(way, threads).median:5.2f}x"
                cells.append(cell)
        table.add_row(way.name, *cells, style="bold" if way.ours else None)
    console.print(table)


def plural(threads: int) -> str:
    """'1 thread', '2 threads'."""
    return f"{threads} thread{'s' if threads > 1 else ''}"


def print_ratios(console: Console, comparison: Comparison) -> None:
    """Ours against the others: median of the rounds, and the least and most of them."""
    title = "How many times as fast as the others ours was; below 1: slower"
    table = Table(title=title, box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("ours against", no_wrap=True)
    for threads in comparison.thread_counts:
        table.add_column(plural(threads), justify="right")
    for ours in OUR_WAYS:
        table.add_row(ours.name, style="bold")
        for other in OTHER_WAYS:
            cells = []
            for threads in comparison.thread_counts:
                ratio = comparison.ratio(other, ours, threads)
                text = f"{ratio.median:.2f} ({ratio.least:.2f}-{ratio.most:.2f})"
                cells.append(Text(text, "red" if ratio.median < 1 else "green"))
            table.add_row(other.name, *cells)
        table.add_section()
    console.print(table)
    console.print(
        f"(Medians of {len(comparison.rounds)} interleaved round(s), least and most in brackets; "
        "each ratio is of two runs of one round.)"
    )


def print_verdict(console: Console, comparison: Comparison, facts: dict[str, object]) -> None:
    """In plain words where ours is slower, and what to make of it."""
    console.print("\nWhere ours is slower:")
    slower = 0
    for ours in OUR_WAYS:
        for other in OTHER_WAYS:
            ratios = [
                (n, comparison.ratio(ours, other, n).median) for n in comparison.thread_counts
            ]
            words = [f"{ratio:.2f} times with {plural(n)}" for n, ratio in ratios if ratio > 1.005]
            if words:
                slower += 1
                console.print(
                    f"- '{ours.name}' takes longer than '{other.name}': {', '.join(words)}"
                )
    if slower == 0:
        console.print("- nowhere in this comparison")
    console.print(
        "\nWhat to choose: 'Counter per thread' shares nothing until the end, which serves where "
        "nobody looks at the counts before. In the other ways every thread sees them all the time. "
        "'ours: Counter per file' makes fewer shared operations, one for each different identifier "
        "of a file. 'tokenizing alone' counts nothing: the ceiling for every way with threads."
    )
    if facts["gil_enabled"]:
        console.print(
            "\nThe GIL is on: threads take turns, and more of them cannot make any way faster. A "
            "free-threaded Python (python3.13t, python3.14t) shows what this library is for."
        )


def save(
    path: str, facts: dict[str, object], index: Index, comparison: Comparison, threads: int
) -> None:
    """Writes everything that was measured as JSON."""
    ways: dict[str, dict[str, dict[str, float]]] = {}
    for way in comparison.ways:
        counts = comparison.thread_counts if way.threaded else [1]
        ways[way.name] = {str(n): comparison.seconds(way, n)._asdict() for n in counts}
    rounds = [
        [{"way": name, "threads": n, "seconds": s} for (name, n), s in one.items()]
        for one in comparison.rounds
    ]
    report = {
        "environment": facts,
        "whole_job": {
            "threads": threads,
            "files": index.files,
            "bytes": index.size,
            "identifiers": index.identifiers,
            "different_identifiers": len(index.counts),
            "seconds": index.seconds,
        },
        "comparison": {"bytes": comparison.size, "seconds": ways, "rounds": rounds},
    }
    with open(path, "w", encoding="utf-8") as file:
        json.dump(report, file, indent=2)
        file.write("\n")
