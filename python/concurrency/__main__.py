# SPDX-License-Identifier: LGPL-2.1-or-later
"""python -m concurrency: what is running here, one fact a line, as a report of a bug needs it."""

import importlib
import os
import platform
import sys
import sysconfig
from typing import Any

import concurrency

_concurrency: Any = importlib.import_module("concurrency._concurrency")


def loaded(name: str) -> str | None:
    """The file of the shared library that is in this process; None: it is not, or the system does not tell."""
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as maps:
            paths = {line.split(maxsplit=5)[-1].rstrip("\n") for line in maps}
    except OSError:
        return None
    return next((path for path in paths if os.path.basename(path).startswith(name)), None)


def urcu() -> str:
    """The library that reclaims memory, which brings liburcu-common along, and its file."""
    return f"liburcu-bp, {loaded('liburcu-bp') or 'file unknown'}"


def interpreter() -> str:
    """The interpreter and its build."""
    build = "free-threaded" if sysconfig.get_config_var("Py_GIL_DISABLED") else "with the GIL"
    return f"{platform.python_implementation()} {platform.python_version()}, {build}, {sys.executable}"


def gil() -> str:
    """Whether threads take turns now; a free-threaded build may have switched it on."""
    ask = getattr(sys, "_is_gil_enabled", None)
    return "on" if ask is None or ask() else "off"


def cffi() -> str:
    """Whether `ffi` and `lib` can be had, and if not, why."""
    try:
        concurrency.ffi.typeof("conc_dict *")
    except ImportError as error:
        return f"no: {error}"
    return f"yes, cffi {sys.modules['_cffi_backend'].__version__}"


def facts() -> dict[str, str]:
    """All of it."""
    return {
        "package": f"{_concurrency._compiled_version}, {_concurrency.__file__}",
        "library": f"{concurrency.__version__}, {loaded('libconcurrency.') or 'file unknown'}",
        "reclamation": urcu(),
        "interpreter": interpreter(),
        "GIL": gil(),
        **{name: "lock-free" if free else "takes a lock" for name, free in _concurrency._lock_free.items()},
        "ffi, lib": cffi(),
    }


def main() -> None:
    """The program."""
    for name, value in facts().items():
        print(f"{name + ':':16} {value}")


if __name__ == "__main__":
    main()
