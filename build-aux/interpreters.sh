# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Questions to a Python interpreter. Sourced, after steps.sh. Each asks with
# -I, so that no variable of the caller's environment colours the answer.

# python_fault INTERPRETER: why the package cannot be built for it; nothing,
# if it can.
python_fault() {
    if ! command -v "$1" >/dev/null; then
        echo "there is no such program"
    elif ! "$1" -I -c '
import os, sys, sysconfig
if sys.implementation.name != "cpython" or sys.version_info < (3, 11):
    print("it is not CPython 3.11 or later")
elif not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")):
    print("its headers (Python.h) are not installed")
' 2>/dev/null; then
        echo "it does not run"
    fi
}

python_is_usable() {
    [ -z "$(python_fault "$1")" ]
}

python_is_free_threaded() {
    "$1" -I -c 'import sys, sysconfig
sys.exit(not sysconfig.get_config_var("Py_GIL_DISABLED"))'
}

# The program itself, whatever shim or symbolic link in a directory of such
# led to it.
python_path() {
    "$1" -I -c 'import sys; print(sys.executable)'
}

# cp311, cp313, cp313t: what sets its builds apart from other interpreters'.
python_tag() {
    "$1" -I -c 'import sys
print("cp%d%d%s" % (*sys.version_info[:2], sys.abiflags))'
}

# What a build or a virtual environment was made for: made anew when this
# changes.
python_identity() {
    "$1" -I -c 'import sys; print(sys.executable, sys.version.replace("\n", " "))'
}

python_describe() {
    "$1" -I -c 'import platform, sys, sysconfig
free = sysconfig.get_config_var("Py_GIL_DISABLED")
print("Python %s %s, %s" % (platform.python_version(),
    "free-threaded" if free else "with the GIL", sys.executable))'
}
