#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
#   build.sh JAVA_HOME OUT
#
# Makes OUT/java_classes and OUT/java_peers.h.  JCTools is fetched by Maven, or
# else the one that is installed, or else left out: Debian's (2.1) is older than
# its unbounded queue.
set -eu
cd "$(dirname "$0")"
home=$1 out=$2
classes=$out/java_classes
rm -rf "$classes"
mkdir -p "$classes"
jar=$classes/jctools-core.jar

fetch_jctools() {
    command -v mvn >/dev/null &&
        mvn -q dependency:copy -Dartifact=org.jctools:jctools-core:4.0.5 \
            -Dmdep.stripVersion=true -DoutputDirectory="$classes" >/dev/null 2>&1
}

copy_jctools() {
    for installed in /usr/share/java/jctools-core.jar /usr/share/java/jctools/jctools-core.jar; do
        if [ -e "$installed" ]; then
            cp "$installed" "$jar"
            return
        fi
    done
}

# missing CLASS: why it is, as a C expression
missing() {
    if [ ! -e "$jar" ]; then
        echo '"JCTools is neither installed nor fetched by Maven"'
    elif ! "$home/bin/javap" -cp "$jar" "$1" >/dev/null 2>&1; then
        echo '"the installed JCTools is too old for it"'
    else
        echo NULL
    fi
}

fetch_jctools || copy_jctools
no_jctools=$(missing org.jctools.maps.NonBlockingHashMapLong)
no_xadd=$(missing org.jctools.queues.MpmcUnboundedXaddArrayQueue)

set -- peers/Peer.java peers/Task.java peers/IntMap.java peers/StringMap.java peers/Fifo.java \
    peers/Counters.java peers/Maps.java peers/Queues.java
[ "$no_jctools" != NULL ] || set -- "$@" peers/JcTools.java
[ "$no_xadd" != NULL ] || set -- "$@" peers/JcToolsXadd.java
"$home/bin/javac" -Xlint:all,-path -cp "$jar" -d "$classes" "$@"

cat >"$out/java_peers.h" <<END
#define CLASS_PATH "$classes:$jar"
#define NO_JCTOOLS $no_jctools
#define NO_XADD $no_xadd
END
