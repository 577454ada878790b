/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What no reader can have any more, and waits to be freed: batches of blocks, in
 * the order in which they came.  grace.c brings them; who looks frees some.
 *
 * A lock of its own, held for a few instructions: freeing does not depend on who
 * is in the middle of a barrier.  Who frees takes a batch, keeps as many blocks
 * as it will free and puts back the rest; not if conc_reclaim() has taken all
 * meanwhile, which then waits for those that free something, each once.
 */
#ifndef CONC_READY_H
#define CONC_READY_H

#include "rcu.h"

/* Batches, linked through the `next_batch' of their first blocks. */
struct conc_batches {
	struct conc_retired *first;
	struct conc_retired *last;
};

/* Takes over `blocks', which may be NULL, as a batch. */
void conc_batches_add(struct conc_batches *batches, struct conc_retired *blocks);

/* Takes them over, and leaves none. */
void conc_ready_add(struct conc_batches *batches);

/* relaxed: a hint. */
bool conc_ready_is_empty(void);

/*
 * Frees about `most' blocks, with no lock held; returns how many.  Within it the
 * thread frees nothing more: no recursion.  (`reader' may be one of a thread
 * that has ended before it is back.)
 */
size_t conc_ready_free(conc_reader *reader, size_t most);

/* Frees all that is ready now. */
void conc_ready_free_all(conc_reader *reader);

/* What a thread that has ended was about to free. */
void conc_ready_give_back(conc_reader *reader);

/* Whether that thread frees something: then a number that will change. */
unsigned conc_ready_hands(conc_reader *reader);

/* Around a fork; the child: without the lock all is forgotten. */
bool conc_ready_hold(int64_t deadline);
void conc_ready_resume(void);
void conc_ready_forked(bool held);

#endif
