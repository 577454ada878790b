# SPDX-License-Identifier: LGPL-2.1-or-later
"""Mappings: ConcurrentDict against dict, dict and a Lock, ft_utils and cereggii."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

from workload import (
    NEEDS_ADD,
    NEEDS_MANY_WRITERS,
    Kind,
    Library,
    Plan,
    Work,
    Workload,
    expect,
    plan,
)

KEYS = 1000
Keys = Sequence[Any]
LOCK = threading.Lock()

# ---- the libraries ----------------------------------------------------------


class Mapping(Library):
    """Whatever can be used with square brackets."""

    count = staticmethod(len)
    """How many entries it has."""

    @staticmethod
    def make() -> Any:
        """An empty one."""
        raise NotImplementedError

    @staticmethod
    def get(mapping: Any, keys: Keys) -> Work:
        """Gets each of the keys."""

        def work(loops: int) -> None:
            for _ in range(loops):
                for key in keys:
                    mapping[key]

        return work

    @staticmethod
    def set(mapping: Any, keys: Keys, values: Sequence[Any]) -> Work:
        """Sets each of the keys to one of the values."""

        def work(loops: int) -> None:
            for _ in range(loops):
                for key, value in zip(keys, values):  # noqa: B905 - as in C
                    mapping[key] = value

        return work

    @staticmethod
    def set_fresh(mapping: Any, keys: Keys) -> Work:
        """Sets each of the keys to an int made there and then."""

        def work(loops: int) -> None:
            number = 1_000_000
            for _ in range(loops):
                for key in keys:
                    number += 1
                    mapping[key] = number

        return work

    @staticmethod
    def churn(mapping: Any, keys: Keys) -> Work:
        """Inserts and deletes each of the keys."""

        def work(loops: int) -> None:
            for _ in range(loops):
                for key in keys:
                    mapping[key] = None
                for key in keys:
                    del mapping[key]

        return work

    @staticmethod
    def add(mapping: Any, keys: Keys) -> Work:
        """Adds 1 to the value of each of the keys, which start at 0."""

        def work(loops: int) -> None:
            for _ in range(loops):
                for key in keys:
                    mapping[key] += 1

        return work


class Ours(Mapping):
    """This library."""

    name, role = "ConcurrentDict", "ours"

    @staticmethod
    def make() -> Any:
        """An empty one."""
        from concurrency import ConcurrentDict

        return ConcurrentDict()

    @staticmethod
    def add(mapping: Any, keys: Keys) -> Work:
        """With add(), one atomic step."""

        def work(loops: int) -> None:
            for _ in range(loops):
                for key in keys:
                    mapping.add(key)

        return work


class Dict(Mapping):
    """The built-in one, whose single operations are safe without the GIL, too."""

    name = "dict"
    cannot = NEEDS_MANY_WRITERS  # d[k] += 1 is two steps
    make: Any = staticmethod(dict)


class LockedDict(Mapping):
    """A dict behind a Lock, as most programs that share one have it."""

    name, how = "dict + Lock", "with lock: ..."
    make: Any = staticmethod(dict)

    @staticmethod
    def get(mapping: Any, keys: Keys) -> Work:
        """Under the lock."""
        lock = LOCK

        def work(loops: int) -> None:
            for _ in range(loops):
                for key in keys:
                    with lock:
                        mapping[key]

        return work

    @staticmethod
    def set(mapping: Any, keys: Keys, values: Sequence[Any]) -> Work:
        """Under the lock."""
        lock = LOCK

        def work(loops: int) -> None:
            for _ in range(loops):
                for key, value in zip(keys, values):  # noqa: B905 - as in Mapping
                    with lock:
                        mapping[key] = value

        return work

    @staticmethod
    def set_fresh(mapping: Any, keys: Keys) -> Work:
        """Under the lock."""
        lock = LOCK

        def work(loops: int) -> None:
            number = 1_000_000
            for _ in range(loops):
                for key in keys:
                    number += 1
                    with lock:
                        mapping[key] = number

        return work

    @staticmethod
    def churn(mapping: Any, keys: Keys) -> Work:
        """Under the lock."""
        lock = LOCK

        def work(loops: int) -> None:
            for _ in range(loops):
                for key in keys:
                    with lock:
                        mapping[key] = None
                for key in keys:
                    with lock:
                        del mapping[key]

        return work

    @staticmethod
    def add(mapping: Any, keys: Keys) -> Work:
        """Under the lock."""
        lock = LOCK

        def work(loops: int) -> None:
            for _ in range(loops):
                for key in keys:
                    with lock:
                        mapping[key] += 1

        return work


class FtUtils(Mapping):
    """Meta's ft_utils: no step that adds."""

    name = "ft_utils.ConcurrentDict"
    cannot = NEEDS_ADD

    @classmethod
    def load(cls) -> None:
        """Imports it."""
        import ft_utils.concurrency  # noqa: F401

    @staticmethod
    def make() -> Any:
        """An empty one."""
        from ft_utils.concurrency import ConcurrentDict

        return ConcurrentDict()

    @staticmethod
    def count(mapping: Any) -> int:
        """It has no len()."""
        return len(mapping.as_dict())


class Cereggii(Mapping):
    """cereggii's AtomicDict; its counting takes many keys in a call."""

    name = "cereggii.AtomicDict"
    how = "reduce_count() of all keys at once"

    @classmethod
    def load(cls) -> None:
        """Imports it."""
        import cereggii  # noqa: F401

    @staticmethod
    def make() -> Any:
        """An empty one."""
        from cereggii import AtomicDict

        return AtomicDict()

    @staticmethod
    def add(mapping: Any, keys: Keys) -> Work:
        """A call for all keys."""

        def work(loops: int) -> None:
            for _ in range(loops):
                mapping.reduce_count(keys)

        return work


# ---- the keys ---------------------------------------------------------------


def interned(first: int, count: int = KEYS) -> list[str]:
    """Without the GIL these are immortal: threads that share them write no reference counts."""
    return [sys.intern(f"key {i}") for i in range(first, first + count)]


def equal_copies(keys: Sequence[str]) -> list[str]:
    """Equal, but never the same objects; their hashes are known, as after a first use."""
    copies = ["".join(list(key)) for key in keys]
    for copy in copies:
        hash(copy)
    return copies


def fill(mapping: Any, keys: Keys, values: Sequence[Any]) -> Any:
    """Sets them all."""
    for key, value in zip(keys, values, strict=True):
        mapping[key] = value
    return mapping


IMMORTAL = [i % 200 for i in range(KEYS)]


# ---- the workloads ----------------------------------------------------------


def sharing(
    keys_of: Callable[[list[str]], Keys] = lambda keys: keys, values: Sequence[Any] = IMMORTAL
) -> Callable[[type, int], Plan]:
    """Gets of the same keys by all threads."""

    def prepare(library: Any, threads: int) -> Plan:
        keys = interned(0)
        mapping = fill(library.make(), keys, values)
        works = [library.get(mapping, keys_of(keys)) for _ in range(threads)]
        return plan(works, KEYS * threads)

    return prepare


def fresh_objects() -> list[object]:
    """Values that the main thread has made, with counts that others share."""
    return [object() for _ in range(KEYS)]


def get_own(library: Any, threads: int) -> Plan:
    """Each thread gets keys of its own out of one mapping."""
    keys = [interned(KEYS * thread) for thread in range(threads)]
    mapping = library.make()
    for some in keys:
        fill(mapping, some, IMMORTAL)
    return plan([library.get(mapping, some) for some in keys], KEYS * threads)


def set_shared(library: Any, threads: int) -> Plan:
    """All threads set the same keys."""
    keys = interned(0)
    mapping = fill(library.make(), keys, IMMORTAL)
    works = [library.set(mapping, keys, IMMORTAL) for _ in range(threads)]
    return plan(works, KEYS * threads, lambda _: expect("keys", library.count(mapping), KEYS))


def set_own(library: Any, threads: int) -> Plan:
    """Each thread sets keys of its own in one mapping."""
    keys = [interned(KEYS * thread) for thread in range(threads)]
    mapping = library.make()
    works = [library.set(mapping, some, IMMORTAL) for some in keys]
    every = KEYS * threads
    return plan(works, every, lambda _: expect("keys", library.count(mapping), every))


def set_fresh(library: Any, threads: int) -> Plan:
    """All threads set the same keys to ints that they make."""
    keys = interned(0)
    mapping = fill(library.make(), keys, IMMORTAL)
    works = [library.set_fresh(mapping, keys) for _ in range(threads)]
    return plan(works, KEYS * threads, lambda _: expect("keys", library.count(mapping), KEYS))


def churn(library: Any, threads: int) -> Plan:
    """Each thread inserts and deletes keys of its own."""
    mapping = library.make()
    works = [library.churn(mapping, interned(KEYS * thread)) for thread in range(threads)]
    return plan(works, 2 * KEYS * threads, lambda _: expect("keys", library.count(mapping), 0))


def add_shared(library: Any, threads: int) -> Plan:
    """All threads add to the same keys."""
    return adding(library, [interned(0)] * threads)


def add_hot(library: Any, threads: int) -> Plan:
    """All threads add to one key."""
    return adding(library, [interned(0, 1) * KEYS] * threads)


def adding(library: Any, keys: Sequence[list[str]]) -> Plan:
    """A thread for each list of keys; every add must count."""
    mapping = library.make()
    every = {key for some in keys for key in some}
    for key in every:
        mapping[key] = 0
    operations = sum(map(len, keys))

    def check(done: int) -> None:
        expect("sum", sum(mapping[key] for key in every), operations * done)

    return plan([library.add(mapping, some) for some in keys], operations, check)


def grow(library: Any, threads: int) -> Plan:
    """Every time over fills a new mapping: 50,000 keys from all threads."""
    share = 50_000 // threads
    keys = [interned(share * thread, share) for thread in range(threads)]
    values = [None] * share

    def seconds(loops: int) -> float:
        elapsed = 0.0
        for _ in range(loops):
            mapping = library.make()
            works = [library.set(mapping, some, values) for some in keys]
            elapsed += plan(works, 1).seconds(1)
            expect("keys", library.count(mapping), share * threads)
        return elapsed

    return Plan(seconds, share * threads)


THREADS = (1, 2, 4)
ADD = NEEDS_ADD | NEEDS_MANY_WRITERS
DICTS = Kind(
    "dict",
    [
        Workload("get", "d[k], shared keys", "get", THREADS, sharing()),
        Workload("get-own", "d[k], keys of each thread", "get", THREADS, get_own),
        Workload(
            "get-equal", "d[k], equal keys, not identical", "get", THREADS, sharing(equal_copies)
        ),
        Workload(
            "get-fresh",
            "d[k], values with shared counts",
            "get",
            THREADS,
            sharing(values=fresh_objects()),
        ),
        Workload("set", "d[k] = v, shared keys", "set", THREADS, set_shared),
        Workload("set-own", "d[k] = v, keys of each thread", "set", THREADS, set_own),
        Workload("set-fresh", "d[k] = new int, shared keys", "set", THREADS, set_fresh),
        Workload("churn", "insert and delete, keys of each thread", "operation", THREADS, churn),
        Workload("grow", "insert 50,000 into an empty one", "insert", THREADS, grow),
        Workload("add", "add 1, shared keys", "add", THREADS, add_shared, ADD),
        Workload("add-hot", "add 1, one key", "add", THREADS, add_hot, ADD),
    ],
    [Ours, Dict, LockedDict, FtUtils, Cereggii],
)
