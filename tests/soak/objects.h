/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Objects that count references, in memory that stays theirs: who frees one
 * poisons it, and the next thread that makes an object may get the same.
 */
#ifndef TESTS_SOAK_OBJECTS_H
#define TESTS_SOAK_OBJECTS_H

#include "soak.h"

struct object {
	_Alignas(8) _Atomic int64_t references; /* 0: free */
	_Atomic uint64_t content;
	struct object *next; /* of the free ones */
};

extern const struct conc_value_ops object_ops;

/* With one reference.  Never NULL: without memory the soak ends. */
struct object *object_new(uint64_t content);

/* Gives back a reference; the last frees it. */
void object_release(struct object *object);

static inline struct conc_value object_value(struct object *object)
{
	return (struct conc_value){.kind = CONC_POINTER, .u.pointer = object};
}

/* The content of a value that is an object; its reference is given back. */
uint64_t object_consume(const struct conc_value *value);

/* How many are not free. */
int64_t objects_alive(void);

/* Gives all memory back; nobody may use an object any more. */
void objects_end(void);

#endif
