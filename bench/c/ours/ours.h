/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * This library, through its public headers, as any program calls it.  A file
 * here includes those, bench.h and loops.h; it knows nothing of driver/ and of
 * peers/.  ours.c lists what the program measures.
 */
#ifndef BENCH_OURS_H
#define BENCH_OURS_H

#include "bench.h"

extern const struct library our_bounded_queue; /* bounded.c */

#endif
