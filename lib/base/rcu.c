/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "rcu.h"

#include <concurrency/reclaim.h>

#include <errno.h>

#include "growing.h"
#include "lock.h"
#include "thread_exit.h"

/*
 * `batch` is a stack that is only pushed to and taken whole: no ABA.  The push
 * releases what was written to the block; the taker acquires it.
 */
static _Atomic(struct conc_retired *) batch;
struct conc_batch_size conc_batch_size;

static struct conc_lock reclaim_lock;

/* Both change under reclaim_lock only. */
static _Atomic uint64_t begun;
static _Atomic uint64_t done;

#ifdef CONC_TSAN
#include <stdlib.h>

void __tsan_acquire(void *address);
void __tsan_release(void *address);

struct tag {
	struct tag *next;
};

static _Atomic(struct tag *) tags;
static _Thread_local struct tag *own_tag;

void conc_rcu_tsan_leave(void)
{
	if (own_tag == NULL) {
		own_tag = calloc(1, sizeof(*own_tag));
		own_tag->next = atomic_load(&tags);
		while (!atomic_compare_exchange_weak(&tags, &own_tag->next,
						     own_tag))
			;
	}
	__tsan_release(own_tag);
}

static void wait_for_readers(void)
{
	urcu_bp_synchronize_rcu();
	for (struct tag *t = atomic_load(&tags); t != NULL; t = t->next)
		__tsan_acquire(t);
}
#else
static void wait_for_readers(void)
{
	urcu_bp_synchronize_rcu();
}
#endif

conc_reader *conc_rcu_register(void)
{
	conc_thread_enter(urcu_bp_register_thread);
#ifdef CONC_URCU_CALLED
	return NULL;
#else
	return URCU_TLS(urcu_bp_reader);
#endif
}

void conc_retire(struct conc_retired *block, size_t bytes,
		 void (*free)(struct conc_retired *block))
{
	block->bytes = bytes;
	block->free = free;
	block->next = atomic_load_explicit(&batch, memory_order_relaxed);
	while (!atomic_compare_exchange_weak_explicit(
		&batch, &block->next, block, memory_order_release,
		memory_order_relaxed))
		;
	atomic_fetch_add_explicit(&conc_batch_size.bytes, bytes, memory_order_relaxed);
	atomic_fetch_add_explicit(&conc_batch_size.blocks, 1, memory_order_relaxed);
}

static struct conc_retired *take_batch(void)
{
	return atomic_exchange_explicit(&batch, NULL, memory_order_acquire);
}

static void free_batch(struct conc_retired *block)
{
	while (block != NULL) {
		struct conc_retired *next = block->next;

		atomic_fetch_sub_explicit(&conc_batch_size.bytes, block->bytes,
					  memory_order_relaxed);
		atomic_fetch_sub_explicit(&conc_batch_size.blocks, 1,
					  memory_order_relaxed);
		block->free(block);
		block = next;
	}
}

/*
 * The lock is taken, held and released within one sleep of the runtime: nobody
 * attaches or detaches with it.
 */
static bool reclaim_detached(void)
{
	struct conc_retired *blocks;
	uint64_t period;

	if (!conc_lock_try(&reclaim_lock))
		return false;
	blocks = take_batch();
	period = atomic_load_explicit(&begun, memory_order_relaxed) + 1;
	/* Pairs with conc_rcu_stamp: who reads the old number is covered. */
	atomic_store_explicit(&begun, period, memory_order_seq_cst);
	wait_for_readers();
	/* Pairs with conc_rcu_passed. */
	atomic_store_explicit(&done, period, memory_order_release);
	conc_lock_release(&reclaim_lock);
	free_batch(blocks);
	return true;
}

int conc_rcu_reclaim(const struct conc_wait_hooks *hooks)
{
	void *token = NULL;
	bool reclaimed;

	conc_rcu_reader();
	if (urcu_bp_read_ongoing() ||
	    atomic_load_explicit(&reclaim_lock.word, memory_order_relaxed) != 0)
		return -EBUSY;
	if (hooks != NULL && hooks->wait_begin != NULL)
		token = hooks->wait_begin(hooks->user);
	reclaimed = reclaim_detached();
	if (hooks != NULL && hooks->wait_end != NULL)
		hooks->wait_end(token, hooks->user);
	return reclaimed ? 0 : -EBUSY;
}

int conc_reclaim(const struct conc_wait_hooks *hooks)
{
	struct conc_wait_hooks own = CONC_WAIT_HOOKS_INIT;
	int rc = conc_growing_take(&own, sizeof(own), hooks);

	return rc < 0 ? rc : conc_rcu_reclaim(&own);
}

size_t conc_reclaim_pending(void)
{
	return atomic_load_explicit(&conc_batch_size.bytes, memory_order_relaxed);
}

uint64_t conc_rcu_stamp(void)
{
	return atomic_load_explicit(&begun, memory_order_seq_cst);
}

bool conc_rcu_passed(uint64_t stamp)
{
	return atomic_load_explicit(&done, memory_order_acquire) > stamp;
}

/*
 * Around fork() only the reclaim lock is taken: with it nobody is inside
 * synchronize_rcu, and taking liburcu's own locks across the fork handlers of
 * others can deadlock with a thread's first read section.  (Threads that come
 * and go take one of those locks too: see thread_exit.h.)
 */
void conc_before_fork(void)
{
	conc_lock_acquire(&reclaim_lock, NULL);
}

void conc_after_fork_parent(void)
{
	conc_lock_release(&reclaim_lock);
}

void conc_after_fork_child(void)
{
	/* Who slept on it in the parent does not exist here. */
	atomic_store_explicit(&reclaim_lock.word, 0, memory_order_relaxed);
	urcu_bp_before_fork();
	urcu_bp_after_fork_child();
}
