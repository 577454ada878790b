/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A dict of numbers: what was added and set is what deletes and replacements
 * handed out and what is left, across rebuilds and numbers too large for a
 * count.
 */
#include <errno.h>

#include "soak/soak.h"

#define BURST 200
/* Beyond it a number is no count any more (lib/base/word.h). */
#define FAR (INT64_C(1) << 59)

static conc_dict *dict;
static struct account accounts[SOAK_THREADS];

static void begin(void)
{
	struct conc_dict_attr attr = {.size = sizeof(attr), .scaling = 4};

	soak_check(conc_dict_new(&attr, &dict) == 0);
}

static struct conc_value number(int64_t n)
{
	return (struct conc_value){.kind = CONC_NUMBER, .u.number = n};
}

/* From a few hot keys to some ten thousand, by the season. */
static int64_t pick_key(struct soaker *soaker)
{
	uint64_t keys = UINT64_C(8) << soak_season() % 12;

	return (int64_t)soak_random(soaker, keys);
}

static void replaced(struct account *account, const struct conc_value *old)
{
	if (old->kind == CONC_NUMBER)
		account->out += (uint64_t)old->u.number;
}

static void add(struct account *account, int64_t key, int64_t n)
{
	int rc = conc_dict_int_add(dict, key, n, NULL);

	soak_check(rc == 0 || rc == -EOVERFLOW);
	if (rc == 0)
		account->in += (uint64_t)n;
}

static void set(struct account *account, int64_t key, int64_t n)
{
	struct conc_value value = number(n), old;

	soak_check(conc_dict_int_exchange(dict, key, &value, &old) == 0);
	account->in += (uint64_t)n;
	replaced(account, &old);
}

static void delete(struct account *account, int64_t key)
{
	struct conc_value old;
	int rc = conc_dict_int_take(dict, key, &old);

	soak_check(rc == 0 || rc == -ENOENT);
	soak_check(old.kind == (rc == 0 ? CONC_NUMBER : CONC_ABSENT));
	replaced(account, &old);
}

static void exchange(struct account *account, int64_t key, int64_t n)
{
	struct conc_value old, next = number(n);
	int rc = conc_dict_int_get(dict, key, &old);

	soak_check(rc == 0 || rc == -ENOENT);
	rc = conc_dict_int_compare_exchange(dict, key, &old, &next, NULL);
	soak_check(rc == 0 || rc == -EAGAIN);
	if (rc == 0) {
		account->in += (uint64_t)n;
		replaced(account, &old);
	}
}

/* From what is shown to n, until it is there: never what was expected. */
static void exchange_shown(struct account *account, int64_t key, int64_t n)
{
	struct conc_value seen = {.kind = CONC_ABSENT}, next = number(n);
	struct conc_value expected;
	int rc;

	do {
		expected = seen;
		rc = conc_dict_int_compare_exchange(dict, key, &seen, &next,
						    &seen);
		soak_check(rc == 0 || rc == -EAGAIN);
		soak_check(rc == 0 || seen.kind != expected.kind ||
			   seen.u.number != expected.u.number);
	} while (rc != 0);
	soak_check(seen.kind == CONC_ABSENT);
	account->in += (uint64_t)n;
	replaced(account, &expected);
}

static void insert(struct account *account, int64_t key, int64_t n)
{
	struct conc_value value = number(n), present;
	int rc = conc_dict_int_insert(dict, key, &value, &present);

	soak_check(rc == 0 || rc == -EEXIST);
	soak_check(present.kind == (rc == 0 ? CONC_ABSENT : CONC_NUMBER));
	if (rc == 0)
		account->in += (uint64_t)n;
}

static int halve(const struct conc_value *old, struct conc_value *desired,
		 void *arg)
{
	int64_t now = old->kind == CONC_NUMBER ? old->u.number : 0;

	*(int64_t *)arg = now;
	*desired = number(now / 2);
	return 0;
}

static void update(struct account *account, int64_t key)
{
	int64_t was;

	soak_check(conc_dict_int_update(dict, key, halve, &was) == 0);
	account->in += (uint64_t)(was / 2);
	account->out += (uint64_t)was;
}

static void operate(struct soaker *soaker, struct account *account)
{
	int64_t key = pick_key(soaker), n = (int64_t)soak_random(soaker, 1000);
	struct conc_value value;

	switch (soak_random(soaker, 32)) {
	case 0:
		set(account, key, FAR - 500 + n);
		break;
	case 1:
		set(account, key, n);
		break;
	case 2:
	case 3:
	case 4:
		delete(account, key);
		break;
	case 5:
		exchange(account, key, n);
		break;
	case 6:
		update(account, key);
		break;
	case 7:
		exchange_shown(account, key, n);
		break;
	case 8:
		insert(account, key, n);
		break;
	case 9:
	case 10:
		conc_dict_int_get(dict, key, &value);
		break;
	default:
		add(account, key, n);
	}
}

static unsigned burst(struct soaker *soaker)
{
	struct account *account = &accounts[soaker->who];

	for (int i = 0; i < BURST; i++)
		operate(soaker, account);
	return BURST;
}

/* What is left goes out. */
static void end(void)
{
	struct conc_entry entry = CONC_ENTRY_INIT;
	conc_cursor *cursor;
	size_t entries = 0;

	soak_check(conc_cursor_new(dict, &cursor) == 0);
	for (; conc_cursor_next(cursor, &entry) == 0; entries++)
		replaced(&accounts[0], &entry.value);
	conc_cursor_free(cursor);
	soak_check(entries == conc_dict_size(dict));
	soak_balance("counts", accounts);
	conc_dict_free(dict);
}

const struct load load_counts = {"counts", begin, burst, end};
