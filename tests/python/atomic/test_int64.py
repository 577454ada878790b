# SPDX-License-Identifier: LGPL-2.1-or-later
"""AtomicInt64: an int to look at, 64 bits to change."""

import copy
import math
import operator
import pickle
import sys
import weakref

import pytest
from helpers import MANY, run_together

from concurrency import AtomicInt64

LEAST, MOST = -(2**63), 2**63 - 1
VALUES = [0, 1, -1, 7, -7, 2**31, -(2**32), MOST, LEAST]
SYMBOLS = {
    "+": (operator.add, operator.iadd),
    "-": (operator.sub, operator.isub),
    "*": (operator.mul, operator.imul),
    "//": (operator.floordiv, operator.ifloordiv),
    "&": (operator.and_, operator.iand),
    "|": (operator.or_, operator.ior),
    "^": (operator.xor, operator.ixor),
}
METHODS = ("add", "sub", "mul", "floordiv", "and_", "or_", "xor")
"""Each named after the function of `operator` that it does in place."""


def wrapped(number):
    """The number as 64 bits in two's complement hold it."""
    return (number - LEAST) % 2**64 + LEAST


@pytest.fixture(params=SYMBOLS)
def symbol(request):
    return request.param


def test_it_holds_what_it_was_given():
    assert AtomicInt64().get() == 0
    for value in VALUES:
        a = AtomicInt64(value)
        assert a.get() == value and type(a.get()) is int and AtomicInt64(value=value).get() == value
        assert a.set(-1) is None and a.get() == -1


def test_anything_that_stands_for_an_int_will_do():
    class Index:
        def __index__(self):
            return 5

    a = AtomicInt64(Index())
    a.set(True)
    assert a.get() == 1 and a.add(Index()) == 6 and a.sub(AtomicInt64(2)) == 4
    assert AtomicInt64(AtomicInt64(9)).get() == 9


@pytest.mark.parametrize("wrong", ["1", 1.0, None, [], b"1"], ids=repr)
def test_what_is_no_int_is_a_type_error_and_changes_nothing(wrong):
    with pytest.raises(TypeError):
        AtomicInt64(wrong)
    a = AtomicInt64(3)
    for method in (a.set, *[getattr(a, name) for name in METHODS]):
        with pytest.raises(TypeError):
            method(wrong)
    for plain, in_place in SYMBOLS.values():
        if plain is operator.mul and hasattr(wrong, "__len__"):
            assert wrong * a == a * wrong == wrong * 3  # a sequence, repeated
            continue
        for attempt in (plain, in_place):
            with pytest.raises(TypeError):
                attempt(a, wrong)
        with pytest.raises(TypeError):
            plain(wrong, a)
    assert a.get() == 3


@pytest.mark.parametrize("large", [MOST + 1, LEAST - 1, 2**64, -(2**200)])
def test_a_given_value_beyond_64_bits_is_an_overflow_error_and_changes_nothing(large):
    with pytest.raises(OverflowError):
        AtomicInt64(large)
    a = AtomicInt64(3)
    for method in (a.set, *[getattr(a, name) for name in METHODS]):
        with pytest.raises(OverflowError):
            method(large)
    for _, in_place in SYMBOLS.values():
        with pytest.raises(OverflowError):
            in_place(a, large)
    assert a.get() == 3


def test_methods_return_the_new_value_and_wrap():
    a = AtomicInt64(MOST - 1)
    assert a.incr() == MOST and a.incr() == LEAST and a.decr() == MOST and a.decr() == MOST - 1
    assert a.add(10) == wrapped(MOST + 9) and a.sub(10) == MOST - 1
    assert a.sub(LEAST) == wrapped(MOST - 1 - LEAST)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("left", VALUES)
def test_a_method_does_what_its_operator_does_to_an_int_and_wraps(name, left):
    function = getattr(operator, name)
    for right in [*VALUES, True, 3, -3]:
        if name == "floordiv" and right == 0:
            continue
        expected = wrapped(function(left, right))
        for operand in (right, AtomicInt64(right)):
            a = AtomicInt64(left)
            result = getattr(a, name)(operand)
            assert result == expected == a.get() and type(result) is int


@pytest.mark.parametrize("left", VALUES)
def test_operators_give_exact_ints_and_change_nothing(symbol, left):
    plain, _ = SYMBOLS[symbol]
    for right in [*VALUES, 2**100, -(2**100), True]:
        if symbol == "//" and right == 0:
            continue
        expected = plain(left, right)
        a = AtomicInt64(left)
        results = [plain(a, right)]
        if LEAST <= right <= MOST:
            b = AtomicInt64(right)
            results += [plain(a, b), plain(left, b)]
            assert b.get() == right
        for result in results:
            assert result == expected and type(result) is int
        assert a.get() == left
    if left:
        assert plain(2**100, AtomicInt64(left)) == plain(2**100, left)


@pytest.mark.parametrize("left", VALUES)
def test_in_place_operators_keep_the_object_and_wrap(symbol, left):
    plain, in_place = SYMBOLS[symbol]
    for right in [*VALUES, True]:
        if symbol == "//" and right == 0:
            continue
        for operand in (right, AtomicInt64(right)):
            a = AtomicInt64(left)
            assert in_place(a, operand) is a and a.get() == wrapped(plain(left, right))


def test_an_object_may_be_its_own_operand():
    a = AtomicInt64(6)
    assert a + a == 12 and a - a == 0 and a // a == 1 and a == a
    a += a
    assert a.get() == 12
    a //= a
    assert a.get() == 1


@pytest.mark.parametrize("zero", [0, False, AtomicInt64(0)], ids=repr)
def test_division_by_zero_raises_and_changes_nothing(zero):
    a = AtomicInt64(5)
    with pytest.raises(ZeroDivisionError):
        a // zero
    with pytest.raises(ZeroDivisionError):
        a //= zero
    with pytest.raises(ZeroDivisionError):
        a.floordiv(zero)
    with pytest.raises(ZeroDivisionError):
        5 // AtomicInt64(0)
    assert a.get() == 5


def test_division_rounds_towards_minus_infinity():
    for left in (7, -7):
        for right in (2, -2):
            a = AtomicInt64(left)
            a //= right
            assert a.get() == left // right == AtomicInt64(left) // right
            assert AtomicInt64(left).floordiv(right) == left // right
    assert AtomicInt64(LEAST).floordiv(-1) == LEAST


@pytest.mark.parametrize("value", VALUES)
def test_unary_operators_and_conversions_are_those_of_int(value):
    a = AtomicInt64(value)
    for function in (operator.neg, operator.pos, abs, operator.invert, bool, int, float, str, hex, bin,
                     oct, operator.index):  # fmt: skip
        assert function(a) == function(value) and type(function(a)) is type(function(value))
    assert a.get() == value
    assert list(range(10))[AtomicInt64(3)] == 3


@pytest.mark.parametrize("spec", ["", "d", "x", "08d", "+,", ">10", "b", ".2f", "e"])
def test_format_is_that_of_int(spec):
    assert format(AtomicInt64(1234), spec) == format(1234, spec)
    assert f"{AtomicInt64(-5):{spec}}" == f"{-5:{spec}}"
    with pytest.raises(ValueError):
        format(AtomicInt64(1), "no such thing")


def test_repr_names_the_class():
    class Sub(AtomicInt64):
        pass

    assert repr(AtomicInt64(-3)) == "AtomicInt64(-3)" and repr(Sub(4)) == "Sub(4)"


@pytest.mark.parametrize("other", [*VALUES, 2**64, 0.5, -7.0, math.inf, math.nan, True])
@pytest.mark.parametrize("value", [0, -7, MOST])
def test_comparisons_are_those_of_int(value, other):
    others = [other, AtomicInt64(other)] if type(other) is int and abs(other) < 2**63 else [other]
    for compare in (operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge):
        for against in others:
            assert compare(AtomicInt64(value), against) is compare(value, other)
            assert compare(against, AtomicInt64(value)) is compare(other, value)


def test_comparison_with_anything_else_is_that_of_strangers():
    a = AtomicInt64(1)
    assert a != "1" and not a == None and a != [1]  # noqa: E711
    with pytest.raises(TypeError):
        a < "1"


def test_it_is_unhashable():
    with pytest.raises(TypeError, match="unhashable"):
        hash(AtomicInt64(1))


def test_subclasses_take_part_in_arithmetic():
    class Named(AtomicInt64):
        def __init__(self, name, value):
            super().__init__(value)
            self.name = name

    n = Named("n", 4)
    assert n + AtomicInt64(1) == 5 and AtomicInt64(1) + n == 5 and 1 + n == 5 and n.name == "n"
    n += n
    assert type(n) is Named and n == 8 and n == AtomicInt64(8)


def test_a_foreign_operand_may_answer():
    class Foreign:
        def __radd__(self, other):
            return ("radd", other.get())

        def __add__(self, other):
            return ("add", other.get())

    assert AtomicInt64(1) + Foreign() == ("radd", 1) and Foreign() + AtomicInt64(2) == ("add", 2)


def test_weak_references_end_with_it_and_it_has_no_double():
    a = AtomicInt64(1)
    alive = weakref.ref(a)
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot pickle or copy"):
            attempt(a)
    del a
    assert alive() is None


def test_reference_counts_are_balanced():
    a, n = AtomicInt64(1), 2**40
    before = sys.getrefcount(a), sys.getrefcount(n)
    for _ in range(200):
        a += n
        a -= n
        a + n, n - a, a == n, a.add(n), a.sub(n), -a, abs(a)
        a.mul(n), a.floordiv(n), a.and_(n), a.or_(n), a.xor(n)
        with pytest.raises(ZeroDivisionError):
            a //= 0
        with pytest.raises(ZeroDivisionError):
            a.floordiv(0)
        with pytest.raises(TypeError):
            a += "x"
        with pytest.raises(TypeError):
            a + "x"
    assert (sys.getrefcount(a), sys.getrefcount(n)) == before


def test_no_change_of_many_threads_is_lost(frequent_switches):
    a, tickets = AtomicInt64(), AtomicInt64()
    drawn = [[] for _ in range(MANY)]

    def work(mine):
        nonlocal a
        for _ in range(5000):
            mine.append(tickets.incr())
            a += 3
            a -= 1
            a.add(10)
            a.sub(9)
            a ^= 0
            a |= 0
            a *= 1
            a //= 1
            a.mul(1)
            a.floordiv(1)
            a.and_(-1)
            a.or_(0)
            a.xor(0)

    run_together(*[lambda mine=mine: work(mine) for mine in drawn])
    assert a == MANY * 5000 * 3
    assert sorted(n for mine in drawn for n in mine) == list(range(1, MANY * 5000 + 1))
    assert all(mine == sorted(mine) for mine in drawn)


def test_bits_of_many_threads_are_set_once_each(frequent_switches):
    a = AtomicInt64()

    def toggle(bit):
        nonlocal a
        for _ in range(2001):
            a ^= 1 << bit
            a.xor(1 << bit)
            a.xor(1 << bit)

    run_together(*[lambda bit=bit: toggle(bit) for bit in range(MANY)])
    assert a == 2**MANY - 1


def test_factors_of_many_threads_all_count(frequent_switches):
    a = AtomicInt64(1)
    expected = pow(3, MANY * 1000, 2**64)

    def multiply():
        for _ in range(1000):
            a.mul(3)

    run_together(*[multiply] * MANY)
    assert a == wrapped(expected)
