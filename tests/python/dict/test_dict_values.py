# SPDX-License-Identifier: LGPL-2.1-or-later
"""ConcurrentDict and the life of its values; looking at it all while others write; subclasses; nesting."""

import collections.abc
import gc
import sys
import threading
import weakref

import pytest
from helpers import MANY, Key, Thing, run_python, run_together

from concurrency import AtomicInt64, ConcurrentDict, ConcurrentGatheringIterator, ConcurrentQueue

# --- released at once --------------------------------------------------------


class Logged:
    """Says when it goes."""

    def __init__(self, log, name):
        self.log, self.name = log, name

    def __del__(self):
        self.log.append(self.name)


class LoggedInt(int):
    def __del__(self):
        self.log.append(int(self))


RELEASES = {
    "assigned": lambda d: d.__setitem__("k", None),
    "assigned an int": lambda d: d.__setitem__("k", 7),
    "deleted": lambda d: d.__delitem__("k"),
}


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("neighbours", [0, 5, 6, 5000])
def test_a_replaced_or_deleted_value_is_released_before_the_call_returns(release, neighbours):
    # Whatever else the call does: 5 and 6 neighbours make a table full, thousands make it shrink.
    log = []
    d = ConcurrentDict(1)
    for i in range(neighbours):
        d[i] = i
    for name in "abc":
        d["k"] = Logged(log, name)
        assert log == []
        RELEASES[release](d)
        assert log == [name]
        log.clear()
    for i in range(neighbours):
        del d[i]


def test_a_value_is_released_after_the_new_one_is_in_its_place():
    seen = []

    class Looking:
        def __del__(self):
            seen.append(d.get("k", "nothing"))

    d = ConcurrentDict()
    d["k"] = Looking()
    d["k"] = "new"
    d["k"] = Looking()
    del d["k"]
    assert seen == ["new", "nothing"]


def test_add_releases_each_int_that_it_replaces_at_once():
    log = []
    d = ConcurrentDict()
    for value in (5, 2**70, -1):
        number = LoggedInt(value)
        number.log = log
        d["k"] = number
        del number
        assert log == [] and d.add("k", 2) == value + 2 and log == [value]
        log.clear()


def test_reads_hold_a_value_no_longer_than_the_caller_does(frequent_switches):
    d = ConcurrentDict(2)
    alive = weakref.WeakSet()
    running = AtomicInt64(1)

    def write():
        for i in range(4000):
            thing = Thing()
            alive.add(thing)
            d[i % 3] = thing
            if i % 5 == 0:
                del d[i % 3]
        running.decr()

    def read():
        while running:
            d.get(0), d.get(1), 2 in d
            d.as_dict()

    run_together(write, read, read)
    gc.collect()
    assert len(alive) <= 3


# --- finalizers --------------------------------------------------------------


def test_a_weakref_callback_may_use_the_dict():
    d = ConcurrentDict()
    called = []

    def callback(reference):
        called.append(d.get("k"))
        d["from the callback"] = Thing()
        d.add("count")
        assert len(d.as_dict()) == len(d)

    for n in range(3):
        thing = Thing()
        reference = weakref.ref(thing, callback)
        d["k"] = thing
        del thing
        d["k"] = n
        assert called == list(range(n + 1)) and d["count"] == n + 1 and reference() is None
    thing = Thing()
    reference = weakref.ref(thing, callback)
    d["k"] = thing
    del thing
    del d["k"]
    assert called == [0, 1, 2, None]


def test_weakref_finalize_of_a_value_runs_when_it_is_deleted():
    d = ConcurrentDict()
    d["k"] = Thing()
    finalizer = weakref.finalize(d["k"], d.__setitem__, "k", "final")
    assert finalizer.alive
    del d["k"]
    assert not finalizer.alive and d["k"] == "final"


def test_a_value_may_come_back_to_life_into_the_same_dict():
    d = ConcurrentDict()

    class Phoenix:
        lives = 0

        def __del__(self):
            self.lives += 1
            d["k"] = self

    d["k"] = Phoenix()
    first = id(d["k"])
    del d["k"]  # its finalizer, which runs once in a life, puts it back
    assert id(d["k"]) == first and d["k"].lives == 1
    d["k"] = None
    assert d["k"] is None and len(d) == 1


def test_finalizers_that_replace_each_other_come_to_an_end():
    d = ConcurrentDict()
    log = []

    class Heir:
        def __init__(self, left):
            self.left = left

        def __del__(self):
            log.append(self.left)
            if self.left:
                d["k"] = Heir(self.left - 1)

    d["k"] = Heir(30)
    for _ in range(31):
        d["k"] = None  # releases one that assigns the next
    assert log == list(range(30, -1, -1)) and d["k"] is None

    class Chain(Heir):
        def __del__(self):
            log.append(self.left)
            if self.left:
                d["k"] = None
                d["k"] = Chain(self.left - 1)
                d["k"] = None

    log.clear()
    d["k"] = Chain(30)
    d["k"] = None  # thirty finalizers, each inside of the one before
    assert log == list(range(30, -1, -1)) and d["k"] is None


def test_values_that_write_into_a_dict_that_dies_are_no_danger():
    class Writer:
        def __init__(self, d, log):
            self.dict, self.log = d, log

        def __del__(self):
            try:
                self.dict()["late"] = Thing()
            except TypeError:
                self.log.append("gone")

    log = []
    d = ConcurrentDict()
    for i in range(100):
        d[i] = Writer(weakref.ref(d), log)
    del d
    assert log == ["gone"] * 100


def test_a_finalizer_that_raises_does_not_disturb_the_write(monkeypatch):
    unraisable = []
    monkeypatch.setattr(sys, "unraisablehook", lambda args: unraisable.append(args.exc_type))

    class Raising:
        def __del__(self):
            raise ZeroDivisionError

    d = ConcurrentDict()
    d["k"] = Raising()
    d["k"] = Raising()
    assert d.get("k") is not None
    del d["k"]
    with pytest.raises(KeyError):
        d["k"]
    assert unraisable == [ZeroDivisionError] * 2


# --- looking at it all while others write ------------------------------------


def test_each_pair_of_as_dict_was_there_at_some_moment_of_the_call(frequent_switches):
    d = ConcurrentDict(4)
    keys = range(60)
    begun, ended = [AtomicInt64() for _ in keys], [AtomicInt64() for _ in keys]
    running = AtomicInt64(2)
    for key in keys:
        d[key] = (key, 0)

    def write(mine):
        for n in range(1, 400):
            for key in mine:
                begun[key].set(n)
                if n % 3 == 0:
                    del d[key]
                d[key] = (key, n)
                ended[key].set(n)
        running.decr()

    def look():
        while running:
            least = [number.get() for number in ended]
            copied = d.as_dict()
            most = [number.get() for number in begun]
            assert type(copied) is dict
            for key, (same, n) in copied.items():
                assert same == key and least[key] <= n <= most[key]

    run_together(lambda: write(keys[::2]), lambda: write(keys[1::2]), look, look)


def test_a_key_that_stays_is_in_every_copy_once(frequent_switches):
    d = ConcurrentDict(1)
    stay = {f"stay {i}": i for i in range(100)}
    for key, value in stay.items():
        d[key] = value
    running = AtomicInt64(2)

    def churn(who):
        for n in range(6000):  # the tables grow, shrink and are swept
            d[who, n % 1000] = n
            if n % 1000 > 500:
                del d[who, n % 1000]
                d.get((who, n % 500))
        running.decr()

    def look():
        while running:
            copied = d.as_dict()
            assert {key: copied[key] for key in stay} == stay
            assert len(stay) <= len(d) <= len(stay) + 2000
            assert len(stay) <= len(copied) <= len(stay) + 2000

    run_together(lambda: churn(1), lambda: churn(2), look, look)


def test_len_is_between_what_was_there_before_and_after(frequent_switches):
    d = ConcurrentDict(4)
    total = 6000
    stored = AtomicInt64()
    begun = AtomicInt64()

    def fill(who):
        for i in range(who, total, 2):
            begun.incr()
            d[i] = i
            stored.incr()

    def look():
        last = 0
        while last < total:
            least, length, most = stored.get(), len(d), begun.get()
            assert least <= length <= most
            last = length

    run_together(lambda: fill(0), lambda: fill(1), look, look)
    assert len(d) == total


def test_repr_is_that_of_a_moment_while_others_write(frequent_switches):
    d = ConcurrentDict()
    running = AtomicInt64(2)

    def churn(who):
        for n in range(3000):
            d[who] = {n: d} if n % 50 == 0 else n
            d[n % 20] = str(n)
            if n % 7 == 0:
                del d[who]
        running.decr()

    def look():
        while running:
            text = repr(d)
            assert text.startswith("ConcurrentDict({") and text.endswith("})")

    run_together(lambda: churn("a"), lambda: churn("b"), look, look)


# --- repr --------------------------------------------------------------------


def test_repr_of_cycles_ends():
    d, other = ConcurrentDict(), ConcurrentDict()
    d["me"], d["other"], other["d"], other["list"] = d, other, d, [d, other]
    assert repr(d).count("{...}") == 4 and repr(other).count("{...}") == 5
    d = ConcurrentDict()
    d["d"] = {"inner": d}
    assert repr(d) == "ConcurrentDict({'d': {'inner': {...}}})"


def test_repr_of_a_deep_nest_is_a_recursion_error_and_no_crash():
    program = """
from concurrency import ConcurrentDict
d = None
for _ in range(100_000):
    outer = ConcurrentDict(1)
    outer["inner"] = d
    d = outer
try:
    repr(d)
except RecursionError:
    print("RecursionError")
assert repr(outer["inner"].__class__) and len(d) == 1
"""
    assert run_python(program) == ("RecursionError\n", "")


def test_what_repr_of_an_entry_raises_comes_out():
    class Unwilling:
        def __repr__(self):
            raise ZeroDivisionError

    d = ConcurrentDict()
    for key, value in (("k", Unwilling()), (Unwilling(), "v")):
        d[key] = value
        for _ in range(2):
            with pytest.raises(ZeroDivisionError):
                repr(d)
        del d[key]
    assert repr(d) == "ConcurrentDict({})"


def test_repr_of_an_entry_may_use_the_dict():
    class Writing:
        def __repr__(self):
            d["written"] = 1
            del d["written"]
            return "W"

    d = ConcurrentDict()
    d["k"] = Writing()
    assert repr(d) == "ConcurrentDict({'k': W})" and str(d) == f"{d}" == repr(d)


# --- keys of as_dict ---------------------------------------------------------


def test_what_a_key_raises_while_it_is_copied_comes_out_of_as_dict():
    class Moody(Key):
        willing = True

        def __hash__(self):
            if not Moody.willing:
                raise ZeroDivisionError
            return 1

    d = ConcurrentDict()
    things = [Thing() for _ in range(50)]
    before = [sys.getrefcount(thing) for thing in things]
    for i, thing in enumerate(things):
        d[Moody(i)] = thing
    del thing
    Moody.willing = False
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            d.as_dict()
        with pytest.raises(ZeroDivisionError):
            repr(d)
    assert len(d) == 50
    del d
    assert [sys.getrefcount(thing) for thing in things] == before


# --- subclasses --------------------------------------------------------------


def test_missing_gets_the_key_and_what_it_raises_comes_out():
    class Default(ConcurrentDict):
        def __missing__(self, key):
            if key == "bad":
                raise ZeroDivisionError
            self[key] = value = [key]
            return value

    d = Default(scaling=2)
    key = ("a", "tuple")
    assert d[key] == [key] and d[key] is d[key] and d.get("other") is None and "other" not in d
    with pytest.raises(ZeroDivisionError):
        d["bad"]
    with pytest.raises(KeyError):
        del d["bad"]
    with pytest.raises(TypeError):
        d[[]]
    assert len(d) == 1
    d.__missing__ = lambda key: "of the instance"  # asked of the class alone, as by dict
    assert d["new"] == ["new"]


def test_missing_is_not_asked_of_the_class_itself():
    d = ConcurrentDict()
    assert not hasattr(ConcurrentDict, "__missing__")
    with pytest.raises(KeyError):
        d["k"]


def test_missing_may_be_a_static_or_class_method_or_no_function():
    class Static(ConcurrentDict):
        @staticmethod
        def __missing__(key):
            return "static", key

    class Class(ConcurrentDict):
        @classmethod
        def __missing__(cls, key):
            return cls.__name__, key

    assert Static()["k"] == ("static", "k") and Class()["k"] == ("Class", "k")

    class Nothing(ConcurrentDict):
        __missing__ = None

    with pytest.raises(TypeError):
        Nothing()["k"]


def test_overridden_methods_are_used_by_the_operators_alone():
    class Loud(ConcurrentDict):
        def __getitem__(self, key):
            return "got", super().__getitem__(key)

        def __setitem__(self, key, value):
            super().__setitem__(key, ("set", value))

        def __delitem__(self, key):
            super().__delitem__(key)
            super().__setitem__("deleted", key)

        def __contains__(self, key):
            return not super().__contains__(key)

        def __len__(self):
            return super().__len__() + 100

    d = Loud()
    d["k"] = 1
    assert d["k"] == ("got", ("set", 1)) and "k" not in d and "x" in d and len(d) == 101
    assert d.get("k") == ("set", 1) and d.as_dict() == {"k": ("set", 1)}
    del d["k"]
    assert d.as_dict() == {"deleted": "k"} and repr(d) == "Loud({'deleted': 'k'})"


def test_a_subclass_with_a_second_base_and_abstract_classes():
    class Mixed(ConcurrentDict, collections.abc.Hashable):
        __hash__ = object.__hash__

    d = Mixed()
    d[d] = d
    assert d[d] is d and hash(d) == object.__hash__(d)
    alive = weakref.ref(d)
    del d
    gc.collect()
    assert alive() is None
    with pytest.raises(TypeError):
        type("Both", (ConcurrentDict, ConcurrentQueue), {})
    with pytest.raises(TypeError):
        type("Both", (ConcurrentDict, dict), {})


@pytest.mark.parametrize("scaling", [None, 1, 65536, 65537, 2**63, 2**64, AtomicInt64(5)], ids=str)
def test_scaling_may_be_any_int_from_one_on_and_tunes_only(scaling):
    d = ConcurrentDict(scaling=scaling)
    for i in range(300):
        d[i] = i
    assert len(d) == 300 and d.as_dict() == {i: i for i in range(300)}
    for i in range(300):
        del d[i]
    assert len(d) == 0


def test_what_index_of_scaling_raises_comes_out():
    class Unwilling:
        def __index__(self):
            raise ZeroDivisionError

    for kind in (ConcurrentDict, ConcurrentQueue, ConcurrentGatheringIterator):
        with pytest.raises(ZeroDivisionError):
            kind(scaling=Unwilling())
        for wrong in (0, False, -(10**30)):
            with pytest.raises(ValueError):
                kind(scaling=wrong)
        for wrong in (1.0, "1", [], b"1"):
            with pytest.raises(TypeError):
                kind(scaling=wrong)


# --- nesting -----------------------------------------------------------------


def nest_in_values(inner, n):
    outer = ConcurrentDict(1)
    outer[n] = inner
    return outer


def nest_in_keys(inner, n):
    outer = Hashable(1)
    outer[inner] = n
    return outer


def nest_in_everything(inner, n):
    if n % 4 == 0:
        return nest_in_values(inner, n)
    if n % 4 == 1:
        return [inner]
    if n % 4 == 2:
        outer = ConcurrentGatheringIterator(1)
        outer.insert(0, inner)
    else:
        outer = ConcurrentQueue()
        outer.push(inner)
    return outer


def nest_in_subclasses(inner, n):
    outer = Hashable(1)
    outer.inner, outer["inner"] = inner, None
    return outer


class Hashable(ConcurrentDict):
    __hash__ = object.__hash__


@pytest.mark.parametrize("nest", [nest_in_values, nest_in_keys, nest_in_everything, nest_in_subclasses])
@pytest.mark.parametrize("way", ["dropped", "deleted", "collected"])
def test_a_deep_nest_is_released_without_deep_recursion(nest, way):
    bottom = innermost = Thing()
    alive = weakref.ref(bottom)
    d = innermost
    for n in range(20_000):
        d = nest(d, n)
    if way == "collected":
        bottom.cycle = d
    del bottom, innermost
    if way == "deleted":
        holder = ConcurrentDict()
        holder["nest"] = d
        del d
        del holder["nest"]
    else:
        del d
    if way == "collected":
        gc.collect()
    assert alive() is None


def test_dicts_in_a_ring_are_collected(collected):
    dicts = [ConcurrentDict(1) for _ in range(300)]
    for n, d in enumerate(dicts):
        d["next"] = dicts[(n + 1) % 300]
        d["thing"] = Thing()
    alive = [weakref.ref(d) for d in dicts] + [weakref.ref(d["thing"]) for d in dicts]
    del dicts, d
    collected(*alive)


def test_a_full_dict_in_a_cycle_is_collected_while_others_are_written(collected):
    def make():
        d = ConcurrentDict()
        thing = Thing()
        thing.dict = d
        for i in range(3000):
            d[i] = thing
        for i in range(0, 3000, 3):
            del d[i]
        d[Key("k")] = thing
        del d[Key("k")]  # a deleted key may wait for readers
        return weakref.ref(d), weakref.ref(thing)

    stop = threading.Event()
    busy = ConcurrentDict(1)

    def write():
        i = 0
        while not stop.is_set():
            i += 1
            busy[i % 500] = [busy, i]

    def check():
        try:
            for _ in range(5):
                collected(*make())
        finally:
            stop.set()

    run_together(check, *[write] * (MANY // 4))
