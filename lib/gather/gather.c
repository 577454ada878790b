/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * This folder has conc_gather.  It uses base, and the public functions of dict.
 *
 * conc_gather: a dict with integer keys, and sleeping until a key is there.
 *
 *     key ----> dict: key -> value        (conc_dict, int64 keys)
 *      |
 *      +-- key mod BUCKETS --> eventcount of all who wait for such a key
 *
 * Each operation on values is one operation of the dict, and linearizable as
 * that is; a value that several threads take with `clear' goes to the one whose
 * delete finds it.
 *
 * Threads that share a bucket may wait for different keys, so a new key wakes
 * the whole bucket: nobody has a wake that another one needs, and there is
 * nothing to pass on.  Readers in key order wait for neighbouring keys, which
 * lie in different buckets.
 *
 * What pairs with what: insert publishes with the release of the dict, which is
 * not sequentially consistent, so it notifies with
 * conc_eventcount_notify_after_any(); `failed' is read before the dict, so that
 * a value that was inserted before the failure still comes out.
 */
#include <config.h>

#include <concurrency/dict.h>
#include <concurrency/gather.h>

#include <errno.h>

#include "base/cancel.h"
#include "base/eventcount.h"
#include "base/growing.h"
#include "base/memory.h"
#include "base/yield_point.h"

#define BUCKETS 16

struct conc_gather {
	_Alignas(CONC_LINE) struct conc_object object;
	conc_dict *values;
	enum conc_lifetime lifetime;
	_Atomic bool failed;
	struct conc_value_ops value_ops;
	struct conc_wait_hooks wait;
	struct conc_eventcount arrivals[BUCKETS];
};

static struct conc_eventcount *bucket_of(conc_gather *gather, int64_t key)
{
	return &gather->arrivals[(uint64_t)key % BUCKETS];
}

int conc_gather_new(const struct conc_gather_attr *attr, conc_gather **out)
{
	struct conc_gather_attr own = CONC_GATHER_ATTR_INIT;
	struct conc_value_ops value_ops = CONC_VALUE_OPS_INIT;
	struct conc_wait_hooks wait = CONC_WAIT_HOOKS_INIT;
	struct conc_dict_attr values = CONC_DICT_ATTR_INIT;
	conc_gather *gather;
	int rc;

	if (out == NULL || conc_growing_take(&own, sizeof(own), attr) < 0 ||
	    conc_growing_take(&value_ops, sizeof(value_ops), own.value_ops) < 0 ||
	    conc_growing_take(&wait, sizeof(wait), own.wait) < 0)
		return -EINVAL;
	gather = conc_alloc_lines(sizeof(*gather));
	if (gather == NULL)
		return -ENOMEM;
	conc_object_mark(gather);
	gather->lifetime = own.values;
	gather->value_ops = value_ops;
	gather->wait = wait;
	values.scaling = own.scaling;
	values.values = own.values;
	values.value_ops = &value_ops;
	values.wait = &wait;
	rc = conc_dict_new(&values, &gather->values);
	if (rc != 0) {
		conc_release(gather);
		return rc;
	}
	*out = gather;
	return 0;
}

void conc_gather_free(conc_gather *gather)
{
	if (!conc_is_ours(gather))
		return;
	conc_dict_free(gather->values);
	conc_release(gather);
}

int conc_gather_insert(conc_gather *gather, int64_t key,
		       const struct conc_value *value)
{
	int rc;

	if (!conc_is_ours(gather) || key < 0 || value == NULL ||
	    value->kind == CONC_ABSENT)
		return -EINVAL;
	rc = conc_dict_int_set(gather->values, key, value);
	CONC_YIELD_POINT();
	if (rc == 0)
		conc_eventcount_notify_after_any(bucket_of(gather, key), true);
	return rc;
}

static int take_now(conc_gather *gather, int64_t key, bool clear,
		    struct conc_value *value)
{
	bool failed;
	int rc;

	/* acquire: what was inserted before the failure is found below. */
	failed = atomic_load_explicit(&gather->failed, memory_order_acquire);
	rc = clear ? conc_dict_int_take(gather->values, key, value)
		   : conc_dict_int_get(gather->values, key, value);
	if (rc != -ENOENT)
		return rc;
	return failed ? -ENOTRECOVERABLE : -EAGAIN;
}

int conc_gather_try_take(conc_gather *gather, int64_t key, bool clear,
			 struct conc_value *value)
{
	if (!conc_is_ours(gather) || key < 0 || value == NULL)
		return -EINVAL;
	return take_now(gather, key, clear, value);
}

/* What a reader waits for. */
struct place {
	conc_gather *gather;
	int64_t key;
};

/*
 * Is the key there, or the gathering failed?  A look by conc_dict_int_get, the
 * reference from which is given back.  Errors are for the take that follows.
 */
static bool worth_trying(void *arg)
{
	const struct place *place = arg;
	conc_gather *gather = place->gather;
	struct conc_value value;
	int rc;

	/* seq_cst: the second look of a waiter; pairs with conc_gather_fail. */
	if (atomic_load_explicit(&gather->failed, memory_order_seq_cst))
		return true;
	rc = conc_dict_int_get(gather->values, place->key, &value);
	if (rc == 0 && value.kind == CONC_POINTER &&
	    (gather->lifetime == CONC_VALUE_RETAINED ||
	     gather->lifetime == CONC_VALUE_TYPE_STABLE))
		gather->value_ops.release(value.u.pointer,
					  gather->value_ops.user);
	return rc != -ENOENT;
}

static int wait_until(conc_gather *gather, int64_t key, int64_t deadline)
{
	struct place place = {gather, key};

	return conc_eventcount_await(bucket_of(gather, key), worth_trying,
				     &place, deadline, 0, &gather->wait);
}

int conc_gather_wait(conc_gather *gather, int64_t key, int64_t deadline,
		     conc_cancel *cancel)
{
	int rc;

	if (!conc_is_ours(gather) || key < 0)
		return -EINVAL;
	rc = conc_wait_check(deadline, cancel);
	return rc < 0 ? rc : wait_until(gather, key, deadline);
}

int conc_gather_take(conc_gather *gather, int64_t key, bool clear,
		     struct conc_value *value, int64_t deadline,
		     conc_cancel *cancel)
{
	int rc;

	if (!conc_is_ours(gather) || key < 0 || value == NULL)
		return -EINVAL;
	rc = conc_wait_check(deadline, cancel);
	if (rc < 0)
		return rc;
	for (;;) {
		rc = take_now(gather, key, clear, value);
		if (rc != -EAGAIN || deadline == CONC_TRY)
			return rc;
		rc = wait_until(gather, key, deadline);
		if (rc == 0)
			continue;
		if (rc != -ETIMEDOUT)
			return rc;
		/* Time is up, but the value may have come with it. */
		rc = take_now(gather, key, clear, value);
		return rc == -EAGAIN ? -ETIMEDOUT : rc;
	}
}

void conc_gather_fail(conc_gather *gather)
{
	if (!conc_is_ours(gather))
		return;
	/* seq_cst: the waiters' second look reads it. */
	atomic_store_explicit(&gather->failed, true, memory_order_seq_cst);
	for (int i = 0; i < BUCKETS; i++)
		conc_eventcount_notify(&gather->arrivals[i], true);
}

bool conc_gather_has_failed(conc_gather *gather)
{
	return conc_is_ours(gather) &&
	       atomic_load_explicit(&gather->failed, memory_order_acquire);
}

size_t conc_gather_size(conc_gather *gather)
{
	return conc_is_ours(gather) ? conc_dict_size(gather->values) : 0;
}

void conc_gather_clear(conc_gather *gather)
{
	if (conc_is_ours(gather))
		conc_dict_clear(gather->values);
}

int conc_gather_traverse(conc_gather *gather,
			 int (*visit)(void *object, void *user), void *user)
{
	if (!conc_is_ours(gather))
		return -EINVAL;
	return conc_dict_traverse(gather->values, visit, user);
}
