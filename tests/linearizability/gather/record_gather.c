/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Operations on a few places of a gathering, some of which share a bucket. */
#include <config.h>

#include "linearizability/recorder.h"

#define KEYS_MOST 3

static struct {
	conc_gather *gather;
	enum conc_lifetime values;
	unsigned keys;
} run;

/* Keys are recorded by number; the last one waits where the first one does. */
static int64_t key_of(unsigned k)
{
	return k == KEYS_MOST - 1 ? 16 : (int64_t)k;
}

static void step_insert(struct worker *worker, unsigned k)
{
	struct operation *operation = announce(worker, "insert");
	struct conc_value value = run.values == CONC_VALUE_INT64
					  ? number(new_number(worker))
					  : new_pointer(worker, run.values);

	argument(operation, number(k));
	argument(operation, token_of(run.values, &value));
	call(operation);
	returned(operation,
		 conc_gather_insert(run.gather, key_of(k), &value));
	if (operation->answer != 0)
		drop(worker->history, run.values, &value);
}

static void step_take(struct worker *worker, unsigned k, int64_t deadline)
{
	bool clear = chance(worker, 2);
	struct operation *operation = announce(worker, clear ? "take" : "read");
	struct conc_value value;

	argument(operation, number(k));
	call(operation);
	returned(operation, conc_gather_take(run.gather, key_of(k), clear,
					     &value, deadline, NULL));
	if (operation->answer != 0)
		return;
	result(operation, token_of(run.values, &value));
	drop(worker->history, run.values, &value);
}

static void step_fail(struct worker *worker)
{
	struct operation *operation = announce(worker, "fail");

	call(operation);
	conc_gather_fail(run.gather);
	returned(operation, 0);
}

static void step_has_failed(struct worker *worker)
{
	struct operation *operation = announce(worker, "has_failed");
	bool failed;

	call(operation);
	failed = conc_gather_has_failed(run.gather);
	returned(operation, 0);
	result(operation, number(failed));
}

static void step_clear(struct worker *worker)
{
	struct operation *operation = announce(worker, "clear");

	call(operation);
	conc_gather_clear(run.gather);
	returned(operation, 0);
}

static void step(struct worker *worker)
{
	unsigned k = (unsigned)draw(worker, run.keys);

	switch (draw(worker, 32)) {
	case 0:
		step_fail(worker);
		break;
	case 1:
		step_has_failed(worker);
		break;
	case 2:
		step_clear(worker);
		break;
	case 3: case 4: case 5: case 6: case 7: case 8: case 9: case 10:
	case 11: case 12: case 13: case 14:
		step_insert(worker, k);
		break;
	case 15: case 16: case 17: case 18: case 19: case 20:
		step_take(worker, k, short_deadline(worker));
		break;
	default:
		step_take(worker, k, CONC_TRY);
	}
}

static void set_up(struct history *history)
{
	struct worker *worker = main_worker(history);
	struct conc_value_ops value_ops = object_ops;
	struct conc_gather_attr attr = {.size = sizeof(attr),
					.scaling = 1,
					.value_ops = &value_ops};

	run.values = (enum conc_lifetime)draw(worker, 4);
	run.keys = 1 + (unsigned)draw(worker, KEYS_MOST);
	attr.values = run.values;
	value_ops.user = history;
	expect(history, conc_gather_new(&attr, &run.gather) == 0);
	snprintf(history->settings, sizeof(history->settings),
		 " keys=%u values=%s", run.keys, lifetime_names[run.values]);
}

static void finish(struct history *history)
{
	for (unsigned k = 0; k < run.keys; k++)
		step_take(main_worker(history), k, CONC_TRY);
	conc_gather_free(run.gather);
}

const struct subject gather_subject = {"gather", set_up, step, finish};
