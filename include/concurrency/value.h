/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Values: how one goes into and comes out of a structure, and how long it lives
 * in there.
 */
#ifndef CONCURRENCY_VALUE_H
#define CONCURRENCY_VALUE_H

#include <concurrency/common.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a struct conc_value holds. */
enum conc_kind {
	CONC_ABSENT = 0,  /* no value */
	CONC_NUMBER = 1,  /* the number in u.number */
	CONC_POINTER = 2, /* the pointer in u.pointer */
	CONC_BYTES = 3    /* `len' bytes at u.pointer; no structure takes them yet */
};

/* A compiler that makes enumerations smaller (-fshort-enums) stops here. */
typedef char conc_enums_are_as_large_as_int
	[sizeof(enum conc_kind) == sizeof(int) ? 1 : -1];

/* A value that goes into or comes out of a structure.  Its layout is final. */
struct conc_value {
	enum conc_kind kind;
	size_t len; /* of CONC_BYTES; else not read, and left alone (0 in an entry) */
	union {
		int64_t number;
		void *pointer;
	} u;
};

#define CONC_VALUE_INIT {CONC_ABSENT, 0, {0}}

/*
 * How long the values that a structure holds stay alive: said once, when it is
 * made.  BYTES, OWNED and NONE are names that no structure takes yet: -EINVAL.
 */
enum conc_lifetime {
	/*
	 * Numbers of 61 bits, -2^60 <= n < 2^60; beyond: -EOVERFLOW.  Nothing
	 * is released.
	 */
	CONC_VALUE_INT64 = 0,
	/*
	 * Pointers that are counted: `retain` takes a reference, inside a read
	 * section; the structure's own reference is given back through
	 * `release` after a grace period, so a racing `retain` is safe.
	 */
	CONC_VALUE_RETAINED = 1,
	/*
	 * Pointers to memory that stays an object of its kind after it was
	 * freed (CPython objects, type-stable pools).  `try_retain` may refuse
	 * a dying object; `release` is called at once.
	 */
	CONC_VALUE_TYPE_STABLE = 2,
	/* Pointers that are the caller's affair: never released. */
	CONC_VALUE_BORROWED = 3,
	/* Bytes that the library copies. */
	CONC_VALUE_BYTES = 4,
	/* Pointers that the structure destroys, and that are read in place. */
	CONC_VALUE_OWNED = 5,
	/* No value at all: a set. */
	CONC_VALUE_NONE = 6
};

/*
 * The operations that go with a lifetime.  Pointers under CONC_VALUE_RETAINED
 * and CONC_VALUE_TYPE_STABLE must be aligned to 8 bytes.
 */
struct conc_value_ops {
	size_t size; /* sizeof(struct conc_value_ops) */
	void *user;  /* handed to each of them */
	/*
	 * CONC_VALUE_RETAINED: takes one reference.  Runs inside a read section
	 * or under a lock of the library: must not block, call back or fail.
	 */
	void (*retain)(void *value, void *user);
	/*
	 * CONC_VALUE_TYPE_STABLE: takes one reference, by a step with acquire
	 * order, and returns true, or returns false if the object is dying.
	 * Runs where retain runs, in a conc_ref outside of any section: the
	 * memory stays an object of the kind for good.  Must return true for an
	 * object to which the structure holds a reference.
	 */
	bool (*try_retain)(void *value, void *user);
	/*
	 * Gives one reference back.  Runs with no lock held and outside read
	 * sections: may do anything, also call the same structure, if that is
	 * not being freed.
	 */
	void (*release)(void *value, void *user);
};

#define CONC_VALUE_OPS_INIT \
	{sizeof(struct conc_value_ops), NULL, NULL, NULL, NULL}

#ifdef __cplusplus
}
#endif
#endif
