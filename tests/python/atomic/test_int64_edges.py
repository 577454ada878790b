# SPDX-License-Identifier: LGPL-2.1-or-later
"""AtomicInt64 beside numbers of every kind, and its operators in place under many threads."""

import math
import operator
import random
from decimal import Decimal
from fractions import Fraction

import pytest
from helpers import MANY, run_together

from concurrency import AtomicInt64

LEAST, MOST = -(2**63), 2**63 - 1
EDGES = [0, 1, -1, 2, -2, 3, -3, 10, -10, 2**31, -(2**31), 2**32 + 1, 2**62, -(2**62), MOST - 1, MOST, LEAST,
         LEAST + 1]  # fmt: skip
BEYOND = [MOST + 1, LEAST - 1, 2**64, -(2**64), 2**64 + 1, 10**30, -(10**400)]
PLAIN = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": operator.floordiv,
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
}
IN_PLACE = {
    "+=": (operator.iadd, operator.add),
    "-=": (operator.isub, operator.sub),
    "*=": (operator.imul, operator.mul),
    "//=": (operator.ifloordiv, operator.floordiv),
    "&=": (operator.iand, operator.and_),
    "|=": (operator.ior, operator.or_),
    "^=": (operator.ixor, operator.xor),
}
METHODS = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "floordiv": operator.floordiv,
    "and_": operator.and_,
    "or_": operator.or_,
    "xor": operator.xor,
}


def wrapped(number):
    """The number as 64 bits in two's complement hold it."""
    return (number - LEAST) % 2**64 + LEAST


class Index:
    def __init__(self, value):
        self.value = value

    def __index__(self):
        return self.value


class Number(int):
    """An int that says who asked it."""

    def __radd__(self, other):
        return ("radd", int(other), int(self))


# --- numbers of every kind ---------------------------------------------------


@pytest.mark.parametrize("symbol", PLAIN)
def test_operators_with_ints_of_any_size_on_either_side_give_the_exact_int(symbol):
    compute = PLAIN[symbol]
    for value in EDGES:
        for other in EDGES + BEYOND:
            if symbol != "//" or other != 0:
                assert compute(AtomicInt64(value), other) == compute(value, other)
            if symbol != "//" or value != 0:
                assert compute(other, AtomicInt64(value)) == compute(other, value)


def test_floor_division_of_negatives_is_that_of_int_in_every_form():
    numbers = [*range(-9, 10), *EDGES]
    for left in numbers:
        for right in numbers:
            if right == 0:
                continue
            expected = left // right
            a, b = AtomicInt64(left), AtomicInt64(left)
            assert a // right == left // AtomicInt64(right) == expected
            assert AtomicInt64(left) // AtomicInt64(right) == expected
            a //= right
            assert a.get() == b.floordiv(right) == b.get() == wrapped(expected)


@pytest.mark.parametrize("method", METHODS)
def test_methods_return_the_new_value_and_wrap_at_64_bits(method):
    for left in EDGES:
        for right in EDGES:
            if method == "floordiv" and right == 0:
                continue
            a = AtomicInt64(left)
            for operand in (right, AtomicInt64(right), Index(right)):
                a.set(left)
                result = getattr(a, method)(operand)
                assert result == a.get() == wrapped(METHODS[method](left, right)) and type(result) is int


@pytest.mark.parametrize("method", ["set", *METHODS])
def test_methods_refuse_what_is_no_int_or_too_large_and_change_nothing(method):
    a = AtomicInt64(3)
    for wrong in ("1", b"1", 1.0, 1j, None, [], Decimal(1), Fraction(1), Index("1"), object()):
        with pytest.raises(TypeError):
            getattr(a, method)(wrong)
    for large in [*BEYOND, Index(2**63)]:
        with pytest.raises(OverflowError, match="64 bits"):
            getattr(a, method)(large)
    assert a.get() == 3


@pytest.mark.parametrize("symbol", IN_PLACE)
def test_in_place_a_value_outside_64_bits_is_an_overflow_error_and_changes_nothing(symbol):
    change, _ = IN_PLACE[symbol]
    for large in BEYOND:
        a = AtomicInt64(3)
        with pytest.raises(OverflowError, match="64 bits"):
            change(a, large)
        assert a.get() == 3


def test_bools_and_subclasses_of_int_count_as_ints():
    for symbol, compute in PLAIN.items():
        for value in (7, -7):
            assert compute(AtomicInt64(value), True) == compute(value, True), symbol
            assert compute(True, AtomicInt64(value)) == compute(True, value), symbol
    a = AtomicInt64(True)
    assert a.get() == 1 and type(a.get()) is int and a == True  # noqa: E712
    a += True
    assert a.get() == 2
    # An operator computes with ints, and so asks a subclass as an int would.
    assert a + Number(5) == 2 + Number(5) == ("radd", 2, 5)
    a += Number(5)
    assert a.get() == 7 and a == Number(7) and Number(7) == a


STRANGERS = [1.5, -0.0, math.inf, math.nan, 1j, "1", b"1", None, Decimal(3), Fraction(3), Index(3), object(),
             (), {}, len]  # fmt: skip


@pytest.mark.parametrize("other", STRANGERS, ids=lambda other: type(other).__name__)
def test_operators_with_what_is_no_int_are_a_type_error_and_change_nothing(other):
    a = AtomicInt64(3)
    for symbol, compute in PLAIN.items():
        if symbol == "*" and hasattr(other, "__len__"):
            continue  # a sequence times an index repeats it
        with pytest.raises(TypeError):
            compute(a, other)
        with pytest.raises(TypeError):
            compute(other, a)
        with pytest.raises(TypeError):
            IN_PLACE[symbol + "="][0](a, other)
    assert type(a) is AtomicInt64 and a.get() == 3


def test_operators_that_the_api_does_not_offer_are_a_type_error():
    a = AtomicInt64(3)
    for function in (operator.mod, operator.pow, operator.lshift, operator.rshift, operator.truediv,
                     operator.matmul, divmod, operator.imod, operator.ipow, operator.ilshift,
                     operator.irshift, operator.itruediv, operator.imatmul):  # fmt: skip
        for left, right in ((a, 2), (2, a), (a, a)):
            with pytest.raises(TypeError):
                function(left, right)
    for function in (len, iter, round, math.trunc, complex.conjugate):
        with pytest.raises(TypeError):
            function(a)
    assert a.get() == 3


def test_what_takes_an_index_or_a_number_takes_it():
    a = AtomicInt64(3)
    assert "abcd"[a] == "d" and [0] * a == [0] * 3 and range(a) == range(3) and bytes(a) == bytes(3)
    assert hex(a) == "0x3" and chr(AtomicInt64(97)) == "a" and "%d %x %s" % (a, a, a) == "3 3 3"
    assert math.sqrt(AtomicInt64(9)) == 3.0 and math.gcd(a, 6) == 3 and complex(a) == 3 and float(a) == 3.0
    assert math.floor(a) == math.ceil(a) == 3 and int(a) == 3 and Fraction(int(a)) == 3


# --- comparisons -------------------------------------------------------------

COMPARISONS = [operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge]


def test_comparisons_with_ints_floats_and_nan_are_those_of_int():
    others = [*EDGES, *BEYOND, 0.5, -0.5, 2.0**63, -(2.0**63), 2.0**53 + 2, 1e300, math.inf, -math.inf, math.nan,
              True, False, Number(3)]  # fmt: skip
    for value in EDGES:
        for other in others:
            for compare in COMPARISONS:
                assert compare(AtomicInt64(value), other) is compare(value, other)
                assert compare(other, AtomicInt64(value)) is compare(other, value)


def test_comparisons_with_other_kinds_of_numbers_are_those_of_strangers():
    a = AtomicInt64(3)
    for other in (Decimal(3), Fraction(3), 3 + 0j, Index(3), "3", None):
        assert (a == other) is False and (other == a) is False and (a != other) is True
        for compare in COMPARISONS[2:]:
            with pytest.raises(TypeError):
                compare(a, other)


def test_an_operand_that_answers_itself_is_asked():
    class Everything:
        def __eq__(self, other):
            return "eq"

        def __gt__(self, other):
            return "gt"

        def __rfloordiv__(self, other):
            return "rfloordiv"

    a = b = AtomicInt64(3)
    assert (a == Everything()) == "eq" and (a < Everything()) == "gt"
    b //= Everything()
    assert b == "rfloordiv" and a.get() == 3


# --- making and unmaking -----------------------------------------------------


def test_a_second_init_sets_the_value_and_a_failed_one_changes_nothing():
    a = AtomicInt64(5)
    a.__init__(6)
    assert a.get() == 6
    for wrong, error in (("x", TypeError), (2**63, OverflowError), (1.5, TypeError)):
        with pytest.raises(error):
            a.__init__(wrong)
    assert a.get() == 6
    a.__init__()
    assert a.get() == 0 and AtomicInt64.__new__(AtomicInt64).get() == 0


def test_what_index_raises_comes_out_and_nothing_is_changed():
    class Unwilling:
        def __index__(self):
            raise KeyError("on purpose")

    a = AtomicInt64(3)
    for attempt in (AtomicInt64, a.__init__, a.set, a.add, a.floordiv):
        with pytest.raises(KeyError, match="on purpose"):
            attempt(Unwilling())
    assert a.get() == 3


# --- many threads ------------------------------------------------------------


@pytest.fixture
def together(frequent_switches):
    """Runs work(number of the thread) in many threads."""
    return lambda work: run_together(*[lambda who=who: work(who) for who in range(MANY)])


def test_no_addition_or_subtraction_in_place_is_lost(together):
    a = AtomicInt64(MOST - 1000)  # it wraps on the way

    def work(who):
        mine = a
        for i in range(4000):
            mine += who * i
            mine -= i
        assert mine is a

    together(work)
    assert a.get() == wrapped(MOST - 1000 + sum((who - 1) * i for who in range(MANY) for i in range(4000)))


def test_no_multiplication_in_place_is_lost(together):
    # Modulo 2^64 the odd numbers are a group: each factor that is lost changes the product.
    factors = [[random.Random(who).randrange(LEAST, MOST) | 1 for _ in range(1500)] for who in range(MANY)]
    a = AtomicInt64(1)

    def work(who):
        mine = a
        for factor in factors[who]:
            mine *= factor

    together(work)
    assert a.get() == wrapped(math.prod(f for mine in factors for f in mine))


def test_no_floor_division_in_place_is_lost(together):
    # 60 halvings among 8 threads, so each round ends at 1, unless one is lost or done twice.
    a = AtomicInt64()
    shares = [60 // MANY + (who < 60 % MANY) for who in range(MANY)]

    def divide(who):
        mine = a
        for _ in range(shares[who]):
            mine //= 2

    for sign in (1, -1) * 10:
        a.set(sign * 2**60)
        together(divide)
        assert a.get() == sign


def test_multiplications_and_divisions_in_place_undo_each_other(together):
    a = AtomicInt64(3)

    def work(who):
        # At any moment at most 7 * 8 factors of 2 are in it: nothing wraps, nothing is rounded.
        mine = a
        for _ in range(400):
            for _ in range(7):
                mine *= 2
            for _ in range(7):
                mine //= 2

    together(work)
    assert a.get() == 3


def test_no_exclusive_or_in_place_is_lost(together):
    masks = [[random.Random(who).randrange(LEAST, MOST) for _ in range(3000)] for who in range(MANY)]
    a = AtomicInt64(12345)

    def work(who):
        mine = a
        for mask in masks[who]:
            mine ^= mask

    together(work)
    expected = 12345
    for mine in masks:
        for mask in mine:
            expected ^= mask
    assert a.get() == expected


def test_no_bit_set_or_cleared_in_place_is_lost(together):
    # Each thread owns 8 bits, and alone sets and clears them: none may change under it.
    a = AtomicInt64(0)

    def work(who):
        mine = a
        pick = random.Random(who)
        for _ in range(1500):
            bits = pick.randrange(256) << (8 * who)
            mine |= wrapped(bits)
            assert (mine.get() >> (8 * who)) & 255 == (bits >> (8 * who)) & 255
            mine &= wrapped(~bits)
            assert (mine.get() >> (8 * who)) & 255 == 0

    together(work)
    assert a.get() == 0


def test_each_method_is_atomic_and_returns_what_it_made(together):
    added, multiplied = AtomicInt64(), AtomicInt64(1)
    sums, products = [[] for _ in range(MANY)], [[] for _ in range(MANY)]

    def work(who):
        for _ in range(1500):
            sums[who].append(added.add(1))
            products[who].append(multiplied.mul(3))
            assert added.or_(0) > 0 and added.xor(0) > 0 and added.and_(-1) > 0 and added.floordiv(1) > 0

    together(work)
    number = MANY * 1500
    assert sorted(n for mine in sums for n in mine) == list(range(1, number + 1))
    # The powers of 3 modulo 2^64 repeat only after 2^62 steps.
    powers = {wrapped(pow(3, n, 2**64)) for n in range(1, number + 1)}
    assert {n for mine in products for n in mine} == powers and len(powers) == number


def test_another_thread_sees_only_values_that_were_stored(together):
    stored = [0, -1, MOST, LEAST, 0x0123456789ABCDEF, -0x0123456789ABCDEF]
    a = AtomicInt64()

    def work(who):
        for i in range(4000):
            if who % 2:
                a.set(stored[(i * who) % len(stored)])
            else:
                assert a.get() in stored and int(a) in stored and a + 0 in stored

    together(work)
