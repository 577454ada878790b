/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Operations on a queue with a small capacity that changes, and its tasks. */
#include <config.h>

#include <string.h>

#include "linearizability/recorder.h"

static conc_bounded_queue *queue;
/*
 * Histories in which tasks are reported that nobody has, to see it refused,
 * have no end: a push that the end refuses is a task for a moment.
 */
static bool too_often;
/* What each worker has popped and not yet reported. */
static unsigned tasks[1 + WORKERS_MOST];

static void step_push(struct worker *worker, int64_t deadline)
{
	struct operation *operation = announce(worker, "push");
	int64_t n = new_number(worker);

	argument(operation, number(n));
	call(operation);
	returned(operation,
		 conc_bounded_queue_push(queue, item_of(n), deadline, NULL));
}

static void step_pop(struct worker *worker, int64_t deadline)
{
	struct operation *operation = announce(worker, "pop");
	void *item;

	call(operation);
	returned(operation,
		 conc_bounded_queue_pop(queue, &item, deadline, NULL));
	if (operation->answer != 0)
		return;
	result(operation, token_of_item(item));
	tasks[worker->who]++;
}

static void step_task_done(struct worker *worker)
{
	struct operation *operation = announce(worker, "task_done");

	if (tasks[worker->who] > 0)
		tasks[worker->who]--;
	call(operation);
	returned(operation, conc_bounded_queue_task_done(queue));
}

static void step_join(struct worker *worker, int64_t deadline)
{
	struct operation *operation = announce(worker, "join");

	call(operation);
	returned(operation, conc_bounded_queue_join(queue, deadline, NULL));
}

static void close_queue(bool immediate)
{
	conc_bounded_queue_close(queue, immediate);
}

static void step_set_capacity(struct worker *worker)
{
	struct operation *operation = announce(worker, "set_capacity");
	int64_t capacity = (int64_t)draw(worker, 4);

	argument(operation, number(capacity));
	call(operation);
	conc_bounded_queue_set_capacity(queue, capacity);
	returned(operation, 0);
}

static int64_t look(unsigned which)
{
	switch (which) {
	case 0:
		return (int64_t)conc_bounded_queue_size(queue);
	case 1:
		return conc_bounded_queue_empty(queue);
	case 2:
		return conc_bounded_queue_full(queue);
	case 3:
		return conc_bounded_queue_is_closed(queue);
	default:
		return (int64_t)conc_bounded_queue_unfinished(queue);
	}
}

static void step_look(struct worker *worker)
{
	static const char *const names[] = {"size", "empty", "full",
					    "is_closed", "unfinished"};
	unsigned which = (unsigned)draw(worker, COUNT_OF(names));
	struct operation *operation = announce(worker, names[which]);
	int64_t answer;

	call(operation);
	answer = look(which);
	returned(operation, 0);
	result(operation, number(answer));
}

static int64_t some_deadline(struct worker *worker)
{
	return chance(worker, 4) ? short_deadline(worker) : CONC_TRY;
}

static void step(struct worker *worker)
{
	switch (draw(worker, 32)) {
	case 0: case 1: case 2: case 3: case 4: case 5: case 6: case 7:
	case 8: case 9: case 10:
		step_push(worker, some_deadline(worker));
		break;
	case 11:
		if (!too_often)
			record_close(worker, close_queue, chance(worker, 2));
		break;
	case 12:
		step_set_capacity(worker);
		break;
	case 13: case 14: case 15:
		if (too_often || tasks[worker->who] > 0)
			step_task_done(worker);
		break;
	case 16:
		step_join(worker, some_deadline(worker));
		break;
	case 17: case 18: case 19: case 20:
		step_look(worker);
		break;
	default:
		step_pop(worker, some_deadline(worker));
	}
}

static void set_up(struct history *history)
{
	struct worker *worker = main_worker(history);
	struct conc_bounded_queue_attr attr = {
		.size = sizeof(attr),
		.capacity = (int64_t)draw(worker, 4),
		.drain = record_drained};
	void *item;

	too_often = chance(worker, 3);
	memset(tasks, 0, sizeof(tasks));
	expect(history, conc_bounded_queue_new(&attr, &queue) == 0);
	snprintf(history->settings, sizeof(history->settings), " capacity=%d",
		 (int)attr.capacity);
	/* The first segment has 40 cells. */
	for (uint64_t used = chance(worker, 2) ? draw(worker, 40) : 0; used > 0;
	     used--) {
		expect(history, conc_bounded_queue_push(queue, item_of(1),
							CONC_TRY, NULL) == 0);
		expect(history, conc_bounded_queue_pop(queue, &item, CONC_TRY,
						       NULL) == 0);
		expect(history, conc_bounded_queue_task_done(queue) == 0);
	}
	for (uint64_t items = draw(worker, 3); items > 0; items--)
		step_push(worker, CONC_TRY);
}

static void finish(struct history *history)
{
	struct worker *worker = main_worker(history);

	record_close(worker, close_queue, false);
	do
		step_pop(worker, CONC_TRY);
	while (worker->operations[worker->count - 1].answer == 0);
	do
		step_task_done(worker);
	while (worker->operations[worker->count - 1].answer == 0);
	conc_bounded_queue_free(queue);
}

const struct subject bounded_queue_subject = {"bounded_queue", set_up, step,
					      finish};
