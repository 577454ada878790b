# SPDX-License-Identifier: LGPL-2.1-or-later
"""StdConcurrentQueue for subclasses that override _init, _qsize, _put or _get.

Such a subclass keeps the items itself and expects to be called by one thread at a time, so here is one
lock, and three conditions on it. The thread that holds it may take it again: a hook, an item's comparison,
the truth of an argument and a finalizer run with it held, and may use the queue. `owner` is the object
that the user sees; it is handed in with every call and never kept, so that no cycle holds it alive.

The child of a fork has one thread. What the others held and waited for there is let go before anything
else runs in it (_let_go_in_child): the package imports this module, so that hooks which programs register
with os.register_at_fork come later.
"""

import os
import threading
import weakref
from collections.abc import Callable
from queue import Empty, Full
from typing import Any

from . import ShutDown


class LockedQueue:
    """What a queue needs beside its items."""

    __slots__ = ("_maxsize", "_unfinished", "_shut_down", "_lock", "_item", "_room", "_done", "__weakref__")

    def __init__(self, owner: Any, maxsize: int) -> None:
        self._maxsize = maxsize
        self._unfinished = 0
        self._shut_down = False
        self._lock = threading.RLock()
        self._item = threading.Condition(self._lock)
        self._room = threading.Condition(self._lock)
        self._done = threading.Condition(self._lock)
        _all.add(self)
        owner._init(maxsize)

    def let_go_in_child(self) -> None:
        """In the one thread of a child: the lock is free, unless this thread holds it; nobody else waits.

        This thread may itself be in a wait, if a signal handler of its own forked. It is woken with those
        that are gone, looks again, and waits on.
        """
        if not self._lock.acquire(blocking=False):
            self._lock._at_fork_reinit()  # type: ignore[attr-defined]  # in place: it may be in use here
            self._lock.acquire()
        try:
            for condition in (self._item, self._room, self._done):
                condition.notify_all()
        finally:
            self._lock.release()

    def _wait(
        self,
        condition: threading.Condition,
        there_is: Callable[[], Any],
        block: Any,
        timeout: float | None,
        otherwise: type[Exception],
    ) -> None:
        """Waits, with the lock held, until there_is(); raises `otherwise` if it has to give up."""
        if not block:
            timeout = 0
        elif timeout is not None and not timeout >= 0:  # also NaN
            raise ValueError("'timeout' must be a non-negative number")
        elif timeout is not None and timeout > threading.TIMEOUT_MAX:
            timeout = None
        try:
            got = condition.wait_for(there_is, timeout)
        except BaseException:
            # A wake that came together with, say, Ctrl-C is another thread's.
            condition.notify()
            raise
        if not got:
            raise otherwise

    def _has_room(self, owner: Any) -> bool:
        return self._shut_down or not 0 < self._maxsize <= owner._qsize()

    def put(self, owner: Any, item: Any, block: Any = True, timeout: float | None = None) -> None:
        with self._lock:
            if self._maxsize > 0 and not self._shut_down:
                self._wait(self._room, lambda: self._has_room(owner), block, timeout, Full)
            if self._shut_down:
                raise ShutDown
            owner._put(item)
            self._unfinished += 1
            self._item.notify()

    def _has_ended(self, owner: Any) -> bool:
        return self._shut_down and not owner._qsize()

    def get(self, owner: Any, block: Any = True, timeout: float | None = None) -> Any:
        def there_is() -> Any:
            return self._shut_down or owner._qsize()

        with self._lock:
            if not self._has_ended(owner):
                self._wait(self._item, there_is, block, timeout, Empty)
            if self._has_ended(owner):
                raise ShutDown
            item = owner._get()
            self._room.notify()
            return item

    def put_nowait(self, owner: Any, item: Any) -> None:
        self.put(owner, item, block=False)

    def get_nowait(self, owner: Any) -> Any:
        return self.get(owner, block=False)

    def task_done(self, owner: Any) -> None:
        with self._lock:
            if self._unfinished == 0:
                raise ValueError("task_done() called too many times")
            self._unfinished -= 1
            if self._unfinished == 0:
                self._done.notify_all()

    def join(self, owner: Any) -> None:
        with self._lock:
            self._done.wait_for(lambda: self._unfinished == 0)

    def shutdown(self, owner: Any, immediate: Any = False) -> None:
        with self._lock:
            self._shut_down = True
            self._item.notify_all()
            self._room.notify_all()
            if immediate:
                try:
                    self._throw_away(owner)
                finally:
                    self._done.notify_all()

    def _throw_away(self, owner: Any) -> None:
        while owner._qsize():
            owner._get()
            if self._unfinished > 0:
                self._unfinished -= 1

    def qsize(self, owner: Any) -> Any:
        with self._lock:
            return owner._qsize()

    def empty(self, owner: Any) -> bool:
        with self._lock:
            return bool(not owner._qsize())

    def full(self, owner: Any) -> bool:
        with self._lock:
            return bool(0 < self._maxsize <= owner._qsize())

    def get_maxsize(self, owner: Any) -> int:
        return self._maxsize

    def set_maxsize(self, owner: Any, maxsize: int) -> None:
        with self._lock:
            self._maxsize = maxsize
            self._room.notify_all()

    def get_unfinished_tasks(self, owner: Any) -> int:
        return self._unfinished

    def get_is_shutdown(self, owner: Any) -> bool:
        return self._shut_down


_all: weakref.WeakSet[LockedQueue] = weakref.WeakSet()


def _let_go_in_child() -> None:
    for queue in _all:
        queue.let_go_in_child()


os.register_at_fork(after_in_child=_let_go_in_child)
