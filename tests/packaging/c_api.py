# SPDX-License-Identifier: LGPL-2.1-or-later
"""The C API as each place names it: the headers, the symbol map, the library, Debian's symbols file."""

from __future__ import annotations

import copy
import dataclasses
import os
import pathlib
import re
import shlex
import subprocess

from pycparser import c_ast, c_generator, c_parser
from pycparser.c_parser import ParseError as ParseError  # for who imports this module

# What a C99 parser does not know of the compiler's and the C library's own headers.
EXTENSIONS = [
    "-D__attribute__(x)=",
    "-D__asm__(x)=",
    "-D__extension__=",
    "-D__restrict=",
    "-D__inline=inline",
]


def compiler() -> list[str]:
    return shlex.split(os.environ.get("CC", "cc"))


def run(*command: object, **options: object) -> str:
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        [str(part) for part in command], check=True, text=True, stdout=subprocess.PIPE, **options
    ).stdout


Named = tuple[str, str]
"""A parameter or a member: its type, as "int (*)(void *item, void *user)", and its name."""


@dataclasses.dataclass(frozen=True)
class Function:
    name: str
    header: str  # "concurrency/dict.h"
    text: str  # the prototype, as C that is written in one way only
    result: str
    parameters: tuple[Named, ...]


@dataclasses.dataclass(frozen=True)
class Type:
    """A typedef, a structure or an enumeration."""

    name: str  # or its tag
    header: str
    text: str
    members: tuple[Named, ...]  # of a structure that the headers show, in order
    enumerators: tuple[str, ...]


@dataclasses.dataclass
class Headers:
    """What the public headers declare, in their order."""

    functions: dict[str, Function]
    types: dict[str, Type]
    constants: set[str]  # macros and enumerators


def parse(include: pathlib.Path, more: str = "") -> list[c_ast.Node]:
    """The declarations of the public headers and of what they include, then of `more'."""
    command = [*compiler(), "-E", "-std=c99", "-DCONC_NO_INLINE", *EXTENSIONS, f"-I{include}", "-x", "c", "-"]
    text: str = run(*command, input=f"#include <concurrency.h>\n{more}")
    return c_parser.CParser().parse(text).ext  # type: ignore[no-any-return]


def as_c(node: c_ast.Node) -> str:
    return re.sub(r"\s+", " ", c_generator.CGenerator().visit(node)).strip()


def type_of(node: c_ast.Node) -> str:
    """The type of what a declaration declares, without the name."""
    anonymous = inner = copy.deepcopy(node.type)
    while not isinstance(inner, c_ast.TypeDecl):
        inner = inner.type
    inner.declname = None
    return as_c(anonymous)


def is_function(node: c_ast.Node) -> bool:
    return isinstance(node, c_ast.Decl) and isinstance(node.type, c_ast.FuncDecl)


def is_constant(node: c_ast.Node) -> bool:
    """Such as CONC_TRY, for those who do not read macros."""
    return isinstance(node, c_ast.Decl) and node.init is not None


def is_assertion(node: c_ast.Node) -> bool:
    """An array type whose size must not be negative."""
    return isinstance(node, c_ast.Typedef) and isinstance(node.type, c_ast.ArrayDecl)


def name_of(node: c_ast.Node) -> str:
    """What a declaration declares, or the tag that it defines."""
    structure = tagged(node)
    return node.name or (structure.name if structure else "")


def tagged(node: c_ast.Node) -> c_ast.Node | None:
    """The structure or enum with a tag that a declaration or typedef defines."""
    inner = node.type if isinstance(node, (c_ast.Decl, c_ast.Typedef)) else None
    if isinstance(inner, c_ast.TypeDecl):
        inner = inner.type
    if isinstance(inner, c_ast.Struct) and inner.decls or isinstance(inner, c_ast.Enum) and inner.values:
        return inner
    return None


def named(nodes: list[c_ast.Node]) -> tuple[Named, ...]:
    """`(void)' has none."""
    return tuple((type_of(node), node.name) for node in nodes if isinstance(node, c_ast.Decl))


def function_of(node: c_ast.Node, header: str) -> Function:
    parameters = node.type.args.params if node.type.args else []
    return Function(node.name, header, as_c(node), type_of(node.type), named(parameters))


def type_from(node: c_ast.Node, header: str) -> Type:
    inner = tagged(node)
    members = named(inner.decls) if isinstance(inner, c_ast.Struct) else ()
    values = inner.values.enumerators if isinstance(inner, c_ast.Enum) else []
    return Type(name_of(node), header, as_c(node), members, tuple(value.name for value in values))


def macros(include: pathlib.Path) -> set[str]:
    """The public macros with a value; -dD says in which file each was defined."""
    found, own = set(), False
    text = run(*compiler(), "-E", "-dD", f"-I{include}", "-x", "c", "-", input="#include <concurrency.h>\n")
    for line in text.splitlines():
        if match := re.match(r'# \d+ "(.*?)"', line):
            own = match[1].startswith(f"{include}/concurrency")
        elif own and (match := re.match(r"#define (\w+)(?:\(.*?\))? .", line)):
            found.add(match[1])
    # How declarations are written, not what a program uses.
    return found - {"CONC_API", "CONC_ALIGNED", "CONC_ATOMIC_INLINE"}


def read_headers(include: pathlib.Path) -> Headers:
    headers = Headers({}, {}, macros(include))
    for node in parse(include):
        if not node.coord.file.startswith(f"{include}/concurrency"):
            continue
        header = os.path.relpath(node.coord.file, include)
        if is_function(node):
            headers.functions[node.name] = function_of(node, header)
        elif is_constant(node):
            headers.constants.add(node.name)
        elif not is_assertion(node):
            kind = type_from(node, header)
            headers.types[kind.name] = kind
            headers.constants.update(kind.enumerators)
    return headers


def map_functions(path: pathlib.Path) -> set[str]:
    """What a symbol map makes global."""
    text = re.sub(r"#.*", "", path.read_text())
    exported = re.findall(r"global:(.*?)(?:local:|\})", text, re.DOTALL)
    return set(" ".join(exported).replace(";", " ").split())


def library_functions(path: pathlib.Path) -> set[str]:
    """What a shared library exports, but for the names of versions."""
    lines = run(*shlex.split(os.environ.get("NM") or "nm"), "-D", "--defined-only", path).splitlines()
    return {line.split()[-1].split("@")[0] for line in lines if line.split()[-2] != "A"}


def symbols_file_functions(path: pathlib.Path) -> set[str]:
    """What Debian's symbols file lists, but for the names of versions."""
    found = set()
    for line in path.read_text().splitlines():
        if match := re.match(r"\s(?:\(.*?\))?\"?([^\s@]+)@(\S+?)\"?\s", line):
            if match[1] != match[2]:
                found.add(match[1])
    return found
