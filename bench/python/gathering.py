# SPDX-License-Identifier: LGPL-2.1-or-later
"""Results that come in any order and are taken in that of their keys."""

from __future__ import annotations

from typing import Any

from workload import Kind, Library, Plan, Work, Workload, expect, plan

ITEMS = 1200
"""In one time over, from all threads."""


class Ours(Library):
    """This library."""

    name, role = "ConcurrentGatheringIterator", "ours"

    @staticmethod
    def make() -> Any:
        """A new one."""
        from concurrency import ConcurrentGatheringIterator

        return ConcurrentGatheringIterator()


class FtUtils(Library):
    """ft_utils."""

    name = "ft_utils.ConcurrentGatheringIterator"

    @classmethod
    def load(cls) -> None:
        """Imports it."""
        import ft_utils.concurrency  # noqa: F401

    @staticmethod
    def make() -> Any:
        """A new one."""
        from ft_utils.concurrency import ConcurrentGatheringIterator

        return ConcurrentGatheringIterator()


def insert(gathering: Any, first: int, step: int) -> Work:
    """Every `step`-th key."""

    def work(_loops: int) -> None:
        for key in range(first, ITEMS, step):
            gathering.insert(key, key)

    return work


def take(gathering: Any) -> Work:
    """All of them, in order."""

    def work(_loops: int) -> None:
        wanted = 0
        for value in gathering.iterator(ITEMS - 1):
            if value != wanted:
                expect("in order", value, wanted)
            wanted += 1
        expect("items", wanted, ITEMS)

    return work


def gather(library: Any, threads: int) -> Plan:
    """One thread takes, the others insert."""

    def seconds(loops: int) -> float:
        elapsed = 0.0
        for _ in range(loops):
            gathering = library.make()
            inserts = [insert(gathering, i, threads - 1) for i in range(threads - 1)]
            elapsed += plan([take(gathering), *inserts], ITEMS).seconds(1)
        return elapsed

    return Plan(seconds, ITEMS)


def gather_alone(library: Any, _threads: int) -> Plan:
    """All inserted, then all taken."""

    def seconds(loops: int) -> float:
        elapsed = 0.0
        for _ in range(loops):
            gathering = library.make()
            elapsed += plan([insert(gathering, 0, 1)], ITEMS).seconds(1)
            elapsed += plan([take(gathering)], ITEMS).seconds(1)
        return elapsed

    return Plan(seconds, ITEMS)


GATHERING = Kind(
    "gathering",
    [
        Workload("gather", "one takes in order, the others insert", "item", (2, 4), gather),
        Workload("gather-alone", "insert all, then take all", "item", (1,), gather_alone),
    ],
    [Ours, FtUtils],
)
