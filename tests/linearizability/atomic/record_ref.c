/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Operations on a reference, for each lifetime of values. */
#include <config.h>

#include <string.h>

#include "linearizability/recorder.h"

static struct {
	conc_ref *ref;
	enum conc_lifetime values;
	/* What each worker saw last, with a reference, to expect it. */
	struct conc_value seen[1 + WORKERS_MOST];
} run;

static struct conc_value token(struct conc_value value)
{
	return token_of(run.values, &value);
}

static struct conc_value some_value(struct worker *worker)
{
	if (chance(worker, 6))
		return absent;
	if (run.values == CONC_VALUE_INT64 ||
	    (run.values != CONC_VALUE_BORROWED && chance(worker, 4)))
		return number(new_number(worker));
	return new_pointer(worker, run.values);
}

static void keep(struct worker *worker, struct conc_value value)
{
	drop(worker->history, run.values, &run.seen[worker->who]);
	run.seen[worker->who] = value;
}

static void step_get(struct worker *worker)
{
	struct operation *operation = announce(worker, "get");
	struct conc_value value;

	call(operation);
	returned(operation, conc_ref_get(run.ref, &value));
	result(operation, token(value));
	keep(worker, value);
}

static void step_set(struct worker *worker)
{
	struct operation *operation = announce(worker, "set");
	struct conc_value value = some_value(worker);

	argument(operation, token(value));
	call(operation);
	returned(operation, conc_ref_set(run.ref, &value));
}

static void step_exchange(struct worker *worker)
{
	struct operation *operation = announce(worker, "exchange");
	struct conc_value old, value = some_value(worker);

	argument(operation, token(value));
	call(operation);
	returned(operation, conc_ref_exchange(run.ref, &value, &old));
	result(operation, token(old));
	keep(worker, old);
}

static void step_compare_exchange(struct worker *worker)
{
	struct operation *operation = announce(worker, "compare_exchange");
	struct conc_value expected = run.seen[worker->who];
	struct conc_value desired = some_value(worker), present;
	bool shown = chance(worker, 2);

	argument(operation, token(expected));
	argument(operation, token(desired));
	call(operation);
	returned(operation,
		 conc_ref_compare_exchange(run.ref, &expected, &desired,
					   shown ? &present : NULL));
	if (operation->answer != 0)
		drop(worker->history, run.values, &desired);
	if (shown && operation->answer == 0)
		expect(worker->history, present.kind == CONC_ABSENT);
	if (shown && operation->answer == -EAGAIN) {
		result(operation, token(present));
		keep(worker, present);
	}
}

static void step_clear(struct worker *worker)
{
	struct operation *operation = announce(worker, "set");

	argument(operation, absent);
	call(operation);
	conc_ref_clear(run.ref);
	returned(operation, 0);
}

static void step(struct worker *worker)
{
	switch (draw(worker, 16)) {
	case 0: case 1: case 2: case 3: case 4: case 5:
		step_get(worker);
		break;
	case 6: case 7: case 8:
		step_set(worker);
		break;
	case 9: case 10: case 11:
		step_exchange(worker);
		break;
	case 12:
		step_clear(worker);
		break;
	default:
		step_compare_exchange(worker);
	}
}

static void set_up(struct history *history)
{
	struct conc_value_ops value_ops = object_ops;
	struct conc_ref_attr attr = {.size = sizeof(attr),
				     .value_ops = &value_ops};

	memset(&run, 0, sizeof(run));
	run.values = (enum conc_lifetime)draw(main_worker(history), 4);
	attr.values = run.values;
	value_ops.user = history;
	expect(history, conc_ref_new(&attr, &run.ref) == 0);
	snprintf(history->settings, sizeof(history->settings), " values=%s",
		 lifetime_names[run.values]);
}

static void finish(struct history *history)
{
	step_get(main_worker(history));
	for (unsigned who = 0; who <= WORKERS_MOST; who++)
		keep(&history->workers[who], absent);
	conc_ref_free(run.ref);
}

const struct subject ref_subject = {"ref", set_up, step, finish};
