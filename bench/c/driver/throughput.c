/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "throughput.h"

/* One measurement: ns for `passes` passes of all threads. */
static int64_t time_passes(struct plan *plan, size_t passes)
{
	int64_t elapsed;

	if (plan->workload->fresh)
		plan_make(plan);
	elapsed = plan_run(plan, passes, run_whole);
	plan_verify(plan, passes);
	if (plan->workload->fresh)
		plan_destroy(plan);
	return elapsed;
}

/* Until warm_up ns have gone by; returns how many passes take `target` ns. */
static size_t warm_up(struct plan *plan, int64_t warm, int64_t target)
{
	int64_t spent = 0, elapsed;
	size_t passes = 1;

	do {
		elapsed = time_passes(plan, passes);
		spent += elapsed;
		if (!plan->workload->fresh && elapsed < target)
			passes = elapsed < target / 2
					 ? 2 * passes
					 : passes * (size_t)target /
						   (size_t)elapsed;
	} while (spent < warm || (!plan->workload->fresh && elapsed < target / 2));
	return passes;
}

void throughput_measure(struct plan *plan, const struct effort *effort,
			double *ns)
{
	int64_t warm = effort->warm_up;
	size_t passes;
	unsigned i;

	if (warm < plan->library->warm_up)
		warm = plan->library->warm_up;
	plan->workload->lay(plan);
	if (!plan->workload->fresh)
		plan_make(plan);
	passes = warm_up(plan, warm, effort->target);
	for (i = 0; i < effort->repeats; i++)
		ns[i] = (double)time_passes(plan, passes) / (double)passes /
			(double)plan->operations;
	if (!plan->workload->fresh)
		plan_destroy(plan);
}
