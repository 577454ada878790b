/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What every fuzz target shares: bytes become arguments, one call in some is
 * short of memory, and whatever must hold and does not ends the process, which
 * is how libFuzzer (and replay.c) learn of it.
 *
 * A target plays each operation on the library and on a plain model that one
 * thread can keep, and compares every answer.  Bytes that have run out are
 * zeros, so that every input means something and a shorter one means nearly the
 * same.
 */
#ifndef TESTS_FUZZ_INPUT_H
#define TESTS_FUZZ_INPUT_H

#include <concurrency.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* The name of the target and of its folder in corpus/. */
extern const char *const fuzz_name;

/* What libFuzzer calls with each input; answers 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define must(holds)                                                            \
	do {                                                                   \
		if (!(holds)) {                                                \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__,       \
				__LINE__, #holds);                             \
			abort();                                               \
		}                                                              \
	} while (0)

struct input {
	const uint8_t *at, *end;
	bool armed; /* allocations of this operation may fail */
};

static inline struct input input_of(const uint8_t *data, size_t size)
{
	return (struct input){.at = data, .end = data + size};
}

static inline bool input_left(const struct input *in)
{
	return in->at < in->end;
}

static inline unsigned take_byte(struct input *in)
{
	return input_left(in) ? *in->at++ : 0;
}

/* 0 <= answer < limit <= 256 */
static inline unsigned take_below(struct input *in, unsigned limit)
{
	return take_byte(in) % limit;
}

static inline bool take_bool(struct input *in)
{
	return take_byte(in) & 1;
}

/*
 * A number near a border: 0, where an add stops being done in place, what a
 * count and a word can hold, and the ends of 64 bits, where it wraps.
 */
static inline int64_t take_number(struct input *in)
{
	static const int64_t borders[] = {
		0,		    INT64_C(1) << 31,	 INT64_C(1) << 32,
		INT64_C(1) << 58,   INT64_C(1) << 59,	 INT64_C(1) << 60,
		INT64_C(1) << 61,   INT64_MIN,
	};
	unsigned border = take_byte(in);
	uint64_t number = (uint64_t)borders[border % COUNT_OF(borders)];

	if (border & 0x80)
		number = 0 - number;
	return (int64_t)(number + (uint64_t)(int8_t)take_byte(in));
}

/*
 * Now and then lets the next operation have a few allocations and no more.
 * Every operation stands between these two; while `armed`, and only then, it
 * may answer -ENOMEM.
 */
static inline void fail_allocations_after(struct input *in, unsigned count)
{
	in->armed = true;
	conc_alloc_fail_after = (long)count;
}

static inline void stop_failing(struct input *in)
{
	in->armed = false;
	conc_alloc_fail_after = -1;
}

/* Sleeps that have begun and not ended. */
static int sleeps;

static inline void *wait_begin(void *user)
{
	must(user == &sleeps);
	sleeps++;
	return &sleeps;
}

static inline void wait_end(void *token, void *user)
{
	must(user == &sleeps && token == &sleeps);
	sleeps--;
}

/* For every structure; no call returns and no callback runs in a sleep. */
static const struct conc_wait_hooks wait_hooks = {
	.size = sizeof(struct conc_wait_hooks),
	.wait_begin = wait_begin,
	.wait_end = wait_end,
	.user = &sleeps,
};

/* A deadline that keeps nobody: none, or one that has passed. */
static inline int64_t take_deadline(struct input *in)
{
	return take_bool(in) ? conc_now() : CONC_TRY;
}

/* A token that ends every call; made without regard to the memory there is. */
static inline conc_cancel *fired_token(void)
{
	long left = conc_alloc_fail_after;
	conc_cancel *cancel = NULL;

	conc_alloc_fail_after = -1;
	must(conc_cancel_new(&cancel) == 0);
	conc_alloc_fail_after = left;
	must(!conc_cancel_fired(cancel));
	conc_cancel_fire(cancel);
	must(conc_cancel_fired(cancel));
	return cancel;
}

/* What a call answers that had to wait until this deadline, in vain. */
static inline int in_vain(int64_t deadline)
{
	return deadline == CONC_TRY ? -EAGAIN : -ETIMEDOUT;
}

#endif
