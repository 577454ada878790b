/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An atomic integer that everybody adds to, and a flag that stands for the
 * right to change a plain one.
 */
#include <sched.h>

#include "soak/soak.h"

#define BURST 200

static conc_int64 integer;
static conc_flag flag;
static uint64_t plain; /* who set the flag may change it */
static struct account accounts[SOAK_THREADS];

static void begin(void)
{
	conc_int64_set(&integer, 0);
	conc_flag_set(&flag, false);
}

static void add_under_the_flag(struct account *account, uint64_t n)
{
	while (conc_flag_exchange(&flag, true))
		sched_yield();
	plain += n;
	conc_flag_set(&flag, false);
	account->in_squares += n;
}

static void add_by_exchange(int64_t n)
{
	int64_t now = conc_int64_get(&integer);

	while (!conc_int64_compare_exchange(&integer, &now, now + n))
		;
}

static unsigned burst(struct soaker *soaker)
{
	struct account *account = &accounts[soaker->who];

	for (int i = 0; i < BURST; i++) {
		int64_t n = (int64_t)soak_random(soaker, 1000) - 500;

		switch (soak_random(soaker, 4)) {
		case 0:
			add_by_exchange(n);
			break;
		case 1:
			conc_int64_sub(&integer, -n);
			break;
		default:
			conc_int64_add(&integer, n);
		}
		account->in += (uint64_t)n;
	}
	add_under_the_flag(account, soak_random(soaker, 1000));
	return BURST + 2;
}

static void end(void)
{
	accounts[0].out = (uint64_t)conc_int64_get(&integer);
	accounts[0].out_squares = plain;
	soak_balance("atomics", accounts);
}

const struct load load_atomic = {"atomic", begin, burst, end};
