/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The values that fuzz targets put in: objects that count their references, and
 * numbers.  With one thread every count is known exactly, so the books are kept
 * after each operation: for each object, the references that the structure owns
 * are those that a garbage collector's tour visits.
 */
#ifndef TESTS_FUZZ_OBJECTS_H
#define TESTS_FUZZ_OBJECTS_H

#include "input.h"

#define OBJECTS 16

struct object {
	_Alignas(8) long references; /* of anybody */
	long ours;		     /* of the target: handed out to it */
	long visits;
};

static struct object objects[OBJECTS];

static inline void object_retain(void *value, void *user)
{
	struct object *object = value;

	(void)user;
	/* With one thread nothing that a structure holds is dying. */
	must(object->references > 0);
	object->references++;
}

static inline bool object_try_retain(void *value, void *user)
{
	object_retain(value, user);
	return true;
}

static inline void object_release(void *value, void *user)
{
	struct object *object = value;

	(void)user;
	must(object->references > 0);
	object->references--;
}

static const struct conc_value_ops object_ops = {
	.size = sizeof(struct conc_value_ops),
	.retain = object_retain,
	.try_retain = object_try_retain,
	.release = object_release,
};

static const struct conc_value nothing = {.kind = CONC_ABSENT};

static inline bool is_counted(enum conc_lifetime lifetime,
			      const struct conc_value *value)
{
	return value->kind == CONC_POINTER &&
	       (lifetime == CONC_VALUE_RETAINED ||
		lifetime == CONC_VALUE_TYPE_STABLE);
}

static inline bool same(const struct conc_value *a, const struct conc_value *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == CONC_NUMBER)
		return a->u.number == b->u.number;
	return a->kind == CONC_ABSENT || a->u.pointer == b->u.pointer;
}

/* Any value, also one that no structure takes. */
static inline struct conc_value take_value(struct input *in)
{
	unsigned kind = take_byte(in);
	struct conc_value value = nothing;

	if (kind < 120) {
		value.kind = CONC_POINTER;
		value.u.pointer = &objects[kind % OBJECTS];
	} else if (kind < 250) {
		value.kind = CONC_NUMBER;
		value.u.number = take_number(in);
	} else if (kind < 252) {
		value.kind = CONC_POINTER;
		value.u.pointer = (char *)&objects[0] + 1;
	} else if (kind < 254) {
		value.kind = CONC_POINTER;
		value.u.pointer = NULL;
	} else {
		value.kind = kind == 254 ? CONC_ABSENT : (enum conc_kind)7;
	}
	return value;
}

/* Whether it is a value at all, if only one that nothing can hold. */
static inline bool is_value(const struct conc_value *value)
{
	return value->kind == CONC_ABSENT || value->kind == CONC_NUMBER ||
	       value->kind == CONC_POINTER;
}

/* What the headers say of a number, in a structure of this lifetime. */
static inline int check_number(enum conc_lifetime lifetime, int64_t number)
{
	int64_t limit = INT64_C(1) << (lifetime == CONC_VALUE_INT64 ? 60 : 59);

	if (lifetime == CONC_VALUE_BORROWED)
		return -EINVAL;
	return -limit <= number && number < limit ? 0 : -EOVERFLOW;
}

/* And of a value; CONC_ABSENT is none. */
static inline int check_value(enum conc_lifetime lifetime,
			      const struct conc_value *value)
{
	if (value->kind == CONC_NUMBER)
		return check_number(lifetime, value->u.number);
	if (value->kind != CONC_POINTER || lifetime == CONC_VALUE_INT64 ||
	    value->u.pointer == NULL)
		return -EINVAL;
	if (lifetime != CONC_VALUE_BORROWED &&
	    (uintptr_t)value->u.pointer % 8 != 0)
		return -EINVAL;
	return 0;
}

/*
 * A reference for the structure to take over, if it does: lend before the call,
 * then take back what it did not take.
 */
static inline void lend(enum conc_lifetime lifetime, const struct conc_value *value)
{
	if (is_counted(lifetime, value) && check_value(lifetime, value) == 0)
		((struct object *)value->u.pointer)->references++;
}

static inline void take_back(enum conc_lifetime lifetime,
			     const struct conc_value *value)
{
	if (is_counted(lifetime, value) && check_value(lifetime, value) == 0)
		object_release(value->u.pointer, NULL);
}

/* What came out is a reference of the target's own, to be given back. */
static inline void give_back(enum conc_lifetime lifetime,
			     const struct conc_value *value)
{
	if (is_counted(lifetime, value))
		object_release(value->u.pointer, NULL);
}

static inline void forget_visits(void)
{
	for (size_t i = 0; i < OBJECTS; i++)
		objects[i].visits = 0;
}

/* Whether it is one of the objects, which it then counts. */
static inline bool visit_object(void *object)
{
	if ((char *)object < (char *)objects ||
	    (char *)object >= (char *)(objects + OBJECTS))
		return false;
	((struct object *)object)->visits++;
	return true;
}

/*
 * After a tour.  What is held under TYPE_STABLE must be what the model holds;
 * RETAINED may hold more, until a grace period has passed.
 */
static inline void check_books(enum conc_lifetime lifetime,
			       const long held[OBJECTS])
{
	for (size_t i = 0; i < OBJECTS; i++) {
		const struct object *object = &objects[i];

		must(object->references == object->visits);
		if (lifetime == CONC_VALUE_TYPE_STABLE)
			must(object->visits == held[i]);
		else
			must(object->visits >= held[i]);
	}
}

static inline void check_all_given_back(void)
{
	for (size_t i = 0; i < OBJECTS; i++)
		must(objects[i].references == 0);
}

#endif
