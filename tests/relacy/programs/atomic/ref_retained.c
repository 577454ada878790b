/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A reference to counted objects: a reader, or who is shown what is there, gets
 * one that is alive and whole; who replaces, exchanges or swaps one gives it
 * back once, after its readers.
 */
#include <concurrency/ref.h>

#include <errno.h>

#include "explore.h"
#include "objects.h"

const int explore_threads = 3;

static conc_ref *ref;

static struct conc_value object(int content)
{
	return (struct conc_value){.kind = CONC_POINTER,
				   .u.pointer = counted_new(content)};
}

void explore_before(void)
{
	const struct conc_value_ops value_ops = {
		.size = sizeof(value_ops),
		.retain = counted_retain,
		.release = counted_release,
	};
	struct conc_ref_attr attr = {
		.size = sizeof(attr),
		.values = CONC_VALUE_RETAINED,
		.value_ops = &value_ops,
	};
	struct conc_value first = object(0);

	EXPLORE_ASSERT(conc_ref_new(&attr, &ref) == 0);
	EXPLORE_ASSERT(conc_ref_set(ref, &first) == 0);
}

static int content_of(const struct conc_value *value)
{
	EXPLORE_ASSERT(value->kind == CONC_POINTER);
	return ((struct counted *)value->u.pointer)->content;
}

static int get(struct conc_value *value)
{
	EXPLORE_ASSERT(conc_ref_get(ref, value) == 0);
	return content_of(value);
}

static void look(void)
{
	struct conc_value value;
	int content = get(&value), later;

	counted_release(value.u.pointer, NULL);
	later = get(&value);
	/* Numbers only rise: it was 0, is set to 1, and swapped from 1 to 2. */
	EXPLORE_ASSERT(later >= content);
	counted_release(value.u.pointer, NULL);
}

static void swap(void)
{
	struct conc_value old, next, present;
	int rc;

	if (get(&old) == 1) {
		next = object(2);
		rc = conc_ref_compare_exchange(ref, &old, &next, &present);
		EXPLORE_ASSERT(rc == 0 || rc == -EAGAIN);
		if (rc != 0) {
			counted_release(next.u.pointer, NULL);
			EXPLORE_ASSERT(content_of(&present) >= 2);
			counted_release(present.u.pointer, NULL);
		}
	}
	counted_release(old.u.pointer, NULL);
}

static int exchange(int content)
{
	struct conc_value value = object(content);
	int old;

	EXPLORE_ASSERT(conc_ref_exchange(ref, &value, &value) == 0);
	old = content_of(&value);
	counted_release(value.u.pointer, NULL);
	return old;
}

void explore_thread(int thread)
{
	int old;

	switch (thread) {
	case 0:
		old = exchange(1);
		EXPLORE_ASSERT(old == 0 || old == 3);
		break;
	case 1:
		switch (explore_choose(3)) {
		case 0:
			swap();
			break;
		case 1:
			look();
			break;
		default:
			EXPLORE_ASSERT(exchange(3) < 3);
		}
		conc_reclaim(NULL);
		break;
	default:
		swap();
		swap();
	}
}

void explore_after(void)
{
	conc_ref_free(ref);
	explore_assert_no_leaks();
}
