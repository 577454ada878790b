# SPDX-License-Identifier: LGPL-2.1-or-later
"""The ways of doing the job that are compared, with their names and colors."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from jobs import (
    Index,
    index_concurrently,
    index_merged,
    index_nothing,
    index_per_file,
    index_plainly,
    index_with_locks,
)


class Way(NamedTuple):
    """A way of doing the job, as measured and shown."""

    name: str
    run: Callable[..., Index]
    color: str
    ours: bool = False
    counts: bool = True
    """False for the ceiling, which has only the number of identifiers to agree on."""
    threaded: bool = True

    def difference(self, index: Index, expected: Index) -> str | None:
        """What is wrong in `index`, in words, or None."""
        pairs = [
            ("files", index.files, expected.files),
            ("bytes", index.size, expected.size),
            ("identifiers", index.identifiers, expected.identifiers),
        ]
        if self.counts:
            pairs.append(("different identifiers", len(index.counts), len(expected.counts)))
            pairs.append(("sum of the counts", sum(index.counts.values()), expected.identifiers))
        for what, got, wanted in pairs:
            if got != wanted:
                return f"{what}: {got:,} instead of {wanted:,}"
        if self.counts and dict(index.counts) != dict(expected.counts):
            wrong = next(k for k, v in expected.counts.items() if index.counts.get(k) != v)
            return f"{wrong!r}: {index.counts.get(wrong)} instead of {expected.counts[wrong]}"
        return None


OURS = Way("ours: d.add for each", index_concurrently, "#0b5fa5", ours=True)
PER_FILE = Way("ours: Counter per file", index_per_file, "#7fb5e6", ours=True)
LOCKED = Way("dict + Lock + Queue", index_with_locks, "#d1495b")
MERGED = Way("Counter per thread", index_merged, "#e6a23c")
PLAIN = Way("plain loop, no thread", index_plainly, "#555555", threaded=False)
CEILING = Way("tokenizing alone", index_nothing, "#bbbbbb", counts=False)
OUR_WAYS = (OURS, PER_FILE)
OTHER_WAYS = (LOCKED, MERGED, PLAIN)
WAYS = (OURS, PER_FILE, LOCKED, MERGED, PLAIN, CEILING)
