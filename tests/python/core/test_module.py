# SPDX-License-Identifier: LGPL-2.1-or-later
"""The package as a whole: the GIL, the C API, exit, fork, interpreters, documentation."""

import ast
import inspect
import os
import pydoc
import re
import signal
import subprocess
import sys
import sysconfig

import pytest
from helpers import gil_enabled, run_python

import concurrency

FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, os.pardir, os.pardir)
CLASSES = [
    concurrency.AtomicFlag,
    concurrency.AtomicInt64,
    concurrency.AtomicReference,
    concurrency.ConcurrentDict,
    concurrency.ConcurrentGatheringIterator,
    concurrency.ConcurrentQueue,
]

USE_EVERYTHING = """
import sys, threading
from concurrency import AtomicFlag, AtomicInt64, AtomicReference
from concurrency import ConcurrentDict, ConcurrentGatheringIterator, ConcurrentQueue

d, q, g, a = ConcurrentDict(), ConcurrentQueue(), ConcurrentGatheringIterator(), AtomicInt64()
r, f = AtomicReference(), AtomicFlag(False)

def use():
    r.exchange([r.get()])
    f.set(True)
    d["k"] = 1
    assert d.add("n") >= 1 and d["k"] == 1 and len(d.as_dict()) == 2
    q.push(1)
    assert q.pop(10) == 1
    g.insert(a.incr(), "v")

def wait():
    try:
        q.pop()
    except BaseException:
        pass

threads = [threading.Thread(target=use) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
g.insert(0, "v")
assert list(g.iterator(4)) == ["v"] * 5
"""


# --- the GIL -----------------------------------------------------------------


@pytest.mark.skipif(not FREE_THREADED, reason="this Python has a GIL")
def test_the_gil_stays_off():
    asked = os.environ.get("PYTHON_GIL") == "1"
    assert gil_enabled() is asked
    env = {k: v for k, v in os.environ.items() if k != "PYTHON_GIL"}
    program = USE_EVERYTHING + "assert not sys._is_gil_enabled()\n"
    assert run_python(program, "-W", "error", env=env) == ("", "")


@pytest.mark.skipif(not FREE_THREADED, reason="this Python has a GIL")
@pytest.mark.parametrize("version", [None, "1.17.1"])
def test_a_cffi_that_would_switch_the_gil_on_is_not_imported(version, tmp_path):
    if version is not None:
        info = tmp_path / f"cffi-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: cffi\nVersion: {version}\n")
    (tmp_path / "_cffi_backend.py").write_text("raise SystemExit('imported')\n")
    # Out of site-packages, which go away so that no cffi in them is found.
    (tmp_path / "concurrency").symlink_to(os.path.dirname(concurrency.__file__))
    program = f"""
import sys
sys.path[:0] = [{str(tmp_path)!r}]
sys.path[:] = [p for p in sys.path if p == {str(tmp_path)!r} or "-packages" not in p]
import concurrency
for name in ("ffi", "lib", "ffi"):
    try:
        getattr(concurrency, name)
    except ImportError as error:
        assert "cffi 2 or later" in str(error), error
        assert {version!r} is None or {version!r} in str(error.__cause__)
    else:
        raise SystemExit("no ImportError")
assert not sys._is_gil_enabled() and "_cffi_backend" not in sys.modules
"""
    run_python(program)


# --- the C API ---------------------------------------------------------------


@pytest.fixture
def lib():
    try:
        return concurrency.lib
    except ImportError as error:
        if not FREE_THREADED:
            assert "_cffi_backend" in str(error.__cause__)
        pytest.skip(str(error))


def test_ffi_and_lib_leave_our_module_in_its_place(lib):
    module = sys.modules["concurrency._concurrency"]
    assert module is concurrency._concurrency and module.ConcurrentDict is concurrency.ConcurrentDict
    assert concurrency.lib is lib is module.lib and concurrency.ffi is module.ffi
    assert concurrency.ffi.string(lib.conc_version()).decode() == concurrency.__version__


def test_ffi_and_lib_are_not_made_at_import():
    run_python("import sys, concurrency; assert not {'cffi', '_cffi_backend'} & set(sys.modules)")


def test_lib_has_every_function_of_the_headers(lib):
    found = set()
    headers = os.path.join(TOP, "include", "concurrency")
    for name in sorted(os.listdir(headers)):
        with open(os.path.join(headers, name), encoding="utf-8") as file:
            text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.DOTALL)
        found.update(re.findall(r"^CONC_(?:API|ATOMIC_INLINE)\s[^;{(]*?\b(conc_\w+)\(", text, re.MULTILINE))
    assert len(found) > 100 and [name for name in sorted(found) if not hasattr(lib, name)] == []
    assert lib.CONC_FOREVER == -1 and lib.CONC_TRY == 0 and lib.CONC_POINTER == 2


def test_the_c_api_works_from_python(lib):
    ffi = concurrency.ffi
    out = ffi.new("conc_dict **")
    assert lib.conc_dict_new(ffi.NULL, out) == 0
    total = ffi.new("int64_t *")
    assert lib.conc_dict_int_add(out[0], 7, 5, total) == 0 and total[0] == 5
    value = ffi.new("struct conc_value *")
    assert lib.conc_dict_int_get(out[0], 7, value) == 0
    assert value.kind == lib.CONC_NUMBER and value.u.number == 5
    lib.conc_dict_free(out[0])

    drained = []
    drain = ffi.callback("void (void *, void *)", lambda item, user: drained.append(item))
    attr = ffi.new("struct conc_queue_attr *", {"size": ffi.sizeof("struct conc_queue_attr"), "drain": drain})
    out = ffi.new("conc_queue **")
    assert lib.conc_queue_new(attr, out) == 0
    handle = ffi.new_handle("item")
    assert lib.conc_queue_push(out[0], handle) == 0 and lib.conc_queue_push(out[0], handle) == 0
    item = ffi.new("void **")
    assert lib.conc_queue_pop(out[0], item, lib.CONC_FOREVER, ffi.NULL) == 0 and ffi.from_handle(item[0]) == "item"
    lib.conc_queue_free(out[0])
    assert drained == [handle]


def test_an_unknown_attribute_is_an_attribute_error():
    for module in (concurrency, concurrency._concurrency):
        with pytest.raises(AttributeError, match="no_such_thing"):
            module.no_such_thing  # noqa: B018
    assert set(concurrency.__all__) <= set(dir(concurrency))


def test_help_reads_every_class_and_method():
    text = pydoc.plain(pydoc.render_doc(concurrency))
    for name in ("ConcurrentDict(scaling=17)", "pop(self, /, timeout=None)", "LocalWrapper(obj)"):
        assert name in text
    for kind in map(concurrency.__dict__.get, concurrency.__all__):
        if isinstance(kind, type):
            assert kind.__doc__ and kind.__name__ in text
            for name, member in vars(kind).items():
                assert name.startswith("_") or member.__doc__, (kind, name)


# --- python -m concurrency ---------------------------------------------------


def test_python_m_concurrency_tells_what_runs_here():
    output, _ = run_python("import runpy; runpy.run_module('concurrency', run_name='__main__')")
    facts = {name: value.strip() for name, _, value in (line.partition(":") for line in output.splitlines())}
    version, _, module = facts["package"].partition(", ")
    assert module == concurrency._concurrency.__file__ and version == concurrency.__version__
    version, _, library = facts["library"].partition(", ")
    assert version == concurrency.__version__ and (os.path.isfile(library) or "unknown" in library)
    flavour, _, library = facts["reclamation"].partition(", ")
    assert flavour == "liburcu-bp" and (library == "file unknown" or os.path.isfile(library))
    assert sys.executable in facts["interpreter"] and ("free-threaded" in facts["interpreter"]) is FREE_THREADED
    assert facts["GIL"] == ("on" if gil_enabled() else "off")
    for name in ("AtomicInt64", "AtomicFlag", "AtomicReference"):
        assert facts[name] in ("lock-free", "takes a lock")
    try:
        concurrency.ffi  # noqa: B018
    except ImportError as error:
        assert facts["ffi, lib"] == f"no: {error}"
    else:
        assert facts["ffi, lib"].startswith("yes, cffi ")


# --- exit, signals, fork, interpreters ---------------------------------------

WAITS = {
    "a queue": "concurrency.ConcurrentQueue().pop()",
    "a lock-free queue": "concurrency.ConcurrentQueue(lock_free=True).pop()",
    "a queue with a timeout": "concurrency.ConcurrentQueue().pop(100)",
    "a gatherer": "next(concurrency.ConcurrentGatheringIterator().iterator(0))",
}


@pytest.mark.parametrize("wait", WAITS)
def test_an_interpreter_ends_although_daemon_threads_wait(wait):
    program = f"""
import threading, time, concurrency
def wait():
    {WAITS[wait]}
for _ in range(4):
    threading.Thread(target=wait, daemon=True).start()
time.sleep(0.2)
"""
    assert run_python(program) == ("", "")


def test_objects_that_live_until_the_exit_are_no_danger():
    program = USE_EVERYTHING + """
class Late:
    def __del__(self):
        d["late"] = 1
        q.push(1)
sys.keep = d, q, g, a
d["late"] = Late()
q.push(Late())
g.insert(9, Late())
d["self"] = d
"""
    assert run_python(program) == ("", "")


@pytest.mark.parametrize("wait", WAITS)
def test_ctrl_c_wakes_who_waits(wait):
    program = f"""
import concurrency
print("ready", flush=True)
try:
    {WAITS[wait]}
except KeyboardInterrupt:
    print("interrupted")
"""
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout.readline() == "ready\n"
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(0.3)
        child.send_signal(signal.SIGINT)
        output, _ = child.communicate(timeout=10)
        assert output == "interrupted\n" and child.returncode == 0
    finally:
        child.kill()


def test_the_child_of_a_fork_may_use_every_container():
    program = USE_EVERYTHING + """
import os, warnings
warnings.simplefilter("ignore")
stop = False
def work(number):
    i = 0
    while not stop:
        i += 1
        d[number, i % 500] = [i]
        d.add(i % 100)
        d.get((number, (i + 7) % 500))
        if i % 5 == 0 and (number, i % 500) in d:
            del d[number, i % 500]
        q.push(i)
        q.pop()
threads = [threading.Thread(target=work, args=(n,)) for n in range(3)]
threads += [threading.Thread(target=wait, daemon=True)]
for thread in threads:
    thread.start()
status = 0
for _ in range(20):
    child = os.fork()
    if child == 0:
        for i in range(2000):
            d["child", i] = i
            d.add("child")
        for i in range(2000):
            del d["child", i]
        d.as_dict()
        q.size()
        q.push(1)
        fresh = ConcurrentQueue()
        fresh.push(2)
        assert fresh.pop() == 2
        threading.Thread(target=use).start()
        os._exit(0 if d["child"] == 2000 else 1)
    status |= os.waitpid(child, 0)[1]
stop = True
q.shutdown()
os._exit(status != 0)
"""
    run_python(program, timeout=50)


def test_a_second_import_is_a_second_module_and_forks_as_well():
    program = """
import os, sys, warnings
warnings.simplefilter("ignore")
import concurrency as first
for name in [name for name in sys.modules if name.startswith("concurrency")]:
    del sys.modules[name]
import concurrency as second
assert first.ConcurrentDict is not second.ConcurrentDict
for module in (first, second):
    d, q = module.ConcurrentDict(), module.ConcurrentQueue()
    d[1] = 2
    assert d.add(1) == 3
    assert first.AtomicInt64(1) + second.AtomicInt64(2) == 3
    try:
        q.pop(0)
    except module.Empty:
        pass
child = os.fork()
if child == 0:
    d[2] = 3
    os._exit(d[1] + d[2])
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 6
"""
    run_python(program)


def test_a_subinterpreter_is_refused():
    program = """
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
import concurrency
if hasattr(interpreters, "exec"):
    failed = interpreters.exec(interpreters.create(), "import concurrency._concurrency")
    assert failed is not None and failed.type.__name__ == "ImportError", failed
else:
    try:
        interpreters.run_string(interpreters.create(), "import concurrency._concurrency")
    except interpreters.RunFailedError as error:
        assert "ImportError" in str(error), error
    else:
        raise SystemExit("not refused")
"""
    run_python(program)


# --- no memory ---------------------------------------------------------------

LITTLE_MEMORY = """
import resource
from concurrency import ConcurrentDict, ConcurrentGatheringIterator, ConcurrentQueue

def fill(add):
    with open("/proc/self/statm") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    limits = resource.getrlimit(resource.RLIMIT_AS)
    n = 0
    resource.setrlimit(resource.RLIMIT_AS, (used + 2**24, limits[1]))
    try:
        while True:
            add(n)
            n += 1
    except MemoryError:
        return n
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)

def fails(function):
    try:
        function()
    except RuntimeError as error:
        return error
    raise SystemExit("no RuntimeError")
"""

needs_proc = pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="needs Linux")


@needs_proc
def test_a_push_without_memory_fails_the_queue_and_loses_nothing():
    program = """
q = ConcurrentQueue()
n = fill(lambda n: q.push(None))
assert n > 1000 and q.size() == n
assert all(q.pop() is None for _ in range(n))
fails(q.pop)
fails(lambda: q.pop(0))
q.push(1)
assert q.pop() == 1
"""
    run_python(LITTLE_MEMORY + program)


@needs_proc
def test_an_assignment_without_memory_changes_nothing():
    program = """
d = ConcurrentDict(1)
keys = list(range(3_000_000))
n = fill(lambda n: d.__setitem__(keys[n], None))
assert 1000 < n < len(keys) and len(d) == n and n not in d and all(i in d for i in range(n))
for i in range(n):
    del d[i]
d.add(1)
assert d.as_dict() == {1: 1}
"""
    run_python(LITTLE_MEMORY + program)


@needs_proc
def test_an_insert_without_memory_fails_the_gathering():
    program = """
g = ConcurrentGatheringIterator()
keys = list(range(3_000_000))
n = fill(lambda n: g.insert(keys[n], None))
assert 1000 < n < len(keys)
assert type(fails(lambda: next(g.iterator(0))).__cause__) is MemoryError
"""
    run_python(LITTLE_MEMORY + program)


@needs_proc
def test_an_insert_without_memory_wakes_iterators_that_wait_with_memory_error_as_the_cause():
    program = """
import threading, time
g, causes = ConcurrentGatheringIterator(), []
def wait():
    try:
        next(g.iterator(0))
    except RuntimeError as error:
        causes.append(error.__cause__)
threading.stack_size(2**20)
threads = [threading.Thread(target=wait, daemon=True) for _ in range(3)]
for thread in threads:
    thread.start()
time.sleep(0.1)
keys = list(range(1, 3_000_000))
fill(lambda n: g.insert(keys[n], None))
for thread in threads:
    thread.join(20)
assert [type(cause) for cause in causes] == [MemoryError] * 3 and causes[0] is causes[1] is causes[2], causes
"""
    run_python(LITTLE_MEMORY + program)


@needs_proc
def test_a_reference_without_memory_is_a_memory_error():
    program = """
from concurrency import AtomicReference
made = [AtomicReference()]
n = fill(lambda n: made.append(AtomicReference(made[0])))
assert n > 1000 and len(made) == n + 1 and all(r.get() is made[0] for r in made[1:])
made[0].set(n)
assert made[0].exchange(None) == n
"""
    run_python(LITTLE_MEMORY + program)


# --- documentation -----------------------------------------------------------


def public_names(kind):
    return {name for name in vars(kind) if not name.startswith("_")}


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_class_and_method_says_what_it_does(kind):
    assert kind.__module__ == "concurrency" and len(kind.__doc__) > 200
    inspect.signature(kind)
    for name in public_names(kind):
        method = getattr(kind, name)
        assert len(method.__doc__) > 20, name
        inspect.signature(method)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_the_stubs_list_what_there_is(kind):
    path = os.path.join(os.path.dirname(concurrency.__file__), "__init__.pyi")
    with open(path, encoding="utf-8") as file:
        tree = ast.parse(file.read())
    (node,) = [n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == kind.__name__]
    methods = {n.name: n for n in node.body if isinstance(n, ast.FunctionDef)}
    assert {name for name in methods if not name.startswith("_")} == public_names(kind)
    for name, method in methods.items():
        assert hasattr(kind, name), name
        if not name.startswith("_"):
            stubbed = [a.arg for a in method.args.posonlyargs + method.args.args]
            assert stubbed == list(inspect.signature(getattr(kind, name)).parameters), name


def test_all_lists_what_there_is():
    for name in concurrency.__all__:
        assert hasattr(concurrency, name)
    assert {kind.__name__ for kind in CLASSES} < set(concurrency.__all__)
    assert re.fullmatch(r"\d+\.\d+.*", concurrency.__version__)
