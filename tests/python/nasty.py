# SPDX-License-Identifier: LGPL-2.1-or-later
"""Arguments that nobody should pass, for fuzz_api.py: of wrong types, out of range, recursive, used up, closed,
half made; and objects whose special methods raise, lie, or call what is being called once more.

Ints stay small or are so large that no memory will do, lest a power or a product of them takes for ever.
"""

import operator
import random
import types
import weakref

import concurrency

OURS = [
    concurrency.AtomicFlag,
    concurrency.AtomicInt64,
    concurrency.AtomicReference,
    concurrency.ConcurrentDict,
    concurrency.ConcurrentGatheringIterator,
    concurrency.ConcurrentQueue,
    concurrency.LocalWrapper,
    concurrency.StdConcurrentQueue,
]


class Odd(BaseException):
    """What no `except Exception` catches."""


class World:
    """A thread's: its random choices, what a special method may call, and the objects that should go away."""

    def __init__(self, seed):
        self.rnd, self.again = random.Random(seed), lambda: None
        self.made = []
        """Weak references to what should go away."""

    def watch(self, made):
        try:
            self.made.append(weakref.ref(made))
        except TypeError:
            pass  # ints and tuples cannot be watched
        return made


# --- objects with special methods of their own ---------------------------------

ARITHMETIC = "add sub mul matmul truediv floordiv mod divmod lshift rshift and or xor pow".split()

ANSWERS = {
    "__hash__": [0, 1, 7], "__eq__": [True, False], "__ne__": [True, False], "__lt__": [True, False],
    "__le__": [True, False], "__gt__": [True, False], "__ge__": [True, False], "__bool__": [True, False],
    "__index__": [0, 1, 7], "__int__": [0, 1, 7], "__float__": [0.0, 1e-9, -1.0, 0.01, float("nan")],
    "__complex__": [1j], "__len__": [0, 1, 7], "__length_hint__": [0, 7], "__str__": ["nasty"],
    "__repr__": ["<nasty>"], "__format__": ["nasty"], "__bytes__": [b"nasty"], "__contains__": [True, False],
    "__fspath__": ["nasty"], "__getitem__": [None], "__setitem__": [None], "__delitem__": [None],
    "__call__": [None], "__enter__": [None], "__exit__": [False], "__iter__": [(), []], "__next__": [None],
    "__del__": [None], "__dir__": [[]], "__reversed__": [()], "__round__": [1], "__trunc__": [1],
    "__get__": [None], "__set__": [None], "__await__": [()], "__missing__": [None],
    "__neg__": [0], "__pos__": [0], "__abs__": [0], "__invert__": [0],
    **{f"__{kind}{name}__": [0, 1] for name in ARITHMETIC for kind in ("", "r", "i")},
}  # fmt: skip
"""Special methods and what they ought to answer."""


def special(world, name):
    """A method of this name: as it ought to be, or failing, lying, or calling the objects under test."""

    def method(self, *args, **names):
        how = world.rnd.randrange(12)
        if how == 0:
            raise world.rnd.choice([ValueError, TypeError, StopIteration, MemoryError, RecursionError, Odd])
        if how == 1 and name != "__del__":
            return world.rnd.choice([None, NotImplemented, self, "x", 1.5, -1, 2**70, [], object])
        if how < 5:
            world.again()
        return world.rnd.choice(ANSWERS[name])

    return method


def nasty_class(world, base):
    """A class with some of these methods."""
    names = list(ANSWERS)
    chosen = set(world.rnd.sample(names, world.rnd.choice([1, 3, 9, len(names)])))
    if world.rnd.random() < 0.5:
        chosen |= {"__hash__", "__eq__"}
    body = {name: special(world, name) for name in sorted(chosen)}
    if "__eq__" in body:
        body.setdefault("__hash__", base.__hash__)
    return type("Nasty" + base.__name__.title(), (base,), body)


def nasty(world):
    """An object of such a class, of any kind."""
    base = world.rnd.choice([object, object, str, int, float, tuple, list, dict, Exception])
    return world.watch(nasty_class(world, base)())


# --- all else ------------------------------------------------------------------


def recursive_list():
    made = []
    made.append(made)
    return made


def recursive_dict():
    made = {}
    made[0] = made
    return made


def used_up():
    made = iter((1,))
    next(made)
    return made


def closed(kind):
    made = kind()
    made.shutdown()
    return made


NUMBERS = [0, 1, -1, 2, 7, 255, 2**59, 2**60, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**64, 2**200, -(2**200)]
SMALL = [0, 1, -1, 2, 7, None, "x", 1.5, True]

PLAIN = [
    None, True, False, 0.0, -0.0, 1.5, -1.5, float("nan"), float("inf"), float("-inf"), 1e308, 5e-324, 1j,
    "", "x", "key", "\ud800", "\0", b"", b"x", (), (1, 2), frozenset(), Ellipsis, NotImplemented, object, type,
    int, len, types, slice(None), range(3), Odd, ValueError, operator.add, dict.get,
]  # fmt: skip

MADE = [
    object, list, dict, set, bytearray, lambda: [1, [2]], lambda: {"k": []}, recursive_list, recursive_dict, used_up,
    lambda: (i for i in ()), lambda: memoryview(b"x"), lambda: ValueError("x"), lambda: lambda *args: None,
    lambda: closed(concurrency.ConcurrentQueue), lambda: closed(concurrency.StdConcurrentQueue),
    lambda: weakref.ref(Odd), concurrency.ConcurrentDict, lambda: concurrency.AtomicInt64(3),
    lambda: concurrency.AtomicFlag(True), concurrency.AtomicReference, concurrency.ConcurrentGatheringIterator,
]  # fmt: skip


def half_made(world):
    """Without its __init__."""
    kind = world.rnd.choice([kind for kind in OURS if kind is not concurrency.LocalWrapper])
    return kind.__new__(kind)


def wrapped(world):
    return concurrency.LocalWrapper(world.rnd.choice([world.rnd.choice(PLAIN), 3, nasty(world)]))


def argument(world, targets):
    """Any of all this, or one of the objects under test, or its class."""
    rnd = world.rnd
    return rnd.choice([
        lambda: rnd.choice(NUMBERS),
        lambda: rnd.choice(PLAIN),
        lambda: rnd.choice(MADE)(),
        lambda: rnd.choice(targets),
        lambda: rnd.choice(OURS),
        lambda: half_made(world),
        lambda: wrapped(world),
        lambda: nasty(world),
        lambda: nasty(world),
    ])()  # fmt: skip


def label(thing):
    """A short name for an argument, without a call of anything that is its own."""
    kind = type(thing)
    if kind in (int, float, bool, str, bytes, type(None)):
        text = ascii(thing)
        return text if len(text) < 30 else text[:27] + "..."
    return thing.__name__ if kind is type else f"<{kind.__name__}>"
