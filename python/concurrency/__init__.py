# SPDX-License-Identifier: LGPL-2.1-or-later
"""Containers and numbers that many threads share, with the GIL and without.

    from concurrency import AtomicInt64, ConcurrentDict, ConcurrentQueue

`ffi` and `lib` give the C API of libconcurrency to Python code and to other cffi modules; they need
cffi, and are made when they are first asked for.
"""

from typing import Any

from . import _concurrency
from ._concurrency import (
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
    __version__,
)

__all__ = [
    "AtomicFlag",
    "AtomicInt64",
    "AtomicReference",
    "ConcurrentDict",
    "ConcurrentGatheringIterator",
    "ConcurrentQueue",
    "Empty",
    "Full",
    "LocalWrapper",
    "ShutDown",
    "StdConcurrentQueue",
    "__version__",
]


def __getattr__(name: str) -> Any:
    if name in ("ffi", "lib"):
        return getattr(_concurrency, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), "ffi", "lib"})
