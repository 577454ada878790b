# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Fetch a file from another Debian release than the one that is installed,
# without touching the machine's apt: a sources list, package lists and a
# cache of our own, root or not; or a directory full of its packages. Sourced,
# after steps.sh.
#
# The mirror is whatever the machine's own apt uses; the signatures are
# checked with Debian's own keyring, as for any other package.

ARCHIVE_KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

# The machine's mirrors that may carry Debian itself. A mirror of something
# else (security updates, another vendor) fails the update and is passed over.
archive_mirrors() {
    # shellcheck disable=SC2016 # apt's own placeholders, not ours
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | sort -u
}

# This machine's, where it is Debian.
own_release() {
    (. /etc/os-release && [ "$ID" = debian ] && echo "$VERSION_CODENAME") || echo bookworm
}

# unpack_root DIRECTORY RELEASE OPTION...: mmdebstrap's options say which packages, and
# how far they are installed.
unpack_root() {
    local root=$1 release=$2 mirror
    shift 2
    for mirror in $(archive_mirrors); do
        rm -rf "$root"
        ! mmdebstrap "$@" "$release" "$root" \
            "deb [signed-by=$ARCHIVE_KEYRING] $mirror $release main" || return 0
    done
    return 1
}

# archive_apt RELEASE COMMAND...: apt-get or apt-cache, in a world of its own.
# It is the user's own cache, so apt's sandbox user could not write there.
archive_apt() {
    local root=$CACHE/apt-$1 command=$2
    shift 2
    "$command" -q \
        -o Dir::State="$root/state" \
        -o Dir::State::status="$root/status" \
        -o Dir::Cache="$root/cache" \
        -o Dir::Etc::SourceList="$root/sources.list" \
        -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::Etc::Preferences=/dev/null \
        -o Dir::Etc::PreferencesParts=/dev/null \
        -o APT::Sandbox::User=root \
        -o APT::Update::Error-Mode=any \
        -o APT::Update::Pre-Invoke= -o APT::Update::Post-Invoke= \
        "$@"
}

# archive_open RELEASE: read the lists of that release from the first mirror
# that has it.
archive_open() {
    local release=$1 root=$CACHE/apt-$1 mirror
    [ -r "$ARCHIVE_KEYRING" ] || {
        echo "$ARCHIVE_KEYRING is missing: the archive cannot be verified"
        return 1
    }
    mkdir -p "$root/state/lists/partial" "$root/cache/archives/partial"
    touch "$root/status"
    for mirror in $(archive_mirrors); do
        printf '%s [signed-by=%s] %s %s main\n' \
            deb "$ARCHIVE_KEYRING" "$mirror" "$release" \
            deb-src "$ARCHIVE_KEYRING" "$mirror" "$release" \
            >"$root/sources.list"
        if archive_apt "$release" apt-get update; then
            return 0
        fi
    done
    echo "no mirror in this machine's apt configuration has Debian $release"
    return 1
}

# archive_close RELEASE: the lists are large, and stale by the next time.
archive_close() {
    rm -rf "$CACHE/apt-$1"
}
