# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# What the bash scripts of this tree share: where things are kept, how they speak
# (say.sh), and steps: a command whose details go to a log, and of which, when it
# fails, the end of what it said is shown. Sourced, never run.

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# A tilde, unlike $HOME, is known even where the environment is empty.
user_home=~
# shellcheck disable=SC2034 # used by those who source this file
CACHE=${XDG_CACHE_HOME:-$user_home/.cache}/libconcurrency
LOG=$TOP/build/log
# shellcheck source=build-aux/say.sh
. "$TOP/build-aux/say.sh"

# run_into_log COMMAND...: in a subshell of its own, where "set -e" is awake unless
# the caller's own is not (in a condition, or left of || and &&). It has no standard
# input, so that it cannot wait for an answer nobody is asked for. Leaves its exit
# status in `status`.
run_into_log() {
    mkdir -p "$(dirname "$LOG")"
    printf '\n+ %s\n' "$*" >>"$LOG"
    set +e
    (
        set -e
        "$@"
    ) >>"$LOG" 2>&1 </dev/null
    status=$?
    set -e
}

# logged COMMAND...: for conditions.
logged() {
    run_into_log "$@"
    return "$status"
}

# run_or_explain COMMAND...: ends with what the command said, if it fails; what, as
# what, and with which remedy are `step` and `remedy`.
run_or_explain() {
    local seen
    mkdir -p "$(dirname "$LOG")"
    seen=$(touch "$LOG" && wc -l <"$LOG")
    run_into_log "$@"
    [ "$status" != 0 ] || return 0
    {
        printf '%s\n' "--- the end of what it said; all of it is in $LOG ---"
        tail -n "+$((seen + 1))" "$LOG" | tail -n 30
        printf '%s\n' '---'
    } >&2
    die "this step failed: $step" "$remedy"
}

# attempt STEP REMEDY COMMAND...: for what takes long: announced as it starts, so that
# a long silence has a name.
attempt() {
    local step=$1 remedy=$2
    shift 2
    say "$step"
    run_or_explain "$@"
}

# How many held.
steps=0

# step NAME COMMAND...: for what must hold: a line when it does.
step() {
    local step=$1 remedy="mend what it says"
    shift
    run_or_explain "$@"
    steps=$((steps + 1))
    echo "$step: ok"
}

# same WHAT WANTED FOUND: two texts.
same() {
    diff <(printf '%s\n' "$2") <(printf '%s\n' "$3") || {
        echo "$1: not as wanted (<) but so (>)"
        return 1
    }
}

# lock FILE: one process at a time, until the shell or subshell that asked
# ends, and with it whatever it had started.
lock() {
    mkdir -p "$(dirname "$1")"
    exec 9>"$1"
    if ! flock -n 9; then
        say "Waiting for another run, which holds $1"
        flock 9
    fi
}
