/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A soak: every structure at once under 64 threads, for as long as one likes.
 * A load is one kind of structure and what threads do to it.  It keeps account
 * of all that went in and came out, each thread in a place of its own, and the
 * two must be equal when the threads are gone.
 */
#ifndef TESTS_SOAK_H
#define TESTS_SOAK_H

#include <concurrency.h>
#include <stdatomic.h>

#define SOAK_THREADS 64

struct soaker {
	_Alignas(64) unsigned who;
	uint64_t seed;
	/* Calls of the library; the main thread reads it now and then. */
	_Atomic uint64_t operations;
};

struct load {
	const char *name;
	void (*begin)(void);
	/* Some hundred operations; returns their number. */
	unsigned (*burst)(struct soaker *soaker);
	/* All threads are gone: compares the accounts and frees. */
	void (*end)(void);
};

extern const struct load load_counts, load_values, load_queue,
	load_bounded_queue, load_gather, load_ref, load_atomic;

/* What one thread put in and got out; sums wrap around. */
struct account {
	_Alignas(64) uint64_t in, out;
	uint64_t in_squares, out_squares;
};

static inline void account_in(struct account *account, uint64_t number)
{
	account->in += number;
	account->in_squares += number * number;
}

static inline void account_out(struct account *account, uint64_t number)
{
	account->out += number;
	account->out_squares += number * number;
}

/* Fails unless all that went in came out. */
void soak_balance(const char *what, const struct account *accounts);

/* Ends the process, and says where, unless `ok`. */
void soak_check_at(bool ok, const char *what, const char *file, int line);
#define soak_check(ok) soak_check_at(ok, #ok, __FILE__, __LINE__)

/* splitmix64: a number below `limit`. */
uint64_t soak_random(struct soaker *soaker, uint64_t limit);

/*
 * How far the time has come, 0 to 255 and again, a step each half second: loads
 * change what they do with it, so that tables grow, shrink and stand empty.
 */
unsigned soak_season(void);

#endif
