/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "lock.h"

#include <errno.h>

/* About the length of a critical section; longer and its owner is not running. */
#define SPINS 100

void conc_lock_wait(struct conc_lock *lock, const struct conc_wait_hooks *hooks)
{
	struct conc_wait_hooks deaf = {0};

	for (int i = 0; i < SPINS; i++) {
		conc_relax();
		if (atomic_load_explicit(&lock->word, memory_order_relaxed) == 0 &&
		    conc_lock_try(lock))
			return;
	}
	/* An operation that has begun is not given up for a signal. */
	if (hooks != NULL) {
		deaf = *hooks;
		deaf.interrupted = NULL;
	}
	while (atomic_exchange_explicit(&lock->word, 2, memory_order_acquire) != 0)
		conc_sleep(&lock->word, 2, CONC_FOREVER, &deaf);
}

bool conc_lock_acquire_until(struct conc_lock *lock, int64_t deadline)
{
	if (conc_lock_try(lock))
		return true;
	while (atomic_exchange_explicit(&lock->word, 2, memory_order_acquire) != 0)
		if (conc_futex_wait(&lock->word, 2, deadline) == -ETIMEDOUT)
			return false;
	return true;
}
