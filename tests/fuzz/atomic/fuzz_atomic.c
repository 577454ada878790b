/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conc_int64 and conc_flag against variables: the inline functions and their
 * exported twins, which must answer the same.
 */
#include <config.h>

#include "fuzz/input.h"

const char *const fuzz_name = "atomic";

/*
 * The exported symbol of an inline function goes by another name in here.  (The
 * address of an inline one is not taken: that makes a copy in this file, which
 * the compiler may change as it likes, and which has the exported one's symbol.)
 */
#define AS(symbol) __asm__(#symbol)

int64_t exported_conc_int64_get(const conc_int64 *a) AS(conc_int64_get);
void exported_conc_int64_set(conc_int64 *a, int64_t value) AS(conc_int64_set);
int64_t exported_conc_int64_exchange(conc_int64 *a, int64_t value)
	AS(conc_int64_exchange);
bool exported_conc_int64_compare_exchange(conc_int64 *a, int64_t *expected,
	int64_t desired)
	AS(conc_int64_compare_exchange);
int64_t exported_conc_int64_add(conc_int64 *a, int64_t n) AS(conc_int64_add);
int64_t exported_conc_int64_sub(conc_int64 *a, int64_t n) AS(conc_int64_sub);
int64_t exported_conc_int64_incr(conc_int64 *a) AS(conc_int64_incr);
int64_t exported_conc_int64_decr(conc_int64 *a) AS(conc_int64_decr);
int64_t exported_conc_int64_and(conc_int64 *a, int64_t n) AS(conc_int64_and);
int64_t exported_conc_int64_or(conc_int64 *a, int64_t n) AS(conc_int64_or);
int64_t exported_conc_int64_xor(conc_int64 *a, int64_t n) AS(conc_int64_xor);
int64_t exported_conc_int64_multiply(conc_int64 *a, int64_t n)
	AS(conc_int64_multiply);
bool exported_conc_flag_get(const conc_flag *flag) AS(conc_flag_get);
void exported_conc_flag_set(conc_flag *flag, bool value) AS(conc_flag_set);
bool exported_conc_flag_exchange(conc_flag *flag, bool value)
	AS(conc_flag_exchange);
bool exported_conc_flag_compare_exchange(conc_flag *flag, bool *expected,
	bool desired)
	AS(conc_flag_compare_exchange);

/* Each step is done twice, to each of these, in the same way. */
struct twins {
	conc_int64 number, other;
	conc_flag flag, other_flag;
	int64_t value; /* what both numbers must be */
	bool truth;    /* what both flags must be */
};

/* What is computed without a sign wraps as it must. */
static int64_t wrapped(uint64_t number)
{
	return (int64_t)number;
}

typedef int64_t combine_fn(conc_int64 *a, int64_t n);

static void combine(struct twins *t, int64_t n, combine_fn *inlined,
		    combine_fn *exported, int64_t expected)
{
	t->value = expected;
	must(inlined(&t->number, n) == expected);
	must(exported(&t->other, n) == expected);
}

static void arithmetic(struct twins *t, struct input *in)
{
	unsigned how = take_below(in, 6);
	int64_t n = take_number(in);
	uint64_t old = (uint64_t)t->value, operand = (uint64_t)n;

	switch (how) {
	case 0:
		combine(t, n, conc_int64_add, exported_conc_int64_add,
			wrapped(old + operand));
		break;
	case 1:
		combine(t, n, conc_int64_sub, exported_conc_int64_sub,
			wrapped(old - operand));
		break;
	case 2:
		combine(t, n, conc_int64_multiply, exported_conc_int64_multiply,
			wrapped(old * operand));
		break;
	case 3:
		combine(t, n, conc_int64_and, exported_conc_int64_and,
			t->value & n);
		break;
	case 4:
		combine(t, n, conc_int64_or, exported_conc_int64_or,
			t->value | n);
		break;
	case 5:
		combine(t, n, conc_int64_xor, exported_conc_int64_xor,
			t->value ^ n);
		break;
	}
}

/* By its definition: what is left over has the sign of n, or is 0. */
static int64_t floor_of(int64_t value, int64_t n)
{
	int64_t q, left;

	if (n == -1) /* the one division that leaves 64 bits */
		return wrapped(0 - (uint64_t)value);
	q = value / n;
	left = value - q * n;
	while (n < 0 ? left > 0 : left < 0) {
		q--;
		left += n;
	}
	return q;
}

static void divide(struct twins *t, struct input *in)
{
	int64_t n = take_number(in), quotient = 77;

	if (n == 0) {
		must(conc_int64_floor_divide(&t->number, 0, &quotient) == -EDOM);
		must(quotient == 77);
		return;
	}
	t->value = floor_of(t->value, n);
	must(conc_int64_floor_divide(&t->number, n, &quotient) == 0);
	must(quotient == t->value);
	must(conc_int64_floor_divide(&t->other, n, NULL) == 0);
}

static void exchange(struct twins *t, struct input *in)
{
	int64_t value = take_number(in);

	must(conc_int64_exchange(&t->number, value) == t->value);
	must(exported_conc_int64_exchange(&t->other, value) == t->value);
	t->value = value;
}

static void compare_exchange(struct twins *t, struct input *in)
{
	bool right = take_bool(in);
	int64_t desired = take_number(in);
	int64_t guess = right ? t->value : take_number(in);
	int64_t a = guess, b = guess;

	right = guess == t->value;
	must(conc_int64_compare_exchange(&t->number, &a, desired) == right);
	must(exported_conc_int64_compare_exchange(&t->other, &b, desired) ==
	     right);
	must(a == t->value && b == t->value);
	if (right)
		t->value = desired;
}

static void flags(struct twins *t, struct input *in)
{
	unsigned how = take_byte(in);
	bool truth = how & 4, a = how & 8, b = a, right = a == t->truth;

	switch (how & 3) {
	case 0:
	case 1:
		conc_flag_set(&t->flag, truth);
		exported_conc_flag_set(&t->other_flag, truth);
		t->truth = truth;
		break;
	case 2:
		must(conc_flag_exchange(&t->flag, truth) == t->truth);
		must(exported_conc_flag_exchange(&t->other_flag, truth) ==
		     t->truth);
		t->truth = truth;
		break;
	case 3:
		must(conc_flag_compare_exchange(&t->flag, &a, truth) == right);
		must(exported_conc_flag_compare_exchange(&t->other_flag, &b,
							 truth) == right);
		must(a == t->truth && b == t->truth);
		if (right)
			t->truth = truth;
		break;
	}
}

static void step_by_one(struct twins *t, bool up)
{
	t->value = wrapped((uint64_t)t->value + (up ? 1 : UINT64_MAX));
	must((up ? conc_int64_incr(&t->number) : conc_int64_decr(&t->number)) ==
	     t->value);
	must((up ? exported_conc_int64_incr(&t->other)
		 : exported_conc_int64_decr(&t->other)) == t->value);
}

static void operate(struct twins *t, struct input *in)
{
	unsigned operation = take_below(in, 8);

	switch (operation) {
	default:
		arithmetic(t, in);
		break;
	case 3:
		divide(t, in);
		break;
	case 4:
		exchange(t, in);
		break;
	case 5:
		compare_exchange(t, in);
		break;
	case 6:
		flags(t, in);
		break;
	case 7:
		step_by_one(t, take_bool(in));
		break;
	}
	must(conc_int64_get(&t->number) == t->value);
	must(exported_conc_int64_get(&t->other) == t->value);
	must(conc_flag_get(&t->flag) == t->truth);
	must(exported_conc_flag_get(&t->other_flag) == t->truth);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = input_of(data, size);
	int64_t first = take_number(&in);
	struct twins t = {.number = CONC_INT64_INIT(first), .value = first};

	exported_conc_int64_set(&t.other, first);
	while (input_left(&in))
		operate(&t, &in);
	return 0;
}
