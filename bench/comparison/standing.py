# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where we stand: how far above the floor, and how much of the best peer's time we take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from .cases import FLOOR, OURS, PEER, Case
from .rounds import Results

LOCKED_ADDS = {"pairs": (2, 1), "burst": (2, 1), "hot-key": (1, 64), "counter": (1, 64)}
"""By workload, how many locked instructions it cannot do without, and up to how many threads that
is its floor.  The other floors are libraries that run the workload itself."""


class Standing(NamedTuple):
    """Ours in one workload with so many threads."""

    ours: Case
    ns: float
    floor: Case | None
    to_floor: float | None
    best: Case | None
    to_best: float | None

    def words(self) -> str:
        """'1.15x the floor, 0.62x the best peer (TBB)'."""
        parts = []
        if self.floor is not None:
            parts.append(f"{self.to_floor:.2f}x the floor ({self.floor.library.name})")
        if self.best is not None:
            parts.append(f"{self.to_best:.2f}x the best peer ({self.best.library.name})")
        return ", ".join(parts) or "no peer does this here"


def groups_of(results: Results) -> Iterator[list[Case]]:
    """The cases of one workload and number of threads, in the order of the results."""
    groups: dict[tuple[str, str, int], list[Case]] = {}
    for key, case in results.cases.items():
        groups.setdefault(key[:3], []).append(case)
    yield from groups.values()


def find_floor(results: Results, ours: Case, group: list[Case]) -> Case | None:
    """What bounds this workload from below on this machine, if we measured it."""
    workload = ours.workload
    adds, most_threads = LOCKED_ADDS.get(workload.name, (0, 0))
    if workload.level == "C" and adds:
        name = f"{adds} locked add{'s' if adds > 1 else ''}"
        key = (workload.level, "counter", ours.threads, name)
        return results.cases.get(key) if ours.threads <= most_threads else None
    floors = [case for case in group if case.library.role == FLOOR]
    return min(floors, key=lambda case: results.median(case) or 1e99, default=None)


def does_the_same(ours: Case, other: Case) -> bool:
    """Whether it may be called the best peer: a bounded queue has bounded queues as peers."""
    return other.library.role == PEER and other.library.differs == ours.library.differs


def standing(results: Results, ours: Case, group: list[Case]) -> Standing | None:
    """None if ours did not finish."""
    ns = results.median(ours)
    if ns is None:
        return None
    peers = [case for case in group if does_the_same(ours, case) and results.median(case)]
    best = min(peers, key=lambda case: results.median(case) or 0, default=None)
    floor = find_floor(results, ours, group)
    return Standing(
        ours,
        ns,
        floor,
        results.ratio(ours, floor) if floor else None,
        best,
        results.ratio(ours, best) if best else None,
    )


def standings(results: Results) -> Iterator[Standing]:
    """All of ours."""
    for group in groups_of(results):
        for case in group:
            if case.library.role == OURS:
                ours = standing(results, case, group)
                if ours is not None:
                    yield ours
