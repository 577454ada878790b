# SPDX-License-Identifier: LGPL-2.1-or-later
"""AtomicFlag: a truth that threads share."""

import copy
import gc
import pickle
import sys
import weakref

import pytest
from helpers import MANY, run_together

from concurrency import AtomicFlag, AtomicReference

TRUTHS = [True, False, 1, 0, "text", "", [], [0], None, 0.0, object()]


@pytest.mark.parametrize("value", TRUTHS, ids=repr)
def test_it_is_as_true_as_what_it_was_given(value):
    for flag in (AtomicFlag(value), AtomicFlag(value=value)):
        assert bool(flag) is bool(value) and str(flag) == str(bool(value))
        assert repr(flag) == f"AtomicFlag({bool(value)})" and f"{flag}" == str(bool(value))
    flag = AtomicFlag(not value)
    assert flag.set(value) is None and bool(flag) is bool(value)


def test_a_flag_may_be_set_from_another():
    assert AtomicFlag(AtomicFlag(True)) and not AtomicFlag(AtomicFlag(False))


def test_the_value_is_required_and_nothing_else_is_taken():
    flag = AtomicFlag(True)
    for wrong in (
        lambda: AtomicFlag(),
        lambda: AtomicFlag(False, False),
        lambda: AtomicFlag(truth=False),
        lambda: flag.set(),
        lambda: flag.set(False, False),
        lambda: flag.set(value=False),
        lambda: flag.__init__(),
    ):
        with pytest.raises(TypeError):
            wrong()
    assert flag


def test_a_truth_that_raises_changes_nothing():
    class Unwilling:
        def __bool__(self):
            raise ZeroDivisionError

    flag = AtomicFlag(True)
    for attempt in (flag.set, flag.__init__, AtomicFlag):
        with pytest.raises(ZeroDivisionError):
            attempt(Unwilling())
    assert flag


def test_a_truth_may_use_the_same_flag():
    class Meddler:
        def __bool__(self):
            flag.set(False)
            return not flag

    flag = AtomicFlag(True)
    flag.set(Meddler())
    assert flag


def test_init_again_sets_it_anew():
    flag = AtomicFlag(True)
    flag.__init__(0)
    assert not flag


def test_flags_compare_and_hash_by_identity():
    a, b = AtomicFlag(True), AtomicFlag(True)
    assert a == a and a != b and a != True and len({a, b, a}) == 2  # noqa: E712


def test_subclasses_weak_references_and_generics():
    class Open(AtomicFlag):
        def __init__(self, value, note):
            super().__init__(value)
            self.note = note

    class Slotted(AtomicFlag):
        __slots__ = ("note",)

    class Careless(AtomicFlag):
        def __init__(self, *arguments):
            pass

    assert Open(1, note="n").note == "n" and repr(Slotted(1)) == "Slotted(True)"
    assert not Careless(True) and not hasattr(Slotted(1), "__dict__")
    flag = Open(1, "n")
    flag.me = flag
    alive = weakref.ref(flag)
    del flag
    gc.collect()
    assert alive() is None
    assert AtomicFlag[int].__origin__ is AtomicFlag


def test_pickling_and_copying_are_refused():
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot pickle or copy"):
            attempt(AtomicFlag(True))


def test_reference_counts_are_balanced():
    flag, value = AtomicFlag(False), [1]
    before = sys.getrefcount(flag), sys.getrefcount(value)
    for _ in range(100):
        flag.set(value)
        bool(flag), str(flag), repr(flag)
        flag.__init__(value)
    assert (sys.getrefcount(flag), sys.getrefcount(value)) == before


def test_who_sees_the_flag_sees_what_was_done_before_it_was_set(frequent_switches):
    rounds = 300
    flags = [AtomicFlag(False) for _ in range(rounds)]
    data = [None] * rounds

    def write():
        for i, flag in enumerate(flags):
            data[i] = ("written", i)
            flag.set(True)

    def read():
        for i, flag in enumerate(flags):
            while not flag:
                pass
            assert data[i] == ("written", i)

    run_together(write, *[read] * (MANY - 1))


def test_threads_that_set_and_clear_leave_it_true_or_false(frequent_switches):
    flag, last = AtomicFlag(False), AtomicReference()

    def work(who):
        for n in range(3000):
            flag.set(n % 2)
            assert str(flag) in ("True", "False")
        last.set(who)

    run_together(*[lambda who=who: work(who) for who in range(MANY)])
    assert flag and last.get() in range(MANY)
