/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Operations on a queue that may be at the end of a segment, be closed and fail. */
#include <config.h>

#include "linearizability/recorder.h"

static conc_queue *queue;

static void step_push(struct worker *worker)
{
	struct operation *operation = announce(worker, "push");
	int64_t n = new_number(worker);

	argument(operation, number(n));
	call(operation);
	returned(operation, conc_queue_push(queue, item_of(n)));
}

static void step_pop(struct worker *worker, int64_t deadline)
{
	struct operation *operation = announce(worker, "pop");
	void *item;

	call(operation);
	returned(operation, conc_queue_pop(queue, &item, deadline, NULL));
	if (operation->answer == 0)
		result(operation, token_of_item(item));
}

static void close_queue(bool immediate)
{
	conc_queue_close(queue, immediate);
}

static void step_fail(struct worker *worker)
{
	struct operation *operation = announce(worker, "fail");

	call(operation);
	conc_queue_fail(queue);
	returned(operation, 0);
}

static void step_look(struct worker *worker)
{
	static const char *const names[] = {"size", "empty", "is_closed"};
	uint64_t which = draw(worker, COUNT_OF(names));
	struct operation *operation = announce(worker, names[which]);
	int64_t answer;

	call(operation);
	answer = which == 0   ? (int64_t)conc_queue_size(queue)
		 : which == 1 ? conc_queue_empty(queue)
			      : conc_queue_is_closed(queue);
	returned(operation, 0);
	result(operation, number(answer));
}

static void step(struct worker *worker)
{
	switch (draw(worker, 32)) {
	case 0: case 1: case 2: case 3: case 4: case 5: case 6:
	case 7: case 8: case 9: case 10: case 11: case 12:
		step_push(worker);
		break;
	case 13:
		record_close(worker, close_queue, chance(worker, 2));
		break;
	case 14:
		if (chance(worker, 2))
			step_fail(worker);
		break;
	case 15: case 16:
		step_look(worker);
		break;
	case 17: case 18: case 19: case 20:
		step_pop(worker, short_deadline(worker));
		break;
	default:
		step_pop(worker, CONC_TRY);
	}
}

/* The first segment has 40 cells, the others have 1000. */
static unsigned some_cells(struct worker *worker)
{
	static const unsigned cells[] = {0, 30, 36, 37, 38, 39, 40, 1030, 1037};

	return cells[draw(worker, COUNT_OF(cells))];
}

static void set_up(struct history *history)
{
	struct worker *worker = main_worker(history);
	struct conc_queue_attr attr = {.size = sizeof(attr),
				       .lock_free = chance(worker, 4),
				       .drain = record_drained};
	void *item;

	expect(history, conc_queue_new(&attr, &queue) == 0);
	for (unsigned used = some_cells(worker); used > 0; used--) {
		expect(history, conc_queue_push(queue, item_of(1)) == 0);
		expect(history,
		       conc_queue_pop(queue, &item, CONC_TRY, NULL) == 0);
	}
	for (uint64_t items = draw(worker, 4); items > 0; items--)
		step_push(worker);
}

static void finish(struct history *history)
{
	struct worker *worker = main_worker(history);

	record_close(worker, close_queue, false);
	do
		step_pop(worker, CONC_TRY);
	while (worker->operations[worker->count - 1].answer == 0);
	conc_queue_free(queue);
}

const struct subject queue_subject = {"queue", set_up, step, finish};
