/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every thread inserts under the next key and takes the next that nobody has
 * taken, which may still be missing: then it waits for it.
 */
#include "soak/soak.h"

#define BURST 50

static conc_gather *gather;
static _Atomic int64_t next_in, next_out;
static struct account accounts[SOAK_THREADS];

static void begin(void)
{
	soak_check(conc_gather_new(NULL, &gather) == 0);
}

/* Another number than the key, so that an exchanged one is seen. */
static int64_t content(int64_t key)
{
	return key * 3 + 1;
}

static void insert(struct account *account)
{
	int64_t key = atomic_fetch_add(&next_in, 1);
	struct conc_value value = {.kind = CONC_NUMBER,
				   .u.number = content(key)};

	soak_check(conc_gather_insert(gather, key, &value) == 0);
	account_in(account, (uint64_t)value.u.number);
}

/* As many keys were given out for inserting, by threads that go on to do it. */
static void take(struct account *account)
{
	int64_t key = atomic_fetch_add(&next_out, 1);
	struct conc_value value;

	soak_check(conc_gather_take(gather, key, true, &value, CONC_FOREVER,
				    NULL) == 0);
	soak_check(value.kind == CONC_NUMBER && value.u.number == content(key));
	account_out(account, (uint64_t)value.u.number);
}

static unsigned burst(struct soaker *soaker)
{
	struct account *account = &accounts[soaker->who];

	for (int i = 0; i < BURST; i++) {
		insert(account);
		take(account);
	}
	return 2 * BURST;
}

static void end(void)
{
	soak_check(conc_gather_size(gather) == 0);
	soak_balance("gather", accounts);
	conc_gather_free(gather);
}

const struct load load_gather = {"gather", begin, burst, end};
