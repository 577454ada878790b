/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How long many operations in a row take, on one thread or on several. */
#ifndef BENCH_THROUGHPUT_H
#define BENCH_THROUGHPUT_H

#include "plan.h"

#define MOST_REPEATS 100

struct effort {
	unsigned repeats;
	int64_t target;  /* ns that one repeat should take */
	int64_t warm_up; /* ns to run before the first */
};

/* Writes the ns per operation of each repeat.  Exits if a sum is wrong. */
void throughput_measure(struct plan *plan, const struct effort *effort,
			double *ns);

#endif
