#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The C that users are shown compiles without a warning against the public
# headers and the shared library alone, and does what it says.  (Other dialects,
# and C++: packaging/use-installed.)
#
# RUNNER runs the programs where they are another machine's.
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
library=$top_builddir/lib/.libs
LD_LIBRARY_PATH=$library
export LD_LIBRARY_PATH

compile() {
    # shellcheck disable=SC2086
    $CC -Wall -Wextra -Werror -I"$top_srcdir/include" "$@" -L"$library" -lconcurrency -lpthread
}

sed -n '/^```c$/,/^```$/{//!p}' "$top_srcdir/README.md" >"$work/readme.c"
compile -o "$work/readme" "$work/readme.c"
# shellcheck disable=SC2086
test "$(${RUNNER-} "$work/readme")" = 2
echo "README: ok"

compile -o "$work/count" "$top_srcdir/examples/c/count_words.c"
# shellcheck disable=SC2086
printf 'to be or not to be that is to be\n' | ${RUNNER-} "$work/count" | tee "$work/out"
grep -Eq '^ *3[[:space:]]+be|be[[:space:]:]+3' "$work/out"
echo "count_words: ok"
