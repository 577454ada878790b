/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sleeping until a 32-bit word changes, with and without the hooks of a
 * runtime around it.
 */
#ifndef CONC_FUTEX_H
#define CONC_FUTEX_H

#include <stdatomic.h>

#include <concurrency/common.h>

/*
 * Sleeps while *word == expected, at the latest until the deadline.  0: woken,
 * or the word differs, or no reason at all; -ETIMEDOUT; -EINTR.
 */
int conc_futex_wait(_Atomic uint32_t *word, uint32_t expected,
		    int64_t deadline);

/* Wakes up to `count` threads that sleep on the word. */
void conc_futex_wake(_Atomic uint32_t *word, int count);

/*
 * conc_futex_wait between hooks->wait_begin and hooks->wait_end.  0,
 * -ETIMEDOUT, or what hooks->interrupted answered.  hooks may be NULL.
 */
int conc_sleep(_Atomic uint32_t *word, uint32_t expected, int64_t deadline,
	       const struct conc_wait_hooks *hooks);

/*
 * Whether hooks->interrupted is to be asked in the sleep that begins now; if so,
 * it is there.
 */
bool conc_interruptible(const struct conc_wait_hooks *hooks);

/* Asks hooks->interrupted, which is there.  0, or what ends the wait. */
int conc_interrupted(const struct conc_wait_hooks *hooks);

/* Tells the processor that this thread is spinning. */
static inline void conc_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#else
	atomic_signal_fence(memory_order_seq_cst);
#endif
}

#endif
