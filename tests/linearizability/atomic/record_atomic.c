/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Operations on an atomic integer, and on an atomic truth value. */
#include <config.h>

#include "linearizability/recorder.h"

/* --- the integer ---------------------------------------------------------- */

static conc_int64 integer;

static const char *const arithmetic[] = {"add", "sub", "and", "or", "xor",
					 "multiply", "floor_divide"};

static int calculate(unsigned which, int64_t n, int64_t *value)
{
	switch (which) {
	case 0:
		*value = n == 1 ? conc_int64_incr(&integer)
				: conc_int64_add(&integer, n);
		return 0;
	case 1:
		*value = n == 1 ? conc_int64_decr(&integer)
				: conc_int64_sub(&integer, n);
		return 0;
	case 2:
		*value = conc_int64_and(&integer, n);
		return 0;
	case 3:
		*value = conc_int64_or(&integer, n);
		return 0;
	case 4:
		*value = conc_int64_xor(&integer, n);
		return 0;
	case 5:
		*value = conc_int64_multiply(&integer, n);
		return 0;
	default:
		return conc_int64_floor_divide(&integer, n, value);
	}
}

static void step_calculate(struct worker *worker)
{
	static const int64_t numbers[] = {0,  1,   2,	3,
					  -1, -3, 100, INT64_C(1) << 62};
	unsigned which = (unsigned)draw(worker, COUNT_OF(arithmetic));
	int64_t value, n = numbers[draw(worker, COUNT_OF(numbers))];
	struct operation *operation = announce(worker, arithmetic[which]);

	argument(operation, number(n));
	call(operation);
	returned(operation, calculate(which, n, &value));
	if (operation->answer == 0)
		result(operation, number(value));
}

static void step_get(struct worker *worker)
{
	struct operation *operation = announce(worker, "get");
	int64_t value;

	call(operation);
	value = conc_int64_get(&integer);
	returned(operation, 0);
	result(operation, number(value));
}

static void step_set(struct worker *worker)
{
	struct operation *operation = announce(worker, "set");
	int64_t value = new_number(worker);

	argument(operation, number(value));
	call(operation);
	conc_int64_set(&integer, value);
	returned(operation, 0);
}

static void step_exchange(struct worker *worker)
{
	struct operation *operation = announce(worker, "exchange");
	int64_t old, value = new_number(worker);

	argument(operation, number(value));
	call(operation);
	old = conc_int64_exchange(&integer, value);
	returned(operation, 0);
	result(operation, number(old));
}

static void step_compare_exchange(struct worker *worker)
{
	int64_t expected = conc_int64_get(&integer), found = expected;
	int64_t desired = new_number(worker);
	struct operation *operation = announce(worker, "compare_exchange");
	bool swapped;

	argument(operation, number(expected));
	argument(operation, number(desired));
	call(operation);
	swapped = conc_int64_compare_exchange(&integer, &found, desired);
	returned(operation, swapped ? 0 : -EAGAIN);
	if (!swapped)
		result(operation, number(found));
}

static void step_int64(struct worker *worker)
{
	switch (draw(worker, 8)) {
	case 0: case 1:
		step_get(worker);
		break;
	case 2:
		step_set(worker);
		break;
	case 3:
		step_exchange(worker);
		break;
	case 4: case 5:
		step_compare_exchange(worker);
		break;
	default:
		step_calculate(worker);
	}
}

static void set_up_int64(struct history *history)
{
	(void)history;
	integer = (conc_int64)CONC_INT64_INIT(0);
}

static void finish_int64(struct history *history)
{
	step_get(main_worker(history));
}

const struct subject int64_subject = {"int64", set_up_int64, step_int64,
				      finish_int64};

/* --- the truth value ------------------------------------------------------ */

static conc_flag flag;

static void look_at_flag(struct worker *worker)
{
	struct operation *operation = announce(worker, "get");
	bool value;

	call(operation);
	value = conc_flag_get(&flag);
	returned(operation, 0);
	result(operation, number(value));
}

static void set_flag(struct worker *worker)
{
	struct operation *operation = announce(worker, "set");
	bool value = chance(worker, 2);

	argument(operation, number(value));
	call(operation);
	conc_flag_set(&flag, value);
	returned(operation, 0);
}

static void exchange_flag(struct worker *worker)
{
	struct operation *operation = announce(worker, "exchange");
	bool old, value = chance(worker, 2);

	argument(operation, number(value));
	call(operation);
	old = conc_flag_exchange(&flag, value);
	returned(operation, 0);
	result(operation, number(old));
}

static void compare_exchange_flag(struct worker *worker)
{
	struct operation *operation = announce(worker, "compare_exchange");
	bool expected = chance(worker, 2), found = expected;
	bool swapped, desired = chance(worker, 2);

	argument(operation, number(expected));
	argument(operation, number(desired));
	call(operation);
	swapped = conc_flag_compare_exchange(&flag, &found, desired);
	returned(operation, swapped ? 0 : -EAGAIN);
	if (!swapped)
		result(operation, number(found));
}

static void step_flag(struct worker *worker)
{
	static void (*const steps[])(struct worker *worker) = {
		look_at_flag, set_flag, exchange_flag, compare_exchange_flag};

	steps[draw(worker, COUNT_OF(steps))](worker);
}

static void set_up_flag(struct history *history)
{
	(void)history;
	flag = (conc_flag)CONC_FLAG_INIT(false);
}

static void finish_flag(struct history *history)
{
	look_at_flag(main_worker(history));
}

const struct subject flag_subject = {"flag", set_up_flag, step_flag,
				     finish_flag};
