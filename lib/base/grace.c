/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Grace periods by polling, and what waits for them.  Nobody waits for a reader
 * here but conc_reclaim(), and that asleep, with nothing held.
 *
 *     conc_retire -> batch -> period.blocks -> ready -> freed
 *                    (stack)  (the one under   (batches, some blocks
 *                              way)             at a time)
 *
 * All but the batch changes under one lock, which is tried and never waited for:
 * who finds it taken goes on, as another one is doing the work.
 *
 * A period, numbered `begun':
 *
 *     begins:  take the batch; begun + 1; M1; read the list of readers and
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
 * Orders.  The push to the batch releases the block, its taking acquires.
 * begun: as above.  done: release and acquire, after who found it comes what the
 * readers did.
 */
#include <config.h>

#include "grace.h"

#include <concurrency/reclaim.h>

#include <errno.h>

#include "growing.h"
#include "lock.h"
#include "thread_exit.h"
#include "yield_point.h"

/* A batch is due at this many blocks or bytes of one thread... */
#define BATCH_BLOCKS 64
#define BATCH_BYTES (1 << 20)
/* ...or, if there is less, with one in so many looks. */
#define LOOKS_PER_PERIOD 8

/* Freed at one look: more than one thread retires between two of its own. */
#define FREED_AT_ONCE 128

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
/* A hint: a period is under way, or something is ready. */
static _Atomic bool busy;

/* Under the lock. */
static struct {
	bool under_way;
	bool unlisted; /* not seen 0 since M1 */
	struct conc_retired *blocks;
	conc_reader *watched;
	unsigned looks; /* since the last one began */
} period;

static struct {
	struct conc_retired *first; /* the head of a batch; linked by next_batch */
	struct conc_retired *last;
} ready;

/* The end of the process has begun, or the kernel grants no barrier any more. */
static _Atomic bool over;
static _Atomic bool forbidden;

/* What was retired, less what was freed, by threads without a record. */
static _Atomic size_t bytes_unlisted;

static _Atomic size_t limit = SIZE_MAX / 4 < (64 << 20) ? SIZE_MAX / 4 : 64 << 20;

/* Changes with each period's end; slept on by who naps. */
static _Atomic uint32_t ends;
static _Atomic unsigned nappers;

/* --- retiring -------------------------------------------------------------- */

/* relaxed, all: sums that are exact when it is quiet. */
static void count_bytes(conc_reader *reader, size_t change)
{
	if (!reader->listed)
		atomic_fetch_add_explicit(&bytes_unlisted, change,
					  memory_order_relaxed);
	else
		atomic_store_explicit(
			&reader->bytes,
			atomic_load_explicit(&reader->bytes,
					     memory_order_relaxed) + change,
			memory_order_relaxed);
}

/* The thread that retires has much: it is to look at once. */
static void note_due(conc_reader *reader, size_t bytes)
{
	reader->retired_blocks++;
	reader->retired_bytes += bytes;
	if (reader->retired_blocks < BATCH_BLOCKS &&
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
	count_bytes(reader, bytes);
	while (!atomic_compare_exchange_weak_explicit(
		&batch, &block->next, block, memory_order_release,
		memory_order_relaxed))
		;
	note_due(reader, bytes);
}

void conc_rcu_waits(conc_reader *reader, size_t bytes)
{
	count_bytes(reader, bytes);
	note_due(reader, bytes);
}

void conc_rcu_waits_no_more(size_t bytes)
{
	if (bytes != 0)
		count_bytes(conc_rcu_reader(), -bytes);
}

size_t conc_reclaim_pending(void)
{
	size_t bytes = atomic_load_explicit(&bytes_unlisted,
					    memory_order_relaxed);

	for (conc_reader *r = conc_rcu_readers(); r != NULL; r = r->next)
		bytes += atomic_load_explicit(&r->bytes, memory_order_relaxed);
	/* One thread may be seen to free what another is not yet seen to retire. */
	return bytes > SIZE_MAX / 2 ? 0 : bytes;
}

/* --- grace periods: under the lock ----------------------------------------- */

static struct conc_retired *take_batch(void)
{
	return atomic_exchange_explicit(&batch, NULL, memory_order_acquire);
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
	       ++period.looks >= LOOKS_PER_PERIOD;
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

static void make_ready(struct conc_retired *blocks)
{
	if (blocks == NULL)
		return;
	blocks->next_batch = NULL;
	if (ready.first == NULL)
		ready.first = blocks;
	else
		ready.last->next_batch = blocks;
	ready.last = blocks;
}

/*
 * Ends the period under way, if there is one, and begins the next, if one is to
 * begin: with one barrier, which is M2 of the one and M1 of the other.
 */
static void pass_barrier(bool begins)
{
	uint64_t number = atomic_load_explicit(&begun, memory_order_relaxed);
	struct conc_retired *next = NULL;

	if (begins) {
		atomic_store_explicit(&batch_is_due, false, memory_order_relaxed);
		period.looks = 0;
		next = take_batch();
		CONC_YIELD_POINT();
		/* seq_cst: pairs with conc_rcu_stamp(). */
		atomic_store_explicit(&begun, number + 1, memory_order_seq_cst);
	}
	if (!conc_rcu_barrier()) {
		/* Kept where it can be found, for ever. */
		make_ready(next);
		atomic_store_explicit(&forbidden, true, memory_order_relaxed);
		return;
	}
	if (period.under_way) {
		/* release: what its readers did; pairs with conc_rcu_passed(). */
		atomic_store_explicit(&done, number, memory_order_release);
		make_ready(period.blocks);
		atomic_fetch_add_explicit(&ends, 1, memory_order_relaxed);
	}
	period.under_way = begins;
	period.blocks = next;
	CONC_YIELD_POINT();
	if (begins)
		watch_readers();
}

/* One step, or several while there is nobody to wait for. */
static void advance(bool now)
{
	if (!period.under_way && is_due(now))
		pass_barrier(true);
	if (period.under_way && readers_are_gone())
		pass_barrier(is_due(false));
}

/* Some of what is ready; counted as freed here, as a child would not free it. */
static struct conc_retired *take_ready(void)
{
	struct conc_retired *some = ready.first, *last = some;
	size_t bytes = 0;

	if (some == NULL)
		return NULL;
	bytes = some->bytes;
	for (int n = 1; n < FREED_AT_ONCE && last->next != NULL; n++) {
		last = last->next;
		bytes += last->bytes;
	}
	if (last->next == NULL) {
		ready.first = some->next_batch;
	} else {
		last->next->next_batch = some->next_batch;
		if (ready.last == some)
			ready.last = last->next;
		ready.first = last->next;
		last->next = NULL;
	}
	count_bytes(conc_rcu_reader(), -bytes);
	return some;
}

/* --- looking --------------------------------------------------------------- */

static void free_blocks(struct conc_retired *block)
{
	while (block != NULL) {
		struct conc_retired *next = block->next;

		block->free(block);
		block = next;
	}
}

/* What runs in the callbacks does not release more: no recursion. */
static void free_some(struct conc_retired *blocks)
{
	conc_reader *reader = conc_rcu_reader();

	reader->releasing = true;
	free_blocks(blocks);
	reader->releasing = false;
}

enum polled {
	FREED_SOME,
	FREED_NOTHING,
	LOCK_TAKEN /* somebody else is at it */
};

/* Outside of sections. */
static enum polled poll_once(bool now)
{
	struct conc_retired *blocks;

	if (atomic_load_explicit(&over, memory_order_relaxed) ||
	    atomic_load_explicit(&forbidden, memory_order_relaxed))
		return FREED_NOTHING;
	if (atomic_load_explicit(&lock.word, memory_order_relaxed) != 0 ||
	    !conc_lock_try(&lock))
		return LOCK_TAKEN;
	polls = true;
	advance(now);
	blocks = take_ready();
	/* relaxed: a hint. */
	atomic_store_explicit(&busy, period.under_way || ready.first != NULL,
			      memory_order_relaxed);
	conc_lock_release(&lock);
	polls = false;
	if (blocks == NULL)
		return FREED_NOTHING;
	/* relaxed: who is missed wakes by itself. */
	if (atomic_load_explicit(&nappers, memory_order_relaxed) != 0)
		conc_futex_wake(&ends, INT32_MAX);
	CONC_YIELD_POINT();
	free_some(blocks);
	return FREED_SOME;
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

static bool too_much_waits(void)
{
	return conc_reclaim_pending() >
	       atomic_load_explicit(&limit, memory_order_relaxed);
}

static void nap_once(const struct conc_wait_hooks *hooks)
{
	struct conc_wait_hooks deaf = *hooks;

	/* An operation that is done is not given up for a signal. */
	deaf.interrupted = NULL;
	nap(LONGEST_NAP, &deaf);
	poll_once(true);
}

bool conc_rcu_look(conc_reader *reader, const struct conc_wait_hooks *hooks)
{
	reader->operations_left = CONC_OPERATIONS_PER_LOOK - 1;
	if (conc_rcu_inside(reader))
		return false;
	if (atomic_load_explicit(&busy, memory_order_relaxed) ||
	    something_is_new())
		poll_once(false);
	if (hooks != NULL && too_much_waits())
		nap_once(hooks);
	return true;
}

bool conc_rcu_rest_without(const struct conc_wait_hooks *hooks)
{
	conc_reader *reader = conc_rcu_reader();

	return --reader->operations_left < 0 && conc_rcu_look(reader, hooks);
}

void conc_rcu_rest_now(void)
{
	if (!conc_rcu_inside(conc_rcu_reader()))
		poll_once(true);
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

/* Until all that waits now has passed and, as far as it is ours to do, is freed. */
static int reclaim_all(uint64_t stamp, const struct conc_wait_hooks *hooks)
{
	int64_t ns = SHORTEST_NAP;

	for (;;) {
		bool passed = conc_rcu_passed(stamp);
		enum polled polled = poll_once(!passed);
		int rc;

		if (polled == FREED_SOME)
			continue;
		if (passed && polled == FREED_NOTHING)
			return 0;
		if (atomic_load_explicit(&forbidden, memory_order_relaxed))
			return -ENOSYS;
		if (conc_thread_exit_held())
			return -EBUSY;
		if (conc_rcu_passed(stamp) && polled == FREED_NOTHING)
			continue;
		rc = nap(ns, hooks);
		if (rc != 0 && rc != -ETIMEDOUT)
			return rc;
		/* A signal may have come between two naps. */
		rc = conc_interruptible(hooks) ? conc_interrupted(hooks) : 0;
		if (rc != 0)
			return rc;
		if (ns < LONGEST_NAP)
			ns *= 2;
	}
}

int conc_reclaim(const struct conc_wait_hooks *hooks)
{
	struct conc_wait_hooks own = CONC_WAIT_HOOKS_INIT;
	int rc = conc_growing_take(&own, sizeof(own), hooks);

	if (rc < 0)
		return rc;
	if (conc_rcu_inside(conc_rcu_reader()))
		return -EBUSY;
	if (atomic_load_explicit(&over, memory_order_relaxed))
		return 0;
	return reclaim_all(conc_rcu_stamp(), &own);
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

enum conc_grace_hold conc_grace_hold(int64_t deadline)
{
	if (polls)
		return CONC_GRACE_OWN;
	return conc_lock_acquire_until(&lock, deadline) ? CONC_GRACE_HELD
							: CONC_GRACE_LATE;
}

void conc_grace_resume(void)
{
	conc_lock_release(&lock);
}

/*
 * The lists may be half changed.  So may the period: the child's own section
 * may not have been noted.  The next one has another number.
 */
static void forget_all(void)
{
	for (conc_reader *r = conc_rcu_readers(); r != NULL; r = r->next)
		atomic_store_explicit(&r->bytes, 0, memory_order_relaxed);
	atomic_store_explicit(&bytes_unlisted, 0, memory_order_relaxed);
	atomic_store_explicit(&batch, NULL, memory_order_relaxed);
	period.under_way = false;
	period.blocks = NULL;
	ready.first = ready.last = NULL;
}

void conc_grace_forked(enum conc_grace_hold hold)
{
	atomic_store_explicit(&nappers, 0, memory_order_relaxed);
	if (hold == CONC_GRACE_OWN)
		return;
	if (hold == CONC_GRACE_LATE)
		forget_all();
	/* Who slept on it in the parent does not exist here. */
	atomic_store_explicit(&lock.word, 0, memory_order_relaxed);
}
