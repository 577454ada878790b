/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Two parts of one program may each hand the library's fork functions to
 * pthread_atfork(), not knowing of one another.
 */
#include "cases.h"

static void component(void)
{
	pthread_atfork(conc_before_fork, conc_after_fork_parent,
		       conc_after_fork_child);
}

int main(void)
{
	alarm(5);
	component();
	component();
	fork_once();
	return 0;
}
