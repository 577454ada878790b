#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The headers, the symbol map and the library name the same functions, and the
# library exports nothing else.
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

grep -ohE '\bconc_[a-z0-9_]+\(' "$top_srcdir"/include/concurrency/*.h |
    tr -d '(' | sort -u >"$work/headers"
sed -n 's/^\t\(conc_[a-z0-9_]*\);$/\1/p' "$top_srcdir/lib/libconcurrency.map" |
    sort -u >"$work/map"
# NM and CC may carry options.
# shellcheck disable=SC2086
${NM:-nm} -D --defined-only "$top_builddir"/lib/.libs/libconcurrency.so |
    sed -n 's/.* T \([^@]*\).*/\1/p' | sort -u >"$work/library"

status=0
for other in map library; do
    if ! diff "$work/headers" "$work/$other"; then
        echo "the headers (<) and the $other (>) name different functions"
        status=1
    fi
done
[ $status != 0 ] || echo "$(wc -l <"$work/headers") functions everywhere"
exit $status
