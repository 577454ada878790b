# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Install what is missing with the distribution's own tool, and do not as much
# as call it when nothing is. Sourced, after steps.sh.

package_tool() {
    if command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; then
        echo apt
    elif command -v dnf >/dev/null; then
        echo dnf
    else
        echo none
    fi
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

package_is_installed() {
    case $(package_tool) in
        apt) dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed ;;
        dnf) rpm -q --whatprovides "$1" >/dev/null 2>&1 ;;
    esac
}

# Old lists may still do, so a failed update is left for the install to judge.
apt_install() {
    as_root apt-get -q update || echo 'the package lists could not be renewed'
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
        -o DPkg::Lock::Timeout=600 install --no-install-recommends "$@"
}

dnf_install() {
    as_root dnf -y install "$@"
}

# install_packages WHAT PACKAGE...: names of this machine's distribution.
install_packages() {
    local what=$1 tool package
    local missing=()
    shift
    tool=$(package_tool)
    for package in "$@"; do
        package_is_installed "$package" || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
        die "not root, no sudo, and these packages are missing: ${missing[*]}" \
            "have them installed, then run this again"
    fi
    attempt "Installing $what (${missing[*]})" \
        "install them as root, then run this again: ${tool/apt/apt-get} install ${missing[*]}" \
        "${tool}_install" "${missing[@]}"
}
