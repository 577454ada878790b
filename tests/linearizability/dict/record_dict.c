/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Operations on a few keys of a dict, of each kind of keys and of values.
 *
 * Beside these keys there are fillers that come and go unrecorded, so that
 * tables are rebuilt, shrunk and full of tombstones while it is going on.
 */
#include <config.h>

#include <string.h>

#include "linearizability/recorder.h"

#define KEYS_MOST 4
#define FILLERS_MOST 48
#define NAMES (KEYS_MOST + FILLERS_MOST)

/* A general key; each worker has its own, so they are equal and not the same. */
struct key {
	int id;
	bool asks; /* only full_eq can tell */
	_Atomic int references;
};

static struct {
	conc_dict *dict;
	enum conc_key_kind kind;
	enum conc_lifetime values;
	unsigned keys, fillers;
	uint64_t steps; /* a bit for each kind that this history has */
	struct key general[1 + WORKERS_MOST][NAMES];
	/* What each worker saw last, with a reference, to expect it. */
	struct {
		unsigned key;
		struct conc_value value;
	} seen[1 + WORKERS_MOST];
} run;

/* --- general keys --------------------------------------------------------- */

static int hash_key(const void *key, uint64_t *hash, void *user)
{
	(void)user;
	/* Two keys have one hash. */
	*hash = (uint64_t)((const struct key *)key)->id / 2;
	return 0;
}

static enum conc_equal glance_at_keys(const void *probe, const void *stored,
				      void *user)
{
	const struct key *p = probe, *s = stored;

	(void)user;
	if (p->asks)
		return CONC_ASK;
	return p->id == s->id ? CONC_EQUAL : CONC_DIFFERENT;
}

static int compare_keys(const void *probe, const void *stored, void *user)
{
	expect(user, ((const struct key *)stored)->references > 0);
	return ((const struct key *)probe)->id ==
	       ((const struct key *)stored)->id;
}

static void retain_key(const void *key, void *user)
{
	(void)user;
	atomic_fetch_add(&((struct key *)key)->references, 1);
}

static void release_key(const void *key, void *user)
{
	if (atomic_fetch_sub(&((struct key *)key)->references, 1) <= 0)
		complain(user, "a key was released twice");
}

/* --- the same operations for all kinds of keys ---------------------------- */

struct probe {
	const void *key;
	size_t len;
};

/* For the functions that take no int64; they do not look at it afterwards. */
static struct probe probe(unsigned k)
{
	static _Thread_local char bytes[3];

	if (run.kind == CONC_KEY_GENERAL)
		return (struct probe){&run.general[this_worker->who][k], 0};
	memset(bytes, 'A' + (int)k, sizeof(bytes));
	return (struct probe){bytes, 1 + k % sizeof(bytes)};
}

static bool int_keys(void)
{
	return run.kind == CONC_KEY_INT64;
}

static int get(unsigned k, struct conc_value *value)
{
	struct probe p = probe(k);

	return int_keys() ? conc_dict_int_get(run.dict, k, value)
			  : conc_dict_get(run.dict, p.key, p.len, value);
}

static int set(unsigned k, const struct conc_value *value)
{
	struct probe p = probe(k);

	return int_keys() ? conc_dict_int_set(run.dict, k, value)
			  : conc_dict_set(run.dict, p.key, p.len, value);
}

static int exchange(unsigned k, const struct conc_value *value,
		    struct conc_value *old)
{
	struct probe p = probe(k);

	return int_keys()
		       ? conc_dict_int_exchange(run.dict, k, value, old)
		       : conc_dict_exchange(run.dict, p.key, p.len, value, old);
}

static int insert(unsigned k, const struct conc_value *value,
		  struct conc_value *present)
{
	struct probe p = probe(k);

	return int_keys()
		       ? conc_dict_int_insert(run.dict, k, value, present)
		       : conc_dict_insert(run.dict, p.key, p.len, value,
					  present);
}

static int delete(unsigned k)
{
	struct probe p = probe(k);

	return int_keys() ? conc_dict_int_delete(run.dict, k)
			  : conc_dict_delete(run.dict, p.key, p.len);
}

static int take(unsigned k, struct conc_value *value)
{
	struct probe p = probe(k);

	return int_keys() ? conc_dict_int_take(run.dict, k, value)
			  : conc_dict_take(run.dict, p.key, p.len, value);
}

static int take_pointer(unsigned k, void **pointer)
{
	struct probe p = probe(k);

	return int_keys()
		       ? conc_dict_int_take_pointer(run.dict, k, pointer)
		       : conc_dict_take_pointer(run.dict, p.key, p.len, pointer);
}

static int compare_exchange(unsigned k, const struct conc_value *expected,
			    const struct conc_value *desired,
			    struct conc_value *present)
{
	struct probe p = probe(k);

	return int_keys()
		       ? conc_dict_int_compare_exchange(run.dict, k, expected,
							desired, present)
		       : conc_dict_compare_exchange(run.dict, p.key, p.len,
						    expected, desired, present);
}

static int update(unsigned k,
		  int (*change)(const struct conc_value *old,
				struct conc_value *desired, void *arg),
		  void *arg)
{
	struct probe p = probe(k);

	return int_keys() ? conc_dict_int_update(run.dict, k, change, arg)
			  : conc_dict_update(run.dict, p.key, p.len, change,
					     arg);
}

static int add(unsigned k, int64_t n, int64_t *sum)
{
	struct probe p = probe(k);

	return int_keys() ? conc_dict_int_add(run.dict, k, n, sum)
			  : conc_dict_add(run.dict, p.key, p.len, n, sum);
}

/* --- values --------------------------------------------------------------- */

static struct conc_value token(struct conc_value value)
{
	return token_of(run.values, &value);
}

/* Near the limits of what is added to in place, and of the range. */
static int64_t some_number(struct worker *worker)
{
	const int64_t count_limit = INT64_C(1) << 59;

	switch (draw(worker, run.values == CONC_VALUE_INT64 ? 6 : 5)) {
	case 0:
		return count_limit - 2;
	case 1:
		return -count_limit;
	case 5: /* no count: a wide number */
		return chance(worker, 2) ? 2 * count_limit - 2 : count_limit;
	default:
		return new_number(worker);
	}
}

static struct conc_value some_value(struct worker *worker)
{
	if (run.values == CONC_VALUE_INT64 ||
	    (run.values != CONC_VALUE_BORROWED && chance(worker, 2)))
		return number(some_number(worker));
	return new_pointer(worker, run.values);
}

/* A reference that came out: kept, to be expected later. */
static void keep(struct worker *worker, unsigned k, struct conc_value value)
{
	drop(worker->history, run.values, &run.seen[worker->who].value);
	run.seen[worker->who].key = k;
	run.seen[worker->who].value = value;
}

/* --- one operation, recorded ---------------------------------------------- */

static struct operation *on_key(struct worker *worker, const char *name,
				unsigned k)
{
	struct operation *operation = announce(worker, name);

	argument(operation, number(k));
	return operation;
}

static void step_get(struct worker *worker, unsigned k)
{
	struct operation *operation = on_key(worker, "get", k);
	struct conc_value value;

	call(operation);
	returned(operation, get(k, &value));
	result(operation, token(value));
	keep(worker, k, value);
}

static void step_set(struct worker *worker, unsigned k)
{
	bool wants_old = chance(worker, 2);
	struct operation *operation = on_key(
		worker, wants_old ? "exchange" : "set", k);
	struct conc_value old, value = some_value(worker);

	argument(operation, token(value));
	call(operation);
	returned(operation,
		 wants_old ? exchange(k, &value, &old) : set(k, &value));
	if (wants_old) {
		result(operation, token(old));
		keep(worker, k, old);
	}
}

static void step_insert(struct worker *worker, unsigned k)
{
	struct operation *operation = on_key(worker, "insert", k);
	struct conc_value present, value = some_value(worker);
	bool shown = chance(worker, 2);

	argument(operation, token(value));
	call(operation);
	returned(operation, insert(k, &value, shown ? &present : NULL));
	if (operation->answer != 0)
		drop(worker->history, run.values, &value);
	if (shown && operation->answer == 0)
		expect(worker->history, present.kind == CONC_ABSENT);
	if (shown && operation->answer == -EEXIST) {
		result(operation, token(present));
		keep(worker, k, present);
	}
}

static void step_delete(struct worker *worker, unsigned k)
{
	bool wants_old = chance(worker, 2);
	struct operation *operation = on_key(
		worker, wants_old ? "pop" : "delete", k);
	struct conc_value old;

	call(operation);
	returned(operation, wants_old ? take(k, &old) : delete(k));
	if (wants_old) {
		result(operation, token(old));
		keep(worker, k, old);
	}
}

static void step_take_pointer(struct worker *worker, unsigned k)
{
	struct operation *operation = on_key(worker, "take_pointer", k);
	struct conc_value value = {.kind = CONC_POINTER};

	call(operation);
	returned(operation, take_pointer(k, &value.u.pointer));
	if (operation->answer == 0) {
		result(operation, token(value));
		keep(worker, k, value);
	}
}

/* Mostly expects what it has seen there. */
static void step_compare_exchange(struct worker *worker, unsigned k)
{
	struct conc_value expected = absent, desired = absent, present;
	struct operation *operation;
	bool shown = chance(worker, 2);

	if (!chance(worker, 4)) {
		k = run.seen[worker->who].key;
		expected = run.seen[worker->who].value;
	}
	if (!chance(worker, 3))
		desired = some_value(worker);
	operation = on_key(worker, "compare_exchange", k);
	argument(operation, token(expected));
	argument(operation, token(desired));
	call(operation);
	returned(operation, compare_exchange(k, &expected, &desired,
					     shown ? &present : NULL));
	if (operation->answer != 0)
		drop(worker->history, run.values, &desired);
	if (shown && operation->answer == 0)
		expect(worker->history, present.kind == CONC_ABSENT);
	if (shown && operation->answer == -EAGAIN) {
		result(operation, token(present));
		keep(worker, k, present);
	}
}

struct change {
	struct worker *worker;
	struct conc_value old, desired; /* of the last call, as tokens */
};

static int change(const struct conc_value *old, struct conc_value *desired,
		  void *arg)
{
	struct change *c = arg;

	c->old = token(*old);
	*desired = chance(c->worker, 4) ? absent : some_value(c->worker);
	c->desired = token(*desired);
	return 0;
}

static void step_update(struct worker *worker, unsigned k)
{
	struct operation *operation = on_key(worker, "update", k);
	struct change c = {.worker = worker};

	call(operation);
	returned(operation, update(k, change, &c));
	result(operation, c.old);
	result(operation, c.desired);
}

static void step_add(struct worker *worker, unsigned k)
{
	static const int64_t numbers[] = {
		1, 1, -1, 7, INT64_C(1) << 32, INT64_C(1) << 58,
		-(INT64_C(1) << 58)};
	int64_t sum, n = numbers[draw(worker, COUNT_OF(numbers))];
	struct operation *operation;

	if (run.values == CONC_VALUE_BORROWED) {
		step_get(worker, k);
		return;
	}
	operation = on_key(worker, "add", k);
	argument(operation, number(n));
	call(operation);
	returned(operation, add(k, n, &sum));
	if (operation->answer == 0)
		result(operation, number(sum));
}

/* --- of all keys ---------------------------------------------------------- */

static unsigned key_in(const struct conc_entry *entry)
{
	if (run.kind == CONC_KEY_INT64)
		return (unsigned)entry->int_key;
	if (run.kind == CONC_KEY_BYTES)
		return (unsigned)(*(const char *)entry->key - 'A');
	return (unsigned)((const struct key *)entry->key)->id;
}

static void step_items(struct worker *worker, unsigned k)
{
	struct operation *operation = announce(worker, "items");
	conc_cursor *cursor;
	struct conc_entry entry = CONC_ENTRY_INIT;
	int rc;

	(void)k;
	argument(operation, number(run.keys));
	call(operation);
	expect(worker->history, conc_cursor_new(run.dict, &cursor) == 0);
	while ((rc = conc_cursor_next(cursor, &entry)) == 0) {
		unsigned found = key_in(&entry);

		if (found >= run.keys)
			continue;
		result(operation, number(found));
		result(operation, token(entry.value));
	}
	conc_cursor_free(cursor);
	returned(operation, rc == -ENOENT ? 0 : rc);
}

static void step_clear(struct worker *worker, unsigned k)
{
	struct operation *operation = announce(worker, "clear");

	(void)k;
	argument(operation, number(run.keys));
	call(operation);
	conc_dict_clear(run.dict);
	returned(operation, 0);
}

/* --- fillers -------------------------------------------------------------- */

static void fill(struct worker *worker, unsigned filler)
{
	struct conc_value value = some_value(worker);

	if (insert(KEYS_MOST + filler, &value, NULL) != 0)
		drop(worker->history, run.values, &value);
}

/* Rebuilds and tombstones; and a table that becomes smaller. */
static void come_and_go(struct worker *worker, unsigned k)
{
	unsigned first = (unsigned)draw(worker, FILLERS_MOST);

	(void)k;
	for (unsigned i = 0; i < 4; i++) {
		unsigned filler = (first + i) % FILLERS_MOST;

		fill(worker, filler);
		delete(KEYS_MOST + filler);
	}
	if (chance(worker, 3))
		for (unsigned i = 0; i < run.fillers; i++)
			delete(KEYS_MOST + i);
}

/* --- the history ---------------------------------------------------------- */

/*
 * Each history has about half of these kinds of steps, so that some are about
 * nothing but counting, say, or about objects and rebuilds (Groce and others,
 * "Swarm testing", 2012).
 */
static void (*const steps[])(struct worker *worker, unsigned k) = {
	step_get,    step_set,	       step_insert,	      step_delete,
	step_add,    step_update,      step_compare_exchange, step_items,
	step_clear,  step_take_pointer, come_and_go,
};

static void step(struct worker *worker)
{
	unsigned k = (unsigned)draw(worker, run.keys);
	uint64_t which;

	do
		which = draw(worker, COUNT_OF(steps));
	while ((run.steps >> which & 1) == 0);
	steps[which](worker, k);
}

static void choose_kind(struct history *history)
{
	static const char *const kinds[] = {"int64", "bytes", "general",
					    "asking"};
	unsigned kind = (unsigned)draw(main_worker(history), 4);

	run.values = (enum conc_lifetime)draw(main_worker(history), 4);
	run.kind = kind < 3 ? (enum conc_key_kind)kind : CONC_KEY_GENERAL;
	for (unsigned who = 0; who <= WORKERS_MOST; who++)
		for (unsigned k = 0; k < NAMES; k++)
			run.general[who][k] = (struct key){
				.id = (int)k, .asks = kind == 3};
	snprintf(history->settings, sizeof(history->settings),
		 " keys=%s values=%s", kinds[kind], lifetime_names[run.values]);
}

static void set_up(struct history *history)
{
	/* Below, at and above what fits into tables of a few sizes. */
	static const unsigned fillers[] = {0, 2, 4, 5, 6, 10, 11, 12, 48};
	const struct conc_key_ops key_ops = {
		.size = sizeof(key_ops),
		.user = history,
		.hash = hash_key,
		.fast_eq = glance_at_keys,
		.full_eq = compare_keys,
		.retain = retain_key,
		.release = release_key,
	};
	struct conc_value_ops value_ops = object_ops;
	struct worker *worker = main_worker(history);
	struct conc_dict_attr attr = {.size = sizeof(attr), .scaling = 1};

	memset(&run, 0, sizeof(run));
	value_ops.user = history;
	choose_kind(history);
	attr.keys = run.kind;
	attr.values = run.values;
	attr.key_ops = &key_ops;
	attr.value_ops = &value_ops;
	expect(history, conc_dict_new(&attr, &run.dict) == 0);
	run.keys = 1 + (unsigned)draw(worker, KEYS_MOST);
	run.steps = 1 | draw(worker, UINT64_C(1) << COUNT_OF(steps));
	run.fillers = fillers[draw(worker, COUNT_OF(fillers))];
	for (unsigned i = 0; i < run.fillers; i++)
		fill(worker, i);
	for (unsigned k = 0; k < run.keys; k++)
		if (chance(worker, 2))
			step_set(worker, k);
}

static void finish(struct history *history)
{
	for (unsigned k = 0; k < run.keys; k++)
		step_get(main_worker(history), k);
	step_items(main_worker(history), 0);
	for (unsigned who = 0; who <= WORKERS_MOST; who++)
		keep(&history->workers[who], 0, absent);
	conc_dict_free(run.dict);
	for (unsigned who = 0; who <= WORKERS_MOST; who++)
		for (unsigned k = 0; k < NAMES; k++)
			expect(history, run.general[who][k].references == 0);
}

const struct subject dict_subject = {"dict", set_up, step, finish};
