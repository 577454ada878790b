/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A reference to objects whose memory is used again for others of their kind: a
 * reader, or who is shown what is there, gets an object that the reference held
 * during the call, not a stranger in the same memory, and every reference is
 * given back once.
 */
#include <concurrency/ref.h>

#include <errno.h>

#include "explore.h"
#include "objects.h"

const int explore_threads = 3;

#define STRANGER 100

static conc_ref *ref;

static struct conc_value object(int content)
{
	return (struct conc_value){.kind = CONC_POINTER,
				   .u.pointer = stable_new(content)};
}

void explore_before(void)
{
	const struct conc_value_ops value_ops = {
		.size = sizeof(value_ops),
		.try_retain = stable_try_retain,
		.release = stable_release,
	};
	struct conc_ref_attr attr = {
		.size = sizeof(attr),
		.values = CONC_VALUE_TYPE_STABLE,
		.value_ops = &value_ops,
	};
	struct conc_value first = object(0);

	EXPLORE_ASSERT(conc_ref_new(&attr, &ref) == 0);
	EXPLORE_ASSERT(conc_ref_set(ref, &first) == 0);
}

static int look(void)
{
	const struct conc_value never = {.kind = CONC_NUMBER, .u.number = -1},
				none = {.kind = CONC_ABSENT};
	struct conc_value value;
	int content;

	if (explore_choose(4) != 0)
		EXPLORE_ASSERT(conc_ref_get(ref, &value) == 0);
	else
		EXPLORE_ASSERT(conc_ref_compare_exchange(ref, &never, &none,
							 &value) == -EAGAIN);
	EXPLORE_ASSERT(value.kind == CONC_POINTER);
	content = ((struct stable *)value.u.pointer)->content;
	EXPLORE_ASSERT(content != STRANGER);
	stable_release(value.u.pointer, NULL);
	return content;
}

void explore_thread(int thread)
{
	struct conc_value value;
	struct stable *stranger;
	int first;

	switch (thread) {
	case 0:
		for (int i = 1; i < 3; i++) {
			value = object(i);
			EXPLORE_ASSERT(conc_ref_set(ref, &value) == 0);
			/* Most likely in the memory of the one before. */
			stranger = stable_new(STRANGER);
			stable_release(stranger, NULL);
		}
		break;
	default:
		first = look();
		EXPLORE_ASSERT(look() >= first);
	}
}

void explore_after(void)
{
	conc_ref_free(ref);
	stable_assert_none_left();
}
