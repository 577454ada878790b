/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The slow half of the eventcount: polling, sleeping, leaving and calling.
 */
#include <config.h>

#include "eventcount.h"

#include <limits.h>
#include <sched.h>

#define ONE_WAITING UINT64_C(1)
#define ONE_CALLED (UINT64_C(1) << 20)
#define NEXT_SEQUENCE (UINT64_C(1) << 40)

#define WAITING CONC_EVENTCOUNT_WAITING
#define CALLED (WAITING * ONE_CALLED)

/* Back-off while polling: doubles up to this many pauses, then lets others run. */
#define LONGEST_PAUSE 256

/* The half with the sequence: a futex has 32 bits. */
static _Atomic uint32_t *slept_on(struct conc_eventcount *event)
{
	return &event->state.half[__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__];
}

static bool changed(struct conc_eventcount *event, uint32_t seen)
{
	/* acquire: as in conc_eventcount_enter. */
	return atomic_load_explicit(&event->state.word, memory_order_acquire) >>
		       32 !=
	       seen;
}

/* Watches the sequence, and nothing else of the structure, until `end'. */
static bool watch(struct conc_eventcount *event, uint32_t seen, int64_t end)
{
	int pauses = 1;

	while (!changed(event, seen)) {
		if (conc_now() >= end)
			return false;
		conc_pause(pauses);
		if (pauses < LONGEST_PAUSE)
			pauses *= 2;
		else
			sched_yield();
	}
	return true;
}

/* 0: the sequence changed; 1: it did not; or what `interrupted' answered. */
static int poll_detached(struct conc_eventcount *event, uint32_t seen,
			 int64_t deadline, int64_t poll,
			 const struct conc_wait_hooks *hooks)
{
	int64_t end = conc_deadline_after(poll);
	void *token = NULL;
	bool called;
	int rc = 0;

	if (deadline != CONC_FOREVER && deadline < end)
		end = deadline;
	if (hooks != NULL && hooks->wait_begin != NULL)
		token = hooks->wait_begin(hooks->user);
	called = watch(event, seen, end);
	if (hooks != NULL && hooks->wait_end != NULL)
		hooks->wait_end(hooks->user, token);
	if (called)
		return 0;
	/* A signal that came meanwhile interrupted no system call. */
	if (hooks != NULL && hooks->interrupted != NULL)
		rc = hooks->interrupted(hooks->user);
	return rc != 0 ? rc : 1;
}

int conc_eventcount_sleep(struct conc_eventcount *event, uint32_t seen,
			  int64_t deadline, int64_t poll,
			  const struct conc_wait_hooks *hooks)
{
	int rc;

	if (poll > 0) {
		rc = poll_detached(event, seen, deadline, poll, hooks);
		if (rc <= 0)
			return rc;
	}
	/*
	 * seq_cst: before the kernel's own look at the sequence, which a sleep
	 * begins with (under a lock, behind a full barrier).  So a call that
	 * finds no sleeper has changed what that look reads.
	 */
	atomic_fetch_add_explicit(&event->sleepers, 1, memory_order_seq_cst);
	rc = conc_sleep(slept_on(event), seen, deadline, hooks);
	/* relaxed: counted too long, it costs a system call. */
	atomic_fetch_sub_explicit(&event->sleepers, 1, memory_order_relaxed);
	return rc;
}

void conc_eventcount_leave(struct conc_eventcount *event)
{
	/*
	 * relaxed, all: only the numbers count.  (Every write of the word is a
	 * read-modify-write, so it does not interrupt the release of a call.)
	 */
	uint64_t word = atomic_load_explicit(&event->state.word,
					     memory_order_relaxed);

	while (!atomic_compare_exchange_weak_explicit(
		&event->state.word, &word,
		word - (word & CALLED ? ONE_CALLED : ONE_WAITING),
		memory_order_relaxed, memory_order_relaxed))
		;
}

void conc_eventcount_call(struct conc_eventcount *event, bool all)
{
	/*
	 * seq_cst: stands after the publication, and the change before the load
	 * of `sleepers', which pairs with the addition above.  It releases what
	 * was published to who reads the new sequence.
	 */
	uint64_t word = atomic_load_explicit(&event->state.word,
					     memory_order_seq_cst);
	uint64_t calls;

	do {
		calls = all ? word & WAITING : (word & WAITING) != 0;
		if (calls == 0)
			return;
	} while (!atomic_compare_exchange_weak_explicit(
		&event->state.word, &word,
		word + NEXT_SEQUENCE + calls * (ONE_CALLED - ONE_WAITING),
		memory_order_seq_cst, memory_order_seq_cst));
	if (atomic_load_explicit(&event->sleepers, memory_order_seq_cst) != 0)
		conc_futex_wake(slept_on(event), all ? INT_MAX : 1);
}
