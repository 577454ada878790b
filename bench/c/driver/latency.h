/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How long single operations take. */
#ifndef BENCH_LATENCY_H
#define BENCH_LATENCY_H

#include "histogram.h"
#include "plan.h"

/* The i-th scenario, or NULL. */
const struct workload *latency_scenario(size_t i);

/*
 * Runs the scenario of the plan, on a new object each time, until so much time
 * has been spent in it.  Exits with a message if something was lost.
 */
void latency_measure(struct plan *plan, unsigned milliseconds,
		     struct histogram *all);

/* The same for the clock: twice in a row, with nothing between. */
void latency_of_clock(struct histogram *histogram);

#endif
