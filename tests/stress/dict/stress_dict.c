/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conc_dict under more threads than cores: what came out is checked against
 * what went in.
 */
#include <config.h>

#include <concurrency.h>
#include <stdatomic.h>
#include <string.h>

#include "stress/crowd.h"
#include "base/rcu.h"
#include "suite.h"

#define THREADS 8

static struct conc_value number(int64_t n)
{
	return (struct conc_value){.kind = CONC_NUMBER, .u.number = n};
}

/* --- counting ------------------------------------------------------------ */

#define HOT_KEYS 16

struct counting {
	struct crowd crowd;
	conc_dict *dict;
	_Atomic int64_t added[HOT_KEYS];   /* by the adders */
	_Atomic int64_t removed[HOT_KEYS]; /* handed out by deletes */
	_Atomic bool fell;
};

static conc_dict *small_dict(enum conc_lifetime values,
			     const struct conc_value_ops *ops)
{
	/* Few shards: the threads shall meet. */
	struct conc_dict_attr attr = {.size = sizeof(attr), .scaling = 1,
				      .values = values};
	conc_dict *dict = NULL;

	if (ops != NULL)
		attr.value_ops = ops;
	ck_assert_int_eq(conc_dict_new(&attr, &dict), 0);
	return dict;
}

static void add_to_hot_keys(struct counting *c, unsigned who)
{
	uint64_t seed = crowd_seed(who);
	int64_t added[HOT_KEYS] = {0};

	while (crowd_goes_on(&c->crowd)) {
		int64_t key = (int64_t)(crowd_random(&seed) % HOT_KEYS);
		int64_t n = (int64_t)(crowd_random(&seed) % 5) + 1;

		crowd_check(&c->crowd,
			    conc_dict_int_add(c->dict, key, n, NULL) == 0);
		added[key] += n;
	}
	for (int i = 0; i < HOT_KEYS; i++)
		atomic_fetch_add(&c->added[i], added[i]);
}

/* Other keys come and go, so the table is rebuilt all the time. */
static void force_rebuilds(struct counting *c, unsigned who)
{
	struct conc_value zero = {.kind = CONC_NUMBER, .u.number = 0};
	int64_t base = 1000 * (int64_t)(who + 1), n = 0;

	while (crowd_goes_on(&c->crowd)) {
		int64_t key = base + n++ % 100;

		conc_dict_int_insert(c->dict, key, &zero, NULL);
		conc_dict_int_delete(c->dict, key);
	}
}

static void watch_sums(struct counting *c, unsigned who)
{
	int64_t seen[HOT_KEYS] = {0};
	struct conc_value value;

	(void)who;
	while (crowd_goes_on(&c->crowd)) {
		for (int64_t key = 0; key < HOT_KEYS; key++) {
			if (conc_dict_int_get(c->dict, key, &value) != 0)
				value.u.number = 0;
			if (value.u.number < seen[key])
				atomic_store(&c->fell, true);
			seen[key] = value.u.number;
		}
	}
}

static void add_and_rebuild(struct crowd *crowd, unsigned who)
{
	struct counting *c = (struct counting *)crowd;

	if (who < THREADS - 3)
		add_to_hot_keys(c, who);
	else if (who < THREADS - 1)
		force_rebuilds(c, who);
	else
		watch_sums(c, who);
}

/* What was added to a key is there, or was taken out. */
static void expect_every_add(struct counting *c)
{
	for (int64_t key = 0; key < HOT_KEYS; key++) {
		struct conc_value value = number(0);

		if (conc_dict_int_get(c->dict, key, &value) != 0)
			value.u.number = 0;
		ck_assert_int_eq(value.u.number + c->removed[key], c->added[key]);
	}
}

START_TEST(counts_are_exact_across_rebuilds_and_never_fall)
{
	static struct counting c;

	c.dict = small_dict(CONC_VALUE_INT64, NULL);
	crowd_run(&c.crowd, THREADS, add_and_rebuild);
	expect_every_add(&c);
	ck_assert(!c.fell);
	conc_dict_free(c.dict);
}
END_TEST

/* --- numbers set in place ------------------------------------------------ */

struct setting {
	struct counting counting;
	_Atomic uint64_t stored, replaced; /* sums of squares */
};

static uint64_t square(int64_t n)
{
	return (uint64_t)n * (uint64_t)n;
}

/* No number is stored twice, so each must come out once, or still be there. */
static void set_numbers_once(struct setting *e, unsigned who)
{
	uint64_t seed = crowd_seed(who), stored = 0, replaced = 0;
	struct conc_value old, value = number(who + 1);

	while (crowd_goes_on(&e->counting.crowd)) {
		int64_t key = (int64_t)(crowd_random(&seed) % HOT_KEYS);
		bool deletes = crowd_random(&seed) % 8 == 0;
		int rc;

		old.kind = CONC_ABSENT;
		if (deletes) {
			rc = conc_dict_int_take(e->counting.dict, key, &old);
			rc = rc == -ENOENT ? 0 : rc;
		} else {
			rc = conc_dict_int_exchange(e->counting.dict, key,
						    &value, &old);
			stored += square(value.u.number);
			value.u.number += CROWD_MOST;
		}
		crowd_check(&e->counting.crowd, rc == 0);
		if (old.kind == CONC_NUMBER)
			replaced += square(old.u.number);
	}
	atomic_fetch_add(&e->stored, stored);
	atomic_fetch_add(&e->replaced, replaced);
}

static void set_and_rebuild(struct crowd *crowd, unsigned who)
{
	if (who < THREADS - 2)
		set_numbers_once((struct setting *)crowd, who);
	else
		force_rebuilds((struct counting *)crowd, who);
}

START_TEST(each_number_that_is_set_is_replaced_once)
{
	static struct setting e;
	uint64_t left = 0;

	e.counting.dict = small_dict(CONC_VALUE_INT64, NULL);
	crowd_run(&e.counting.crowd, THREADS, set_and_rebuild);
	for (int64_t key = 0; key < HOT_KEYS; key++) {
		struct conc_value value = number(0);

		conc_dict_int_get(e.counting.dict, key, &value);
		left += square(value.u.number);
	}
	ck_assert_uint_gt(e.stored, 0);
	ck_assert_uint_eq(e.stored, e.replaced + left);
	conc_dict_free(e.counting.dict);
}
END_TEST

/* --- counting, with deletes and replacements ----------------------------- */

static void delete_hot_keys(struct counting *c, unsigned who)
{
	uint64_t seed = crowd_seed(who);
	struct conc_value old;

	while (crowd_goes_on(&c->crowd)) {
		int64_t key = (int64_t)(crowd_random(&seed) % HOT_KEYS);

		if (conc_dict_int_take(c->dict, key, &old) == 0)
			atomic_fetch_add(&c->removed[key], old.u.number);
	}
}

/* Sets to zero, with the whole range of words between: counts and wide ones. */
static void replace_hot_keys(struct counting *c, unsigned who)
{
	const struct conc_value wide = number(INT64_C(1) << 59);
	uint64_t seed = crowd_seed(who);
	struct conc_value old;

	while (crowd_goes_on(&c->crowd)) {
		int64_t key = (int64_t)(crowd_random(&seed) % HOT_KEYS);

		crowd_check(&c->crowd,
			    conc_dict_int_exchange(c->dict, key, &wide, &old) ==
				    0);
		atomic_fetch_add(&c->removed[key],
				 (old.kind == CONC_NUMBER ? old.u.number : 0) -
					 wide.u.number);
	}
}

static void add_and_take(struct crowd *crowd, unsigned who)
{
	struct counting *c = (struct counting *)crowd;

	if (who < THREADS - 4)
		add_to_hot_keys(c, who);
	else if (who < THREADS - 2)
		delete_hot_keys(c, who);
	else if (who == THREADS - 2)
		replace_hot_keys(c, who);
	else
		force_rebuilds(c, who);
}

START_TEST(no_add_is_lost_between_deletes_and_replacements)
{
	static struct counting c;

	c.dict = small_dict(CONC_VALUE_INT64, NULL);
	crowd_run(&c.crowd, THREADS, add_and_take);
	expect_every_add(&c);
	conc_dict_free(c.dict);
}
END_TEST

/* One thread turns counts into wide numbers and back by compare_exchange. */
static void exchange_hot_keys(struct counting *c, unsigned who)
{
	uint64_t seed = crowd_seed(who);

	while (crowd_goes_on(&c->crowd)) {
		int64_t key = (int64_t)(crowd_random(&seed) % HOT_KEYS);
		struct conc_value old, next;
		const int64_t far = INT64_C(1) << 59;

		if (conc_dict_int_get(c->dict, key, &old) != 0)
			continue;
		next = number(old.u.number < far / 2 ? old.u.number + far
						     : old.u.number - far);
		if (conc_dict_int_compare_exchange(c->dict, key, &old, &next,
						   NULL) == 0)
			atomic_fetch_add(&c->removed[key],
					 old.u.number - next.u.number);
	}
}

static void add_and_exchange(struct crowd *crowd, unsigned who)
{
	struct counting *c = (struct counting *)crowd;

	if (who < THREADS - 3)
		add_to_hot_keys(c, who);
	else if (who < THREADS - 1)
		exchange_hot_keys(c, who);
	else
		force_rebuilds(c, who);
}

START_TEST(no_add_is_lost_between_conditional_replacements)
{
	static struct counting c;

	c.dict = small_dict(CONC_VALUE_INT64, NULL);
	crowd_run(&c.crowd, THREADS, add_and_exchange);
	expect_every_add(&c);
	conc_dict_free(c.dict);
}
END_TEST

/* What a value becomes: a count stays one or becomes none, in each way there is. */
static struct conc_value next_of(int64_t was, unsigned how)
{
	const int64_t far = INT64_C(1) << 59;

	if (how == 0)
		return (struct conc_value){.kind = CONC_ABSENT};
	if (how == 1)
		return number(was < far / 2 ? was + far : was - far);
	return number(was - 1);
}

/*
 * From whatever is there to what becomes of it, with what is shown as what is
 * expected next: it is never what was expected before.
 */
static void exchange_what_is_shown(struct counting *c, int64_t key, unsigned how)
{
	struct conc_value seen = {.kind = CONC_ABSENT}, next;
	int64_t was;
	int rc;

	while (crowd_goes_on(&c->crowd)) {
		const struct conc_value expected = seen;

		was = seen.kind == CONC_NUMBER ? seen.u.number : 0;
		next = next_of(was, how);
		rc = conc_dict_int_compare_exchange(c->dict, key, &seen, &next,
						    &seen);
		crowd_check(&c->crowd, rc == 0 || rc == -EAGAIN);
		if (rc == 0) {
			crowd_check(&c->crowd, seen.kind == CONC_ABSENT);
			atomic_fetch_add(&c->removed[key],
					 was - (how == 0 ? 0 : next.u.number));
			break;
		}
		crowd_check(&c->crowd, seen.kind != expected.kind ||
					       seen.u.number !=
						       expected.u.number);
		crowd_check(&c->crowd, seen.kind == CONC_NUMBER ||
					       seen.kind == CONC_ABSENT);
	}
}

static void add_and_exchange_what_is_shown(struct crowd *crowd, unsigned who)
{
	struct counting *c = (struct counting *)crowd;
	uint64_t seed = crowd_seed(who);

	if (who < THREADS - 4) {
		add_to_hot_keys(c, who);
		return;
	}
	if (who == THREADS - 1) {
		force_rebuilds(c, who);
		return;
	}
	while (crowd_goes_on(crowd)) {
		int64_t key = (int64_t)(crowd_random(&seed) % HOT_KEYS);

		exchange_what_is_shown(c, key, crowd_random(&seed) % 4);
	}
}

START_TEST(a_count_that_is_shown_is_never_the_one_that_was_expected)
{
	static struct counting c;

	c.dict = small_dict(CONC_VALUE_INT64, NULL);
	crowd_run(&c.crowd, THREADS, add_and_exchange_what_is_shown);
	expect_every_add(&c);
	conc_dict_free(c.dict);
}
END_TEST

/* --- objects whose memory is used again ---------------------------------- */

#define OBJECTS 64
#define OBJECT_KEYS 8

/* A pool of type-stable objects: freed ones are given out again at once. */
struct object {
	_Alignas(8) _Atomic int references; /* 0: free */
	_Atomic int64_t key;		     /* that it was made for */
};

static struct object objects[OBJECTS];

static bool object_try_retain(void *value, void *user)
{
	struct object *object = value;
	int count = atomic_load(&object->references);

	(void)user;
	while (count != 0)
		if (atomic_compare_exchange_weak(&object->references, &count,
						 count + 1))
			return true;
	return false;
}

static void object_retain(void *value, void *user)
{
	(void)user;
	/* A freed object here would be a missing grace period. */
	if (atomic_fetch_add(&((struct object *)value)->references, 1) <= 0)
		abort();
}

static void object_release(void *value, void *user)
{
	(void)user;
	if (atomic_fetch_sub(&((struct object *)value)->references, 1) <= 0)
		abort();
}

/*
 * Takes a free object.  Between the two steps a late reader may take a
 * reference to it; that reader then finds that the word is another.
 */
static struct object *object_new(uint64_t *seed, int64_t key)
{
	for (int i = 0; i < 4 * OBJECTS; i++) {
		struct object *object = &objects[crowd_random(seed) % OBJECTS];
		int free = 0;

		if (atomic_compare_exchange_strong(&object->references, &free, 1)) {
			atomic_store(&object->key, key);
			return object;
		}
	}
	return NULL;
}

struct keeping {
	struct crowd crowd;
	conc_dict *dict;
};

static void write_objects(struct keeping *k, uint64_t *seed)
{
	int64_t key = (int64_t)(crowd_random(seed) % OBJECT_KEYS);
	struct object *object;
	struct conc_value value;

	if (crowd_random(seed) % 4 == 0) {
		conc_dict_int_delete(k->dict, key);
		return;
	}
	object = object_new(seed, key);
	if (object == NULL)
		return;
	value = (struct conc_value){.kind = CONC_POINTER, .u.pointer = object};
	if (conc_dict_int_set(k->dict, key, &value) != 0)
		object_release(object, NULL);
}

static void read_objects(struct keeping *k, uint64_t *seed)
{
	int64_t key = (int64_t)(crowd_random(seed) % OBJECT_KEYS);
	struct object *object;
	struct conc_value value;

	if (conc_dict_int_get(k->dict, key, &value) != 0)
		return;
	object = value.u.pointer;
	/* We hold a reference: it cannot have become another key's since. */
	crowd_check(&k->crowd, atomic_load(&object->key) == key);
	object_release(object, NULL);
}

/* Something came out under this key: with a reference it cannot become another's. */
static void check_out(struct keeping *k, int64_t key,
		      const struct conc_value *value)
{
	struct object *object = value->u.pointer;

	if (value->kind == CONC_ABSENT)
		return;
	crowd_check(&k->crowd, value->kind == CONC_POINTER &&
				       atomic_load(&object->key) == key);
	object_release(object, NULL);
}

static void check_shown(struct keeping *k, int64_t key,
			const struct object *stored, int rc,
			const struct conc_value *present)
{
	crowd_check(&k->crowd, (rc == 0) == (present->kind == CONC_ABSENT));
	crowd_check(&k->crowd, rc == 0 || present->u.pointer != stored);
	check_out(k, key, present);
}

/* All that hands something out, but for a get. */
static void hand_out_objects(struct keeping *k, uint64_t *seed)
{
	int64_t key = (int64_t)(crowd_random(seed) % OBJECT_KEYS);
	struct object *object = object_new(seed, key);
	struct conc_value value, out = {.kind = CONC_ABSENT};
	const struct conc_value nothing = {.kind = CONC_ABSENT};
	void *taken = NULL;
	int rc = -EAGAIN;

	if (object == NULL)
		return;
	value = (struct conc_value){.kind = CONC_POINTER, .u.pointer = object};
	switch (crowd_random(seed) % 6) {
	case 0:
		rc = conc_dict_int_insert(k->dict, key, &value, &out);
		crowd_check(&k->crowd, rc == 0 || rc == -EEXIST);
		check_shown(k, key, object, rc, &out);
		break;
	case 1:
		rc = conc_dict_int_compare_exchange(k->dict, key, &nothing,
						    &value, &out);
		crowd_check(&k->crowd, rc == 0 || rc == -EAGAIN);
		check_shown(k, key, object, rc, &out);
		break;
	case 2:
		/* What is expected is in no dict. */
		crowd_check(&k->crowd, conc_dict_int_compare_exchange(
					       k->dict, key, &value, &nothing,
					       &out) == -EAGAIN);
		crowd_check(&k->crowd, out.kind == CONC_ABSENT ||
					       out.u.pointer != object);
		check_out(k, key, &out);
		break;
	case 3:
		rc = conc_dict_int_exchange(k->dict, key, &value, &out);
		crowd_check(&k->crowd, rc == 0);
		check_out(k, key, &out);
		break;
	case 4:
		crowd_check(&k->crowd,
			    (conc_dict_int_take(k->dict, key, &out) == 0) ==
				    (out.kind == CONC_POINTER));
		check_out(k, key, &out);
		break;
	case 5:
		if (conc_dict_int_take_pointer(k->dict, key, &taken) == 0)
			check_out(k, key,
				  &(struct conc_value){.kind = CONC_POINTER,
						       .u.pointer = taken});
		break;
	}
	if (rc != 0)
		object_release(object, NULL);
}

static void hand_out_and_rebuild(struct crowd *crowd, unsigned who)
{
	struct keeping *k = (struct keeping *)crowd;
	uint64_t seed = crowd_seed(who);

	while (crowd_goes_on(crowd)) {
		if (who % 4 == 1) {
			write_objects(k, &seed);
		} else if (who == 0) {
			int64_t other = 100 + (int64_t)(crowd_random(&seed) % 50);

			conc_dict_int_set_number(k->dict, other, 0);
			conc_dict_int_delete(k->dict, other);
		} else {
			hand_out_objects(k, &seed);
		}
	}
}

static void swap_objects(struct crowd *crowd, unsigned who)
{
	struct keeping *k = (struct keeping *)crowd;
	uint64_t seed = crowd_seed(who);
	struct conc_value zero = {.kind = CONC_NUMBER, .u.number = 0};

	while (crowd_goes_on(crowd)) {
		if (who % 2 == 0) {
			read_objects(k, &seed);
			continue;
		}
		write_objects(k, &seed);
		if (who == 1) { /* and rebuilds */
			int64_t other = 100 + (int64_t)(crowd_random(&seed) % 50);

			conc_dict_int_insert(k->dict, other, &zero, NULL);
			conc_dict_int_delete(k->dict, other);
		}
	}
}

static void an_object_is_of_its_key(enum conc_lifetime lifetime,
				    void (*work)(struct crowd *crowd,
						 unsigned who))
{
	const struct conc_value_ops ops = {
		.size = sizeof(struct conc_value_ops),
		.retain = object_retain,
		.try_retain = object_try_retain,
		.release = object_release,
	};
	static struct keeping k;

	k.dict = small_dict(lifetime, &ops);
	crowd_run(&k.crowd, THREADS, work);
	conc_dict_free(k.dict);
	for (int i = 0; i < OBJECTS; i++)
		ck_assert_int_eq(atomic_load(&objects[i].references), 0);
}

START_TEST(a_reader_never_gets_memory_that_became_another_object)
{
	an_object_is_of_its_key(CONC_VALUE_TYPE_STABLE, swap_objects);
}
END_TEST

START_TEST(a_reader_never_gets_a_released_object)
{
	an_object_is_of_its_key(CONC_VALUE_RETAINED, swap_objects);
}
END_TEST

START_TEST(a_type_stable_object_that_comes_out_or_is_shown_is_of_its_key)
{
	an_object_is_of_its_key(CONC_VALUE_TYPE_STABLE, hand_out_and_rebuild);
}
END_TEST

START_TEST(a_retained_object_that_comes_out_or_is_shown_is_of_its_key)
{
	an_object_is_of_its_key(CONC_VALUE_RETAINED, hand_out_and_rebuild);
}
END_TEST

/* --- counts that become objects and back ---------------------------------- */

static bool is_object(const void *value)
{
	uintptr_t at = (uintptr_t)value - (uintptr_t)objects;

	return at < sizeof(objects) && at % sizeof(objects[0]) == 0;
}

/* These objects are never freed; what a pointer became is what counts. */
static bool check_try_retain(void *value, void *user)
{
	crowd_check((struct crowd *)user, is_object(value));
	return true;
}

static void check_release(void *value, void *user)
{
	crowd_check((struct crowd *)user, is_object(value));
}

static void add_or_replace(struct crowd *crowd, unsigned who)
{
	struct keeping *k = (struct keeping *)crowd;
	uint64_t seed = crowd_seed(who);

	while (crowd_goes_on(crowd)) {
		int64_t key = (int64_t)(crowd_random(&seed) % 2);
		struct conc_value value = number(0);
		int rc;

		if (who % 2 != 0) {
			rc = conc_dict_int_add(k->dict, key, 1, NULL);
			crowd_check(crowd, rc == 0 || rc == -EDOM);
			continue;
		}
		if (crowd_random(&seed) % 2) {
			value.kind = CONC_POINTER;
			value.u.pointer = &objects[who];
		}
		crowd_check(crowd,
			    conc_dict_int_set(k->dict, key, &value) == 0);
	}
}

START_TEST(no_add_moves_a_pointer)
{
	static struct keeping k;
	const struct conc_value_ops ops = {
		.size = sizeof(struct conc_value_ops),
		.user = &k.crowd,
		.try_retain = check_try_retain,
		.release = check_release,
	};

	k.dict = small_dict(CONC_VALUE_TYPE_STABLE, &ops);
	crowd_run(&k.crowd, THREADS, add_or_replace);
	conc_dict_free(k.dict);
	ck_assert_int_eq(atomic_load(&k.crowd.failures), 0);
}
END_TEST

/* --- keys that stay ------------------------------------------------------ */

#define STAYING 200

static void churn_beside(struct crowd *crowd, unsigned who)
{
	struct keeping *k = (struct keeping *)crowd;
	uint64_t seed = crowd_seed(who);
	struct conc_value value;

	while (crowd_goes_on(crowd)) {
		int64_t key = (int64_t)(crowd_random(&seed) % STAYING);
		int64_t other = STAYING + (int64_t)(crowd_random(&seed) % 3000);

		value = number(other);
		switch (who % 4) {
		case 0:
			crowd_check(crowd, conc_dict_int_get(k->dict, key,
							     &value) == 0);
			break;
		case 1:
			conc_dict_int_set(k->dict, other, &value);
			break;
		case 2:
			conc_dict_int_delete(k->dict, other);
			break;
		default: /* between count and wide: the entry moves */
			value = number(crowd_random(&seed) % 2 ? 1
							       : INT64_C(1) << 59);
			conc_dict_int_set(k->dict, key, &value);
		}
	}
}

START_TEST(a_key_that_stays_is_never_missed)
{
	static struct keeping k;
	struct conc_value value = number(0);

	k.dict = small_dict(CONC_VALUE_INT64, NULL);
	for (int64_t i = 0; i < STAYING; i++)
		ck_assert_int_eq(conc_dict_int_set(k.dict, i, &value), 0);
	crowd_run(&k.crowd, THREADS, churn_beside);
	conc_dict_free(k.dict);
}
END_TEST

static void check_tour(struct keeping *k)
{
	bool seen[STAYING] = {false};
	struct conc_entry entry = CONC_ENTRY_INIT;
	conc_cursor *cursor = NULL;
	int count = 0;

	crowd_check(&k->crowd, conc_cursor_new(k->dict, &cursor) == 0);
	while (conc_cursor_next(cursor, &entry) == 0) {
		if (entry.int_key >= STAYING)
			continue;
		crowd_check(&k->crowd, !seen[entry.int_key]);
		seen[entry.int_key] = true;
		count++;
	}
	crowd_check(&k->crowd, count == STAYING);
	conc_cursor_free(cursor);
}

static void tour_or_churn(struct crowd *crowd, unsigned who)
{
	if (who % 4 != 0) {
		churn_beside(crowd, who);
		return;
	}
	while (crowd_goes_on(crowd))
		check_tour((struct keeping *)crowd);
}

START_TEST(a_cursor_gives_each_staying_key_exactly_once)
{
	static struct keeping k;
	struct conc_value value = number(0);

	k.dict = small_dict(CONC_VALUE_INT64, NULL);
	for (int64_t i = 0; i < STAYING; i++)
		ck_assert_int_eq(conc_dict_int_set(k.dict, i, &value), 0);
	crowd_run(&k.crowd, THREADS, tour_or_churn);
	conc_dict_free(k.dict);
}
END_TEST

/* --- who gets what ------------------------------------------------------- */

#define OWNED_KEYS 64

struct owning {
	struct crowd crowd;
	conc_dict *dict;
	_Atomic int64_t inserted;
	_Atomic int64_t deleted;
};

/* Two inserts that both believe to have won leave two entries of one key. */
static void find_no_key_twice(struct owning *o)
{
	bool seen[OWNED_KEYS] = {false};
	struct conc_entry entry = CONC_ENTRY_INIT;
	conc_cursor *cursor = NULL;

	crowd_check(&o->crowd, conc_cursor_new(o->dict, &cursor) == 0);
	while (conc_cursor_next(cursor, &entry) == 0) {
		char text[24] = "";
		int key;

		memcpy(text, entry.key, entry.len);
		key = atoi(text + strlen("key "));
		crowd_check(&o->crowd, !seen[key]);
		seen[key] = true;
	}
	conc_cursor_free(cursor);
}

static void insert_or_delete(struct owning *o, unsigned who)
{
	uint64_t seed = crowd_seed(who);
	int64_t inserted = 0, deleted = 0;
	char key[24];

	while (crowd_goes_on(&o->crowd)) {
		struct conc_value value = number(who);
		size_t len = (size_t)snprintf(
			key, sizeof(key), "key %d",
			(int)(crowd_random(&seed) % OWNED_KEYS));

		if (crowd_random(&seed) % 2)
			inserted += conc_dict_insert(o->dict, key, len, &value,
						     NULL) == 0;
		else
			deleted += conc_dict_delete(o->dict, key, len) == 0;
	}
	atomic_fetch_add(&o->inserted, inserted);
	atomic_fetch_add(&o->deleted, deleted);
}

static void compete_for_keys(struct crowd *crowd, unsigned who)
{
	struct owning *o = (struct owning *)crowd;

	if (who > 0)
		insert_or_delete(o, who);
	else
		while (crowd_goes_on(crowd))
			find_no_key_twice(o);
}

START_TEST(each_insert_and_each_delete_has_one_winner)
{
	struct conc_dict_attr attr = {.size = sizeof(attr), .scaling = 1,
				      .keys = CONC_KEY_BYTES};
	static struct owning o;

	ck_assert_int_eq(conc_dict_new(&attr, &o.dict), 0);
	crowd_run(&o.crowd, THREADS, compete_for_keys);
	ck_assert_int_eq(o.inserted - o.deleted,
			 (int64_t)conc_dict_size(o.dict));
	ck_assert_int_gt(o.inserted, 0);
	conc_dict_free(o.dict);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		counts_are_exact_across_rebuilds_and_never_fall,
		each_number_that_is_set_is_replaced_once,
		no_add_is_lost_between_deletes_and_replacements,
		no_add_is_lost_between_conditional_replacements,
		a_count_that_is_shown_is_never_the_one_that_was_expected,
		a_reader_never_gets_memory_that_became_another_object,
		a_reader_never_gets_a_released_object,
		a_type_stable_object_that_comes_out_or_is_shown_is_of_its_key,
		a_retained_object_that_comes_out_or_is_shown_is_of_its_key,
		no_add_moves_a_pointer,
		a_key_that_stays_is_never_missed,
		a_cursor_gives_each_staying_key_exactly_once,
		each_insert_and_each_delete_has_one_winner,
	};

	return run_tests("dict under stress", tests, COUNT_OF(tests), 120);
}
