/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The slow half of the eventcount: polling, sleeping, leaving and calling.
 */
#include <config.h>

#include "eventcount.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>

#include "yield_point.h"

/*
 * How long a thread looks before it enters: between looks the pauses double up
 * to this many, which makes 1 to 2 us.  It costs nothing beside the sleep that
 * may follow.
 */
#define LONGEST_PAUSE_BEFORE_SLEEP 32

/*
 * To sleep and be woken takes 20 to 40 us.  So two threads that could answer
 * each other in less than 1 us keep on putting each other to sleep, once one of
 * them has slept: the other one, too, now waits for longer than it looks.
 * Therefore a thread that has called somebody since its last wait, and may be
 * waiting for the answer, watches this many ns before it sleeps, if waits were
 * shorter than that of late.  (Who only takes what comes is better off asleep:
 * meanwhile there comes more, and nobody takes the lines away from who writes
 * them.)
 */
#define ANSWER_TIME 50000
/* A wait counts for no more: so a long one ends the watching for some time. */
#define LONG_WAIT 1000000

#define ONE_WAITING UINT64_C(1)
#define ONE_CALLED (UINT64_C(1) << 20)
#define NEXT_SEQUENCE (UINT64_C(1) << 40)

#define WAITING CONC_EVENTCOUNT_WAITING
#define CALLED (WAITING * ONE_CALLED)

/* Back-off while polling: doubles up to this many pauses, then lets others run. */
#define LONGEST_PAUSE 64

/* The half with the sequence: a futex has 32 bits. */
static _Atomic uint32_t *slept_on(struct conc_eventcount *event)
{
	return &event->state.half[__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__];
}

/* Announces this thread; returns the sequence, for sleep_from(). */
static uint32_t enter(struct conc_eventcount *event)
{
	/*
	 * seq_cst: stands before the second look in the order of all such
	 * operations; pairs with the load in conc_eventcount_notify.  acquire,
	 * which it includes: who reads the sequence of a call sees in its
	 * second look what was published before.
	 */
	return atomic_fetch_add_explicit(&event->state.word, ONE_WAITING,
					 memory_order_seq_cst) >> 32;
}

static bool changed(struct conc_eventcount *event, uint32_t seen)
{
	/* acquire: as in enter(); without it a look more, no wake less. */
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
	bool asks = conc_interruptible(hooks);
	void *token = NULL;
	bool called;
	int rc = 0;

	if (deadline != CONC_FOREVER && deadline < end)
		end = deadline;
	if (hooks != NULL && hooks->wait_begin != NULL)
		token = hooks->wait_begin(hooks->user);
	called = watch(event, seen, end);
	if (hooks != NULL && hooks->wait_end != NULL)
		hooks->wait_end(token, hooks->user);
	if (called)
		return 0;
	/* A signal that came meanwhile interrupted no system call. */
	if (asks)
		rc = conc_interrupted(hooks);
	return rc != 0 ? rc : 1;
}

/* Since this thread waited last. */
static _Thread_local bool has_called;

/* relaxed, here and below: a guess that may be lost. */
static bool answer_is_near(struct conc_eventcount *event)
{
	return has_called &&
	       atomic_load_explicit(&event->recent, memory_order_relaxed) <
		       ANSWER_TIME;
}

/* A moving average: the last wait weighs a quarter. */
static void note_wait(struct conc_eventcount *event, int64_t ns)
{
	uint32_t recent = atomic_load_explicit(&event->recent,
					       memory_order_relaxed);
	uint32_t last = ns < LONG_WAIT ? (uint32_t)ns : LONG_WAIT;

	atomic_store_explicit(&event->recent, recent - recent / 4 + last / 4,
			      memory_order_relaxed);
}

/* Until a call that came after `seen', as conc_eventcount_await(). */
static int sleep_from(struct conc_eventcount *event, uint32_t seen,
		      int64_t deadline, int64_t poll,
		      const struct conc_wait_hooks *hooks)
{
	int rc;

	if (poll > 0) {
		rc = poll_detached(event, seen, deadline, poll, hooks);
		if (rc <= 0)
			return rc;
	}
	CONC_YIELD_POINT();
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

static void leave(struct conc_eventcount *event)
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

static bool soon(bool (*there_is)(void *what), void *what)
{
	for (int pauses = 1; pauses <= LONGEST_PAUSE_BEFORE_SLEEP;
	     pauses *= 2) {
		if (there_is(what))
			return true;
		conc_pause(pauses);
	}
	return false;
}

int conc_eventcount_await(struct conc_eventcount *event,
			  bool (*there_is)(void *what), void *what,
			  int64_t deadline, int64_t poll,
			  const struct conc_wait_hooks *hooks)
{
	int64_t began;
	uint32_t seen;
	int rc = 0;

	if (deadline == CONC_TRY)
		return there_is(what) ? 0 : -EAGAIN;
	if (soon(there_is, what))
		return 0;
	began = conc_now();
	if (poll < ANSWER_TIME && answer_is_near(event))
		poll = ANSWER_TIME;
	has_called = false;
	seen = enter(event);
	CONC_YIELD_POINT();
	if (!there_is(what))
		rc = sleep_from(event, seen, deadline, poll, hooks);
	CONC_YIELD_POINT();
	leave(event);
	note_wait(event, conc_now() - began);
	return rc;
}

void conc_eventcount_call(struct conc_eventcount *event, bool all)
{
	/*
	 * seq_cst: the change stands before the load of `sleepers', which pairs
	 * with the addition above.  It releases what was published to who reads
	 * the new sequence.  (That the first load stands after the publication
	 * is notify's doing, which has read the word, too.)
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
	has_called = true;
	CONC_YIELD_POINT();
	if (atomic_load_explicit(&event->sleepers, memory_order_seq_cst) != 0)
		conc_futex_wake(slept_on(event), all ? INT_MAX : 1);
}
