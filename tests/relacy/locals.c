/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What explore.cc finds in every program.
 *
 * Where the thread-local variables of the library are: as fibers are no
 * threads, they are compiled into a section of their own, and explore.cc gives
 * each fiber its copy.
 */
#include "explore.h"
#include "base/grace.h"

int urcu_bp_has_sys_membarrier = 1;
struct urcu_bp_gp urcu_bp_gp = {URCU_BP_GP_COUNT};
_Thread_local struct urcu_bp_reader urcu_bp_reader_own;

/* Records are never freed. */
void explore_assert_no_leaks(void)
{
	for (conc_reader *r = conc_rcu_readers(); r != NULL; r = r->next)
		explore_keep(r);
	explore_assert_only_kept();
}

extern char __start_per_thread[] __attribute__((weak));
extern char __stop_per_thread[] __attribute__((weak));

/* Called before there are runs. */
__attribute__((no_sanitize("thread"))) char *explore_locals(size_t *bytes)
{
	*bytes = (size_t)(__stop_per_thread - __start_per_thread);
	return __start_per_thread;
}
