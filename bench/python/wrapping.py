# SPDX-License-Identifier: LGPL-2.1-or-later
"""What LocalWrapper is for: threads that use one object write its reference count each time."""

from __future__ import annotations

from typing import Any

from dicts import IMMORTAL, KEYS, fill, interned
from workload import Kind, Library, Plan, Work, Workload, plan


class Bare(Library):
    """The shared dict itself."""

    name, how = "the object itself", "every use writes its count"

    @staticmethod
    def wrap(mapping: Any) -> Any:
        """As it is."""
        return mapping


class Ours(Library):
    """This library."""

    name, role = "LocalWrapper", "ours"

    @staticmethod
    def wrap(mapping: Any) -> Any:
        """One for the calling thread."""
        from concurrency import LocalWrapper

        return LocalWrapper(mapping)


class FtUtils(Library):
    """ft_utils."""

    name = "ft_utils.LocalWrapper"

    @classmethod
    def load(cls) -> None:
        """Imports it."""
        import ft_utils.local  # noqa: F401

    @staticmethod
    def wrap(mapping: Any) -> Any:
        """One for the calling thread."""
        from ft_utils.local import LocalWrapper

        return LocalWrapper(mapping)


def get(library: Any, threads: int) -> Plan:
    """All threads get from one ConcurrentDict, each through a wrapper that it made."""
    from concurrency import ConcurrentDict

    keys = interned(0)
    shared = fill(ConcurrentDict(), keys, IMMORTAL)

    def work(loops: int) -> None:
        mapping = library.wrap(shared)
        for _ in range(loops):
            for key in keys:
                mapping[key]

    works: list[Work] = [work] * threads
    return plan(works, KEYS * threads)


WRAPPING = Kind(
    "wrapper",
    [Workload("wrapped-get", "w[k] of a shared ConcurrentDict", "get", (1, 2, 4), get)],
    [Ours, Bare, FtUtils],
)
