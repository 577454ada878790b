/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Two dicts of objects with byte-string keys, one of each lifetime that counts
 * references: each object that comes out belongs to the key it was asked for,
 * and each that went in is given back once.
 */
#include <errno.h>
#include <string.h>

#include "soak/objects.h"

#define BURST 100
#define DICTS 2
/* A walk over all entries, once in so many operations. */
#define WALKS 4000

static conc_dict *dicts[DICTS];

static void begin(void)
{
	const enum conc_lifetime values[DICTS] = {CONC_VALUE_RETAINED,
						  CONC_VALUE_TYPE_STABLE};

	for (int i = 0; i < DICTS; i++) {
		struct conc_dict_attr attr = {.size = sizeof(attr),
					      .keys = CONC_KEY_BYTES,
					      .scaling = 4,
					      .values = values[i],
					      .value_ops = &object_ops};

		soak_check(conc_dict_new(&attr, &dicts[i]) == 0);
	}
}

static uint64_t pick_key(struct soaker *soaker)
{
	return soak_random(soaker, UINT64_C(4) << (soak_season() + 6) % 12);
}

/* Whatever came out for this key was stored for it. */
static void check_out(uint64_t key, const struct conc_value *value)
{
	if (value->kind != CONC_ABSENT)
		soak_check(object_consume(value) == key);
}

static void insert(conc_dict *dict, uint64_t key)
{
	struct object *object = object_new(key);
	struct conc_value value = object_value(object), present;
	int rc = conc_dict_insert(dict, &key, sizeof(key), &value, &present);

	soak_check(rc == 0 || rc == -EEXIST);
	soak_check(present.kind == (rc == 0 ? CONC_ABSENT : CONC_POINTER));
	check_out(key, &present);
	if (rc != 0)
		object_release(object);
}

static void set(conc_dict *dict, uint64_t key)
{
	struct conc_value value = object_value(object_new(key)), old;

	soak_check(conc_dict_exchange(dict, &key, sizeof(key), &value, &old) ==
		   0);
	check_out(key, &old);
}

static void exchange(conc_dict *dict, uint64_t key)
{
	struct object *object = object_new(key);
	struct conc_value value = object_value(object), old;
	int rc = conc_dict_get(dict, &key, sizeof(key), &old);

	soak_check(rc == 0 || rc == -ENOENT);
	rc = conc_dict_compare_exchange(dict, &key, sizeof(key), &old, &value,
					NULL);
	soak_check(rc == 0 || rc == -EAGAIN);
	if (rc != 0)
		object_release(object);
	check_out(key, &old);
}

/* From what is shown to another object, until it is there. */
static void exchange_shown(conc_dict *dict, uint64_t key)
{
	struct conc_value value = object_value(object_new(key)), expected;
	struct conc_value seen = {.kind = CONC_ABSENT};
	int rc;

	do {
		expected = seen;
		rc = conc_dict_compare_exchange(dict, &key, sizeof(key), &seen,
						&value, &seen);
		soak_check(rc == 0 || rc == -EAGAIN);
		soak_check(rc == 0 || seen.kind != expected.kind ||
			   seen.u.pointer != expected.u.pointer);
		check_out(key, &expected);
	} while (rc != 0);
	soak_check(seen.kind == CONC_ABSENT);
}

static void take_plain(conc_dict *dict, uint64_t key)
{
	void *pointer;
	int rc = conc_dict_take_pointer(dict, &key, sizeof(key), &pointer);

	soak_check(rc == 0 || rc == -ENOENT);
	if (rc == 0)
		soak_check(object_consume(&(struct conc_value){
				   .kind = CONC_POINTER,
				   .u.pointer = pointer}) == key);
}

static void set_plain(conc_dict *dict, uint64_t key)
{
	soak_check(conc_dict_set_pointer(dict, &key, sizeof(key),
					 object_new(key)) == 0);
}

static void walk(conc_dict *dict)
{
	struct conc_entry entry = CONC_ENTRY_INIT;
	conc_cursor *cursor;

	soak_check(conc_cursor_new(dict, &cursor) == 0);
	while (conc_cursor_next(cursor, &entry) == 0) {
		struct object *object = entry.value.u.pointer;

		soak_check(memcmp(entry.key, (void *)&object->content,
				  sizeof(uint64_t)) == 0);
	}
	conc_cursor_free(cursor);
}

static void operate(struct soaker *soaker, conc_dict *dict)
{
	uint64_t key = pick_key(soaker);
	struct conc_value value = {.kind = CONC_ABSENT};

	switch (soak_random(soaker, 20)) {
	case 0:
	case 1:
		insert(dict, key);
		break;
	case 2:
	case 3:
		set(dict, key);
		break;
	case 4:
	case 5:
	case 6:
		conc_dict_take(dict, &key, sizeof(key), &value);
		check_out(key, &value);
		break;
	case 7:
		exchange(dict, key);
		break;
	case 8:
		exchange_shown(dict, key);
		break;
	case 9:
		take_plain(dict, key);
		break;
	case 10:
		set_plain(dict, key);
		break;
	default:
		conc_dict_get(dict, &key, sizeof(key), &value);
		check_out(key, &value);
	}
	if (soak_random(soaker, WALKS) == 0)
		walk(dict);
}

static unsigned burst(struct soaker *soaker)
{
	for (int i = 0; i < BURST; i++)
		operate(soaker, dicts[i % DICTS]);
	return BURST;
}

static void end(void)
{
	for (int i = 0; i < DICTS; i++)
		conc_dict_free(dicts[i]);
}

const struct load load_values = {"values", begin, burst, end};
