# SPDX-License-Identifier: LGPL-2.1-or-later
"""Records what a few threads do to one structure of the package, as recorder.h says.

    python recorder.py STRUCTURE SEED COUNT [--same-seed] [--one-cpu]

The module must have been built with yield points.
"""

import argparse
import ctypes
import os
import random
import signal
import sys
import threading
import time

from concurrency import (
    AtomicFlag,
    AtomicInt64,
    AtomicReference,
    ConcurrentDict,
    ConcurrentGatheringIterator,
    ConcurrentQueue,
    Empty,
    Full,
    ShutDown,
    StdConcurrentQueue,
    _concurrency,
)

TOO_LONG = 60
"""Seconds after which a thread that has not come back hangs."""

yield_seed = ctypes.CDLL(_concurrency.__file__).conc_yield_seed
yield_seed.argtypes = [ctypes.c_uint64]
yield_seed.restype = None

clock = AtomicInt64()
"""Of all operations; that it gives no number twice is checked with every history of AtomicInt64."""

ANSWERS = {
    KeyError: "ENOENT",
    Empty: "EAGAIN",
    Full: "EAGAIN",
    ShutDown: "EPIPE",
    ValueError: "ERANGE",
    TypeError: "EDOM",
    ZeroDivisionError: "EDOM",
    RuntimeError: "ENOTRECOVERABLE",
}
"""What the answer to an operation is called that raised this."""

SECRET = object()
"""A default that is nobody's value."""


class Thing:
    """An object to store; its memory is used again as soon as nobody has it."""

    def __init__(self, number):
        self.number = number


class Key:
    """A key that only Python code can compare."""

    def __init__(self, number):
        self.number = number

    def __hash__(self):
        return self.number // 2

    def __eq__(self, other):
        return isinstance(other, Key) and self.number == other.number


def token(value):
    if value is None:
        return "none"
    return f"o{value.number}" if isinstance(value, Thing) else str(int(value))


class Worker:
    """One thread of a history, and what it did; number 0 is the main thread."""

    def __init__(self, seed, number):
        self.random = random.Random(f"{seed} {number}")
        self.number = number
        self.given = 0
        self.lines = []
        self.failure = None

    def new_number(self):
        self.given += 1
        return 100 * (self.number + 1) + self.given

    def chance(self, one_in):
        return self.random.randrange(one_in) == 0

    def dawdle(self):
        number = self.random.randrange(64)
        if number < 8:
            time.sleep(0)
        elif number < 16:
            for _ in range(number):
                pass

    def do(self, name, arguments, function, results=lambda value: []):
        """Calls the function and notes how it answered, and what; returns both."""
        words = [name, *map(token, arguments)]
        value = None
        called = clock.incr()
        # A thread may be held up within the call, but outside the structure, too.
        self.dawdle()
        try:
            value = function()
            answer = "ok"
        except tuple(ANSWERS) as error:
            answer = next(word for kind, word in ANSWERS.items() if isinstance(error, kind))
        self.dawdle()
        returned = clock.incr()
        words += ["=", answer]
        if answer == "ok":
            words += map(token, results(value))
        self.write(called, returned, words)
        return answer, value

    def write(self, called, returned, words):
        self.lines.append((called, returned, words))


class DictHistory:
    """Few keys, of three kinds, and fillers that make the tables be rebuilt."""

    name = "dict"
    fillers = range(10, 60)

    def __init__(self, main):
        self.kind = main.random.choice((int, str, Key))
        self.settings = f"keys={self.kind.__name__} values=objects"
        self.keys = range(main.random.randint(1, 4))
        self.dict = ConcurrentDict(1)
        for filler in self.fillers[: main.random.choice((0, 3, 5, 6, 11, 12, 50))]:
            self.dict[self.kind(filler)] = filler
        for number in self.keys:
            if main.chance(2):
                self.set(main, number)

    def some_value(self, worker):
        if worker.chance(2):
            return Thing(worker.new_number())
        return worker.random.choice((worker.new_number(), 2**59 - 2, -(2**59), 2**61, 2**70))

    def set(self, worker, number):
        value = self.some_value(worker)
        key = self.kind(number)
        worker.do("set", [number, value], lambda: self.dict.__setitem__(key, value))

    def get(self, worker, number):
        key = self.kind(number)
        worker.do("get", [number], lambda: self.dict[key], lambda value: [value])

    def get_or_default(self, worker, number):
        key = self.kind(number)

        def get():
            value = self.dict.get(key, SECRET)
            if value is SECRET:
                raise KeyError(key)
            return value

        worker.do("get", [number], get, lambda value: [value])

    def delete(self, worker, number):
        key = self.kind(number)
        worker.do("delete", [number], lambda: self.dict.__delitem__(key))

    def contains(self, worker, number):
        key = self.kind(number)
        worker.do("contains", [number], lambda: key in self.dict, lambda there: [there])

    def add(self, worker, number):
        key = self.kind(number)
        n = worker.random.choice((1, 1, -1, 7, 2**32, 2**58, -(2**58), 2**61))
        worker.do("add", [number, n], lambda: self.dict.add(key, n), lambda total: [total])

    def items(self, worker, _):
        def pairs(found):
            for number in self.keys:
                key = self.kind(number)
                if key in found:
                    yield from (number, found[key])

        worker.do("items", [len(self.keys)], self.dict.as_dict, pairs)

    def come_and_go(self, worker, _):
        first = worker.random.randrange(len(self.fillers) - 4)
        for filler in self.fillers[first : first + 4]:
            key = self.kind(1000 * worker.number + filler)
            self.dict[key] = filler
            del self.dict[key]

    def step(self, worker):
        step = worker.random.choices(
            (self.get, self.get_or_default, self.set, self.delete, self.contains, self.add,
             self.items, self.come_and_go),
            (5, 2, 5, 3, 2, 5, 1, 1),
        )  # fmt: skip
        step[0](worker, worker.random.choice(self.keys))

    def finish(self, main):
        for number in self.keys:
            self.get(main, number)
        self.items(main, None)


class Int64History:
    name = "int64"
    settings = ""
    arithmetic = {
        "add": "add",
        "sub": "sub",
        "mul": "multiply",
        "floordiv": "floor_divide",
        "and_": "and",
        "or_": "or",
        "xor": "xor",
    }

    def __init__(self, main):
        self.number = AtomicInt64()

    def get(self, worker):
        how = worker.random.choice((self.number.get, self.number.__int__, self.number.__index__))
        worker.do("get", [], how, lambda value: [value])

    def set(self, worker):
        value = worker.new_number()
        worker.do("set", [value], lambda: self.number.set(value))

    def calculate(self, worker):
        method, name = worker.random.choice(list(self.arithmetic.items()))
        n = worker.random.choice((0, 1, 2, 3, -1, -3, 100, 2**62))
        call = getattr(self.number, method)
        worker.do(name, [n], lambda: call(n), lambda value: [value])

    def count(self, worker):
        if worker.chance(2):
            worker.do("add", [1], self.number.incr, lambda value: [value])
        else:
            worker.do("sub", [1], self.number.decr, lambda value: [value])

    def in_place(self, worker):
        def add():
            number = self.number
            number += 5

        worker.do("add", [5], add)

    def step(self, worker):
        worker.random.choice((self.get, self.set, self.calculate, self.count, self.in_place))(worker)

    def finish(self, main):
        self.get(main)


class FlagHistory:
    name = "flag"
    settings = ""

    def __init__(self, main):
        self.flag = AtomicFlag(False)

    def step(self, worker):
        if worker.chance(2):
            worker.do("get", [], lambda: bool(self.flag), lambda value: [value])
        else:
            value = worker.chance(2)
            worker.do("set", [value], lambda: self.flag.set(value))

    def finish(self, main):
        self.step(main)


class RefHistory:
    """Objects that come and go; each worker expects what it saw last."""

    name = "ref"
    settings = ""

    def __init__(self, main):
        self.ref = AtomicReference()
        self.seen = {}

    def some_value(self, worker):
        return None if worker.chance(6) else Thing(worker.new_number())

    def get(self, worker):
        self.seen[worker.number] = worker.do("get", [], self.ref.get, lambda value: [value])[1]

    def set(self, worker):
        value = self.some_value(worker)
        worker.do("set", [value], lambda: self.ref.set(value))

    def exchange(self, worker):
        value = self.some_value(worker)
        self.seen[worker.number] = worker.do(
            "exchange", [value], lambda: self.ref.exchange(value), lambda old: [old]
        )[1]

    def compare_exchange(self, worker):
        expected, new = self.seen.get(worker.number), self.some_value(worker)

        def swap():
            if not self.ref.compare_exchange(expected, new):
                raise Empty

        worker.do("compare_exchange", [expected, new], swap)

    def step(self, worker):
        worker.random.choice((self.get, self.set, self.exchange, self.compare_exchange))(worker)

    def finish(self, main):
        self.get(main)


class QueueHistory:
    name = "queue"

    def __init__(self, main):
        self.closes_at_once = AtomicFlag(False)
        self.closing = None
        self.pushed, self.popped = {}, {}
        self.make(main)
        for _ in range(main.random.randrange(3)):
            self.push(main, 0)

    def make(self, main):
        self.settings = ""
        self.queue = ConcurrentQueue(lock_free=main.chance(4))
        # The first segment has 40 cells.
        for _ in range(main.random.choice((0, 30, 36, 37, 38, 39, 40))):
            self.queue.push(None)
            self.queue.pop()

    def put(self, item, timeout):
        self.queue.push(item)

    def take(self, timeout):
        return self.queue.pop(timeout=timeout)

    def push(self, worker, timeout):
        item = Thing(worker.new_number())
        if worker.do("push", [item], lambda: self.put(item, timeout))[0] == "ok":
            self.pushed[item.number] = item

    def pop(self, worker, timeout):
        answer, item = worker.do("pop", [], lambda: self.take(timeout), lambda item: [item])
        if answer == "ok":
            self.popped[item.number] = item
        return answer

    def shutdown(self, worker):
        if worker.chance(2) and worker is self.chosen:
            worker.do("close", [], lambda: self.queue.shutdown(immediate=True))
            called, returned, _ = worker.lines[-1]
            worker.write(called, returned, ["ended", "=", "ok"])
            self.closing = worker, called, returned
            self.chosen = None
        else:
            worker.do("close", [], self.queue.shutdown)

    def look(self, worker):
        name, how = worker.random.choice((("size", self.queue.size), ("empty", self.queue.empty)))
        worker.do(name, [], how, lambda value: [value])

    def some_timeout(self, worker):
        return worker.random.random() / 5000 if worker.chance(4) else 0

    def step(self, worker):
        number = worker.random.randrange(32)
        if number < 13:
            self.push(worker, self.some_timeout(worker))
        elif number < 14:
            self.shutdown(worker)
        elif number < 18:
            self.look(worker)
        else:
            self.pop(worker, self.some_timeout(worker))

    def finish(self, main):
        main.do("close", [], self.queue.shutdown)
        while self.pop(main, 0) == "ok":
            pass
        # What the immediate end threw away, in an order that nobody sees.
        if self.closing is not None:
            worker, called, returned = self.closing
            for number in self.pushed.keys() - self.popped.keys():
                worker.write(called, returned, ["drained", "=", "ok", f"o{number}"])

    chosen = None
    """The one worker that may end it at once: else nobody knew who threw what away."""


class BoundedQueueHistory(QueueHistory):
    name = "bounded_queue"

    def make(self, main):
        capacity = main.random.randrange(4)
        self.settings = f"capacity={capacity}"
        self.queue = StdConcurrentQueue(capacity)
        self.tasks = {}

    def put(self, item, timeout):
        self.queue.put(item, block=timeout > 0, timeout=timeout or None)

    def take(self, timeout):
        return self.queue.get(block=timeout > 0, timeout=timeout or None)

    def pop(self, worker, timeout):
        answer = super().pop(worker, timeout)
        if answer == "ok":
            self.tasks[worker.number] = self.tasks.get(worker.number, 0) + 1
        return answer

    def look(self, worker):
        if self.tasks.get(worker.number, 0) > 0 and worker.chance(2):
            self.tasks[worker.number] -= 1
            worker.do("task_done", [], self.queue.task_done)
            return
        if worker.chance(4):
            capacity = worker.random.randrange(4)
            worker.do("set_capacity", [capacity], lambda: setattr(self.queue, "maxsize", capacity))
            return
        name, how = worker.random.choice((
            ("size", self.queue.qsize),
            ("empty", self.queue.empty),
            ("full", self.queue.full),
            ("is_closed", lambda: self.queue.is_shutdown),
            ("unfinished", lambda: self.queue.unfinished_tasks),
        ))  # fmt: skip
        worker.do(name, [], how, lambda value: [value])

    def finish(self, main):
        super().finish(main)
        while main.do("task_done", [], self.queue.task_done)[0] == "ok":
            pass
        main.do("join", [], self.queue.join)


class GatherHistory:
    """Some workers insert, the others iterate; who still waits in the end sees it fail."""

    name = "gather"

    def __init__(self, main):
        self.keys = range(main.random.randint(1, 4))
        self.settings = f"keys={len(self.keys)} failure=first"
        self.gather = ConcurrentGatheringIterator()
        self.iterators = {}
        self.ended = set()

    def insert(self, worker):
        key, value = worker.random.choice(self.keys), Thing(worker.new_number())
        worker.do("insert", [key, value], lambda: self.gather.insert(key, value))

    def fail(self, worker):
        def insert():
            try:
                self.gather.insert(-1, None)
            except ValueError:
                pass

        worker.do("fail", [], insert)

    def take(self, worker):
        if worker.number in self.ended:
            return
        if worker.number not in self.iterators:
            clear = worker.chance(2)
            iterator = self.gather.iterator(len(self.keys) - 1, clear)
            self.iterators[worker.number] = iterator, clear, iter(self.keys)
        iterator, clear, keys = self.iterators[worker.number]
        key = next(keys, None)
        if key is None:
            assert next(iterator, None) is None
            self.ended.add(worker.number)
            return
        name = "take" if clear else "read"
        if worker.do(name, [key], lambda: next(iterator), lambda value: [value])[0] != "ok":
            self.ended.add(worker.number)

    def step(self, worker):
        if worker.number % 2 == 0:
            self.take(worker)
        elif worker.chance(24):
            self.fail(worker)
        else:
            self.insert(worker)

    def wake(self, main):
        """Called when some are still at work a while after the others."""
        self.fail(main)

    def finish(self, main):
        pass


HISTORIES = {
    kind.name: kind
    for kind in (
        DictHistory,
        Int64History,
        FlagHistory,
        RefHistory,
        QueueHistory,
        BoundedQueueHistory,
        GatherHistory,
    )
}


def complain(history, seed, workers, what):
    sys.stdout.flush()
    print(f"FAILED: recorder.py {history.name} {seed} 1: {what}", file=sys.stderr)
    write(history, seed, workers, sys.stderr)
    sys.stderr.flush()
    os._exit(1)


def write(history, seed, workers, file):
    print(f"history {history.name} {seed} {history.settings}".rstrip(), file=file)
    for worker in workers:
        for called, returned, words in worker.lines:
            print(worker.number, called, returned, *words, file=file)
    print("end", file=file)


def run(history, workers, steps):
    """Starts a thread for each worker, all from one moment on."""
    ready = AtomicInt64()

    def work(worker):
        ready.incr()
        # Who spins starts with the last one; but that one may want the processor.
        spins = 0
        while ready.get() < len(workers):
            spins += 1
            if spins > 500:
                time.sleep(5e-5)
        try:
            for _ in range(steps):
                history.step(worker)
        except BaseException as error:
            worker.failure = error

    threads = [threading.Thread(target=work, args=(worker,), daemon=True) for worker in workers]
    for thread in threads:
        thread.start()
    return threads


def wait(history, main, threads):
    """Whether all came back."""
    if hasattr(history, "wake"):
        end = time.monotonic() + 0.002
        for thread in threads:
            thread.join(max(0, end - time.monotonic()))
        if any(thread.is_alive() for thread in threads):
            history.wake(main)
    end = time.monotonic() + TOO_LONG
    for thread in threads:
        thread.join(max(0, end - time.monotonic()))
    return not any(thread.is_alive() for thread in threads)


def record(kind, seed):
    main = Worker(seed, 0)
    workers = [Worker(seed, number) for number in range(1, main.random.randint(3, 5) + 1)]
    steps = main.random.randint(3, 8)
    yield_seed(0)
    history = kind(main)
    history.chosen = main.random.choice(workers)
    # Slow in other places each time; the main thread is never.
    yield_seed(main.random.getrandbits(63) | 1)
    threads = run(history, workers, steps)
    if not wait(history, main, threads):
        complain(history, seed, [main, *workers], "a thread hangs")
    yield_seed(0)
    for worker in workers:
        if worker.failure is not None:
            complain(history, seed, [main, *workers], repr(worker.failure))
    history.finish(main)
    write(history, seed, [main, *workers], sys.stdout)


def parse_arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("structure", choices=HISTORIES)
    parser.add_argument("seed", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("--same-seed", action="store_true")
    parser.add_argument("--one-cpu", action="store_true")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    # When the checker has seen enough, that is the end.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    if arguments.one_cpu:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    # With the GIL, threads meet only where it changes hands.
    sys.setswitchinterval(1e-5)
    for i in range(arguments.count):
        record(HISTORIES[arguments.structure], arguments.seed + (0 if arguments.same_seed else i))
    print(f"recorded {arguments.count}")


if __name__ == "__main__":
    main()
