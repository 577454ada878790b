# SPDX-License-Identifier: LGPL-2.1-or-later
"""ConcurrentGatheringIterator against a dict, by sequences of operations that hypothesis makes up."""

import pytest
from stateful import MARKS, outcome, run, strategies

from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from concurrency import ConcurrentGatheringIterator, LocalWrapper

pytestmark = MARKS

KEYS = strategies.integers(0, 12)
VALUES = strategies.one_of(strategies.none(), strategies.integers(), strategies.text(max_size=2))


class Gatherings(RuleBasedStateMachine):
    """No iterator is asked for a value that is not there, unless the gathering has failed."""

    def __init__(self):
        super().__init__()
        self.ours, self.model, self.failed = ConcurrentGatheringIterator(2), {}, False
        self.readers = []
        """Iterators under way: the iterator, its next key, the last one, whether it clears, whether it wraps."""

    @rule(key=KEYS, value=VALUES)
    def insert(self, key, value):
        self.ours.insert(key, value)
        self.model[key] = value

    @rule(count=KEYS)
    def insert_from_the_first(self, count):
        for key in range(count):
            self.insert(key, key)

    @rule(last=strategies.integers(-1, 12), clear=strategies.booleans(), wraps=strategies.booleans())
    def read(self, last, clear, wraps):
        make = self.ours.iterator_local if wraps else self.ours.iterator
        self.readers.append([make(last, clear), 0, last, clear, wraps])

    @precondition(lambda self: self.readers)
    @rule(which=KEYS, steps=strategies.integers(1, 14))
    def read_on(self, which, steps):
        reader = self.readers[which % len(self.readers)]
        for _ in range(steps):
            iterator, key, last, clear, wraps = reader
            if key > last:
                assert next(iterator, "end") == "end"
                return
            if self.failed:
                with pytest.raises(RuntimeError) as caught:
                    next(iterator)
                assert isinstance(caught.value.__cause__, self.failed)
                return
            if key not in self.model:
                return
            value = next(iterator)
            assert (type(value) is LocalWrapper) is wraps
            value = value.get_wrapped() if wraps else value
            assert value == self.model[key] and type(value) is type(self.model[key])
            if clear:
                del self.model[key]
            reader[1] += 1

    @rule(wrong=strategies.sampled_from([(-1, ValueError), ("1", TypeError), (2**63, OverflowError)]), rare=KEYS)
    def a_wrong_key_fails_the_gathering(self, wrong, rare):
        if rare != 12:
            return
        key, error = wrong
        assert outcome(self.ours.insert, key, None) == ("error", error)
        self.failed = self.failed or error


def test_any_sequence_of_operations_on_a_gathering_comes_to_what_its_model_comes_to():
    run(Gatherings)
