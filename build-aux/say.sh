# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# How the scripts of this tree speak: one line on the screen for each step, an error
# with its remedy, and one way to say that something was not checked. For any POSIX
# shell. Sourced, never run.
#
# All of it goes to standard error: standard output belongs to the answer of a script
# (a path) or to the program it runs. That a check cannot be made is its answer.

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

# left_out WHY: a part of a check, which goes on. tests/everything finds the line.
left_out() {
    printf 'not checked: %s\n' "$*"
}

# not_checked WHY: ends a check as skipped, in automake's way.
not_checked() {
    left_out "$@"
    exit 77
}

# need_program PROGRAM PACKAGE...: Debian's, which bring it. Options may follow its
# name in the same word, as in CC.
need_program() {
    command -v "${1%% *}" >/dev/null 2>&1 ||
        not_checked "$1 is missing (Debian: $(shift && echo "$*"))"
}

# need_tools [PACKAGE...]: Debian's, of the tools that a check misses.
need_tools() {
    [ $# = 0 ] || not_checked "tools are missing (Debian: $*)"
}
