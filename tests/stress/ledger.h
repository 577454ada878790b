/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What producers put into a queue against what consumers got out of it: every
 * item once, and each producer's in order.
 */
#ifndef TESTS_LEDGER_H
#define TESTS_LEDGER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "suite.h"

#define LEDGER_PRODUCERS 64

/* An item says who pushed it and as which of his, from 1 on. */
#define NUMBER_BITS 26
#define NUMBERS ((UINT64_C(1) << NUMBER_BITS) - 1)

static inline void *make_item(unsigned who, uint64_t number)
{
	return (void *)(uintptr_t)((uint64_t)who << NUMBER_BITS | number);
}

struct account {
	uint64_t count, sum, squares;
};

static inline void enter_item(struct account *account, uint64_t number)
{
	account->count++;
	account->sum += number;
	account->squares += number * number;
}

struct ledger {
	pthread_mutex_t lock;
	struct account in[LEDGER_PRODUCERS], out[LEDGER_PRODUCERS];
};

static inline void add_account(struct account *to, const struct account *from)
{
	to->count += from->count;
	to->sum += from->sum;
	to->squares += from->squares;
}

/* What one consumer got. */
struct received {
	struct account accounts[LEDGER_PRODUCERS];
	uint64_t last[LEDGER_PRODUCERS];
	bool in_order;
};

static inline void receive(struct received *received, void *popped)
{
	uint64_t bits = (uintptr_t)popped, number = bits & NUMBERS;
	unsigned who = (unsigned)(bits >> NUMBER_BITS);

	if (who >= LEDGER_PRODUCERS || number <= received->last[who]) {
		received->in_order = false;
		return;
	}
	received->last[who] = number;
	enter_item(&received->accounts[who], number);
}

static inline void settle(struct ledger *ledger, const struct received *received)
{
	pthread_mutex_lock(&ledger->lock);
	for (unsigned who = 0; who < LEDGER_PRODUCERS; who++)
		add_account(&ledger->out[who], &received->accounts[who]);
	pthread_mutex_unlock(&ledger->lock);
}

static inline void balance(const struct ledger *ledger)
{
	uint64_t count = 0;

	for (unsigned who = 0; who < LEDGER_PRODUCERS; who++) {
		const struct account *in = &ledger->in[who];
		const struct account *out = &ledger->out[who];

		count += in->count;
		ck_assert_uint_eq(in->count, out->count);
		ck_assert_uint_eq(in->sum, out->sum);
		ck_assert_uint_eq(in->squares, out->squares);
	}
	ck_assert_uint_gt(count, 0);
}

#endif
