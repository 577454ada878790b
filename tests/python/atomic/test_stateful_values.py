# SPDX-License-Identifier: LGPL-2.1-or-later
"""AtomicInt64, AtomicReference, AtomicFlag and LocalWrapper against plain variables, by sequences of
operations that hypothesis makes up."""

import operator

import pytest
from stateful import MARKS, NUMBERS, outcome, run, same, strategies

from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from concurrency import AtomicFlag, AtomicInt64, AtomicReference, LocalWrapper

pytestmark = MARKS

LEAST, MOST = -(2**63), 2**63 - 1

ARITHMETIC = strategies.sampled_from(["add", "sub", "mul", "floordiv", "and_", "or_", "xor"])
COMPARISONS = strategies.sampled_from([operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge])
ONE_OPERAND = strategies.sampled_from(
    [int, bool, float, str, abs, operator.neg, operator.pos, operator.invert, operator.index, format, hex, range]
)


def wrapped(number):
    """The number as 64 bits in two's complement hold it."""
    return (number - LEAST) % 2**64 + LEAST


class Ints(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.ours, self.model = AtomicInt64(), 0

    def changed(self, function, n):
        """What a change in place comes to, and makes of the model."""
        if not LEAST <= n <= MOST:
            return "error", OverflowError
        kind, result = outcome(function, self.model, n)
        if kind == "result":
            self.model = result = wrapped(result)
        return kind, result

    @rule(n=NUMBERS)
    def set(self, n):
        assert outcome(self.ours.set, n)[0] == self.changed(lambda old, new: new, n)[0]

    @rule(name=ARITHMETIC, n=NUMBERS)
    def change(self, name, n):
        same(outcome(getattr(self.ours, name), n), self.changed(getattr(operator, name), n))

    @rule(name=ARITHMETIC, n=NUMBERS)
    def change_in_place(self, name, n):
        before = self.ours
        in_place = getattr(operator, "i" + name.rstrip("_"), None) or getattr(operator, "i" + name)
        kind, result = outcome(in_place, self.ours, n)
        expected = self.changed(getattr(operator, name), n)
        if kind == "result":
            assert result is before and expected[0] == "result"
        else:
            same((kind, result), expected)

    @rule(up=strategies.booleans())
    def step(self, up):
        self.model = wrapped(self.model + (1 if up else -1))
        assert (self.ours.incr if up else self.ours.decr)() == self.model

    @rule(name=ARITHMETIC, n=NUMBERS)
    def compute(self, name, n):
        """On either side, with ints and with another of its kind; exactly, and changing nothing."""
        function = getattr(operator, name)
        same(outcome(function, self.ours, n), outcome(function, self.model, n))
        same(outcome(function, n, self.ours), outcome(function, n, self.model))
        if LEAST <= n <= MOST:
            same(outcome(function, self.ours, AtomicInt64(n)), outcome(function, self.model, n))

    @rule(function=COMPARISONS, other=strategies.one_of(NUMBERS, strategies.floats(), strategies.text(max_size=1)))
    def compare(self, function, other):
        same(outcome(function, self.ours, other), outcome(function, self.model, other))
        same(outcome(function, other, self.ours), outcome(function, other, self.model))

    @rule(function=ONE_OPERAND)
    def look(self, function):
        same(outcome(function, self.ours), outcome(function, self.model))

    @rule(spec=strategies.sampled_from(["", "d", "x", "+,", "010", ".2f", "e", "s", "%%"]))
    def write(self, spec):
        same(outcome(format, self.ours, spec), outcome(format, self.model, spec))

    @invariant()
    def they_are_the_same(self):
        assert self.ours.get() == self.model and type(self.ours.get()) is int
        assert repr(self.ours) == f"AtomicInt64({self.model})"


OBJECTS = [None, 0, 2**70, "text", object(), [], ()]


class References(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.ours, self.model = AtomicReference(), None
        self.flag, self.truth = AtomicFlag(False), False

    @rule(new=strategies.sampled_from(OBJECTS))
    def set(self, new):
        self.ours.set(new)
        self.model = new

    @rule(new=strategies.sampled_from(OBJECTS))
    def exchange(self, new):
        assert self.ours.exchange(new) is self.model
        self.model = new

    @rule(expected=strategies.sampled_from(OBJECTS), new=strategies.sampled_from(OBJECTS))
    def compare_exchange(self, expected, new):
        assert self.ours.compare_exchange(expected, new) is (expected is self.model)
        if expected is self.model:
            self.model = new

    @rule(truth=strategies.sampled_from(OBJECTS))
    def set_flag(self, truth):
        self.flag.set(truth)
        self.truth = bool(truth)

    @invariant()
    def they_are_the_same(self):
        assert self.ours.get() is self.model
        assert bool(self.flag) is self.truth and str(self.flag) == str(self.truth)


OPERANDS = strategies.one_of(
    strategies.integers(-9, 9), strategies.text(max_size=3), strategies.lists(strategies.integers(0, 3), max_size=3),
    strategies.floats(), strategies.none(), strategies.sets(strategies.integers(0, 3)), strategies.booleans(),
    strategies.dictionaries(strategies.integers(0, 3), strategies.none(), max_size=2), strategies.complex_numbers(),
)  # fmt: skip

TWO_OPERANDS = strategies.sampled_from([
    operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod, divmod,
    operator.lshift, operator.rshift, operator.and_, operator.or_, operator.xor, operator.matmul,
    operator.contains, operator.getitem, operator.eq, operator.ne, operator.lt, operator.ge,
])  # fmt: skip


# A left operand that looks at the type of the right one itself, and so sees a wrapper: a format takes it for a
# mapping, a str has only strs in it, and a set takes another set for its frozen copy.
LOOKS_AT_THE_TYPE = {(operator.mod, str), (operator.contains, str), (operator.contains, set)}


class Wrappers(RuleBasedStateMachine):
    """A wrapper answers as the object does. Comparisons by repr, for NaN's sake."""

    def __init__(self):
        super().__init__()
        self.wrapped = 0

    def check(self, ours, theirs):
        assert ours[0] == theirs[0] and repr(ours[1]) == repr(theirs[1])

    @rule(value=OPERANDS)
    def wrap(self, value):
        self.wrapped = value
        assert LocalWrapper(value).get_wrapped() is value
        assert LocalWrapper(LocalWrapper(value)).get_wrapped() is value

    @rule(function=TWO_OPERANDS, other=OPERANDS)
    def combine(self, function, other):
        self.check(outcome(function, LocalWrapper(self.wrapped), other), outcome(function, self.wrapped, other))
        if (function, type(other)) not in LOOKS_AT_THE_TYPE:
            self.check(outcome(function, other, LocalWrapper(self.wrapped)), outcome(function, other, self.wrapped))

    @rule(function=strategies.one_of(ONE_OPERAND, strategies.sampled_from([len, list, hash, complex, bytes, repr])))
    def look(self, function):
        if function is not repr and not (function is bytes and isinstance(self.wrapped, int)):
            self.check(outcome(function, LocalWrapper(self.wrapped)), outcome(function, self.wrapped))

    @rule(name=strategies.sampled_from(["real", "imag", "__class__", "__doc__", "no_such_name"]))
    def attribute(self, name):
        self.check(outcome(getattr, LocalWrapper(self.wrapped), name), outcome(getattr, self.wrapped, name))


@pytest.mark.parametrize("machine", [Ints, References, Wrappers], ids=lambda machine: machine.__name__)
def test_any_sequence_of_operations_on_a_value_comes_to_what_its_model_comes_to(machine):
    run(machine)
