# SPDX-License-Identifier: LGPL-2.1-or-later
"""Containers and numbers that many threads share, with the GIL and without.

ConcurrentDict              a dict whose reads take no lock, and that counts in place
ConcurrentQueue             an unbounded queue, first in, first out
StdConcurrentQueue          queue.Queue, with its maxsize, task_done() and join()
ConcurrentGatheringIterator brings results back into order
AtomicInt64                 an integer that is changed in one step
AtomicReference             a reference to an object that is changed in one step
AtomicFlag                  True or False
LocalWrapper                a proxy that keeps reference counts to one thread
Empty, Full, ShutDown       the exceptions of the module queue
reclaim, reclaim_pending    memory that waits for readers: given back now; how much it is

No operation holds a lock while Python code runs. Each docstring says what is atomic. Every class can be
subclassed and weakly referenced, is generic in annotations, and refuses to be pickled or copied.

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
    reclaim,
    reclaim_pending,
)
from . import _locked_queue as _locked_queue  # last, as it takes ShutDown from here; for its hook at a fork

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
    "reclaim",
    "reclaim_pending",
]


# Not in dir(): help() asks for all that is, and these are an ImportError where cffi cannot serve.
def __getattr__(name: str) -> Any:
    if name in ("ffi", "lib"):
        return getattr(_concurrency, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
