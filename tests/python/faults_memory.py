# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each allocation of the extension module, of the interpreter's and of the library's, fails in its turn:
MemoryError comes out, all is as it was, the same call works then, and nothing leaks.

Needs the build of `make check-faults`, which has the module `failing` in it (tests/faults/failing.c).
"""

import gc
import importlib.machinery
import importlib.util
import itertools
import sys

import pytest
from helpers import Thing

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


def load_failing():
    loader = importlib.machinery.ExtensionFileLoader("failing", concurrency._concurrency.__file__)
    spec = importlib.util.spec_from_loader("failing", loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


failing = load_failing()

LARGE = 10**12
"""An int that is no small one of the interpreter's, and so takes memory when it is made."""

REPEATED = 8
"""How often a failing call is made again to see whether it leaks: what grows each time does."""


@pytest.fixture(autouse=True)
def no_collections():
    """None that runs in the middle of a call, without memory."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


class Case:
    """A function to be called, and how to see what it did.

    `function` and `args`; `state`, whose answer must be the same after a call that failed.
    """

    def __init__(self, function, args, state):
        self.function, self.args, self._state = function, args, state

    def state(self):
        """Also the references to arguments."""
        return self._state(), [sys.getrefcount(argument) for argument in self.args if type(argument) is Thing]


def outcome(case):
    """What the call does with all the memory it wants: the exception's type or None."""
    try:
        case.function(*case.args)
    except Exception as error:
        return type(error)
    return None


def leaks(case, n, once, library):
    """Whether the same failing call takes more memory each time."""
    grown = 0
    for repetition in range(2 * REPEATED):
        result = failing.call(n, once, library, case.function, case.args)
        failed, _, _, blocks, library_blocks, _ = result
        if failed and repetition >= REPEATED:
            grown += blocks + library_blocks
    return grown >= REPEATED


def attempt(make, changes_first=False):
    """Makes each allocation of the call fail in turn.

    `changes_first`: the number that the call returns is made after the change; so without memory for it
    MemoryError is raised, and the change is there.
    """
    normal = outcome(make())
    for library, once in itertools.product((False, True), (True, False)):
        for n in itertools.count():
            case = make()
            before = case.state()
            failed, error, *_ = failing.call(n, once, library, case.function, case.args)
            if failed == 0:
                break
            if error is not MemoryError:
                assert error is normal, f"{error} instead of {normal} or MemoryError, allocation {n}"
                continue
            after = case.state()
            if after != before:
                assert changes_first, f"allocation {n}: {before} became {after}"
                continue
            assert not leaks(case, n, once, library), f"allocation {n} leaks"
            assert case.state() == before or changes_first
            assert outcome(case) is normal


# --- dicts -------------------------------------------------------------------


def dict_of(size, **others):
    d = ConcurrentDict(1)
    for i in range(size):
        d["key", i] = i
    for key, value in others.items():
        d[key] = value
    return d


def dict_case(method, *args, size=5, **others):
    def make():
        d = dict_of(size, **others)
        mine = [Thing() if argument is Thing else argument for argument in args]
        return Case(getattr(d, method), tuple(mine), d.as_dict)

    return make


def counted(d, key, number):
    d.add(key, number)
    return d


def count_case(method, *args, number=LARGE):
    """Of a key whose value is a bare number in the table."""

    def make():
        d = counted(dict_of(5), "count", number)
        return Case(getattr(d, method), args, d.as_dict)

    return make


class AskingKey:
    """Equal to none; only its own __eq__, in Python code, can tell."""

    def __init__(self, name):
        self.name = name

    def __hash__(self):
        return 1

    def __eq__(self, other):
        return self is other


def asking_case(method, *args):
    """Of a dict with more keys of one hash than a search has room for."""

    def make():
        d = ConcurrentDict(1)
        for key in ASKING_KEYS:
            d[key] = None
        return Case(getattr(d, method), args, d.__len__)

    return make


ASKING_KEYS = [AskingKey(n) for n in range(20)]


class WithMissing(ConcurrentDict):
    def __missing__(self, key):
        return None


def missing_case():
    d = WithMissing()
    return Case(d.__getitem__, ("missing",), d.as_dict)


DICTS = {
    "make": lambda: Case(ConcurrentDict, (3,), int),
    "make without __init__": lambda: (lambda d: Case(d.__setitem__, ("k", 1), int))(
        ConcurrentDict.__new__(ConcurrentDict)
    ),
    "get, missing": dict_case("__getitem__", "missing"),
    "get, a tuple is missing": dict_case("__getitem__", ("missing", LARGE)),
    "get, __missing__": missing_case,
    "get, a count": count_case("__getitem__", "count"),
    "get, unhashable": dict_case("__getitem__", []),
    "get() a count": count_case("get", "count"),
    "get() a default": dict_case("get", "missing", Thing),
    "get() without arguments": dict_case("get"),
    "in": asking_case("__contains__", AskingKey("other")),
    "set, first": dict_case("__setitem__", "new", Thing, size=0),
    **{f"set, after {size}": dict_case("__setitem__", "new", Thing, size=size) for size in range(1, 30)},
    "set, replacing": dict_case("__setitem__", "there", Thing, there=1),
    "set, replacing a count": count_case("__setitem__", "count", Thing),
    "set, asking": asking_case("__setitem__", AskingKey("other"), 1),
    "delete": dict_case("__delitem__", "there", there=1),
    "delete, missing": dict_case("__delitem__", "missing"),
    "delete, asking": asking_case("__delitem__", AskingKey("other")),
    "add, no int": dict_case("add", "there", 1, there="x"),
    "add, no int to add": dict_case("add", "there", "x"),
    "add, to an object": dict_case("add", "there", 1, there=LARGE),
    "add, to a huge one": dict_case("add", "there", 1, there=2**70),
    "add, a huge one": dict_case("add", "new", 2**70),
    "add, beyond a count": count_case("add", "count", 2**58, number=2**59 - 1),
    "as_dict": count_case("as_dict"),
    "repr": count_case("__repr__"),
    "len": dict_case("__len__"),
    "pickle": dict_case("__reduce__"),
    "generic alias": lambda: Case(ConcurrentDict.__class_getitem__, (int,), int),
}


@pytest.mark.parametrize("case", DICTS)
def test_a_dict_without_memory(case):
    attempt(DICTS[case])


@pytest.mark.parametrize("size", range(0, 30))
def test_a_sum_without_memory_is_there_or_is_not(size):
    attempt(dict_case("add", "new", LARGE, size=size), changes_first=True)


def test_a_sum_in_place_without_memory_is_there_or_is_not():
    attempt(count_case("add", "count", LARGE), changes_first=True)


# --- queues ------------------------------------------------------------------


def items_of(q):
    """What is in a queue, by the garbage collector's tour of it."""
    return [id(item) for item in gc.get_referents(q) if not isinstance(item, type)], q.size()


def queue_case(method, *args, size=3, shut_down=False, kind=ConcurrentQueue):
    def make():
        q = kind()
        for i in range(size):
            q.push(None)
        if shut_down:
            q.shutdown()
        mine = [Thing() if argument is Thing else argument for argument in args]
        return Case(getattr(q, method), tuple(mine), lambda: items_of(q))

    return make


QUEUES = {
    "make": lambda: Case(ConcurrentQueue, (None, True), int),
    "make without __init__": lambda: (lambda q: Case(q.push, (1,), int))(ConcurrentQueue.__new__(ConcurrentQueue)),
    **{f"push, after {size}": queue_case("push", Thing, size=size) for size in (0, 39, 40, 1039, 1040)},
    "push, shut down": queue_case("push", Thing, shut_down=True),
    "push without arguments": queue_case("push"),
    "pop": queue_case("pop", 0),
    "pop, empty": queue_case("pop", 0, size=0),
    "pop, in vain": queue_case("pop", 1e-6, size=0),
    "pop, shut down": queue_case("pop", size=0, shut_down=True),
    "pop, negative": queue_case("pop", -1),
    "pop, a huge timeout": queue_case("pop", 10**400),
    "pop_local, empty": queue_case("pop_local", 0, size=0),
    "pop_local": queue_case("pop_local", 0),
    "size": queue_case("size"),
    "empty": queue_case("empty"),
    "shutdown": queue_case("shutdown", True),
    "repr": queue_case("__repr__"),
}


@pytest.mark.parametrize("case", QUEUES)
def test_a_queue_without_memory(case):
    attempt(QUEUES[case])


def test_a_failed_push_fails_the_queue_and_pop_says_so():
    q = ConcurrentQueue()
    n = 0
    while failing.call(0, False, True, q.push, (n,))[1] is not MemoryError:
        n += 1
    assert [q.pop() for _ in range(n)] == list(range(n))
    for wait in (q.pop, q.pop_local):
        with pytest.raises(RuntimeError):
            wait()


def std_items_of(q):
    return q.qsize(), q.unfinished_tasks, q.maxsize, q.is_shutdown


def std_case(method, *args, size=3, maxsize=0, shut_down=False, kind=StdConcurrentQueue):
    def make():
        q = kind(maxsize)
        for i in range(size):
            q.put(None)
        if shut_down:
            q.shutdown()
        mine = [Thing() if argument is Thing else argument for argument in args]
        return Case(getattr(q, method), tuple(mine), lambda: std_items_of(q))

    return make


def maxsize_case():
    q = StdConcurrentQueue(3)
    return Case(q.__setattr__, ("maxsize", LARGE), lambda: std_items_of(q))


STD_QUEUES = {
    "make": lambda: Case(StdConcurrentQueue, (3,), int),
    "make without __init__": lambda: (lambda q: Case(q.put, (1,), int))(
        StdConcurrentQueue.__new__(StdConcurrentQueue)
    ),
    **{f"put, after {size}": std_case("put", Thing, size=size) for size in (0, 39, 40, 1039, 1040)},
    "put, full": std_case("put", Thing, False, maxsize=3),
    "put, in vain": std_case("put", Thing, True, 1e-6, maxsize=3),
    "put, shut down": std_case("put", Thing, shut_down=True),
    "put_nowait, full": std_case("put_nowait", Thing, maxsize=3),
    "get": std_case("get"),
    "get, empty": std_case("get", False, size=0),
    "get, in vain": std_case("get", True, 1e-6, size=0),
    "get, shut down": std_case("get", size=0, shut_down=True),
    "get_nowait, empty": std_case("get_nowait", size=0),
    "task_done": std_case("task_done"),
    "task_done, too often": std_case("task_done", size=0),
    "join": std_case("join", size=0),
    "shutdown": std_case("shutdown", True),
    "qsize": std_case("qsize"),
    "repr": std_case("__repr__"),
    "maxsize": maxsize_case,
}


@pytest.mark.parametrize("case", STD_QUEUES)
def test_a_standard_queue_without_memory(case):
    attempt(STD_QUEUES[case])


# --- gatherers ----------------------------------------------------------------


def gather_of(*keys):
    g = ConcurrentGatheringIterator(1)
    for key in keys:
        g.insert(key, ("value", key))
    return g


def gathered(g):
    """The values; a failed insert has failed the gathering, as it should."""
    return sorted(item for item in gc.get_referents(g) if isinstance(item, tuple))


def insert_case(key, size=0):
    def make():
        g = gather_of(*range(1, size + 1))
        return Case(g.insert, (key, Thing()), lambda: gathered(g))

    return make


def iterator_case(method, *args):
    def make():
        g = gather_of(0, 1)
        return Case(getattr(g, method), args, lambda: gathered(g))

    return make


def step_case(method, failed=False):
    def make():
        g = gather_of(0, 1)
        iterator = getattr(g, method)(1)
        if failed:
            with pytest.raises(ValueError):
                g.insert(-1, None)
        return Case(iterator.__next__, (), lambda: gathered(g))

    return make


GATHERERS = {
    "make": lambda: Case(ConcurrentGatheringIterator, (3,), int),
    "make without __init__": lambda: (lambda g: Case(g.insert, (0, 1), int))(
        ConcurrentGatheringIterator.__new__(ConcurrentGatheringIterator)
    ),
    **{f"insert, after {size}": insert_case(0, size) for size in range(30)},
    "insert, negative": insert_case(-1),
    "insert, no int": insert_case("x"),
    "insert, huge": insert_case(2**70),
    "iterator": iterator_case("iterator", 3),
    "iterator_local": iterator_case("iterator_local", 3, False),
    "iterator, no int": iterator_case("iterator", "x"),
    "step": step_case("iterator"),
    "local step": step_case("iterator_local"),
    "step, failed": step_case("iterator", failed=True),
    "local step, failed": step_case("iterator_local", failed=True),
    "repr": iterator_case("__repr__"),
}


@pytest.mark.parametrize("case", GATHERERS)
def test_a_gatherer_without_memory(case):
    attempt(GATHERERS[case])


def test_an_insert_without_memory_fails_the_gathering_with_its_exception():
    for n in range(3):
        g = gather_of()
        assert failing.call(n, False, True, g.insert, (0, Thing()))[1] in (MemoryError, None)
        if g.__repr__().endswith(", failed>"):
            with pytest.raises(RuntimeError) as caught:
                next(g.iterator(0))
            assert type(caught.value.__cause__) is MemoryError
            break
    else:
        raise AssertionError("no insert failed")


# --- references, numbers, flags, wrappers ------------------------------------------


def reference_case(method, *args):
    def make():
        held = Thing()
        r = AtomicReference(held)
        mine = [Thing() if argument is Thing else argument for argument in args]
        return Case(getattr(r, method), tuple(mine), lambda: (id(r.get()), sys.getrefcount(held)))

    return make


REFERENCES = {
    "make": lambda: Case(AtomicReference, (Thing(),), int),
    "get": reference_case("get"),
    "set": reference_case("set", Thing),
    "exchange": reference_case("exchange", Thing),
    "compare_exchange, in vain": reference_case("compare_exchange", Thing, Thing),
    "repr": reference_case("__repr__"),
    "set without arguments": reference_case("set"),
}


@pytest.mark.parametrize("case", REFERENCES)
def test_a_reference_without_memory(case):
    attempt(REFERENCES[case])


def number_case(method, *args):
    def make():
        a = AtomicInt64(LARGE)
        return Case(getattr(a, method), args, a.get)

    return make


NUMBERS = {
    "make": lambda: Case(AtomicInt64, (LARGE,), int),
    "get": number_case("get"),
    "set": number_case("set", 2 * LARGE),
    "set, no int": number_case("set", "x"),
    "set, huge": number_case("set", 2**70),
    "plus": number_case("__add__", LARGE),
    "plus, itself": lambda: (lambda a: Case(a.__mul__, (a,), int))(AtomicInt64(LARGE)),
    "minus": number_case("__neg__"),
    "by zero": number_case("floordiv", 0),
    "compare": number_case("__lt__", 2 * LARGE),
    "str": number_case("__str__"),
    "repr": number_case("__repr__"),
    "format": number_case("__format__", "x"),
    "int": number_case("__int__"),
}


@pytest.mark.parametrize("case", NUMBERS)
def test_a_number_without_memory(case):
    attempt(NUMBERS[case])


CHANGES = ["incr", "decr", "add", "sub", "mul", "and_", "or_", "xor", "floordiv", "__iadd__", "__ifloordiv__"]


@pytest.mark.parametrize("method", CHANGES)
def test_a_change_of_a_number_without_memory_is_there_or_is_not(method):
    args = () if method in ("incr", "decr") else (3,)
    attempt(number_case(method, *args), changes_first=True)


def wrapper_case(method, *args):
    def make():
        wrapper = LocalWrapper([1, 2, 3])
        return Case(getattr(type(wrapper), method), (wrapper, *args), lambda: wrapper.get_wrapped()[:])

    return make


OTHERS = {
    "flag": lambda: Case(AtomicFlag, (True,), int),
    "flag, str": lambda: Case(AtomicFlag(True).__str__, (), int),
    "flag, repr": lambda: Case(AtomicFlag(True).__repr__, (), int),
    "wrapper": lambda: Case(LocalWrapper, (Thing(),), int),
    "wrapper, repr": wrapper_case("__repr__"),
    "wrapper, str": wrapper_case("__str__"),
    "wrapper, getattr": wrapper_case("__getattribute__", "append"),
    "wrapper, no attribute": wrapper_case("__getattribute__", "none"),
    "wrapper, getitem": wrapper_case("__getitem__", 1),
    "wrapper, no item": wrapper_case("__getitem__", 9),
    "wrapper, plus": wrapper_case("__add__", [4]),
    "wrapper, compare": wrapper_case("__eq__", [4]),
    "wrapper, iter": wrapper_case("__iter__"),
    "wrapper, pickle": wrapper_case("__reduce__"),
}


@pytest.mark.parametrize("case", OTHERS)
def test_flags_and_wrappers_without_memory(case):
    attempt(OTHERS[case])


# --- the whole -----------------------------------------------------------------


def import_anew():
    """Runs the module's initialization once more."""
    loader = importlib.machinery.ExtensionFileLoader("concurrency._concurrency", concurrency._concurrency.__file__)
    spec = importlib.util.spec_from_loader(loader.name, loader)
    module = importlib.util.module_from_spec(spec)
    return Case(loader.exec_module, (module,), int)


BEHIND_THE_TYPES = 30
"""Allocations at the end of an import. Before them the interpreter makes our types, and there it goes wrong
itself without memory: it forgets to raise an exception (3.11), or crashes (3.13)."""


def test_an_import_without_memory():
    case = import_anew()
    *_, asked = failing.call(10**9, False, False, case.function, case.args)
    assert asked > 300
    errors = set()
    for n in range(asked - BEHIND_THE_TYPES, asked):
        case = import_anew()
        errors.add(failing.call(n, True, False, case.function, case.args)[1])
    assert MemoryError in errors and errors <= {MemoryError, None}


def test_every_place_in_the_library_that_structures_of_python_use_has_failed():
    sites, failed = failing.count_sites()
    # All but the key of a byte string, a reference's retained object and a token: Python has none of them;
    # and a thread's record, if each thread here had its first section with memory.
    assert sites - failed in (3, 4)
