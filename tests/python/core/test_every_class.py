# SPDX-License-Identifier: LGPL-2.1-or-later
"""What every class promises: names of arguments, no lock held while Python code runs, generics, repr,
weak references, subclasses, the cyclic garbage collector, no copies."""

import ast
import copy
import gc
import os
import pickle
import sysconfig
import threading
import typing
import weakref

import pytest
from helpers import Background, Thing, asleep, run_python

import concurrency
from concurrency import (
    AtomicFlag,
    AtomicInt64,
    AtomicReference,
    ConcurrentDict,
    ConcurrentGatheringIterator,
    ConcurrentQueue,
    LocalWrapper,
    StdConcurrentQueue,
)

CLASSES = [
    AtomicInt64,
    AtomicReference,
    ConcurrentDict,
    ConcurrentGatheringIterator,
    ConcurrentQueue,
    StdConcurrentQueue,
]
"""AtomicFlag and LocalWrapper, which need an argument, have tests of their own for all of this."""


@pytest.fixture(params=CLASSES, ids=lambda kind: kind.__name__)
def kind(request):
    return request.param


def put(container, thing):
    """Makes the container hold the thing, if it is one that holds things."""
    if isinstance(container, ConcurrentDict):
        container["key"] = thing
    elif isinstance(container, ConcurrentQueue):
        container.push(thing)
    elif isinstance(container, StdConcurrentQueue):
        container.put(thing)
    elif isinstance(container, AtomicReference):
        container.set(thing)
    elif isinstance(container, ConcurrentGatheringIterator):
        container.insert(0, thing)


# --- arguments ---------------------------------------------------------------


def test_arguments_have_the_names_of_the_documentation():
    d = ConcurrentDict(scaling=4)
    d["k"] = 1
    assert d.get(key="k", default=2) == 1 and d.add(key="k", n=2) == 3
    a = AtomicInt64(value=4)
    a.set(v=5)
    assert a.add(n=2) == 7 and a.sub(n=3) == 4
    assert a.mul(n=6) == 24 and a.floordiv(n=5) == 4
    assert a.or_(n=3) == 7 and a.and_(n=6) == 6 and a.xor(n=5) == 3
    g = ConcurrentGatheringIterator(scaling=None)
    g.insert(key=0, value="a")
    assert list(g.iterator(max_key=0, clear=True)) == ["a"]
    q = ConcurrentQueue(scaling=None, lock_free=False)
    q.push(v="item")
    assert q.pop(timeout=None) == "item"
    assert not hasattr(q, "put")
    q.push(v=1)
    assert q.pop_local(timeout=0).get_wrapped() == 1
    q.shutdown(immediate=False)
    g = ConcurrentGatheringIterator()
    g.insert(0, 1)
    assert next(g.iterator_local(max_key=0, clear=False)).get_wrapped() == 1
    s = StdConcurrentQueue(maxsize=1)
    s.put(item=1, block=True, timeout=None)
    assert s.get(block=True, timeout=None) == 1
    s.put_nowait(item=2)
    s.shutdown(immediate=True)
    r = AtomicReference(obj=1)
    r.set(o=2)
    assert r.exchange(o=3) == 2 and r.compare_exchange(expected=3, new=4) and r.get() == 4
    assert AtomicFlag(value=True) and LocalWrapper(obj=5) == 5


CALLS = {
    "ConcurrentDict": (ConcurrentDict, "scaling"),
    "AtomicInt64": (AtomicInt64, "value"),
    "ConcurrentGatheringIterator": (ConcurrentGatheringIterator, "scaling"),
    "ConcurrentQueue": (ConcurrentQueue, "scaling"),
    "set": (AtomicInt64().set, "v"),
    "add": (AtomicInt64().add, "n"),
    "xor": (AtomicInt64().xor, "n"),
    "push": (ConcurrentQueue().push, "v"),
    "pop": (ConcurrentQueue().pop, "timeout"),
    "shutdown": (ConcurrentQueue().shutdown, "immediate"),
    "iterator": (ConcurrentGatheringIterator().iterator, "max_key"),
    "get": (ConcurrentDict().get, "key"),
    "StdConcurrentQueue": (StdConcurrentQueue, "maxsize"),
    "put": (StdConcurrentQueue().put, "item"),
    "put_nowait": (StdConcurrentQueue().put_nowait, "item"),
    "AtomicReference": (AtomicReference, "obj"),
    "exchange": (AtomicReference().exchange, "o"),
    "compare_exchange": (AtomicReference().compare_exchange, "expected"),
    "AtomicFlag": (AtomicFlag, "value"),
    "LocalWrapper": (LocalWrapper, "obj"),
}


@pytest.mark.parametrize("call", CALLS)
def test_wrong_arguments_are_a_type_error_that_names_the_function(call):
    function, name = CALLS[call]
    for arguments, names in [
        ((1,) * 4, {}),
        ((1,), {name: 1}),
        ((), {name + "x": 1}),
        ((1,), {"": 1}),
        ((1,), {"é\N{GRINNING FACE}": 1}),
        ((1,), {name + "\0": 1}),
    ]:
        with pytest.raises(TypeError, match=call):
            function(*arguments, **names)


@pytest.mark.parametrize("method", ["get", "incr", "decr"])
def test_methods_without_arguments_take_none(method):
    with pytest.raises(TypeError):
        getattr(AtomicInt64(), method)(1)
    with pytest.raises(TypeError):
        getattr(AtomicInt64(), method)(n=1)


# --- with and without the GIL ------------------------------------------------

EVERYTHING = """
import threading
from concurrency import *
d, q, g, a = ConcurrentDict(), ConcurrentQueue(), ConcurrentGatheringIterator(), AtomicInt64()
s, r, f = StdConcurrentQueue(9), AtomicReference(), AtomicFlag(False)
def work():
    for _ in range(500):
        n = a.incr()
        d[n % 7] = n
        d.add("n")
        q.push(n)
        g.insert(q.pop_local() - 1, n)
        s.put(n)
        r.set(s.get())
        f.set(r.get())
threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads: thread.start()
assert len(list(g.iterator(1999))) == 2000
for thread in threads: thread.join()
assert a == d["n"] == 2000 and q.empty() and len(d) == 8 and s.empty() and f and r.get()
"""


@pytest.mark.parametrize("gil", ["0", "1"])
def test_every_class_works_with_and_without_the_gil(gil):
    if not sysconfig.get_config_var("Py_GIL_DISABLED") and gil == "0":
        pytest.skip("this Python always has a GIL")
    assert run_python(EVERYTHING, env={**os.environ, "PYTHON_GIL": gil}) == ("", "")


# --- no lock -----------------------------------------------------------------


class Blocking:
    """Stays in __del__ until it is let go."""

    def __init__(self, inside, leave):
        self.inside, self.leave = inside, leave

    def __del__(self):
        self.inside.set()
        assert self.leave.wait(20)


RELEASES = {
    "an assignment": lambda d, q, g: d.__setitem__("key", None),
    "a deletion": lambda d, q, g: d.__delitem__("key"),
    "an insert": lambda d, q, g: g.insert(0, None),
    "a shutdown": lambda d, q, g: q.shutdown(immediate=True),
}


@pytest.mark.parametrize("release", RELEASES)
def test_no_lock_is_held_while_a_finalizer_runs(release):
    d, q, g = ConcurrentDict(1), ConcurrentQueue(), ConcurrentGatheringIterator(1)
    inside, leave = threading.Event(), threading.Event()
    holder = {"an insert": g, "a shutdown": q}.get(release, d)

    def put_and_release():
        # Without a GIL an object is finalized by the thread that made it.
        put(holder, Blocking(inside, leave))
        RELEASES[release](d, q, g)

    with Background(put_and_release) as other:
        assert inside.wait(20)
        for i in range(300):
            d["key"] = d[i] = i
            d.add("count")
            g.insert(i, i)
        assert len(d.as_dict()) == 302 and list(g.iterator(299)) == list(range(300))
        if holder is q:
            with pytest.raises(concurrency.ShutDown):
                q.push(1)
            with pytest.raises(concurrency.ShutDown):
                q.pop()
        else:
            q.push(1)
            assert q.pop() == 1
        assert repr(d) and repr(q) and repr(g) and len(d) == 302
        gc.collect()
        asleep(other, 0.02)
        leave.set()


def test_no_lock_is_held_while_index_runs():
    a, g, entered, leave = AtomicInt64(1), ConcurrentGatheringIterator(), threading.Event(), threading.Event()

    class Slow:
        def __index__(self):
            entered.set()
            assert leave.wait(20)
            return 0

    for call in (lambda: a.add(Slow()), lambda: a.set(Slow()), lambda: g.insert(Slow(), "a")):
        entered.clear()
        leave.clear()
        with Background(call) as other:
            assert entered.wait(20)
            a.incr()
            g.insert(1, "b")
            asleep(other, 0.02)
            leave.set()
    assert a == 1 and list(g.iterator(1)) == ["a", "b"]


@pytest.mark.parametrize("made", [AtomicInt64(5), LocalWrapper(5)], ids=lambda made: type(made).__name__)
def test_a_format_that_is_no_str_is_a_type_error(made):
    for spec in (None, 5, b"d", str, LocalWrapper("d")):
        with pytest.raises(TypeError, match=r"__format__\(\) argument must be str, not "):
            type(made).__format__(made, spec)


# --- generics and repr -------------------------------------------------------


def test_every_class_is_generic_at_run_time(kind):
    alias = kind[str]
    assert typing.get_origin(alias) is kind and typing.get_args(alias) == (str,)
    assert isinstance(alias(), kind)

    class Sub(kind[str]):
        pass

    assert issubclass(Sub, kind) and Sub[str]


def test_the_containers_are_generic_in_the_stubs():
    path = os.path.join(os.path.dirname(concurrency.__file__), "__init__.pyi")
    with open(path, encoding="utf-8") as file:
        tree = ast.parse(file.read())
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.bases]
    bases = {node.name: ast.unparse(node.bases[0]) for node in classes}
    assert bases["ConcurrentDict"] == "Generic[_K, _V]"
    for name in ("Queue", "GatheringIterator"):
        assert bases["Concurrent" + name] == "Generic[_T]"
    assert bases["StdConcurrentQueue"] == bases["AtomicReference"] == bases["LocalWrapper"] == "Generic[_T]"


def test_repr_says_the_class_and_what_is_in_it(kind):
    class Sub(kind):
        pass

    for each in (kind, Sub):
        container = each()
        assert each.__name__ in repr(container)
        before = repr(container)
        put(container, Thing())
        if kind is AtomicInt64:
            container.set(5)
        assert repr(container) != before


# --- weak references, subclasses, the garbage collector ----------------------


def test_every_class_supports_weak_references(kind):
    container = kind()
    called = []
    reference, proxy = weakref.ref(container, called.append), weakref.proxy(container)
    assert reference() is container and weakref.getweakrefcount(container) == 2
    assert repr(proxy) and proxy.__class__ is kind
    live = weakref.WeakSet()
    if kind.__hash__ is not None:
        live.add(container)
    del container
    assert reference() is None and called == [reference] and len(live) == 0


def test_every_class_may_be_subclassed_with_slots_or_a_dict(kind):
    class Slots(kind):
        __slots__ = ("name",)

    class Dict(kind):
        pass

    class Both(Slots, Dict):
        __slots__ = ("other", "__dict__", "__weakref__")[:1]

    for each in (Slots, Dict, Both):
        container = each()
        container.name = thing = Thing()
        put(container, 1)
        assert container.name is thing and weakref.ref(container)() is container
        with pytest.raises(AttributeError):
            container.no_such_name  # noqa: B018
        alive = weakref.ref(thing)
        del container, thing
        assert alive() is None
    slotted = Slots()
    with pytest.raises(AttributeError):
        slotted.something = 1
    with pytest.raises(AttributeError):
        kind().something = 1


def test_every_class_and_its_attributes_take_part_in_garbage_collection(kind, collected):
    class Slots(kind):
        __slots__ = ("name",)

    class Dict(kind):
        pass

    for each in (Slots, Dict):
        container = each()
        assert gc.is_tracked(container)
        container.name = thing = Thing()
        thing.container = container
        alive = weakref.ref(container), weakref.ref(thing)
        del container, thing
        collected(*alive)


def test_a_class_made_in_a_function_goes_away_with_its_instances():
    # In a process of its own: Python 3.13 without a GIL keeps every class once a thread was started.
    program = """
import gc, weakref
from concurrency import *
def make(kind):
    class Sub(kind):
        pass
    container = Sub()
    container.me = container, Sub
    if kind is ConcurrentDict:
        container[Sub] = container
    elif kind is ConcurrentQueue:
        container.push((Sub, container))
    elif kind is ConcurrentGatheringIterator:
        container.insert(0, (Sub, container))
    elif kind is StdConcurrentQueue:
        container.put((Sub, container))
    elif kind is AtomicReference:
        container.set((Sub, container))
    return weakref.ref(Sub), weakref.ref(container)
for kind in (AtomicInt64, AtomicReference, ConcurrentDict, ConcurrentGatheringIterator,
             ConcurrentQueue, StdConcurrentQueue):
    alive = make(kind)
    for _ in range(3):
        gc.collect()
    assert alive[0]() is None and alive[1]() is None, kind
"""
    assert run_python(program) == ("", "")


def test_the_types_themselves_cannot_be_changed(kind):
    with pytest.raises(TypeError):
        kind.something = 1
    with pytest.raises(TypeError):
        kind.get = None


# --- no copies ---------------------------------------------------------------

COPIES = [copy.copy, copy.deepcopy]
COPIES += [lambda o, p=p: pickle.dumps(o, p) for p in range(pickle.HIGHEST_PROTOCOL + 1)]


@pytest.mark.parametrize("attempt", COPIES)
def test_copies_and_pickles_of_every_protocol_are_refused_with_a_clear_type_error(kind, attempt):
    class Sub(kind):
        pass

    class Slots(kind):
        __slots__ = ("name",)

    for each in (kind(), Sub(), Slots(), [kind()], {"k": kind()}):
        if attempt is copy.copy and isinstance(each, (list, dict)):
            continue  # a shallow copy
        with pytest.raises(TypeError, match="cannot pickle or copy '.*' object: it is shared by the threads"):
            attempt(each)


def test_a_subclass_may_say_how_it_is_pickled():
    for attempt in COPIES:
        copied = attempt(Pickled("a"))
        if isinstance(copied, bytes):
            copied = pickle.loads(copied)
        assert type(copied) is Pickled and copied.as_dict() == {"name": "a"}


class Pickled(ConcurrentDict):
    def __init__(self, name):
        self["name"] = name

    def __reduce__(self):
        return Pickled, (self["name"],)
