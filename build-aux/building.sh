# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# One build directory and one virtual environment for each interpreter, made
# when missing or out of date and left alone otherwise. Sourced, after
# steps.sh and interpreters.sh. What takes a lock runs in a subshell, which
# gives the lock back as it ends.

# The packages of Debian, then of Fedora, that building and the tests need.
# shellcheck disable=SC2034 # used by those who source this file
{
    APT_BUILD=(build-essential autoconf automake libtool pkg-config
        liburcu-dev check python3-dev python3-cffi python3-venv)
    DNF_BUILD=(gcc make autoconf automake libtool pkgconf-pkg-config
        userspace-rcu-devel check-devel python3-devel python3-cffi)
    APT_CHECK=(relacy-dev clang libclang-rt-dev valgrind libc6-dbg gcovr golang-go
        mandoc man-db abigail-tools mmdebstrap autopkgtest rpm rpmlint)
    DNF_CHECK=(clang compiler-rt valgrind gcovr python3-test golang mandoc man-db
        libabigail gcc-c++ rpm-build rpmlint)
    APT_LONG=(spin musl-tools qemu-user-static gcc-i686-linux-gnu gcc-aarch64-linux-gnu
        gcc-s390x-linux-gnu)
    DNF_LONG=(spin)
    APT_BENCH=(g++ libtbb-dev libck-dev libjctools-java valgrind libc6-dbg)
    DNF_BENCH=(gcc-c++ tbb-devel ck-devel jctools valgrind)
}

# Debian's name for the standard library's own tests, which run against our
# types too.
apt_test_suite() {
    /usr/bin/python3 -I -c 'import sys
print("libpython%d.%d-testsuite" % sys.version_info[:2])'
}

# install_for build|check|long|bench: long comes on top of check.
install_for() {
    local -n packages
    case $(package_tool) in
        apt)
            packages=APT_${1^^}
            [ "$1" != check ] || packages+=("$(apt_test_suite)")
            ;;
        dnf) packages=DNF_${1^^} ;;
        none)
            note "Neither apt-get nor dnf is here. If a step fails, install what these are called on this machine:"
            packages=APT_${1^^}
            note "${packages[*]}"
            return
            ;;
    esac
    install_packages "what the ${1/long/long tier} needs" "${packages[@]}"
}

# The interpreter that generates the C file of the cffi module. It need not be
# the one that the module is built for: a free-threaded 3.13 has no cffi.
cffi_python() {
    local python
    for python in "${CFFI_PYTHON:-}" /usr/bin/python3 python3 "$1"; do
        if [ -n "$python" ] && "$python" -c 'import cffi' 2>/dev/null; then
            echo "$python"
            return
        fi
    done
    die "no Python here can import cffi" "install python3-cffi, or name a Python that has it: CFFI_PYTHON=/path"
}

build_directory() {
    echo "$TOP/build/$(python_tag "$1")"
}

# configured_for INTERPRETER: what is noted in a build directory; another one is
# configured anew. It names its own place, where it may have been copied from another.
configured_for() {
    printf '%s, in %s\n' "$(python_identity "$1")" "$(cd "$TOP" && pwd -P)"
}

# is_configured DIRECTORY INTERPRETER
is_configured() {
    [ "$(cat "$1/.python" 2>/dev/null)" = "$(configured_for "$2")" ]
}

# is_built INTERPRETER: for this very interpreter, here, and after the last change.
is_built() {
    local dir
    dir=$(build_directory "$1")
    [ -e "$dir/.built" ] && is_configured "$dir" "$1" &&
        [ -z "$(find "$TOP/configure.ac" "$TOP/Makefile.am" "$TOP/include" \
            "$TOP/lib" "$TOP/python" -type f ! -name '*.pyc' \
            -newer "$dir/.built" -print -quit)" ]
}

# A release's tarball brings a configure that is newer than its sources.
generate_configure() {
    [ -z "$(find "$TOP/configure.ac" "$TOP/Makefile.am" -newer "$TOP/configure" 2>&1)" ] ||
        attempt "Generating configure" "install autoconf, automake and libtool" \
            autoreconf -fi "$TOP"
}

configure_in() {
    local dir=$1
    shift
    mkdir -p "$dir" && cd "$dir" && ../../configure "$@"
}

configure_for() {
    local dir=$1 python=$2 cffi
    cffi=$(cffi_python "$python")
    rm -rf "$dir"
    attempt "Configuring for $(python_describe "$python")" \
        "the log says what is missing; if it says that the source directory is configured already: make distclean" \
        configure_in "$dir" PYTHON="$python" CFFI_PYTHON="$cffi"
    configured_for "$python" >"$dir/.python"
}

# build_for INTERPRETER. Asked again under the lock: another run may have done
# it. The time of a build is that of its start, so that what is saved while it
# runs is built the next time.
build_for() (
    python=$1
    is_built "$python" && return
    lock "$TOP/build/.lock"
    is_built "$python" && return
    generate_configure
    dir=$(build_directory "$python")
    is_configured "$dir" "$python" || configure_for "$dir" "$python"
    touch "$dir/.started"
    attempt "Building in ${dir#"$TOP/"}" "the log shows the compiler's error" \
        make -C "$dir" -j"$(nproc)"
    mv "$dir/.started" "$dir/.built"
)

# environment_directory NAME INTERPRETER
environment_directory() {
    echo "$CACHE/venvs/$1-$(python_tag "$2")"
}

fill_environment() {
    local dir=$1 python=$2 sites=$3
    shift 3
    rm -rf "$dir" && "$python" -m venv ${sites:+"$sites"} "$dir" &&
        "$dir/bin/python" -m pip install --only-binary=:all: "$@"
}

# make_environment NAME INTERPRETER PACKAGE...: a virtual environment with
# these from PyPI. Wheels only: else pip takes a newer source that does not
# build. A Python with the GIL sees the system's packages, for cffi is one.
make_environment() (
    name=$1 python=$2
    shift 2
    dir=$(environment_directory "$name" "$python")
    wanted="$(python_identity "$python") $*"
    lock "$CACHE/venvs/.lock"
    [ "$(cat "$dir/.complete" 2>/dev/null)" != "$wanted" ] || return 0
    sites=
    python_is_free_threaded "$python" || sites=--system-site-packages
    attempt "Fetching for $(python_tag "$python"): $*" \
        "check that pip can reach PyPI (PIP_CERT names a private authority), and that this Python has wheels of all of these" \
        fill_environment "$dir" "$python" "$sites" "$@"
    printf '%s\n' "$wanted" >"$dir/.complete"
)

# add_to_environment NAME INTERPRETER PACKAGE: one that can be done without. The
# newest, from source if there is no wheel of it; if that does not build, the
# newest that has a wheel. What failed is not tried again there.
add_to_environment() (
    dir=$(environment_directory "$1" "$2")
    lock "$CACHE/venvs/.lock"
    [ ! -e "$dir/.tried-$3" ] || return 0
    say "Fetching for $(python_tag "$2"): $3"
    logged "$dir/bin/python" -m pip install "$3" ||
        logged "$dir/bin/python" -m pip install --prefer-binary "$3" ||
        note "$3 cannot be installed for this Python: it is left out."
    touch "$dir/.tried-$3"
)
