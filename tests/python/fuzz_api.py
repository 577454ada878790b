# SPDX-License-Identifier: LGPL-2.1-or-later
"""Calls everything that the types of the package have, in every wrong way, from several threads at once.

    python fuzz_api.py [--seconds N] [--seed N] [--threads N]

What there is to call is found by introspection: methods and slots, bound and unbound, operators on either side,
built-in functions, attributes, the making and half making of objects and subclasses, copies, pickles. Arguments
come from nasty.py. Only exceptions may come out, no SystemError among them, and after each call the object must
be in a state that is possible. Objects that went in must go away.

Each round is a process of its own with a seed of its own. If one crashes or hangs, its seed and the last call of
each thread are printed: --seed makes the same calls again, as far as threads can be made to do the same twice.
A call that waits for what nobody will do is helped on from outside: by a shutdown, or by failing a gathering.
"""

import argparse
import builtins
import copy
import faulthandler
import functools
import gc
import inspect
import itertools
import mmap
import operator
import os
import pickle
import random
import resource
import subprocess
import sys
import tempfile
import threading
import time
import weakref

import nasty
from nasty import OURS, Odd, World, argument, label

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

CALLS = 3000
"""Of one thread in a round."""

HANG = 200
"""Seconds after which a round that has not ended hangs."""

DEPTH = 3
"""Calls within calls."""

RUNNING = threading.local()
"""Its `caller` is the one whose calls this thread makes."""

TARGETS = 12
"""Objects under test at a time, shared by all threads."""

PATIENCE = 0.05
"""Seconds after which a call is taken to wait."""

LOST = 3
"""Objects of a round, of thousands, that need not go away: Python 3.13 without a GIL keeps the key of a KeyError
(of its own dict's, too) or the name in an AttributeError now and then."""

SLOT = 256
"""Bytes in which a thread notes what it calls."""


# --- objects under test ---------------------------------------------------------


class Hooked(StdConcurrentQueue):
    """With hooks, and so with a lock. Nobody sets these or what they use: a hook that never finds the end of
    the items, or waits for more, holds the lock for ever, as with queue.Queue."""

    __slots__ = ("items",)

    def _init(self, maxsize):
        self.items = []

    def _qsize(self):
        return len(self.items)

    def _put(self, item):
        self.items.append(item)

    def _get(self):
        return self.items.pop()


class Uninitialised(ConcurrentDict):
    def __init__(self, *args, **names):
        pass


def subclass(kind):
    """One with a dict."""
    return type("Sub" + kind.__name__, (kind,), {})


def make_target(world):
    """An object of ours, whole or half made, empty or not."""
    rnd = world.rnd
    kind = rnd.choice([*OURS, Hooked, Uninitialised, subclass(rnd.choice(OURS))])
    how = rnd.random()
    if how < 0.15:
        return nasty.half_made(world)
    if issubclass(kind, LocalWrapper):
        return kind(rnd.choice([3, "x", (1, 2), None, [1], {}, nasty.nasty(world), ConcurrentDict(), AtomicInt64(5)]))
    return kind(rnd.choice([1, 2, 7])) if how < 0.6 or issubclass(kind, AtomicFlag) else kind()


# --- what can be called ----------------------------------------------------------

UNSUITABLE = {"__class__", "__init_subclass__", "__subclasshook__", "__del__", "__weakref__", "__dict__"}

NAMES = {kind: [name for name in dir(kind) if name not in UNSUITABLE] for kind in OURS}

KEYWORDS = ["value", "v", "n", "key", "default", "scaling", "timeout", "block", "item", "maxsize", "o", "expected",
            "new", "obj", "immediate", "max_key", "clear", "lock_free", "nonsense", "\ud800"]  # fmt: skip

OPERATORS = [function for name, function in inspect.getmembers(operator, inspect.isbuiltin)
             if name not in ("is_", "is_not", "itemgetter", "attrgetter", "methodcaller")]  # fmt: skip

BUILTINS = [getattr(builtins, name) for name in
            "abs ascii bool callable complex dir divmod float format frozenset hash int iter len oct "
            "repr reversed round sorted str tuple type vars isinstance issubclass getattr hasattr "
            "next min max sum any all enumerate zip map super property staticmethod slice".split()]  # fmt: skip
LOOKS = [copy.copy, copy.deepcopy, weakref.ref, weakref.proxy, gc.get_referents, gc.is_tracked, sys.getsizeof,
         inspect.signature, *[lambda o, p=p: pickle.dumps(o, p) for p in range(pickle.HIGHEST_PROTOCOL + 1)]]  # fmt: skip


def kind_of(target):
    """Its class among ours; a wrapper's own, not that of what it wraps."""
    return next(kind for kind in OURS if kind in type.mro(type(target)))


def arguments(world, targets, name, most):
    """Positional ones and others. Small ones for what else fills the memory or takes minutes, as 10**(2**64) does."""
    rnd = world.rnd
    if any(part in name for part in ("pow", "mul", "shift", "round")):
        return [rnd.choice(nasty.SMALL) for _ in range(rnd.randint(0, most))], {}
    args = [argument(world, targets) for _ in range(rnd.randint(0, most))]
    if rnd.random() > 0.15:
        return args, {}
    return args, {rnd.choice(KEYWORDS): argument(world, targets) for _ in range(rnd.randint(1, 2))}


@functools.cache
def parameters(function):
    """How many arguments it takes beside self, as far as it says so."""
    try:
        return len(inspect.signature(function).parameters) - 1
    except (TypeError, ValueError):
        return None


def choose_method(world, target, targets):
    """A method or slot of its class, bound or not, also of another object."""
    rnd, kind = world.rnd, kind_of(target)
    name = rnd.choice(NAMES[kind])
    args, names = arguments(world, targets, name, 3)
    right = parameters(getattr(kind, name))
    if right is not None and rnd.random() < 0.6:
        args, names = (args + arguments(world, targets, name, 3)[0])[:right], {}
    if rnd.random() < 0.15:
        args.insert(0, argument(world, targets))
    else:
        args.insert(0, target)
    return f"{kind.__name__}.{name}", lambda *args, **names: getattr(kind, name)(*args, **names), args, names


def choose_function(world, target, targets):
    """A built-in function or an operator, the object on either side."""
    rnd = world.rnd
    function = rnd.choice(rnd.choice([OPERATORS, BUILTINS, LOOKS]))
    args, names = arguments(world, targets, function.__name__, 2)
    if function not in BUILTINS:
        names = {}
    args.insert(rnd.randint(0, len(args)) if function is not round else 0, target)
    return function.__name__, function, args, names


def choose_making(world, target, targets):
    """Another of its kind, in some way; or the same once more."""
    rnd, kind = world.rnd, kind_of(target)
    args, names = arguments(world, targets, "", 3)
    ways = {
        "()": kind,
        ".__new__": lambda *args, **names: kind.__new__(kind, *args, **names),
        ".__new__ of another": lambda *args, **names: kind.__new__(rnd.choice(OURS), *args, **names),
        ".__init__ again": lambda *args, **names: type(target).__init__(target, *args, **names),
        " of a subclass": lambda *args, **names: subclass(kind)(*args, **names),
        "[]": lambda *args, **names: kind[args],
        ".__class__ =": lambda *args, **names: object.__setattr__(target, "__class__", rnd.choice(OURS)),
    }
    way = rnd.choice(list(ways))
    return kind.__name__ + way, ways[way], args, names


def choose_attribute(world, target, targets):
    """Sets, gets and deletes attributes, of the class, too."""
    rnd, kind = world.rnd, kind_of(target)
    name = rnd.choice([*NAMES[kind], *KEYWORDS])
    owner = rnd.choice([target, target, kind])
    way = rnd.choice(["get", "set", "delete"])
    args = [owner, name] + ([argument(world, targets)] if way == "set" else [])
    function = {"get": getattr, "set": setattr, "delete": delattr}[way]
    return f"{way} {name}", function, args, {}


def choose_walk(world, target, targets):
    """A few steps of an iterator."""
    function = getattr(target, "iterator", None) if kind_of(target) is ConcurrentGatheringIterator else iter
    args = [world.rnd.randint(0, 3)] if function is not iter else [target]
    return "walk", lambda *args: list(itertools.islice(function(*args), 5)), args, {}


CHOICES = [choose_method] * 6 + [choose_function] * 4 + [choose_making] * 2 + [choose_attribute, choose_walk]


# --- calling ----------------------------------------------------------------------


class Impossible(Exception):
    """What must not be, was."""


class Caller:
    """One thread's: it makes calls, notes each before it is made, and looks at what comes of it."""

    def __init__(self, number, seed, targets, notes):
        self.world = World(f"{seed} {number}")
        self.world.again = call_again
        self.number, self.targets, self.notes = number, targets, notes
        self.depth = self.calls = self.raised = 0
        self.touched, self.since = (), None
        self.kinds = set()

    def run(self):
        RUNNING.caller = self
        for number in range(CALLS):
            if number % 50 == 0:
                self.targets[self.world.rnd.randrange(TARGETS)] = make_target(self.world)
            if number % 500 == 499:
                gc.collect()
            self.call()

    def call(self):
        target = self.world.rnd.choice(self.targets)
        name, function, args, names = self.world.rnd.choice(CHOICES)(self.world, target, self.targets)
        self.note(name, args, names)
        self.kinds.add(name)
        before = self.touched, self.since
        self.touched, self.since = (target, *args), time.monotonic()
        self.depth += 1
        self.calls += 1
        try:
            function(*args, **names)
        except SystemError as error:
            raise Impossible(f"SystemError: {error}") from error
        except (Exception, Odd):
            self.raised += 1
        finally:
            self.depth -= 1
            self.touched, self.since = before
        check(target)

    def note(self, name, args, names):
        named = [f"{key}={label(value)}" for key, value in names.items()]
        text = f"{'  ' * self.depth}{name}({', '.join([label(arg) for arg in args] + named)})"
        start = self.number * SLOT
        self.notes[start : start + SLOT] = ascii(text)[1:-1].encode()[: SLOT - 1].ljust(SLOT, b"\0")


def call_again():
    """From within a call, by the thread that is in it, whoever made the object. Not by the other threads, in which
    objects may end, too: nobody helps these on."""
    caller = getattr(RUNNING, "caller", None)
    if caller is not None and caller.depth < DEPTH:
        try:
            caller.call()
        except Impossible as error:
            os.write(2, f"{error}\n".encode())
            os._exit(3)


def must(holds, what):
    if not holds:
        raise Impossible(f"not so: {what}")


def check(target):
    """Is it in a state that is possible? Asked of the class, as a subclass may have hooks that fail."""
    kind = kind_of(target)
    if kind is AtomicInt64:
        must(-(2**63) <= AtomicInt64.get(target) < 2**63, "an int of 64 bits")
    elif kind is AtomicFlag:
        must(AtomicFlag.__bool__(target) in (True, False), "a truth")
    elif kind is AtomicReference:
        AtomicReference.get(target)
    elif kind is ConcurrentDict:
        must(ConcurrentDict.__len__(target) >= 0, "a length")
    elif kind is ConcurrentQueue:
        must(ConcurrentQueue.size(target) >= 0, "a size")
        must(ConcurrentQueue.empty(target) in (True, False), "a truth")
    elif kind is StdConcurrentQueue:
        must(target.unfinished_tasks >= 0, "a number of tasks")
        # With hooks it is what it was set to, if that has an __index__.
        must(isinstance(target, Hooked) or type(target.maxsize) is int, "a limit")
    elif kind is LocalWrapper:
        LocalWrapper.get_wrapped(target)


# --- helping on -------------------------------------------------------------------


def finish_tasks(queue):
    try:
        StdConcurrentQueue.shutdown(queue, True)
    finally:
        # Hooks whose list was taken away raise, and throw nothing away.
        while queue.unfinished_tasks > 0:
            StdConcurrentQueue.task_done(queue)


HELP = {
    ConcurrentQueue: ConcurrentQueue.shutdown,
    ConcurrentGatheringIterator: lambda gathering: ConcurrentGatheringIterator.insert(gathering, -1, None),
    LocalWrapper: lambda wrapper: help_on(LocalWrapper.get_wrapped(wrapper)),
    StdConcurrentQueue: finish_tasks,
}
"""How to let a call go on that waits for such an object: nobody else will."""


def help_on(thing):
    for kind in type.mro(type(thing)) if not isinstance(thing, type) else ():
        if kind in HELP:
            try:
                HELP[kind](thing)
            except (Exception, Odd):
                pass  # it has ended already; a gathering fails by an error


def help_all(callers, ended):
    """Looks after all threads until they have ended."""
    while not ended.wait(PATIENCE / 2):
        for caller in callers:
            since, touched = caller.since, caller.touched
            if since is not None and time.monotonic() - since > PATIENCE:
                for thing in touched:
                    help_on(thing)


# --- a round: a process -------------------------------------------------------------


def limit_memory():
    """A number times a text may be all there is. (No sanitizer works with little address space.)"""
    if not {"ASAN_OPTIONS", "TSAN_OPTIONS"} & set(os.environ):
        resource.setrlimit(resource.RLIMIT_AS, (3 * 2**30, 3 * 2**30))


def run_threads(callers):
    """Their errors."""
    errors, ended = [], threading.Event()

    def run(caller):
        try:
            caller.run()
        except BaseException as error:
            errors.append(f"{type(error).__name__}: {error}")

    threads = [threading.Thread(target=run, args=[caller], daemon=True) for caller in callers]
    helper = threading.Thread(target=help_all, args=[callers, ended], daemon=True)
    for thread in [*threads, helper]:
        thread.start()
    for thread in threads:
        thread.join()
    ended.set()
    helper.join()
    return errors


def left_over(callers, targets):
    """How many of the objects that went in are still there once all is forgotten."""
    made = [reference for caller in callers for reference in caller.world.made]
    targets.clear()
    for caller in callers:
        caller.touched = ()
    for _ in range(3):
        gc.collect()
    return sum(reference() is not None for reference in made)


def round_of(seed, threads, path):
    """In a process of its own: prints how many calls it made; an error goes to stderr, with exit status 3."""
    faulthandler.enable()
    faulthandler.dump_traceback_later(HANG, exit=True)
    sys.unraisablehook = threading.excepthook = lambda args: None
    sys.setrecursionlimit(400)
    limit_memory()
    world = World(f"{seed}")
    targets = [make_target(world) for _ in range(TARGETS)]
    with open(path, "r+b") as file:
        notes = mmap.mmap(file.fileno(), threads * SLOT)
    callers = [Caller(number, seed, targets, notes) for number in range(threads)]
    errors = run_threads(callers)
    del world
    left = left_over(callers, targets)
    if left > LOST:
        errors.append(f"{left} objects that went in have not gone away")
    calls, raised = (sum(getattr(caller, what) for caller in callers) for what in ("calls", "raised"))
    print(calls, raised, len(set().union(*[caller.kinds for caller in callers])), flush=True)
    if errors:
        print(*errors, sep="\n", file=sys.stderr)
        os._exit(3)
    os._exit(0)


# --- all rounds ---------------------------------------------------------------------


def run_round(seed, threads):
    """The calls made, and how many raised; ends the program if the round does not end well."""
    with tempfile.NamedTemporaryFile() as notes:
        notes.truncate(threads * SLOT)
        command = [sys.executable, __file__, "--seed", str(seed), "--threads", str(threads), "--round", notes.name]
        done = subprocess.run(command, capture_output=True, timeout=HANG + 100)
        if done.returncode == 0:
            return [int(number) for number in done.stdout.split()]
        print(done.stderr.decode(errors="replace")[-8000:])
        for number, note in enumerate(split(notes.read())):
            print(f"the last call of thread {number}: {note}")
    sys.exit(f"fuzz_api: the round with --seed {seed} --threads {threads} ended with status {done.returncode}")


def split(notes):
    """The notes of each thread."""
    return [notes[at : at + SLOT].rstrip(b"\0").decode() for at in range(0, len(notes), SLOT)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=0, help="as many rounds as begin in this time; at least one")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--round", help=argparse.SUPPRESS)
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(2**32)
    if options.round is not None:
        round_of(seed, options.threads, options.round)
    print(f"fuzz_api: first seed {seed}", flush=True)
    end, results = time.monotonic() + options.seconds, []
    while not results or time.monotonic() < end:
        results.append(run_round(seed + len(results), options.threads))
    calls, raised, kinds = (sum(column) for column in zip(*results))
    print(
        f"fuzz_api: {calls} calls in {len(results)} rounds of {options.threads} threads, {raised} raised an exception; "
        f"{kinds // len(results)} different ones a round; nothing found"
    )


if __name__ == "__main__":
    main()
