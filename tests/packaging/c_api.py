# SPDX-License-Identifier: LGPL-2.1-or-later
"""The C API as each place names it: the headers, the symbol map, the library, Debian's symbols file."""

from __future__ import annotations

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


@dataclasses.dataclass
class Headers:
    """What the public headers declare; each declaration as C that is written in one way only."""

    functions: dict[str, str]
    header_of: dict[str, str]  # "concurrency/dict.h", of each function and type
    types: dict[str, str]  # by name or tag
    constants: set[str]  # macros and enumerators


def parse(include: pathlib.Path, more: str = "") -> list[c_ast.Node]:
    """The declarations of the public headers and of what they include, then of `more'."""
    command = [*compiler(), "-E", "-std=c99", *EXTENSIONS, f"-I{include}", "-x", "c", "-"]
    text: str = run(*command, input=f"#include <concurrency.h>\n{more}")
    return c_parser.CParser().parse(text).ext  # type: ignore[no-any-return]


def declaration(node: c_ast.Node) -> str:
    """A prototype, a typedef or a structure as C, whatever its layout was."""
    if isinstance(node, c_ast.FuncDef):
        node = node.decl
    if isinstance(node, c_ast.Decl):
        node.storage, node.funcspec = [], []
    return re.sub(r"\s+", " ", c_generator.CGenerator().visit(node)).strip()


def name_of(node: c_ast.Node) -> str:
    """What a declaration declares, or the tag that it defines."""
    if isinstance(node, c_ast.FuncDef):
        node = node.decl
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
    headers = Headers({}, {}, {}, macros(include))
    for node in parse(include):
        file = node.coord.file
        if not file.startswith(f"{include}/concurrency"):
            continue
        name = name_of(node)
        structure = tagged(node)
        if isinstance(node, c_ast.FuncDef) or isinstance(getattr(node, "type", None), c_ast.FuncDecl):
            headers.functions[name] = declaration(node)
        else:
            headers.types[name] = declaration(node)
        if isinstance(structure, c_ast.Enum):
            headers.constants.update(value.name for value in structure.values.enumerators)
        headers.header_of[name] = os.path.relpath(file, include)
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
