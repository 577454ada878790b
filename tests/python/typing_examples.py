# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a type checker must make of every class: checked with mypy --strict, never run.

A line with an ignore comment must be an error: an ignore that is not needed is one, too.
"""

from collections.abc import Iterator
from typing import Any

from typing_extensions import assert_type

import concurrency
from concurrency import (
    AtomicFlag,
    AtomicInt64,
    AtomicReference,
    ConcurrentDict,
    ConcurrentGatheringIterator,
    ConcurrentQueue,
    Empty,
    Full,
    LocalWrapper,
    ShutDown,
    StdConcurrentQueue,
)


def dicts() -> None:
    d: ConcurrentDict[str, int] = ConcurrentDict(scaling=4)
    d["a"] = 1
    assert_type(d["a"], int)
    assert_type(d.get("a"), int | None)
    assert_type(d.get("a", "none"), int | str)
    assert_type(d.add("a"), int)
    assert_type(d.as_dict(), dict[str, int])
    assert_type(len(d), int)
    assert_type("a" in d, bool)
    del d["a"]
    d[1] = 1  # type: ignore[index]
    d["a"] = "b"  # type: ignore[assignment]
    words: ConcurrentDict[str, str] = ConcurrentDict()
    words.add("a")  # type: ignore[misc]
    ConcurrentDict("many")  # type: ignore[arg-type]


def integers() -> None:
    a = AtomicInt64(1)
    assert_type(a.incr(), int)
    assert_type(a.add(a), int)
    assert_type(a.floordiv(2), int)
    assert_type(a + 1, int)
    assert_type(2 * a, int)
    assert_type(a // a, int)
    assert_type(-a, int)
    assert_type(a < 2.5, bool)
    assert_type(int(a), int)
    assert_type([1, 2][a], int)
    a += 1
    assert_type(a, AtomicInt64)
    a + 1.5  # type: ignore[operator]
    a.add("1")  # type: ignore[arg-type]
    a.set(1.5)  # type: ignore[arg-type]


def references() -> None:
    r = AtomicReference("text")
    assert_type(r, AtomicReference[str])
    assert_type(r.get(), str)
    assert_type(r.exchange("other"), str)
    assert_type(r.compare_exchange(r.get(), new="new"), bool)
    r.set(1)  # type: ignore[arg-type]
    empty: AtomicReference[int | None] = AtomicReference()
    assert_type(empty.get(), int | None)
    flag = AtomicFlag(True)
    flag.set(False)
    assert_type(bool(flag), bool)
    AtomicFlag()  # type: ignore[call-arg]


def queues() -> None:
    q: ConcurrentQueue[bytes] = ConcurrentQueue(lock_free=True)
    q.push(b"x")
    assert_type(q.pop(timeout=1), bytes)
    assert_type(q.pop_local(), LocalWrapper[bytes])
    assert_type(q.size(), int)
    assert_type(q.empty(), bool)
    q.shutdown(immediate=True)
    q.push("x")  # type: ignore[arg-type]
    q.pop("soon")  # type: ignore[arg-type]
    s: StdConcurrentQueue[int] = StdConcurrentQueue(maxsize=3)
    s.put(1, block=False)
    s.put_nowait(2)
    assert_type(s.get(timeout=0.5), int)
    assert_type(s.get_nowait(), int)
    assert_type(s.qsize(), int)
    assert_type(s.maxsize, int)
    assert_type(s.unfinished_tasks, int)
    s.maxsize = 5
    s.unfinished_tasks = 5  # type: ignore[misc]
    s.put("x")  # type: ignore[arg-type]


class Lifo(StdConcurrentQueue[str]):
    """Overrides hooks, as subclasses of queue.Queue do."""

    def _init(self, maxsize: int) -> None:
        self.queue: list[str] = []

    def _get(self) -> str:
        return self.queue.pop()


def gathering() -> None:
    g: ConcurrentGatheringIterator[str] = ConcurrentGatheringIterator(scaling=2)
    g.insert(0, "a")
    assert_type(g.iterator(9), Iterator[str])
    assert_type(g.iterator_local(max_key=9, clear=False), Iterator[LocalWrapper[str]])
    g.insert(0, 1)  # type: ignore[arg-type]
    g.insert("0", "a")  # type: ignore[arg-type]


def wrappers() -> None:
    w = LocalWrapper([1, 2])
    assert_type(w, LocalWrapper[list[int]])
    assert_type(w.get_wrapped(), list[int])
    assert_type(LocalWrapper(w).get_wrapped(), list[int])
    assert_type(w.anything, Any)
    assert_type(w[0], Any)
    assert_type(len(w), int)
    assert_type(w + [3], Any)
    w += [4]
    assert_type(w, LocalWrapper[list[int]])


def exceptions() -> None:
    try:
        ConcurrentQueue[int]().pop(0)
    except (Empty, Full, ShutDown):
        pass
    assert_type(concurrency.__version__, str)
    assert_type(concurrency.lib, Any)
    concurrency.nothing  # type: ignore[attr-defined]
