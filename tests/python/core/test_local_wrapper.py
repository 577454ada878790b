# SPDX-License-Identifier: LGPL-2.1-or-later
"""LocalWrapper: everything goes to the object, and the reference count stays with the wrapper."""

import asyncio
import copy
import gc
import io
import math
import operator
import os
import pathlib
import pickle
import sys
import weakref
from fractions import Fraction

import pytest
from helpers import MANY, Thing, run_together

from concurrency import ConcurrentGatheringIterator, ConcurrentQueue, Empty, LocalWrapper, ShutDown


class Answering:
    """Every binary operator gives its own name, both operands, and whether it was reflected."""


class Refusing:
    """Knows every binary operator and refuses each."""


class InPlace:
    """Operators in place change the object itself."""

    def __init__(self):
        self.done = []


BINARY = "add sub mul matmul truediv floordiv mod divmod lshift rshift and or xor pow".split()
for _name in BINARY:
    setattr(Answering, f"__{_name}__", lambda self, other, name=_name: (name, self, other))
    setattr(Answering, f"__r{_name}__", lambda self, other, name=_name: ("r" + name, self, other))
    setattr(Refusing, f"__{_name}__", lambda self, other: NotImplemented)
    setattr(Refusing, f"__r{_name}__", lambda self, other: NotImplemented)
    if _name != "divmod":
        setattr(
            InPlace,
            f"__i{_name}__",
            lambda self, other, name=_name: self.done.append((name, other)) or self,
        )

FUNCTIONS = {
    name: getattr(operator, name + "_" if name in ("and", "or") else name, None) for name in BINARY
} | {"divmod": divmod}

VALUES = [
    3, -7, 0, 2**80, 2.5, -0.0, math.inf, 1j, Fraction(2, 3), "text", "", b"bytes", [1, 2], [],
    (1, 2), {1, 2}, frozenset({2, 3}), {"a": 1}, range(5), None, print, int, Answering(), Refusing(),
]  # fmt: skip


def outcome(function, *args):
    """What a call gives, in a form that two calls can be compared by."""
    try:
        result = function(*args)
    except Exception as error:
        return type(error), str(error)
    return type(result), repr(result)


@pytest.mark.parametrize("name", BINARY)
def test_binary_operators_give_what_they_give_on_the_objects_whichever_is_wrapped(name):
    function = FUNCTIONS[name]
    few = [3, -7, 2.5, Fraction(2, 3), "%s", b"%s", [1], (1,), {1, 2}, {"a": 1}, Answering(), Refusing()]
    for left in few:
        for right in few:
            plain = outcome(function, left, right)
            wrapped = LocalWrapper(left), LocalWrapper(right)
            assert outcome(function, wrapped[0], wrapped[1]) == plain
            assert outcome(function, wrapped[0], right) == plain
            # What the left one's own operator gets is the wrapper, an object like any other.
            if not isinstance(left, Answering) and not (hasattr(left, "title") and name == "mod"):
                assert outcome(function, left, wrapped[1]) == plain


@pytest.mark.parametrize("name", "eq ne lt le gt ge".split())
def test_comparisons_give_what_they_give_on_the_objects(name):
    function = getattr(operator, name)
    for left in VALUES:
        for right in VALUES:
            plain = outcome(function, left, right)
            for l in (left, LocalWrapper(left)):
                for r in (right, LocalWrapper(right)):
                    if plain[0] is bool:
                        assert outcome(function, l, r) == plain
                    else:
                        assert outcome(function, l, r)[0] is plain[0]


UNARY = {
    "neg": operator.neg, "pos": operator.pos, "abs": abs, "invert": operator.inv, "not": operator.not_,
    "bool": bool, "int": int, "float": float, "complex": complex, "index": operator.index, "str": str,
    "hash": hash, "len": len, "iter": lambda o: list(iter(o)), "reversed": lambda o: list(reversed(o)),
    "round": round, "round2": lambda o: round(o, 1), "trunc": math.trunc, "floor": math.floor,
    "ceil": math.ceil, "bytes": bytes, "dir": lambda o: dir(o), "format": lambda o: format(o),
    "format_spec": lambda o: format(o, ">9"), "hint": lambda o: operator.length_hint(o, 77),
    "sum": sum, "sorted": sorted, "next": next, "memoryview": lambda o: bytes(memoryview(o)),
    "first": lambda o: o[0], "slice": lambda o: o[1:], "contains": lambda o: 1 in o,
    "pow3": lambda o: pow(o, 3, 5), "class": lambda o: o.__class__, "doc": lambda o: o.__doc__,
    "alias": lambda o: o[int], "call": lambda o: o("3"), "fspath": os.fspath, "unpack": lambda o: [*o],
    "mapping": lambda o: dict(**o), "enter": lambda o: exec("with o: pass", {"o": o}),
    "isinstance": lambda o: isinstance(3, o), "issubclass": lambda o: issubclass(bool, o),
}  # fmt: skip


CONSUMING = "next sum sorted iter unpack contains bytes".split()
"""Use an iterator up: each gets one of its own."""


@pytest.mark.parametrize("name", UNARY)
def test_every_protocol_gives_what_it_gives_on_the_object(name):
    function = UNARY[name]
    made = 0
    for value in [*VALUES, pathlib.PurePath("a/b"), bytearray(b"xy"), iter([1, 2])]:
        again = copy.copy(value) if name in CONSUMING else value
        plain = outcome(function, value)
        wrapped = outcome(function, LocalWrapper(again))
        if plain[0] in (TypeError, AttributeError):
            assert issubclass(wrapped[0], (TypeError, AttributeError)), value
        else:
            made += 1
            assert wrapped == plain, value
    assert made > 0 or name == "enter"


def test_what_the_object_refuses_is_refused_in_its_own_name():
    for function in (len, iter, next, operator.neg, lambda o: o(), lambda o: o[0], operator.index):
        with pytest.raises(TypeError, match="Thing"):
            function(LocalWrapper(Thing()))


def test_attributes_are_those_of_the_object():
    thing = Thing()
    wrapper = LocalWrapper(thing)
    wrapper.colour = "red"
    assert thing.colour == "red" and wrapper.colour == "red"
    del wrapper.colour
    assert not hasattr(thing, "colour") and not hasattr(wrapper, "colour")
    with pytest.raises(AttributeError, match="Thing"):
        wrapper.colour
    assert wrapper.__dict__ is thing.__dict__
    wrapper.__class__ = Answering
    assert type(thing) is Answering
    assert isinstance(LocalWrapper([]), list) and type(LocalWrapper([])) is LocalWrapper


def test_items_are_set_and_deleted_in_the_object():
    items = [1, 2, 3, 4]
    wrapper = LocalWrapper(items)
    wrapper[0] = 9
    del wrapper[-1]
    wrapper[1:2] = "ab"
    assert items == [9, "a", "b", 3] and wrapper[-1] == 3
    table = {}
    LocalWrapper(table)["key"] = 1
    assert table == {"key": 1} and "key" in LocalWrapper(table)


def test_a_wrapper_is_a_good_index_key_and_argument():
    assert [1, 2, 3][LocalWrapper(1)] == 2
    assert {5: "five"}[LocalWrapper(5)] == "five"
    assert "ab" in LocalWrapper("cabin")
    assert os.path.join(LocalWrapper("a"), "b") == os.path.join("a", "b")
    assert "%s|%d" % (LocalWrapper("x"), LocalWrapper(3)) == "x|3"


def test_calls_pass_all_arguments_and_give_the_plain_result():
    def function(*args, **named):
        return args, named

    wrapper = LocalWrapper(function)
    assert wrapper() == ((), {})
    assert wrapper(1, *[2, 3], x=4, **{"y": 5}) == ((1, 2, 3), {"x": 4, "y": 5})
    assert type(LocalWrapper(list)()) is list
    assert LocalWrapper("a-b").split("-") == ["a", "b"]
    with pytest.raises(ZeroDivisionError):
        LocalWrapper(lambda: 1 / 0)()


@pytest.mark.parametrize("name", [name for name in BINARY if name != "divmod"])
def test_an_operator_in_place_that_changes_the_object_keeps_the_wrapper(name):
    function = getattr(operator, f"i{name}")
    target = InPlace()
    wrapper = LocalWrapper(target)
    assert function(wrapper, LocalWrapper("other")) is wrapper
    assert target.done == [(name, "other")]


def test_an_operator_in_place_that_makes_another_object_leaves_other_names_alone():
    for name, value, other in [("iadd", 5, 3), ("isub", 5, 3), ("ipow", 5, 3), ("iadd", "a", "b"),
                               ("ior", frozenset({1}), {2}), ("imul", (1,), 2), ("itruediv", 1, 4)]:  # fmt: skip
        wrapper = LocalWrapper(value)
        result = getattr(operator, name)(wrapper, other)
        assert type(result) is LocalWrapper and result is not wrapper
        assert result.get_wrapped() == getattr(operator, name)(value, other)
        assert wrapper.get_wrapped() is value
    with pytest.raises(TypeError):
        operator.iadd(LocalWrapper(5), "x")


def test_with_statements_enter_and_leave_the_object():
    with LocalWrapper(io.StringIO("text")) as file:
        assert file.read() == "text"
    assert file.closed

    class Manager:
        def __enter__(self):
            return self

        def __exit__(self, kind, error, traceback):
            self.got = kind
            return True

    manager = Manager()
    with LocalWrapper(manager) as entered:
        raise KeyError
    assert entered is manager and manager.got is KeyError
    with pytest.raises(TypeError, match="Thing.*context manager"):
        with LocalWrapper(Thing()):
            pass


def test_coroutines_asynchronous_iterators_and_managers_work():
    class Asynchronous:
        def __init__(self):
            self.left = 2

        def __aiter__(self):
            return LocalWrapper(self)

        async def __anext__(self):
            if self.left == 0:
                raise StopAsyncIteration
            self.left -= 1
            return self.left

        async def __aenter__(self):
            return "entered"

        async def __aexit__(self, *error):
            return True

    async def answer():
        return 42

    async def main():
        assert await LocalWrapper(answer()) == 42
        assert [i async for i in LocalWrapper(Asynchronous())] == [1, 0]
        async with LocalWrapper(Asynchronous()) as entered:
            assert entered == "entered"
            raise KeyError
        for bad in (1, "x", Thing()):
            with pytest.raises(TypeError):
                await LocalWrapper(bad)
            with pytest.raises(TypeError):
                async for _ in LocalWrapper(bad):
                    pass

    asyncio.run(main())


def test_iterators_are_advanced():
    wrapper = LocalWrapper(iter([1, 2]))
    assert iter(wrapper).__next__() == 1 and next(wrapper) == 2
    with pytest.raises(StopIteration):
        next(wrapper)
    assert next(LocalWrapper(iter([])), "none") == "none"


# --- the wrapper's own -------------------------------------------------------


def test_get_wrapped_gives_the_object_and_a_wrapper_of_a_wrapper_wraps_it():
    thing = Thing()
    wrapper = LocalWrapper(thing)
    assert wrapper.get_wrapped() is thing
    assert LocalWrapper(obj=LocalWrapper(wrapper)).get_wrapped() is thing


def test_using_a_wrapper_does_not_count_references_to_the_object():
    thing = Thing()
    thing.x = 1
    before = sys.getrefcount(thing)
    wrapper = LocalWrapper(thing)
    names = [wrapper] * 100
    assert sys.getrefcount(thing) == before + 1
    for name in names:
        name.x
        name == thing
    assert sys.getrefcount(thing) == before + 1
    del wrapper, names, name
    assert sys.getrefcount(thing) == before


def test_the_object_lives_as_long_as_its_wrappers():
    thing = Thing()
    reference = weakref.ref(thing)
    wrapper = LocalWrapper(thing)
    del thing
    assert reference() is not None
    del wrapper
    assert reference() is None


def test_repr_names_the_wrapper_and_str_does_not():
    assert repr(LocalWrapper([1])) == "LocalWrapper([1])" and str(LocalWrapper([1])) == "[1]"
    items = [1]
    items.append(LocalWrapper(items))
    assert repr(items) == "[1, LocalWrapper([...])]"


def test_wrong_arguments_are_type_errors():
    for make in (
        lambda: LocalWrapper(),
        lambda: LocalWrapper(1, 2),
        lambda: LocalWrapper(object=1),
        lambda: LocalWrapper(1, obj=2),
        lambda: LocalWrapper(1).get_wrapped(2),
    ):
        with pytest.raises(TypeError):
            make()


def test_init_cannot_change_the_object():
    wrapper = LocalWrapper(1)
    LocalWrapper.__init__(wrapper, 2)
    assert wrapper.get_wrapped() == 1


def test_pickling_and_copying_are_refused():
    for wrapper in (LocalWrapper(1), LocalWrapper([1])):
        for refuse in (copy.copy, copy.deepcopy, *[
            lambda w, p=p: pickle.dumps(w, p) for p in range(pickle.HIGHEST_PROTOCOL + 1)
        ]):  # fmt: skip
            with pytest.raises(TypeError, match="cannot pickle or copy"):
                refuse(wrapper)


def test_cycles_through_wrappers_are_collected(collected):
    class Named(LocalWrapper):
        pass

    thing, items = Thing(), []
    thing.me = LocalWrapper(thing)
    items.append(Named(items))
    references = weakref.ref(thing), weakref.ref(items[0])
    del thing, items
    collected(*references)


def test_a_long_chain_of_wrappers_is_released_without_deep_recursion():
    chain = None
    for _ in range(200_000):
        chain = LocalWrapper([chain])
    del chain
    gc.collect()


def test_subclasses_keep_what_they_define_and_forward_the_rest():
    class Counting(LocalWrapper):
        """Not the object's."""

        __slots__ = ("calls",)
        kind = "counting"

        def __init__(self, obj, calls=0):
            super().__init__(obj)
            self.calls = calls

        def upper(self):
            self.calls += 1
            return self.get_wrapped().upper() + "!"

        @property
        def twice(self):
            return self * 2

        def __len__(self):
            return 1000

        @classmethod
        def make(cls):
            return cls("made")

    wrapper = Counting("abc", calls=3)
    assert wrapper.upper() == "ABC!" and wrapper.calls == 4 and wrapper.lower() == "abc"
    assert wrapper.twice == "abcabc" and wrapper.kind == "counting"
    assert len(wrapper) == 1000 == wrapper.__len__()
    assert wrapper.__doc__ == str.__doc__ and isinstance(wrapper, str)
    assert repr(wrapper) == "Counting('abc')" and Counting.make() == "made"
    assert LocalWrapper(wrapper).get_wrapped() == "abc" and wrapper + wrapper == "abcabc"
    with pytest.raises(AttributeError):
        wrapper.twice = 1
    with pytest.raises(AttributeError, match="str"):
        wrapper.other = 1


def test_a_subclass_may_define_what_a_call_does():
    class Calling(LocalWrapper):
        def __call__(self, x):
            return "mine", x

    class Plain(LocalWrapper):
        pass

    assert Calling(int)("3") == ("mine", "3") == next(map(Calling(int), ["3"]))
    assert Plain(int)("3") == 3
    Plain.__call__ = Calling.__call__
    assert Plain(int)("3") == ("mine", "3")


def test_a_subclass_that_never_calls_init_wraps_its_first_argument():
    class Careless(LocalWrapper):
        def __init__(self, obj, more):
            pass

    assert Careless([1], 2) == [1]
    with pytest.raises(TypeError):
        Careless()


def test_weak_references_and_generics():
    wrapper = LocalWrapper(5)
    assert weakref.ref(wrapper)() is wrapper and weakref.proxy(wrapper) + 1 == 6
    assert LocalWrapper[int].__origin__ is LocalWrapper


def test_threads_use_one_object_each_through_its_own_wrapper(frequent_switches):
    table = {i: str(i) for i in range(100)}

    def work():
        local = LocalWrapper(table)
        return sum(int(local[i % 100]) for i in range(5000)), len(local), local.get(5)

    assert run_together(*[work] * MANY) == [(50 * sum(range(100)), 100, "5")] * MANY


def test_threads_may_share_a_wrapper_too(frequent_switches):
    shared = LocalWrapper([])

    def work():
        for i in range(1000):
            shared.append(i)
            assert len(shared) > 0 and 0 in shared

    run_together(*[work] * MANY)
    assert len(shared) == 1000 * MANY


# --- pop_local and iterator_local --------------------------------------------


def test_pop_local_pops_and_wraps():
    q = ConcurrentQueue()
    thing = Thing()
    q.push(thing)
    q.push(LocalWrapper(thing))
    for _ in range(2):
        wrapper = q.pop_local()
        assert type(wrapper) is LocalWrapper and wrapper.get_wrapped() is thing
    for timeout in (0, 0.001):
        with pytest.raises(Empty):
            q.pop_local(timeout)
    with pytest.raises(ValueError):
        q.pop_local(timeout=-1)
    with pytest.raises(TypeError):
        q.pop_local(1, 2)
    q.push(None)
    q.shutdown()
    assert q.pop_local(timeout=None).get_wrapped() is None
    with pytest.raises(ShutDown):
        q.pop_local()


def test_a_popped_wrapper_has_the_only_reference_to_its_item():
    q = ConcurrentQueue()
    thing = Thing()
    reference = weakref.ref(thing)
    q.push(thing)
    del thing
    wrapper = q.pop_local()
    assert reference() is not None
    del wrapper
    assert reference() is None


def test_iterator_local_yields_wrapped_values_in_key_order():
    gather = ConcurrentGatheringIterator()
    things = [Thing() for _ in range(4)]
    for key in (3, 1, 0, 2):
        gather.insert(key, things[key])
    kept = list(gather.iterator_local(3, clear=False))
    assert [type(wrapper) for wrapper in kept] == [LocalWrapper] * 4
    assert [wrapper.get_wrapped() for wrapper in kept] == things
    references = [weakref.ref(thing) for thing in things]
    del kept, things
    assert all(reference() is not None for reference in references)
    for _ in gather.iterator_local(max_key=3):
        pass
    del _
    assert not any(reference() is not None for reference in references)
    assert list(gather.iterator_local(-1)) == []
    with pytest.raises(TypeError):
        gather.insert("x", 1)
    with pytest.raises(RuntimeError):
        next(gather.iterator_local(0))


def test_a_name_of_an_attribute_that_is_no_str_is_a_type_error():
    class Sub(LocalWrapper):
        pass

    for wrapper in (LocalWrapper(Thing()), Sub(Thing())):
        for name in (5, None, b"name", {}, LocalWrapper("name")):
            for attempt in (
                lambda: type(wrapper).__getattribute__(wrapper, name),
                lambda: type(wrapper).__setattr__(wrapper, name, 1),
                lambda: type(wrapper).__delattr__(wrapper, name),
            ):
                with pytest.raises(TypeError, match="attribute name must be string"):
                    attempt()
