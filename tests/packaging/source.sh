# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# What packages are made from. Sourced, in a build directory's tests/; `top` is the
# caller's: the source.

package_version() {
    sed -n 's/^AC_INIT(\[libconcurrency\], \[\(.*\)\])$/\1/p' "$top/configure.ac"
}

# take_source DIRECTORY: what make dist packs; DIRECTORY is in the one where it starts.
take_source() {
    ${MAKE:-make} -s --no-print-directory -C .. distdir \
        distdir="tests/$1" top_distdir="tests/$1"
}
