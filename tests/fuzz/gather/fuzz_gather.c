/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* conc_gather against an array of values. */
#include <config.h>

#include "fuzz/objects.h"

const char *const fuzz_name = "gather";

#define KEYS 256

struct model {
	conc_gather *gather;
	enum conc_lifetime lifetime;
	struct conc_value values[KEYS];
	bool failed;
};

static void insert(struct model *m, struct input *in)
{
	unsigned key = take_byte(in);
	struct conc_value value = take_value(in);
	int expected = check_value(m->lifetime, &value);
	int rc;

	lend(m->lifetime, &value);
	rc = conc_gather_insert(m->gather, key, &value);
	if (rc == -ENOMEM && in->armed)
		expected = rc;
	must(rc == expected);
	if (rc == 0)
		m->values[key] = value;
	else
		take_back(m->lifetime, &value);
}

/* The answer of a take in vain. */
static int missing(const struct model *m, int64_t deadline)
{
	return m->failed ? -ENOTRECOVERABLE : in_vain(deadline);
}

static void take(struct model *m, struct input *in)
{
	unsigned key = take_byte(in);
	unsigned how = take_byte(in);
	bool clear = how & 1, whole = how & 2;
	int64_t deadline = whole && how & 4 ? conc_now() : CONC_TRY;
	struct conc_value value = nothing;
	int rc = whole ? conc_gather_take(m->gather, key, clear, &value,
					  deadline, NULL)
		       : conc_gather_try_take(m->gather, key, clear, &value);

	must(sleeps == 0);
	must(same(&value, &m->values[key]));
	if (value.kind == CONC_ABSENT) {
		must(rc == missing(m, deadline));
		return;
	}
	must(rc == 0);
	give_back(m->lifetime, &value);
	if (clear)
		m->values[key] = nothing;
}

static void wait_for_key(struct model *m, struct input *in)
{
	unsigned key = take_byte(in);
	int64_t deadline = take_deadline(in);
	bool worth = m->failed || m->values[key].kind != CONC_ABSENT;

	must(conc_gather_wait(m->gather, key, deadline, NULL) ==
	     (worth ? 0 : in_vain(deadline)));
	must(sleeps == 0);
}

static int visit(void *object, void *arg)
{
	(void)arg;
	must(visit_object(object));
	return 0;
}

static int end_at_once(void *object, void *arg)
{
	(void)object;
	(void)arg;
	return 7;
}

static void check(struct model *m)
{
	long held[OBJECTS] = {0};
	size_t size = 0;

	for (size_t i = 0; i < KEYS; i++) {
		struct conc_value value = m->values[i];

		size += value.kind != CONC_ABSENT;
		if (is_counted(m->lifetime, &value))
			held[(struct object *)value.u.pointer - objects]++;
	}
	must(conc_gather_size(m->gather) == size);
	must(conc_gather_has_failed(m->gather) == m->failed);
	forget_visits();
	must(conc_gather_traverse(m->gather, visit, NULL) == 0);
	check_books(m->lifetime, held);
	for (size_t i = 0; i < OBJECTS; i++)
		if (objects[i].visits > 0)
			must(conc_gather_traverse(m->gather, end_at_once,
						  NULL) == 7);
}

static void clear(struct model *m)
{
	memset(m->values, 0, sizeof(m->values));
	conc_gather_clear(m->gather);
	/* With one thread the grace period has passed. */
	for (size_t i = 0; i < OBJECTS; i++)
		must(objects[i].references == 0);
}

static void refuse(struct model *m)
{
	struct conc_value value = {.kind = CONC_NUMBER, .u.number = 1};

	must(conc_gather_insert(m->gather, -1, &value) == -EINVAL);
	must(conc_gather_insert(m->gather, 1, NULL) == -EINVAL);
	must(conc_gather_insert(NULL, 1, &value) == -EINVAL);
	must(conc_gather_try_take(m->gather, -1, true, &value) == -EINVAL);
	must(conc_gather_try_take(m->gather, 1, false, NULL) == -EINVAL);
	must(conc_gather_take(m->gather, 1, true, &value, -2, NULL) == -EINVAL);
	must(conc_gather_wait(m->gather, -1, CONC_TRY, NULL) == -EINVAL);
	must(conc_gather_wait(m->gather, 1, -2, NULL) == -EINVAL);
	must(conc_gather_take(m->gather, 1, true, &value, 1, NULL) == -EINVAL);
	must(conc_gather_wait(m->gather, 1, 1, NULL) == -EINVAL);
	must(conc_gather_traverse(NULL, visit, NULL) == -EINVAL);
}

/* With a fired token nothing is taken, whatever there is. */
static void cancel(struct model *m)
{
	const int64_t deadlines[] = {CONC_TRY, CONC_FOREVER, conc_now()};
	conc_cancel *fired = fired_token();
	struct conc_value value = nothing;

	for (size_t i = 0; i < COUNT_OF(deadlines); i++) {
		for (unsigned key = 0; key < KEYS; key++) {
			must(conc_gather_take(m->gather, key, true, &value,
					      deadlines[i], fired) ==
			     -ECANCELED);
			must(conc_gather_wait(m->gather, key, deadlines[i],
					      fired) == -ECANCELED);
		}
	}
	must(value.kind == CONC_ABSENT && sleeps == 0);
	conc_cancel_free(fired);
}

static void operate(struct model *m, struct input *in)
{
	unsigned operation = take_byte(in);

	if (operation & 0x40)
		fail_allocations_after(in, operation >> 7);
	switch (operation % 16) {
	default:
		insert(m, in);
		break;
	case 6:
	case 7:
	case 8:
	case 9:
		take(m, in);
		break;
	case 10:
		wait_for_key(m, in);
		break;
	case 11:
		check(m);
		break;
	case 12:
		clear(m);
		break;
	case 13:
		if (take_byte(in) < 32) {
			conc_gather_fail(m->gather);
			m->failed = true;
		}
		break;
	case 14:
		conc_reclaim(NULL);
		break;
	case 15:
		refuse(m);
		cancel(m);
		break;
	}
	stop_failing(in);
}

static int make(struct model *m, struct input *in)
{
	unsigned how = take_byte(in);
	struct conc_gather_attr attr = {
		.size = sizeof(attr),
		.scaling = how >> 2 & 3,
		.values = (enum conc_lifetime)(how & 3),
		.value_ops = &object_ops,
		.wait = &wait_hooks,
	};
	int rc;

	m->lifetime = attr.values;
	if (how & 16)
		fail_allocations_after(in, (how >> 5) % 3);
	rc = conc_gather_new(&attr, &m->gather);
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
	conc_gather_free(m.gather);
	check_all_given_back();
	conc_reclaim(NULL);
	return 0;
}
