/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conc_bounded_queue under more threads than cores: nothing is lost, capacity
 * is never exceeded although it changes all the time, and nobody sleeps on
 * while there is room or an item.
 */
#include <config.h>

#include <concurrency.h>
#include <sched.h>
#include <stdatomic.h>

#include "stress/crowd.h"
#include "stress/ledger.h"
#include "base/memory.h"
#include "suite.h"

/* A wake that did not come by then was lost. */
#define TOO_LONG INT64_C(5000000000)

struct market {
	struct crowd crowd;
	unsigned producers, consumers;
	conc_bounded_queue *queue;
	struct ledger ledger;
	_Atomic unsigned producing;
	bool in_a_hurry; /* deadlines that pass */
	conc_cancel *cancel; /* fired and reset all the time; or NULL */
	void (*others)(struct market *market, unsigned who);
};

static int64_t deadline(struct market *m, uint64_t *seed)
{
	return conc_now() + (m->in_a_hurry
				     ? (int64_t)(crowd_random(seed) % 60000)
				     : TOO_LONG);
}

/* Only in a hurry may time run out: producers and consumers never stop. */
static void check_answer(struct market *m, int rc)
{
	crowd_check(&m->crowd, rc == 0 || rc == -EPIPE || rc == -ENOMEM ||
				       (rc == -ETIMEDOUT && m->in_a_hurry) ||
				       (rc == -ECANCELED && m->cancel != NULL));
	if (rc == -ECANCELED)
		sched_yield();
}

static void produce(struct market *m, unsigned who)
{
	uint64_t seed = crowd_seed(who), number = 0;
	struct account account = {0};

	/* One at least, however short the time: tokens are reset at its end. */
	do {
		void *item = make_item(who, number + 1);
		int rc = conc_bounded_queue_push(m->queue, item,
						 deadline(m, &seed), m->cancel);

		check_answer(m, rc);
		if (rc == 0)
			enter_item(&account, ++number);
	} while ((number == 0 && m->crowd.failures == 0) ||
		 (crowd_goes_on(&m->crowd) && number < NUMBERS));
	m->ledger.in[who] = account;
	/* The last one shuts the market, when all work was reported. */
	if (atomic_fetch_sub(&m->producing, 1) == 1) {
		/* Consumers may be far behind, where yield points slow them. */
		int64_t patience = m->crowd.failures == 0 ? 6 * TOO_LONG : 0;

		crowd_check(&m->crowd,
			    conc_bounded_queue_join(m->queue,
						    conc_now() + patience,
						    NULL) == 0);
		crowd_check(&m->crowd, conc_bounded_queue_size(m->queue) == 0);
		conc_bounded_queue_close(m->queue, false);
	}
}

static void consume(struct market *m, unsigned who)
{
	struct received received = {.in_order = true};
	uint64_t seed = crowd_seed(who);
	void *popped;
	int rc;

	while ((rc = conc_bounded_queue_pop(m->queue, &popped,
					    deadline(m, &seed), m->cancel)) !=
	       -EPIPE) {
		check_answer(m, rc);
		if (rc != 0)
			continue;
		receive(&received, popped);
		crowd_check(&m->crowd,
			    conc_bounded_queue_task_done(m->queue) == 0);
	}
	crowd_check(&m->crowd, received.in_order);
	settle(&m->ledger, &received);
}

static void trade(struct crowd *crowd, unsigned who)
{
	struct market *m = (struct market *)crowd;

	if (who < m->producers)
		produce(m, who);
	else if (who < m->producers + m->consumers)
		consume(m, who);
	else
		m->others(m, who);
}

static void run_market(struct market *m, int64_t capacity, unsigned others)
{
	struct conc_bounded_queue_attr attr = {.size = sizeof(attr),
					       .capacity = capacity};

	ck_assert_int_eq(conc_bounded_queue_new(&attr, &m->queue), 0);
	pthread_mutex_init(&m->ledger.lock, NULL);
	atomic_init(&m->producing, m->producers);
	crowd_run(&m->crowd, m->producers + m->consumers + others, trade);
	ck_assert_uint_eq(conc_bounded_queue_size(m->queue), 0);
	ck_assert_uint_eq(conc_bounded_queue_unfinished(m->queue), 0);
	balance(&m->ledger);
	conc_bounded_queue_free(m->queue);
}

START_TEST(nothing_is_lost_whether_producers_or_consumers_wait)
{
	static const int64_t capacities[] = {0, 1, 2, 50};

	for (size_t i = 0; i < COUNT_OF(capacities); i++) {
		struct market m = {.producers = 5, .consumers = 5};

		run_market(&m, capacities[i], 0);
	}
}
END_TEST

START_TEST(deadlines_that_pass_lose_nothing)
{
	struct market m = {
		.producers = 5, .consumers = 5, .in_a_hurry = true};

	run_market(&m, 2, 0);
}
END_TEST

static void fire_and_reset(struct market *m, unsigned who)
{
	uint64_t seed = crowd_seed(who);

	while (crowd_goes_on(&m->crowd)) {
		conc_cancel_fire(m->cancel);
		for (uint64_t n = crowd_random(&seed) % 20; n > 0; n--)
			sched_yield();
		conc_cancel_reset(m->cancel);
		for (uint64_t n = crowd_random(&seed) % 20; n > 0; n--)
			sched_yield();
	}
}

/* What was cancelled has neither a place nor a task, nor taken one's. */
START_TEST(a_call_that_was_cancelled_pushed_and_took_nothing)
{
	struct market m = {.producers = 5, .consumers = 5, .in_a_hurry = true,
			   .others = fire_and_reset};

	ck_assert_int_eq(conc_cancel_new(&m.cancel), 0);
	run_market(&m, 2, 1);
	conc_cancel_free(m.cancel);
}
END_TEST

#define CAPACITY 7

static void watch(struct market *m, unsigned who)
{
	(void)who;
	while (crowd_goes_on(&m->crowd))
		crowd_check(&m->crowd,
			    conc_bounded_queue_size(m->queue) <= CAPACITY);
}

START_TEST(a_crowd_of_producers_never_exceeds_the_capacity)
{
	struct market m = {.producers = 50, .consumers = 3, .others = watch};

	run_market(&m, CAPACITY, 1);
}
END_TEST

/*
 * Once a lower capacity was set, the size never rises while it is above: it
 * falls until there is room.
 */
static void change(struct market *m, unsigned who)
{
	uint64_t seed = crowd_seed(who);

	while (crowd_goes_on(&m->crowd)) {
		int64_t capacity = 1 + (int64_t)(crowd_random(&seed) % 20);
		size_t before, after = SIZE_MAX;

		conc_bounded_queue_set_capacity(m->queue, capacity);
		for (int i = 0; i < 10; i++) {
			/* Producers that looked before the change go on now. */
			sched_yield();
			before = after;
			after = conc_bounded_queue_size(m->queue);
			crowd_check(&m->crowd, after <= (size_t)capacity ||
						       after <= before);
		}
	}
	/* Else the last producers might wait for what nobody sets. */
	conc_bounded_queue_set_capacity(m->queue, 0);
}

START_TEST(a_capacity_that_changes_is_never_exceeded_either)
{
	struct market m = {.producers = 20, .consumers = 3, .others = change};

	run_market(&m, 1, 1);
}
END_TEST

static void lose_memory(struct market *m, unsigned who)
{
	uint64_t seed = crowd_seed(who);

	while (crowd_goes_on(&m->crowd)) {
		conc_alloc_fail_after = (long)(crowd_random(&seed) % 3);
		for (uint64_t n = crowd_random(&seed) % 50; n > 0; n--)
			sched_yield();
		conc_alloc_fail_after = -1;
		sched_yield();
	}
	conc_alloc_fail_after = -1;
}

START_TEST(a_push_without_memory_gives_its_place_back)
{
	struct market m = {
		.producers = 5, .consumers = 5, .others = lose_memory};

	run_market(&m, 2000, 1);
}
END_TEST

/* ---- the end, again and again ------------------------------------------- */

#define ROUNDS 5

struct round {
	struct crowd crowd;
	conc_bounded_queue *queue;
	_Atomic bool refused;
	_Atomic uint64_t pushed, popped, drained;
};

static void count_drained(void *item, void *user)
{
	struct round *r = user;

	(void)item;
	atomic_fetch_add(&r->drained, 1);
}

static void push_until_closed(struct round *r)
{
	int rc;

	while ((rc = conc_bounded_queue_push(r->queue, r, CONC_FOREVER,
					     NULL)) == 0)
		atomic_fetch_add(&r->pushed, 1);
	crowd_check(&r->crowd, rc == -EPIPE);
	atomic_store(&r->refused, true);
}

static void pop_until_closed(struct round *r)
{
	int64_t deadline = CONC_FOREVER;
	void *popped;
	int rc;

	for (;;) {
		/* Once a push was refused, there is no "nothing yet". */
		if (atomic_load(&r->refused))
			deadline = CONC_TRY;
		rc = conc_bounded_queue_pop(r->queue, &popped, deadline, NULL);
		if (rc != 0)
			break;
		atomic_fetch_add(&r->popped, 1);
	}
	crowd_check(&r->crowd, rc == -EPIPE);
}

/* Whatever pushes and pops that are under way have still to give back. */
static void check_nothing_is_left(struct round *r)
{
	crowd_check(&r->crowd, conc_bounded_queue_size(r->queue) == 0);
	crowd_check(&r->crowd, conc_bounded_queue_empty(r->queue));
	crowd_check(&r->crowd, !conc_bounded_queue_full(r->queue));
}

static void play_round(struct crowd *crowd, unsigned who)
{
	struct round *r = (struct round *)crowd;

	if (who < 4)
		push_until_closed(r);
	else if (who < 8)
		pop_until_closed(r);
	else {
		uint64_t seed = crowd_seed(who);

		for (uint64_t n = crowd_random(&seed) % 200; n > 0; n--)
			sched_yield();
		conc_bounded_queue_close(r->queue, who % 2 == 0);
		if (who % 2 == 0)
			check_nothing_is_left(r);
	}
}

START_TEST(close_ends_every_wait_and_each_item_comes_out_or_is_drained)
{
	int64_t end = conc_now() + (int64_t)(crowd_seconds() * 1e9);
	unsigned rounds = 0;

	while (rounds++ < ROUNDS || conc_now() < end) {
		struct round r = {.pushed = 0};
		struct conc_bounded_queue_attr attr = {.size = sizeof(attr),
						       .capacity = rounds % 4,
						       .drain = count_drained,
						       .user = &r};

		ck_assert_int_eq(conc_bounded_queue_new(&attr, &r.queue), 0);
		crowd_run(&r.crowd, 9 + rounds % 2, play_round);
		ck_assert_uint_eq(r.pushed, r.popped + r.drained);
		ck_assert_uint_eq(conc_bounded_queue_size(r.queue), 0);
		ck_assert_uint_eq(conc_bounded_queue_unfinished(r.queue),
				  r.popped);
		conc_bounded_queue_free(r.queue);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		nothing_is_lost_whether_producers_or_consumers_wait,
		deadlines_that_pass_lose_nothing,
		a_call_that_was_cancelled_pushed_and_took_nothing,
		a_crowd_of_producers_never_exceeds_the_capacity,
		a_capacity_that_changes_is_never_exceeded_either,
		a_push_without_memory_gives_its_place_back,
		close_ends_every_wait_and_each_item_comes_out_or_is_drained,
	};

	return run_tests("bounded queue under stress", tests, COUNT_OF(tests),
			 60 + 10 * crowd_seconds());
}
