/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* conc_queue against an array. */
#include <config.h>

#include "queue_model.h"

const char *const fuzz_name = "queue";

struct model {
	conc_queue *queue;
	struct fifo fifo;
	bool closed, failed;
	bool drain_pops; /* drain calls back */
	size_t drained;
};

static int empty_answer(const struct model *m)
{
	return m->closed ? -EPIPE : m->failed ? -ENOTRECOVERABLE : -EAGAIN;
}

static void try_pop(struct model *m)
{
	void *item = m;
	bool any = queued(&m->fifo) > 0;
	int rc = conc_queue_try_pop(m->queue, &item);

	must(rc == (any ? 0 : empty_answer(m)));
	if (any)
		expect_item(&m->fifo, item);
	else
		must(item == m);
}

static void drain(void *item, void *user)
{
	struct model *m = user;

	must(sleeps == 0);
	expect_item(&m->fifo, item);
	m->drained++;
	if (m->drain_pops) {
		must(conc_queue_push(m->queue, items) == -EPIPE);
		try_pop(m);
	}
}

/* What the `interrupted' hook answers. */
static int answer;

static int interrupted(void *user)
{
	must(user == &sleeps);
	return answer;
}

static void push(struct model *m, struct input *in)
{
	unsigned count = take_count(in);

	for (; count > 0 && m->fifo.pushed < ITEMS; count--) {
		int rc = conc_queue_push(m->queue, &items[m->fifo.pushed]);

		if (m->closed) {
			must(rc == -EPIPE);
			return;
		}
		if (rc == -ENOMEM && in->armed)
			return;
		must(rc == 0);
		m->fifo.pushed++;
	}
}

static void pop(struct model *m, struct input *in)
{
	int64_t deadline = take_deadline(in);
	bool any = queued(&m->fifo) > 0;
	void *item = m;
	int rc = conc_queue_pop(m->queue, &item, deadline, NULL);

	must(sleeps == 0);
	if (any) {
		must(rc == 0);
		expect_item(&m->fifo, item);
		return;
	}
	must(item == m);
	if (m->closed || m->failed)
		must(rc == empty_answer(m));
	else
		must(rc == in_vain(deadline) || (answer != 0 && rc == answer));
}

static void wait_for_item(struct model *m, struct input *in)
{
	int64_t deadline = take_deadline(in);
	bool worth = queued(&m->fifo) > 0 || m->closed || m->failed;
	int rc = conc_queue_wait(m->queue, deadline, NULL);

	must(sleeps == 0);
	if (worth)
		must(rc == 0);
	else
		must(rc == in_vain(deadline) || (answer != 0 && rc == answer));
}

/* Ends the tour at its first item. */
static int end_at_once(void *item, void *arg)
{
	(void)item;
	(void)arg;
	return 7;
}

static void check(struct model *m)
{
	const char *next = &items[m->fifo.popped];
	bool any = queued(&m->fifo) > 0;

	must(conc_queue_size(m->queue) == queued(&m->fifo));
	must(conc_queue_empty(m->queue) == !any);
	must(conc_queue_is_closed(m->queue) == m->closed);
	must(conc_queue_traverse(m->queue, visit_item, &next) == 0);
	must(next == &items[m->fifo.pushed]);
	must(conc_queue_traverse(m->queue, end_at_once, NULL) == (any ? 7 : 0));
}

static void close_queue(struct model *m, struct input *in)
{
	bool immediate = take_bool(in);

	m->closed = true;
	conc_queue_close(m->queue, immediate);
	if (immediate)
		must(queued(&m->fifo) == 0);
}

static void refuse(struct model *m)
{
	void *item;

	must(conc_queue_push(m->queue, NULL) == -EINVAL);
	must(conc_queue_push(NULL, items) == -EINVAL);
	must(conc_queue_try_pop(m->queue, NULL) == -EINVAL);
	must(conc_queue_pop(m->queue, &item, -2, NULL) == -EINVAL);
	must(conc_queue_pop(m->queue, NULL, CONC_TRY, NULL) == -EINVAL);
	must(conc_queue_wait(m->queue, -2, NULL) == -EINVAL);
	must(conc_queue_pop(m->queue, &item, 1, NULL) == -EINVAL);
	must(conc_queue_wait(m->queue, 1, NULL) == -EINVAL);
	must(conc_queue_traverse(m->queue, NULL, NULL) == -EINVAL);
}

/* With a fired token nothing is taken, whatever there is. */
static void cancel(struct model *m)
{
	const int64_t deadlines[] = {CONC_TRY, CONC_FOREVER, conc_now()};
	conc_cancel *fired = fired_token();
	void *item = m;

	for (size_t i = 0; i < COUNT_OF(deadlines); i++) {
		must(conc_queue_pop(m->queue, &item, deadlines[i], fired) ==
		     -ECANCELED);
		must(conc_queue_wait(m->queue, deadlines[i], fired) ==
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
	case 6:
	case 7:
		try_pop(m);
		break;
	case 8:
		pop(m, in);
		break;
	case 9:
		for (unsigned count = take_count(in);
		     count > 0 && queued(&m->fifo) > 0; count--)
			try_pop(m);
		break;
	case 10:
		wait_for_item(m, in);
		break;
	case 11:
		conc_queue_pass(m->queue);
		break;
	case 12:
		check(m);
		break;
	case 13:
		if (take_byte(in) < 32)
			close_queue(m, in);
		break;
	case 14:
		if (take_byte(in) < 32) {
			m->failed = true;
			conc_queue_fail(m->queue);
		}
		break;
	case 15:
		refuse(m);
		cancel(m);
		conc_reclaim(NULL);
		break;
	}
	stop_failing(in);
}

static int make(struct model *m, struct input *in)
{
	unsigned how = take_byte(in);
	struct conc_wait_hooks hooks = wait_hooks;
	struct conc_queue_attr attr = {
		.size = sizeof(attr),
		.lock_free = how & 1,
		.drain = drain,
		.user = m,
		.wait = &hooks,
	};
	int rc;

	hooks.interrupted = interrupted;
	m->drain_pops = how & 2;
	answer = how & 4 ? -1234 : 0;
	if (how & 8)
		fail_allocations_after(in, how >> 4 & 1);
	if (how & 32)
		attr.wait = NULL;
	rc = conc_queue_new(&attr, &m->queue);
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
	m.closed = true;
	m.drained = 0;
	size = queued(&m.fifo);
	conc_queue_free(m.queue);
	must(queued(&m.fifo) == 0 && (m.drain_pops || m.drained == size));
	return 0;
}
