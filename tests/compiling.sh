# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What run-instrumented and run-fuzz share: compiling the library and its tests
# without another configure, with $flags, from $src into $dir. CC, CPPFLAGS and LIBS
# come from the makefile.
# shellcheck shell=sh disable=SC2154

compile() {
    # shellcheck disable=SC2086
    $CC -std=gnu11 -Wall -Wextra $CPPFLAGS $flags "$@"
}

compile_library() {
    mkdir -p "$dir/lib"
    for file in "$src"/../lib/*.c; do
        compile -c "$file" -o "$dir/lib/$(basename "$file" .c).o"
    done
}

# compile_program NAME SOURCE... links it with the library.
compile_program() {
    program=$1
    shift
    mkdir -p "$(dirname "$dir/$program")"
    # shellcheck disable=SC2086
    compile "$@" "$dir"/lib/*.o -o "$dir/$program" $LIBS
}

# The names of the fuzz targets.
fuzz_targets() {
    for file in "$src"/fuzz/fuzz_*.c; do
        basename "$file" .c | sed 's/^fuzz_//'
    done
}
