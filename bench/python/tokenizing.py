# SPDX-License-Identifier: LGPL-2.1-or-later
"""The whole job of examples/python: count the identifiers of the standard library's source.

Its floor is the same job without the counting: that bounds how the rest can scale.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from typing import Any

from workload import NEEDS_MANY_WRITERS, Kind, Library, Plan, Workload

EXAMPLES = os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples", "python"
)
BYTES = 500_000
"""Of source, in one time over."""


def way_named(name: str) -> Any:
    """A way of the example."""
    sys.path.insert(0, EXAMPLES)
    import ways

    return getattr(ways, name)


class Job(Library):
    """One way of doing it."""

    way = ""


class Ours(Job):
    """Adds to a ConcurrentDict."""

    name, role, way = "ConcurrentDict.add", "ours", "OURS"
    how = "a step for each identifier"


class OursPerFile(Job):
    """Adds a file's counts to a ConcurrentDict."""

    name, role, way = "ConcurrentDict.add per file", "ours", "PER_FILE"
    how = "a Counter for each file"


class Locked(Job):
    """The standard library's."""

    name, way = "dict + Lock", "LOCKED"
    how = "a step for each identifier"


class Merged(Job):
    """The standard library's, shared at the end."""

    name, way, differs = "Counter per thread", "MERGED", "nobody can look before the end"


class Plain(Job):
    """No threads."""

    name, way, cannot = "plain loop", "PLAIN", NEEDS_MANY_WRITERS
    differs = "no threads"


class Ceiling(Job):
    """The same without counting."""

    name, role, way = "tokenizing alone", "floor", "CEILING"
    differs = "counts nothing"


def choose_sources() -> list[str]:
    """About BYTES of the standard library, the same files each time."""
    chosen, size = [], 0
    directory = sysconfig.get_path("stdlib")
    for name in sorted(os.listdir(directory)):
        path = os.path.join(directory, name)
        if name.endswith(".py") and size + os.path.getsize(path) <= BYTES:
            chosen.append(path)
            size += os.path.getsize(path)
    return chosen


def count(library: Any, threads: int) -> Plan:
    """Every run must count what the plain loop counts."""
    way, paths = way_named(library.way), choose_sources()
    expected = way_named("PLAIN").run(paths)

    def seconds(loops: int) -> float:
        elapsed = 0.0
        for _ in range(loops):
            index = way.run(paths, threads)
            wrong = way.difference(index, expected)
            if wrong is not None:
                raise ValueError(f"{library.name}: {wrong}")
            elapsed += index.seconds
        return elapsed

    return Plan(seconds, expected.identifiers)


JOBS = Kind(
    "job",
    [
        Workload(
            "count-identifiers",
            "count the identifiers of 0.5 MB of source",
            "identifier",
            (1, 2, 4),
            count,
            NEEDS_MANY_WRITERS,
        )
    ],
    [Ours, OursPerFile, Locked, Merged, Plain, Ceiling],
)
