/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Changing what is there, depending on what it is: compare_exchange, and
 * update, which reads, asks, and exchanges if nothing has changed.
 */
#include <config.h>

#include "count.h"
#include "read.h"

static bool is_expected(const struct update *u, uint64_t word)
{
	struct conc_value value;

	word_decode(u->search->dict->values, word, &value);
	return value_is_same(&value, u->expected);
}

static int exchange_if(struct update *u)
{
	uint64_t old;

	if (!u->place.found) {
		if (u->expected->kind != CONC_ABSENT)
			return -EAGAIN;
		return u->removes ? 0 : conc_dict_add_entry(u, u->word);
	}
	u->seen = old = conc_dict_word(u);
	if (!is_expected(u, old))
		return -EAGAIN;
	if (u->search->dict->values != CONC_VALUE_BORROWED &&
	    (old & WORD_COUNT) != 0) {
		/* Adds go on meanwhile. */
		CONC_YIELD_POINT();
		if (!u->removes && (u->word & WORD_COUNT) != 0)
			return conc_count_exchange(u, u->expected->u.number, u->word);
		return conc_count_end(u, u->expected->u.number);
	}
	if (!u->removes)
		return conc_dict_replace(u, u->word);
	conc_dict_remove_entry(u);
	return 0;
}

static int step_compare_exchange(struct update *u)
{
	int rc = exchange_if(u);

	if (rc == 0 || rc == -EAGAIN)
		conc_dict_show(u, rc == -EAGAIN);
	return rc;
}

static int operation_compare_exchange(struct update *u)
{
	int rc;

	if (u->expected == NULL || u->stored == NULL ||
	    !value_is_known(u->expected))
		return -EINVAL;
	u->removes = u->stored->kind == CONC_ABSENT;
	u->search->inserts = !u->removes && u->expected->kind == CONC_ABSENT;
	if (!u->removes) {
		rc = word_encode(u->search->dict->values, u->stored, &u->word);
		if (rc < 0)
			return rc;
	}
	return conc_dict_write(u, step_compare_exchange);
}

int conc_dict_compare_exchange(conc_dict *dict, const void *key, size_t len,
			       const struct conc_value *expected,
			       const struct conc_value *desired,
			       struct conc_value *present)
{
	struct update u;

	update_ready(&u, desired, NULL, present);
	u.expected = expected;
	return conc_dict_operate(&u, dict, key, len, operation_compare_exchange);
}

int conc_dict_int_compare_exchange(conc_dict *dict, int64_t key,
				   const struct conc_value *expected,
				   const struct conc_value *desired,
				   struct conc_value *present)
{
	struct update u;

	update_ready(&u, desired, NULL, present);
	u.expected = expected;
	return conc_dict_operate_int(&u, dict, key, operation_compare_exchange);
}

/*
 * Asks `change` what to make of `old` and does so if that is still there.
 * -EAGAIN: it is not.  What `change` made belongs to us until it is stored.
 */
static int try_update(struct update *u, const struct conc_value *old)
{
	struct conc_value desired = {.kind = CONC_ABSENT};
	int rc = u->change(old, &desired, u->user);

	if (rc < 0)
		return rc == -EAGAIN ? -EINVAL : rc;
	u->expected = old;
	u->stored = &desired;
	rc = operation_compare_exchange(u);
	u->stored = NULL;
	if (rc < 0 && desired.u.pointer != NULL)
		conc_dict_drop(u->search->dict, &desired);
	return rc;
}

/* One search for all attempts: a key is compared once, however many it takes. */
static int operation_update(struct update *u)
{
	struct conc_value old;
	int rc;

	if (u->change == NULL)
		return -EINVAL;
	do {
		u->search->inserts = false;
		u->search->rounds = 0;
		rc = conc_dict_read(u->search, &old);
		if (rc < 0 && rc != -ENOENT)
			return rc;
		CONC_YIELD_POINT();
		rc = try_update(u, &old);
		conc_dict_drop(u->search->dict, &old);
	} while (rc == -EAGAIN);
	return rc;
}

int conc_dict_update(conc_dict *dict, const void *key, size_t len,
		     change_fn *change, void *user)
{
	struct update u;

	update_ready(&u, NULL, NULL, NULL);
	u.change = change;
	u.user = user;
	return conc_dict_operate(&u, dict, key, len, operation_update);
}

int conc_dict_int_update(conc_dict *dict, int64_t key, change_fn *change,
			 void *user)
{
	struct update u;

	update_ready(&u, NULL, NULL, NULL);
	u.change = change;
	u.user = user;
	return conc_dict_operate_int(&u, dict, key, operation_update);
}
