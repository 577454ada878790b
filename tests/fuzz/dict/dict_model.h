/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a conc_dict must hold, for fuzz_dict.c: one value for each of KEYS keys,
 * and what each key has been since some moment.
 *
 * Operations nest: a comparison, or the function that an update asks, may call
 * the dict again.  One that changes the dict does so after the last of these
 * calls, so it is held against the model as it is then.  One that changes
 * nothing may answer for any moment between its beginning and its end.
 */
#ifndef TESTS_FUZZ_DICT_MODEL_H
#define TESTS_FUZZ_DICT_MODEL_H

#include "fuzz/objects.h"

#define KEYS 192

/* What a key was since a cursor was made: a small set, into which values are hashed. */
typedef uint64_t span;

static inline span span_of(const struct conc_value *value)
{
	uint64_t mix = (uint64_t)value->kind << 62;

	if (value->kind == CONC_NUMBER)
		mix ^= (uint64_t)value->u.number;
	else if (value->kind == CONC_POINTER)
		mix ^= (uintptr_t)value->u.pointer >> 3;
	return UINT64_C(1) << (mix * UINT64_C(0x9E3779B97F4A7C15) >> 58);
}

static inline bool span_has(span span, const struct conc_value *value)
{
	return (span & span_of(value)) != 0;
}

/* An operation under way; they form a stack. */
struct call {
	struct call *outer;
	unsigned key;
	bool absent;  /* since it began the key was not there for a moment */
	bool present; /* or was */
	int error;    /* what a callback answered, which the call must answer */
};

/* A cursor under way. */
struct walk {
	conc_cursor *cursor;
	span seen[KEYS];
	bool throughout[KEYS]; /* there since the cursor was made */
	bool given[KEYS];
};

#define WALKS 2

struct model {
	struct conc_value values[KEYS];
	const void *stored[KEYS]; /* general keys: which of the equal objects */
	struct call *calls;
	struct walk walks[WALKS];
};

static inline void call_note(struct call *call, const struct conc_value *value)
{
	if (value->kind == CONC_ABSENT)
		call->absent = true;
	else
		call->present = true;
}

static inline void call_begin(struct model *m, struct call *call, unsigned key)
{
	*call = (struct call){.outer = m->calls, .key = key};
	call_note(call, &m->values[key]);
	m->calls = call;
}

static inline void call_end(struct model *m, struct call *call)
{
	must(m->calls == call);
	m->calls = call->outer;
}

/* The key has another value from now on. */
static inline void model_set(struct model *m, unsigned key,
			     const struct conc_value *value)
{
	m->values[key] = *value;
	for (struct call *call = m->calls; call != NULL; call = call->outer)
		if (call->key == key)
			call_note(call, value);
	for (size_t i = 0; i < WALKS; i++) {
		m->walks[i].seen[key] |= span_of(value);
		if (value->kind == CONC_ABSENT)
			m->walks[i].throughout[key] = false;
	}
}

static inline void walk_begin(const struct model *m, struct walk *walk)
{
	for (size_t i = 0; i < KEYS; i++) {
		walk->seen[i] = span_of(&m->values[i]);
		walk->throughout[i] = m->values[i].kind != CONC_ABSENT;
		walk->given[i] = false;
	}
}

/* It came to its end: whatever was there throughout came. */
static inline void walk_end(const struct walk *walk)
{
	for (size_t i = 0; i < KEYS; i++)
		must(walk->given[i] || !walk->throughout[i]);
}

/* It gave this entry. */
static inline void walk_gives(struct walk *walk, unsigned key,
			      const struct conc_value *value)
{
	must(key < KEYS && !walk->given[key]);
	must(value->kind != CONC_ABSENT && span_has(walk->seen[key], value));
	walk->given[key] = true;
}

static inline size_t model_size(const struct model *m)
{
	size_t size = 0;

	for (size_t i = 0; i < KEYS; i++)
		size += m->values[i].kind != CONC_ABSENT;
	return size;
}

#endif
