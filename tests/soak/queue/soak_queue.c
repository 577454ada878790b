/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A queue that every thread pushes to and then pops from as often, so that at
 * the end it is empty: all items came out, once, and each producer's in order.
 */
#include <errno.h>

#include "soak/soak.h"

#define MOST 64

/* An item says who pushed it and as which of his, modulo 2^26. */
#define NUMBER_BITS 26
#define NUMBERS ((UINT64_C(1) << NUMBER_BITS) - 1)

static conc_queue *queue;
static struct account accounts[SOAK_THREADS];
static uint64_t pushed[SOAK_THREADS];
/* last[consumer][producer] */
static uint64_t last[SOAK_THREADS][SOAK_THREADS];

static void begin(void)
{
	soak_check(conc_queue_new(NULL, &queue) == 0);
}

static void push(struct soaker *soaker)
{
	uint64_t number = ++pushed[soaker->who] & NUMBERS, item;

	/* No item is NULL. */
	if (number == 0)
		number = ++pushed[soaker->who] & NUMBERS;
	item = (uint64_t)soaker->who << NUMBER_BITS | number;
	soak_check(conc_queue_push(queue, (void *)(uintptr_t)item) == 0);
	account_in(&accounts[soaker->who], item);
}

static void pop(struct soaker *soaker)
{
	uint64_t number, *before;
	void *item;

	/* For each pop there was a push: nobody waits in vain. */
	soak_check(conc_queue_pop(queue, &item, CONC_FOREVER, NULL) == 0);
	account_out(&accounts[soaker->who], (uintptr_t)item);
	number = (uintptr_t)item & NUMBERS;
	before = &last[soaker->who][(uintptr_t)item >> NUMBER_BITS];
	/* Modulo 2^26: ahead by less than half the way around. */
	soak_check(number != *before &&
		   ((number - *before) & NUMBERS) < NUMBERS / 2);
	*before = number;
}

static unsigned burst(struct soaker *soaker)
{
	unsigned count = 1 + (unsigned)soak_random(soaker, MOST);

	for (unsigned i = 0; i < count; i++)
		push(soaker);
	for (unsigned i = 0; i < count; i++)
		pop(soaker);
	return 2 * count;
}

static void end(void)
{
	void *item;

	soak_check(conc_queue_pop(queue, &item, CONC_TRY, NULL) == -EAGAIN);
	soak_check(conc_queue_size(queue) == 0);
	soak_balance("queue", accounts);
	conc_queue_free(queue);
}

const struct load load_queue = {"queue", begin, burst, end};
