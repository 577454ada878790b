# SPDX-License-Identifier: LGPL-2.1-or-later
"""The work itself, with nothing shared: find Python files, read one, cut it into identifiers.

Every way of doing the job (jobs.py) uses these functions as they are, so that two ways differ
only in how threads share what they counted.
"""

from __future__ import annotations

import io
import os
import re
import tokenize
from collections.abc import Callable, Iterator
from typing import NamedTuple

IDENTIFIER = re.compile(r"[^\W\d]\w*")
"""What counts as an identifier: a letter or underscore, then letters, digits, underscores.

Words in comments and strings count too.  A regular expression is one loop in C for a whole file,
so what is left to measure is the counting.  The tokenize module knows the language better and
takes about fifty times as long, nearly all of the run, and every way of counting would look the
same.
"""


class FileResult(NamedTuple):
    """What is told about one file."""

    path: str
    size: int
    """Bytes read."""
    identifiers: int
    different: int
    """How many of them are different."""
    problem: str | None = None
    """Why the file was not counted, or None."""


def find_sources(
    directory: str, skip: frozenset[str], report: Callable[[OSError], None]
) -> Iterator[str]:
    """Yields the paths of the .py files below `directory`, in an order that is always the same.

    Directories named in `skip` are left out, and links to directories are not followed.  A
    directory that cannot be read is handed to `report`, and the walk goes on.
    """
    try:
        with os.scandir(directory) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        report(error)
        return
    for entry in entries:
        try:
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in skip:
                    yield from find_sources(entry.path, skip, report)
            elif entry.name.endswith(".py") and (entry.is_file() or entry.is_symlink()):
                yield entry.path
        except OSError as error:
            report(error)


def decode(source: bytes) -> str:
    """The text of a Python file: UTF-8, or else what its coding line says."""
    try:
        return source.decode()
    except UnicodeDecodeError:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(source).readline)
        return source.decode(encoding)


def read_identifiers(path: str) -> tuple[FileResult, list[str]]:
    """Reads a file and returns what to tell about it, and every identifier in it, in order.

    A file that cannot be read or decoded gives no identifiers and a result that says why.
    """
    try:
        with open(path, "rb") as file:
            source = file.read()
        identifiers = IDENTIFIER.findall(decode(source))
    except (OSError, UnicodeDecodeError, SyntaxError, LookupError) as error:
        # SyntaxError and LookupError: a coding line that makes no sense.
        return FileResult(path, 0, 0, 0, f"{type(error).__name__}: {error}"), []
    return FileResult(path, len(source), len(identifiers), len(set(identifiers))), identifiers
