/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conc_cancel: a flag.
 *
 * Who finds it set has seen what was written before it was fired: release by
 * conc_cancel_fire(), acquire by the loads.  A store and a load of a flag
 * without a lock may stand in a signal handler.
 */
#include <config.h>

#include "cancel.h"

#include <stdatomic.h>

#include "memory.h"

struct conc_cancel {
	struct conc_object object;
	_Atomic bool fired;
};

int conc_cancel_new(conc_cancel **out)
{
	conc_cancel *cancel;

	if (out == NULL)
		return -EINVAL;
	cancel = conc_alloc(sizeof(*cancel));
	if (cancel == NULL)
		return -ENOMEM;
	conc_object_mark(cancel);
	*out = cancel;
	return 0;
}

void conc_cancel_free(conc_cancel *cancel)
{
	if (conc_is_ours(cancel))
		conc_release(cancel);
}

void conc_cancel_fire(conc_cancel *cancel)
{
	if (conc_is_ours(cancel))
		atomic_store_explicit(&cancel->fired, true,
				      memory_order_release);
}

bool conc_cancel_fired(const conc_cancel *cancel)
{
	return conc_is_ours(cancel) &&
	       atomic_load_explicit(&cancel->fired, memory_order_acquire);
}

void conc_cancel_reset(conc_cancel *cancel)
{
	/* relaxed: orders nothing; who resets sees to it that no call is under way. */
	if (conc_is_ours(cancel))
		atomic_store_explicit(&cancel->fired, false,
				      memory_order_relaxed);
}

int conc_cancel_check(const conc_cancel *cancel)
{
	if (!conc_is_ours(cancel))
		return -EINVAL;
	return conc_cancel_fired(cancel) ? -ECANCELED : 0;
}
