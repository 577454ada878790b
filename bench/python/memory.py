# SPDX-License-Identifier: LGPL-2.1-or-later
"""How many bytes a structure takes: by how much the process grows when it is made and filled.

Our structures take their memory from malloc, dicts take theirs from the interpreter's allocator, so
nothing but the process sees both.  What a structure leaves behind as it grows counts too, where the
allocator has not given it back.  Keys, values and lists are made beforehand.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from queues import left_in
from workload import NEEDS_ROOM, expect

MANY = 1_000_000


class Scenario(NamedTuple):
    """What is weighed, the same for every library."""

    name: str
    kind: str
    title: str
    unit: str
    measure: Callable[[Any, int], float]
    """Told the library, and how many times less than usual is enough."""
    needs: int = 0
    threads: tuple[int, ...] = (1,)


def private_bytes() -> int:
    """Memory that this process alone has."""
    with open("/proc/self/smaps_rollup", encoding="ascii") as file:
        found = re.findall(r"^Private_(?:Clean|Dirty): *(\d+) kB$", file.read(), re.MULTILINE)
    return 1024 * sum(map(int, found))


def growth(work: Callable[[], object]) -> int:
    """By how many bytes `work` makes the process grow."""
    gc.collect()
    gc.disable()
    before = private_bytes()
    work()
    after = private_bytes()
    gc.enable()
    return after - before


def per_object(library: Any, parts: int) -> float:
    """Of many empty ones, kept in a list that has room for them."""
    count = MANY // 10 // parts
    kept: list[Any] = [None] * count
    make = library.make

    def work() -> None:
        for i in range(count):
            kept[i] = make()

    return growth(work) / count


def fill(mapping: Any, keys: list[int]) -> None:
    """One after another."""
    for key in keys:
        mapping[key] = None


def per_entry(library: Any, parts: int) -> float:
    """Of one mapping, ints as keys."""
    keys = list(range(MANY, MANY + MANY // parts))
    mapping = library.make()
    result = growth(lambda: fill(mapping, keys)) / len(keys)
    expect("entries", library.count(mapping), len(keys))
    return result


def per_entry_of_small(library: Any, parts: int) -> float:
    """Of many mappings of 100 entries."""
    keys = list(range(MANY, MANY + 100))
    mappings = [library.make() for _ in range(1000 // parts)]

    def work() -> None:
        for mapping in mappings:
            fill(mapping, keys)

    result = growth(work) / (len(mappings) * len(keys))
    for mapping in mappings:
        expect("entries", library.count(mapping), len(keys))
    return result


def after_deleting(library: Any, parts: int) -> float:
    """KiB of one that has lost 99 % of its entries."""
    keys = list(range(MANY, MANY + MANY // parts))
    kept = len(keys) // 100
    mapping = library.make()

    def work() -> None:
        fill(mapping, keys)
        for i in range(len(keys) - kept):
            del mapping[keys[i]]

    result = growth(work) / 1024
    expect("entries", library.count(mapping), kept)
    return result


def per_item(library: Any, parts: int) -> float:
    """Of one queue, the same item many times."""
    count = MANY // parts
    made = library.make()
    put = library.ends(made)[0]

    def work() -> None:
        for _ in range(count):
            put(None)

    result = growth(work) / count
    expect("items", left_in(made), count)
    return result


SCENARIOS = [
    Scenario("empty-dict", "dict", "empty", "B", per_object),
    Scenario("small-entries", "dict", "100 ints", "B each", per_entry_of_small),
    Scenario("entries", "dict", "1M ints", "B each", per_entry),
    Scenario("deleted", "dict", "1M ints, then 99 % deleted", "KiB", after_deleting),
    Scenario("empty-queue", "queue", "empty", "B", per_object),
    Scenario("items", "queue", "1M items", "B each", per_item, needs=NEEDS_ROOM),
    Scenario("atomics", "atomic", "integer", "B", per_object),
]
