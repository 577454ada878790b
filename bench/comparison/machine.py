# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the figures depend on: the machine, the versions and the date."""

from __future__ import annotations

import datetime
import os
import platform
import re
import subprocess
import sys
from importlib import metadata

PACKAGES = ("liburcu-dev", "libtbb-dev", "libck-dev", "libjctools-java")
DISTRIBUTIONS = ("pyperf", "ft_utils", "cereggii")
TOOLS = {"gcc": "--version", "rustc": "--version", "go": "version", "java": "-version"}


def processor() -> str:
    """What Linux calls it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            found = re.search(r"^model name\s*:\s*(.*)$", file.read(), re.MULTILINE)
    except OSError:
        found = None
    return found[1] if found else platform.machine()


def cores() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def first_line(*command: str) -> str | None:
    """What a command says, or None if there is no such command."""
    try:
        answer = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return answer.stdout.split("\n", 1)[0].strip()


def versions() -> dict[str, str]:
    """Of the compilers and of the peers that are installed."""
    found = {name: first_line(name, option) for name, option in TOOLS.items()}
    for name in PACKAGES:
        found[name] = first_line("dpkg-query", "-W", "-f", "${Version}", name)
    for name in DISTRIBUTIONS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    return {name: version for name, version in found.items() if version}


def describe() -> dict[str, object]:
    """Everything, for results.json."""
    gil = getattr(sys, "_is_gil_enabled", lambda: True)()
    return {
        "date": datetime.date.today().isoformat(),
        "processor": processor(),
        "cores": cores(),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_version()}{'' if gil else ', without the GIL'}",
        "versions": versions(),
    }
