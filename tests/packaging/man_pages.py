# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reads what is to be checked out of manual pages in mdoc(7), a language of lines: what begins with a
point is a macro."""

from __future__ import annotations

import dataclasses
import pathlib
import re
import shlex


class Wrong(Exception):
    """A page that is not as these functions expect, or a check that failed."""


@dataclasses.dataclass
class Page:
    path: pathlib.Path
    sections: dict[str, list[str]]

    @property
    def name(self) -> str:
        return self.path.name


def read_page(path: pathlib.Path) -> Page:
    sections: dict[str, list[str]] = {"": []}
    lines = sections[""]
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith(".Sh "):
            lines = sections.setdefault(line[4:], [])
        else:
            lines.append(line)
    return Page(path, sections)


def read_pages(directory: pathlib.Path) -> list[Page]:
    """All pages of a directory, installed as man3/ and man7/, or not; but for links."""
    paths = [path for path in sorted(directory.rglob("*.[1-8]")) if not path.read_text().startswith(".so ")]
    if not paths:
        raise Wrong(f"{directory}: there are no pages")
    return [read_page(path) for path in paths]


def plain(text: str) -> str:
    """Without roff's escapes: those that our pages may use."""
    text = text.replace(r"\&", "")
    if re.search(r"\\[^e]", text):
        raise Wrong(f"an escape other than \\e and \\&: {text}")
    return text.replace(r"\e", "\\")


def arguments(line: str) -> list[str]:
    return [plain(word) for word in shlex.split(line.replace("\\", "\\\\").replace("'", "\\'"))][1:]


def macro_arguments(lines: list[str], macro: str) -> list[list[str]]:
    return [arguments(line) for line in lines if line.split(" ")[0] == f".{macro}"]


def names(page: Page) -> list[str]:
    return [words[0] for words in macro_arguments(page.sections["NAME"], "Nm")]


def prototypes(page: Page) -> list[str]:
    """Of .Ft, .Fo, .Fa, .Fc in the synopsis."""
    found: list[str] = []
    parts: list[str] = []
    kind = function = ""
    for line in page.sections.get("SYNOPSIS", []):
        macro = line.split(" ")[0]
        words = " ".join(arguments(line)) if line.startswith(".") else ""
        if macro == ".Ft":
            kind = words
        elif macro == ".Fo":
            function, parts = words, []
        elif macro == ".Fa":
            parts.append(words)
        elif macro == ".Fc":
            found.append(f"{kind} {function}({', '.join(parts)});")
    return found


def displays(lines: list[str]) -> list[str]:
    """The text of each .Bd -literal."""
    found: list[str] = []
    block: list[str] | None = None
    for line in lines:
        if line.startswith(".Bd -literal"):
            block = []
        elif line.startswith(".Ed"):
            found.append("\n".join(block or []) + "\n")
            block = None
        elif block is not None:
            block.append(plain(line))
    return found


def references(page: Page) -> set[tuple[str, str]]:
    """Name and section of each .Xr."""
    found = re.findall(r"\bXr (\S+) ([1-8])", "\n".join("\n".join(lines) for lines in page.sections.values()))
    return set(found)


def functions(page: Page) -> set[str]:
    """That of each .Fn, at the beginning of a line or within."""
    return set(re.findall(r"\bFn (\w+)", "\n".join("\n".join(lines) for lines in page.sections.values())))


def vocabulary(page: Page) -> set[str]:
    """Every word of a page."""
    return {word for lines in page.sections.values() for word in re.findall(r"\w+", "\n".join(lines))}
