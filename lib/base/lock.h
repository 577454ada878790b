/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A one-word lock for short critical sections.
 *
 * 0 free, 1 held, 2 held and somebody may sleep.  (Drepper, "Futexes are
 * tricky", third mutex.)  A waiter sleeps without owning the lock, between the
 * hooks, and tries again when it is back: nobody owns it asleep or detached.
 *
 * The release in conc_lock_release pairs with the acquire of whoever takes the
 * lock next.
 */
#ifndef CONC_LOCK_H
#define CONC_LOCK_H

#include "futex.h"

struct conc_lock {
	_Atomic uint32_t word;
};

void conc_lock_wait(struct conc_lock *lock, const struct conc_wait_hooks *hooks);

static inline bool conc_lock_try(struct conc_lock *lock)
{
	uint32_t free = 0;

	return atomic_compare_exchange_strong_explicit(
		&lock->word, &free, 1, memory_order_acquire,
		memory_order_relaxed);
}

static inline void conc_lock_acquire(struct conc_lock *lock,
				     const struct conc_wait_hooks *hooks)
{
	if (!conc_lock_try(lock))
		conc_lock_wait(lock, hooks);
}

/* False: the deadline came first. */
bool conc_lock_acquire_until(struct conc_lock *lock, int64_t deadline);

static inline void conc_lock_release(struct conc_lock *lock)
{
	if (atomic_exchange_explicit(&lock->word, 0, memory_order_release) == 2)
		conc_futex_wake(&lock->word, 1);
}

#endif
