# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
#
# Compiling the library, its tests and the extension module with other flags
# than the build's, without another configure.  Sourced.
#
# src (tests/), dir (where to) and flags are the caller's variables; CC, CPPFLAGS
# and LIBS, and for the module PYTHON_INCLUDE, PYTHON_EXT_SUFFIX and FFI_SOURCE,
# come from the makefile.

compile() {
    # shellcheck disable=SC2086,SC2154
    $CC -std=gnu11 -Wall -Wextra -I"$src/../lib" $CPPFLAGS $flags "$@"
}

# The objects of the library, in $dir/lib.
compile_library() {
    for file in "$src"/../lib/*/*.c; do
        # shellcheck disable=SC2154
        object=$dir/lib/${file#"$src/../lib/"}
        mkdir -p "$(dirname "$object")"
        compile -c "$file" -o "${object%.c}.o"
    done
}

# compile_program NAME SOURCE...: $dir/NAME, with these objects.
compile_program() {
    output=$dir/$1
    shift
    mkdir -p "$(dirname "$output")"
    # shellcheck disable=SC2086
    compile "$@" "$dir"/lib/*/*.o -o "$output" $LIBS
}

# The package in $dir/concurrency, with the library in its module.
compile_module() {
    package=$dir/concurrency
    mkdir -p "$package"
    # shellcheck disable=SC2086
    compile -fPIC -shared -fvisibility=hidden -D_CFFI_NO_LIMITED_API \
        -I"$src/../python/src" -isystem "$PYTHON_INCLUDE" \
        "$src"/../lib/*/*.c "$src"/../python/src/*/*.c "$FFI_SOURCE" \
        -o "$package/_concurrency$PYTHON_EXT_SUFFIX" $LIBS
    cp "$src"/../python/concurrency/*.py "$src"/../python/concurrency/*.pyi "$package"
}

# The names of the fuzz targets; the source of one is fuzz/*/fuzz_NAME.c.
fuzz_targets() {
    for file in "$src"/fuzz/*/fuzz_*.c; do
        basename "$file" .c | sed 's/^fuzz_//'
    done
}
