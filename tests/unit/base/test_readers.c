/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * No operation but conc_reclaim() waits for a reader, and none with CONC_TRY,
 * nor any read, sleeps at all.  Readers of ours, or of another user of liburcu,
 * are held until the operations have returned, while much is given up and the
 * limit would have writers nap: what waited for a reader would hang.
 */
#include <config.h>

#include <concurrency.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/rcu.h"
#include "suite.h"
#include "values.h"

#include <urcu/static/urcu-bp.h>

#define MANY 20000
#define WRITES 2000 /* of each kind, some of which nap */
#define ITEMS (2 * 1000 * 1000) /* thousands of segments */

static _Atomic bool let_go;
static _Atomic int held;

static void hold(void)
{
	atomic_fetch_add(&held, 1);
	while (!atomic_load(&let_go))
		usleep(1000);
}

static void wait_until_held(int readers)
{
	while (atomic_load(&held) < readers)
		usleep(1000);
}

static pthread_t start(void *(*body)(void *), void *arg)
{
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, body, arg), 0);
	return thread;
}

/* ---- readers of ours --------------------------------------------------------------- */

static void *hold_section(void *unused)
{
	conc_read_begin();
	hold();
	conc_read_end();
	return unused;
}

static int hash(const void *key, uint64_t *hash, void *user)
{
	(void)key, (void)user;
	*hash = 1;
	return 0;
}

static bool equal_holds;

static enum conc_equal equal(const void *probe, const void *key, void *user)
{
	(void)user;
	if (equal_holds)
		hold();
	return probe == key ? CONC_EQUAL : CONC_DIFFERENT;
}

static void keep(const void *key, void *user)
{
	(void)key, (void)user;
}

static const struct conc_key_ops key_ops = {
	.size = sizeof(key_ops),
	.hash = hash,
	.fast_eq = equal,
	.retain = keep,
	.release = keep,
};

/* What a debugger or a paused processor may do to any reader, equal does. */
static void *hold_get(void *dict)
{
	struct conc_value value;

	ck_assert_int_eq(conc_dict_get(dict, &let_go, 0, &value), -ENOENT);
	return NULL;
}

static void beside_ours(void (*operate)(void))
{
	const struct conc_dict_attr attr = {.size = sizeof(attr),
					    .keys = CONC_KEY_GENERAL,
					    .key_ops = &key_ops};
	struct conc_value value = number(1);
	pthread_t section, get;
	conc_dict *dict;

	ck_assert_int_eq(conc_dict_new(&attr, &dict), 0);
	ck_assert_int_eq(conc_dict_set(dict, &held, 0, &value), 0);
	equal_holds = true;
	section = start(hold_section, NULL);
	get = start(hold_get, dict);
	wait_until_held(2);
	operate();
	atomic_store(&let_go, true);
	pthread_join(section, NULL);
	pthread_join(get, NULL);
	conc_dict_free(dict);
}

/* ---- readers of another user of liburcu ---------------------------------------------- */

static void *hold_liburcu(void *unused)
{
	urcu_bp_read_lock();
	hold();
	urcu_bp_read_unlock();
	return unused;
}

static void *synchronize(void *unused)
{
	urcu_bp_synchronize_rcu();
	return unused;
}

static bool phase(void)
{
	return (CMM_LOAD_SHARED(urcu_bp_gp.ctr) & URCU_BP_GP_CTR_PHASE) != 0;
}

static void beside_others(void (*operate)(void))
{
	pthread_t reader, synchronizer;
	bool before;

	reader = start(hold_liburcu, NULL);
	wait_until_held(1);
	before = phase();
	synchronizer = start(synchronize, NULL);
	/* Then it waits for those of the phase before. */
	while (phase() == before)
		usleep(1000);
	operate();
	/* Nor does this wait for readers that are not ours. */
	ck_assert_int_eq(conc_reclaim(NULL), 0);
	atomic_store(&let_go, true);
	pthread_join(reader, NULL);
	pthread_join(synchronizer, NULL);
}

/* ---- all that may be called ------------------------------------------------------------ */

static void beside(void (*readers)(void (*operate)(void)), void (*operate)(void))
{
	conc_reclaim_set_limit(0);
	atomic_store(&let_go, false);
	atomic_store(&held, 0);
	readers(operate);
	ck_assert_int_eq(conc_reclaim(NULL), 0);
	ck_assert_uint_eq(conc_reclaim_pending(), 0);
}

static void beside_readers(void (*operate)(void))
{
	beside(beside_ours, operate);
	beside(beside_others, operate);
}

static int sleeps;

static void *count_sleep(void *user)
{
	(*(int *)user)++;
	return NULL;
}

static const struct conc_wait_hooks hooks = {
	.size = sizeof(hooks),
	.user = &sleeps,
	.wait_begin = count_sleep,
};

static void use_queue(void)
{
	const struct conc_queue_attr attr = {.size = sizeof(attr),
					     .wait = &hooks};
	conc_queue *queue;
	void *item;

	ck_assert_int_eq(conc_queue_new(&attr, &queue), 0);
	for (int i = 0; i < ITEMS; i++) {
		if (conc_queue_push(queue, queue) != 0 ||
		    (i % 2 == 0 ? conc_queue_pop(queue, &item, CONC_TRY, NULL) :
				  conc_queue_try_pop(queue, &item)) != 0)
			ck_abort();
	}
	ck_assert_int_eq(conc_queue_pop(queue, &item, CONC_TRY, NULL), -EAGAIN);
	ck_assert_uint_eq(conc_queue_size(queue), 0);
	ck_assert(conc_queue_empty(queue));
	conc_queue_close(queue, true);
	conc_queue_free(queue);
	ck_assert_int_eq(sleeps, 0);
}

START_TEST(a_queue_waits_for_no_reader)
{
	beside_readers(use_queue);
}
END_TEST

static void use_bounded_queue(void)
{
	const struct conc_bounded_queue_attr attr = {
		.size = sizeof(attr), .capacity = 3, .wait = &hooks};
	conc_bounded_queue *queue;
	void *item;

	ck_assert_int_eq(conc_bounded_queue_new(&attr, &queue), 0);
	for (int i = 0; i < ITEMS; i++) {
		if (conc_bounded_queue_push(queue, queue, CONC_TRY, NULL) != 0 ||
		    conc_bounded_queue_pop(queue, &item, CONC_TRY, NULL) != 0)
			ck_abort();
	}
	ck_assert_int_eq(conc_bounded_queue_try_pop(queue, &item), -EAGAIN);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(conc_bounded_queue_try_push(queue, queue), 0);
	ck_assert_int_eq(conc_bounded_queue_try_push(queue, queue), -EAGAIN);
	ck_assert_uint_eq(conc_bounded_queue_size(queue), 3);
	conc_bounded_queue_close(queue, true);
	conc_bounded_queue_free(queue);
	ck_assert_int_eq(sleeps, 0);
}

START_TEST(a_bounded_queue_waits_for_no_reader)
{
	beside_readers(use_bounded_queue);
}
END_TEST

static struct object one, other;

static const struct conc_value_ops value_ops = {
	.size = sizeof(value_ops),
	.retain = retain,
	.try_retain = try_retain,
	.release = release,
};

static struct conc_value reference_to(struct object *object)
{
	object->references++;
	return pointer(object);
}

static int change(const struct conc_value *old, struct conc_value *desired,
		  void *user)
{
	(void)old;
	*desired = reference_to(user);
	return 0;
}

/* Each way to write, and so to give something up. */
static void write_entry(conc_dict *dict, const void *key, size_t len)
{
	struct conc_value value = reference_to(&one), old;

	ck_assert_int_eq(conc_dict_set(dict, key, len, &value), 0);
	value = reference_to(&other);
	ck_assert_int_eq(conc_dict_exchange(dict, key, len, &value, &old), 0);
	release(old.u.pointer, NULL);
	old = reference_to(&one);
	ck_assert_int_eq(conc_dict_compare_exchange(dict, key, len, &value,
						    &old, NULL), 0);
	ck_assert_int_eq(conc_dict_update(dict, key, len, change, &other), 0);
	ck_assert_int_eq(conc_dict_insert(dict, key, len, &value, NULL),
			 -EEXIST);
}

static void read_entries(conc_dict *dict, const void *key, size_t len)
{
	struct conc_entry entry = CONC_ENTRY_INIT;
	struct conc_value value;
	conc_cursor *cursor;
	int before = sleeps;

	for (int i = 0; i < MANY; i++)
		if (conc_dict_get(dict, key, len, &value) == 0)
			release(value.u.pointer, NULL);
	ck_assert_uint_le(conc_dict_size(dict), 1000);
	ck_assert_int_eq(conc_cursor_new(dict, &cursor), 0);
	ck_assert_int_eq(conc_cursor_next(cursor, &entry), 0);
	conc_cursor_free(cursor);
	ck_assert_int_eq(sleeps, before);
}

static void use_dict(enum conc_key_kind keys, enum conc_lifetime values)
{
	const struct conc_dict_attr attr = {
		.size = sizeof(attr),
		.scaling = 1,
		.keys = keys,
		.values = values,
		.key_ops = &key_ops,
		.value_ops = &value_ops,
		.wait = &hooks};
	size_t len = keys == CONC_KEY_BYTES ? sizeof(int) : 0;
	static int names[8];
	conc_dict *dict;

	equal_holds = false;
	ck_assert_int_eq(conc_dict_new(&attr, &dict), 0);
	for (int i = 0; i < WRITES; i++) {
		const int *key = len != 0 ? &i : &names[i % COUNT_OF(names)];
		struct conc_value value;

		write_entry(dict, key, len);
		if (i % 500 == 499) {
			read_entries(dict, key, len);
			conc_dict_clear(dict);
		} else if (i % 3 == 0) {
			ck_assert_int_eq(conc_dict_take(dict, key, len, &value),
					 0);
			release(value.u.pointer, NULL);
		} else if (i % 3 == 1) {
			ck_assert_int_eq(conc_dict_delete(dict, key, len), 0);
		}
	}
	conc_dict_free(dict);
	ck_assert_int_eq(one.references, 0);
	ck_assert_int_eq(other.references, 0);
}

static void use_byte_strings(void)
{
	use_dict(CONC_KEY_BYTES, CONC_VALUE_RETAINED);
	use_dict(CONC_KEY_BYTES, CONC_VALUE_TYPE_STABLE);
}

START_TEST(a_dict_of_byte_strings_waits_for_no_reader)
{
	beside_readers(use_byte_strings);
}
END_TEST

static void use_general_keys(void)
{
	use_dict(CONC_KEY_GENERAL, CONC_VALUE_RETAINED);
	use_dict(CONC_KEY_GENERAL, CONC_VALUE_TYPE_STABLE);
}

START_TEST(a_dict_of_general_keys_waits_for_no_reader)
{
	beside_readers(use_general_keys);
}
END_TEST

static void grow_and_clear(conc_dict *dict)
{
	for (int64_t key = 0; key < 1000; key++)
		if (conc_dict_int_add(dict, key, 1, NULL) != 0)
			ck_abort();
	for (int64_t key = 0; key < 900; key++)
		if (conc_dict_int_delete(dict, key) != 0)
			ck_abort();
	conc_dict_clear(dict);
}

static void use_numbers(void)
{
	const struct conc_dict_attr attr = {.size = sizeof(attr), .scaling = 1,
					    .wait = &hooks};
	conc_dict *dict;
	int before;
	int64_t n;

	ck_assert_int_eq(conc_dict_new(&attr, &dict), 0);
	for (int i = 0; i < 50; i++)
		grow_and_clear(dict);
	ck_assert_int_eq(conc_dict_int_add(dict, 1, 1, NULL), 0);
	before = sleeps;
	for (int i = 0; i < MANY; i++)
		if (conc_dict_int_get_number(dict, 1, &n) != 0 || n != 1)
			ck_abort();
	ck_assert_int_eq(sleeps, before);
	conc_dict_free(dict);
}

START_TEST(a_dict_of_numbers_waits_for_no_reader)
{
	beside_readers(use_numbers);
}
END_TEST

static void use_ref_of(enum conc_lifetime values)
{
	const struct conc_ref_attr attr = {.size = sizeof(attr),
					   .values = values,
					   .value_ops = &value_ops,
					   .wait = &hooks};
	struct conc_value value, old;
	conc_ref *ref;
	int before;

	ck_assert_int_eq(conc_ref_new(&attr, &ref), 0);
	for (int i = 0; i < 5 * WRITES; i++) {
		value = reference_to(&one);
		ck_assert_int_eq(conc_ref_set(ref, &value), 0);
		old = reference_to(&other);
		ck_assert_int_eq(conc_ref_compare_exchange(ref, &value, &old,
							   NULL), 0);
		value = reference_to(&one);
		ck_assert_int_eq(conc_ref_exchange(ref, &value, &old), 0);
		release(old.u.pointer, NULL);
		if (i % 1000 == 0)
			conc_ref_clear(ref);
	}
	before = sleeps;
	for (int i = 0; i < MANY; i++) {
		ck_assert_int_eq(conc_ref_get(ref, &value), 0);
		release(value.u.pointer, NULL);
	}
	ck_assert_int_eq(sleeps, before);
	conc_ref_free(ref);
	ck_assert_int_eq(one.references, 0);
	ck_assert_int_eq(other.references, 0);
}

static void use_refs(void)
{
	use_ref_of(CONC_VALUE_RETAINED);
	use_ref_of(CONC_VALUE_TYPE_STABLE);
}

START_TEST(a_reference_waits_for_no_reader)
{
	beside_readers(use_refs);
}
END_TEST

static void insert_some(conc_gather *gather, int64_t first)
{
	struct conc_value value;

	for (int64_t key = first; key < first + 100; key++) {
		value = reference_to(&one);
		ck_assert_int_eq(conc_gather_insert(gather, key, &value), 0);
	}
}

static void take_some(conc_gather *gather, int64_t first)
{
	struct conc_value value;

	for (int64_t key = first; key < first + 100; key++) {
		ck_assert_int_eq(conc_gather_try_take(gather, key, false,
						      &value), 0);
		release(value.u.pointer, NULL);
		ck_assert_int_eq(conc_gather_take(gather, key, true, &value,
						  CONC_TRY, NULL), 0);
		release(value.u.pointer, NULL);
		ck_assert_int_eq(conc_gather_try_take(gather, key, true,
						      &value), -EAGAIN);
	}
}

static void use_gather(void)
{
	const struct conc_gather_attr attr = {.size = sizeof(attr),
					      .values = CONC_VALUE_RETAINED,
					      .value_ops = &value_ops,
					      .wait = &hooks};
	conc_gather *gather;
	int before;

	ck_assert_int_eq(conc_gather_new(&attr, &gather), 0);
	for (int64_t key = 0; key < 5 * WRITES; key += 100) {
		insert_some(gather, key);
		before = sleeps;
		take_some(gather, key);
		ck_assert_int_eq(sleeps, before);
	}
	insert_some(gather, 0);
	conc_gather_clear(gather);
	conc_gather_free(gather);
	ck_assert_int_eq(one.references, 0);
}

START_TEST(a_gathering_waits_for_no_reader)
{
	beside_readers(use_gather);
}
END_TEST

static void free_deferred(struct conc_deferred *deferred)
{
	free(deferred);
}

static void *defer_many(void *unused)
{
	for (int i = 0; i < MANY; i++) {
		struct conc_deferred *deferred = malloc(sizeof(*deferred));

		ck_assert_ptr_nonnull(deferred);
		conc_read_begin();
		conc_defer(deferred, free_deferred);
		conc_read_end();
	}
	return unused;
}

/* A thread that comes and ends, too. */
static void use_sections(void)
{
	defer_many(NULL);
	pthread_join(start(defer_many, NULL), NULL);
	ck_assert_uint_le(conc_reclaim_pending(),
			  2 * MANY * sizeof(struct conc_deferred));
}

START_TEST(sections_and_deferred_calls_wait_for_no_reader)
{
	beside_readers(use_sections);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_queue_waits_for_no_reader,
		a_bounded_queue_waits_for_no_reader,
		a_dict_of_byte_strings_waits_for_no_reader,
		a_dict_of_general_keys_waits_for_no_reader,
		a_dict_of_numbers_waits_for_no_reader,
		a_reference_waits_for_no_reader,
		a_gathering_waits_for_no_reader,
		sections_and_deferred_calls_wait_for_no_reader,
	};

	return run_tests("readers", tests, COUNT_OF(tests), 120);
}
