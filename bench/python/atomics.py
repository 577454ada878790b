# SPDX-License-Identifier: LGPL-2.1-or-later
"""Atomic integers, references and flags, against ft_utils, cereggii, and a Lock."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from workload import Kind, Library, Plan, Work, Workload, expect, plan

TIMES = 1000
"""In one time over; each thread."""
THREADS = (1, 2, 4)


def repeat(call: Callable[[], object]) -> Work:
    """Calls it TIMES times."""

    def work(loops: int) -> None:
        for _ in range(loops):
            for _ in range(TIMES):
                call()

    return work


def repeat_with(call: Callable[[Any], object], argument: object) -> Work:
    """Calls it TIMES times with the argument."""

    def work(loops: int) -> None:
        for _ in range(loops):
            for _ in range(TIMES):
                call(argument)

    return work


class FtUtils(Library):
    """What comes from ft_utils."""

    @classmethod
    def load(cls) -> None:
        """Imports it."""
        import ft_utils.concurrency  # noqa: F401


class Cereggii(Library):
    """What comes from cereggii."""

    @classmethod
    def load(cls) -> None:
        """Imports it."""
        import cereggii  # noqa: F401


def alike(
    make: Callable[[Any], tuple[Work, Callable[[], object] | None]],
) -> Callable[..., Plan]:
    """All threads do the work that `make` gives for a library, then the count must be right."""

    def prepare(library: Any, threads: int) -> Plan:
        work, count = make(library)

        def check(done: int) -> None:
            if count is not None:
                expect("count", count(), TIMES * threads * done)

        return plan([work] * threads, TIMES * threads, check)

    return prepare


# ---- integers ---------------------------------------------------------------


class OurInt(Library):
    """This library."""

    name, role = "AtomicInt64", "ours"

    @staticmethod
    def make() -> Any:
        """A new one."""
        from concurrency import AtomicInt64

        return AtomicInt64(0)

    @classmethod
    def increment(cls) -> tuple[Work, Callable[[], object]]:
        """Of a new one."""
        number = cls.make()
        return repeat(number.incr), number.get

    @classmethod
    def get(cls) -> tuple[Work, None]:
        """Of a new one."""
        return repeat(cls.make().get), None


class FtUtilsInt(FtUtils, OurInt):
    """ft_utils."""

    name, role = "ft_utils.AtomicInt64", "peer"

    @staticmethod
    def make() -> Any:
        """A new one."""
        from ft_utils.concurrency import AtomicInt64

        return AtomicInt64(0)


class CereggiiInt(Cereggii, OurInt):
    """cereggii."""

    name, role = "cereggii.AtomicInt64", "peer"

    @staticmethod
    def make() -> Any:
        """A new one."""
        from cereggii import AtomicInt64

        return AtomicInt64(0)

    @classmethod
    def increment(cls) -> tuple[Work, Callable[[], object]]:
        """By its own name."""
        number = cls.make()
        return repeat(number.increment_and_get), number.get


class Number:
    """An int with a Lock."""

    def __init__(self) -> None:
        self.value = 0
        self.lock = threading.Lock()


class LockedInt(Library):
    """int + Lock, as most programs have it: not even a call around it."""

    name, how = "int + Lock", "with lock: n.value += 1"

    make = Number

    @staticmethod
    def increment() -> tuple[Work, Callable[[], object]]:
        """Of a new one."""
        number = Number()

        def work(loops: int) -> None:
            for _ in range(loops):
                for _ in range(TIMES):
                    with number.lock:
                        number.value += 1

        return work, lambda: number.value

    @staticmethod
    def get() -> tuple[Work, None]:
        """Of a new one."""
        number = Number()

        def work(loops: int) -> None:
            for _ in range(loops):
                for _ in range(TIMES):
                    with number.lock:
                        number.value  # noqa: B018

        return work, None


ATOMICS = Kind(
    "atomic",
    [
        Workload(
            "int-increment", "integer: increment", "call", THREADS, alike(lambda c: c.increment())
        ),
        Workload("int-get", "integer: get", "call", THREADS, alike(lambda c: c.get())),
    ],
    [OurInt, LockedInt, FtUtilsInt, CereggiiInt],
)


# ---- references -------------------------------------------------------------

OBJECTS = ("first", "second")
"""Immortal without the GIL, as names in a program are."""


class OurReference(Library):
    """This library."""

    name, role = "AtomicReference", "ours"

    @staticmethod
    def make() -> Any:
        """A new one."""
        from concurrency import AtomicReference

        return AtomicReference(OBJECTS[0])

    @staticmethod
    def exchange(reference: Any) -> Callable[[object], object]:
        """What puts one in and takes the other out."""
        call: Callable[[object], object] = reference.exchange
        return call

    @staticmethod
    def compare(reference: Any) -> Callable[[object, object], object]:
        """What puts one in if the other is there."""
        call: Callable[[object, object], object] = reference.compare_exchange
        return call


class FtUtilsReference(FtUtils, OurReference):
    """ft_utils."""

    name, role = "ft_utils.AtomicReference", "peer"

    @staticmethod
    def make() -> Any:
        """A new one."""
        from ft_utils.concurrency import AtomicReference

        return AtomicReference(OBJECTS[0])


class CereggiiReference(Cereggii, OurReference):
    """cereggii."""

    name, role = "cereggii.AtomicRef", "peer"

    @staticmethod
    def make() -> Any:
        """A new one."""
        from cereggii import AtomicRef

        return AtomicRef(OBJECTS[0])

    @staticmethod
    def exchange(reference: Any) -> Callable[[object], object]:
        """By its own name."""
        call: Callable[[object], object] = reference.get_and_set
        return call

    @staticmethod
    def compare(reference: Any) -> Callable[[object, object], object]:
        """By its own name."""
        call: Callable[[object, object], object] = reference.compare_and_set
        return call


class LockedReference(Library):
    """An attribute + Lock."""

    name, how = "attribute + Lock", "functions of the same program"

    @staticmethod
    def make() -> Any:
        """A new one."""
        return Holder()

    exchange = staticmethod(OurReference.exchange)
    compare = staticmethod(OurReference.compare)


class Holder:
    """What a program writes that has no atomic reference."""

    def __init__(self) -> None:
        self.value: object = OBJECTS[0]
        self.lock = threading.Lock()

    def get(self) -> object:
        """Needs no lock."""
        return self.value

    def set(self, value: object) -> None:
        """Needs the lock, for the sake of the two below."""
        with self.lock:
            self.value = value

    def exchange(self, value: object) -> object:
        """Under the lock."""
        with self.lock:
            old, self.value = self.value, value
        return old

    def compare_exchange(self, expected: object, value: object) -> bool:
        """Under the lock."""
        with self.lock:
            if self.value is not expected:
                return False
            self.value = value
        return True


def compare_both_ways(call: Callable[[object, object], object]) -> Work:
    """There and back, so that alone it always succeeds."""
    first, second = OBJECTS

    def work(loops: int) -> None:
        for _ in range(loops):
            for _ in range(TIMES // 2):
                call(first, second)
                call(second, first)

    return work


REFERENCES = Kind(
    "reference",
    [
        Workload(
            "reference-get",
            "reference: get",
            "call",
            THREADS,
            alike(lambda c: (repeat(c.make().get), None)),
        ),
        Workload(
            "reference-set",
            "reference: set",
            "call",
            THREADS,
            alike(lambda c: (repeat_with(c.make().set, OBJECTS[1]), None)),
        ),
        Workload(
            "reference-exchange",
            "reference: exchange",
            "call",
            THREADS,
            alike(lambda c: (repeat_with(c.exchange(c.make()), OBJECTS[1]), None)),
        ),
        Workload(
            "reference-compare",
            "reference: compare and exchange",
            "call",
            THREADS,
            alike(lambda c: (compare_both_ways(c.compare(c.make())), None)),
        ),
    ],
    [OurReference, LockedReference, FtUtilsReference, CereggiiReference],
)


# ---- flags ------------------------------------------------------------------


def test(flag: object) -> Work:
    """Asks whether it is set, as an `if` does."""

    def work(loops: int) -> None:
        for _ in range(loops):
            for _ in range(TIMES):
                if flag:
                    pass

    return work


class OurFlag(Library):
    """This library."""

    name, role = "AtomicFlag", "ours"

    @staticmethod
    def tests() -> Work:
        """Of a new one."""
        from concurrency import AtomicFlag

        return test(AtomicFlag(False))


class FtUtilsFlag(FtUtils):
    """ft_utils."""

    name = "ft_utils.AtomicFlag"

    @staticmethod
    def tests() -> Work:
        """Of a new one."""
        from ft_utils.concurrency import AtomicFlag

        return test(AtomicFlag(False))


class CereggiiFlag(Cereggii):
    """cereggii."""

    name, how = "cereggii.AtomicBool", "get()"

    @staticmethod
    def tests() -> Work:
        """Of a new one."""
        from cereggii import AtomicBool

        return repeat(AtomicBool(False).get)


class Event(Library):
    """threading.Event, which can also be waited for."""

    name, how = "threading.Event", "is_set()"

    @staticmethod
    def tests() -> Work:
        """Of a new one."""
        return repeat(threading.Event().is_set)


FLAGS = Kind(
    "flag",
    [Workload("flag-test", "flag: is it set", "test", THREADS, alike(lambda c: (c.tests(), None)))],
    [OurFlag, FtUtilsFlag, CereggiiFlag, Event],
)
