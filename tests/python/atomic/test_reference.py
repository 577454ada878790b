# SPDX-License-Identifier: LGPL-2.1-or-later
"""AtomicReference: one object at a time, replaced in one step."""

import copy
import gc
import pickle
import sys
import threading
import weakref

import pytest
from helpers import MANY, Thing, run_python, run_together

from concurrency import AtomicFlag, AtomicInt64, AtomicReference

OBJECTS = [None, True, 0, 2**80, "text", (), [], object, Thing, print, NotImplemented]


def test_it_holds_what_it_was_given():
    assert AtomicReference().get() is None
    for obj in OBJECTS:
        r = AtomicReference(obj)
        assert r.get() is obj and AtomicReference(obj=obj).get() is obj
        assert r.set(None) is None and r.get() is None
        assert r.set(obj) is None and r.get() is obj


def test_exchange_returns_the_old_object():
    r = AtomicReference()
    before = None
    for obj in [*OBJECTS, r, Thing()]:
        assert r.exchange(obj) is before and r.get() is obj
        before = obj
    r.set(None)


def test_compare_exchange_goes_by_identity_and_returns_a_bool():
    class AlwaysEqual:
        def __eq__(self, other):
            raise AssertionError("compared")

    first, second, r = AlwaysEqual(), AlwaysEqual(), AtomicReference()
    assert r.compare_exchange(None, first) is True
    assert r.compare_exchange(second, None) is False and r.get() is first
    assert r.compare_exchange(expected=first, new=second) is True and r.get() is second
    assert r.compare_exchange(second, new=second) is True and r.get() is second
    r.set(int("1000000"))
    assert r.compare_exchange(int("1000000"), 0) is False
    assert r.compare_exchange(r.get(), 0) is True and r.get() == 0


def test_an_object_that_went_and_came_back_is_the_same_object():
    thing, r = Thing(), AtomicReference()
    r.set(thing)
    r.set(1)
    r.set(thing)
    assert r.compare_exchange(thing, None)


@pytest.mark.parametrize(
    "call",
    [
        lambda r: r.set(),
        lambda r: r.set(1, 2),
        lambda r: r.set(value=1),
        lambda r: r.exchange(value=1),
        lambda r: r.get(1),
        lambda r: r.compare_exchange(),
        lambda r: r.compare_exchange(None),
        lambda r: r.compare_exchange(None, 1, 2),
        lambda r: r.compare_exchange(None, 1, new=2),
        lambda r: r.compare_exchange(None, desired=2),
        lambda r: AtomicReference(1, 2),
        lambda r: AtomicReference(value=1),
        lambda r: r.__init__(1, 2),
    ],
)
def test_wrong_arguments_are_a_type_error_and_change_nothing(call):
    r = AtomicReference()
    with pytest.raises(TypeError):
        call(r)
    assert r.get() is None


def test_init_again_sets_it_anew():
    r = AtomicReference(1)
    r.__init__("new")
    assert r.get() == "new"
    r.__init__()
    assert r.get() is None


def test_repr_shows_the_object_and_survives_recursion():
    class Named(AtomicReference):
        pass

    assert repr(AtomicReference()) == "AtomicReference(None)" and repr(Named("x")) == "Named('x')"
    r = AtomicReference()
    r.set([r, Named(r)])
    assert repr(r) == "AtomicReference([AtomicReference(...), Named(AtomicReference(...))])"
    r.set(None)


def test_repr_passes_on_what_the_repr_of_the_object_raises():
    class Broken:
        def __repr__(self):
            raise ZeroDivisionError

    r = AtomicReference(Broken())
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            repr(r)


def test_references_compare_and_hash_by_identity():
    a, b = AtomicReference(1), AtomicReference(1)
    assert a == a and a != b and len({a, b, a}) == 2


# --- classes -----------------------------------------------------------------


def test_subclasses_have_what_subclasses_have():
    class Open(AtomicReference):
        def __init__(self, obj, note):
            super().__init__(obj)
            self.note = note

    class Slotted(AtomicReference):
        __slots__ = ("note",)

    r = Open(obj=1, note="n")
    assert r.get() == 1 and r.note == "n" and r.__dict__ == {"note": "n"}
    s = Slotted(2)
    s.note = 3
    assert s.get() == 2 and s.note == 3 and not hasattr(s, "__dict__")
    for each in (r, s):
        assert weakref.ref(each)() is each


def test_a_subclass_that_never_calls_init_holds_none():
    class Careless(AtomicReference):
        def __init__(self, *arguments):
            pass

    for r in (Careless(1, 2, 3), AtomicReference.__new__(AtomicReference, 5)):
        assert r.get() is None and r.compare_exchange(None, 1) and r.exchange(2) == 1
        assert "(2)" in repr(r)


def test_generics():
    alias = AtomicReference[int]
    assert alias.__origin__ is AtomicReference and alias(3).get() == 3


def test_pickling_and_copying_are_refused():
    r = AtomicReference(1)
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot pickle or copy"):
            attempt(r)


def test_attributes_cannot_be_added_to_the_class():
    with pytest.raises(TypeError):
        AtomicReference.get = None
    with pytest.raises(AttributeError):
        AtomicReference().note = 1


# --- references and the collector --------------------------------------------


def test_reference_counts_are_balanced():
    thing, r = Thing(), AtomicReference()
    before = sys.getrefcount(thing), sys.getrefcount(r)
    for _ in range(100):
        r.set(thing)
        r.set(thing)
        assert sys.getrefcount(thing) == before[0] + 1
        r.get()
        assert r.compare_exchange(thing, thing) and not r.compare_exchange(None, thing)
        assert sys.getrefcount(thing) == before[0] + 1
        assert r.exchange(None) is thing and r.exchange(thing) is None
        repr(r)
        r.__init__(thing)
        with pytest.raises(TypeError):
            r.compare_exchange(thing)
        assert r.compare_exchange(thing, None)
    assert (sys.getrefcount(thing), sys.getrefcount(r)) == before
    r.set(thing)
    del r
    assert sys.getrefcount(thing) == before[0]


REPLACEMENTS = {
    "set": lambda r: r.set(None),
    "exchange": lambda r: r.exchange(None),
    "compare_exchange": lambda r: r.compare_exchange(r.get(), None),
    "init": lambda r: r.__init__(),
    "del": lambda r: None,
}


@pytest.mark.parametrize("how", REPLACEMENTS)
def test_what_is_replaced_is_released_at_once(how):
    r = AtomicReference(Thing())
    alive = weakref.ref(r.get())
    REPLACEMENTS[how](r)
    if how == "del":
        del r
    assert alive() is None


@pytest.mark.parametrize("how", REPLACEMENTS)
def test_del_of_what_is_replaced_may_use_the_reference(how):
    seen = []

    class Meddler:
        def __init__(self, r, depth):
            self.reference = weakref.ref(r)
            self.depth = depth

        def __del__(self):
            r = self.reference()
            seen.append(None if r is None else type(r.get()))
            if r is not None and self.depth:
                r.set(Meddler(r, self.depth - 1))
                r.exchange(Meddler(r, 0))
                r.compare_exchange(r.get(), self.depth)

    r = AtomicReference()
    r.set(Meddler(r, 3))
    REPLACEMENTS[how](r)
    if how == "del":
        del r
        assert seen == [None]
    else:
        assert len(seen) > 4 and seen[0] is type(None) and type(r.get()) is int


def test_cycles_are_collected(collected):
    class Sub(AtomicReference):
        pass

    r, s, thing = AtomicReference(), Sub(), Thing()
    s.me = s
    r.set(thing)
    thing.references = r, s
    s.set(r)
    alone = AtomicReference()
    alone.set(alone)
    alive = [weakref.ref(each) for each in (r, s, thing, alone)]
    del r, s, thing, alone
    collected(*alive)


def test_a_finalizer_in_a_cycle_may_use_the_reference(collected):
    class Owner:
        def __init__(self, r):
            self.reference = r

        def __del__(self):
            seen.append(self.reference.get() is self)
            self.reference.set(Thing())

    seen = []
    r = AtomicReference()
    r.set(Owner(r))
    alive = weakref.ref(r)
    del r
    collected(alive)
    assert seen == [True]


def test_the_collector_sees_the_object_once():
    thing = Thing()
    r = AtomicReference(thing)
    assert gc.is_tracked(r) and [o for o in gc.get_referents(r) if o is thing] == [thing]


def test_a_long_chain_of_references_ends_without_deep_recursion():
    r = AtomicReference()
    for _ in range(200_000):
        r = AtomicReference(r)
    del r


def test_the_last_reference_may_go_in_any_thread():
    r = AtomicReference(Thing())
    alive = weakref.ref(r.get())
    run_together(lambda: r.set(None))
    assert alive() is None
    run_together(lambda: r.set(Thing()))
    alive = weakref.ref(r.get())
    r.set(None)
    gc.collect()
    assert alive() is None


# --- many threads ------------------------------------------------------------


def test_no_compare_exchange_of_many_threads_is_lost(frequent_switches):
    r = AtomicReference((0, None))

    def count(who):
        for _ in range(2000):
            old = r.get()
            while not r.compare_exchange(old, (old[0] + 1, who)):
                old = r.get()

    run_together(*[lambda who=who: count(who) for who in range(MANY)])
    assert r.get()[0] == MANY * 2000


def test_a_stack_made_of_compare_exchange_loses_and_doubles_nothing(frequent_switches):
    top = AtomicReference()
    popped = [[] for _ in range(MANY)]

    def push(item):
        old = top.get()
        while not top.compare_exchange(old, (item, old)):
            old = top.get()

    def pop():
        old = top.get()
        while old is not None and not top.compare_exchange(old, old[1]):
            old = top.get()
        return old and old[0]

    def work(who):
        for i in range(1500):
            push((who, i))
            item = pop()
            popped[who].append(item)

    run_together(*[lambda who=who: work(who) for who in range(MANY)])
    assert top.get() is None
    assert sorted(item for mine in popped for item in mine) == [(w, i) for w in range(MANY) for i in range(1500)]


def test_what_many_threads_exchange_comes_out_once(frequent_switches):
    r = AtomicReference()
    out = [[] for _ in range(MANY)]

    def work(who):
        for i in range(4000):
            out[who].append(r.exchange((who, i)))

    run_together(*[lambda who=who: work(who) for who in range(MANY)])
    got = [item for mine in out for item in mine]
    got.append(r.get())
    assert got.count(None) == 1
    got.remove(None)
    assert sorted(got) == [(who, i) for who in range(MANY) for i in range(4000)]


class Fresh:
    """What a writer makes, and a reader can tell from anything else, alive or dead."""

    __slots__ = ("home", "parts")

    def __init__(self, home, n):
        self.home = home
        self.parts = (home, n, str(n))


def test_a_reader_never_gets_a_dead_or_foreign_object(frequent_switches):
    references = [AtomicReference(Fresh(home, 0)) for home in range(3)]
    writing = AtomicInt64(MANY // 2)

    def write(who):
        for n in range(20_000):
            home = (n + who) % 3
            r = references[home]
            if n % 3 == 0:
                r.set(Fresh(home, n))
            elif n % 3 == 1:
                assert r.exchange(Fresh(home, n)).home == home
            else:
                r.compare_exchange(r.get(), Fresh(home, n))
        writing.decr()

    def read():
        while writing:
            for home, r in enumerate(references):
                fresh = r.get()
                assert type(fresh) is Fresh and fresh.home == home
                assert fresh.parts[0] == home and fresh.parts[2] == str(fresh.parts[1])

    half = MANY // 2
    run_together(*[lambda who=who: write(who) for who in range(half)], *[read] * half)


def test_a_reader_never_gets_an_object_after_its_end(frequent_switches):
    class Mortal:
        ended = False

        def __del__(self):
            self.ended = True

    r = AtomicReference(Mortal())
    writing = AtomicInt64(2)

    def write():
        for _ in range(20_000):
            r.set(Mortal())
        writing.decr()

    def read():
        while writing:
            assert not r.get().ended

    run_together(write, write, *[read] * (MANY - 2))


def test_finalizers_of_many_threads_may_use_the_same_reference(frequent_switches):
    ended = AtomicInt64()

    class Meddler:
        def __init__(self, again):
            self.again = again

        def __del__(self):
            ended.incr()
            r.get()
            if self.again:
                r.set(Meddler(False))
                r.compare_exchange(r.get(), Meddler(False))

    r = AtomicReference()

    def work():
        for _ in range(700):
            r.set(Meddler(True))
            r.exchange(Meddler(True))

    run_together(*[work] * MANY)
    r.set(None)
    r.set(None)
    gc.collect()
    assert ended == MANY * 700 * 2 * 3


def test_the_collector_may_run_at_any_time(frequent_switches):
    r = AtomicReference()
    running = AtomicFlag(True)

    def work():
        n = 0
        while running or n < 200:
            n += 1
            node = [r.get() if n % 50 else None, r]
            node.append(node)
            r.set(node)

    def collect():
        for _ in range(30):
            gc.collect()
        running.set(False)

    run_together(*[work] * (MANY - 1), collect)
    assert r.get()[1] is r
    r.set(None)


def test_a_reference_may_be_made_anew_while_others_use_it(frequent_switches):
    r = AtomicReference(0)

    def work(who):
        for n in range(3000):
            if who == 0:
                r.__init__((n,))
            else:
                assert type(r.get()) in (int, tuple)
                r.set(n)

    run_together(*[lambda who=who: work(who) for who in range(MANY)])


def test_the_child_of_a_fork_may_use_a_reference_that_others_were_using():
    program = """
import os, threading, warnings
from concurrency import AtomicReference
warnings.simplefilter("ignore")
r = AtomicReference([0])
stop = False
def work():
    while not stop:
        old = r.get()
        r.compare_exchange(old, [old[0] + 1])
        r.exchange([1])
        r.set([2])
threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads:
    thread.start()
status = 0
for _ in range(20):
    child = os.fork()
    if child == 0:
        assert type(r.get()) is list
        r.set("child")
        for n in range(1000):
            assert r.compare_exchange(r.get(), [n]) and r.exchange([n])[0] == n
        mine = AtomicReference(r)
        os._exit(0 if mine.get() is r and r.get() == [999] else 1)
    status |= os.waitpid(child, 0)[1]
stop = True
for thread in threads:
    thread.join()
assert status == 0 and type(r.get()) is list
"""
    assert run_python(program) == ("", "")


def test_objects_that_live_until_the_exit_are_no_danger():
    program = """
import sys, threading
from concurrency import AtomicReference
class Late:
    def __del__(self):
        r.set(r.exchange(None))
r = AtomicReference()
sys.keep = r
r.set(Late())
sys.more = AtomicReference(Late())
def work():
    while True:
        r.set([r.get() is None])
for _ in range(3):
    threading.Thread(target=work, daemon=True).start()
"""
    assert run_python(program) == ("", "")


def test_threads_that_end_leave_what_they_stored():
    r = AtomicReference()
    for n in range(50):
        thread = threading.Thread(target=lambda n=n: r.set([n]))
        thread.start()
        thread.join()
        assert r.get() == [n]
