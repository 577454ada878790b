/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the calls that may wait have in common: their last two arguments. */
#ifndef CONC_CANCEL_H
#define CONC_CANCEL_H

#include <concurrency/cancel.h>

#include <errno.h>

#include "clock.h"
#include "object.h"

/* Of a token that is not NULL.  0; -ECANCELED; -EINVAL: not ours. */
int conc_cancel_check(const conc_cancel *cancel);

/*
 * Whether a call that was given these may begin.  0; -EINVAL; -ECANCELED.  In
 * two steps, so that a call without a token pays for a comparison.
 */
static inline int conc_wait_check(int64_t deadline, const conc_cancel *cancel)
{
	if (CONC_UNLIKELY(!conc_is_deadline(deadline)))
		return -EINVAL;
	return CONC_UNLIKELY(cancel != NULL) ? conc_cancel_check(cancel) : 0;
}

#endif
