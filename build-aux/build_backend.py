# SPDX-License-Identifier: LGPL-2.1-or-later
"""How pip builds the package: setuptools' own backend, with configure and make in its commands.

The makefiles alone say what is compiled, how, and what a tarball has in it. Nothing is written into the
source tree, which may be read-only: the work is done in a directory that goes away with the process.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from setuptools.build_meta import *  # noqa: F403
from setuptools.command.build import build
from setuptools.command.build_ext import build_ext
from setuptools.command.egg_info import egg_info
from setuptools.command.sdist import sdist
from setuptools.errors import CompileError

SOURCE = Path(__file__).resolve().parent.parent
_WORK = tempfile.TemporaryDirectory(prefix="libconcurrency-")
WORK = Path(_WORK.name)

NEEDED = {
    "autoreconf": "a checkout needs it; a release does not (Debian: autoconf automake libtool)",
    "make": "Debian: make",
}


def version() -> str:
    """What AC_INIT says."""
    (found,) = re.findall(r"^AC_INIT\(\[libconcurrency\], \[(.*)\]\)$", (SOURCE / "configure.ac").read_text(), re.M)
    return str(found)


VERSION = version()


# --- what pip asks for -------------------------------------------------------


def requirements(config_settings: Any = None) -> list[str]:
    """cffi, which writes a C file that releases bring along.

    There is none for a free-threaded 3.13: configure then looks for another Python that has it.
    """
    brought = (SOURCE / "python/src/_concurrency.c").exists() or "CFFI_PYTHON" in os.environ
    free_threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
    return [] if brought or (free_threaded and sys.version_info < (3, 14)) else ["cffi >= 1.15"]


get_requires_for_build_sdist = requirements
get_requires_for_build_wheel = requirements
get_requires_for_build_editable = requirements


# --- configure and make ------------------------------------------------------


def run(*command: str | Path, directory: Path) -> None:
    """Runs a command; if it fails, its own last word on it is the error, or make's first."""
    name = Path(command[0]).name
    try:
        done = subprocess.run(command, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    except FileNotFoundError:
        raise CompileError(f"{name} is missing: {NEEDED[name]}") from None
    print(done.stdout, end="", flush=True)
    if done.returncode != 0:
        lines = done.stdout.splitlines()
        errors = [line for line in lines if "rror:" in line][-1:] or [line for line in lines if " *** " in line]
        raise CompileError(errors[0] if errors else f"{name} failed, see above")


def configured_source() -> Path:
    """The source, or where its `configure` is missing or out of date, a copy with a new one."""
    inputs = [SOURCE / "configure.ac", *SOURCE.glob("Makefile.am"), *SOURCE.glob("*/Makefile.am")]
    script = SOURCE / "configure"
    if script.exists() and script.stat().st_mtime >= max(path.stat().st_mtime for path in inputs):
        return SOURCE
    copy = WORK / "source"
    shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns(".*", "build"))
    run("chmod", "-R", "u+w", copy, directory=WORK)
    run("autoreconf", "-fi", directory=copy)
    return copy


def configure(*options: str) -> Path:
    """A build directory."""
    directory = WORK / "make"
    directory.mkdir()
    run(configured_source() / "configure", "-q", "--disable-tests", *options, directory=directory)
    return directory


# --- the commands of setuptools ----------------------------------------------


class EggInfo(egg_info):
    """Puts its directory where the source is left alone."""

    def finalize_options(self) -> None:
        if self.egg_base is None:
            self.egg_base = str(WORK)
        super().finalize_options()


class Build(build):
    """The same for everything that is built."""

    def initialize_options(self) -> None:
        super().initialize_options()
        self.build_base = str(WORK / "build")


class BuildExt(build_ext):
    """Installs the library beside the module, which finds it there."""

    def build_extension(self, ext: Any) -> None:
        target = Path(self.get_ext_fullpath(ext.name))
        target.parent.mkdir(parents=True, exist_ok=True)
        stage = self._install()
        (module,) = stage.rglob(target.name)
        shutil.copy2(module, target)
        # libconcurrency.so.1: neither the link without a number nor the whole version.
        library = sorted(stage.rglob("libconcurrency.so.*"), key=lambda path: len(path.name))[0]
        shutil.copy2(library, target.parent)

    def copy_extensions_to_source(self) -> None:
        """For an editable install, which runs the source itself."""
        super().copy_extensions_to_source()
        for library in Path(self.build_lib).rglob("libconcurrency.so.*"):
            shutil.copy2(library, SOURCE / "python/concurrency")

    def _install(self) -> Path:
        """What `make install` installs, under a root of its own.

        In /usr/lib nothing of where it was installed is put into the module.
        """
        directory = configure(
            f"PYTHON={sys.executable}",
            f"LDFLAGS={os.environ.get('LDFLAGS', '')} -Wl,-rpath,'$$ORIGIN'",
            "--prefix=/usr",
            "--libdir=/usr/lib",
            "--disable-static",
            "--disable-dependency-tracking",
        )
        stage = WORK / "stage"
        for part in "lib", "python":
            run("make", f"-j{os.cpu_count()}", "-C", part, directory=directory)
            run("make", "-C", part, "install-strip", f"DESTDIR={stage}", directory=directory)
        return stage


class SDist(sdist):
    """The tree that `make dist` packs, with the metadata that pip reads."""

    def make_distribution(self) -> None:
        directory = configure("--without-python")
        run("make", "distdir", directory=directory)
        name = self.distribution.get_fullname()
        tree = (directory / f"libconcurrency-{VERSION}").rename(directory / name)
        self.distribution.metadata.write_pkg_info(str(tree))
        archive = self.make_archive(
            os.path.abspath(os.path.join(self.dist_dir, name)), "gztar", str(directory), name, owner="root", group="root"
        )
        self.archive_files = [archive]
        self.distribution.dist_files.append(("sdist", "", archive))
