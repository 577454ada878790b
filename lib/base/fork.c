/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fork().  The library's own handlers are the functions that a program may call,
 * so these nest: the first call of a thread holds, the last one lets go; in the
 * child the first one does, and the others find nothing to do.
 *
 * Held, for at most 2 s each: threads that come or end (thread_exit.h), and
 * grace.c's lock, so that the lists of what waits are whole in the child.  The
 * lock is held by who works on these lists, which waits for nobody; so the fork
 * waits for it only as long as that thread does not run.  In its place a child
 * forgets what waited: that memory is lost to it.
 */
#include <config.h>

#include <concurrency/reclaim.h>

#include "grace.h"
#include "thread_exit.h"

static _Thread_local struct {
	unsigned depth;
	enum conc_grace_hold lock;
} fork_of;

void conc_before_fork(void)
{
	if (fork_of.depth++ != 0)
		return;
	conc_thread_exit_hold();
	fork_of.lock = conc_grace_hold(conc_deadline_after(CONC_FORK_WAIT));
}

void conc_after_fork_parent(void)
{
	if (fork_of.depth == 0 || --fork_of.depth != 0)
		return;
	if (fork_of.lock == CONC_GRACE_HELD)
		conc_grace_resume();
	conc_thread_exit_resume();
}

/*
 * The first call, as the handlers of others that follow may use the library,
 * and fork: what they hold then is another fork's.
 */
void conc_after_fork_child(void)
{
	if (fork_of.depth == 0)
		return;
	fork_of.depth = 0;
	conc_thread_exit_forked();
	conc_rcu_forked();
	conc_grace_forked(fork_of.lock);
}
