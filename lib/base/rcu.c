/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Readers: their records, and all of a section that is not inline. */
#include <config.h>

#include "rcu.h"

#include <urcu/arch.h>
#include <urcu/compiler.h>
#include <urcu/config.h>

#include <concurrency/reclaim.h>

#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "grace.h"
#include "ready.h"
#include "thread_exit.h"

#if defined(CONC_URCU_CALLED) && !defined(CONFIG_RCU_FORCE_SYS_MEMBARRIER)
extern int urcu_bp_has_sys_membarrier;
#elif defined(CONC_URCU_CALLED)
#define urcu_bp_has_sys_membarrier 1
#endif

/* Of a thread that has no record, or must not use it without a look. */
static conc_reader no_reader = {.word = CONC_SLOWLY};

_Thread_local conc_reader *conc_rcu_own = &no_reader;

static _Thread_local struct {
	conc_reader *record;
	bool ends;	      /* liburcu may take its own away at any moment */
	conc_reader unlisted; /* for sections without a record */
} own;

/* Pushed to only. */
static _Atomic(conc_reader *) readers;

_Atomic size_t conc_rcu_unlisted;
_Atomic unsigned conc_rcu_reader_count;

conc_reader *conc_rcu_readers(void)
{
	/* acquire: what is in the newest record; pairs with push_reader(). */
	return atomic_load_explicit(&readers, memory_order_acquire);
}

/* --- barriers -------------------------------------------------------------- */

bool conc_rcu_barrier(void)
{
	if (!urcu_bp_has_sys_membarrier) {
		cmm_smp_mb();
		return true;
	}
#ifdef SYS_membarrier
	/* MEMBARRIER_CMD_PRIVATE_EXPEDITED, for which liburcu has registered. */
	return syscall(SYS_membarrier, 1 << 3, 0) == 0;
#else
	return false;
#endif
}

/* The same of a reader, in its section. */
static void conc_rcu_mb_slave(void)
{
	if (urcu_bp_has_sys_membarrier)
		cmm_barrier();
	else
		cmm_smp_mb();
}

/* --- records --------------------------------------------------------------- */

/* One whose thread has ended.  acquire: pairs with conc_rcu_thread_ended(). */
static conc_reader *used_reader(void)
{
	for (conc_reader *r = conc_rcu_readers(); r != NULL; r = r->next)
		if (!atomic_load_explicit(&r->taken, memory_order_relaxed) &&
		    !atomic_exchange_explicit(&r->taken, true,
					      memory_order_acquire))
			return r;
	return NULL;
}

/* release: what is in the record; pairs with conc_rcu_readers(). */
static void push_reader(conc_reader *reader)
{
	reader->next = atomic_load_explicit(&readers, memory_order_relaxed);
	while (!atomic_compare_exchange_weak_explicit(
		&readers, &reader->next, reader, memory_order_release,
		memory_order_relaxed))
		;
}

static conc_reader *take_reader(void)
{
	conc_reader *reader = used_reader();

	if (reader != NULL)
		return reader;
	reader = conc_alloc_lines(sizeof(*reader));
	if (reader == NULL)
		return NULL;
	reader->listed = true;
	atomic_init(&reader->taken, true);
	push_reader(reader);
	atomic_fetch_add_explicit(&conc_rcu_reader_count, 1,
				  memory_order_relaxed);
	return reader;
}

static bool is_inside(conc_reader *reader)
{
	return (atomic_load_explicit(&reader->word, memory_order_relaxed) &
		CONC_DEPTH) != 0;
}

/*
 * What the calling thread enters its next section with.  Makes the thread known
 * to liburcu, and its end to us (thread_exit.h).
 */
conc_reader *conc_rcu_reader(void)
{
	conc_reader *reader;

	if (conc_rcu_own != &no_reader)
		return conc_rcu_own;
	if (is_inside(&own.unlisted))
		return &own.unlisted;
	if (own.record != NULL && is_inside(own.record))
		return own.record;
	/* A thread that ends has been taken leave of. */
	if (!own.ends)
		conc_thread_enter(urcu_bp_register_thread);
	if (own.record == NULL) {
		own.record = take_reader();
		conc_thread_exit_await();
	}
	reader = own.record != NULL ? own.record : &own.unlisted;
#ifndef CONC_URCU_CALLED
	if (!own.ends)
		reader->urcu = URCU_TLS(urcu_bp_reader);
#ifdef HAVE___CXA_THREAD_ATEXIT_IMPL
	/* Elsewhere liburcu may take leave before this is cleared. */
	if (reader->listed && urcu_bp_has_sys_membarrier && !own.ends)
		conc_rcu_own = reader;
#endif
#endif
	return reader;
}

/*
 * From here on liburcu may take its record of this thread away at any moment:
 * the thread's sections are ours alone, also one that it is in.
 */
static void leave_liburcu(conc_reader *reader)
{
	unsigned long word = atomic_load_explicit(&reader->word,
						  memory_order_relaxed);

	if ((word & CONC_DEPTH) == 0)
		return;
	/* Not if a destructor of liburcu's was earlier. */
	if (urcu_bp_read_ongoing())
		urcu_bp_read_unlock();
	if ((word & CONC_SLOWLY) == 0)
		atomic_store_explicit(&reader->word, word - 1 + CONC_SLOWLY,
				      memory_order_relaxed);
}

void conc_rcu_thread_ends(void)
{
	if (!own.ends && own.record != NULL)
		leave_liburcu(own.record);
	if (!own.ends)
		leave_liburcu(&own.unlisted);
	own.ends = true;
	conc_rcu_own = &no_reader;
}

/* A section that its thread has not left, and never will. */
static void end_for(conc_reader *reader)
{
	unsigned long word = atomic_load_explicit(&reader->word,
						  memory_order_relaxed);

	if ((word & CONC_DEPTH) != 0)
		atomic_store_explicit(&reader->word,
				      (word & ~CONC_DEPTH) + CONC_ENDED,
				      memory_order_release);
	reader->draining = reader->too_deep = false;
	reader->debt = 0;
	/* release: all that it did, to the next thread that takes the record. */
	atomic_store_explicit(&reader->taken, false, memory_order_release);
}

void conc_rcu_thread_ended(void)
{
	conc_reader *reader = own.record;

	conc_rcu_thread_ends();
	own.record = NULL;
	if (reader != NULL) {
		conc_ready_give_back(reader);
		end_for(reader);
	}
	if (is_inside(&own.unlisted)) {
		end_for(&own.unlisted);
		atomic_fetch_sub_explicit(&conc_rcu_unlisted, 1,
					  memory_order_release);
	}
}

void conc_rcu_forked(void)
{
	for (conc_reader *r = conc_rcu_readers(); r != NULL; r = r->next) {
		if (r == own.record)
			continue;
		/* What it had in hand is lost to this process. */
		r->in_hand = NULL;
		conc_ready_give_back(r);
		end_for(r);
	}
	atomic_store_explicit(&conc_rcu_unlisted, is_inside(&own.unlisted),
			      memory_order_relaxed);
}

/* --- sections -------------------------------------------------------------- */

conc_reader *conc_rcu_enter_slowly(void)
{
	conc_reader *reader = conc_rcu_reader();
	unsigned long word = atomic_load_explicit(&reader->word,
						  memory_order_relaxed);

	if ((word & CONC_DEPTH) != 0) {
		reader->too_deep |= (word & CONC_DEEPEST) == CONC_DEEPEST;
		if (!reader->too_deep)
			atomic_store_explicit(&reader->word, word + 1,
					      memory_order_relaxed);
		/* A signal handler may be here before the other's barrier. */
		conc_rcu_mb_slave();
		return reader;
	}
	if (!reader->listed)
		/* seq_cst: before all of the section, as a push to the list. */
		atomic_fetch_add_explicit(&conc_rcu_unlisted, 1,
					  memory_order_seq_cst);
	/*
	 * release: the sections of who had the record before, where readers have
	 * barriers of their own; pairs with grace.c.
	 */
	atomic_store_explicit(&reader->word, word + CONC_SLOWLY,
			      memory_order_release);
	if (!own.ends)
		urcu_bp_read_lock();
	/* Within a section of another user, liburcu has none. */
	conc_rcu_mb_slave();
	return reader;
}

static void end_section(conc_reader *reader, unsigned long word)
{
	if (!own.ends)
		urcu_bp_read_unlock();
	atomic_store_explicit(&reader->word, (word & ~CONC_DEPTH) + CONC_ENDED,
			      CONC_WORD_STORE);
	if (!reader->listed)
		/* release: all of the section; pairs with grace.c. */
		atomic_fetch_sub_explicit(&conc_rcu_unlisted, 1,
					  memory_order_release);
}

void conc_rcu_leave_slowly(conc_reader *reader)
{
	unsigned long word = atomic_load_explicit(&reader->word,
						  memory_order_relaxed);

	/* Nested, too: who was interrupted may have had its own already. */
	conc_rcu_mb_slave();
	if (reader->too_deep)
		return;
	if ((word & CONC_DEPTH) == CONC_SLOWLY)
		end_section(reader, word);
	else
		atomic_store_explicit(&reader->word, word - 1,
				      memory_order_relaxed);
}

bool conc_rcu_inside(conc_reader *reader)
{
	if (reader->releasing || is_inside(reader))
		return true;
	if (own.ends)
		return false;
#ifdef CONC_URCU_CALLED
	return urcu_bp_read_ongoing();
#else
	return (reader->urcu->ctr & URCU_BP_GP_CTR_NEST_MASK) != 0;
#endif
}

/* --- for users of the library ---------------------------------------------- */

void conc_read_begin(void)
{
	conc_rcu_enter();
}

void conc_read_end(void)
{
	conc_reader *reader = conc_rcu_reader();

	if (!is_inside(reader))
		return;
	conc_rcu_leave(reader);
	conc_rcu_rest(reader, NULL);
}
