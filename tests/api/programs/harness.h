/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the generated programs stand on.  A program is
 *
 *     tables.h    generated: struct api, a pointer to each public function; how to
 *                 make each object; how to call each function that takes one; how to
 *                 hand in each structure that grows
 *     harness.h   this file, which tables.h includes
 *     sized.c, handles.c   the tests, which know no function by name
 *
 * A test compares: the same calls on two objects must have the same answers and
 * call the same callbacks as often.  So it need not know what they do.
 */
#ifndef API_HARNESS_H
#define API_HARNESS_H

#include <concurrency.h>

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
/* What memory has in it that nobody may look at. */
#define GARBAGE 0xAA
/* What a maker answers when there are no more kinds of an object. */
#define NO_MORE 1
#define PARAMETERS_MOST 8
#define NS_OF_A_WAIT 100000

/* --- What was not as it should be ------------------------------------------ */

static const char *subject; /* of what is said, as a name */
static unsigned long wrongs;

__attribute__((format(printf, 1, 2))) static inline void wrong(const char *format, ...)
{
	va_list arguments;

	if (wrongs++ >= 5)
		return;
	printf("%s: ", subject);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
	fflush(stdout);
}

__attribute__((noreturn)) static inline void cannot(const char *what)
{
	printf("cannot go on: %s: %s\n", subject ? subject : "", what);
	exit(2);
}

/* --- Callbacks ------------------------------------------------------------- */

#define CALLBACKS_MOST 64
static unsigned long callback_calls[CALLBACKS_MOST];
static void *callback_user[CALLBACKS_MOST]; /* the last */
/* How often these are called is a matter of time. */
static bool callback_waits[CALLBACKS_MOST];

static inline void note_callback(unsigned which, void *user)
{
	callback_calls[which]++;
	callback_user[which] = user;
}

static inline bool any_callback(void)
{
	for (unsigned i = 0; i < CALLBACKS_MOST; i++)
		if (callback_calls[i] != 0)
			return true;
	return false;
}

static inline void forget_callbacks(void)
{
	memset(callback_calls, 0, sizeof(callback_calls));
	memset(callback_user, 0, sizeof(callback_user));
}

/* --- Arguments ------------------------------------------------------------- */

/* An item, a pointer as a value, a key: one object is as good as another. */
static int64_t thing CONC_ALIGNED;
/* What structures hand to their callbacks. */
static int64_t user_of_all;

/* What a function writes to.  The largest type that it may have is checked. */
struct slot {
	alignas(16) unsigned char bytes[256];
};

struct arguments {
	void *handles[PARAMETERS_MOST]; /* by the number of the parameter */
	struct conc_value value;
	int64_t deadline;
	struct slot slots[PARAMETERS_MOST];
};

/* Values that go in are numbers or pointers: the dict says which, and we try. */
#define VARIANTS 2

static inline void prepare(struct arguments *a, unsigned variant)
{
	memset(a, GARBAGE, sizeof(*a));
	memset(a->handles, 0, sizeof(a->handles));
	a->deadline = CONC_TRY;
	a->value = (struct conc_value)CONC_VALUE_INIT;
	if (variant == 0) {
		a->value.kind = CONC_NUMBER;
		a->value.u.number = 1;
	} else {
		a->value.kind = CONC_POINTER;
		a->value.u.pointer = &thing;
	}
}

/* One of several, and the rest of the number for the next choice. */
static inline unsigned pick(unsigned *n, unsigned of)
{
	unsigned picked = *n % of;

	*n /= of;
	return picked;
}

/* --- What tables.h has ----------------------------------------------------- */

struct api;

struct object {
	const struct api *api; /* that made it */
	unsigned kind;
	void *self;
	struct object *parent;
};

enum answers { ANSWERS_INT, ANSWERS_ANOTHER, ANSWERS_NOTHING };

struct function {
	const char *name;
	enum answers answers;
	bool frees;
	bool only_takes; /* writes nowhere: what fills an object */
	unsigned handle_count;
	unsigned handle_at[PARAMETERS_MOST];
	unsigned handle_kind[PARAMETERS_MOST];
	int makes;	  /* a kind of object, or -1 */
	unsigned made_at; /* the parameter */
	/* What is in the slots before the call, or NULL. */
	void (*lay)(struct arguments *a);
	intmax_t (*call)(const struct api *api, struct arguments *a);
};

struct kind {
	const char *name;
	int (*make)(const struct api *api, unsigned n, struct object *object);
	void (*free)(const struct api *api, void *self);
};

/* A way in which a structure that grows gets to the library. */
struct route {
	const char *name;
	size_t size;
	const size_t *ends; /* where an older version of it may have ended */
	unsigned end_count;
	void (*defaults)(void *structure);
	bool (*fill)(void *structure, unsigned n);
	bool nested; /* in another, which goes in: its kinds are those of apply */
	/* of those that go in; given may be NULL */
	int (*apply)(const struct api *api, unsigned n, const void *given,
		     void **made);
	int makes;
	/* of those that are filled in; kind is of the object that does */
	int kind;
	int (*fetch)(const struct api *api, void *self, void *given);
	bool (*same)(const void *a, const void *b, size_t end);
};

#endif
