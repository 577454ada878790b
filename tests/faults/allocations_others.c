/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Queues, gatherers and references in whose calls allocations fail, each beside
 * a model of what must be in it.
 */
#include <config.h>

#include <concurrency.h>

#include "attempt.h"
#include "stress/crowd.h"
#include "values.h"

#define OBJECTS 64

/* What is the same for all: a structure, what it holds and what it has owned. */
struct life {
	enum conc_lifetime values;
	conc_queue *queue;
	conc_bounded_queue *bounded;
	conc_gather *gather;
	conc_ref *ref;
	struct object object[OBJECTS];
	struct conc_value model[OBJECTS];
	uint64_t seed;
	/* The step. */
	int at; /* of a reference: whether compare_exchange shows */
	struct conc_value value, expected, old;
	uintptr_t first, last; /* numbers that are queued */
	int references[OBJECTS];
};

static uint64_t draw(struct life *l, uint64_t below)
{
	return crowd_random(&l->seed) % below;
}

static bool same(const struct conc_value *a, const struct conc_value *b)
{
	return a->kind == b->kind &&
	       (a->kind != CONC_NUMBER || a->u.number == b->u.number) &&
	       (a->kind != CONC_POINTER || a->u.pointer == b->u.pointer);
}

static bool counts_references(const struct life *l)
{
	return l->values == CONC_VALUE_RETAINED ||
	       l->values == CONC_VALUE_TYPE_STABLE;
}

static void take_reference(struct life *l, const struct conc_value *value)
{
	if (value->kind == CONC_POINTER && counts_references(l))
		retain(value->u.pointer, NULL);
}

static void drop_reference(struct life *l, const struct conc_value *value)
{
	if (value->kind == CONC_POINTER && counts_references(l))
		release(value->u.pointer, NULL);
}

static struct conc_value draw_value(struct life *l)
{
	if (l->values == CONC_VALUE_INT64 ||
	    (l->values != CONC_VALUE_BORROWED && draw(l, 4) == 0))
		return number((int64_t)draw(l, 1000));
	return pointer(&l->object[draw(l, OBJECTS)]);
}

static int count_visit(void *visited, void *arg)
{
	(void)arg;
	((struct object *)visited)->visits++;
	return 0;
}

/* Every reference there is belongs to the structure, after a tour of it. */
static void all_were_visited(struct life *l)
{
	bool right = true; /* one assertion for all: each takes a microsecond */

	for (int i = 0; i < OBJECTS; i++) {
		right &= !counts_references(l) ||
			 l->object[i].visits == l->object[i].references;
		l->object[i].visits = 0;
	}
	ck_assert(right);
}

static void remember_references(struct life *l)
{
	for (int i = 0; i < OBJECTS; i++)
		l->references[i] = l->object[i].references;
}

static void owns_what_it_owned(struct life *l)
{
	bool right = true;

	for (int i = 0; i < OBJECTS; i++)
		right &= l->references[i] == l->object[i].references;
	ck_assert(right);
}

static const struct conc_value_ops object_ops = {
	.size = sizeof(struct conc_value_ops),
	.retain = retain,
	.try_retain = try_retain,
	.release = release,
};

static void begin(struct life *l, enum conc_lifetime values)
{
	*l = (struct life){.values = values, .seed = crowd_seed(values)};
}

static void was_not_made(void *life)
{
	struct life *l = life;

	ck_assert_ptr_null(l->queue);
	ck_assert_ptr_null(l->bounded);
	ck_assert_ptr_null(l->gather);
	ck_assert_ptr_null(l->ref);
}

static void make(struct life *l, int (*make_it)(void *life), long allocations)
{
	struct attempts making = {0};

	ck_assert_int_eq(attempt(make_it, was_not_made, l, &making), 0);
	ck_assert_int_eq(making.refused, 2 * allocations);
}

/* Nothing is left, of the structure or of what it owned. */
static void end(struct life *l, long live_before)
{
	conc_queue_free(l->queue);
	conc_bounded_queue_free(l->bounded);
	conc_gather_free(l->gather);
	conc_ref_free(l->ref);
	for (int i = 0; i < OBJECTS; i++)
		ck_assert_int_eq(l->object[i].references, 0);
	ck_assert_int_eq(conc_reclaim(NULL), 0);
	ck_assert_int_eq(alloc_live(), live_before);
}

/* ---- queues --------------------------------------------------------------- */

/* More than the segments in the library's pool can take. */
#define ROUNDS 8
#define MANY 20000

/* What is queued are the numbers from `first' up to `last'. */
static int next_is_queued(void *visited, void *arg)
{
	uintptr_t *next = arg;

	return (uintptr_t)visited == ++*next ? 0 : 1;
}

static int make_queue(void *life)
{
	return conc_queue_new(NULL, &((struct life *)life)->queue);
}

static int push(void *life)
{
	struct life *l = life;

	return conc_queue_push(l->queue, (void *)(l->last + 1));
}

static void queue_is_unchanged(void *life)
{
	struct life *l = life;
	uintptr_t next = l->first;

	ck_assert_int_eq(conc_queue_traverse(l->queue, next_is_queued, &next),
			 0);
	ck_assert_uint_eq(next, l->last);
	ck_assert_uint_eq(conc_queue_size(l->queue), l->last - l->first);
	ck_assert_int_eq(conc_queue_empty(l->queue), l->last == l->first);
	ck_assert(!conc_queue_is_closed(l->queue));
}

static void pop(struct life *l)
{
	void *item = NULL;

	if (conc_queue_pop(l->queue, &item, CONC_TRY, NULL) != 0 ||
	    (uintptr_t)item != ++l->first)
		ck_abort_msg("%p came out", item);
}

START_TEST(a_queue_without_memory_is_as_it_was)
{
	long live_before = alloc_live();
	struct attempts pushes = {0};
	struct life life, *l = &life;

	begin(l, CONC_VALUE_BORROWED);
	make(l, make_queue, 2);
	for (int round = 0; round < ROUNDS; round++) {
		while (l->last - l->first < MANY) {
			if (attempt(push, queue_is_unchanged, l, &pushes) != 0)
				ck_abort_msg("a push failed");
			l->last++;
			if (draw(l, 4) == 0)
				pop(l);
		}
		for (uint64_t n = draw(l, MANY); n > 0; n--)
			pop(l);
	}
	ck_assert_int_gt(pushes.refused, 10);
	ck_assert_int_eq(pushes.managed, 0);
	end(l, live_before);
}
END_TEST

static int make_bounded(void *life)
{
	const struct conc_bounded_queue_attr attr = {.size = sizeof(attr),
						     .capacity = MANY};

	return conc_bounded_queue_new(&attr, &((struct life *)life)->bounded);
}

static int push_bounded(void *life)
{
	struct life *l = life;

	return conc_bounded_queue_push(l->bounded, (void *)(l->last + 1),
				       CONC_FOREVER, NULL);
}

static void bounded_is_unchanged(void *life)
{
	struct life *l = life;
	uintptr_t next = l->first, queued = l->last - l->first;

	ck_assert_int_eq(conc_bounded_queue_traverse(l->bounded, next_is_queued,
						     &next),
			 0);
	ck_assert_uint_eq(next, l->last);
	ck_assert_uint_eq(conc_bounded_queue_size(l->bounded), queued);
	ck_assert_int_eq(conc_bounded_queue_empty(l->bounded), queued == 0);
	ck_assert_int_eq(conc_bounded_queue_full(l->bounded), queued == MANY);
	ck_assert_uint_eq(conc_bounded_queue_unfinished(l->bounded), l->last);
}

static void pop_bounded(struct life *l)
{
	void *item = NULL;

	if (conc_bounded_queue_pop(l->bounded, &item, CONC_TRY, NULL) != 0 ||
	    (uintptr_t)item != ++l->first)
		ck_abort_msg("%p came out", item);
}

START_TEST(a_bounded_queue_without_memory_is_as_it_was)
{
	long live_before = alloc_live();
	struct attempts pushes = {0};
	struct life life, *l = &life;

	begin(l, CONC_VALUE_BORROWED);
	make(l, make_bounded, 3);
	for (int round = 0; round < ROUNDS; round++) {
		while (l->last - l->first < MANY) {
			if (attempt(push_bounded, bounded_is_unchanged, l,
				    &pushes) != 0)
				ck_abort_msg("a push failed");
			l->last++;
			if (draw(l, 4) == 0)
				pop_bounded(l);
		}
		for (uint64_t n = draw(l, MANY) + 1; n > 0; n--)
			pop_bounded(l);
	}
	ck_assert_int_gt(pushes.refused, 10);
	ck_assert_int_eq(pushes.managed, 0);
	end(l, live_before);
}
END_TEST

/* ---- gatherers ------------------------------------------------------------ */

static int make_gather(void *life)
{
	struct life *l = life;
	const struct conc_gather_attr attr = {.size = sizeof(attr),
					      .scaling = 1,
					      .values = l->values,
					      .value_ops = &object_ops};

	return conc_gather_new(&attr, &l->gather);
}

static int insert(void *life)
{
	struct life *l = life;

	return conc_gather_insert(l->gather, l->at, &l->value);
}

static void gather_is_as_the_model_says(struct life *l)
{
	struct conc_value value;
	bool right = true;
	size_t size = 0;

	for (int at = 0; at < OBJECTS; at++) {
		bool there = l->model[at].kind != CONC_ABSENT;
		int rc = there ? 0 : -EAGAIN;

		right &= conc_gather_try_take(l->gather, at, false, &value) ==
				 rc &&
			 conc_gather_wait(l->gather, at, CONC_TRY, NULL) == rc;
		if (there) {
			right &= same(&value, &l->model[at]);
			drop_reference(l, &value);
		}
		size += there;
	}
	ck_assert(right);
	ck_assert_uint_eq(conc_gather_size(l->gather), size);
	ck_assert(!conc_gather_has_failed(l->gather));
}

static void gather_is_unchanged(void *life)
{
	owns_what_it_owned(life);
	gather_is_as_the_model_says(life);
}

/* Taking a value needs no memory. */
static int take(void *life)
{
	struct life *l = life;

	return conc_gather_take(l->gather, l->at, true, &l->old, CONC_TRY,
				NULL);
}

static void take_value(struct life *l)
{
	struct attempts taking = {0};

	l->old = absent;
	ck_assert_int_eq(attempt_undisturbed(take, gather_is_unchanged, l, &taking),
			 l->model[l->at].kind == CONC_ABSENT ? -EAGAIN : 0);
	ck_assert_int_eq(taking.refused, 0);
	ck_assert(same(&l->old, &l->model[l->at]));
	drop_reference(l, &l->old);
	l->model[l->at] = absent;
}

static void gather(enum conc_lifetime values)
{
	long live_before = alloc_live();
	struct attempts inserts = {0};
	struct life life, *l = &life;

	begin(l, values);
	make(l, make_gather, 3);
	for (int step = 0; step < 4000; step++) {
		l->at = (int)draw(l, OBJECTS);
		l->value = draw_value(l);
		take_reference(l, &l->value);
		remember_references(l);
		ck_assert_int_eq(attempt_undisturbed(insert, gather_is_unchanged, l,
					 &inserts),
				 0);
		l->model[l->at] = l->value;
		for (uint64_t n = draw(l, 3); n > 0; n--) {
			l->at = (int)draw(l, OBJECTS);
			take_value(l);
		}
		conc_gather_traverse(l->gather, count_visit, NULL);
		all_were_visited(l);
	}
	gather_is_as_the_model_says(l);
	ck_assert_int_gt(inserts.refused, 0);
	ck_assert_int_eq(inserts.managed, 0);
	end(l, live_before);
}

START_TEST(a_gatherer_without_memory_is_as_it_was)
{
	gather(CONC_VALUE_INT64);
	gather(CONC_VALUE_RETAINED);
	gather(CONC_VALUE_TYPE_STABLE);
	gather(CONC_VALUE_BORROWED);
}
END_TEST

/* ---- references ----------------------------------------------------------- */

static int make_ref(void *life)
{
	struct life *l = life;
	const struct conc_ref_attr attr = {.size = sizeof(attr),
					   .values = l->values,
					   .value_ops = &object_ops};

	return conc_ref_new(&attr, &l->ref);
}

static int set(void *life)
{
	struct life *l = life;

	return conc_ref_set(l->ref, &l->value);
}

static int exchange(void *life)
{
	struct life *l = life;

	return conc_ref_exchange(l->ref, &l->value, &l->old);
}

static int compare_exchange(void *life)
{
	struct life *l = life;

	return conc_ref_compare_exchange(l->ref, &l->expected, &l->value,
					 l->at ? &l->old : NULL);
}

static int clear(void *life)
{
	struct life *l = life;

	conc_ref_clear(l->ref);
	l->value = absent;
	return 0;
}

static void ref_holds(struct life *l, const struct conc_value *expected)
{
	struct conc_value value;

	ck_assert_int_eq(conc_ref_get(l->ref, &value), 0);
	ck_assert(same(&value, expected));
	drop_reference(l, &value);
}

static void ref_is_unchanged(void *life)
{
	struct life *l = life;

	owns_what_it_owned(l);
	ck_assert_int_eq(l->old.kind, CONC_ABSENT);
	ref_holds(l, &l->model[0]);
}

static void ref(enum conc_lifetime values)
{
	static int (*const steps[])(void *life) = {set, exchange,
						   compare_exchange, clear};
	long live_before = alloc_live();
	struct attempts attempts[COUNT_OF(steps)] = {{0, 0}};
	struct life life, *l = &life;

	begin(l, values);
	make(l, make_ref, 1);
	for (int n = 0; n < 4000; n++) {
		size_t step = draw(l, 16) == 0 ? 3 : draw(l, 3);
		int rc;

		l->value = draw(l, 8) == 0 ? absent : draw_value(l);
		l->expected = draw(l, 3) == 0 ? draw_value(l) : l->model[0];
		l->old = absent;
		l->at = (int)draw(l, 2);
		if (steps[step] != clear)
			take_reference(l, &l->value);
		remember_references(l);
		rc = attempt(steps[step], ref_is_unchanged, l, &attempts[step]);
		if (steps[step] == compare_exchange)
			ck_assert_int_eq(rc, same(&l->expected, &l->model[0])
						     ? 0
						     : -EAGAIN);
		else
			ck_assert_int_eq(rc, 0);
		if (steps[step] == exchange)
			ck_assert(same(&l->old, &l->model[0]));
		if (steps[step] == compare_exchange && l->at && rc != 0)
			ck_assert(same(&l->old, &l->model[0]));
		else if (steps[step] == compare_exchange)
			ck_assert_int_eq(l->old.kind, CONC_ABSENT);
		drop_reference(l, &l->old);
		if (rc == 0)
			l->model[0] = l->value;
		else
			drop_reference(l, &l->value);
		ref_holds(l, &l->model[0]);
		conc_ref_traverse(l->ref, count_visit, NULL);
		all_were_visited(l);
	}
	/* Only a retained pointer is stored in memory of its own. */
	for (size_t i = 0; i < COUNT_OF(steps); i++) {
		ck_assert_int_eq(attempts[i].refused > 0,
				 values == CONC_VALUE_RETAINED &&
					 steps[i] != clear);
		ck_assert_int_eq(attempts[i].managed, 0);
	}
	end(l, live_before);
}

START_TEST(a_reference_without_memory_is_as_it_was)
{
	ref(CONC_VALUE_INT64);
	ref(CONC_VALUE_RETAINED);
	ref(CONC_VALUE_TYPE_STABLE);
	ref(CONC_VALUE_BORROWED);
}
END_TEST

/* ---- tokens --------------------------------------------------------------- */

static int make_token(void *token)
{
	return conc_cancel_new(token);
}

static void is_no_token(void *token)
{
	ck_assert_ptr_null(*(conc_cancel **)token);
}

START_TEST(a_token_without_memory_is_not_made)
{
	long live_before = alloc_live();
	struct attempts making = {0};
	conc_cancel *token = NULL;

	ck_assert_int_eq(attempt(make_token, is_no_token, &token, &making), 0);
	ck_assert_int_gt(making.refused, 0);
	ck_assert_int_eq(making.managed, 0);
	conc_cancel_fire(token);
	ck_assert(conc_cancel_fired(token));
	conc_cancel_free(token);
	ck_assert_int_eq(alloc_live(), live_before);
}
END_TEST

/* ---- readers -------------------------------------------------------------- */

/* A thread's first section needs a record: without memory it has one all the same. */
static void *read_without_memory(void *failed)
{
	alloc_fail_after(0, true);
	conc_read_begin();
	conc_read_end();
	*(long *)failed = alloc_fail_no_more();
	return NULL;
}

START_TEST(a_thread_reads_without_memory)
{
	long failed = 0;
	pthread_t threads[2];

	/* So that no record is left of a thread that has ended. */
	conc_read_begin();
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(pthread_create(&threads[i], NULL,
						read_without_memory, &failed), 0);
		pthread_join(threads[i], NULL);
	}
	conc_read_end();
	ck_assert_int_eq(failed, 1);
}
END_TEST

size_t other_allocations(const TTest **tests)
{
	size_t count = 0;

	tests[count++] = a_queue_without_memory_is_as_it_was;
	tests[count++] = a_bounded_queue_without_memory_is_as_it_was;
	tests[count++] = a_gatherer_without_memory_is_as_it_was;
	tests[count++] = a_reference_without_memory_is_as_it_was;
	tests[count++] = a_token_without_memory_is_not_made;
	tests[count++] = a_thread_reads_without_memory;
	return count;
}
