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

static void retain(void *user, void *value)
{
	struct pool *pool = user;

	tarry();
	crowd_check(&pool->crowd,
		    atomic_fetch_add(&((struct object *)value)->references, 1) >
			    0);
}

static bool try_retain(void *user, void *value)
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

static void release(void *user, void *value)
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
		release(pool, value->u.pointer);
}

static void open_pool(struct pool *pool, enum conc_lifetime values)
{
	struct conc_ref_attr attr = {
		.size = sizeof(attr),
		.values = values,
		.value_ops = {retain, try_retain, release, pool}};

	/* Retained ones wait, in dozens for each reference. */
	pool->objects = values == CONC_RETAINED ? OBJECTS_MOST : 4 * THREADS;
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
	rc = conc_ref_compare_exchange(pool->refs[home], &seen, &next);
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
	a_read_object_is_alive_and_at_home(CONC_RETAINED);
}
END_TEST

START_TEST(a_reader_never_gets_memory_that_became_another_object)
{
	a_read_object_is_alive_and_at_home(CONC_TYPE_STABLE);
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
						    &nothing) == -EAGAIN);
		}
	}
}

/* Most of such a call is a look at what others replace: for the sanitizers. */
START_TEST(a_comparison_reads_nothing_that_was_freed)
{
	static struct pool pool;

	open_pool(&pool, CONC_RETAINED);
	crowd_run(&pool.crowd, THREADS, compare_or_replace);
	close_pool(&pool);
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
		counted = conc_ref_compare_exchange(pool->refs[0], &seen,
						    &next) == 0;
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

	while (crowd_goes_on(crowd))
		counted += count_on(pool, &seed);
	atomic_fetch_add(&pool->sum, counted);
}

static void compare_exchange_counts(enum conc_lifetime values)
{
	static struct pool pool;
	struct conc_value last;

	open_pool(&pool, values);
	crowd_run(&pool.crowd, THREADS, count_objects);
	ck_assert_int_eq(conc_ref_get(pool.refs[0], &last), 0);
	ck_assert_int_gt(pool.sum, 0);
	ck_assert_int_eq(((struct object *)last.u.pointer)->content, pool.sum);
	give_back(&pool, &last);
	close_pool(&pool);
}

START_TEST(no_compare_exchange_of_retained_objects_is_lost)
{
	compare_exchange_counts(CONC_RETAINED);
}
END_TEST

START_TEST(no_compare_exchange_of_type_stable_objects_is_lost)
{
	compare_exchange_counts(CONC_TYPE_STABLE);
}
END_TEST

/* ---- numbers ------------------------------------------------------------ */

static void count_numbers(struct crowd *crowd, unsigned who)
{
	struct pool *pool = (struct pool *)crowd;
	int64_t counted = 0;

	(void)who;
	while (crowd_goes_on(crowd)) {
		struct conc_value seen, next;

		conc_ref_get(pool->refs[0], &seen);
		next = seen;
		next.u.number++;
		counted += conc_ref_compare_exchange(pool->refs[0], &seen,
						     &next) == 0;
	}
	atomic_fetch_add(&pool->sum, counted);
}

/* Across the limit where the encoding of a number changes. */
START_TEST(no_compare_exchange_of_numbers_is_lost)
{
	static struct pool pool;
	struct conc_value value = {CONC_INT,
				   {.number = (INT64_C(1) << 59) - 1000}};
	int64_t first = value.u.number;

	open_pool(&pool, CONC_INT64);
	ck_assert_int_eq(conc_ref_set(pool.refs[0], &value), 0);
	crowd_run(&pool.crowd, THREADS, count_numbers);
	ck_assert_int_eq(conc_ref_get(pool.refs[0], &value), 0);
	ck_assert_int_gt(pool.sum, 1000);
	ck_assert_int_eq(value.u.number - first, pool.sum);
	close_pool(&pool);
}
END_TEST

/* Each thread puts its own numbers in, and keeps account of what it got out. */
static void exchange_numbers(struct crowd *crowd, unsigned who)
{
	struct pool *pool = (struct pool *)crowd;
	uint64_t seed = crowd_seed(who);
	int64_t balance = 0;

	while (crowd_goes_on(crowd)) {
		struct conc_value next = {CONC_ABSENT, {0}}, old;

		if (crowd_random(&seed) % 4) {
			next.kind = CONC_INT;
			next.u.number = (int64_t)(crowd_random(&seed) % 100000);
			balance += next.u.number;
		}
		crowd_check(crowd, conc_ref_exchange(pool->refs[0], &next,
						     &old) == 0);
		if (old.kind == CONC_INT)
			balance -= old.u.number;
	}
	atomic_fetch_add(&pool->sum, balance);
}

START_TEST(what_goes_in_by_exchange_comes_out_once)
{
	static struct pool pool;
	const struct conc_value nothing = {.kind = CONC_ABSENT};
	struct conc_value last;

	open_pool(&pool, CONC_INT64);
	crowd_run(&pool.crowd, THREADS, exchange_numbers);
	ck_assert_int_eq(conc_ref_exchange(pool.refs[0], &nothing, &last), 0);
	ck_assert_int_eq(last.kind == CONC_INT ? last.u.number : 0, pool.sum);
	close_pool(&pool);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_reader_never_gets_a_released_object,
		a_reader_never_gets_memory_that_became_another_object,
		a_comparison_reads_nothing_that_was_freed,
		no_compare_exchange_of_retained_objects_is_lost,
		no_compare_exchange_of_type_stable_objects_is_lost,
		no_compare_exchange_of_numbers_is_lost,
		what_goes_in_by_exchange_comes_out_once,
	};

	return run_tests("ref under stress", tests, COUNT_OF(tests),
			 60 + 10 * crowd_seconds());
}
