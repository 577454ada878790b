/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A program of a user who has installed the library: it makes one of each
 * structure and uses it.  In what C99 and C++11 have in common, for it is
 * compiled as either.  elsewhere.c is its second translation unit, with the
 * same inline functions.
 */
#include <concurrency.h>
#include <concurrency.h>

#include <errno.h>
#include <string.h>

#include "elsewhere.h"
#include "must.h"

static void use_atomics(void)
{
	conc_int64 number = CONC_INT64_INIT(40);
	conc_flag flag = CONC_FLAG_INIT(false);
	int64_t quotient;

	must(conc_int64_incr(&number) == 41, "41 after 40");
	must(add_elsewhere(&number, 1) == 42, "42 from another unit");
	must(conc_int64_get(&number) == 42, "which this one sees");
	must(conc_int64_floor_divide(&number, -5, &quotient) == 0 &&
	     quotient == -9, "42 / -5 rounds down");
	conc_flag_set(&flag, true);
	must(get_elsewhere(&flag), "a flag set here is set there");
}

static void use_dict(void)
{
	static const char key[] = "key";
	struct conc_dict_attr attr = CONC_DICT_ATTR_INIT;
	struct conc_value value = CONC_VALUE_INIT;
	struct conc_entry entry = CONC_ENTRY_INIT;
	conc_cursor *cursor;
	conc_dict *dict;

	attr.keys = CONC_KEY_BYTES;
	must(conc_dict_new(&attr, &dict) == 0, "a dict");
	must(conc_dict_add(dict, key, sizeof(key), 2, NULL) == 0, "an add");
	must(conc_dict_get(dict, key, sizeof(key), &value) == 0 &&
	     value.kind == CONC_NUMBER && value.u.number == 2, "what was added");
	must(conc_cursor_new(dict, &cursor) == 0, "a cursor");
	must(conc_cursor_next(cursor, &entry) == 0 &&
	     entry.len == sizeof(key) && memcmp(entry.key, key, sizeof(key)) == 0,
	     "the entry");
	must(conc_cursor_next(cursor, &entry) == -ENOENT, "and no other");
	conc_cursor_free(cursor);
	conc_dict_free(dict);
}

static void use_queues(void)
{
	static int item;
	struct conc_bounded_queue_attr attr = CONC_BOUNDED_QUEUE_ATTR_INIT;
	conc_bounded_queue *bounded;
	conc_cancel *cancel;
	conc_queue *queue;
	void *out;

	must(conc_queue_new(NULL, &queue) == 0, "a queue");
	must(conc_queue_push(queue, &item) == 0, "a push");
	must(conc_queue_pop(queue, &out, CONC_FOREVER, NULL) == 0 &&
	     out == &item, "what was pushed");
	must(conc_queue_pop(queue, &out, conc_deadline_after(1000000), NULL) ==
	     -ETIMEDOUT, "nothing else within a millisecond");
	must(conc_cancel_new(&cancel) == 0, "a token");
	conc_cancel_fire(cancel);
	must(conc_queue_pop(queue, &out, CONC_FOREVER, cancel) == -ECANCELED,
	     "which ends a call");
	conc_cancel_free(cancel);
	conc_queue_free(queue);

	attr.capacity = 1;
	must(conc_bounded_queue_new(&attr, &bounded) == 0, "a bounded queue");
	must(conc_bounded_queue_push(bounded, &item, CONC_TRY, NULL) == 0,
	     "room");
	must(conc_bounded_queue_push(bounded, &item, CONC_TRY, NULL) == -EAGAIN,
	     "for no more than one");
	conc_bounded_queue_free(bounded);
}

static void use_gather(void)
{
	struct conc_value in = CONC_VALUE_INIT, out;
	conc_gather *gather;

	in.kind = CONC_NUMBER;
	in.u.number = 7;
	must(conc_gather_new(NULL, &gather) == 0, "a gatherer");
	must(conc_gather_insert(gather, 3, &in) == 0, "a value under 3");
	must(conc_gather_take(gather, 3, true, &out, CONC_FOREVER, NULL) == 0 &&
	     out.u.number == 7, "which comes out");
	conc_gather_free(gather);
}

static void use_ref(void)
{
	static int object;
	struct conc_ref_attr attr = CONC_REF_ATTR_INIT;
	struct conc_value value = CONC_VALUE_INIT;
	conc_ref *ref;

	attr.values = CONC_VALUE_BORROWED;
	must(conc_ref_new(&attr, &ref) == 0, "a reference");
	value.kind = CONC_POINTER;
	value.u.pointer = &object;
	must(conc_ref_set(ref, &value) == 0, "which is set");
	value.kind = CONC_ABSENT;
	must(conc_ref_get(ref, &value) == 0 && value.u.pointer == &object,
	     "and read");
	conc_ref_free(ref);
}

int main(void)
{
	use_atomics();
	use_dict();
	use_queues();
	use_gather();
	use_ref();
	must(conc_reclaim(NULL) == 0, "nobody else reclaims");
	printf("%s\n", conc_version());
	return 0;
}
