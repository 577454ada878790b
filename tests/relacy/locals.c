/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the thread-local variables of the library are: as fibers are no
 * threads, they are compiled into a section of their own, and explore.cc gives
 * each fiber its copy.
 */
#include "explore.h"

extern char __start_per_thread[] __attribute__((weak));
extern char __stop_per_thread[] __attribute__((weak));

/* Called before there are runs. */
__attribute__((no_sanitize("thread"))) char *explore_locals(size_t *bytes)
{
	*bytes = (size_t)(__stop_per_thread - __start_per_thread);
	return __start_per_thread;
}
