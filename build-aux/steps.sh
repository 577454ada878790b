# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# What the shell scripts of this tree share: where things are kept, one line
# on the screen for each step, and an error that names the step, shows what
# it said and tells the remedy. Sourced, never run.
#
# All of it goes to standard error: standard output belongs to the answer of
# a script (a path) or to the program it runs. That a check cannot be made is its
# answer.

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# A tilde, unlike $HOME, is known even where the environment is empty.
user_home=~
# shellcheck disable=SC2034 # used by those who source this file
CACHE=${XDG_CACHE_HOME:-$user_home/.cache}/libconcurrency
LOG=$TOP/build/log

say() {
    printf '==> %s\n' "$*" >&2
}

note() {
    printf '    %s\n' "$*" >&2
}

# die MESSAGE [REMEDY]
die() {
    printf 'error: %s\n' "$1" >&2
    if [ $# -gt 1 ]; then
        printf 'remedy: %s\n' "$2" >&2
    fi
    exit 1
}

# not_checked WHY: ends a check as skipped, in automake's way.
not_checked() {
    echo "not checked: $1"
    exit 77
}

# need_tools [PACKAGE...]: Debian's, of the tools that a check misses.
need_tools() {
    [ $# = 0 ] || not_checked "tools are missing (Debian: packages $*)"
}

# logged COMMAND...: the details of a command go to the log. It has no
# standard input, so that it cannot wait for an answer nobody is asked for.
logged() {
    mkdir -p "$(dirname "$LOG")"
    printf '\n+ %s\n' "$*" >>"$LOG"
    ("$@") >>"$LOG" 2>&1 </dev/null
}

# attempt STEP REMEDY COMMAND...: announce, run into the log, or explain.
# STEP is said as it starts, so that a long silence has a name. COMMAND may be
# a function; its parts must be chained with &&, for "set -e" sleeps in an if.
attempt() {
    local step=$1 remedy=$2 seen
    shift 2
    say "$step"
    mkdir -p "$(dirname "$LOG")"
    seen=$(touch "$LOG" && wc -l <"$LOG")
    if ! logged "$@"; then
        {
            printf '%s\n' "--- the end of what it said; all of it is in $LOG ---"
            tail -n "+$((seen + 1))" "$LOG" | tail -n 25
            printf '%s\n' '---'
        } >&2
        die "this step failed: $step" "$remedy"
    fi
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
