/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * References of the lifetimes that count, which objects go into and out of, and
 * one number that all threads add to by compare_exchange.
 */
#include <errno.h>

#include "soak/objects.h"

#define BURST 100
#define REFS 2

static conc_ref *refs[REFS], *number;
/* Of the objects: who takes one out with exchange() gets its content. */
static struct account accounts[SOAK_THREADS], numbers[SOAK_THREADS];

static void begin(void)
{
	const enum conc_lifetime values[REFS] = {CONC_VALUE_RETAINED,
						 CONC_VALUE_TYPE_STABLE};
	struct conc_value zero = {.kind = CONC_NUMBER, .u.number = 0};

	for (int i = 0; i < REFS; i++) {
		struct conc_ref_attr attr = {.size = sizeof(attr),
					     .values = values[i],
					     .value_ops = &object_ops};

		soak_check(conc_ref_new(&attr, &refs[i]) == 0);
	}
	soak_check(conc_ref_new(NULL, &number) == 0);
	soak_check(conc_ref_set(number, &zero) == 0);
}

/* What an object says that is made for refs[at]: nobody else's says so. */
#define MARK (UINT64_C(1) << 40)

static uint64_t content_for(struct soaker *soaker, int at)
{
	return MARK | soak_random(soaker, UINT32_MAX) * REFS | (unsigned)at;
}

/* Of a value that came out of refs[at]. */
static uint64_t consume(int at, const struct conc_value *value)
{
	uint64_t content = object_consume(value);

	soak_check((content & MARK) != 0 && content % REFS == (unsigned)at);
	return content;
}

static void take_out(struct account *account, int at,
		     const struct conc_value *value)
{
	if (value->kind != CONC_ABSENT)
		account_out(account, consume(at, value));
}

static void exchange(struct soaker *soaker, int at)
{
	struct account *account = &accounts[soaker->who];
	uint64_t content = content_for(soaker, at);
	struct conc_value value = object_value(object_new(content)), old;

	soak_check(conc_ref_exchange(refs[at], &value, &old) == 0);
	account_in(account, content);
	take_out(account, at, &old);
}

/* Leaves what is there, or puts another one in its place. */
static void exchange_if_same(struct soaker *soaker, int at)
{
	struct account *account = &accounts[soaker->who];
	uint64_t content = content_for(soaker, at);
	struct conc_value value = object_value(object_new(content)), old;
	int rc;

	soak_check(conc_ref_get(refs[at], &old) == 0);
	rc = conc_ref_compare_exchange(refs[at], &old, &value, NULL);
	soak_check(rc == 0 || rc == -EAGAIN);
	if (rc == 0) {
		account_in(account, content);
		take_out(account, at, &old);
		return;
	}
	consume(at, &value);
	if (old.kind != CONC_ABSENT)
		consume(at, &old);
}

/* From what is shown to another one, until it is there. */
static void exchange_shown(struct soaker *soaker, int at)
{
	struct account *account = &accounts[soaker->who];
	uint64_t content = content_for(soaker, at);
	struct conc_value value = object_value(object_new(content));
	struct conc_value seen = {.kind = CONC_ABSENT}, expected;
	int rc;

	for (;;) {
		expected = seen;
		rc = conc_ref_compare_exchange(refs[at], &seen, &value, &seen);
		soak_check(rc == 0 || rc == -EAGAIN);
		if (rc == 0)
			break;
		soak_check(seen.kind != expected.kind ||
			   seen.u.pointer != expected.u.pointer);
		if (expected.kind != CONC_ABSENT)
			consume(at, &expected);
	}
	soak_check(seen.kind == CONC_ABSENT);
	account_in(account, content);
	take_out(account, at, &expected);
}

static void look(int at)
{
	struct conc_value value;

	soak_check(conc_ref_get(refs[at], &value) == 0);
	if (value.kind != CONC_ABSENT)
		consume(at, &value);
}

static void add(struct soaker *soaker)
{
	int64_t n = (int64_t)soak_random(soaker, 100);
	struct conc_value old, next = {.kind = CONC_NUMBER};

	soak_check(conc_ref_get(number, &old) == 0);
	do
		next.u.number = old.u.number + n;
	while (conc_ref_compare_exchange(number, &old, &next, &old) != 0);
	numbers[soaker->who].in += (uint64_t)n;
}

static unsigned burst(struct soaker *soaker)
{
	for (int i = 0; i < BURST; i++) {
		int at = (int)soak_random(soaker, REFS);

		switch (soak_random(soaker, 8)) {
		case 0:
			exchange(soaker, at);
			break;
		case 1:
			exchange_if_same(soaker, at);
			break;
		case 2:
			exchange_shown(soaker, at);
			break;
		case 3:
			add(soaker);
			break;
		default:
			look(at);
		}
	}
	return BURST;
}

static void end(void)
{
	const struct conc_value nothing = {.kind = CONC_ABSENT};
	struct conc_value value;

	for (int i = 0; i < REFS; i++) {
		soak_check(conc_ref_exchange(refs[i], &nothing, &value) == 0);
		take_out(&accounts[0], i, &value);
		conc_ref_free(refs[i]);
	}
	soak_balance("references", accounts);
	soak_check(conc_ref_get(number, &value) == 0);
	numbers[0].out = (uint64_t)value.u.number;
	soak_balance("number in a reference", numbers);
	conc_ref_free(number);
}

const struct load load_ref = {"ref", begin, burst, end};
