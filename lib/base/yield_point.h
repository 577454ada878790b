/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Places between two steps of a protocol, where what another thread does in
 * between matters most.  configure --enable-yield-points makes a thread that
 * comes by yield or sleep there now and then, so that tests meet interleavings
 * that otherwise take days; in every other build they are nothing at all.
 *
 * Never inside a lock that a signal handler or fork handler takes, and not
 * between the wait hooks.
 */
#ifndef CONC_YIELD_POINT_H
#define CONC_YIELD_POINT_H

#ifdef CONC_YIELD_POINTS

#include <concurrency/common.h>

/*
 * Each seed makes a few of the points slow, where threads sleep for up to 100
 * us, and at all others they sometimes yield.  0 turns everything off; so it is
 * until somebody calls this, or CONC_YIELD_SEED is in the environment.
 */
CONC_API void conc_yield_seed(uint64_t seed);

void conc_yield_at(unsigned line);
#define CONC_YIELD_POINT() conc_yield_at(__LINE__)

#else
#define CONC_YIELD_POINT() ((void)0)
#endif

#endif
