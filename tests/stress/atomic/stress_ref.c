/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conc_ref under more threads than cores: no reader gets an object that was
 * freed or became another, no step is lost, and all references are given back.
 */
#include <config.h>

#include <concurrency.h>
#include <sched.h>
#include <stdatomic.h>

#include "stress/crowd.h"
#include "suite.h"

#define THREADS 8

/* ---- a pool whose objects are poisoned when freed, and used again ---------- */

#define OBJECTS_MOST 512
#define REFS 3
#define POISON INT64_C(0x6465616466726565)
#define DYING (-1)

struct object {
	_Alignas(8) _Atomic int references; /* 0: free */
	_Atomic int64_t content;
};

struct pool {
	struct crowd crowd;
	unsigned objects; /* that are in use; the fewer, the sooner again */
	struct object memory[OBJECTS_MOST];
	conc_ref *refs[REFS];
	_Atomic int64_t sum; /* what the threads add up, where they do */
};

/* Now and then another thread runs between a reader's look and its reference. */
static void tarry(void)
{
	static _Thread_local unsigned calls;

	if (++calls % 32 == 0)
		sched_yield();
}

static void retain(void *value, void *user)
{
	struct pool *pool = user;

	tarry();
	crowd_check(&pool->crowd,
		    atomic_fetch_add(&((struct object *)value)->references, 1) >
			    0);
}

static bool try_retain(void *value, void *user)
{
	struct object *object = value;
	int count;

	(void)user;
	tarry();
	count = atomic_load(&object->references);
	while (count > 0)
		if (atomic_compare_exchange_weak(&object->references, &count,
						 count + 1))
			return true;
	return false;
}

static void release(void *value, void *user)
{
	struct pool *pool = user;
	struct object *object = value;
	int count = atomic_load(&object->references);

	while (!atomic_compare_exchange_weak(&object->references, &count,
					     count == 1 ? DYING : count - 1))
		;
	crowd_check(&pool->crowd, count > 0);
	if (count != 1)
		return;
	atomic_store(&object->content, POISON);
	atomic_store(&object->references, 0);
}

/* A free object, filled, or NULL. */
static struct object *object_new(struct pool *pool, uint64_t *seed,
				 int64_t content)
{
	for (unsigned i = 0; i < 4 * pool->objects; i++) {
		struct object *object =
			&pool->memory[crowd_random(seed) % pool->objects];
		int free = 0;

		if (atomic_compare_exchange_strong(&object->references, &free, 1)) {
			atomic_store(&object->content, content);
			return object;
		}
	}
	sched_yield();
	return NULL;
}

static struct conc_value value_of(struct object *object)
{
	struct conc_value value = {.kind = CONC_ABSENT};

	if (object != NULL) {
		value.kind = CONC_POINTER;
		value.u.pointer = object;
	}
	return value;
}

static void give_back(struct pool *pool, const struct conc_value *value)
{
	if (value->kind == CONC_POINTER)
		release(value->u.pointer, pool);
}

static void open_pool(struct pool *pool, enum conc_lifetime values)
{
	const struct conc_value_ops value_ops = {
		.size = sizeof(value_ops),
		.user = pool,
		.retain = retain,
		.try_retain = try_retain,
		.release = release,
	};
	struct conc_ref_attr attr = {.size = sizeof(attr),
				     .values = values,
				     .value_ops = &value_ops};

	/* Retained ones wait, in dozens for each reference. */
	pool->objects =
		values == CONC_VALUE_RETAINED ? OBJECTS_MOST : 4 * THREADS;
	for (int i = 0; i < REFS; i++)
		ck_assert_int_eq(conc_ref_new(&attr, &pool->refs[i]), 0);
}

static void close_pool(struct pool *pool)
{
	for (int i = 0; i < REFS; i++)
		conc_ref_free(pool->refs[i]);
	ck_assert_int_eq(atomic_load(&pool->crowd.failures), 0);
	for (unsigned i = 0; i < pool->objects; i++)
		ck_assert_int_eq(atomic_load(&pool->memory[i].references), 0);
}

/* ---- each object belongs to one reference ---------------------------------- */

static void check_home(struct pool *pool, const struct conc_value *value,
		       int64_t home)
{
	/* While we hold a reference it cannot become another's. */
	if (value->kind == CONC_POINTER)
		crowd_check(&pool->crowd,
			    atomic_load(&((struct object *)value->u.pointer)
						 ->content) == home);
}

static void look(struct pool *pool, int64_t home)
{
	struct conc_value value;

	crowd_check(&pool->crowd,
		    conc_ref_get(pool->refs[home], &value) == 0);
	check_home(pool, &value, home);
	give_back(pool, &value);
}

static void replace(struct pool *pool, uint64_t *seed, int64_t home)
{
	struct conc_value next = value_of(
		crowd_random(seed) % 8 ? object_new(pool, seed, home) : NULL);
	struct conc_value old;

	if (crowd_random(seed) % 2) {
		crowd_check(&pool->crowd,
			    conc_ref_set(pool->refs[home], &next) == 0);
		return;
	}
	crowd_check(&pool->crowd, conc_ref_exchange(pool->refs[home], &next,
						    &old) == 0);
	check_home(pool, &old, home);
	give_back(pool, &old);
}

static void replace_if_same(struct pool *pool, uint64_t *seed, int64_t home)
{
	struct conc_value next = value_of(object_new(pool, seed, home)), seen;
	int rc;

	crowd_check(&pool->crowd, conc_ref_get(pool->refs[home], &seen) == 0);
	check_home(pool, &seen, home);
	rc = conc_ref_compare_exchange(pool->refs[home], &seen, &next, NULL);
	crowd_check(&pool->crowd, rc == 0 || rc == -EAGAIN);
	if (rc != 0)
		give_back(pool, &next);
	give_back(pool, &seen);
}

static void read_and_replace(struct crowd *crowd, unsigned who)
{
	struct pool *pool = (struct pool *)crowd;
	uint64_t seed = crowd_seed(who);

	while (crowd_goes_on(crowd)) {
		int64_t home = (int64_t)(crowd_random(&seed) % REFS);

		switch (crowd_random(&seed) % 8) {
		case 0:
		case 1:
			replace(pool, &seed, home);
			break;
		case 2:
			replace_if_same(pool, &seed, home);
			break;
		default:
			look(pool, home);
		}
	}
}

static void a_read_object_is_alive_and_at_home(enum conc_lifetime values)
{
	static struct pool pool;

	open_pool(&pool, values);
	crowd_run(&pool.crowd, THREADS, read_and_replace);
	close_pool(&pool);
}

START_TEST(a_reader_never_gets_a_released_object)
{
	a_read_object_is_alive_and_at_home(CONC_VALUE_RETAINED);
}
END_TEST

START_TEST(a_reader_never_gets_memory_that_became_another_object)
{
	a_read_object_is_alive_and_at_home(CONC_VALUE_TYPE_STABLE);
}
END_TEST

/* ---- comparing in vain ----------------------------------------------------- */

static void compare_or_replace(struct crowd *crowd, unsigned who)
{
	struct pool *pool = (struct pool *)crowd;
	const struct conc_value nothing = {.kind = CONC_ABSENT};
	uint64_t seed = crowd_seed(who);
	struct object stranger = {.references = 1};
	struct conc_value expected = value_of(&stranger);

	while (crowd_goes_on(crowd)) {
		for (int i = 0; i < 100; i++) {
			if (who % 2)
				replace(pool, &seed, 0);
			else
				crowd_check(crowd,
					    conc_ref_compare_exchange(
						    pool->refs[0], &expected,
						    &nothing, NULL) == -EAGAIN);
		}
	}
}

/* Most of such a call is a look at what others replace: for the sanitizers. */
START_TEST(a_comparison_reads_nothing_that_was_freed)
{
	static struct pool pool;

	open_pool(&pool, CONC_VALUE_RETAINED);
	crowd_run(&pool.crowd, THREADS, compare_or_replace);
	close_pool(&pool);
}
END_TEST

/* ---- what is there instead ------------------------------------------------ */

/* Nobody stores what is expected, so each attempt fails, and shows another value. */
static void compare_and_look(struct crowd *crowd, unsigned who)
{
	struct pool *pool = (struct pool *)crowd;
	const struct conc_value nothing = {.kind = CONC_ABSENT};
	uint64_t seed = crowd_seed(who);
	struct object stranger = {.references = 1};
	struct conc_value expected = value_of(&stranger), present;

	while (crowd_goes_on(crowd)) {
		int64_t home = (int64_t)(crowd_random(&seed) % REFS);

		if (who % 2) {
			replace(pool, &seed, home);
			continue;
		}
		crowd_check(crowd, conc_ref_compare_exchange(
					   pool->refs[home], &expected,
					   &nothing, &present) == -EAGAIN);
		crowd_check(crowd, present.kind == CONC_ABSENT ||
					   present.u.pointer != &stranger);
		check_home(pool, &present, home);
		give_back(pool, &present);
	}
}

static void what_is_shown_is_alive_and_at_home(enum conc_lifetime values)
{
	static struct pool pool;

	open_pool(&pool, values);
	crowd_run(&pool.crowd, THREADS, compare_and_look);
	close_pool(&pool);
}

START_TEST(compare_exchange_never_shows_a_released_object)
{
	what_is_shown_is_alive_and_at_home(CONC_VALUE_RETAINED);
}
END_TEST

START_TEST(compare_exchange_never_shows_memory_that_became_another_object)
{
	what_is_shown_is_alive_and_at_home(CONC_VALUE_TYPE_STABLE);
}
END_TEST

/* ---- counting with compare_exchange ---------------------------------------- */

/* Whether the object seen was replaced by one that holds one more. */
static bool count_on(struct pool *pool, uint64_t *seed)
{
	struct conc_value seen, next;
	int64_t content = 0;
	bool counted = false;

	crowd_check(&pool->crowd, conc_ref_get(pool->refs[0], &seen) == 0);
	if (seen.kind == CONC_POINTER)
		content = atomic_load(
			&((struct object *)seen.u.pointer)->content);
	next = value_of(object_new(pool, seed, content + 1));
	if (next.kind == CONC_POINTER) {
		counted = conc_ref_compare_exchange(pool->refs[0], &seen, &next,
						    NULL) == 0;
		if (!counted)
			give_back(pool, &next);
	}
	give_back(pool, &seen);
	return counted;
}

static void count_objects(struct crowd *crowd, unsigned who)
{
	struct pool *pool = (struct pool *)crowd;
	uint64_t seed = crowd_seed(who);
	int64_t counted = 0;

	while (crowd_goes_on(crowd) || counted == 0)
		counted += count_on(pool, &seed);
	atomic_fetch_add(&pool->sum, counted);
}

/*
 * The same, with what is shown as the next value that is expected, until it is
 * there: what is shown is never what was expected.
 */
static bool count_on_from_what_is_shown(struct pool *pool, uint64_t *seed)
{
	struct object *object = object_new(pool, seed, 0);
	struct conc_value seen = {.kind = CONC_ABSENT}, next = value_of(object);
	int rc = -EAGAIN;

	if (object == NULL)
		return false;
	while (rc != 0) {
		const struct conc_value expected = seen;
		int64_t content = 0;

		if (seen.kind == CONC_POINTER)
			content = atomic_load(
				&((struct object *)seen.u.pointer)->content);
		/* Nobody has it yet but late readers, who do not look. */
		atomic_store(&object->content, content + 1);
		rc = conc_ref_compare_exchange(pool->refs[0], &seen, &next,
					       &seen);
		crowd_check(&pool->crowd, rc == 0 || rc == -EAGAIN);
		crowd_check(&pool->crowd,
			    rc == 0 ? seen.kind == CONC_ABSENT
				    : seen.kind == CONC_POINTER &&
					      (expected.kind == CONC_ABSENT ||
					       seen.u.pointer !=
						       expected.u.pointer));
		give_back(pool, &expected);
	}
	return true;
}

static void count_shown_objects(struct crowd *crowd, unsigned who)
{
	struct pool *pool = (struct pool *)crowd;
	uint64_t seed = crowd_seed(who);
	int64_t counted = 0;

	while (crowd_goes_on(crowd) || counted == 0)
		counted += who % 2 ? count_on(pool, &seed)
				   : count_on_from_what_is_shown(pool, &seed);
	atomic_fetch_add(&pool->sum, counted);
}

static void compare_exchange_counts(enum conc_lifetime values,
				    void (*count)(struct crowd *crowd,
						  unsigned who))
{
	static struct pool pool;
	struct conc_value last;

	open_pool(&pool, values);
	crowd_run(&pool.crowd, THREADS, count);
	ck_assert_int_eq(conc_ref_get(pool.refs[0], &last), 0);
	ck_assert_int_gt(pool.sum, 0);
	ck_assert_int_eq(((struct object *)last.u.pointer)->content, pool.sum);
	give_back(&pool, &last);
	close_pool(&pool);
}

START_TEST(no_compare_exchange_of_retained_objects_is_lost)
{
	compare_exchange_counts(CONC_VALUE_RETAINED, count_objects);
}
END_TEST

START_TEST(no_compare_exchange_of_type_stable_objects_is_lost)
{
	compare_exchange_counts(CONC_VALUE_TYPE_STABLE, count_objects);
}
END_TEST

START_TEST(who_goes_on_from_a_retained_object_that_was_shown_comes_through)
{
	compare_exchange_counts(CONC_VALUE_RETAINED, count_shown_objects);
}
END_TEST

START_TEST(who_goes_on_from_a_type_stable_object_that_was_shown_comes_through)
{
	compare_exchange_counts(CONC_VALUE_TYPE_STABLE, count_shown_objects);
}
END_TEST

/* ---- numbers ------------------------------------------------------------ */

/* By each thread, also on a machine so busy that the time is over at once. */
#define COUNTED_LEAST 1001

static void count_numbers(struct crowd *crowd, unsigned who)
{
	struct pool *pool = (struct pool *)crowd;
	int64_t counted = 0;

	(void)who;
	while (crowd_goes_on(crowd) || counted < COUNTED_LEAST) {
		struct conc_value seen, next;

		conc_ref_get(pool->refs[0], &seen);
		next = seen;
		next.u.number++;
		counted += conc_ref_compare_exchange(pool->refs[0], &seen,
						     &next, NULL) == 0;
	}
	atomic_fetch_add(&pool->sum, counted);
}

static void count_shown_numbers(struct crowd *crowd, unsigned who)
{
	struct pool *pool = (struct pool *)crowd;
	struct conc_value seen, next;
	int64_t counted = 0;

	(void)who;
	conc_ref_get(pool->refs[0], &seen);
	while (crowd_goes_on(crowd) || counted < COUNTED_LEAST) {
		const struct conc_value expected = seen;

		next = expected;
		next.u.number++;
		if (conc_ref_compare_exchange(pool->refs[0], &seen, &next,
					      &seen) == 0) {
			counted++;
			seen = next;
		} else {
			/* They only rise. */
			crowd_check(crowd, seen.kind == CONC_NUMBER &&
						   seen.u.number >
							   expected.u.number);
		}
	}
	atomic_fetch_add(&pool->sum, counted);
}

/* Across the limit where the encoding of a number changes. */
static void numbers_count(void (*count)(struct crowd *crowd, unsigned who))
{
	static struct pool pool;
	struct conc_value value = {.kind = CONC_NUMBER,
				   .u.number = (INT64_C(1) << 59) - 1000};
	int64_t first = value.u.number;

	open_pool(&pool, CONC_VALUE_INT64);
	ck_assert_int_eq(conc_ref_set(pool.refs[0], &value), 0);
	crowd_run(&pool.crowd, THREADS, count);
	ck_assert_int_eq(conc_ref_get(pool.refs[0], &value), 0);
	ck_assert_int_gt(pool.sum, 1000);
	ck_assert_int_eq(value.u.number - first, pool.sum);
	close_pool(&pool);
}

START_TEST(no_compare_exchange_of_numbers_is_lost)
{
	numbers_count(count_numbers);
}
END_TEST

START_TEST(a_number_that_is_shown_is_a_later_one)
{
	numbers_count(count_shown_numbers);
}
END_TEST

/* Each thread puts its own numbers in, and keeps account of what it got out. */
static void exchange_numbers(struct crowd *crowd, unsigned who)
{
	struct pool *pool = (struct pool *)crowd;
	uint64_t seed = crowd_seed(who);
	int64_t balance = 0;

	while (crowd_goes_on(crowd)) {
		struct conc_value next = {.kind = CONC_ABSENT}, old;

		if (crowd_random(&seed) % 4) {
			next.kind = CONC_NUMBER;
			next.u.number = (int64_t)(crowd_random(&seed) % 100000);
			balance += next.u.number;
		}
		crowd_check(crowd, conc_ref_exchange(pool->refs[0], &next,
						     &old) == 0);
		if (old.kind == CONC_NUMBER)
			balance -= old.u.number;
	}
	atomic_fetch_add(&pool->sum, balance);
}

START_TEST(what_goes_in_by_exchange_comes_out_once)
{
	static struct pool pool;
	const struct conc_value nothing = {.kind = CONC_ABSENT};
	struct conc_value last;

	open_pool(&pool, CONC_VALUE_INT64);
	crowd_run(&pool.crowd, THREADS, exchange_numbers);
	ck_assert_int_eq(conc_ref_exchange(pool.refs[0], &nothing, &last), 0);
	ck_assert_int_eq(last.kind == CONC_NUMBER ? last.u.number : 0,
			 pool.sum);
	close_pool(&pool);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_reader_never_gets_a_released_object,
		a_reader_never_gets_memory_that_became_another_object,
		a_comparison_reads_nothing_that_was_freed,
		compare_exchange_never_shows_a_released_object,
		compare_exchange_never_shows_memory_that_became_another_object,
		no_compare_exchange_of_retained_objects_is_lost,
		no_compare_exchange_of_type_stable_objects_is_lost,
		who_goes_on_from_a_retained_object_that_was_shown_comes_through,
		who_goes_on_from_a_type_stable_object_that_was_shown_comes_through,
		no_compare_exchange_of_numbers_is_lost,
		a_number_that_is_shown_is_a_later_one,
		what_goes_in_by_exchange_comes_out_once,
	};

	return run_tests("ref under stress", tests, COUNT_OF(tests),
			 60 + 10 * crowd_seconds());
}
