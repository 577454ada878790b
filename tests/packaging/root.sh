# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Root directories of Debian's packages in which built packages are tried. Sourced,
# after steps.sh and debian-archive.sh.

need_root() {
    [ "$(id -u)" = 0 ] || not_checked "only root may change its root directory"
}

# root_is_fresh ROOT CONTENTS: and not older than a week.
root_is_fresh() {
    [ "$(cat "$1.complete" 2>/dev/null)" = "$2" ] &&
        [ -n "$(find "$1.complete" -mtime -7)" ]
}

# make_root ROOT SUITE CONTENTS OPTION...: remade where other CONTENTS are asked for.
make_root() (
    root=$1 suite=$2 contents=$3
    shift 3
    lock "$root.lock"
    ! root_is_fresh "$root" "$contents" || return 0
    rm -f "$root.complete"
    attempt "Making $root" "see whether apt-get update works" \
        unpack_root "$root" "$suite" --mode=root --variant=apt \
        --dpkgopt=force-unsafe-io "$@"
    printf '%s\n' "$contents" >"$root.complete"
)

# with_mounts ROOT DIRECTORY PLACE COMMAND...: DIRECTORY is seen in PLACE of the
# root, which has a /proc and an empty /tmp, too, while the command runs and for
# nobody else. What it leaves running ends with it. The host has another name each
# time.
with_mounts() {
    # shellcheck disable=SC2016 # for the inner shell
    unshare --mount --uts --pid --fork --kill-child --mount-proc sh -ec '
        root=$1
        hostname "at-$(date +%s)"
        mount -t proc proc "$root/proc"
        mount -t tmpfs tmpfs "$root/tmp"
        mount -t tmpfs tmpfs "$root/dev/shm"
        mount --bind "$2" "$root$3"
        shift 3
        exec "$@"' sh "$@"
}
