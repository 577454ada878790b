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
	return (struct conc_value){CONC_INT, {.number = n}};
}

static inline struct conc_value pointer(void *p)
{
	return (struct conc_value){CONC_POINTER, {.pointer = p}};
}

static const struct conc_value absent = {CONC_ABSENT, {0}};

struct object {
	_Alignas(8) int references;
	int visits;
};

static inline void retain(void *user, void *value)
{
	(void)user;
	((struct object *)value)->references++;
}

static inline bool try_retain(void *user, void *value)
{
	retain(user, value);
	return true;
}

static inline void release(void *user, void *value)
{
	struct object *object = value;

	(void)user;
	ck_assert_int_gt(object->references, 0);
	ck_assert_int_eq(urcu_bp_read_ongoing(), 0);
	object->references--;
}

#endif
