# SPDX-License-Identifier: LGPL-2.1-or-later
"""ConcurrentDict, as one thread sees it: values, keys with a will of their own, references."""

import copy
import enum
import gc
import pickle
import sys
import threading
import weakref

import pytest
from helpers import Background, Key, Thing, asleep, repeated_until

from concurrency import ConcurrentDict


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


# --- what a dict does --------------------------------------------------------


def test_what_is_stored_comes_back_until_it_is_deleted():
    d = ConcurrentDict()
    value = Thing()
    assert "k" not in d and len(d) == 0
    d["k"] = value
    assert d["k"] is value and "k" in d and len(d) == 1
    d["k"] = None
    assert d["k"] is None and len(d) == 1
    del d["k"]
    assert "k" not in d and len(d) == 0 and not d


MISSING = ["k", 7, (1, 2), (), None, b"x", 2**100, Colour.RED]


@pytest.mark.parametrize("key", MISSING, ids=repr)
def test_a_missing_key_is_a_key_error_with_that_key(key):
    d = ConcurrentDict()
    with pytest.raises(KeyError) as read:
        d[key]
    with pytest.raises(KeyError) as deleted:
        del d[key]
    assert read.value.args == (key,) and deleted.value.args == (key,)


@pytest.mark.parametrize("key", [[], {}, set(), ([],)], ids=repr)
def test_an_unhashable_key_is_a_type_error(key):
    d = ConcurrentDict()
    with pytest.raises(TypeError):
        d[key]
    with pytest.raises(TypeError):
        d[key] = 1
    with pytest.raises(TypeError):
        del d[key]
    with pytest.raises(TypeError):
        key in d
    with pytest.raises(TypeError):
        d.get(key)
    with pytest.raises(TypeError):
        d.add(key)
    assert d.as_dict() == {}


def test_get_gives_the_value_or_the_default():
    d = ConcurrentDict()
    d[1] = "one"
    assert d.get(1) == "one" and d.get(2) is None
    assert d.get(2, "two") == "two" and d.get(key=1, default=0) == "one"
    for wrong in ((), (1, 2, 3)):
        with pytest.raises(TypeError):
            d.get(*wrong)
    with pytest.raises(TypeError):
        d.get(1, key=1)
    with pytest.raises(TypeError):
        d.get(1, other=1)


@pytest.mark.parametrize("scaling", [1, 2, 3, 17, 64, 10**6, 10**30, True])
def test_any_scaling_from_one_on_will_do(scaling):
    for d in (ConcurrentDict(scaling), ConcurrentDict(scaling=scaling)):
        for i in range(100):
            d[i] = i
        assert d.as_dict() == {i: i for i in range(100)}


@pytest.mark.parametrize("scaling", [0, -1, -(10**30)])
def test_a_scaling_below_one_is_a_value_error(scaling):
    with pytest.raises(ValueError):
        ConcurrentDict(scaling)


@pytest.mark.parametrize("scaling", ["4", 1.5, []])
def test_a_scaling_that_is_no_int_is_a_type_error(scaling):
    with pytest.raises(TypeError):
        ConcurrentDict(scaling=scaling)


def test_as_dict_is_a_plain_copy():
    d = ConcurrentDict()
    expected = {}
    for i in range(5000):
        d[i] = expected[i] = str(i)
    copied = d.as_dict()
    assert type(copied) is dict and copied == expected and len(d) == 5000
    copied[0] = None
    assert d[0] == "0"


def test_it_grows_and_shrinks():
    d = ConcurrentDict()
    for _ in range(3):
        for i in range(20_000):
            d[i] = i
        assert len(d) == 20_000
        for i in range(20_000):
            del d[i]
        assert len(d) == 0 and d.as_dict() == {}


def test_repr_shows_the_entries():
    class Sub(ConcurrentDict):
        pass

    d = ConcurrentDict()
    assert repr(d) == "ConcurrentDict({})"
    d["a"] = 1
    assert repr(d) == "ConcurrentDict({'a': 1})" and repr(Sub()) == "Sub({})"
    d["a"] = d
    assert repr(d) == "ConcurrentDict({'a': {...}})"


# --- keys --------------------------------------------------------------------


def test_equal_keys_are_one_key():
    d = ConcurrentDict()
    for key in (1, 1.0, True, 1 + 0j):
        d[key] = key
    assert len(d) == 1 and d[1] == 1 and list(d.as_dict()) == [1]
    assert type(next(iter(d.as_dict()))) is int  # the first key stays


def test_any_hashable_key_will_do():
    keys = [
        "", "a", "é", "€", "😀", "x" * 1000, b"", b"a", b"\0a", 0, 1, -1, -2, 2**61 - 1, 2**61, 2**62,
        2**63, -(2**63), 2**64, 2**200, -(2**200), 0.5, float("inf"), 1j, None, ..., int, Colour.RED,
        Colour.BLUE, (), (1, "a"), (1, ("b", 2.0)), frozenset(), frozenset([1, 2]), range(3), Thing(),
        Thing(), len, "a".upper,
    ]  # fmt: skip
    d = ConcurrentDict()
    plain = {}
    for number, key in enumerate(keys):
        d[key] = plain[key] = number
    assert d.as_dict() == plain and len(d) == len(plain)
    for key, number in plain.items():
        assert d[key] == number
        del d[key]
    assert len(d) == 0


def test_strings_of_equal_content_are_one_key():
    d = ConcurrentDict()
    for text in ("abc", "äöü", "€uro", "😀😀", ""):
        d[text] = text
        other = "".join(list(text) + [""])
        assert d[other] == text
        assert d[bytes(text, "utf-8").decode()] == text
    assert len(d) == 5


def test_a_nan_is_found_as_itself_alone():
    nan, other = float("nan"), float("nan")
    d = ConcurrentDict()
    d[nan] = 1
    assert d[nan] == 1 and other not in d


def test_a_subclass_of_str_may_compare_as_it_likes():
    class Lower(str):
        def __hash__(self):
            return hash(self.lower())

        def __eq__(self, other):
            return self.lower() == str(other).lower()

    class Plain(str):
        pass

    d = ConcurrentDict()
    d["abc"] = 1
    assert d[Plain("abc")] == 1 and d[Lower("ABC")] == 1 and "ABC" not in d


@pytest.mark.parametrize("number", [2, 9, 2**9])
def test_keys_of_one_hash_are_told_apart(number):
    d = ConcurrentDict()
    keys = [Key(i, 42) for i in range(number)]
    for key in keys:
        d[key] = key.value
    assert len(d) == number
    for i in range(0, number, 2):
        del d[Key(i, 42)]
    for i in range(number):
        assert d.get(Key(i, 42)) == (i if i % 2 else None)
    d.add(Key(number, 42))
    assert len(d) == number // 2 + 1


def test_integers_of_one_hash_are_told_apart():
    d = ConcurrentDict()
    keys = [i * (2**61 - 1) for i in range(-20, 20)] + [-1, -2]
    for key in keys:
        d[key] = key
    assert all(d[key] == key for key in keys) and len(d) == len(keys)


# --- keys that raise, re-enter, block ----------------------------------------


class Odd(Key):
    """A key whose comparison does something first."""

    def __init__(self, value, hash_, action):
        super().__init__(value, hash_)
        self.action = action

    __hash__ = Key.__hash__

    def __eq__(self, other):
        self.action()
        return super().__eq__(other)


OPERATIONS = {
    "read": lambda d, k: d[k],
    "get": lambda d, k: d.get(k),
    "contains": lambda d, k: k in d,
    "set": lambda d, k: d.__setitem__(k, 0),
    "delete": lambda d, k: d.__delitem__(k),
    "add": lambda d, k: d.add(k, 1),
}


@pytest.fixture(params=OPERATIONS)
def operation(request):
    return OPERATIONS[request.param]


def fail():
    raise ZeroDivisionError("on purpose")


def test_what_eq_raises_comes_out_and_nothing_is_changed(operation):
    d = ConcurrentDict()
    stored = Key("stored", 1)
    d[stored] = 5
    before = sys.getrefcount(stored)
    for _ in range(10):
        with pytest.raises(ZeroDivisionError):
            operation(d, Odd("stored", 1, fail))
    assert d.as_dict() == {stored: 5} and len(d) == 1
    assert sys.getrefcount(stored) == before


def test_what_hash_raises_comes_out_and_nothing_is_changed(operation):
    class Unwilling:
        def __hash__(self):
            fail()

    d = ConcurrentDict()
    d[1] = 5
    with pytest.raises(ZeroDivisionError):
        operation(d, Unwilling())
    assert d.as_dict() == {1: 5}


def test_eq_may_use_the_same_dict(operation):
    d = ConcurrentDict()

    def re_enter():
        d["other"] = d.get("other", 0) + 1
        d.add("count")
        assert len(d.as_dict()) >= 3

    d[Key("stored", 1)] = 5
    operation(d, Odd("stored", 1, re_enter))
    assert d["other"] >= 1 and d["count"] == d["other"]


def test_eq_may_delete_the_entry_it_is_compared_with(operation):
    d = ConcurrentDict()
    stored = Key("stored", 1)

    def delete():
        if stored in d:
            del d[stored]

    d[stored] = 5
    try:
        operation(d, Odd("stored", 1, delete))
    except KeyError:
        pass
    assert len(d) == len(d.as_dict()) <= 1


def test_eq_that_writes_does_not_feed_an_endless_search(operation):
    d = ConcurrentDict()
    others = [Key(i, 1) for i in range(20)]
    comparisons = []

    def write():
        comparisons.append(1)
        for key in others:
            d[key] = len(comparisons)
            del d[key]
            d[key] = None

    d[Key("stored", 1)] = 5
    try:
        operation(d, Odd("not there", 1, write))
    except KeyError:
        pass
    assert len(comparisons) < 1000


def test_eq_that_makes_the_table_grow_meanwhile_is_no_danger(operation):
    d = ConcurrentDict(scaling=1)

    def grow():
        for i in range(500):
            d[i] = i

    d[Key("stored", 1)] = 5
    operation(d, Odd("stored", 1, grow))
    assert all(d[i] == i for i in range(500))


def test_a_thread_that_blocks_in_eq_holds_up_nobody(operation):
    d = ConcurrentDict(scaling=1)
    inside, leave = threading.Event(), threading.Event()

    def block():
        inside.set()
        assert leave.wait(20)

    d[Key("stored", 1)] = 5
    with Background(operation, d, Odd("stored", 1, block)) as other:
        assert inside.wait(20)
        for i in range(1000):
            d[i] = i
            d.add(-1 - i)
        d[Key("stored", 1)] = 6
        del d[Key("stored", 1)]
        d[Key("stored", 1)] = 7
        asleep(other, 0.02)
        leave.set()


def test_a_failed_write_leaves_the_value_with_its_owner():
    d = ConcurrentDict()
    value = Thing()
    d[Key("stored", 1)] = None
    before = sys.getrefcount(value)
    for _ in range(100):
        with pytest.raises(ZeroDivisionError):
            d[Odd("x", 1, fail)] = value
        with pytest.raises(TypeError):
            d[[]] = value
    assert sys.getrefcount(value) == before


# --- counting ----------------------------------------------------------------


def test_add_starts_at_zero_and_returns_the_sum():
    d = ConcurrentDict()
    assert d.add("k") == 1 and d.add("k", 10) == 11 and d.add(key="k", n=-12) == -1
    assert d["k"] == -1 and type(d["k"]) is int and d.as_dict() == {"k": -1} and len(d) == 1


def test_add_goes_on_from_an_assigned_value():
    d = ConcurrentDict()
    d["k"] = 1000
    assert d.add("k") == 1001 and d.add("k") == 1002
    d["k"] = 5
    assert d["k"] == 5 and d.add("k") == 6
    del d["k"]
    assert "k" not in d and d.add("k") == 1


def test_add_counts_bools_and_int_subclasses_as_ints():
    class Number(int):
        def __add__(self, other):
            raise AssertionError("not asked for")

    d = ConcurrentDict()
    d["a"], d["b"] = True, Number(41)
    assert d.add("a") == 2 and d.add("b", True) == 42 and d.add("c", Number(3)) == 3
    assert type(d["a"]) is int and type(d["b"]) is int and type(d["c"]) is int


LIMITS = [2**31, 2**32, 2**59, 2**60, 2**61, 2**62, 2**63, 2**64, 2**100]


@pytest.mark.parametrize("limit", LIMITS, ids=lambda n: f"2^{n.bit_length() - 1}")
@pytest.mark.parametrize("sign", [1, -1])
def test_add_is_exact_beyond_any_limit(limit, sign):
    for steps in ([1, 1, 1, 1], [limit - 2, 5, -7, -limit], [2**40] * 3):
        d = ConcurrentDict()
        expected = d[0] = sign * (limit - 2)
        d.add(1, expected)
        for step in steps:
            expected += sign * step
            assert d.add(0, sign * step) == expected and d[0] == expected
            assert d.add(1, sign * step) == expected and d[1] == expected
        assert d.as_dict() == {0: expected, 1: expected}
        assert d.add(0, -expected) == 0 and d.add(0) == 1


@pytest.mark.parametrize("value", ["1", 1.0, None, [1]], ids=repr)
def test_add_to_what_is_no_int_is_a_type_error_and_changes_nothing(value):
    d = ConcurrentDict()
    d["k"] = value
    with pytest.raises(TypeError):
        d.add("k")
    assert d["k"] is value
    with pytest.raises(TypeError):
        d.add("new", value)
    assert "new" not in d


def test_add_releases_the_int_that_it_replaces():
    released = []

    class Number(int):
        def __del__(self):
            released.append(int(self))

    d = ConcurrentDict()
    d["k"] = Number(7)
    assert released == [] and d.add("k") == 8 and released == [7]


# --- references --------------------------------------------------------------


def test_a_deleted_value_is_released_at_once():
    d = ConcurrentDict()
    d["k"] = Thing()
    alive = weakref.ref(d["k"])
    assert alive() is not None
    del d["k"]
    assert alive() is None


def test_a_replaced_value_is_released_at_once():
    d = ConcurrentDict()
    d["k"] = Thing()
    alive = weakref.ref(d["k"])
    d["k"] = None
    assert alive() is None


def test_everything_is_released_with_the_dict():
    d = ConcurrentDict()
    things = [(Thing(), Thing()) for _ in range(300)]
    alive = [weakref.ref(thing) for pair in things for thing in pair]
    for key, value in things:
        d[key] = value
    for key, _ in things[:100]:
        del d[key]
    del things, key, value, _
    del d
    assert [reference() for reference in alive] == [None] * 600


def test_reference_counts_are_balanced():
    key, value, other = Thing(), Thing(), Thing()

    def counts():
        return [sys.getrefcount(thing) for thing in (key, value, other)]

    before = counts()
    d = ConcurrentDict()
    for _ in range(200):
        d[key] = value
        d[key] = other
        d[key] = value
        assert d[key] is value and key in d and d.get(key) is value
        assert d.as_dict() == {key: value}
        repr(d)
        del d[key]
        assert d.get(key, other) is other
    d[key] = value
    held = counts()
    assert held[1:] == [before[1] + 1, before[2]]
    assert 1 <= held[0] - before[0] <= 128  # deleted keys wait for some hundred operations
    del d
    assert counts() == before


def test_deleted_keys_do_not_pile_up():
    d = ConcurrentDict()
    alive = weakref.WeakSet()

    def set_and_delete():
        key = Thing()
        alive.add(key)
        d[key] = None
        del d[key]

    for _ in range(10_000):
        set_and_delete()
    assert repeated_until(lambda: len(alive) <= 200, set_and_delete)
    del d
    assert len(alive) == 0


def test_del_of_a_value_may_use_the_dict():
    d = ConcurrentDict()
    log = []

    class Heir:
        def __init__(self, depth):
            self.depth = depth

        def __del__(self):
            log.append(self.depth)
            d["k"] = Heir(self.depth - 1) if self.depth else None
            d.add("deaths")
            assert len(d.as_dict()) == 2

    d["deaths"] = 0
    d["k"] = Heir(5)
    del d["k"]
    assert d["k"] is not None and d["deaths"] == 1
    for _ in range(5):
        d["k"] = None
    assert log == [5, 4, 3, 2, 1, 0] and d["deaths"] == 6 and d["k"] is None


def test_del_of_a_value_may_use_the_dict_while_that_is_cleared(collected):
    class Owner:
        def __init__(self, d):
            self.dict = d

        def __del__(self):
            self.dict.get(0)
            self.dict["late"] = Thing()
            self.dict.as_dict()

    d = ConcurrentDict()
    for i in range(50):
        d[i] = Owner(d)
    alive = weakref.ref(d)
    del d
    collected(alive)


@pytest.mark.parametrize("where", ["value", "key", "both"])
def test_cycles_are_collected(where, collected):
    class Hashable(ConcurrentDict):
        __hash__ = object.__hash__

    d = Hashable()
    thing = Thing()
    thing.dict = d
    d[thing if where != "value" else 0] = thing if where != "key" else 0
    if where == "both":
        d[d] = d
    alive = weakref.ref(d), weakref.ref(thing)
    del d, thing
    collected(*alive)


def test_the_collector_sees_each_reference_once():
    d = ConcurrentDict()
    things = [(Thing(), Thing()) for _ in range(20)]
    for key, value in things:
        d[key] = value
        d.add(key.__class__)
    seen = [id(o) for o in gc.get_referents(d)]
    for pair in things:
        for thing in pair:
            assert seen.count(id(thing)) == 1


def test_a_long_chain_of_dicts_is_released_without_deep_recursion():
    d = None
    for _ in range(100_000):
        outer = ConcurrentDict(1)
        outer[0] = d
        d = outer
    del outer
    del d


def test_weak_references_end_with_the_dict():
    d = ConcurrentDict()
    called = []
    alive = weakref.ref(d, called.append)
    assert alive() is d
    del d
    assert alive() is None and called == [alive]


def test_subclasses_have_attributes_and_an_init_of_their_own():
    class Named(ConcurrentDict):
        def __init__(self, name):
            super().__init__(scaling=2)
            self.name = name

    class Careless(ConcurrentDict):
        def __init__(self, name):
            self.name = name

    for kind in (Named, Careless):
        d = kind("n")
        d[1] = 2
        assert d.name == "n" and d[1] == 2 and d.as_dict() == {1: 2}
    empty = ConcurrentDict.__new__(ConcurrentDict)
    assert len(empty) == 0 and 1 not in empty


def test_a_second_init_changes_nothing():
    d = ConcurrentDict()
    d[1] = 2
    d.__init__(scaling=4)
    assert d[1] == 2


def test_missing_is_asked_in_a_subclass():
    class Squares(ConcurrentDict):
        def __missing__(self, key):
            return self.setdefault(key) if key == "no such method" else key * key

    d = Squares()
    d[3] = "three"
    assert d[3] == "three" and d[4] == 16 and 4 not in d and d.get(4) is None
    with pytest.raises(AttributeError):
        d["no such method"]


def test_a_subclass_may_come_back_to_life_in_del():
    saved = []

    class Phoenix(ConcurrentDict):
        def __del__(self):
            saved.append(self)

    d = Phoenix()
    d[1] = thing = Thing()
    alive = weakref.ref(thing)
    del d, thing
    d = saved.pop()
    assert d[1] is alive()
    d[2] = 3
    assert len(d) == 2
    del d
    saved.clear()
    gc.collect()
    assert alive() is None


@pytest.mark.parametrize("attempt", [pickle.dumps, copy.copy, copy.deepcopy], ids=lambda f: f.__name__)
def test_pickling_and_copying_are_refused(attempt):
    with pytest.raises(TypeError, match="cannot pickle or copy 'concurrency.ConcurrentDict'"):
        attempt(ConcurrentDict())


def test_it_is_generic_and_unhashable():
    assert ConcurrentDict[str, int].__origin__ is ConcurrentDict
    with pytest.raises(TypeError):
        hash(ConcurrentDict())
