/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
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

#include "base/eventcount.h"
#include "base/memory.h"
#include "base/yield_point.h"

#define BUCKETS 16

struct conc_gather {
	struct conc_eventcount arrivals[BUCKETS];
	conc_dict *values;
	enum conc_lifetime lifetime;
	struct conc_value_ops value_ops;
	struct conc_wait_hooks wait;
	_Atomic bool failed;
};

static struct conc_eventcount *bucket_of(conc_gather *gather, int64_t key)
{
	return &gather->arrivals[(uint64_t)key % BUCKETS];
}

int conc_gather_new(const struct conc_gather_attr *attr, conc_gather **out)
{
	struct conc_dict_attr values = {.size = sizeof(values),
					.keys = CONC_KEY_INT64,
					.values = CONC_INT64};
	conc_gather *gather;
	int rc;

	if (out == NULL || (attr != NULL && attr->size != sizeof(*attr)))
		return -EINVAL;
	gather = conc_alloc_lines(sizeof(*gather));
	if (gather == NULL)
		return -ENOMEM;
	if (attr != NULL) {
		values.scaling = attr->scaling;
		values.values = attr->values;
		values.value_ops = attr->value_ops;
		values.wait = attr->wait;
		gather->lifetime = attr->values;
		gather->value_ops = attr->value_ops;
		gather->wait = attr->wait;
	}
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
	if (gather == NULL)
		return;
	conc_dict_free(gather->values);
	conc_release(gather);
}

int conc_gather_insert(conc_gather *gather, int64_t key,
		       const struct conc_value *value)
{
	int rc;

	if (gather == NULL || key < 0 || value == NULL ||
	    value->kind == CONC_ABSENT)
		return -EINVAL;
	rc = conc_dict_int_set(gather->values, key, value, NULL);
	CONC_YIELD_POINT();
	if (rc == 0)
		conc_eventcount_notify_after_any(bucket_of(gather, key), true);
	return rc;
}

int conc_gather_try_take(conc_gather *gather, int64_t key, bool clear,
			 struct conc_value *value)
{
	bool failed;
	int rc;

	if (gather == NULL || key < 0 || value == NULL)
		return -EINVAL;
	/* acquire: what was inserted before the failure is found below. */
	failed = atomic_load_explicit(&gather->failed, memory_order_acquire);
	rc = clear ? conc_dict_int_delete(gather->values, key, value)
		   : conc_dict_int_get(gather->values, key, value);
	if (rc != -ENOENT)
		return rc;
	return failed ? -ENOTRECOVERABLE : -EAGAIN;
}

int conc_gather_take(conc_gather *gather, int64_t key, bool clear,
		     int64_t deadline, struct conc_value *value)
{
	if (deadline < CONC_FOREVER)
		return -EINVAL;
	/* The rest of the arguments is for try_take to refuse. */
	for (;;) {
		int rc = conc_gather_try_take(gather, key, clear, value);

		if (rc != -EAGAIN || deadline == CONC_TRY)
			return rc;
		rc = conc_gather_wait(gather, key, deadline);
		if (rc == 0)
			continue;
		if (rc != -ETIMEDOUT)
			return rc;
		/* Time is up, but the value may have come with it. */
		rc = conc_gather_try_take(gather, key, clear, value);
		return rc == -EAGAIN ? -ETIMEDOUT : rc;
	}
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
	    (gather->lifetime == CONC_RETAINED ||
	     gather->lifetime == CONC_TYPE_STABLE))
		gather->value_ops.release(gather->value_ops.user,
					  value.u.pointer);
	return rc != -ENOENT;
}

int conc_gather_wait(conc_gather *gather, int64_t key, int64_t deadline)
{
	struct place place = {gather, key};

	if (gather == NULL || key < 0 || deadline < CONC_FOREVER)
		return -EINVAL;
	return conc_eventcount_await(bucket_of(gather, key), worth_trying,
				     &place, deadline, 0, &gather->wait);
}

void conc_gather_fail(conc_gather *gather)
{
	/* seq_cst: the waiters' second look reads it. */
	atomic_store_explicit(&gather->failed, true, memory_order_seq_cst);
	for (int i = 0; i < BUCKETS; i++)
		conc_eventcount_notify(&gather->arrivals[i], true);
}

bool conc_gather_has_failed(conc_gather *gather)
{
	return atomic_load_explicit(&gather->failed, memory_order_acquire);
}

size_t conc_gather_size(conc_gather *gather)
{
	return conc_dict_size(gather->values);
}

void conc_gather_clear(conc_gather *gather)
{
	conc_dict_clear(gather->values);
}

int conc_gather_traverse(conc_gather *gather,
			 int (*visit)(void *object, void *arg), void *arg)
{
	if (gather == NULL)
		return -EINVAL;
	return conc_dict_traverse(gather->values, visit, arg);
}
