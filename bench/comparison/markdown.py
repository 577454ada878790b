# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes what results.json holds as a page of tables in Markdown.

    python3 -m comparison.markdown RESULTS.JSON     (in bench/) writes figures.md beside it
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from statistics import median
from typing import Any

Record = dict[str, Any]
"""One of the JSON objects that report.py makes."""

HEAD = """\
<!-- Written by bench/compare.py: do not edit. -->
# Benchmark figures

[What they mean, and where we lose](../benchmarks.md). Names in **bold** are ours; a star marks a
library that does another job. Where we stand: our time as a multiple of the best peer's that does
the same job, and of the floor's, each within a round, then the median; below 1 ours is faster."""


def escape(text: str) -> str:
    """As a cell or a heading shows it."""
    for special in ("\\", "|", "*", "_", "[", "<"):
        text = text.replace(special, "\\" + special)
    return text


def table(head: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> Iterator[str]:
    """The first `left` columns are words, the others figures."""
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * left + "--:|" * (len(head) - left)
    for row in rows:
        yield "| " + " | ".join(row) + " |"
    yield ""


def number(value: float | None) -> str:
    """Three digits that count; empty for none."""
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def name_of(record: Record) -> str:
    """Ours in bold, another job with a star."""
    name = escape(record["library"])
    if record["role"] == "ours":
        return f"**{name}**"
    return name + ("\\*" if record["differs"] else "")


def threads_of(count: int) -> str:
    """'1 thread', '2 threads'."""
    return f"{count} thread{'s' if count > 1 else ''}"


def grouped(records: Iterable[Record], *fields: str) -> dict[tuple[Any, ...], list[Record]]:
    """In the order in which they come."""
    groups: dict[tuple[Any, ...], list[Record]] = {}
    for record in records:
        groups.setdefault(tuple(record[field] for field in fields), []).append(record)
    return groups


def how_of(record: Record) -> str:
    """How the library is called, and what it does otherwise."""
    return escape("; ".join(filter(None, (record["how"], record["differs"]))))


def cross(
    records: Sequence[Record],
    column: Callable[[Record], str],
    cell: Callable[[Record], str],
    more: dict[str, Callable[[Record], str]] | None = None,
) -> Iterator[str]:
    """Libraries down, `more` of each, and what `column` says across."""
    more = more or {}
    columns = list(dict.fromkeys(map(column, records)))
    rows = []
    for mine in grouped(records, "library").values():
        cells = {column(record): cell(record) for record in mine}
        words = [name_of(mine[0]), *(tell(mine[0]) for tell in more.values())]
        rows.append([*words, *(cells.get(one, "") for one in columns)])
    yield from table(["library", *more, *columns], rows, 1 + len(more))


def facts(report: Record) -> Iterator[str]:
    """The machine, the versions, and what is missing."""
    machine = report["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    yield f"- {machine['date']}; {report['rounds']} rounds"
    yield f"- {machine['processor']}, {machine['cores']} cores, {machine['kernel']}"
    yield f"- Python {machine['python']}"
    yield f"- {escape(versions)}"
    for one in report["missing"]:
        yield f"- left out: {escape(one['name'])}: {escape(one['reason'])}"
    yield ""


def ratio_cell(record: Record) -> str:
    """'0.62 (TBB); floor 1.15'."""
    parts = []
    if record["times_the_best_peer"] is not None:
        parts.append(f"{record['times_the_best_peer']:.2f} ({escape(record['best_peer'])})")
    if record["times_the_floor"] is not None:
        parts.append(f"floor {record['times_the_floor']:.2f}")
    return "; ".join(parts)


def standing(report: Record) -> Iterator[str]:
    """A line for each workload and each library of ours."""
    titles = {(one["level"], one["workload"]): one["title"] for one in report["results"]}
    for (level,), records in grouped(report["standing"], "level").items():
        counts = sorted({record["threads"] for record in records})
        rows = []
        for (workload, library), mine in grouped(records, "workload", "library").items():
            cells = {record["threads"]: ratio_cell(record) for record in mine}
            title = f"{escape(titles[level, workload])}: **{escape(library)}**"
            rows.append([title, *(cells.get(count, "") for count in counts)])
        yield f"### {level}\n"
        yield from table([f"{level}: ours", *map(threads_of, counts)], rows)


def timings(report: Record) -> Iterator[str]:
    """A table for each workload."""
    for (level, title, unit), records in grouped(
        report["results"], "level", "title", "unit"
    ).items():
        yield f"### {level}: {escape(title)} (ns per {unit})\n"
        yield from cross(
            records,
            lambda record: threads_of(record["threads"]),
            lambda record: "not finished" if record["failure"] else number(record["median_ns"]),
            {"how": how_of},
        )


def weights(report: Record) -> Iterator[str]:
    """A table for each kind: bytes."""
    for (level, kind), records in grouped(report["memory"], "level", "kind").items():
        yield f"### {level}: {kind}\n"
        yield from cross(
            records,
            lambda record: f"{escape(record['title'])}, {record['unit']}",
            lambda record: (
                "not finished" if record["failure"] else number(median(record["figures"]))
            ),
        )


def latencies(report: Record) -> Iterator[str]:
    """A table for each workload and number of threads."""
    shares = ("p50_ns", "p99_ns", "p99.9_ns", "max_ns")
    for (level, title, count, unit), records in grouped(
        report["latency"], "level", "title", "threads", "unit"
    ).items():
        yield f"### {level}: {escape(title)}, {threads_of(count)} (ns for one {unit})\n"
        yield from table(
            ["library", "p50", "p99", "p99.9", "max"],
            (
                [
                    name_of(record),
                    *("not finished" if record["failure"] else number(record[s]) for s in shares),
                ]
                for record in records
            ),
        )


def failures(report: Record) -> Iterator[str]:
    """What did not finish, and what it said."""
    for record in (*report["results"], *report["memory"], *report["latency"]):
        if record["failure"]:
            yield (
                f"- {record['level']}: {escape(record['library'])}, {escape(record['title'])}, "
                f"{threads_of(record['threads'])}: {escape(record['failure'])}"
            )
    yield ""


def page(report: Record) -> str:
    """All of it."""
    parts = [HEAD, "", *facts(report)]
    for heading, lines in (
        ("Where we stand", standing(report)),
        ("Time", timings(report)),
        ("Memory", weights(report)),
        ("Single operations", latencies(report)),
        ("Not finished", failures(report)),
    ):
        parts += [f"## {heading}\n", *lines]
    return "\n".join(parts).rstrip() + "\n"


def write(report: Record, path: str) -> None:
    """Writes the page."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(page(report))


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as results:
        write(json.load(results), os.path.join(os.path.dirname(sys.argv[1]), "figures.md"))
