/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How many bytes a structure takes. */
#ifndef BENCH_MEMORY_H
#define BENCH_MEMORY_H

#include "plan.h"

/* The i-th scenario, or NULL. */
const struct workload *memory_scenario(size_t i);

/* Before anything else: calls this program again with heap.so preloaded. */
void memory_begin(char **arguments);

/*
 * The figure of the scenario that the plan names, in its unit.  `parts`: the
 * counts and the time of the scenario are divided by it.  Exits with a message
 * if entries or items are lost.
 */
double memory_measure(struct plan *plan, unsigned parts);

#endif
