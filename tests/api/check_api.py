# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks what the head of concurrency/common.h promises, for all that the headers have in them:

    sized        every structure that begins with its size, by every way to the library: shorter, longer,
                 with something unknown at its end, of an impossible size (programs/sized.c)
    handles      every function that takes an object, with NULL and with an object of another copy of the
                 library in the same process (programs/handles.c)
    macros       CONC_X_INIT of each such structure, in each dialect of C and C++
    constants    what reads headers and knows no macros sees each constant's value
    inline       with CONC_NO_INLINE atomic.h has plain declarations only, which the library defines
    enums        a compiler with -fshort-enums stops

The programs know no function by name: tables.py generates what they go by. Each check is then tried with
a mistake planted in the library or in the headers, which it must find.

check-api, beside this file, calls it, with the environment that it needs.
"""

from __future__ import annotations

import concurrent.futures
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable

import c_api
import tables
from pycparser import c_ast
from tables import Wrong

SOURCE = pathlib.Path(os.environ["top_srcdir"]).resolve()
BUILD = pathlib.Path(os.environ["top_builddir"]).resolve()
INCLUDE = SOURCE / "include"
PROGRAMS = SOURCE / "tests" / "api" / "programs"
SHARED = BUILD / "lib" / ".libs" / "libconcurrency.so"
STATIC = BUILD / "lib" / ".libs" / "libconcurrency.a"
CPPFLAGS = shlex.split(os.environ.get("CPPFLAGS", ""))
LIBS = shlex.split(os.environ.get("LIBS", ""))

STRICT = ["-Wall", "-Wextra", "-Werror"]
# liburcu is called, not inlined: see tests/Makefile.am.
ASAN = ["-O0", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-DCONC_URCU_CALLED"]
DIALECTS = {
    ("gcc", "clang"): ["c99", "c11", "c17", "c2x"],
    ("g++", "clang++"): ["c++98", "c++11", "c++14", "c++17", "c++20"],
}
# Seconds that a program may take.
LIMIT = 300
# Those that wake another waiter: where there is none, nobody can tell whether they were called. And
# the end of a queue is an address of the copy's own: that of another copy looks open, which is right.
NOTHING_TO_SEE = {"conc_queue_pass", "conc_bounded_queue_pass", "conc_queue_is_closed"}


def ran(*command: object, **options: object) -> tuple[int, str]:
    """The status and all that it said."""
    done = subprocess.run(  # type: ignore[call-overload]
        [str(part) for part in command], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        timeout=LIMIT, **options,
    )
    return done.returncode, done.stdout


def must_run(*command: object, **options: object) -> str:
    status, said = ran(*command, **options)
    if status != 0:
        raise Wrong(f"{' '.join(map(str, command))}: ended with {status}\n{said[-4000:]}")
    return said


def last_line(said: str) -> str:
    return said.strip().splitlines()[-1]


# --- building ------------------------------------------------------------------------------------


def copy_of(directory: pathlib.Path, changes: dict[str, tuple[str, str]]) -> pathlib.Path:
    """The headers and the library with other text in some files."""
    for part in ("include", "lib"):
        shutil.copytree(SOURCE / part, directory / part, ignore=shutil.ignore_patterns("*.o", "*.lo", ".libs", ".deps"))
    for name, (old, new) in changes.items():
        path = directory / name
        text = path.read_text()
        if text.count(old) != 1:
            raise Wrong(f"{name}: what is to be changed is not there: {old}")
        path.write_text(text.replace(old, new))
    return directory


def build_library(source: pathlib.Path, directory: pathlib.Path, names: list[str]) -> list[pathlib.Path]:
    """Copies of the library under these names, under ASan."""
    directory.mkdir(parents=True, exist_ok=True)
    files = sorted(source.glob("lib/*/*.c"))

    def compiled(file: pathlib.Path) -> pathlib.Path:
        output = directory / f"{file.parent.name}_{file.stem}.o"
        must_run(*c_api.compiler(), "-std=gnu11", *ASAN, "-fPIC", "-fvisibility=hidden",
                 f"-I{source}/include", f"-I{source}/lib", *CPPFLAGS, "-c", file, "-o", output)
        return output

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        objects = list(pool.map(compiled, files))
    found = []
    for name in names:
        found.append(directory / name)
        must_run(*c_api.compiler(), *ASAN, "-shared", *objects, f"-Wl,-soname,{name}", "-Wl,-Bsymbolic-functions",
                 f"-Wl,--version-script={source}/lib/libconcurrency.map", "-o", found[-1], *LIBS)
    return found


def build_program(name: str, work: pathlib.Path, output: str, *more: object) -> pathlib.Path:
    """One of programs/, with tables.h, which is in `work'."""
    path = work / output
    must_run(*c_api.compiler(), "-std=gnu11", "-g", *STRICT, "-DCONC_NO_INLINE", f"-I{work}", f"-I{INCLUDE}",
             f"-I{PROGRAMS}", PROGRAMS / f"{name}.c", "-o", path, *more, "-ldl")
    return path


def has_asan(work: pathlib.Path) -> bool:
    (work / "empty.c").write_text("int main(void)\n{\n\treturn 0;\n}\n")
    output = work / "empty"
    return ran(*c_api.compiler(), *ASAN, work / "empty.c", "-o", output)[0] == 0 and ran(output)[0] == 0


# --- the library as it was built -----------------------------------------------------------------


def check_built(work: pathlib.Path) -> None:
    """A copy is another library to the loader."""
    another = work / "another.so"
    shutil.copyfile(SHARED, another)
    linked = [SHARED, f"-Wl,-rpath,{SHARED.parent}", *LIBS]
    program = build_program("sized", work, "sized")
    print(f"sized: {last_line(must_run(program, SHARED))}")
    program = build_program("handles", work, "handles")
    print(f"handles, two that are opened: {last_line(must_run(program, SHARED, another))}")
    program = build_program("handles", work, "handles-shared", "-DLINKED", *linked)
    for pair in (("linked", another), (another, "linked")):
        print(f"handles, one that is linked, one opened: {last_line(must_run(program, *pair))}")
    if not STATIC.exists():
        print("not checked: handles, one that is static: no static library was built")
        return
    program = build_program("handles", work, "handles-static", "-DLINKED", STATIC, *LIBS)
    for pair in (("linked", SHARED), (SHARED, "linked")):
        print(f"handles, one that is static, one opened: {last_line(must_run(program, *pair))}")


def check_under_asan(work: pathlib.Path) -> None:
    one, two = build_library(SOURCE, work / "asan", ["one.so", "two.so"])
    # LeakSanitizer cannot bear that liburcu's thread-local memory comes later.
    early = [*ASAN, "-Wl,--no-as-needed", *LIBS]
    program = build_program("sized", work, "sized-asan", *early)
    print(f"sized, under ASan: {last_line(must_run(program, one))}")
    program = build_program("handles", work, "handles-asan", *early)
    print(f"handles, under ASan: {last_line(must_run(program, one, two))}")


# --- headers -------------------------------------------------------------------------------------


def check_macros(headers: c_api.Headers, include: pathlib.Path, work: pathlib.Path) -> None:
    source = work / "initializers.c"
    source.write_text(tables.initializers(headers))
    count = 0
    for compilers, dialects in DIALECTS.items():
        for compiler in compilers:
            language = "c++" if compiler.endswith("++") else "c"
            for dialect in dialects:
                output = work / f"initializers-{compiler}-{dialect}"
                must_run(compiler, "-x", language, f"-std={dialect}", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
                         f"-I{include}", source, "-o", output)
                must_run(output)
                count += 1
    print(f"macros: {len(tables.growing(headers))} structures, {count} compilers and dialects")


def constant(node: c_ast.Node) -> int:
    """What a tiny reader of headers makes of an expression."""
    if isinstance(node, c_ast.UnaryOp) and node.op == "-":
        return -constant(node.expr)
    if isinstance(node, c_ast.Constant):
        return int(node.value.rstrip("uUlL"), 0)
    raise Wrong(f"{node.coord}: too hard for a reader of headers")


def constants_without_macros(include: pathlib.Path) -> dict[str, int]:
    found = {}
    for node in c_api.parse(include):
        if not node.coord.file.startswith(f"{include}/concurrency"):
            continue
        if c_api.is_constant(node):
            found[node.name] = constant(node.init)
        elif isinstance(enum := c_api.tagged(node), c_ast.Enum):
            following = 0
            for each in enum.values.enumerators:
                found[each.name] = constant(each.value) if each.value else following
                following = found[each.name] + 1
    return found


def integer_macros(include: pathlib.Path) -> list[str]:
    """Those that have a number as their value: the compiler says which."""
    text = c_api.run(*c_api.compiler(), "-E", "-dM", f"-I{include}", "-x", "c", "-", input="#include <concurrency.h>\n")
    own = c_api.macros(include)
    found = re.findall(r"^#define (\w+) (.+)$", text, re.MULTILINE)
    return sorted(name for name, value in found if name in own and not value.startswith("{"))


def check_constants(include: pathlib.Path, work: pathlib.Path) -> None:
    seen = constants_without_macros(include)
    if lacking := [name for name in integer_macros(include) if name not in seen]:
        raise Wrong(f"only a macro: {', '.join(lacking)}")
    lines = "".join(f"\tprintf(\"{name} %lld\\n\", (long long){name});\n" for name in seen)
    source, output = work / "constants.c", work / "constants"
    source.write_text(f"#include <concurrency.h>\n#include <stdio.h>\n\nint main(void)\n{{\n{lines}\treturn 0;\n}}\n")
    must_run(*c_api.compiler(), *STRICT, f"-I{include}", source, "-o", output)
    compiled = {name: int(value) for name, value in map(str.split, must_run(output).splitlines())}
    if different := [name for name in seen if seen[name] != compiled[name]]:
        raise Wrong(f"another value for readers of headers: {', '.join(different)}")
    print(f"constants: {len(seen)}, the same without macros")


def undefined_in(path: pathlib.Path) -> set[str]:
    lines = c_api.run(*shlex.split(os.environ.get("NM") or "nm"), "-u", path).splitlines()
    return {line.split()[-1] for line in lines if line.split()[-1].startswith("conc_")}


def check_inline(headers: c_api.Headers, include: pathlib.Path, work: pathlib.Path) -> None:
    own = {name for name, function in headers.functions.items() if function.header == "concurrency/atomic.h"}
    text = c_api.run(*c_api.compiler(), "-E", "-P", "-std=c99", "-DCONC_NO_INLINE", f"-I{include}", "-x", "c", "-",
                     input="#include <concurrency/atomic.h>\n")
    for name in own:
        if not re.search(rf"(?<!inline )\b\w+ \*?{name}\([^;{{]*\);", text):
            raise Wrong(f"{name}: no plain declaration with CONC_NO_INLINE")
    if re.search(r"\bstatic\s+inline\b[^;{]*\bconc_", text) or "__atomic" in text:
        raise Wrong("something in atomic.h is inline with CONC_NO_INLINE")
    uses = "".join(f"\t(function *){name},\n" for name in sorted(own))
    source, output = work / "inline.c", work / "inline"
    source.write_text(f"""\
#include <concurrency/atomic.h>

typedef void function(void);
function *functions[] = {{
{uses}}};

int main(void)
{{
	return functions[0] == 0;
}}
""")
    for compiler in ("gcc", "clang"):
        command = [compiler, "-std=c99", "-pedantic", *STRICT, "-Wno-cast-function-type", f"-I{include}", "-c", source]
        must_run(*command, "-DCONC_NO_INLINE", "-o", f"{output}.o")
        if undefined_in(pathlib.Path(f"{output}.o")) != own:
            raise Wrong(f"{compiler}: not every function of atomic.h is called with CONC_NO_INLINE")
        must_run(compiler, f"{output}.o", SHARED, f"-Wl,-rpath,{SHARED.parent}", "-o", output)
        must_run(output)
        must_run(*command, "-o", f"{output}.o")
        inlined = {name for name in own if re.search(rf"CONC_ATOMIC_INLINE [^;]*\b{name}\(",
                                                     (include / "concurrency/atomic.h").read_text())}
        if undefined_in(pathlib.Path(f"{output}.o")) != own - inlined:
            raise Wrong(f"{compiler}: not what atomic.h says is inline")
    print(f"inline: {len(own)} functions, {len(inlined)} of them inline without CONC_NO_INLINE")


def check_enums(include: pathlib.Path, work: pathlib.Path) -> None:
    source = work / "enums.c"
    source.write_text("#include <concurrency.h>\nextern int nothing;\n")
    for compiler in ("gcc", "clang", "g++", "clang++"):
        command = [compiler, "-x", "c++" if compiler.endswith("++") else "c", f"-I{include}", "-fsyntax-only", source]
        must_run(*command)
        status, said = ran(*command, "-fshort-enums")
        if status == 0 or "conc_enums_are_as_large_as_int" not in said:
            raise Wrong(f"{compiler}: does not stop at small enumerations")
    print("enums: small ones are refused")


# --- mistakes that are planted -------------------------------------------------------------------


def must_find(mistake: str, expected: str, check: Callable[[], object]) -> None:
    try:
        check()
    except Wrong as wrong:
        if expected in str(wrong):
            print(f"found: {mistake}")
            return
        raise Wrong(f"{mistake}: not {expected!r} is said of it, but {wrong}") from None
    raise Wrong(f"not found: {mistake}")


GROWING = "lib/base/growing.c"
OBJECT = "lib/base/object.h"
# What is changed, and what is then said.
PLANTED_SIZES = {
    "a longer structure is taken, whatever its end is":
        ("i = own_size; i < size_in(given)", "i = -1; i < size_in(given)", "with something that is not known"),
    "the last byte of a longer structure is not looked at":
        ("i < size_in(given); i++", "i + 1 < size_in(given); i++", "with something that is not known"),
    "a shorter structure is read to the end of a whole one":
        ("memcpy(own, given, least(own_size, size_in(given)));", "memcpy(own, given, own_size);", ""),
    "a longer structure is refused":
        ("if (conc_growing_check(given) < 0)\n", "if (conc_growing_check(given) < 0 || size_in(given) > own_size)\n",
         "zeros at its end: answered -22"),
    "a shorter structure is refused":
        ("if (conc_growing_check(given) < 0)\n", "if (conc_growing_check(given) < 0 || size_in(given) < own_size)\n",
         "behind it: answered -22"),
    "a size may be less than its own":
        ("size < sizeof(size) || size > SIZE_MOST", "size > SIZE_MOST", ""),
    "a size may be anything":
        ("size < sizeof(size) || size > SIZE_MOST", "size < sizeof(size)", ""),
    "what is filled in is filled in whole":
        ("least(own_size, size) - head", "own_size - head", ""),
    "what is not known is not cleared":
        ("if (size > own_size)\n\t\tmemset", "if (0)\n\t\tmemset", "not cleared"),
    "the size of what is filled in is written over":
        ("memcpy((char *)given + head, (const char *)own + head,\n\t       least(own_size, size) - head);",
         "memcpy(given, own, least(own_size, size) - head + head);", "its size has become"),
}
PLANTED_OBJECTS = {
    "objects of another copy are taken":
        ("return CONC_LIKELY(object != NULL) &&\n\t       CONC_LIKELY(((const struct conc_object *)object)->copy ==\n"
         "\t\t\t   &conc_copy);",
         "return object != NULL;"),
    "NULL is looked into":
        ("return CONC_LIKELY(object != NULL) &&\n\t       CONC_LIKELY(((const struct", "return CONC_LIKELY(((const struct"),
}
# Left to LeakSanitizer.
PLANTED_LEAK = ("lib/base/cancel.c", "if (conc_is_ours(cancel))\n\t\tconc_release(cancel);", "(void)cancel;")


def plant_in_library(headers: c_api.Headers, work: pathlib.Path) -> None:
    theirs = work / "asan" / "two.so"
    quiet = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
    for number, (mistake, (old, new, expected)) in enumerate(PLANTED_SIZES.items()):
        directory = work / f"planted-size-{number}"
        source = copy_of(directory, {GROWING: (old, new)})
        # Of the library as it is, but for this one object.
        output = directory / "base_growing.o"
        must_run(*c_api.compiler(), "-std=gnu11", *ASAN, "-fPIC", "-fvisibility=hidden", f"-I{source}/include",
                 f"-I{source}/lib", *CPPFLAGS, "-c", source / GROWING, "-o", output)
        objects = [path for path in sorted((work / "asan").glob("*.o")) if path.name != output.name]
        library = directory / "planted.so"
        must_run(*c_api.compiler(), *ASAN, "-shared", *objects, output, "-Wl,-Bsymbolic-functions",
                 f"-Wl,--version-script={source}/lib/libconcurrency.map", "-o", library, *LIBS)
        must_find(mistake, expected, lambda: must_run(work / "sized-asan", library, env=quiet))
    with_objects = {
        name for name, function in headers.functions.items()
        if any(tables.Tables(headers).object_in(kind) for kind, _ in function.parameters)
    }
    for number, (mistake, (old, new)) in enumerate(PLANTED_OBJECTS.items()):
        source = copy_of(work / f"planted-object-{number}", {OBJECT: (old, new)})
        library, = build_library(source, source / "objects", ["planted.so"])
        _, said = ran(work / "handles-asan", library, theirs, env=quiet)
        found = set(re.findall(r"^(conc_\w+): ", said, re.MULTILINE))
        unseen = with_objects - found - (NOTHING_TO_SEE if "NULL" not in mistake else set())
        if unseen:
            raise Wrong(f"not found: {mistake}: in {', '.join(sorted(unseen))}")
        print(f"found: {mistake}: in each of {len(found)} functions")
    file, old, new = PLANTED_LEAK
    source = copy_of(work / "planted-leak", {file: (old, new)})
    library, = build_library(source, source / "objects", ["planted.so"])
    # Of all that it said: how much LeakSanitizer says behind it depends on how long the paths are.
    _, said = ran(work / "handles-asan", theirs, library)
    if "conc_queue_pop: ended with" not in said:
        raise Wrong(f"not found: a free that frees nothing\n{said[-4000:]}")
    print("found: a free that frees nothing")


def plant_in_headers(work: pathlib.Path) -> None:
    number = 0

    def planted(mistake: str, expected: str, header: str, old: str, new: str,
                check: Callable[[pathlib.Path], object]) -> None:
        nonlocal number
        number += 1
        include = copy_of(work / f"planted-header-{number}", {f"include/concurrency/{header}": (old, new)}) / "include"
        must_find(mistake, expected, lambda: check(include))

    def generate(include: pathlib.Path) -> None:
        tables.from_headers(c_api.read_headers(include))

    end = "#ifdef __cplusplus\n}\n#endif\n#endif\n"
    new_one = "struct conc_new_attr {\n\tsize_t size;\n\tlong double number;\n};\n"
    takes_it = "CONC_API int conc_new(const struct conc_new_attr *attr);\n"
    planted("a structure that nobody takes", "struct conc_new_attr", "reclaim.h", end, new_one + end,
            generate)
    planted("a structure with a member of a type that is not known", "struct conc_new_attr: no value is known",
            "reclaim.h", end, new_one + takes_it + end, generate)
    planted("a structure without its macro", "there is no CONC_NEW_ATTR_INIT", "reclaim.h", end, new_one + end,
            lambda include: check_macros(c_api.read_headers(include), include, work))
    planted("a macro that lacks a member", "initializers", "common.h",
            "{sizeof(struct conc_wait_hooks), NULL, NULL, NULL, NULL, NULL}",
            "{sizeof(struct conc_wait_hooks), NULL, NULL, NULL, NULL}",
            lambda include: check_macros(c_api.read_headers(include), include, work))
    planted("a macro with another default", "CONC_REF_ATTR_INIT: values", "ref.h",
            "CONC_VALUE_INT64, NULL, NULL}", "CONC_VALUE_BORROWED, NULL, NULL}",
            lambda include: check_macros(c_api.read_headers(include), include, work))
    planted("an object without a function that makes it", "conc_new: there is no conc_new_new", "reclaim.h", end,
            "typedef struct conc_new conc_new;\n" + end, generate)
    planted("a constant that is a macro only", "only a macro: CONC_FOREVER", "common.h",
            "static const int64_t CONC_FOREVER = -1;", "", lambda include: check_constants(include, work))
    planted("a constant of two values", "another value for readers of headers: CONC_FOREVER", "common.h",
            "CONC_FOREVER = -1;", "CONC_FOREVER = -2;", lambda include: check_constants(include, work))
    planted("bodies in spite of CONC_NO_INLINE", "CONC_NO_INLINE", "atomic.h",
            "#ifndef CONC_NO_INLINE\n#include", "#if 1\n#include",
            lambda include: check_inline(c_api.read_headers(INCLUDE), include, work))
    planted("enumerations of any size", "does not stop", "value.h", "sizeof(enum conc_kind) == sizeof(int)", "1",
            lambda include: check_enums(include, work))


# --- all of it -----------------------------------------------------------------------------------


def check(work: pathlib.Path) -> None:
    headers = c_api.read_headers(INCLUDE)
    (work / "tables.h").write_text(tables.from_headers(headers))
    check_built(work)
    asan = has_asan(work)
    if asan:
        check_under_asan(work)
    else:
        print("not checked: under ASan: the compiler has none (Debian: libasan8, libclang-rt-dev)")
    check_macros(headers, INCLUDE, work)
    check_constants(INCLUDE, work)
    check_inline(headers, INCLUDE, work)
    check_enums(INCLUDE, work)
    if asan:
        plant_in_library(headers, work)
    plant_in_headers(work)


def main() -> int:
    work = pathlib.Path(sys.argv[1]).resolve()
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        check(work)
    except Wrong as wrong:
        print(f"FAILED: {wrong}")
        return 1
    shutil.rmtree(work)
    return 0


if __name__ == "__main__":
    sys.exit(main())
