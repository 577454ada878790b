/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values for the tests of what holds them, and objects that count references. */
#ifndef TESTS_VALUES_H
#define TESTS_VALUES_H

#include <concurrency.h>
#include <stdbool.h>

#include "base/rcu.h"
#include "suite.h"

static inline struct conc_value number(int64_t n)
{
	return (struct conc_value){.kind = CONC_NUMBER, .u.number = n};
}

static inline struct conc_value pointer(void *p)
{
	return (struct conc_value){.kind = CONC_POINTER, .u.pointer = p};
}

static const struct conc_value absent = {.kind = CONC_ABSENT};

struct object {
	_Alignas(8) int references;
	int visits;
};

static inline void retain(void *value, void *user)
{
	(void)user;
	((struct object *)value)->references++;
}

static inline bool try_retain(void *value, void *user)
{
	retain(value, user);
	return true;
}

static inline void release(void *value, void *user)
{
	struct object *object = value;

	(void)user;
	ck_assert_int_gt(object->references, 0);
	ck_assert_int_eq(urcu_bp_read_ongoing(), 0);
	object->references--;
}

#endif
