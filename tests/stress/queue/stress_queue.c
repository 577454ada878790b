/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conc_queue under more threads than cores: what came out is checked against
 * what went in, and that nobody sleeps on while there is something.
 */
#include <config.h>

/* First, for RUSAGE_THREAD. */
#include <sys/resource.h>

#include <concurrency.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#include "stress/crowd.h"
#include "stress/ledger.h"
#include "base/memory.h"
#include "queue/inside.h"
#include "suite.h"

#define PRODUCERS 5
#define CONSUMERS 5

/* Producers hold back at about this many items. */
#define ENOUGH 3000

/* A wake that did not come by then was lost. */
#define TOO_LONG INT64_C(5000000000)

/* ---- a market: producers, consumers, one queue --------------------------- */

struct market {
	struct crowd crowd;
	conc_queue *queue;
	struct ledger ledger;
	_Atomic unsigned producing;
	void (*before_push)(uint64_t *seed);
	int (*take)(struct market *market, uint64_t *seed, void **popped);
	void (*others)(struct market *market, unsigned who);
};

static void produce(struct market *m, unsigned who)
{
	uint64_t seed = crowd_seed(who), number = 0;
	struct account account = {0};

	/* One at least, though the time were over before this thread runs. */
	do {
		int rc;

		if (m->before_push != NULL)
			m->before_push(&seed);
		while (number % 64 == 0 && conc_queue_size(m->queue) > ENOUGH)
			sched_yield();
		rc = conc_queue_push(m->queue, make_item(who, number + 1));
		if (rc == -ENOMEM)
			continue;
		crowd_check(&m->crowd, rc == 0);
		enter_item(&account, ++number);
	} while (crowd_goes_on(&m->crowd) && number < NUMBERS);
	m->ledger.in[who] = account;
	/* The last one shuts the market. */
	if (atomic_fetch_sub(&m->producing, 1) == 1)
		conc_queue_close(m->queue, false);
}

static void consume(struct market *m, unsigned who)
{
	struct received received = {.in_order = true};
	uint64_t seed = crowd_seed(who);
	void *popped;
	int rc;

	while ((rc = m->take(m, &seed, &popped)) != -EPIPE) {
		if (rc == 0)
			receive(&received, popped);
		else
			crowd_check(&m->crowd,
				    rc == -EAGAIN || rc == -ETIMEDOUT);
	}
	crowd_check(&m->crowd, received.in_order);
	settle(&m->ledger, &received);
}

static void trade(struct crowd *crowd, unsigned who)
{
	struct market *m = (struct market *)crowd;

	if (who < PRODUCERS)
		produce(m, who);
	else if (who < PRODUCERS + CONSUMERS)
		consume(m, who);
	else
		m->others(m, who);
}

static void open_market(struct market *m, bool lock_free)
{
	struct conc_queue_attr attr = {.size = sizeof(attr),
				       .lock_free = lock_free};

	ck_assert_int_eq(conc_queue_new(&attr, &m->queue), 0);
	pthread_mutex_init(&m->ledger.lock, NULL);
	atomic_init(&m->producing, PRODUCERS);
}

static void run_market(struct market *m, unsigned others)
{
	crowd_run(&m->crowd, PRODUCERS + CONSUMERS + others, trade);
	ck_assert_uint_eq(conc_queue_size(m->queue), 0);
	ck_assert(conc_queue_empty(m->queue));
	balance(&m->ledger);
	conc_queue_free(m->queue);
}

static int take_and_wait(struct market *m, uint64_t *seed, void **popped)
{
	int64_t begin = conc_now();
	int rc = conc_queue_pop(m->queue, popped, begin + TOO_LONG, NULL);

	(void)seed;
	/* Producers never stop for so long. */
	crowd_check(&m->crowd, conc_now() - begin < TOO_LONG);
	return rc;
}

static int take_at_once(struct market *m, uint64_t *seed, void **popped)
{
	int rc = conc_queue_try_pop(m->queue, popped);

	(void)seed;
	if (rc == -EAGAIN)
		sched_yield();
	return rc;
}

static int take_in_a_hurry(struct market *m, uint64_t *seed, void **popped)
{
	return conc_queue_pop(m->queue, popped,
			      conc_now() +
				      (int64_t)(crowd_random(seed) % 60000),
			      NULL);
}

/* Keeps the queue near empty, where consumers poison cells. */
static void dawdle(uint64_t *seed)
{
	for (uint64_t n = crowd_random(seed) % 512; n > 0; n--)
		atomic_signal_fence(memory_order_seq_cst);
}

START_TEST(nothing_is_lost_nothing_comes_twice_and_each_producers_in_order)
{
	for (int lock_free = 0; lock_free < 2; lock_free++) {
		struct market m = {.take = take_and_wait};

		open_market(&m, lock_free);
		run_market(&m, 0);
	}
}
END_TEST

START_TEST(nothing_is_lost_where_consumers_outrun_producers)
{
	struct market m = {.take = take_at_once, .before_push = dawdle};

	open_market(&m, false);
	run_market(&m, 0);
}
END_TEST

START_TEST(pop_timeout_loses_nothing)
{
	struct market m = {.take = take_in_a_hurry, .before_push = dawdle};

	open_market(&m, false);
	run_market(&m, 0);
}
END_TEST

/* Fired and reset all the time. */
static conc_cancel *token;

static int take_if_not_cancelled(struct market *m, uint64_t *seed,
				 void **popped)
{
	int64_t deadline = crowd_random(seed) % 2
				   ? CONC_TRY
				   : conc_deadline_after(1000000);
	int rc;

	*popped = m;
	rc = conc_queue_pop(m->queue, popped, deadline, token);
	crowd_check(&m->crowd, (*popped == m) == (rc != 0));
	if (rc == -EAGAIN || rc == -ECANCELED)
		sched_yield();
	return rc == -ECANCELED ? -EAGAIN : rc;
}

static void fire_and_reset(struct market *m, unsigned who)
{
	uint64_t seed = crowd_seed(who);

	while (crowd_goes_on(&m->crowd)) {
		conc_cancel_fire(token);
		for (uint64_t n = crowd_random(&seed) % 20; n > 0; n--)
			sched_yield();
		conc_cancel_reset(token);
		for (uint64_t n = crowd_random(&seed) % 20; n > 0; n--)
			sched_yield();
	}
}

START_TEST(a_pop_that_was_cancelled_took_nothing)
{
	struct market m = {.take = take_if_not_cancelled,
			   .others = fire_and_reset};

	ck_assert_int_eq(conc_cancel_new(&token), 0);
	open_market(&m, false);
	run_market(&m, 1);
	conc_cancel_free(token);
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

START_TEST(a_failed_push_leaves_no_hole)
{
	struct market m = {.take = take_and_wait, .others = lose_memory};

	open_market(&m, false);
	run_market(&m, 1);
}
END_TEST

static void look_on(struct market *m, unsigned who)
{
	size_t most = ENOUGH + PRODUCERS * 65 + CONSUMERS;

	(void)who;
	while (crowd_goes_on(&m->crowd)) {
		crowd_check(&m->crowd, conc_queue_size(m->queue) <= most);
		/* Closed when time is up, and not before. */
		crowd_check(&m->crowd, !conc_queue_is_closed(m->queue) ||
					       !crowd_goes_on(&m->crowd));
		conc_queue_empty(m->queue);
	}
}

START_TEST(size_is_never_more_than_there_was)
{
	struct market m = {.take = take_at_once, .others = look_on};

	open_market(&m, false);
	run_market(&m, 2);
}
END_TEST

/* ---- what items point to ------------------------------------------------- */

struct post {
	struct crowd crowd;
	conc_queue *queue;
	_Atomic unsigned sending;
};

#define SENDERS 3
#define PARCEL_NUMBERS 4

/* Plain memory, so that a sanitizer sees who reads what was not handed over. */
static void send_parcels(struct post *p, unsigned who)
{
	while (crowd_goes_on(&p->crowd)) {
		unsigned *parcel = malloc(PARCEL_NUMBERS * sizeof(*parcel));

		for (int i = 0; i < PARCEL_NUMBERS; i++)
			parcel[i] = who;
		while (conc_queue_size(p->queue) > ENOUGH)
			sched_yield();
		crowd_check(&p->crowd, conc_queue_push(p->queue, parcel) == 0);
	}
	if (atomic_fetch_sub(&p->sending, 1) == 1)
		conc_queue_close(p->queue, false);
}

static void open_parcels(struct post *p)
{
	void *popped;

	while (conc_queue_pop(p->queue, &popped, CONC_FOREVER, NULL) == 0) {
		unsigned *parcel = popped;

		for (int i = 0; i < PARCEL_NUMBERS; i++)
			crowd_check(&p->crowd, parcel[i] < SENDERS &&
						       parcel[i] == parcel[0]);
		free(parcel);
	}
}

static void send_or_open(struct crowd *crowd, unsigned who)
{
	if (who < SENDERS)
		send_parcels((struct post *)crowd, who);
	else
		open_parcels((struct post *)crowd);
}

START_TEST(an_item_comes_with_what_it_points_to)
{
	struct post p = {.sending = SENDERS};

	ck_assert_int_eq(conc_queue_new(NULL, &p.queue), 0);
	crowd_run(&p.crowd, 2 * SENDERS, send_or_open);
	conc_queue_free(p.queue);
}
END_TEST

/* ---- emptiness ----------------------------------------------------------- */

#define PUSHERS 6

/* As many items as threads between a push and a pop are there: at least one. */
static void push_and_pop(struct crowd *crowd, unsigned who)
{
	struct post *p = (struct post *)crowd;
	void *popped;

	(void)who;
	while (crowd_goes_on(crowd)) {
		crowd_check(crowd, conc_queue_push(p->queue, p) == 0);
		crowd_check(crowd, conc_queue_try_pop(p->queue, &popped) == 0);
	}
}

START_TEST(who_has_pushed_never_finds_the_queue_empty)
{
	struct post p = {.sending = 0};

	ck_assert_int_eq(conc_queue_new(NULL, &p.queue), 0);
	crowd_run(&p.crowd, PUSHERS, push_and_pop);
	ck_assert(conc_queue_empty(p.queue));
	conc_queue_free(p.queue);
}
END_TEST

static void check_the_ends(struct post *p)
{
	conc_reader *reader = conc_rcu_enter();
	const struct conc_segment *head = atomic_load(&p->queue->head);
	const struct conc_segment *tail = atomic_load(&p->queue->tail);

	crowd_check(&p->crowd, tail->first >= head->first);
	conc_rcu_leave(reader);
}

/* One producer: nobody else moves tail on while it has linked a segment. */
static void push_or_poll(struct crowd *crowd, unsigned who)
{
	struct post *p = (struct post *)crowd;
	void *popped;

	while (crowd_goes_on(crowd)) {
		if (who > 0) {
			conc_queue_try_pop(p->queue, &popped);
			check_the_ends(p);
		} else if (conc_queue_size(p->queue) < ENOUGH) {
			crowd_check(crowd, conc_queue_push(p->queue, p) == 0);
		}
	}
}

/* Else a producer could find a segment that was given up already. */
START_TEST(tail_is_never_behind_head)
{
	struct post p = {.sending = 1};

	ck_assert_int_eq(conc_queue_new(NULL, &p.queue), 0);
	crowd_run(&p.crowd, 5, push_or_poll);
	conc_queue_free(p.queue);
}
END_TEST

/* ---- many queues --------------------------------------------------------- */

/* More than the first segment holds: the others come from a common pool. */
#define SOME 60

static void fill_and_empty(struct crowd *crowd, unsigned who)
{
	while (crowd_goes_on(crowd)) {
		conc_queue *queue = NULL;
		void *popped = NULL;

		crowd_check(crowd, conc_queue_new(NULL, &queue) == 0);
		for (uint64_t n = 1; n <= SOME; n++)
			crowd_check(crowd, conc_queue_push(
						   queue, make_item(who, n)) == 0);
		for (uint64_t n = 1; n <= SOME; n++)
			crowd_check(crowd,
				    conc_queue_try_pop(queue, &popped) == 0 &&
					    popped == make_item(who, n));
		crowd_check(crowd, conc_queue_try_pop(queue, &popped) == -EAGAIN);
		conc_queue_free(queue);
	}
}

START_TEST(a_queue_finds_nothing_of_the_last_owner_of_its_memory)
{
	struct crowd crowd;

	crowd_run(&crowd, 6, fill_and_empty);
}
END_TEST

/* ---- failure ------------------------------------------------------------- */

static void push_and_fail(struct crowd *crowd, unsigned who)
{
	struct post *p = (struct post *)crowd;
	void *popped;
	int rc;

	if (who == 0) {
		crowd_check(crowd, conc_queue_push(p->queue, p) == 0);
		conc_queue_fail(p->queue);
		return;
	}
	do {
		rc = conc_queue_try_pop(p->queue, &popped);
	} while (rc == -EAGAIN);
	crowd_check(crowd, rc == 0);
}

START_TEST(what_was_pushed_before_the_failure_comes_out)
{
	int64_t end = conc_now() + (int64_t)(crowd_seconds() * 1e9);

	do {
		struct post p = {.sending = 1};

		ck_assert_int_eq(conc_queue_new(NULL, &p.queue), 0);
		crowd_run(&p.crowd, 2, push_and_fail);
		conc_queue_free(p.queue);
	} while (conc_now() < end);
}
END_TEST

/* ---- who comes after whom ------------------------------------------------ */

struct order {
	struct crowd crowd;
	conc_queue *queue;
	int note; /* plain: a sanitizer sees if it was read in no order */
};

static void run_order(void (*work)(struct crowd *crowd, unsigned who))
{
	int64_t end = conc_now() + (int64_t)(crowd_seconds() * 1e9);

	do {
		struct order o = {.note = 0};

		ck_assert_int_eq(conc_queue_new(NULL, &o.queue), 0);
		ck_assert_int_eq(conc_queue_push(o.queue, &o), 0);
		crowd_run(&o.crowd, 2, work);
		conc_queue_free(o.queue);
	} while (conc_now() < end);
}

static void pop_or_look(struct crowd *crowd, unsigned who)
{
	struct order *o = (struct order *)crowd;
	void *popped;

	if (who == 0) {
		o->note = 1;
		crowd_check(crowd, conc_queue_try_pop(o->queue, &popped) == 0);
		return;
	}
	while (!conc_queue_empty(o->queue))
		sched_yield();
	crowd_check(crowd, o->note == 1);
}

START_TEST(who_finds_the_queue_empty_comes_after_the_pop)
{
	run_order(pop_or_look);
}
END_TEST

static void close_or_push(struct crowd *crowd, unsigned who)
{
	struct order *o = (struct order *)crowd;

	if (who == 0) {
		o->note = 1;
		conc_queue_close(o->queue, false);
		return;
	}
	while (conc_queue_push(o->queue, o) == 0)
		sched_yield();
	crowd_check(crowd, o->note == 1);
}

START_TEST(who_is_refused_comes_after_the_close)
{
	run_order(close_or_push);
}
END_TEST

/* ---- waking -------------------------------------------------------------- */

#define PAIRS 4

struct table {
	struct crowd crowd;
	conc_queue *ball[2 * PAIRS];
};

/*
 * Each ball comes only after ours was taken, so a wake that is lost is waited
 * for till the deadline (and the ball found then, by the last try).
 */
static void play(struct crowd *crowd, unsigned who)
{
	struct table *t = (struct table *)crowd;
	conc_queue *to = t->ball[who ^ 1], *from = t->ball[who];
	uint64_t seed = crowd_seed(who);
	void *popped;

	if (who % 2 == 0)
		conc_queue_push(to, t);
	for (;;) {
		int64_t begin = conc_now();
		int rc = conc_queue_pop(from, &popped, begin + TOO_LONG, NULL);

		if (rc == -EPIPE)
			break;
		crowd_check(crowd, rc == 0 && conc_now() - begin < TOO_LONG);
		if (!crowd_goes_on(crowd))
			break;
		/* Of the length of a look, so that they cross. */
		dawdle(&seed);
		conc_queue_push(to, popped);
	}
	conc_queue_close(to, false);
}

START_TEST(no_wake_is_lost)
{
	static struct table t;

	for (int i = 0; i < 2 * PAIRS; i++)
		ck_assert_int_eq(conc_queue_new(NULL, &t.ball[i]), 0);
	crowd_run(&t.crowd, 2 * PAIRS, play);
	for (int i = 0; i < 2 * PAIRS; i++)
		conc_queue_free(t.ball[i]);
}
END_TEST

struct fickle {
	struct crowd crowd;
	conc_queue *queue, *taken;
};

#define FICKLE 6
#define STEADY 2

/* One item at a time; the next one when it was taken. */
static void hand_out(struct fickle *f)
{
	void *popped;

	while (crowd_goes_on(&f->crowd)) {
		int64_t begin = conc_now();

		conc_queue_push(f->queue, f);
		crowd_check(&f->crowd,
			    conc_queue_pop(f->taken, &popped, begin + TOO_LONG,
					   NULL) == 0 &&
				    conc_now() - begin < TOO_LONG);
	}
	conc_queue_close(f->queue, false);
}

/* Waits, and leaves without a try: after a wake, or when time is up. */
static void waver(struct fickle *f, unsigned who)
{
	uint64_t seed = crowd_seed(who);

	while (crowd_goes_on(&f->crowd)) {
		int64_t wait = (int64_t)(crowd_random(&seed) % 100000);

		if (conc_queue_wait(f->queue, conc_now() + wait, NULL) == 0)
			conc_queue_pass(f->queue);
	}
}

static void take_steadily(struct fickle *f)
{
	void *popped;

	while (conc_queue_pop(f->queue, &popped, CONC_FOREVER, NULL) == 0)
		conc_queue_push(f->taken, popped);
}

static void be_fickle(struct crowd *crowd, unsigned who)
{
	struct fickle *f = (struct fickle *)crowd;

	if (who == 0)
		hand_out(f);
	else if (who <= FICKLE)
		waver(f, who);
	else
		take_steadily(f);
}

START_TEST(who_leaves_without_a_try_passes_the_wake_on)
{
	static struct fickle f;

	ck_assert_int_eq(conc_queue_new(NULL, &f.queue), 0);
	ck_assert_int_eq(conc_queue_new(NULL, &f.taken), 0);
	crowd_run(&f.crowd, 1 + FICKLE + STEADY, be_fickle);
	conc_queue_free(f.queue);
	conc_queue_free(f.taken);
}
END_TEST

/* Again and again two threads meet: one falls asleep, the other one ends it. */
struct meeting {
	struct crowd crowd;
	conc_queue *queue;
	_Atomic unsigned arrived;
	_Atomic bool over;
};

/* Spins, so that both go on within a few ns if both have a core. */
static void meet(struct meeting *m, unsigned number)
{
	unsigned looks = 0;

	atomic_fetch_add(&m->arrived, 1);
	while (atomic_load(&m->arrived) < 2 * number)
		if (++looks % 1000 == 0)
			sched_yield();
}

static void sleep_or_fail(struct crowd *crowd, unsigned who)
{
	struct meeting *m = (struct meeting *)crowd;
	uint64_t seed = crowd_seed(who);

	for (unsigned number = 1;;) {
		if (who == 0) {
			m->over = !crowd_goes_on(crowd) || crowd->failures != 0;
			ck_assert_int_eq(conc_queue_new(NULL, &m->queue), 0);
		}
		meet(m, number++);
		if (m->over)
			return;
		if (who == 0) {
			/* Of the length of a look, as above. */
			dawdle(&seed);
			dawdle(&seed);
			conc_queue_fail(m->queue);
		} else {
			crowd_check(crowd,
				    conc_queue_wait(m->queue,
						    conc_now() + TOO_LONG,
						    NULL) == 0);
		}
		meet(m, number++);
		if (who == 0)
			conc_queue_free(m->queue);
	}
}

START_TEST(who_falls_asleep_does_not_miss_the_failure)
{
	static struct meeting m;

	crowd_run(&m.crowd, 2, sleep_or_fail);
	conc_queue_free(m.queue);
}
END_TEST

/* ---- the end ------------------------------------------------------------- */

/* Rounds, each with a new queue that is closed while all are busy with it. */
struct rounds {
	struct crowd crowd;
	conc_queue *queue;
	pthread_barrier_t barrier;
	bool over;
	_Atomic uint64_t in, out;
};

#define CLOSING_PRODUCERS 3
#define CLOSING_CONSUMERS 4
#define CLOSING (CLOSING_PRODUCERS + CLOSING_CONSUMERS + 1)

static void count_drained(void *drained, void *user)
{
	atomic_fetch_add((_Atomic uint64_t *)user, (uintptr_t)drained);
}

/* What never ends, as a close that closes nothing, has been noticed. */
static bool goes_well(const struct rounds *r)
{
	return r->crowd.failures == 0;
}

static void push_till_the_end(struct rounds *r, uint64_t *seed)
{
	uint64_t in = 0, n = 0;
	int rc;

	while ((rc = conc_queue_push(r->queue, (void *)(uintptr_t)(n + 1))) == 0 &&
	       goes_well(r)) {
		in += ++n;
		if (n % 8 == 0)
			dawdle(seed);
	}
	crowd_check(&r->crowd, rc == -EPIPE);
	crowd_check(&r->crowd, conc_queue_is_closed(r->queue));
	atomic_fetch_add(&r->in, in);
}

static void pop_till_the_end(struct rounds *r, uint64_t *seed)
{
	uint64_t out = 0;
	void *popped;
	int rc;

	do {
		int64_t begin = conc_now();

		/* Some never stop to look at an empty queue. */
		rc = crowd_random(seed) % 2
			     ? conc_queue_try_pop(r->queue, &popped)
			     : conc_queue_pop(r->queue, &popped,
					      begin + TOO_LONG, NULL);
		crowd_check(&r->crowd, conc_now() - begin < TOO_LONG);
		if (rc == 0)
			out += (uintptr_t)popped;
	} while (rc != -EPIPE && goes_well(r));
	/* The end is the end. */
	crowd_check(&r->crowd, conc_queue_try_pop(r->queue, &popped) == -EPIPE);
	crowd_check(&r->crowd, conc_queue_is_closed(r->queue));
	atomic_fetch_add(&r->out, out);
}

static void close_in_time(struct rounds *r, uint64_t *seed)
{
	struct timespec time = {
		.tv_nsec = (long)(crowd_random(seed) % 300000)};

	if (crowd_random(seed) % 2)
		nanosleep(&time, NULL);
	conc_queue_close(r->queue, crowd_random(seed) % 2);
	crowd_check(&r->crowd, conc_queue_push(r->queue, r) == -EPIPE);
}

/* What fits into the first segment, or nearly: the next one is linked soon. */
static void fill_first_segment(struct rounds *r, uint64_t *seed)
{
	uint64_t last = 40 - crowd_random(seed) % 4;

	for (uint64_t n = 1; n <= last; n++) {
		crowd_check(&r->crowd,
			    conc_queue_push(r->queue, (void *)(uintptr_t)n) == 0);
		r->in += n;
	}
}

static void next_round(struct rounds *r, uint64_t *seed)
{
	struct conc_queue_attr attr = {.size = sizeof(attr),
				       .drain = count_drained,
				       .user = &r->out};

	if (r->queue != NULL) {
		crowd_check(&r->crowd, r->in == r->out);
		crowd_check(&r->crowd, conc_queue_size(r->queue) == 0);
		conc_queue_free(r->queue);
		r->queue = NULL;
	}
	r->over = !crowd_goes_on(&r->crowd) || r->crowd.failures != 0;
	if (r->over)
		return;
	crowd_check(&r->crowd, conc_queue_new(&attr, &r->queue) == 0);
	fill_first_segment(r, seed);
}

static void play_rounds(struct crowd *crowd, unsigned who)
{
	struct rounds *r = (struct rounds *)crowd;
	uint64_t seed = crowd_seed(who);

	for (;;) {
		if (who == 0)
			next_round(r, &seed);
		pthread_barrier_wait(&r->barrier);
		if (r->over)
			break;
		if (who == 0)
			close_in_time(r, &seed);
		else if (who <= CLOSING_PRODUCERS)
			push_till_the_end(r, &seed);
		else
			pop_till_the_end(r, &seed);
		pthread_barrier_wait(&r->barrier);
	}
}

START_TEST(close_wakes_all_and_every_item_pushed_before_comes_out_once)
{
	static struct rounds r;

	pthread_barrier_init(&r.barrier, NULL, CLOSING);
	crowd_run(&r.crowd, CLOSING, play_rounds);
	pthread_barrier_destroy(&r.barrier);
}
END_TEST

/* ---- sleeping ------------------------------------------------------------ */

struct sleepers {
	struct crowd crowd;
	conc_queue *queue;
};

static int64_t cpu_ns(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) *
		       INT64_C(1000000000) +
	       (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) *
		       INT64_C(1000);
}

static void sleep_a_while(struct crowd *crowd, unsigned who)
{
	struct sleepers *s = (struct sleepers *)crowd;
	int64_t before = cpu_ns();
	void *popped;

	(void)who;
	crowd_check(crowd, conc_queue_pop(s->queue, &popped,
					  conc_deadline_after(300000000),
					  NULL) == -ETIMEDOUT);
	crowd_check(crowd, cpu_ns() - before < 20000000);
}

START_TEST(who_waits_burns_no_cpu)
{
	struct sleepers s;

	ck_assert_int_eq(conc_queue_new(NULL, &s.queue), 0);
	crowd_run(&s.crowd, 8, sleep_a_while);
	conc_queue_free(s.queue);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		nothing_is_lost_nothing_comes_twice_and_each_producers_in_order,
		nothing_is_lost_where_consumers_outrun_producers,
		pop_timeout_loses_nothing,
		a_pop_that_was_cancelled_took_nothing,
		a_failed_push_leaves_no_hole,
		size_is_never_more_than_there_was,
		an_item_comes_with_what_it_points_to,
		who_has_pushed_never_finds_the_queue_empty,
		tail_is_never_behind_head,
		a_queue_finds_nothing_of_the_last_owner_of_its_memory,
		what_was_pushed_before_the_failure_comes_out,
		who_finds_the_queue_empty_comes_after_the_pop,
		who_is_refused_comes_after_the_close,
		no_wake_is_lost,
		who_leaves_without_a_try_passes_the_wake_on,
		who_falls_asleep_does_not_miss_the_failure,
		close_wakes_all_and_every_item_pushed_before_comes_out_once,
		who_waits_burns_no_cpu,
	};

	return run_tests("queue under stress", tests, COUNT_OF(tests),
			 60 + 10 * crowd_seconds());
}
