/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* conc_queue against an array. */
#include <config.h>

#include "input.h"

const char *const fuzz_name = "queue";

/* Many more than a segment has cells. */
#define ITEMS 8192

/* Items are addresses in here: the number of the push that put them in. */
static char items[ITEMS];

struct model {
	conc_queue *queue;
	size_t pushed, popped; /* items[popped..pushed) are queued */
	bool closed, failed;
	bool drain_pops; /* drain calls back */
	size_t drained;
	int sleeps; /* begun, not ended */
	int answer; /* of the `interrupted' hook */
};

/* Gives out an item, in the model. */
static void expect_item(struct model *m, const void *item)
{
	must(m->popped < m->pushed);
	must(item == &items[m->popped]);
	m->popped++;
}

static int empty_answer(const struct model *m)
{
	return m->closed ? -EPIPE : m->failed ? -ENOTRECOVERABLE : -EAGAIN;
}

static void try_pop(struct model *m)
{
	void *item = m;
	bool any = m->popped < m->pushed;
	int rc = conc_queue_try_pop(m->queue, &item);

	must(rc == (any ? 0 : empty_answer(m)));
	if (any)
		expect_item(m, item);
	else
		must(item == m);
}

static void drain(void *user, void *item)
{
	struct model *m = user;

	must(m->sleeps == 0);
	expect_item(m, item);
	m->drained++;
	if (m->drain_pops) {
		must(conc_queue_push(m->queue, items) == -EPIPE);
		try_pop(m);
	}
}

static void *wait_begin(void *user)
{
	((struct model *)user)->sleeps++;
	return user;
}

static void wait_end(void *user, void *token)
{
	must(token == user);
	((struct model *)user)->sleeps--;
}

static int interrupted(void *user)
{
	return ((struct model *)user)->answer;
}

static void push(struct model *m, struct input *in)
{
	size_t count = take_byte(in);

	/* Some pushes are many, to fill segments. */
	count = count < 200 ? 1 : count * 5;
	for (; count > 0 && m->pushed < ITEMS; count--) {
		int rc = conc_queue_push(m->queue, &items[m->pushed]);

		if (m->closed) {
			must(rc == -EPIPE);
			return;
		}
		if (rc == -ENOMEM && in->armed)
			return;
		must(rc == 0);
		m->pushed++;
	}
}

static void pop(struct model *m, struct input *in)
{
	int64_t deadline = take_deadline(in);
	bool any = m->popped < m->pushed;
	void *item = m;
	int rc = conc_queue_pop(m->queue, deadline, &item);

	must(m->sleeps == 0);
	if (any) {
		must(rc == 0);
		expect_item(m, item);
		return;
	}
	must(item == m);
	if (m->closed || m->failed)
		must(rc == empty_answer(m));
	else
		must(rc == in_vain(deadline) || (m->answer != 0 && rc == m->answer));
}

static void wait_for_item(struct model *m, struct input *in)
{
	int64_t deadline = take_deadline(in);
	bool worth = m->popped < m->pushed || m->closed || m->failed;
	int rc = conc_queue_wait(m->queue, deadline);

	must(m->sleeps == 0);
	if (worth)
		must(rc == 0);
	else
		must(rc == in_vain(deadline) || (m->answer != 0 && rc == m->answer));
}

static int visit(void *item, void *arg)
{
	const char **next = arg;

	must(item == *next);
	++*next;
	return *next == &items[77] ? 5 : 0;
}

static void check(struct model *m)
{
	const char *next = &items[m->popped];
	/* The visitor ends the tour at a certain item. */
	bool ends = m->popped < 77 && m->pushed >= 77;

	must(conc_queue_size(m->queue) == m->pushed - m->popped);
	must(conc_queue_empty(m->queue) == (m->pushed == m->popped));
	must(conc_queue_is_closed(m->queue) == m->closed);
	must(conc_queue_traverse(m->queue, visit, &next) == (ends ? 5 : 0));
	must(next == (ends ? &items[77] : &items[m->pushed]));
}

static void close_queue(struct model *m, struct input *in)
{
	bool immediate = take_bool(in);

	m->closed = true;
	conc_queue_close(m->queue, immediate);
	if (immediate)
		must(m->popped == m->pushed);
}

static void refuse(struct model *m)
{
	void *item;

	must(conc_queue_push(m->queue, NULL) == -EINVAL);
	must(conc_queue_push(NULL, items) == -EINVAL);
	must(conc_queue_try_pop(m->queue, NULL) == -EINVAL);
	must(conc_queue_pop(m->queue, -2, &item) == -EINVAL);
	must(conc_queue_pop(m->queue, CONC_TRY, NULL) == -EINVAL);
	must(conc_queue_wait(m->queue, -2) == -EINVAL);
	must(conc_queue_traverse(m->queue, NULL, NULL) == -EINVAL);
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
	case 9: /* nearly all of them */
		for (unsigned count = take_byte(in) * 5;
		     count > 0 && m->popped < m->pushed; count--)
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
		conc_reclaim(NULL);
		break;
	}
	stop_failing(in);
}

static int make(struct model *m, struct input *in)
{
	unsigned how = take_byte(in);
	struct conc_queue_attr attr = {
		.size = sizeof(attr),
		.lock_free = how & 1,
		.drain = drain,
		.user = m,
		.wait = {wait_begin, wait_end, interrupted, m},
	};
	int rc;

	m->drain_pops = how & 2;
	m->answer = how & 4 ? -1234 : 0;
	if (how & 8)
		fail_allocations_after(in, how >> 4 & 1);
	if (how & 32)
		memset(&attr.wait, 0, sizeof(attr.wait));
	rc = conc_queue_new(&attr, &m->queue);
	must(rc == (in->armed ? -ENOMEM : 0));
	stop_failing(in);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = input_of(data, size);
	struct model m = {0};

	if (make(&m, &in) != 0)
		return 0;
	while (input_left(&in))
		operate(&m, &in);
	check(&m);
	m.closed = true;
	m.drained = 0;
	size = m.pushed - m.popped;
	conc_queue_free(m.queue);
	must(m.popped == m.pushed && (m.drain_pops || m.drained == size));
	conc_reclaim(NULL);
	return 0;
}
