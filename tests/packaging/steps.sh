# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# A line for each thing that holds, and the end of what it said for the first
# that does not. Sourced, after build-aux/steps.sh; work is the caller's.

steps=0

# step NAME COMMAND...: in a subshell of its own, where "set -e" is awake.
step() {
    # shellcheck disable=SC2154
    local name=$1 log=$work/step.log status
    shift
    set +e
    (
        set -e
        "$@"
    ) >"$log" 2>&1 </dev/null
    status=$?
    set -e
    if [ $status != 0 ]; then
        tail -n 30 "$log"
        die "FAILED: $name"
    fi
    steps=$((steps + 1))
    echo "$name: ok"
}

# same WHAT WANTED FOUND: two texts.
same() {
    diff <(printf '%s\n' "$2") <(printf '%s\n' "$3") || {
        echo "$1: not as wanted (<) but so (>)"
        return 1
    }
}
