# SPDX-License-Identifier: LGPL-2.1-or-later
"""The queues against deque and queue.Queue, by sequences of operations that hypothesis makes up."""

import queue
from collections import deque

import pytest
from standard_queue_tests import variants
from stateful import MARKS, outcome, run, same, strategies

from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from concurrency import ConcurrentQueue, Empty, LocalWrapper, ShutDown, StdConcurrentQueue

pytestmark = MARKS

ITEMS = strategies.one_of(strategies.none(), strategies.integers(), strategies.text(max_size=3))


class Queues(RuleBasedStateMachine):
    """No call waits: there is nobody to wait for."""

    lock_free = False

    def __init__(self):
        super().__init__()
        self.ours, self.model, self.closed = ConcurrentQueue(lock_free=self.lock_free), deque(), False

    def pushed(self, item):
        if self.closed:
            return "error", ShutDown
        return "result", self.model.append(item)

    def popped(self):
        if self.model:
            return "result", self.model.popleft()
        return "error", ShutDown if self.closed else Empty

    @rule(item=ITEMS)
    def push(self, item):
        same(outcome(self.ours.push, item), self.pushed(item))

    @rule(count=strategies.integers(0, 1500))
    def push_many(self, count):
        for item in range(count):
            if not same(outcome(self.ours.push, item), self.pushed(item)):
                break

    @rule(timeout=strategies.sampled_from([0, 0.0, 1e-9, 1e-4]))
    def pop(self, timeout):
        same(outcome(self.ours.pop, timeout), self.popped())

    @rule(count=strategies.integers(0, 1500))
    def pop_many(self, count):
        for _ in range(count):
            if not same(outcome(self.ours.pop, 0), self.popped()):
                break

    @rule()
    def pop_local(self):
        kind, ours = outcome(self.ours.pop_local, timeout=0)
        if kind == "result":
            assert type(ours) is LocalWrapper
            ours = ours.get_wrapped()
        same((kind, ours), self.popped())

    @rule(timeout=strategies.sampled_from([-1, -1e-9, float("nan"), float("-inf")]))
    def a_wrong_timeout_is_refused(self, timeout):
        assert outcome(self.ours.pop, timeout) == ("error", ValueError)

    @precondition(lambda self: len(self.model) > 2)
    @rule(immediate=strategies.booleans())
    def shut_down(self, immediate):
        self.ours.shutdown(immediate)
        self.closed = True
        if immediate:
            self.model.clear()

    @invariant()
    def they_are_the_same(self):
        assert self.ours.size() == len(self.model)
        assert self.ours.empty() is (not self.model)


class LockFreeQueues(Queues):
    lock_free = True


class StdQueues(RuleBasedStateMachine):
    """Whatever queue.Queue does, without a wait."""

    theirs, kind = queue.Queue, StdConcurrentQueue

    def __init__(self):
        super().__init__()
        self.ours, self.model = self.kind(), self.theirs()

    def both(self, name, *args, **names):
        return same(
            outcome(getattr(self.ours, name), *args, **names), outcome(getattr(self.model, name), *args, **names)
        )

    @rule(maxsize=strategies.integers(-1, 5))
    def limit(self, maxsize):
        self.ours.maxsize = self.model.maxsize = maxsize

    @rule(item=ITEMS)
    def put_nowait(self, item):
        self.both("put_nowait", item)

    @rule(item=ITEMS, block=strategies.booleans(), timeout=strategies.sampled_from([0, 1e-9, 1e-4, -1, -0.5]))
    def put(self, item, block, timeout):
        self.both("put", item, block, timeout)

    @rule(items=strategies.lists(ITEMS, max_size=200))
    def put_many(self, items):
        for item in items:
            self.both("put_nowait", item)

    @rule()
    def get_nowait(self):
        self.both("get_nowait")

    @rule(block=strategies.booleans(), timeout=strategies.sampled_from([0, 1e-9, 1e-4, -1, -0.5]))
    def get(self, block, timeout):
        self.both("get", block, timeout=timeout)

    @rule()
    def get_all(self):
        while self.both("get_nowait"):
            pass

    @rule(count=strategies.integers(1, 9))
    def report_done(self, count):
        for _ in range(count):
            self.both("task_done")

    @precondition(lambda self: self.model.unfinished_tasks == 0)
    @rule()
    def join(self):
        self.both("join")

    @precondition(lambda self: hasattr(self.model, "shutdown") and self.model.qsize() > 2)
    @rule(immediate=strategies.booleans())
    def shut_down(self, immediate):
        self.both("shutdown", immediate)

    @invariant()
    def they_are_the_same(self):
        for name in ("qsize", "empty", "full"):
            self.both(name)
        assert self.ours.maxsize == self.model.maxsize
        assert self.ours.unfinished_tasks == self.model.unfinished_tasks


class LifoQueues(StdQueues):
    """With hooks, and so with a lock."""

    theirs, kind = queue.LifoQueue, variants(StdConcurrentQueue).LifoQueue


@pytest.mark.parametrize("machine", [Queues, LockFreeQueues, StdQueues, LifoQueues], ids=lambda m: m.__name__)
def test_any_sequence_of_operations_on_a_queue_comes_to_what_its_model_comes_to(machine):
    run(machine)
