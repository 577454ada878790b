/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* conc_ref against a variable. */
#include <config.h>

#include "fuzz/objects.h"

const char *const fuzz_name = "ref";

struct model {
	conc_ref *ref;
	enum conc_lifetime lifetime;
	struct conc_value value;
};

/* A reference may also hold nothing. */
static int check_new(const struct model *m, const struct conc_value *value)
{
	return value->kind == CONC_ABSENT ? 0 : check_value(m->lifetime, value);
}

/* The common end of all that replace: `rc` was answered where `expected` is due. */
static void replaced(struct model *m, const struct input *in,
		     const struct conc_value *value, int rc, int expected)
{
	if (rc == -ENOMEM && in->armed && value->kind == CONC_POINTER &&
	    m->lifetime == CONC_VALUE_RETAINED)
		expected = rc;
	must(rc == expected);
	if (rc == 0)
		m->value = *value;
	else
		take_back(m->lifetime, value);
	must(sleeps == 0);
}

static void set(struct model *m, struct input *in)
{
	struct conc_value value = take_value(in);

	lend(m->lifetime, &value);
	replaced(m, in, &value, conc_ref_set(m->ref, &value),
		 check_new(m, &value));
}

static void exchange(struct model *m, struct input *in)
{
	struct conc_value value = take_value(in), old, before = m->value;
	int rc;

	lend(m->lifetime, &value);
	rc = conc_ref_exchange(m->ref, &value, &old);
	replaced(m, in, &value, rc, check_new(m, &value));
	if (rc == 0) {
		must(same(&old, &before));
		give_back(m->lifetime, &old);
	}
}

static void compare_exchange(struct model *m, struct input *in)
{
	unsigned how = take_byte(in);
	bool right = how & 1; /* as take_bool() */
	struct conc_value present = {.kind = (enum conc_kind)9}, alias;
	struct conc_value before = m->value;
	struct conc_value expected = right ? m->value : take_value(in);
	struct conc_value value = take_value(in);
	int answer = check_new(m, &value), rc;

	if (!is_value(&expected))
		answer = -EINVAL;
	else if (answer == 0 && !same(&expected, &m->value))
		answer = -EAGAIN;
	lend(m->lifetime, &value);
	if ((how & 6) == 2) {
		rc = conc_ref_compare_exchange(m->ref, &expected, &value, NULL);
	} else if ((how & 6) == 4) {
		/* What is there, in the place of what was expected. */
		alias = expected;
		rc = conc_ref_compare_exchange(m->ref, &alias, &value, &alias);
		present = alias;
	} else {
		rc = conc_ref_compare_exchange(m->ref, &expected, &value,
					       &present);
	}
	if ((how & 6) != 2 && (rc == 0 || rc == -EAGAIN)) {
		must(same(&present, rc == 0 ? &nothing : &before));
		give_back(m->lifetime, &present);
	}
	replaced(m, in, &value, rc, answer);
}

static void get(struct model *m)
{
	struct conc_value value;

	must(conc_ref_get(m->ref, &value) == 0);
	must(same(&value, &m->value));
	give_back(m->lifetime, &value);
}

static void clear(struct model *m)
{
	conc_ref_clear(m->ref);
	m->value = nothing;
	must(sleeps == 0);
	/* With one thread the grace period has passed. */
	check_all_given_back();
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

	if (is_counted(m->lifetime, &m->value)) {
		held[(struct object *)m->value.u.pointer - objects]++;
		must(conc_ref_traverse(m->ref, end_at_once, NULL) == 7);
	}
	forget_visits();
	must(conc_ref_traverse(m->ref, visit, NULL) == 0);
	check_books(m->lifetime, held);
}

static void refuse(struct model *m)
{
	struct conc_value value = nothing;

	must(conc_ref_get(m->ref, NULL) == -EINVAL);
	must(conc_ref_get(NULL, &value) == -EINVAL);
	must(conc_ref_set(m->ref, NULL) == -EINVAL);
	must(conc_ref_set(NULL, &value) == -EINVAL);
	must(conc_ref_exchange(m->ref, &value, NULL) == -EINVAL);
	must(conc_ref_compare_exchange(m->ref, NULL, &value, NULL) == -EINVAL);
	must(conc_ref_compare_exchange(m->ref, &value, NULL, NULL) == -EINVAL);
	must(conc_ref_traverse(m->ref, NULL, NULL) == -EINVAL);
	conc_ref_clear(NULL);
}

static void operate(struct model *m, struct input *in)
{
	unsigned operation = take_byte(in);

	if (operation & 0x40)
		fail_allocations_after(in, 0);
	switch (operation % 16) {
	default:
		set(m, in);
		break;
	case 5:
	case 6:
	case 7:
		exchange(m, in);
		break;
	case 8:
	case 9:
	case 10:
		compare_exchange(m, in);
		break;
	case 11:
		get(m);
		break;
	case 12:
		clear(m);
		break;
	case 13:
		conc_reclaim(NULL);
		break;
	case 14:
		check(m);
		break;
	case 15:
		refuse(m);
		break;
	}
	stop_failing(in);
	get(m);
}

static int make(struct model *m, struct input *in)
{
	unsigned how = take_byte(in);
	struct conc_ref_attr attr = {
		.size = sizeof(attr),
		.values = (enum conc_lifetime)(how & 3),
		.value_ops = &object_ops,
		.wait = &wait_hooks,
	};
	int rc;

	m->lifetime = attr.values;
	m->value = nothing;
	if (how & 4)
		fail_allocations_after(in, 0);
	rc = conc_ref_new(&attr, &m->ref);
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
	conc_ref_free(m.ref);
	check_all_given_back();
	conc_reclaim(NULL);
	return 0;
}
