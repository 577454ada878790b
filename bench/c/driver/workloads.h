/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What each thread does in each workload that is timed. */
#ifndef BENCH_WORKLOADS_H
#define BENCH_WORKLOADS_H

#include "plan.h"

/* A catalogue of what is timed. */
const struct workload *workload_at(size_t i);

/* For `lay`: the threads insert `count` keys, each its share of them. */
void lay_shares(struct plan *plan, size_t count);

#endif
