/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A signal every millisecond, to each thread, while threads block in each
 * function that can: deadlines hold, what `interrupted' answers ends the wait,
 * and neither an item nor a wake is lost.
 */
#include <config.h>

#include <concurrency.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "stress/crowd.h"
#include "base/rcu.h"

#define SHORT INT64_C(60000000)	     /* ns: long enough for some signals */
#define TOO_LATE INT64_C(20000000000) /* for a busy machine */
#define INTERRUPTED (-77)
#define CAPACITY 4

/* ---- a storm --------------------------------------------------------------- */

static _Atomic long signals;

static void count_signal(int number)
{
	(void)number;
	signals++;
}

#define EXPOSED_MOST 8

/* Who is out in it.  (A signal to the process goes to nearly always the same.) */
static struct {
	pthread_mutex_t lock;
	pthread_t threads[EXPOSED_MOST];
	unsigned count;
	pthread_t sender;
	_Atomic bool over;
} storm = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void expose(void)
{
	pthread_mutex_lock(&storm.lock);
	storm.threads[storm.count++] = pthread_self();
	pthread_mutex_unlock(&storm.lock);
}

static void take_shelter(void)
{
	unsigned i = 0;

	pthread_mutex_lock(&storm.lock);
	while (!pthread_equal(storm.threads[i], pthread_self()))
		i++;
	storm.threads[i] = storm.threads[--storm.count];
	pthread_mutex_unlock(&storm.lock);
}

static void *send_signals(void *unused)
{
	while (!storm.over) {
		pthread_mutex_lock(&storm.lock);
		for (unsigned i = 0; i < storm.count; i++)
			pthread_kill(storm.threads[i], SIGUSR1);
		pthread_mutex_unlock(&storm.lock);
		usleep(1000);
	}
	return unused;
}

/* Without SA_RESTART: each signal ends a system call. */
static void begin_storm(void)
{
	struct sigaction action = {.sa_handler = count_signal};

	sigaction(SIGUSR1, &action, NULL);
	storm.over = false;
	ck_assert_int_eq(pthread_create(&storm.sender, NULL, send_signals,
					NULL),
			 0);
}

static void end_storm(void)
{
	storm.over = true;
	pthread_join(storm.sender, NULL);
}

/* ---- hooks ----------------------------------------------------------------- */

/* What stands for a runtime: who sleeps is outside of it. */
static _Thread_local bool outside;
static _Atomic long asked;
static _Thread_local long patience; /* questions until the wait shall end */

static void *wait_begin(void *user)
{
	ck_assert(!outside);
	outside = true;
	return user;
}

static void wait_end(void *token, void *user)
{
	ck_assert(outside && token == user);
	outside = false;
}

static int never(void *user)
{
	(void)user;
	ck_assert(!outside);
	asked++;
	return 0;
}

static int in_the_end(void *user)
{
	never(user);
	return --patience <= 0 ? INTERRUPTED : 0;
}

static const struct conc_wait_hooks no_hooks = CONC_WAIT_HOOKS_INIT;
static const struct conc_wait_hooks patient = {
	.size = sizeof(struct conc_wait_hooks),
	.user = &asked,
	.wait_begin = wait_begin,
	.wait_end = wait_end,
	.interrupted = never,
};
static const struct conc_wait_hooks impatient = {
	.size = sizeof(struct conc_wait_hooks),
	.user = &asked,
	.wait_begin = wait_begin,
	.wait_end = wait_end,
	.interrupted = in_the_end,
};

/* ---- each function that blocks ------------------------------------------------ */

struct structures {
	conc_queue *queue, *lock_free;
	conc_bounded_queue *empty, *full; /* and not done */
	conc_gather *gather;
};

static struct structures make(const struct conc_wait_hooks *hooks)
{
	const struct conc_queue_attr queue = {.size = sizeof(queue),
					      .wait = hooks};
	const struct conc_queue_attr lock_free = {.size = sizeof(lock_free),
						  .lock_free = true,
						  .wait = hooks};
	const struct conc_bounded_queue_attr bounded = {.size = sizeof(bounded),
							.capacity = CAPACITY,
							.wait = hooks};
	const struct conc_gather_attr gather = {.size = sizeof(gather),
						.wait = hooks};
	struct structures s;

	ck_assert_int_eq(conc_queue_new(&queue, &s.queue), 0);
	ck_assert_int_eq(conc_queue_new(&lock_free, &s.lock_free), 0);
	ck_assert_int_eq(conc_bounded_queue_new(&bounded, &s.empty), 0);
	ck_assert_int_eq(conc_bounded_queue_new(&bounded, &s.full), 0);
	ck_assert_int_eq(conc_gather_new(&gather, &s.gather), 0);
	for (int i = 0; i < CAPACITY; i++)
		ck_assert_int_eq(conc_bounded_queue_push(s.full, &asked,
							 CONC_TRY, NULL),
				 0);
	return s;
}

static void drop(struct structures *s)
{
	conc_queue_free(s->queue);
	conc_queue_free(s->lock_free);
	conc_bounded_queue_free(s->empty);
	conc_bounded_queue_free(s->full);
	conc_gather_free(s->gather);
}

static void *item;
static struct conc_value value;

static int queue_pop(struct structures *s, int64_t deadline)
{
	return conc_queue_pop(s->queue, &item, deadline, NULL);
}

static int queue_wait(struct structures *s, int64_t deadline)
{
	return conc_queue_wait(s->queue, deadline, NULL);
}

static int lock_free_pop(struct structures *s, int64_t deadline)
{
	return conc_queue_pop(s->lock_free, &item, deadline, NULL);
}

static int lock_free_wait(struct structures *s, int64_t deadline)
{
	return conc_queue_wait(s->lock_free, deadline, NULL);
}

static int bounded_pop(struct structures *s, int64_t deadline)
{
	return conc_bounded_queue_pop(s->empty, &item, deadline, NULL);
}

static int wait_item(struct structures *s, int64_t deadline)
{
	return conc_bounded_queue_wait_item(s->empty, deadline, NULL);
}

static int bounded_push(struct structures *s, int64_t deadline)
{
	return conc_bounded_queue_push(s->full, &asked, deadline, NULL);
}

static int wait_room(struct structures *s, int64_t deadline)
{
	return conc_bounded_queue_wait_room(s->full, deadline, NULL);
}

static int join(struct structures *s, int64_t deadline)
{
	return conc_bounded_queue_join(s->full, deadline, NULL);
}

static int gather_take(struct structures *s, int64_t deadline)
{
	return conc_gather_take(s->gather, 3, true, &value, deadline, NULL);
}

static int gather_wait(struct structures *s, int64_t deadline)
{
	return conc_gather_wait(s->gather, 3, deadline, NULL);
}

static const struct {
	const char *name;
	int (*block)(struct structures *s, int64_t deadline);
} functions[] = {
	{"conc_queue_pop", queue_pop},
	{"conc_queue_wait", queue_wait},
	{"conc_queue_pop, lock-free", lock_free_pop},
	{"conc_queue_wait, lock-free", lock_free_wait},
	{"conc_bounded_queue_pop", bounded_pop},
	{"conc_bounded_queue_wait_item", wait_item},
	{"conc_bounded_queue_push", bounded_push},
	{"conc_bounded_queue_wait_room", wait_room},
	{"conc_bounded_queue_join", join},
	{"conc_gather_take", gather_take},
	{"conc_gather_wait", gather_wait},
};

/* After a wait that ended without success. */
static void nothing_has_changed(struct structures *s)
{
	ck_assert(!outside);
	ck_assert_uint_eq(conc_queue_size(s->queue), 0);
	ck_assert_uint_eq(conc_queue_size(s->lock_free), 0);
	ck_assert_uint_eq(conc_bounded_queue_size(s->empty), 0);
	ck_assert_uint_eq(conc_bounded_queue_unfinished(s->empty), 0);
	ck_assert_uint_eq(conc_bounded_queue_size(s->full), CAPACITY);
	ck_assert_uint_eq(conc_bounded_queue_unfinished(s->full), CAPACITY);
	ck_assert_uint_eq(conc_gather_size(s->gather), 0);
}

static void deadlines_hold_with(const struct conc_wait_hooks *hooks)
{
	struct structures s = make(hooks);
	long before = signals, asked_before = asked;

	for (size_t i = 0; i < COUNT_OF(functions); i++) {
		int64_t deadline = conc_deadline_after(SHORT);
		int rc = functions[i].block(&s, deadline);
		int64_t now = conc_now();

		ck_assert_msg(rc == -ETIMEDOUT, "%s: %d", functions[i].name,
			      rc);
		ck_assert_msg(now >= deadline && now < deadline + TOO_LATE,
			      "%s: %ld ns after its deadline",
			      functions[i].name, (long)(now - deadline));
		nothing_has_changed(&s);
	}
	ck_assert_int_gt(signals, before);
	if (hooks->interrupted != NULL)
		ck_assert_int_gt(asked, asked_before);
	drop(&s);
}

START_TEST(deadlines_hold)
{
	begin_storm();
	expose();
	deadlines_hold_with(&no_hooks);
	deadlines_hold_with(&patient);
	take_shelter();
	end_storm();
}
END_TEST

START_TEST(what_interrupted_answers_ends_the_wait)
{
	struct structures s = make(&impatient);

	begin_storm();
	expose();
	for (size_t i = 0; i < COUNT_OF(functions); i++) {
		const int64_t deadlines[] = {CONC_FOREVER,
					     conc_now() + TOO_LATE};

		for (size_t d = 0; d < COUNT_OF(deadlines); d++) {
			patience = 3;
			ck_assert_int_eq(functions[i].block(&s, deadlines[d]),
					 INTERRUPTED);
			ck_assert_int_eq(patience, 0);
			nothing_has_changed(&s);
		}
	}
	take_shelter();
	end_storm();
	drop(&s);
}
END_TEST

/* ---- nothing is lost ----------------------------------------------------------- */

#define WAITERS 4

/*
 * One item at a time, for whoever of the waiters gets it.  They lose patience,
 * and then stay away for a while: if one of them kept the call to itself, the
 * item would lie there, with all others asleep.
 */
struct errand {
	struct crowd crowd;
	struct structures s;
	/* Sends one item, and waits, for ever, for what is sent. */
	void (*send)(struct errand *errand, int64_t number);
	int (*receive)(struct errand *errand, int64_t number);
	void (*finish)(struct errand *errand);
	_Atomic int64_t sent, received;
	_Atomic bool over;
	_Atomic long interruptions;
};

static void receive_all(struct errand *e, unsigned who)
{
	uint64_t seed = crowd_seed(who);

	while (!e->over) {
		int rc;

		patience = 1 + (long)(crowd_random(&seed) % 3);
		rc = e->receive(e, e->received);
		if (rc == 0) {
			e->received++;
			continue;
		}
		crowd_check(&e->crowd, rc == INTERRUPTED || rc == -EPIPE ||
					       rc == -ENOTRECOVERABLE);
		e->interruptions += rc == INTERRUPTED;
		usleep((useconds_t)(crowd_random(&seed) % 3000));
	}
}

/* A sleep for so long that the waiters stop polling, and ask. */
static void pause_for_long(void)
{
	int64_t end = conc_now() + SHORT / 2;

	while (conc_now() < end)
		usleep(1000); /* which a signal ends, too */
}

static void send_all(struct errand *e)
{
	struct crowd *crowd = &e->crowd;

	while (crowd_goes_on(crowd) && crowd->failures == 0) {
		int64_t end;

		if (e->sent % 64 == 0)
			pause_for_long();
		end = conc_now() + TOO_LATE;
		e->send(e, e->sent);
		e->sent++;
		while (e->received != e->sent && crowd->failures == 0) {
			crowd_check(crowd, conc_now() < end);
			usleep(100);
		}
	}
	e->over = true;
	e->finish(e);
}

static void errand(struct crowd *crowd, unsigned who)
{
	struct errand *e = (struct errand *)crowd;

	expose();
	if (who == 0)
		send_all(e);
	else
		receive_all(e, who);
	take_shelter();
}

static void send_item(struct errand *e, int64_t number)
{
	(void)number;
	crowd_check(&e->crowd, conc_queue_push(e->s.queue, e) == 0);
}

static int receive_item(struct errand *e, int64_t number)
{
	void *popped;

	(void)number;
	return conc_queue_pop(e->s.queue, &popped, CONC_FOREVER, NULL);
}

static void close_queue(struct errand *e)
{
	conc_queue_close(e->s.queue, false);
}

static void send_lock_free(struct errand *e, int64_t number)
{
	(void)number;
	crowd_check(&e->crowd, conc_queue_push(e->s.lock_free, e) == 0);
}

static int receive_lock_free(struct errand *e, int64_t number)
{
	void *popped;

	(void)number;
	return conc_queue_pop(e->s.lock_free, &popped, CONC_FOREVER, NULL);
}

static void close_lock_free(struct errand *e)
{
	conc_queue_close(e->s.lock_free, false);
}

static void send_bounded(struct errand *e, int64_t number)
{
	(void)number;
	crowd_check(&e->crowd, conc_bounded_queue_push(e->s.empty, e, CONC_TRY,
						       NULL) == 0);
}

static int receive_bounded(struct errand *e, int64_t number)
{
	void *popped;

	(void)number;
	return conc_bounded_queue_pop(e->s.empty, &popped, CONC_FOREVER, NULL);
}

static void close_bounded(struct errand *e)
{
	conc_bounded_queue_close(e->s.empty, false);
}

/* What is sent is room. */
static void send_room(struct errand *e, int64_t number)
{
	void *popped;

	(void)number;
	crowd_check(&e->crowd, conc_bounded_queue_pop(e->s.full, &popped,
						      CONC_TRY, NULL) == 0);
}

static int receive_room(struct errand *e, int64_t number)
{
	(void)number;
	return conc_bounded_queue_push(e->s.full, e, CONC_FOREVER, NULL);
}

static void close_full(struct errand *e)
{
	conc_bounded_queue_close(e->s.full, false);
}

static void send_value(struct errand *e, int64_t number)
{
	const struct conc_value sent = {.kind = CONC_NUMBER,
					.u.number = number};

	crowd_check(&e->crowd,
		    conc_gather_insert(e->s.gather, number, &sent) == 0);
}

static int receive_value(struct errand *e, int64_t number)
{
	struct conc_value got;
	int rc = conc_gather_take(e->s.gather, number, true, &got, CONC_FOREVER,
				  NULL);

	crowd_check(&e->crowd, rc != 0 || got.u.number == number);
	return rc;
}

static void fail_gather(struct errand *e)
{
	conc_gather_fail(e->s.gather);
}

static void run_errand(void (*send)(struct errand *, int64_t),
		       int (*receive)(struct errand *, int64_t),
		       void (*finish)(struct errand *), unsigned waiters)
{
	struct errand e = {.s = make(&impatient), .send = send,
			   .receive = receive, .finish = finish};

	begin_storm();
	crowd_run(&e.crowd, 1 + waiters, errand);
	end_storm();
	printf("%ld sent, %ld waits interrupted\n", (long)e.sent,
	       (long)e.interruptions);
	ck_assert_int_gt(e.sent, 0);
	ck_assert_int_gt(e.interruptions, 0);
	drop(&e.s);
}

START_TEST(a_queue_loses_no_item_and_no_wake)
{
	run_errand(send_item, receive_item, close_queue, WAITERS);
}
END_TEST

START_TEST(a_lock_free_queue_loses_no_item_and_no_wake)
{
	run_errand(send_lock_free, receive_lock_free, close_lock_free, WAITERS);
}
END_TEST

START_TEST(a_bounded_queue_loses_no_item_and_no_wake)
{
	run_errand(send_bounded, receive_bounded, close_bounded, WAITERS);
}
END_TEST

START_TEST(a_bounded_queue_loses_no_room_and_no_wake)
{
	run_errand(send_room, receive_room, close_full, WAITERS);
}
END_TEST

/* Each key has one reader here, so it is for that one to try again. */
START_TEST(a_gatherer_loses_no_value_and_no_wake)
{
	run_errand(send_value, receive_value, fail_gather, 1);
}
END_TEST

/* ---- locks and grace periods ----------------------------------------------------- */

struct contention {
	struct crowd crowd;
	conc_dict *dict;
	_Atomic long written;
};

/* One shard, with tables rebuilt and entries retired all the time. */
static void contend(struct crowd *crowd, unsigned who)
{
	struct contention *c = (struct contention *)crowd;
	uint64_t seed = crowd_seed(who);
	long written = 0;

	expose();
	patience = 0; /* whoever asked would get an error */
	while (crowd_goes_on(crowd)) {
		uint64_t key = crowd_random(&seed) % 500;
		const struct conc_value number = {.kind = CONC_NUMBER,
						  .u.number = 1};
		int rc = conc_dict_set(c->dict, &key, sizeof(key), &number);

		crowd_check(crowd, rc == 0);
		rc = conc_dict_delete(c->dict, &key, sizeof(key));
		crowd_check(crowd, rc == 0 || rc == -ENOENT);
		rc = conc_dict_add(c->dict, "sum", 3, 1, NULL);
		crowd_check(crowd, rc == 0);
		written++;
	}
	c->written += written;
	take_shelter();
}

START_TEST(a_wait_for_a_lock_is_not_interrupted)
{
	const struct conc_dict_attr attr = {.size = sizeof(attr),
					    .scaling = 1,
					    .keys = CONC_KEY_BYTES,
					    .wait = &impatient};
	struct contention c = {.written = 0};
	struct conc_value sum;
	long before = signals;

	ck_assert_int_eq(conc_dict_new(&attr, &c.dict), 0);
	begin_storm();
	crowd_run(&c.crowd, 6, contend);
	end_storm();
	ck_assert_int_gt(signals, before);
	ck_assert_int_eq(asked, 0);
	ck_assert_int_eq(conc_dict_get(c.dict, "sum", 3, &sum), 0);
	ck_assert_int_eq(sum.u.number, c.written);
	ck_assert_int_eq(conc_reclaim(NULL), 0);
	conc_dict_free(c.dict);
}
END_TEST

static void *read_for_a_while(void *arg)
{
	conc_reader *reader = conc_rcu_enter();
	int64_t end = conc_now() + SHORT;

	*(_Atomic bool *)arg = true;
	while (conc_now() < end)
		usleep(1000);
	*(_Atomic bool *)arg = false;
	conc_rcu_leave(reader);
	return NULL;
}

START_TEST(a_grace_period_waits_for_its_readers_whatever_signals_come)
{
	static _Atomic bool reading;
	pthread_t reader;

	begin_storm();
	expose();
	ck_assert_int_eq(pthread_create(&reader, NULL, read_for_a_while,
					(void *)&reading),
			 0);
	while (!reading)
		usleep(100);
	patience = INT32_MAX; /* it asks, and goes on */
	ck_assert_int_eq(conc_reclaim(&impatient), 0);
	ck_assert(!reading);
	pthread_join(reader, NULL);
	take_shelter();
	end_storm();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		deadlines_hold,
		what_interrupted_answers_ends_the_wait,
		a_queue_loses_no_item_and_no_wake,
		a_lock_free_queue_loses_no_item_and_no_wake,
		a_bounded_queue_loses_no_item_and_no_wake,
		a_bounded_queue_loses_no_room_and_no_wake,
		a_gatherer_loses_no_value_and_no_wake,
		a_wait_for_a_lock_is_not_interrupted,
		a_grace_period_waits_for_its_readers_whatever_signals_come,
	};

	return run_tests("signals", tests, COUNT_OF(tests),
			 60 + crowd_seconds());
}
