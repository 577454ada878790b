#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes the cffi half of the extension module: `ffi` and `lib`.

    python3 build_ffi.py OUTPUT.c

Runs while the library is built, under any Python that has cffi 1.15 or later; the interpreter that the
module is for may be another.  What Python code sees of the C API is read out of the public headers, so
the two cannot differ.
"""

import os
import re
import sys

from cffi import FFI

HEADERS = ("common", "cancel", "value", "reclaim", "atomic", "dict", "queue", "bounded_queue", "gather", "ref")
"""The public headers, each after those that it needs."""

MODULE = "concurrency._concurrency"

SOURCE = """
#include <concurrency.h>

/* Our own init function, in module.c, makes the module; ffi.c calls this one. */
#define PyInit__concurrency concurrency_ffi_init
"""

COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
CONSTANT = re.compile(r"^(static const \w+ CONC_\w+) = [^;]*;", re.MULTILINE)
CONTINUED = re.compile(r"\\\n")
DIRECTIVE = re.compile(r"^\s*#.*$", re.MULTILINE)
LINKAGE = re.compile(r'#ifdef __cplusplus\n(extern "C" \{|\})\n#endif')
SIZE_CHECK = re.compile(r"^typedef char \w+\s*\[sizeof[^;]*;", re.MULTILINE)


def declarations(header: str) -> str:
    """The declarations of a public header, as cffi wants them: no preprocessor, no values."""
    text = LINKAGE.sub("", COMMENT.sub("", CONTINUED.sub(" ", header)))
    text = SIZE_CHECK.sub("", DIRECTIVE.sub("", text))
    text = text.replace(" CONC_ALIGNED;", "; ...;")  # the C compiler knows how
    text = CONSTANT.sub(r"\1;", text)
    return re.sub(r"\b(CONC_API|CONC_ATOMIC_INLINE)\b", "", text)


def make_ffi(include: str) -> FFI:
    """The cffi module, described but not yet written."""
    builder = FFI()
    for name in HEADERS:
        with open(os.path.join(include, "concurrency", f"{name}.h"), encoding="utf-8") as file:
            builder.cdef(declarations(file.read()))
    builder.set_source(MODULE, SOURCE)
    return builder


def main() -> None:
    """The program."""
    if len(sys.argv) != 2:
        sys.exit("usage: build_ffi.py OUTPUT.c")
    here = os.path.dirname(os.path.abspath(__file__))
    make_ffi(os.path.join(here, "..", "..", "..", "include")).emit_c_code(sys.argv[1])


if __name__ == "__main__":
    main()
