# SPDX-License-Identifier: LGPL-2.1-or-later
"""Threads that belong together: they start at one moment, and none is left alone with an error."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Crew:
    """Threads that start at one moment; if one of them fails, the others are stopped.

    `stop` must make every thread, and the one in the `with` block, come to an end soon.  It may
    be called more than once and by several threads.  Leaving the block waits for all of them and
    raises the error of the one that failed first.
    """

    def __init__(self, functions: list[Callable[[], None]], stop: Callable[[], None]) -> None:
        self._stop = stop
        self._errors: list[BaseException] = []
        self._started = 0.0
        self._ready = threading.Barrier(len(functions) + 1, action=self._start_clock)
        self.threads = [threading.Thread(target=self._run, args=(f,)) for f in functions]

    def _start_clock(self) -> None:
        self._started = time.perf_counter()

    def _run(self, function: Callable[[], None]) -> None:
        try:
            self._ready.wait()
            function()
        except BaseException as error:  # nobody else would see it: threads have no caller
            self._errors.append(error)
            self._stop()

    def __enter__(self) -> Crew:
        try:
            for thread in self.threads:
                thread.start()
            self._ready.wait()
        except BaseException:  # no room for another thread, or Ctrl-C
            self._ready.abort()
            self._stop()
            self.join()
            raise
        return self

    def join(self) -> None:
        """Waits until every thread that was started has ended."""
        for thread in self.threads:
            if thread.ident is not None:
                thread.join()

    def elapsed(self) -> float:
        """Seconds since the threads were let go."""
        return time.perf_counter() - self._started

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if error is not None:
            self._stop()
        self.join()
        if self._errors and (error is None or isinstance(error, RuntimeError)):
            raise self._errors[0] from error
