/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "ready.h"

#include "grace.h"
#include "lock.h"
#include "yield_point.h"

static struct conc_lock lock;

/* Under the lock. */
static struct conc_batches ready;
static unsigned sweeps; /* how often all were taken at once */
static _Atomic bool is_empty = true; /* a hint */

void conc_batches_add(struct conc_batches *batches, struct conc_retired *blocks)
{
	if (blocks == NULL)
		return;
	blocks->next_batch = NULL;
	if (batches->first == NULL)
		batches->first = blocks;
	else
		batches->last->next_batch = blocks;
	batches->last = blocks;
}

static void note_empty(void)
{
	atomic_store_explicit(&is_empty, ready.first == NULL,
			      memory_order_relaxed);
}

bool conc_ready_is_empty(void)
{
	return atomic_load_explicit(&is_empty, memory_order_relaxed);
}

void conc_ready_add(struct conc_batches *batches)
{
	if (batches->first == NULL)
		return;
	conc_lock_acquire(&lock, NULL);
	if (ready.first == NULL)
		ready.first = batches->first;
	else
		ready.last->next_batch = batches->first;
	ready.last = batches->last;
	note_empty();
	conc_lock_release(&lock);
	batches->first = batches->last = NULL;
}

static struct conc_retired *take_batch(unsigned *sweep)
{
	struct conc_retired *batch = NULL;

	if (conc_ready_is_empty() || !conc_lock_try(&lock))
		return NULL;
	*sweep = sweeps;
	batch = ready.first;
	if (batch != NULL)
		ready.first = batch->next_batch;
	note_empty();
	conc_lock_release(&lock);
	return batch;
}

/* Under the lock. */
static void add_in_front(struct conc_retired *batch)
{
	batch->next_batch = ready.first;
	if (ready.first == NULL)
		ready.last = batch;
	ready.first = batch;
	note_empty();
}

/*
 * False: all were taken at once meanwhile, and whoever did that waits for those
 * that have something in hand.  It must not pass from one hand to another.
 */
static bool put_back(struct conc_retired *batch, unsigned sweep)
{
	bool may;

	conc_lock_acquire(&lock, NULL);
	may = sweep == sweeps;
	if (may)
		add_in_front(batch);
	conc_lock_release(&lock);
	return may;
}

static size_t bytes_of(const struct conc_retired *block)
{
	size_t bytes = 0;

	for (; block != NULL; block = block->next)
		bytes += block->bytes;
	return bytes;
}

/*
 * Splits a batch behind `most' blocks.  Returns the rest; *count of the first.
 */
static struct conc_retired *split(struct conc_retired *last, size_t most,
				  size_t *count)
{
	struct conc_retired *rest;

	for (*count = 1; *count < most && last->next != NULL; ++*count)
		last = last->next;
	rest = last->next;
	last->next = NULL;
	return rest;
}

static void append(struct conc_retired *last, struct conc_retired *rest,
		   size_t *count)
{
	while (last->next != NULL)
		last = last->next;
	last->next = rest;
	for (; rest != NULL; rest = rest->next)
		++*count;
}

/*
 * Up to `most' blocks, or a whole batch; *count of them.  They count as freed
 * from now on, as in the child of a fork nobody would free them.
 */
static struct conc_retired *take_some(conc_reader *reader, size_t most,
				      size_t *count)
{
	unsigned sweep = 0;
	struct conc_retired *some = take_batch(&sweep), *rest;

	*count = 0;
	if (some == NULL)
		return NULL;
	rest = split(some, most, count);
	CONC_YIELD_POINT();
	if (rest != NULL && !put_back(rest, sweep))
		append(some, rest, count);
	conc_rcu_count_bytes(reader, -bytes_of(some));
	return some;
}

/* The block that is freed is no more in the record, should its thread end. */
static void free_in_hand(conc_reader *reader)
{
	struct conc_retired *block;

	while ((block = reader->in_hand) != NULL) {
		reader->in_hand = block->next;
		block->free(block);
	}
}

/* release: what was freed; pairs with conc_ready_hands(). */
static void count_hands(conc_reader *reader)
{
	atomic_fetch_add_explicit(&reader->hands, 1, memory_order_release);
}

size_t conc_ready_free(conc_reader *reader, size_t most)
{
	size_t freed = 0, count = 0;

	if (conc_ready_is_empty())
		return 0;
	reader->releasing = true;
	count_hands(reader);
	do {
		reader->in_hand = take_some(reader, most - freed, &count);
		CONC_YIELD_POINT();
		free_in_hand(reader);
		freed += count;
	} while (count != 0 && freed < most);
	count_hands(reader);
	reader->releasing = false;
	return freed;
}

unsigned conc_ready_hands(conc_reader *reader)
{
	unsigned hands = atomic_load_explicit(&reader->hands,
					      memory_order_acquire);

	return hands % 2 == 0 ? 0 : hands;
}

void conc_ready_free_all(conc_reader *reader)
{
	struct conc_batches all;

	conc_lock_acquire(&lock, NULL);
	all = ready;
	ready = (struct conc_batches){NULL, NULL};
	sweeps++;
	note_empty();
	conc_lock_release(&lock);
	reader->releasing = true;
	count_hands(reader);
	while ((reader->in_hand = all.first) != NULL) {
		all.first = all.first->next_batch;
		conc_rcu_count_bytes(reader, -bytes_of(reader->in_hand));
		free_in_hand(reader);
	}
	count_hands(reader);
	reader->releasing = false;
}

void conc_ready_give_back(conc_reader *reader)
{
	if (reader->in_hand != NULL) {
		conc_rcu_count_bytes(reader, bytes_of(reader->in_hand));
		conc_lock_acquire(&lock, NULL);
		add_in_front(reader->in_hand);
		conc_lock_release(&lock);
	}
	reader->in_hand = NULL;
	reader->releasing = false;
	if (conc_ready_hands(reader) != 0)
		count_hands(reader);
}

bool conc_ready_hold(int64_t deadline)
{
	return conc_lock_acquire_until(&lock, deadline);
}

void conc_ready_resume(void)
{
	conc_lock_release(&lock);
}

void conc_ready_forked(bool held)
{
	if (!held)
		ready = (struct conc_batches){NULL, NULL};
	note_empty();
	/* Who slept on it in the parent does not exist here. */
	atomic_store_explicit(&lock.word, 0, memory_order_relaxed);
}
