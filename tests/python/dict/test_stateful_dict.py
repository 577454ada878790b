# SPDX-License-Identifier: LGPL-2.1-or-later
"""ConcurrentDict against dict, by sequences of operations that hypothesis makes up."""

from helpers import Key
from stateful import MARKS, NUMBERS, outcome, run, same, strategies

from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from concurrency import ConcurrentDict


pytestmark = MARKS


class Unequal(Key):
    """Raises when it is compared."""

    def __eq__(self, other):
        raise ZeroDivisionError

    __hash__ = Key.__hash__


KEYS = strategies.one_of(
    strategies.integers(-2, 3),
    strategies.sampled_from([True, 1.0, -0.0, None, "", "a", "é", b"a", (), (1, "a"), 2**70, -1, -2]),
    strategies.builds(Key, strategies.integers(0, 3), strategies.integers(0, 1)),
)
"""Some are equal though they differ in type, and some have a hash in common."""

VALUES = strategies.one_of(
    NUMBERS, strategies.sampled_from([None, True, 1.5, "text", (), [1]]), strategies.lists(strategies.integers(0, 9))
)


class Dicts(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.ours, self.model = ConcurrentDict(2), {}

    @rule(key=KEYS, value=VALUES)
    def store(self, key, value):
        self.ours[key] = self.model[key] = value

    @rule(key=KEYS)
    def look_up(self, key):
        ours, model = outcome(self.ours.__getitem__, key), outcome(self.model.__getitem__, key)
        if same(ours, model) and not isinstance(model[1], int):
            assert ours[1] is model[1]
        assert (key in self.ours) == (key in self.model)

    @rule(key=KEYS, default=VALUES)
    def look_up_or_default(self, key, default):
        same(outcome(self.ours.get, key, default), outcome(self.model.get, key, default))
        assert self.ours.get(key) == self.model.get(key)

    @rule(key=KEYS)
    def delete(self, key):
        same(outcome(self.ours.__delitem__, key), outcome(self.model.__delitem__, key))

    @rule(key=KEYS, n=NUMBERS)
    def add(self, key, n):
        old = self.model.get(key, 0)
        if isinstance(old, int):
            self.model[key] = old + n
            assert same(outcome(self.ours.add, key, n), ("result", old + n))
        else:
            assert not same(outcome(self.ours.add, key, n), ("error", TypeError))

    @rule(first=strategies.integers(0, 200), count=strategies.integers(0, 200), value=VALUES)
    def store_many(self, first, count, value):
        for number in range(first, first + count):
            self.ours[number] = self.model[number] = value

    @rule(first=strategies.integers(0, 200), count=strategies.integers(0, 200))
    def delete_many(self, first, count):
        for number in range(first, first + count):
            same(outcome(self.ours.__delitem__, number), outcome(self.model.__delitem__, number))

    @rule(hash_=strategies.integers(0, 1), value=VALUES)
    def compare_with_one_that_raises(self, hash_, value):
        """Whether it is compared depends on what has its hash; then nothing changes."""
        key = Unequal(0, hash_)
        meets = any(hash(other) == hash_ for other in self.model)
        for attempt in (
            lambda: self.ours[key],
            lambda: self.ours.add(key),
            lambda: self.ours.__setitem__(key, value),
            lambda: self.ours.__delitem__(key),
        ):
            if meets:
                assert outcome(attempt) == ("error", ZeroDivisionError)

    @rule(wrong=strategies.sampled_from([[], {}, set()]))
    def an_unhashable_key_is_refused(self, wrong):
        for attempt in (self.ours.__getitem__, self.ours.get, self.ours.add, self.ours.__delitem__):
            assert outcome(attempt, wrong) == ("error", TypeError)

    @invariant()
    def they_are_the_same(self):
        assert len(self.ours) == len(self.model)
        copied = self.ours.as_dict()
        assert copied == self.model
        # An equal key that was there is kept.
        kinds = sorted((repr(key), type(key).__name__) for key in copied)
        assert kinds == sorted((repr(key), type(key).__name__) for key in self.model)


def test_any_sequence_of_operations_on_a_dict_comes_to_what_a_dict_comes_to():
    run(Dicts)
