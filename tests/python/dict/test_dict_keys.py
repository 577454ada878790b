# SPDX-License-Identifier: LGPL-2.1-or-later
"""ConcurrentDict and the will of its keys: what is equal, what __hash__ and __eq__ may do."""

import gc
import sys
import threading
import weakref
from decimal import Decimal
from fractions import Fraction

import pytest
from helpers import MANY, Background, Key, Thing, asleep, repeated_until, run_python, run_together

from concurrency import ConcurrentDict

# --- equal, but not the same -------------------------------------------------


@pytest.mark.parametrize("first", [1, 1.0, True, 1 + 0j, Fraction(1), Decimal(1)], ids=repr)
def test_equal_numbers_are_one_key_and_the_first_stays(first):
    d = ConcurrentDict()
    d[first] = "first"
    for other in (1, 1.0, True, 1 + 0j, Fraction(1), Decimal(1)):
        assert d[other] == "first" and other in d
        d[other] = "first"
        assert len(d) == 1 and next(iter(d.as_dict())) is first
    assert d.as_dict() == {1: "first"}
    del d[1.0]
    assert len(d) == 0 and first not in d
    d[0] = d[-0.0] = d[False] = "zero"
    assert len(d) == 1


def test_keys_that_are_equal_but_not_identical_are_one_key():
    def pairs():
        text = "".join(["a", "b"])
        return [
            (text, "".join(["ab"[0], "b"])),
            (("a", 1, (2.0, None)), ("".join("a"), True, (2, None))),
            (10**30, 10**29 * 10),
            (-(10**30), -(10**29) * 10),
            (2**62, 2**61 * 2),
            (b"xyz", b"".join([b"x", b"yz"])),
            (frozenset([1, 2]), frozenset([2.0, 1.0])),
            (0.1, float("0.1")),
            (range(0, 3, 2), range(0, 4, 2)),
            ("\u20ac", "\N{EURO SIGN}"),
        ]

    for (stored, _), (_, asked) in zip(pairs(), pairs()):
        d = ConcurrentDict()
        d[stored] = 1
        assert d[asked] == 1 and asked in d and d.add(asked) == 2
        d[asked] = 3
        assert len(d) == 1 and d[stored] == 3
        del d[asked]
        assert len(d) == 0


def test_a_subclass_that_compares_as_its_base_is_the_same_key():
    class Text(str):
        pass

    class Number(int):
        pass

    class Pair(tuple):
        pass

    class Bytes(bytes):
        pass

    for plain, kind in (("k", Text), (7, Number), ((1, 2), Pair), (b"k", Bytes), (2**100, Number)):
        for stored, asked in ((plain, kind(plain)), (kind(plain), plain), (kind(plain), kind(plain))):
            d = ConcurrentDict()
            d[stored] = 1
            d[asked] = 2
            assert d.as_dict() == {plain: 2} and type(next(iter(d.as_dict()))) is type(stored)


def test_a_subclass_with_an_eq_of_its_own_is_asked_on_either_side():
    class Other(str):
        __hash__ = str.__hash__

        def __eq__(self, other):
            return False

    d = ConcurrentDict()
    d["k"] = 1
    assert Other("k") not in d
    d[Other("k")] = 2
    assert len(d) == 2 and d["k"] == 1
    same = Other("same")
    d[same] = 3
    assert d[same] == 3 and "same" not in d  # the same object needs no __eq__


def test_a_nan_is_found_as_the_same_object_and_no_other():
    nan, other = float("nan"), float("nan")
    d = ConcurrentDict()
    d[nan] = 1
    d[other] = 2
    assert len(d) == 2 and d[nan] == 1 and d[other] == 2 and float("nan") not in d
    d[nan,] = 3
    assert d[nan,] == 3 and (other,) not in d  # a tuple of the same object is equal
    del d[nan]
    assert nan not in d and d[other] == 2
    many = [float("nan") for _ in range(300)]
    for i, each in enumerate(many):
        d[each] = i
    assert all(d[each] == i for i, each in enumerate(many)) and len(d) == 302


def test_two_to_the_twelfth_keys_of_one_hash_are_told_apart():
    step = sys.hash_info.modulus
    keys = [step * i for i in range(2**12)]
    assert len({hash(key) for key in keys}) == 1
    d = ConcurrentDict()
    for key in keys:
        d[key] = key
    assert len(d) == 2**12 and d.as_dict() == {key: key for key in keys}
    for key in keys[::2]:
        del d[key]
    assert all((key in d) is bool(i % 2) for i, key in enumerate(keys))
    assert all(d.add(key) == key + 1 for key in keys[1:200:2]) and step * 2**12 not in d
    assert len(d) == 2**11


def test_keys_of_one_hash_in_many_threads_are_one_entry_each(frequent_switches):
    d = ConcurrentDict(2)
    step = sys.hash_info.modulus

    def work(who):
        for i in range(150):
            d.add(step * i)
            d[step * (1000 + who * 150 + i)] = who
        for i in range(0, 150, 2):
            del d[step * (1000 + who * 150 + i)]

    run_together(*[lambda who=who: work(who) for who in range(MANY)])
    copied = d.as_dict()
    assert len(copied) == len(d) == 150 + MANY * 75
    assert all(copied[step * i] == MANY for i in range(150))


# --- hashes ------------------------------------------------------------------


def test_a_key_whose_hash_changed_is_found_by_its_old_hash_alone():
    d = ConcurrentDict(1)
    key = Key("k", 1)
    d[key] = "value"
    key.hash = 2
    assert key not in d and d.get(Key("k", 2)) is None and d[Key("k", 1)] == "value"
    d[key] = "again"
    assert len(d) == 2 and d[key] == "again" and len(d.as_dict()) == 1  # there they are equal
    for i in range(1000):  # the tables grow by the hash that they remember
        d[i] = i
    assert d[Key("k", 1)] == "value" and d[Key("k", 2)] == "again"
    del d[Key("k", 1)]
    assert len(d) == 1001 and d[key] == "again"
    alive = weakref.ref(key)
    del d, key
    gc.collect()
    assert alive() is None


def test_a_hash_that_differs_at_each_call_loses_the_key_and_nothing_else():
    class Restless:
        hash = 0

        def __hash__(self):
            Restless.hash += 1
            return Restless.hash

    d = ConcurrentDict()
    key = Restless()
    for i in range(100):
        d[key] = i
    assert len(d) == 100 and key not in d
    d["k"] = 1
    assert d["k"] == 1
    alive = weakref.ref(key)
    del key, d
    gc.collect()
    assert alive() is None


@pytest.mark.parametrize("number", [0, -1, -2, 1, 2**61 - 1, -(2**61) + 1, 2**63 - 1, -(2**63)])
def test_any_hash_will_do(number):
    d = ConcurrentDict()
    keys = [Key(i, number) for i in range(20)]
    for key in keys:
        d[key] = key.value
    assert [d[Key(i, number)] for i in range(20)] == list(range(20)) and Key(20, number) not in d


WRONG_HASHES = {
    "no int": lambda self: "hash",
    "None": lambda self: None,
    "a float": lambda self: 1.0,
    "too many arguments": lambda self, other: 1,
}


@pytest.mark.parametrize("wrong", WRONG_HASHES)
def test_a_hash_that_is_no_int_is_a_type_error_and_changes_nothing(wrong):
    kind = type("Wrong", (), {"__hash__": WRONG_HASHES[wrong]})
    d = ConcurrentDict()
    d[1] = 2
    assign = lambda key: d.__setitem__(key, 1)  # noqa: E731
    for attempt in (d.__getitem__, d.__delitem__, d.__contains__, d.get, d.add, assign):
        with pytest.raises(TypeError):
            attempt(kind())
    assert d.as_dict() == {1: 2}


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyError, KeyboardInterrupt, StopIteration, MemoryError])
def test_what_hash_raises_on_the_nth_call_comes_out(error):
    class Tired:
        calls = 0

        def __hash__(self):
            self.calls += 1
            if self.calls == 3:
                raise error("on purpose")
            return 1

    d = ConcurrentDict()
    key = Tired()
    d[key] = 1
    assert key in d
    with pytest.raises(error, match="on purpose"):
        d[key] = 2
    assert d[key] == 1 and len(d) == 1


def test_hash_may_use_the_same_dict():
    d = ConcurrentDict(1)

    class Busy:
        def __hash__(self):
            d["calls"] = d.get("calls", 0) + 1
            d.add("count")
            for i in range(50):
                d[i] = i
            len(d)
            return 7

    key = Busy()
    d[key] = "value"
    assert d[key] == "value" and key in d and d["calls"] == d["count"] >= 3
    del d[key]
    assert key not in d


# --- comparisons that do something -------------------------------------------


class Probe(Key):
    """A key that runs `action(self, stored)` whenever it is compared with a stored key."""

    def __init__(self, value, hash_, action):
        super().__init__(value, hash_)
        self.action = action

    __hash__ = Key.__hash__

    def __eq__(self, other):
        self.action(self, other)
        return Key.__eq__(self, other)


def unlike(number):
    """A key of hash 1 that is compared, fast, with others of its kind, and leaves the answer to a Probe."""
    return sys.hash_info.modulus * (number + 1) + 1


READS = {
    "read": lambda d, k: d[k],
    "get": lambda d, k: d.get(k),
    "contains": lambda d, k: k in d,
    "delete": lambda d, k: d.__delitem__(k),
}
WRITES = {
    "set": lambda d, k: d.__setitem__(k, "new"),
    "add": lambda d, k: d.add(k, 1),
    "add a large int": lambda d, k: d.add(k, 2**100),
}
OPERATIONS = READS | WRITES


@pytest.fixture(params=OPERATIONS)
def operation(request):
    return OPERATIONS[request.param]


@pytest.fixture(params=READS)
def read(request):
    return READS[request.param]


@pytest.fixture(params=WRITES)
def write(request):
    return WRITES[request.param]


def stored_keys(number, hash_=1):
    d = ConcurrentDict()
    keys = [Key(i, hash_) for i in range(number)]
    for key in keys:
        d[key] = key.value
    return d, keys


@pytest.mark.parametrize("number", [1, 8, 9, 50])
def test_an_eq_that_inserts_a_key_of_its_hash_each_time_keeps_no_read(read, number):
    d, _ = stored_keys(number)
    fed = []

    def feed(probe, stored):
        fed.append(unlike(len(fed)))
        d[fed[-1]] = None

    for _ in range(2):
        before = len(d)
        try:
            assert not read(d, Probe("absent", 1, feed))
        except KeyError:
            pass
        # Each key that was there is compared once, those that came meanwhile never.
        assert len(d) == 2 * before
    assert len(fed) == 3 * number


def test_an_eq_that_inserts_a_key_of_its_hash_each_time_makes_a_write_raise(write):
    d, keys = stored_keys(3)
    fed = []

    def feed(probe, stored):
        assert len(fed) < 5000, "an endless search"
        fed.append(unlike(len(fed)))
        d[fed[-1]] = None

    probe = Probe("absent", 1, feed)
    before = sys.getrefcount(probe)
    with pytest.raises(RuntimeError, match="__eq__"):
        write(d, probe)
    probe.action = lambda probe, stored: None
    assert probe not in d and len(d) == 3 + len(fed) and sys.getrefcount(probe) == before
    assert [d[Key(i, 1)] for i in range(3)] == [0, 1, 2]
    write(d, probe)
    assert probe in d


def test_an_eq_that_inserts_each_time_does_not_hide_the_key(operation):
    d, keys = stored_keys(20)

    def feed(probe, stored):
        d[unlike(len(d))] = None

    result = operation(d, Probe(15, 1, feed))
    assert result in (None, 15, True, 16, 15 + 2**100)
    probe = Key(15, 1)
    assert (probe in d) is (operation is not OPERATIONS["delete"])
    assert d.get(probe) in (None, 15, "new", 16, 15 + 2**100)


def test_an_eq_that_inserts_thousands_of_other_keys_is_no_danger(operation):
    d, keys = stored_keys(3)

    def grow(probe, stored):
        for i in range(3000):
            d["other", stored.value, i] = i

    try:
        operation(d, Probe("absent", 1, grow))
    except KeyError:
        pass
    assert len(d) == 3 + 3 * 3000 + (operation in WRITES.values())
    assert all(d["other", n, i] == i for n in range(3) for i in range(3000))


def test_an_eq_that_deletes_the_entry_it_compares_is_no_danger(operation):
    for equal in (False, True):
        d, keys = stored_keys(10)
        alive = [weakref.ref(key) for key in keys]
        del keys

        def delete(probe, stored):
            if stored.value in d.as_dict().values():
                del d[Key(stored.value, 1)]

        try:
            operation(d, Probe(5 if equal else "absent", 1, delete))
        except KeyError:
            pass
        left = d.as_dict()
        assert len(d) == len(left)
        assert not any(isinstance(key, Probe) for key in left) or operation in WRITES.values()
        left = d = None
        gc.collect()
        assert not any(reference() for reference in alive)


def test_an_eq_that_clears_the_dict_is_no_danger(operation):
    d, keys = stored_keys(10)

    def clear(probe, stored):
        for key in d.as_dict():
            if key in d:
                del d[key]

    try:
        operation(d, Probe(5, 1, clear))
    except KeyError:
        pass
    assert len(d) == (operation in WRITES.values())


def test_an_eq_that_replaces_the_value_reads_what_is_there_then():
    d, keys = stored_keys(3)

    def replace(probe, stored):
        d[stored] = "replaced"

    assert d[Probe(1, 1, replace)] == "replaced"
    d[Probe(2, 1, replace)] = "mine"
    assert d[Key(2, 1)] == "mine"


@pytest.mark.parametrize("step", [1, 2**70])
def test_an_eq_that_assigns_to_its_own_key_each_time_does_not_keep_add(step):
    d, keys = stored_keys(3)
    assigned = []

    def assign(probe, stored):
        assert len(assigned) < 100, "an endless search"
        assigned.append(1000 + len(assigned))
        d[stored] = assigned[-1]

    assert d.add(Probe(1, 1, assign), step) == assigned[-1] + step == d[keys[1]]


def test_an_equal_key_that_was_renewed_while_it_was_compared_is_found():
    d = ConcurrentDict()
    d[Key("k", 1)] = "old"

    def renew(probe, stored):
        probe.action = lambda probe, stored: None
        del d[stored]
        d[Key("k", 1)] = "new"

    assert d[Probe("k", 1, renew)] == "new" and len(d) == 1
    del d[Probe("k", 1, renew)]
    assert len(d) == 0


def test_an_equal_key_that_is_renewed_at_each_comparison_stays_one_key(operation):
    d = ConcurrentDict()
    d[Key("k", 1)] = 5
    renewed = []

    def renew(probe, stored):
        assert len(renewed) < 5000, "an endless search"
        renewed.append(stored)
        del d[stored]
        d[Key("k", 1)] = 5

    try:
        result = operation(d, Probe("k", 1, renew))
    except KeyError:
        result = None  # there was a moment without the key
    except RuntimeError as error:
        assert operation in WRITES.values() and "__eq__" in str(error)
        result = None
    assert not result and len(d) == 1 and d[Key("k", 1)] == 5


@pytest.mark.parametrize("nth", [1, 2, 9, 30])
def test_what_eq_raises_at_its_nth_call_comes_out_and_nothing_is_changed(operation, nth):
    d, keys = stored_keys(30)
    calls = []

    def count(probe, stored):
        calls.append(stored)
        if len(calls) == nth:
            raise ZeroDivisionError("on purpose")

    before = [sys.getrefcount(key) for key in keys]
    with pytest.raises(ZeroDivisionError):
        operation(d, Probe("absent", 1, count))
    assert len(calls) == nth and len(set(map(id, calls))) == nth  # none was asked twice
    calls = calls.clear()
    assert [sys.getrefcount(key) for key in keys] == before and len(d) == 30
    assert d.as_dict() == {key: key.value for key in keys}


def test_each_key_of_the_same_hash_is_compared_once(operation):
    d, keys = stored_keys(40)
    calls = []
    try:
        operation(d, Probe("absent", 1, lambda probe, stored: calls.append(stored.value)))
    except KeyError:
        pass
    assert sorted(calls) == list(range(40))


def test_a_thread_that_blocks_in_eq_for_long_holds_up_no_other(operation):
    d, keys = stored_keys(10)
    inside, leave = threading.Event(), threading.Event()

    def block(probe, stored):
        inside.set()
        assert leave.wait(20)

    with Background(operation, d, Probe(5, 1, block)) as other:
        assert inside.wait(20)

        def work(who):
            for i in range(300):
                d[who, i] = i
                d.add("count")
                assert d[Key(3, 1)] == 3
                d[Key(("mine", who), 1)] = i
                del d[Key(("mine", who), 1)]
            assert len(d.as_dict()) >= 10 and len(d) >= 10 and len(repr(d)) > 100

        run_together(*[lambda who=who: work(who) for who in range(4)])
        gc.collect()
        asleep(other, 0.01)
        leave.set()
    assert d["count"] == 1200


def test_an_eq_that_lets_other_threads_run_loses_nothing(frequent_switches):
    switch = threading.Lock()

    class Switching(Key):
        __hash__ = Key.__hash__

        def __eq__(self, other):
            with switch:
                pass
            return Key.__eq__(self, other)

    d = ConcurrentDict(1)

    def work(who):
        for i in range(150):
            d.add(Switching(i % 10, 1))
            d[Switching((who, i % 3), 1)] = i
            del d[Switching((who, i % 3), 1)]

    run_together(*[lambda who=who: work(who) for who in range(MANY)])
    assert {key.value: n for key, n in d.as_dict().items()} == {i: MANY * 15 for i in range(10)}


def test_two_threads_whose_keys_wait_for_each_other_come_to_an_end():
    d, keys = stored_keys(1)
    barrier = threading.Barrier(2)

    def meet(probe, stored):
        if stored.value == 0:
            barrier.wait(20)

    probes = Probe("a", 1, meet), Probe("b", 1, meet)
    run_together(*[lambda probe=probe: d.__setitem__(probe, probe.value) for probe in probes])
    for probe in probes:
        probe.action = lambda probe, stored: None
    assert {key.value: value for key, value in d.as_dict().items()} == {0: 0, "a": "a", "b": "b"}


def test_an_eq_that_waits_for_another_thread_that_uses_the_dict_is_no_deadlock(operation):
    d, keys = stored_keys(5)

    def delegate(probe, stored):
        def work():
            d.add("count")
            d[Key("other", 1)] = 1
            del d[Key("other", 1)]
            return d[stored]

        assert run_together(work) == [stored.value]

    try:
        operation(d, Probe("absent", 1, delegate))
    except KeyError:
        pass
    assert d["count"] == 5


ANSWERS = {
    "1": (1, True),
    "a string": ("yes", True),
    "an empty string": ("", False),
    "0.0": (0.0, False),
    "None": (None, False),
    "NotImplemented": (NotImplemented, False),
    "an object": (object(), True),
    "an empty list": ([], False),
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_eq_that_returns_no_bool_is_taken_as_true_or_false(answer):
    returned, equal = ANSWERS[answer]

    class Strange:
        def __hash__(self):
            return 1

        def __eq__(self, other):
            return returned

    d = ConcurrentDict()
    d[Strange()] = 1
    assert (Strange() in d) is equal and (d.get(Strange(), 0) == 1) is equal
    d[Strange()] = 2
    assert len(d) == (1 if equal else 2)


def test_an_eq_whose_answer_has_no_truth_is_an_error_and_changes_nothing(operation):
    class Unclear:
        def __bool__(self):
            raise ValueError("unclear")

    class Strange:
        def __hash__(self):
            return 1

        def __eq__(self, other):
            return Unclear()

    d = ConcurrentDict()
    d[Strange()] = 1
    with pytest.raises(ValueError, match="unclear"):
        operation(d, Strange())
    assert len(d) == 1


def test_an_eq_that_lies_is_no_danger():
    class Liar:
        def __hash__(self):
            return 1

        def __eq__(self, other):
            Liar.calls += 1
            return Liar.calls % 3 == 0

    Liar.calls = 0
    d = ConcurrentDict()
    for i in range(200):
        d[Liar()] = i
        d.get(Liar())
        try:
            del d[Liar()]
        except KeyError:
            pass
    assert 0 < len(d) <= 200


def test_an_eq_without_end_of_recursion_is_a_recursion_error():
    d = ConcurrentDict()

    class Deep(Key):
        __hash__ = Key.__hash__

        def __eq__(self, other):
            return Deep("absent", 1) in d

    d[Key("stored", 1)] = 1
    for attempt in OPERATIONS.values():
        with pytest.raises(RecursionError):
            attempt(d, Deep("absent", 1))
    assert len(d) == 1


def test_a_fork_in_the_middle_of_a_comparison_leaves_both_processes_a_whole_dict():
    program = """
import os, sys
from concurrency import ConcurrentDict
class Forking:
    def __hash__(self):
        return 1
    def __eq__(self, other):
        global child
        if child is None:
            child = os.fork()
        return False
child = 0
d = ConcurrentDict(1)
d[Forking()] = 1
child = None
d[Forking()] = 2
assert len(d) == 2
for i in range(1000):
    d[i] = i
    del d[i]
if child == 0:
    os._exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
"""
    assert run_python(program) == ("", "")


# --- keys go -----------------------------------------------------------------


def test_a_key_with_a_finalizer_may_use_the_dict():
    d = ConcurrentDict()
    released = []

    class Owner:
        def __init__(self, number):
            self.number = number

        def __del__(self):
            released.append(self.number)
            d["last"] = self.number
            d.add("count")
            if self.number % 7 == 0:
                d[Owner(-1 - self.number)] = None
            len(d.as_dict())

    for i in range(1000):
        key = Owner(i)
        d[key] = i
        del d[key]
    del key
    owners = 1000 + len(range(0, 1000, 7))

    def set_and_delete():
        d[Thing()] = None
        for key in d.as_dict():
            if isinstance(key, (Owner, Thing)):
                del d[key]

    assert repeated_until(lambda: d.get("count", 0) == owners, set_and_delete)
    assert len(released) == owners
    assert sorted(n for n in released if n >= 0) == list(range(1000))


def test_a_key_may_come_back_to_life_in_its_finalizer():
    saved = []

    class Phoenix:
        def __del__(self):
            saved.append(self)

    d = ConcurrentDict()

    def set_and_delete():
        key = Phoenix()
        d[key] = None
        del d[key]

    assert repeated_until(lambda: len(saved) > 100, set_and_delete)
    for key in saved[:50]:
        d[key] = "again"
    assert all(d[key] == "again" for key in saved[:50]) and len(d) == 50
