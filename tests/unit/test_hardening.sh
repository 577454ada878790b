#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What a program gets that loads the library or the module: no memory that can be
# both written and executed, not the stack either; no relocations in the code; no
# path of the machine that it was built on; and where HARDENING is yes, nothing
# that could still be relocated once it is loaded.
#
#   test_hardening.sh [FILE...]     else those of the build directory
#
# LIBRARIES: where a file may look for libraries, as far as this test goes.
set -eu

failed=0

must_not() { # PATTERN WHY
    if printf '%s\n' "$elf" | grep -E "$1"; then
        echo "$file: $2"
        failed=1
    fi
}

must() { # PATTERN WHY
    if ! printf '%s\n' "$elf" | grep -Eq "$1"; then
        echo "$file: $2"
        failed=1
    fi
}

check() {
    file=$1
    # The module's path to the library of this tree, and to where that will be
    # installed if programs would not look there, is libtool's affair.
    elf=$(LC_ALL=C readelf -dlW "$file" | grep -vF "[$LIBRARIES")
    must ' GNU_STACK .* RW ' 'the stack is executable, or is not spoken of'
    must_not '^ +[A-Z_]+ +0x.* RWE ' 'a segment that can be written and executed'
    must_not 'TEXTREL' 'relocations in the code'
    must_not '\((RPATH|RUNPATH)\)' 'a path to libraries'
    [ "$HARDENING" = yes ] || return 0
    must ' GNU_RELRO ' 'no RELRO'
    must '\(FLAGS\) .*BIND_NOW|\(BIND_NOW\)|\(FLAGS_1\) .*NOW' 'not bound when it is loaded'
}

# shellcheck source=build-aux/say.sh
. "$(dirname "$0")/../../build-aux/say.sh"
need_program readelf binutils
if [ $# = 0 ]; then
    LIBRARIES=$top_builddir/lib/.libs
    set -- "$top_builddir"/lib/.libs/libconcurrency.so "$top_builddir"/python/.libs/_concurrency.so
fi
checked=0
for file; do
    [ -e "$file" ] || continue
    check "$file"
    checked=$((checked + 1))
done
[ $checked != 0 ] ||
    not_checked "neither the library nor the module was built as a shared object"
[ $failed != 0 ] || echo "$checked shared objects: ok"
exit $failed
