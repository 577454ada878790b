/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The driver: the work that each thread does, the same for every library, made
 * ready, run, measured and checked.  It knows a library as its struct library
 * (../bench.h) alone.  A file calls those below it and none beside or above it:
 *
 *     main.c                                arguments and output
 *     throughput.c  latency.c  memory.c     what is found out
 *     workloads.c                           what is timed, and what others take
 *     plan.c                                a workload, ready for a library
 *     keys.c  threads.c                     its steps; who runs them
 *     ../bench.c                            what libraries may call, too
 *
 * heap.c is not linked with them: the programs preload it to measure memory.
 */
#ifndef BENCH_DRIVER_H
#define BENCH_DRIVER_H

#include "bench.h"

#define MOST_THREADS 64

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
