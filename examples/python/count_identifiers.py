#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Indexes the interpreter's own standard library with threads, and compares ways of doing so.

    python3 count_identifiers.py                the standard library, one thread for each core
    python3 count_identifiers.py DIRECTORY      any tree of .py files
    python3 count_identifiers.py --quick        about 1 MB of it

First the whole job, once: count every identifier of every file into one ConcurrentDict (jobs.py,
the function index_concurrently, is what to copy).  Then the same job in several ways, with one
thread, with N and with 2N.  Leaves files.tsv (a line for each file, in order), results.json and a
picture in the output directory.  Exit status 1 if any way came to another result than a single
thread with a Counter.
"""

from __future__ import annotations

import argparse
import os
import sys
import sysconfig
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

HERE = os.path.dirname(os.path.abspath(__file__))
try:
    import report
    from jobs import Index, index_concurrently
    from measure import Comparison, WrongTotals, check, compare, run_round
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
    from sources import FileResult, find_sources
    from ways import OURS, PLAIN, WAYS
except ModuleNotFoundError as missing:
    REMEDIES = {
        "concurrency": "run this with ./quickstart, or: pip install libconcurrency",
        "rich": f"{sys.executable} -m pip install -r {HERE}/requirements.txt",
    }
    if missing.name not in REMEDIES:
        raise
    sys.exit(f"{missing}: {REMEDIES[missing.name]}")

NOT_THE_LIBRARY = frozenset({"site-packages", "dist-packages"})
"""Below the standard library's directory, but installed by somebody else."""


class NothingToCount(Exception):
    """There is no .py file that can be read."""


class Effort(NamedTuple):
    """How much to compare."""

    size: int
    """Bytes of source, at most (the whole job before takes all there is)."""
    least_rounds: int
    """The size is cut so that so many rounds fit into the time."""
    most_rounds: int
    budget: float
    """Seconds."""


FULL = Effort(size=12_000_000, least_rounds=3, most_rounds=5, budget=50.0)
QUICK = Effort(size=1_000_000, least_rounds=3, most_rounds=3, budget=7.0)
WARM_UP = 300_000
"""Bytes; a round over these tells how long one takes."""


def parse_arguments() -> argparse.Namespace:
    """Reads the command line; ends the program with status 2 if it makes no sense."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument(
        "directory", nargs="?", help="where to look (default: the standard library)"
    )
    parser.add_argument(
        "--threads",
        type=int,
        default=report.core_count(),
        metavar="N",
        help="worker threads (default: the number of cores, %(default)s)",
    )
    parser.add_argument("--quick", action="store_true", help="take about 1 MB, and fewer rounds")
    parser.add_argument(
        "--output",
        default="count_identifiers.results",
        metavar="DIR",
        help="where to put the results (default: %(default)s)",
    )
    arguments = parser.parse_args()
    if arguments.threads < 1:
        parser.error("--threads must be at least 1")
    if arguments.directory is not None and not os.path.isdir(arguments.directory):
        parser.error(f"{arguments.directory}: no such directory")
    return arguments


def choose(files: Iterable[tuple[str, int]], limit: float) -> list[str]:
    """Of these paths and sizes, the paths of about `limit` bytes, spread evenly; at least one."""
    sizes = list(files)
    total = sum(size for _, size in sizes)
    chosen, seen, taken = [], 0, 0
    for path, size in sizes:
        seen += size
        if (taken + size) * total <= limit * seen:
            chosen.append(path)
            taken += size
    return chosen or [path for path, _ in sizes[:1]]


def size_of(path: str) -> int:
    """The size of a file, or 0: whoever reads it will find out why."""
    try:
        return os.path.getsize(path)
    except OSError:
        return 0


def say(console: Console, text: str) -> None:
    """Prints a line as it is: paths in it stay in one piece."""
    console.print(text, soft_wrap=True)


@contextmanager
def progress_bar(console: Console, *, live: bool) -> Iterator[Progress]:
    """A progress bar on a terminal; elsewhere one that shows nothing.

    Not `live`: it moves only when told to, so that no thread of its own disturbs what is measured.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(
        *columns,
        console=console,
        auto_refresh=live,
        transient=True,
        disable=not console.is_terminal,
    ) as progress:
        yield progress


def index_all(
    console: Console, paths: Iterable[str], threads: int, output: str
) -> tuple[Index, list[FileResult]]:
    """The whole job: every file, with `threads` threads; writes a line for each into files.tsv."""
    results: list[FileResult] = []
    with (
        open(os.path.join(output, "files.tsv"), "w", encoding="utf-8", errors="replace") as listing,
        progress_bar(console, live=True) as progress,
    ):
        print("path", "bytes", "identifiers", "different", "problem", sep="\t", file=listing)
        task = progress.add_task("indexing", total=None)

        def walked() -> Iterator[str]:
            known = 0
            for path in paths:
                known += 1
                yield path
            progress.update(task, total=known)

        def take(result: FileResult) -> None:
            results.append(result)
            print(*result[:4], result.problem or "", sep="\t", file=listing)
            progress.advance(task)

        index = index_concurrently(walked(), threads, take)
    return index, results


def do_whole_job(console: Console, arguments: argparse.Namespace) -> tuple[Index, list[FileResult]]:
    """Walks, counts, checks, and says what was found."""
    directory = arguments.directory or sysconfig.get_path("stdlib")
    skip = NOT_THE_LIBRARY if arguments.directory is None else frozenset()
    say(
        console,
        f"Counting the identifiers of the .py files in {directory} in "
        f"{report.plural(arguments.threads)}",
    )
    problems: list[str] = []
    paths: Iterable[str] = find_sources(directory, skip, lambda error: problems.append(str(error)))
    if arguments.quick:
        paths = choose(((path, size_of(path)) for path in paths), QUICK.size)
    index, results = index_all(console, paths, arguments.threads, arguments.output)

    problems += [f"{result.path}: {result.problem}" for result in results if result.problem]
    if problems:
        say(console, f"{len(problems)} could not be read or decoded, and are not counted:")
        for problem in problems[:5]:
            say(console, f"  {problem}")
        if problems[5:]:
            say(console, f"  ... and {len(problems) - 5} more")
    if index.files == 0:
        raise NothingToCount(f"{directory}: no .py file to count")
    check(OURS, arguments.threads, index, PLAIN.run([result.path for result in results]))
    say(
        console,
        f"{index.files:,} files, {index.size / 1e6:.1f} MB, {index.identifiers:,} identifiers, "
        f"{len(index.counts):,} different, in {index.seconds:.2f} s. "
        "A single thread with a collections.Counter counts the same.",
    )
    richest = max(results, key=lambda result: result.different)
    say(console, f"The file with the most different ones, {richest.different:,}, is {richest.path}")
    report.print_top(console, index)
    return index, results


def do_comparison(
    console: Console, results: list[FileResult], threads: int, effort: Effort
) -> Comparison:
    """The same job in several ways, on as many of the files as there is time for."""
    files = [(result.path, result.size) for result in results if result.problem is None]
    thread_counts = sorted({1, threads, 2 * threads})
    runs = sum(len(thread_counts) if way.threaded else 1 for way in WAYS)
    with progress_bar(console, live=False) as progress:
        task = progress.add_task("comparing", total=runs * (effort.most_rounds + 1), completed=-1)

        def tick(description: str) -> None:
            progress.update(task, advance=1, description=description, refresh=True)

        started = time.monotonic()
        few = choose(files, WARM_UP)
        warm = PLAIN.run(few)
        run_round(WAYS, thread_counts, few, warm, tick)
        seconds_per_byte = (time.monotonic() - started) / max(warm.size, 1)
        affordable = effort.budget / effort.least_rounds / seconds_per_byte
        size = max(WARM_UP, min(effort.size, affordable))

        chosen = choose(files, size)
        expected = PLAIN.run(chosen)
        comparison = compare(
            WAYS,
            thread_counts,
            chosen,
            expected,
            most_rounds=effort.most_rounds,
            budget=effort.budget,
            tick=tick,
        )
    say(
        console,
        f"\nThe same job on {expected.files:,} of these files ({expected.size / 1e6:.1f} MB, in "
        f"the page cache) in {len(WAYS)} ways, as often as there was time for. Every run of every "
        "way counted what a single thread counts.",
    )
    return comparison


def draw(
    console: Console, comparison: Comparison, facts: dict[str, object], output: str
) -> list[str]:
    """Draws the picture, if the plotting library is there, and returns the paths."""
    try:
        import picture  # only now: see there
    except ImportError as error:
        say(console, f"\nNo picture ({error}): pip install -r {HERE}/requirements.txt")
        return []
    title = f"Counting the identifiers of {comparison.size / 1e6:.1f} MB of Python source"
    note = (
        f"{report.describe(facts)}\n"
        f"median of {len(comparison.rounds)} interleaved round(s), whiskers: the least and the most"
    )
    return picture.draw(comparison, title, note, output)


def run(console: Console, arguments: argparse.Namespace) -> None:
    """Does all of it."""
    facts = report.environment()
    say(console, report.describe(facts))
    os.makedirs(arguments.output, exist_ok=True)
    index, results = do_whole_job(console, arguments)
    effort = QUICK if arguments.quick else FULL
    comparison = do_comparison(console, results, arguments.threads, effort)
    if report.gil_enabled() != facts["gil_enabled"]:
        raise RuntimeError("the GIL was switched on while this ran: the figures mean nothing")
    report.print_comparison(console, comparison)
    report.print_ratios(console, comparison)
    report.print_verdict(console, comparison, facts)
    saved = [os.path.join(arguments.output, name) for name in ("files.tsv", "results.json")]
    report.save(saved[1], facts, index, comparison, arguments.threads)
    saved += draw(console, comparison, facts, arguments.output)
    say(console, "\nSaved: " + ", ".join(saved))


def main() -> int:
    """The program; returns its exit status."""
    arguments = parse_arguments()
    console = Console(highlight=False, markup=False)
    try:
        run(console, arguments)
    except WrongTotals as error:
        say(console, f"WRONG TOTALS: {error}")
    except (NothingToCount, OSError) as error:
        say(console, f"Cannot go on: {error}")
    except KeyboardInterrupt:
        say(console, "Interrupted")
        return 130
    else:
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
