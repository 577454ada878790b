/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Futexes on Linux.  Elsewhere, or with --disable-futex, a sleep is a nanosleep
 * of growing length: slower to wake, the same promises.
 */
#include <config.h>

#include "futex.h"

#include <errno.h>
#include <limits.h>
#include <time.h>

#ifdef HAVE_FUTEX
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * The call that takes our struct timespec: another one on 32-bit machines with
 * a time_t of 64 bits, the newest of which have no other.
 */
#ifndef SYS_futex
#define SYS_futex SYS_futex_time64
#endif
#ifdef SYS_futex_time64
#define FUTEX (sizeof(time_t) > sizeof(long) ? SYS_futex_time64 : SYS_futex)
#else
#define FUTEX SYS_futex
#endif
#endif

#define NS_PER_S INT64_C(1000000000)

#ifdef HAVE_FUTEX

int conc_futex_wait(_Atomic uint32_t *word, uint32_t expected, int64_t deadline)
{
	struct timespec until, *limit = NULL;

	if (deadline != CONC_FOREVER) {
		until.tv_sec = deadline / NS_PER_S;
		until.tv_nsec = deadline % NS_PER_S;
		limit = &until;
	}
	/* WAIT_BITSET, as it takes an absolute time of the monotonic clock. */
	if (syscall(FUTEX, word, FUTEX_WAIT_BITSET_PRIVATE, expected, limit,
		    NULL, FUTEX_BITSET_MATCH_ANY) == 0)
		return 0;
	return errno == ETIMEDOUT || errno == EINTR ? -errno : 0;
}

void conc_futex_wake(_Atomic uint32_t *word, int count)
{
	syscall(FUTEX, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

#else

int conc_futex_wait(_Atomic uint32_t *word, uint32_t expected, int64_t deadline)
{
	struct timespec pause = {0, 50 * 1000};

	while (atomic_load_explicit(word, memory_order_acquire) == expected) {
		if (deadline != CONC_FOREVER && conc_now() >= deadline)
			return -ETIMEDOUT;
		if (nanosleep(&pause, NULL) != 0)
			return -EINTR;
		if (pause.tv_nsec < 2 * 1000 * 1000)
			pause.tv_nsec *= 2;
	}
	return 0;
}

void conc_futex_wake(_Atomic uint32_t *word, int count)
{
	(void)word;
	(void)count;
}

#endif

/*
 * A signal that lands between wait_begin and the futex call does not end the
 * sleep, so a thread that a signal may interrupt sleeps no longer than this at a
 * time.  (Only such a thread: hundreds that wait would be hundreds of wakes a
 * second for nothing.)
 */
#define LONGEST_SLEEP NS_PER_S

static int64_t slice_end(int64_t deadline)
{
	int64_t end = conc_now() + LONGEST_SLEEP;

	return deadline == CONC_FOREVER || end < deadline ? end : deadline;
}

bool conc_interruptible(const struct conc_wait_hooks *hooks)
{
	return hooks != NULL && hooks->interrupted != NULL &&
	       (hooks->interruptible == NULL ||
		hooks->interruptible(hooks->user));
}

int conc_interrupted(const struct conc_wait_hooks *hooks)
{
	int rc = hooks->interrupted(hooks->user);

	return rc > 0 ? -EINVAL : rc;
}

int conc_sleep(_Atomic uint32_t *word, uint32_t expected, int64_t deadline,
	       const struct conc_wait_hooks *hooks)
{
	bool asks = conc_interruptible(hooks);

	for (;;) {
		int64_t end = asks ? slice_end(deadline) : deadline;
		void *token = NULL;
		int rc;

		if (hooks != NULL && hooks->wait_begin != NULL)
			token = hooks->wait_begin(hooks->user);
		rc = conc_futex_wait(word, expected, end);
		if (hooks != NULL && hooks->wait_end != NULL)
			hooks->wait_end(token, hooks->user);
		if (rc == 0 || (rc == -ETIMEDOUT && end == deadline))
			return rc;
		rc = asks ? conc_interrupted(hooks) : 0;
		if (rc != 0)
			return rc;
	}
}
