# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks the manual pages:

    names      the functions that the headers, lib/libconcurrency.map, the library as it was linked,
               debian/libconcurrency1.symbols, the pages' NAME sections and what `make install' put into
               man3/ name are the same; so are the types of headers and pages; prototypes and
               structures in a SYNOPSIS are those of the headers, and on the page that names them; what
               .Xr and .Fn refer to is there, and .Fn speaks of every function that a page names
    examples   every program in an EXAMPLES section compiles without a warning and ends with 0
    language   mandoc's lint and groff have nothing to say

Each check is then tried on copies with a mistake in them, which it must find.

check-man, beside this file, calls it, with the environment that it needs.
"""

from __future__ import annotations

import concurrent.futures
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable

import c_api
import man_pages
from man_pages import Page, Wrong

SOURCE = pathlib.Path(os.environ["top_srcdir"]).resolve()
BUILD = pathlib.Path(os.environ["top_builddir"]).resolve()
INCLUDE = SOURCE / "include"
LIBRARY = BUILD / "lib" / ".libs" / "libconcurrency.so"
SYMBOLS_FILE = SOURCE / "debian" / "libconcurrency1.symbols"

# Of an example: seconds that it may take.
LIMIT = 20
# The one page of ours that is not in section 3.
OVERVIEW = ("libconcurrency", "7")


# --- names ---------------------------------------------------------------------------------------


def same_names(what: str, lists: dict[str, set[str]]) -> None:
    """Each list must have every name of each other one."""
    every = set().union(*lists.values())
    differences = [
        f"{name}: not in {where}, but in {', '.join(other for other in lists if name in lists[other])}"
        for name in sorted(every)
        for where in lists
        if name not in lists[where]
    ]
    if differences:
        raise Wrong("\n".join(differences))
    print(f"names: {len(every)} {what} everywhere")


def install(directory: pathlib.Path) -> None:
    """As `make install' does; what it installs, `make uninstall' must take away."""

    def make(target: str) -> list[pathlib.Path]:
        c_api.run("make", "-s", "-C", BUILD / "man", f"DESTDIR={directory}", target)
        return [path for path in directory.rglob("*") if not path.is_dir()]

    make("install")
    if left := make("uninstall"):
        raise Wrong(f"make uninstall leaves {', '.join(map(str, left))}")
    make("install")


def installed_names(directory: pathlib.Path) -> set[str]:
    """The names in section 3; each must be a page or lead to one."""
    found = set()
    for path in directory.rglob("man3/*"):
        text = path.read_text()
        if text.startswith(".so ") and not (path.parent.parent / text[4:].strip()).is_file():
            raise Wrong(f"{path.name} leads to {text[4:].strip()}, which is not there")
        found.add(path.name.removesuffix(".3"))
    return found


def names_on_pages(pages: list[Page]) -> set[str]:
    """Of section 3.  A page is named after one of them, and no other page has it."""
    found: set[str] = set()
    for page in pages:
        names = man_pages.names(page)
        if page.path.stem not in names:
            raise Wrong(f"{page.name}: its own name is not in its NAME section")
        if not page.name.endswith(".3"):
            continue
        if twice := found.intersection(names):
            raise Wrong(f"{page.name}: {', '.join(sorted(twice))} is on another page, too")
        found.update(names)
    return found


def function_lists(headers: c_api.Headers, pages: list[Page], root: pathlib.Path) -> dict[str, set[str]]:
    """Who lists the functions. A tarball has no debian/."""
    types = set(headers.types)
    lists = {
        "the headers": set(headers.functions),
        "libconcurrency.map": c_api.map_functions(SOURCE / "lib" / "libconcurrency.map"),
        "the library": c_api.library_functions(LIBRARY),
        "the pages' names": names_on_pages(pages) - types,
        "the installed pages": installed_names(root) - types,
    }
    if SYMBOLS_FILE.parent.exists():
        lists["debian/libconcurrency1.symbols"] = c_api.symbols_file_functions(SYMBOLS_FILE)
    return lists


def check_declarations(headers: c_api.Headers, page: Page) -> set[str]:
    """Holds a synopsis against the headers; returns the names in it."""
    synopsis = page.sections.get("SYNOPSIS", [])
    included = {words[0] for words in man_pages.macro_arguments(synopsis, "In")}
    own = "".join(man_pages.prototypes(page) + man_pages.displays(synopsis))
    try:
        nodes = c_api.parse(INCLUDE, f'# 1 "{page.name}"\n{own}')
    except c_api.ParseError as error:
        raise Wrong(f"the SYNOPSIS is no C: {error}") from None
    shown = set()
    for node in nodes:
        if node.coord.file != page.name:
            continue
        name = c_api.name_of(node)
        wanted = headers.functions.get(name) or headers.types.get(name)
        if wanted is None:
            raise Wrong(f"{page.name}: {name} is in no header")
        if c_api.as_c(node) != wanted.text:
            raise Wrong(f"{page.name}: {name}\n  on the page     {c_api.as_c(node)}\n  in the header   {wanted.text}")
        if not {"concurrency.h", wanted.header} & included:
            raise Wrong(f"{page.name}: {name} is declared in {wanted.header}")
        if name not in man_pages.names(page):
            raise Wrong(f"{page.name}: {name} is not in its NAME section")
        shown.add(name)
    return shown


def check_mentioned(headers: c_api.Headers, page: Page) -> None:
    mentioned = man_pages.functions(page)
    if unknown := mentioned - set(headers.functions):
        raise Wrong(f"{page.name}: there is no {', '.join(sorted(unknown))}()")
    if silent := set(headers.functions).intersection(man_pages.names(page)) - mentioned:
        raise Wrong(f"{page.name}: nothing is said about {', '.join(sorted(silent))}")


def check_references(pages: list[Page], names: set[str]) -> None:
    ours = {(name, "3") for name in names} | {OVERVIEW}
    for page in pages:
        for reference in man_pages.references(page):
            if "conc" in reference[0] and reference not in ours:
                raise Wrong(f"{page.name}: there is no {reference[0]}({reference[1]})")


def check_names(headers: c_api.Headers, lists: dict[str, set[str]], pages: list[Page]) -> None:
    same_names("functions", lists)
    named = names_on_pages(pages)
    same_names("types", {"the headers": set(headers.types), "the pages' names": named - set(headers.functions)})
    shown = set().union(*(check_declarations(headers, page) for page in pages))
    same_names(
        "prototypes, structures and other types",
        {"the headers": set(headers.functions) | set(headers.types), "a synopsis": shown},
    )
    mentioned = headers.constants & set().union(*map(man_pages.vocabulary, pages))
    same_names("constants and macros", {"the headers": headers.constants, "the pages": mentioned})
    for page in pages:
        check_mentioned(headers, page)
    check_references(pages, named)


# --- examples ------------------------------------------------------------------------------------


def try_example(name: str, text: str, directory: pathlib.Path) -> None:
    source, program = directory / f"{name}.c", directory / name
    source.write_text(text)
    flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", f"-I{INCLUDE}"]
    libraries = [f"-L{LIBRARY.parent}", "-lconcurrency", "-lpthread"]
    command = [*c_api.compiler(), *flags, str(source), "-o", str(program), *libraries]
    environment = {**os.environ, "LD_LIBRARY_PATH": str(LIBRARY.parent)}
    compiled = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if compiled.returncode != 0:
        raise Wrong(f"{name}: the example does not compile:\n{compiled.stdout}")
    try:
        ran = subprocess.run(
            [*shlex.split(os.environ.get("RUNNER") or ""), program],
            env=environment,
            timeout=LIMIT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        raise Wrong(f"{name}: the example did not end in {LIMIT} s") from None
    if ran.returncode != 0:
        raise Wrong(f"{name}: the example ended with {ran.returncode}")


def check_examples(pages: list[Page], directory: pathlib.Path) -> None:
    jobs = []
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        for page in pages:
            programs = man_pages.displays(page.sections.get("EXAMPLES", []))
            if not programs:
                raise Wrong(f"{page.name}: there is no example")
            for number, text in enumerate(programs):
                jobs.append(pool.submit(try_example, f"{page.path.stem}-{number}", text, directory))
        for job in jobs:
            job.result()
    print(f"examples: {len(jobs)} compiled and ran")


# --- language ------------------------------------------------------------------------------------


# Depends on which manuals the machine has; check_references() looks at ours.
NOT_HERE = re.compile(r"STYLE: referenced manual not found: Xr ")


def lint(paths: list[pathlib.Path]) -> list[str]:
    """What mandoc says at its strictest level for pages of no BSD in particular."""
    command = ["mandoc", "-Tlint", "-Wstyle", *map(str, paths)]
    said = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    return [line for line in said.splitlines() if not NOT_HERE.search(line)]


def groff_warnings(path: pathlib.Path) -> list[str]:
    """What groff says through man, on a terminal of 80 columns."""
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "80", "MANROFFOPT": "", "MANOPT": ""}
    command = ["man", "--warnings", "-E", "UTF-8", "-l", str(path)]
    result = subprocess.run(
        command, env=environment, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    said = [f"{path.name}: {line}" for line in result.stderr.splitlines()]
    if result.returncode != 0 or not result.stdout.strip():
        said.append(f"{path.name}: man ended with {result.returncode}")
    return said


def check_language(paths: list[pathlib.Path]) -> None:
    said = lint(paths)
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        for lines in pool.map(groff_warnings, paths):
            said += lines
    if said:
        raise Wrong("\n".join(said))
    print(f"language: {len(paths)} pages, nothing to say about them")


# --- planted mistakes ----------------------------------------------------------------------------


PLANTED: list[str] = []


def must_find(mistake: str, expected: str, check: Callable[[], object]) -> None:
    """The check must fail and say what is expected."""
    PLANTED.append(mistake)
    try:
        check()
    except Wrong as found:
        if expected in str(found):
            return
        raise Wrong(f"planted: {mistake}; found something else: {found}") from None
    raise Wrong(f"planted: {mistake}; not found")


def changed(page: Page, old: str, new: str, directory: pathlib.Path) -> Page:
    """A copy of a page with something else in it."""
    text = page.path.read_text()
    if old not in text:
        raise Wrong(f"{page.name}: {old!r} is not there to be changed")
    path = directory / page.name
    path.write_text(text.replace(old, new, 1))
    return man_pages.read_page(path)


def plant_in_lists(lists: dict[str, set[str]]) -> None:
    for where, functions in lists.items():
        for name in ("conc_dict_get", "conc_int64_add"):
            without = {**lists, where: functions - {name}}
            must_find(f"{name} missing in {where}", f"{name}: not in {where}", lambda: same_names("", without))
    more = {**lists, "the library": lists["the library"] | {"conc_more"}}
    must_find("a function more in the library", "conc_more: not in the headers", lambda: same_names("", more))


def plant_in_page(headers: c_api.Headers, page: Page, directory: pathlib.Path) -> None:
    """In that of the dict."""

    def fail_if(said: list[str]) -> None:
        if said:
            raise Wrong(f"said: {said}")

    def in_names(text: str, expected: str, old: str, new: str) -> None:
        copy = changed(page, old, new, directory)
        must_find(text, expected, lambda: check_declarations(headers, copy))

    def in_text(text: str, expected: str, old: str, new: str) -> None:
        copy = changed(page, old, new, directory)
        must_find(text, expected, lambda: check_mentioned(headers, copy))

    def in_example(text: str, expected: str, new: str) -> None:
        copy = changed(page, "int main(void)\n{\n", f"int main(void)\n{{\n{new}\n", directory)
        must_find(text, expected, lambda: check_examples([copy], directory))

    def in_language(text: str, old: str, new: str) -> None:
        copy = changed(page, old, new, directory)
        must_find(text, "", lambda: check_language([copy.path]))
        must_find(f"{text}: mandoc alone", "said", lambda: fail_if(lint([copy.path])))

    in_names("another type in a prototype", "conc_dict_get", '.Fa "const void *key"', '.Fa "void *key"')
    in_names("another name in a prototype", "conc_dict_get", '.Fa "size_t len"', '.Fa "size_t length"')
    in_names("another header", "concurrency/dict.h", "In concurrency/dict.h", "In concurrency/ref.h")
    in_names("a function of no header", "conc_dict_got is in no header", ".Fo conc_dict_get\n", ".Fo conc_dict_got\n")
    in_names("a function that NAME lacks", "conc_dict_get is not in its NAME", ".Nm conc_dict_get ,\n", "")
    in_names("a member of another type", "conc_dict_attr", "unsigned scaling;", "int scaling;")
    in_text("a function of another name", "there is no conc_dict_got()", ".Fn conc_dict_get\n", ".Fn conc_dict_got\n")
    in_text("a function that is not described", "about conc_dict_int_exchange", ".Fn conc_dict_int_exchange\n", "It\n")
    in_example("an example that does not compile", "does not compile", "\tconc_dict_have();")
    in_example("an example with a warning", "does not compile", "\tint unused;")
    in_example("an example that fails", "ended with 3", "\treturn 3;")
    in_language("an unknown macro", ".Sh ERRORS", ".Sh ERRORS\n.Xx unknown")
    in_language("a list that does not end", ".El\n", "")
    broken = changed(page, ".Sh ERRORS", ".Sh ERRORS\n.Unknown macro", directory)
    must_find("an unknown macro: groff alone", "said", lambda: fail_if(groff_warnings(broken.path)))


# --- all of it -----------------------------------------------------------------------------------


def check(work: pathlib.Path) -> None:
    root, planted = work / "root", work / "planted"
    planted.mkdir()
    install(root)
    pages = man_pages.read_pages(root)
    headers = c_api.read_headers(INCLUDE)
    lists = function_lists(headers, pages, root)
    check_names(headers, lists, pages)
    check_examples(pages, work)
    check_language([page.path for page in pages])
    page = next(page for page in pages if page.path.stem == "conc_dict")
    plant_in_lists(lists)
    plant_in_page(headers, page, planted)
    print(f"all right; {len(PLANTED)} planted mistakes, all found")


def main() -> None:
    with tempfile.TemporaryDirectory() as work:
        try:
            check(pathlib.Path(work))
        except Wrong as wrong:
            sys.exit(f"check-man: {wrong}")


if __name__ == "__main__":
    main()
