/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Grace periods by polling, and what waits for them.  Nobody waits for a reader
 * here but conc_reclaim(), and that asleep, with nothing held.
 *
 *     conc_retire -> batch -> period.blocks -> ready.c -> freed
 *                    (stack)  (the one under   (some blocks at
 *                              way)             a time)
 *
 * All but the batch changes under one lock, which is tried and never waited for:
 * who finds it taken goes on, as another one is doing the work.
 *
 * A period, numbered `begun':
 *
 *     begins:  begun + 1; take the batch; M1; read the list of readers and
 *              note the word of each that is inside: these are watched
 *     looks:   who is outside, or has ended another number of sections than
 *              was noted, is watched no more
 *     ends:    nobody is watched; M2; done = begun; the batch is ready
 *
 * M1 and M2 are barriers of every thread (conc_rcu_barrier).  A reader whose
 * word M1 does not show inside begins its section behind M1, and so finds none
 * of what was unlinked before it.  The list is read behind M1: a record that is
 * not in it yet belongs to such a reader, too.  M2: a reader's last loads come
 * before the store that ended its section was seen, also on ARM and POWER.  One
 * barrier is M2 of a period and M1 of the next when more waits.  To look for
 * who is outside would be enough, but a busy reader is seldom seen there.
 *
 * A stamp is `begun', read behind the step that made something unreachable.
 * Both are sequentially consistent, and so is the store to begun that comes before
 * M1: so all see that step before M1 of period stamp + 1, and when done > stamp
 * nobody has it.  (A mere release would not do, though there is a membarrier:
 * that comes to one thread after the other, and a reader that had it could miss
 * a step that still is in its writer's store buffer, and not be seen inside.)
 *
 * Orders.  The push to the batch releases the block, its taking acquires.  The
 * taking releases begun, too, and the push acquires, for conc_reclaim(): a block
 * that was pushed before a stamp was read is in the batch of period stamp + 1 at
 * the latest.
 * begun: as above.  done: release and acquire, after who found it comes what the
 * readers did.
 */
#include <config.h>

#include "grace.h"

#include <concurrency/reclaim.h>

#include <errno.h>

#include "growing.h"
#include "lock.h"
#include "ready.h"
#include "thread_exit.h"
#include "yield_point.h"

/* A batch is due at this many blocks or bytes of one thread... */
#define BATCH_BLOCKS 64
#define BATCH_BYTES (1 << 20)
/* ...or, if there is less, with one in so many looks. */
#define LOOKS_PER_PERIOD 8

/*
 * Freed at one look, and twice what the thread itself has retired: so that it
 * frees more than it brings.
 */
#define FREED_AT_ONCE 128
#define DEBT_MOST (1 << 16)

/* What a thread counts by itself before it tells the others. */
#define UNTOLD_MOST (1 << 16)

/* In ns. */
#define LONGEST_NAP (1000 * 1000)
#define SHORTEST_NAP (50 * 1000)

static _Atomic(struct conc_retired *) batch;
static _Atomic bool batch_is_due;

/* One more than the newest stamp that somebody has; 0: there is none. */
static _Atomic uint64_t wanted;

static struct conc_lock lock;
/* This thread has it: a signal handler that forks must not wait for it. */
static _Thread_local bool polls;

/* Change under the lock only. */
static _Atomic uint64_t begun;
static _Atomic uint64_t done;
/* A hint: a period is under way. */
static _Atomic bool busy;

/* Under the lock. */
static struct {
	bool under_way;
	bool unlisted; /* not seen 0 since M1 */
	uint64_t number;
	struct conc_batches blocks;
	conc_reader *watched;
	unsigned looks; /* since the last one began */
} period;
/* Taken, and still before an M1. */
static struct conc_batches taken;

/* The end of the process has begun. */
static _Atomic bool over;
/* The kernel did not grant the last barrier. */
static _Atomic bool forbidden;

/* What was retired, less what was freed, as far as threads have told. */
static _Atomic size_t bytes_told;

static _Atomic size_t limit = SIZE_MAX / 4 < (64 << 20) ? SIZE_MAX / 4 : 64 << 20;

/* Changes with each period's end; slept on by who naps. */
static _Atomic uint32_t ends;
static _Atomic unsigned nappers;

/* --- retiring -------------------------------------------------------------- */

/* relaxed, all: sums that are exact when it is quiet. */
void conc_rcu_count_bytes(conc_reader *reader, size_t change)
{
	size_t untold = atomic_load_explicit(&reader->bytes,
					     memory_order_relaxed) + change;

	if (!reader->listed || untold + UNTOLD_MOST > 2 * UNTOLD_MOST) {
		atomic_fetch_add_explicit(&bytes_told, untold,
					  memory_order_relaxed);
		untold = 0;
	}
	atomic_store_explicit(&reader->bytes, untold, memory_order_relaxed);
}

/* A period looks at each record, also at those of threads that have ended. */
static unsigned enough_blocks(void)
{
	return BATCH_BLOCKS + atomic_load_explicit(&conc_rcu_reader_count,
						   memory_order_relaxed) / 8;
}

/* The thread that retires has much: it is to look at once. */
static void note_due(conc_reader *reader, size_t bytes)
{
	if (reader->debt < DEBT_MOST)
		reader->debt++;
	reader->retired_blocks++;
	reader->retired_bytes += bytes;
	if (reader->retired_blocks < enough_blocks() &&
	    reader->retired_bytes < BATCH_BYTES)
		return;
	reader->retired_blocks = 0;
	reader->retired_bytes = 0;
	reader->operations_left = 0;
	atomic_store_explicit(&batch_is_due, true, memory_order_relaxed);
}

void conc_retire(struct conc_retired *block,
		 void (*free)(struct conc_retired *block))
{
	conc_reader *reader = conc_rcu_reader();
	size_t bytes = block->bytes;

	block->free = free;
	block->next = atomic_load_explicit(&batch, memory_order_relaxed);
	/* Before the push: behind it another thread may free it. */
	conc_rcu_count_bytes(reader, bytes);
	while (!atomic_compare_exchange_weak_explicit(
		&batch, &block->next, block, memory_order_acq_rel,
		memory_order_relaxed))
		;
	note_due(reader, bytes);
}

void conc_rcu_waits(conc_reader *reader, size_t bytes)
{
	conc_rcu_count_bytes(reader, bytes);
	note_due(reader, bytes);
}

void conc_rcu_waits_no_more(size_t bytes)
{
	if (bytes != 0)
		conc_rcu_count_bytes(conc_rcu_reader(), -bytes);
}

size_t conc_reclaim_pending(void)
{
	size_t bytes = atomic_load_explicit(&bytes_told, memory_order_relaxed);

	for (conc_reader *r = conc_rcu_readers(); r != NULL; r = r->next)
		bytes += atomic_load_explicit(&r->bytes, memory_order_relaxed);
	/* One thread may be seen to free what another is not yet seen to retire. */
	return bytes > SIZE_MAX / 2 ? 0 : bytes;
}

/* --- grace periods: under the lock ----------------------------------------- */

static struct conc_retired *take_batch(void)
{
	return atomic_exchange_explicit(&batch, NULL, memory_order_acq_rel);
}

/* relaxed, all: what is missed now is seen at another look. */
static bool something_is_new(void)
{
	return atomic_load_explicit(&batch, memory_order_relaxed) != NULL ||
	       atomic_load_explicit(&wanted, memory_order_relaxed) >
		       atomic_load_explicit(&begun, memory_order_relaxed);
}

static bool is_due(bool now)
{
	if (!something_is_new())
		return false;
	return now ||
	       atomic_load_explicit(&batch_is_due, memory_order_relaxed) ||
	       ++period.looks >=
		       LOOKS_PER_PERIOD + enough_blocks() / BATCH_BLOCKS - 1;
}

/*
 * acquire: pairs with the barrier of a reader that leaves, where readers have
 * their own, as another thread may do M2.
 */
static unsigned long word_of(const conc_reader *reader)
{
	return atomic_load_explicit(&reader->word, memory_order_acquire);
}

static void watch_readers(void)
{
	period.watched = NULL;
	period.unlisted = true;
	for (conc_reader *r = conc_rcu_readers(); r != NULL; r = r->next) {
		r->noted = word_of(r);
		if ((r->noted & CONC_DEPTH) == 0)
			continue;
		r->next_watched = period.watched;
		period.watched = r;
	}
}

/* In the section that was noted: at whatever depth by now. */
static bool is_still_inside(const conc_reader *reader)
{
	unsigned long word = word_of(reader);

	return (word & CONC_DEPTH) != 0 &&
	       (word & ~CONC_DEPTH) == (reader->noted & ~CONC_DEPTH);
}

static bool readers_are_gone(void)
{
	conc_reader **link = &period.watched;

	while (*link != NULL) {
		conc_reader *reader = *link;

		if (is_still_inside(reader))
			link = &reader->next_watched;
		else
			*link = reader->next_watched;
	}
	/* acquire: pairs with the leaving of those that have no record. */
	if (atomic_load_explicit(&conc_rcu_unlisted, memory_order_acquire) == 0)
		period.unlisted = false;
	return period.watched == NULL && !period.unlisted;
}

/* Of the period under way. */
static void end_period(void)
{
	conc_ready_add(&period.blocks);
	CONC_YIELD_POINT();
	/*
	 * release: what its readers did, and that its blocks are ready: who finds
	 * that it has passed frees them.  Pairs with conc_rcu_passed().
	 */
	atomic_store_explicit(&done, period.number, memory_order_release);
	atomic_fetch_add_explicit(&ends, 1, memory_order_relaxed);
	/* relaxed: who is missed wakes by itself. */
	if (atomic_load_explicit(&nappers, memory_order_relaxed) != 0)
		conc_futex_wake(&ends, INT32_MAX);
}

/* Counts the period and takes the batch; M1 is still to come. */
static uint64_t prepare_period(void)
{
	uint64_t number = atomic_load_explicit(&begun, memory_order_relaxed) + 1;

	atomic_store_explicit(&batch_is_due, false, memory_order_relaxed);
	period.looks = 0;
	/*
	 * seq_cst: pairs with conc_rcu_stamp().  Before the taking: who pushes
	 * too late for that does not read an older number.
	 */
	atomic_store_explicit(&begun, number, memory_order_seq_cst);
	CONC_YIELD_POINT();
	conc_batches_add(&taken, take_batch());
	return number;
}

/*
 * Ends the period under way, if there is one, and begins the next, if one is to
 * begin: with one barrier, which is M2 of the one and M1 of the other.
 */
static void pass_barrier(bool begins)
{
	uint64_t number = begins ? prepare_period() : 0;
	bool passed = conc_rcu_barrier();

	/* Without: all stays where it is, for a later attempt. */
	atomic_store_explicit(&forbidden, !passed, memory_order_relaxed);
	if (!passed)
		return;
	if (period.under_way)
		end_period();
	period.under_way = begins;
	CONC_YIELD_POINT();
	if (!begins)
		return;
	period.number = number;
	period.blocks = taken;
	taken = (struct conc_batches){NULL, NULL};
	watch_readers();
}

/* One step, or several while there is nobody to wait for. */
static void advance(bool now)
{
	if (!period.under_way && is_due(now))
		pass_barrier(true);
	if (period.under_way && readers_are_gone())
		pass_barrier(is_due(false));
	atomic_store_explicit(&busy, period.under_way, memory_order_relaxed);
}

/* --- looking --------------------------------------------------------------- */

/* False: somebody else is at it. */
static bool poll_once(bool now)
{
	if (atomic_load_explicit(&over, memory_order_relaxed))
		return true;
	if (atomic_load_explicit(&lock.word, memory_order_relaxed) != 0 ||
	    !conc_lock_try(&lock))
		return false;
	polls = true;
	advance(now);
	/* In this order: a fork in between waits for the lock, and not for ever. */
	polls = false;
	conc_lock_release(&lock);
	return true;
}

static void free_some(conc_reader *reader)
{
	size_t freed;

	if (atomic_load_explicit(&over, memory_order_relaxed))
		return;
	freed = conc_ready_free(reader, FREED_AT_ONCE + 2 * (size_t)reader->debt);
	reader->debt -= freed < reader->debt ? (unsigned)freed : reader->debt;
}

/* At most 1 ms, until a period has ended. */
static int nap(int64_t ns, const struct conc_wait_hooks *hooks)
{
	uint32_t seen = atomic_load_explicit(&ends, memory_order_relaxed);
	int rc;

	atomic_fetch_add_explicit(&nappers, 1, memory_order_relaxed);
	rc = conc_sleep(&ends, seen, conc_deadline_after(ns), hooks);
	atomic_fetch_sub_explicit(&nappers, 1, memory_order_relaxed);
	return rc;
}

/* As far as this thread knows: the others may keep a little to themselves. */
static bool too_much_waits(conc_reader *reader)
{
	size_t bytes = atomic_load_explicit(&bytes_told, memory_order_relaxed) +
		       atomic_load_explicit(&reader->bytes, memory_order_relaxed);

	return bytes <= SIZE_MAX / 2 &&
	       bytes > atomic_load_explicit(&limit, memory_order_relaxed) &&
	       !atomic_load_explicit(&forbidden, memory_order_relaxed) &&
	       !atomic_load_explicit(&over, memory_order_relaxed);
}

static void nap_once(conc_reader *reader, const struct conc_wait_hooks *hooks)
{
	struct conc_wait_hooks deaf = *hooks;

	/* An operation that is done is not given up for a signal. */
	deaf.interrupted = NULL;
	nap(LONGEST_NAP, &deaf);
	poll_once(true);
	free_some(reader);
}

bool conc_rcu_look(conc_reader *reader, const struct conc_wait_hooks *hooks)
{
	if (conc_rcu_inside(reader)) {
		/* The end of the section is the next opportunity. */
		reader->operations_left = 0;
		return false;
	}
	reader->operations_left = CONC_OPERATIONS_PER_LOOK - 1;
	if (atomic_load_explicit(&busy, memory_order_relaxed) ||
	    something_is_new())
		poll_once(false);
	free_some(reader);
	if (hooks != NULL && too_much_waits(reader))
		nap_once(reader, hooks);
	return !reader->draining;
}

bool conc_rcu_rest_without(const struct conc_wait_hooks *hooks)
{
	return conc_rcu_rest(conc_rcu_reader(), hooks);
}

bool conc_rcu_may_release(void)
{
	conc_reader *reader = conc_rcu_reader();

	return !reader->draining && !conc_rcu_inside(reader);
}

bool conc_rcu_rest_now(void)
{
	conc_reader *reader = conc_rcu_reader();

	if (conc_rcu_inside(reader))
		return false;
	poll_once(true);
	free_some(reader);
	return !reader->draining;
}

/* --- stamps ---------------------------------------------------------------- */

uint64_t conc_rcu_stamp(void)
{
	uint64_t stamp, newest = atomic_load_explicit(&wanted,
						      memory_order_relaxed);

	/* seq_cst, as the step before it: see the top of this file. */
	stamp = atomic_load_explicit(&begun, memory_order_seq_cst);
	/* relaxed: who does not see it yet does not begin a period for it. */
	while (newest <= stamp &&
	       !atomic_compare_exchange_weak_explicit(
		       &wanted, &newest, stamp + 1, memory_order_relaxed,
		       memory_order_relaxed))
		;
	return stamp;
}

uint64_t conc_rcu_newest_stamp(void)
{
	return atomic_load_explicit(&begun, memory_order_relaxed);
}

bool conc_rcu_passed(uint64_t stamp)
{
	return atomic_load_explicit(&done, memory_order_acquire) > stamp;
}

/* --- for users of the library ---------------------------------------------- */

/* What the caller's structure is to the library. */
struct deferred {
	struct conc_retired retired;
	void (*fn)(struct conc_deferred *deferred);
};

_Static_assert(sizeof(struct deferred) <= sizeof(struct conc_deferred) &&
		       _Alignof(struct deferred) <= _Alignof(struct conc_deferred),
	       "what is deferred is a block");

static void call_deferred(struct conc_retired *block)
{
	struct deferred *deferred = (struct deferred *)block;

	deferred->fn((struct conc_deferred *)deferred);
}

void conc_defer(struct conc_deferred *given,
		void (*fn)(struct conc_deferred *deferred))
{
	struct deferred *deferred = (struct deferred *)given;

	if (given == NULL || fn == NULL)
		return;
	deferred->fn = fn;
	deferred->retired.bytes = sizeof(*given);
	conc_retire(&deferred->retired, call_deferred);
}

/* A step of a wait.  0, or what ends it. */
static int wait_a_little(int64_t *ns, const struct conc_wait_hooks *hooks)
{
	int rc;

	if (atomic_load_explicit(&forbidden, memory_order_relaxed))
		return -ENOSYS;
	if (conc_thread_exit_held() ||
	    atomic_load_explicit(&over, memory_order_relaxed))
		return -EBUSY;
	rc = nap(*ns, hooks);
	if (rc != 0 && rc != -ETIMEDOUT)
		return rc;
	*ns = 2 * *ns < LONGEST_NAP ? 2 * *ns : LONGEST_NAP;
	/* A signal may have come between two naps. */
	return conc_interruptible(hooks) ? conc_interrupted(hooks) : 0;
}

static int await_readers(uint64_t stamp, const struct conc_wait_hooks *hooks)
{
	int64_t ns = SHORTEST_NAP;
	int rc = 0;

	while (rc == 0 && !conc_rcu_passed(stamp)) {
		poll_once(true);
		if (!conc_rcu_passed(stamp))
			rc = wait_a_little(&ns, hooks);
	}
	return rc;
}

/* For those who are freeing something now, one after the other. */
static int await_hands(const struct conc_wait_hooks *hooks)
{
	int rc = 0;

	for (conc_reader *r = conc_rcu_readers(); r != NULL; r = r->next) {
		unsigned hands = conc_ready_hands(r);
		int64_t ns = SHORTEST_NAP;

		while (rc == 0 && hands != 0 && conc_ready_hands(r) == hands)
			rc = wait_a_little(&ns, hooks);
	}
	return rc;
}

int conc_reclaim(const struct conc_wait_hooks *hooks)
{
	struct conc_wait_hooks own = CONC_WAIT_HOOKS_INIT;
	conc_reader *reader = conc_rcu_reader();
	int rc = conc_growing_take(&own, sizeof(own), hooks);

	if (rc < 0)
		return rc;
	if (conc_rcu_inside(reader))
		return -EBUSY;
	rc = await_readers(conc_rcu_stamp(), &own);
	if (rc != 0)
		return rc;
	conc_ready_free_all(reader);
	rc = await_hands(&own);
	/* What a thread has handed back that ended meanwhile. */
	conc_ready_free_all(reader);
	return rc;
}

size_t conc_reclaim_set_limit(size_t bytes)
{
	return atomic_exchange_explicit(&limit, bytes, memory_order_relaxed);
}

/* --- the ends of things ---------------------------------------------------- */

/* Other threads may go on, but what they need to poll may be gone. */
__attribute__((destructor)) static void end(void)
{
	atomic_store_explicit(&over, true, memory_order_relaxed);
}

static enum conc_grace_hold hold(int64_t deadline)
{
	if (!conc_lock_acquire_until(&lock, deadline))
		return CONC_GRACE_LATE;
	if (conc_ready_hold(deadline))
		return CONC_GRACE_HELD;
	conc_lock_release(&lock);
	return CONC_GRACE_LATE;
}

enum conc_grace_hold conc_grace_hold(int64_t deadline)
{
	return polls ? CONC_GRACE_OWN : hold(deadline);
}

void conc_grace_resume(void)
{
	conc_ready_resume();
	conc_lock_release(&lock);
}

/*
 * The lists may be half changed.  So may the period: the child's own section
 * may not have been noted.  The next one has another number, and is wanted by
 * whoever has a stamp.
 */
static void forget_all(void)
{
	for (conc_reader *r = conc_rcu_readers(); r != NULL; r = r->next)
		atomic_store_explicit(&r->bytes, 0, memory_order_relaxed);
	atomic_store_explicit(&bytes_told, 0, memory_order_relaxed);
	atomic_store_explicit(&batch, NULL, memory_order_relaxed);
	atomic_store_explicit(
		&wanted,
		atomic_load_explicit(&begun, memory_order_relaxed) + 1,
		memory_order_relaxed);
	period.under_way = false;
	period.blocks = taken = (struct conc_batches){NULL, NULL};
}

void conc_grace_forked(enum conc_grace_hold held)
{
	atomic_store_explicit(&nappers, 0, memory_order_relaxed);
	if (held == CONC_GRACE_OWN)
		return;
	if (held == CONC_GRACE_LATE)
		forget_all();
	conc_ready_forked(held == CONC_GRACE_HELD);
	/* Who slept on it in the parent does not exist here. */
	atomic_store_explicit(&lock.word, 0, memory_order_relaxed);
}
