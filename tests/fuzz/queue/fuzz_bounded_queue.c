/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* conc_bounded_queue against an array, a limit and a number of tasks. */
#include <config.h>

#include "queue_model.h"

const char *const fuzz_name = "bounded_queue";

struct model {
	conc_bounded_queue *queue;
	struct fifo fifo;
	uint64_t unfinished;
	int64_t capacity;
	bool closed;
	bool drain_asks; /* drain calls back */
};

static bool is_full(const struct model *m)
{
	return m->capacity > 0 && queued(&m->fifo) >= (uint64_t)m->capacity;
}

static void drain(void *item, void *user)
{
	struct model *m = user;
	void *other;

	must(sleeps == 0);
	expect_item(&m->fifo, item);
	if (m->unfinished > 0)
		m->unfinished--;
	if (!m->drain_asks)
		return;
	must(conc_bounded_queue_unfinished(m->queue) == m->unfinished);
	must(conc_bounded_queue_size(m->queue) == queued(&m->fifo));
	must(conc_bounded_queue_try_push(m->queue, items) == -EPIPE);
	if (queued(&m->fifo) > 0) {
		must(conc_bounded_queue_try_pop(m->queue, &other) == 0);
		expect_item(&m->fifo, other);
	}
}

/* By try_push, or by push with a deadline. */
static int push_one(struct model *m, int64_t deadline, bool whole)
{
	void *item = &items[m->fifo.pushed];

	return whole ? conc_bounded_queue_push(m->queue, item, deadline, NULL)
		     : conc_bounded_queue_try_push(m->queue, item);
}

static void push(struct model *m, struct input *in)
{
	bool whole = take_bool(in);
	int64_t deadline = whole ? take_deadline(in) : CONC_TRY;
	unsigned count = take_count(in);

	for (; count > 0 && m->fifo.pushed < ITEMS; count--) {
		int rc = push_one(m, deadline, whole);

		must(sleeps == 0);
		if (m->closed || is_full(m)) {
			must(rc == (m->closed ? -EPIPE : in_vain(deadline)));
			return;
		}
		if (rc == -ENOMEM && in->armed)
			return;
		must(rc == 0);
		m->fifo.pushed++;
		m->unfinished++;
	}
}

/* Whether there was one. */
static bool pop_one(struct model *m, int64_t deadline, bool whole)
{
	void *item = m;
	bool any = queued(&m->fifo) > 0;
	int rc = whole ? conc_bounded_queue_pop(m->queue, &item, deadline, NULL)
		       : conc_bounded_queue_try_pop(m->queue, &item);

	must(sleeps == 0);
	if (any) {
		must(rc == 0);
		expect_item(&m->fifo, item);
	} else {
		must(rc == (m->closed ? -EPIPE : in_vain(deadline)));
		must(item == m);
	}
	return any;
}

static void pop(struct model *m, struct input *in)
{
	bool whole = take_bool(in);
	int64_t deadline = whole ? take_deadline(in) : CONC_TRY;
	unsigned count = take_count(in);

	while (count > 0 && pop_one(m, deadline, whole))
		count--;
}

static void wait_for_any(struct model *m, struct input *in)
{
	int64_t deadline = take_deadline(in);
	bool worth = m->closed || queued(&m->fifo) > 0;

	must(conc_bounded_queue_wait_item(m->queue, deadline, NULL) ==
	     (worth ? 0 : in_vain(deadline)));
	worth = m->closed || !is_full(m);
	must(conc_bounded_queue_wait_room(m->queue, deadline, NULL) ==
	     (worth ? 0 : in_vain(deadline)));
	must(sleeps == 0);
	conc_bounded_queue_pass(m->queue);
}

static void report_done(struct model *m)
{
	must(conc_bounded_queue_task_done(m->queue) ==
	     (m->unfinished > 0 ? 0 : -ERANGE));
	if (m->unfinished > 0)
		m->unfinished--;
}

static void join(struct model *m, struct input *in)
{
	int64_t deadline = take_deadline(in);

	must(conc_bounded_queue_join(m->queue, deadline, NULL) ==
	     (m->unfinished == 0 ? 0 : in_vain(deadline)));
	must(sleeps == 0);
}

static void set_capacity(struct model *m, struct input *in)
{
	unsigned small = take_byte(in);

	m->capacity = small < 128 ? (int64_t)small - 2 : take_number(in);
	conc_bounded_queue_set_capacity(m->queue, m->capacity);
}

static void close_queue(struct model *m, struct input *in)
{
	bool immediate = take_bool(in);

	m->closed = true;
	conc_bounded_queue_close(m->queue, immediate);
	if (immediate)
		must(queued(&m->fifo) == 0);
}

static void check(struct model *m)
{
	const char *next = &items[m->fifo.popped];

	must(conc_bounded_queue_size(m->queue) == queued(&m->fifo));
	must(conc_bounded_queue_empty(m->queue) == (queued(&m->fifo) == 0));
	must(conc_bounded_queue_full(m->queue) == is_full(m));
	must(conc_bounded_queue_is_closed(m->queue) == m->closed);
	must(conc_bounded_queue_capacity(m->queue) == m->capacity);
	must(conc_bounded_queue_unfinished(m->queue) == m->unfinished);
	must(conc_bounded_queue_traverse(m->queue, visit_item, &next) == 0);
	must(next == &items[m->fifo.pushed]);
}

static void refuse(struct model *m)
{
	void *item;

	must(conc_bounded_queue_push(m->queue, NULL, CONC_TRY, NULL) ==
	     -EINVAL);
	must(conc_bounded_queue_push(m->queue, items, -2, NULL) == -EINVAL);
	must(conc_bounded_queue_try_push(NULL, items) == -EINVAL);
	must(conc_bounded_queue_pop(m->queue, &item, -2, NULL) == -EINVAL);
	must(conc_bounded_queue_pop(NULL, &item, CONC_TRY, NULL) == -EINVAL);
	must(conc_bounded_queue_try_pop(m->queue, NULL) == -EINVAL);
	must(conc_bounded_queue_join(m->queue, -2, NULL) == -EINVAL);
	must(conc_bounded_queue_wait_room(m->queue, -2, NULL) == -EINVAL);
	must(conc_bounded_queue_wait_item(m->queue, -2, NULL) == -EINVAL);
	must(conc_bounded_queue_push(m->queue, items, 1, NULL) == -EINVAL);
	must(conc_bounded_queue_pop(m->queue, &item, 1, NULL) == -EINVAL);
	must(conc_bounded_queue_join(m->queue, 1, NULL) == -EINVAL);
	must(conc_bounded_queue_wait_item(NULL, 1, NULL) == -EINVAL);
	must(conc_bounded_queue_task_done(NULL) == -EINVAL);
	must(conc_bounded_queue_traverse(NULL, visit_item, NULL) == -EINVAL);
}

/* With a fired token nothing is pushed or taken, whatever there is. */
static void cancel(struct model *m)
{
	const int64_t deadlines[] = {CONC_TRY, CONC_FOREVER, conc_now()};
	conc_cancel *fired = fired_token();
	void *item = m;

	for (size_t i = 0; i < COUNT_OF(deadlines); i++) {
		must(conc_bounded_queue_push(m->queue, items, deadlines[i],
					     fired) == -ECANCELED);
		must(conc_bounded_queue_pop(m->queue, &item, deadlines[i],
					    fired) == -ECANCELED);
		must(conc_bounded_queue_wait_room(m->queue, deadlines[i],
						  fired) == -ECANCELED);
		must(conc_bounded_queue_wait_item(m->queue, deadlines[i],
						  fired) == -ECANCELED);
		must(conc_bounded_queue_join(m->queue, deadlines[i], fired) ==
		     -ECANCELED);
	}
	must(item == m && sleeps == 0);
	conc_cancel_free(fired);
}

static void operate(struct model *m, struct input *in)
{
	unsigned operation = take_byte(in);

	if (operation & 0x40)
		fail_allocations_after(in, operation >> 7);
	switch (operation % 16) {
	default:
		push(m, in);
		break;
	case 5:
	case 6:
	case 7:
		pop(m, in);
		break;
	case 8:
		wait_for_any(m, in);
		break;
	case 9:
	case 10:
		report_done(m);
		break;
	case 11:
		join(m, in);
		break;
	case 12:
		set_capacity(m, in);
		break;
	case 13:
		if (take_byte(in) < 32)
			close_queue(m, in);
		break;
	case 14:
		check(m);
		break;
	case 15:
		refuse(m);
		cancel(m);
		check(m);
		conc_reclaim(NULL);
		break;
	}
	stop_failing(in);
}

static int make(struct model *m, struct input *in)
{
	unsigned how = take_byte(in);
	struct conc_bounded_queue_attr attr = {
		.size = sizeof(attr),
		.drain = drain,
		.user = m,
		.wait = &wait_hooks,
	};
	int rc;

	m->drain_asks = how & 1;
	m->capacity = attr.capacity = take_below(in, 64);
	if (how & 2)
		attr.wait = NULL;
	if (how & 4)
		fail_allocations_after(in, (how >> 3) % 3);
	rc = conc_bounded_queue_new(&attr, &m->queue);
	must(rc == (in->armed ? -ENOMEM : 0));
	stop_failing(in);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = input_of(data, size);
	struct model m = {0};

	empty_segment_pool();
	if (make(&m, &in) != 0)
		return 0;
	while (input_left(&in))
		operate(&m, &in);
	check(&m);
	m.drain_asks = false;
	conc_bounded_queue_free(m.queue);
	must(queued(&m.fifo) == 0);
	return 0;
}
