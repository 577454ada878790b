/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conc_dict, with keys and values of every kind, against an array
 * (dict_model.h).  General keys collide as much as the input likes, leave the
 * comparison to full_eq, and there do whatever the input says next to the same
 * dict.
 */
#include <config.h>

#include "dict_model.h"

const char *const fuzz_name = "dict";

/* Calls within a call, and all such calls of an input. */
#define DEPTH 3
#define NESTED_MOST 256

#define COPIES 2

/* One of COPIES equal general keys. */
struct key {
	unsigned id;
	long references;
	long visits;
};

struct game {
	struct model model;
	conc_dict *dict;
	struct input in;
	enum conc_key_kind kind;
	enum conc_lifetime lifetime;
	unsigned hashes; /* different ones, of general keys */
	unsigned asks;	 /* keys with this bit in their number ask */
	unsigned depth, nested;
};

static struct key keys[KEYS][COPIES];

static void operate(struct game *g);

/* --- callbacks ------------------------------------------------------------ */

/* Whatever the input says next, in the midst of an operation. */
static void nest(struct game *g)
{
	bool armed = g->in.armed;
	long left = conc_alloc_fail_after;

	if (g->depth == DEPTH || g->nested == NESTED_MOST ||
	    !input_left(&g->in) || take_byte(&g->in) < 128)
		return;
	g->depth++;
	g->nested++;
	operate(g);
	g->depth--;
	g->in.armed = armed;
	conc_alloc_fail_after = left;
}

/* One in a few calls fails; the innermost operation must say so. */
static int fail_or_not(struct game *g)
{
	int error = input_left(&g->in) && take_byte(&g->in) > 250 ? -1234 : 0;

	must(sleeps == 0);
	if (error != 0 && g->model.calls != NULL)
		g->model.calls->error = error;
	return error;
}

static int key_hash(const void *key, uint64_t *hash, void *user)
{
	struct game *g = user;

	*hash = ((const struct key *)key)->id % g->hashes;
	return fail_or_not(g);
}

static enum conc_equal key_fast_eq(const void *probe, const void *stored,
				   void *user)
{
	const struct game *g = user;
	const struct key *p = probe, *s = stored;

	must(s->references > 0 && p != s);
	if (((p->id | s->id) & g->asks) != 0)
		return CONC_ASK;
	return p->id == s->id ? CONC_EQUAL : CONC_DIFFERENT;
}

static int key_full_eq(const void *probe, const void *stored, void *user)
{
	struct game *g = user;
	const struct key *p = probe, *s = stored;
	int error;

	must(s->references > 0 && ((p->id | s->id) & g->asks) != 0);
	nest(g);
	must(s->references > 0);
	error = fail_or_not(g);
	return error != 0 ? error : p->id == s->id;
}

static void key_retain(const void *key, void *user)
{
	(void)user;
	((struct key *)key)->references++;
}

static void key_release(const void *key, void *user)
{
	struct key *k = (struct key *)key;

	(void)user;
	must(k->references > 0);
	k->references--;
}

/* --- keys ----------------------------------------------------------------- */

/* A key as the functions take it, whatever the kind of the dict's keys. */
struct probe {
	unsigned id;
	int64_t number;
	const void *key;
	size_t len;
	char *bytes; /* what `key` points to, if it was made for this */
};

/* Small, and at the ends of 64 bits. */
static int64_t int_key(unsigned id)
{
	return id % 8 == 7 ? INT64_MIN + (int64_t)id : (int64_t)id - 2;
}

static unsigned id_of_int_key(int64_t key)
{
	return (unsigned)(key < -2 ? key - INT64_MIN : key + 2);
}

/* Mostly one of a few, in both copies, so that operations meet. */
static unsigned take_key(struct game *g)
{
	unsigned byte = take_byte(&g->in);

	return byte >= 128 ? byte : byte % 8 + (byte & 8 ? KEYS : 0);
}

/* The empty string, and others whose first byte is their number. */
static size_t bytes_key(unsigned id, char *bytes)
{
	size_t len = id == 0 ? 0 : 1 + id % 17;

	memset(bytes, id % 3, len);
	if (len > 0)
		bytes[0] = (char)id;
	return len;
}

/* The first of a general key's two copies, or for a larger byte the second. */
static struct probe probe_of(const struct game *g, unsigned byte)
{
	struct probe probe = {.id = byte % KEYS};
	char bytes[32];

	switch (g->kind) {
	case CONC_KEY_INT64:
		probe.number = int_key(probe.id);
		break;
	case CONC_KEY_BYTES:
		probe.len = bytes_key(probe.id, bytes);
		probe.key = probe.bytes = malloc(probe.len + 1);
		must(probe.bytes != NULL);
		memcpy(probe.bytes, bytes, probe.len);
		break;
	case CONC_KEY_GENERAL:
		probe.key = &keys[probe.id][byte >= KEYS];
		break;
	}
	return probe;
}

/* --- one key --------------------------------------------------------------- */

/* The function of this name for the dict's kind of keys. */
#define CALL(name, ...)                                                        \
	(g->kind == CONC_KEY_INT64                                             \
		 ? conc_dict_int_##name(g->dict, o.probe.number, __VA_ARGS__)  \
		 : conc_dict_##name(g->dict, o.probe.key, o.probe.len,         \
				    __VA_ARGS__))

/* The same without further arguments. */
#define CALL_KEY(name)                                                         \
	(g->kind == CONC_KEY_INT64                                             \
		 ? conc_dict_int_##name(g->dict, o.probe.number)               \
		 : conc_dict_##name(g->dict, o.probe.key, o.probe.len))

struct operation {
	struct probe probe;
	struct call call;
};

static void begin(struct game *g, struct operation *o, unsigned byte)
{
	o->probe = probe_of(g, byte);
	call_begin(&g->model, &o->call, o->probe.id);
}

static void end(struct game *g, struct operation *o)
{
	must(sleeps == 0);
	call_end(&g->model, &o->call);
	free(o->probe.bytes);
}

/*
 * Whether the answer is one that has nothing to do with what the dict holds.  A
 * callback's error comes out; memory may be short.
 */
static bool is_failure(const struct game *g, const struct operation *o, int rc)
{
	if (o->call.error != 0) {
		must(rc == o->call.error);
		return true;
	}
	return rc == -ENOMEM && g->in.armed;
}

/* What the dict holds for the key, now. */
static const struct conc_value *current(const struct game *g,
					const struct operation *o)
{
	return &g->model.values[o->probe.id];
}

/* The call changed the dict, just now. */
static void store(struct game *g, const struct operation *o,
		  const struct conc_value *value)
{
	bool was = current(g, o)->kind != CONC_ABSENT;

	if (!was)
		g->model.stored[o->probe.id] = o->probe.key;
	model_set(&g->model, o->probe.id, value);
}

/* As get and take, but for a value of one kind. */
static void get_one_kind(struct game *g, unsigned byte, bool wants_number,
			 bool takes)
{
	struct conc_value value = nothing, now;
	void *pointer = g;
	int64_t number = 77;
	struct operation o;
	int rc;

	begin(g, &o, byte);
	if (wants_number)
		rc = CALL(get_number, &number);
	else
		rc = takes ? CALL(take_pointer, &pointer)
			   : CALL(get_pointer, &pointer);
	must(rc == 0 || (number == 77 && pointer == g));
	now = *current(g, &o);
	if (is_failure(g, &o, rc)) {
		end(g, &o);
		return;
	}
	if (rc == 0) {
		value.kind = wants_number ? CONC_NUMBER : CONC_POINTER;
		if (wants_number)
			value.u.number = number;
		else
			value.u.pointer = pointer;
		must(same(&value, &now));
		if (takes)
			store(g, &o, &nothing);
		give_back(g->lifetime, &value);
	} else if (rc == -EDOM) {
		must(o.call.present);
		must(now.kind != (wants_number ? CONC_NUMBER : CONC_POINTER));
	} else {
		must(rc == -ENOENT && o.call.absent);
	}
	end(g, &o);
}

static void get(struct game *g, unsigned byte)
{
	struct conc_value value = {.kind = (enum conc_kind)9};
	struct operation o;
	int rc;

	begin(g, &o, byte);
	rc = CALL(get, &value);
	if (is_failure(g, &o, rc)) {
		end(g, &o);
		return;
	}
	if (rc == 0) {
		must(same(&value, current(g, &o)));
		give_back(g->lifetime, &value);
	} else {
		must(rc == -ENOENT && o.call.absent);
		must(value.kind == CONC_ABSENT);
	}
	end(g, &o);
}

/* How set() stores: plain, and with the value in no structure if it has a kind. */
static int store_value(struct game *g, const struct operation *op,
		       const struct conc_value *value, bool plain)
{
	struct operation o = *op;

	if (plain && value->kind == CONC_NUMBER)
		return CALL(set_number, value->u.number);
	if (plain && value->kind == CONC_POINTER)
		return CALL(set_pointer, value->u.pointer);
	return CALL(set, value);
}

static void set(struct game *g, unsigned byte, struct conc_value value,
		bool wants_old, bool plain)
{
	struct conc_value old = nothing;
	struct operation o;
	int rc;

	begin(g, &o, byte);
	lend(g->lifetime, &value);
	rc = wants_old ? CALL(exchange, &value, &old)
		       : store_value(g, &o, &value, plain);
	if (rc == 0) {
		must(o.call.error == 0 && check_value(g->lifetime, &value) == 0);
		if (wants_old)
			must(same(&old, current(g, &o)));
		give_back(g->lifetime, &old);
		store(g, &o, &value);
	} else {
		take_back(g->lifetime, &value);
		if (!is_failure(g, &o, rc))
			must(rc == check_value(g->lifetime, &value));
	}
	end(g, &o);
}

static void insert(struct game *g)
{
	struct conc_value value = take_value(&g->in), present = nothing;
	struct operation o;
	int rc;

	begin(g, &o, take_key(g));
	lend(g->lifetime, &value);
	rc = CALL(insert, &value, &present);
	if (rc == 0) {
		must(present.kind == CONC_ABSENT);
		must(o.call.error == 0 && check_value(g->lifetime, &value) == 0);
		must(current(g, &o)->kind == CONC_ABSENT);
		store(g, &o, &value);
	} else {
		take_back(g->lifetime, &value);
		if (is_failure(g, &o, rc))
			;
		else if (check_value(g->lifetime, &value) == 0)
			must(rc == -EEXIST && o.call.present &&
			     same(&present, current(g, &o)));
		else
			must(rc == check_value(g->lifetime, &value));
	}
	give_back(g->lifetime, &present);
	end(g, &o);
}

static void delete_key(struct game *g, unsigned byte, bool wants_old)
{
	struct conc_value old = nothing;
	struct operation o;
	int rc;

	begin(g, &o, byte);
	rc = wants_old ? CALL(take, &old) : CALL_KEY(delete);
	if (rc == 0) {
		must(o.call.error == 0);
		must(current(g, &o)->kind != CONC_ABSENT);
		if (wants_old)
			must(same(&old, current(g, &o)));
		give_back(g->lifetime, &old);
		store(g, &o, &nothing);
	} else if (is_failure(g, &o, rc)) {
		/* But for the questions about general keys it takes no memory. */
		must(rc != -ENOMEM || g->kind == CONC_KEY_GENERAL);
	} else {
		must(rc == -ENOENT && o.call.absent);
	}
	end(g, &o);
}

static void compare_exchange(struct game *g)
{
	unsigned how = take_byte(&g->in);
	struct conc_value desired = how & 2 ? nothing : take_value(&g->in);
	struct conc_value expected = take_value(&g->in);
	struct conc_value present = nothing, alias;
	bool removes = desired.kind == CONC_ABSENT;
	struct operation o;
	int rc;

	begin(g, &o, take_key(g));
	if (how & 1)
		expected = *current(g, &o);
	lend(g->lifetime, &desired);
	if (how & 8) {
		/* What is there, in the place of what was expected. */
		alias = expected;
		rc = CALL(compare_exchange, &alias, &desired, &alias);
		if (rc == 0 || rc == -EAGAIN)
			present = alias;
		how &= ~4u;
	} else {
		rc = CALL(compare_exchange, &expected, &desired,
			  how & 4 ? NULL : &present);
	}
	must(rc != 0 || present.kind == CONC_ABSENT);
	if (rc != 0)
		take_back(g->lifetime, &desired);
	if (!is_value(&expected)) {
		must(rc == -EINVAL || is_failure(g, &o, rc));
	} else if (rc == 0 && removes && expected.kind == CONC_ABSENT) {
		must(o.call.error == 0 && o.call.absent);
	} else if (rc == 0) {
		must(o.call.error == 0 && same(&expected, current(g, &o)));
		must(removes || check_value(g->lifetime, &desired) == 0);
		store(g, &o, &desired);
	} else if (is_failure(g, &o, rc)) {
		;
	} else if (rc == -EAGAIN) {
		must(how & 4 || same(&present, current(g, &o)));
		must(removes || check_value(g->lifetime, &desired) == 0);
		must(!same(&expected, current(g, &o)) || o.call.absent);
	} else {
		must(!removes && rc == check_value(g->lifetime, &desired));
	}
	give_back(g->lifetime, &present);
	end(g, &o);
}

static void add(struct game *g)
{
	int64_t n = take_number(&g->in), sum = 77, old, expected;
	bool wants_sum = take_bool(&g->in), overflows;
	struct operation o;
	int rc;

	begin(g, &o, take_key(g));
	rc = CALL(add, n, wants_sum ? &sum : NULL);
	must(rc == 0 || sum == 77);
	if (is_failure(g, &o, rc)) {
		end(g, &o);
		return;
	}
	old = current(g, &o)->kind == CONC_NUMBER ? current(g, &o)->u.number
						  : 0;
	overflows = __builtin_add_overflow(old, n, &expected) ||
		    check_number(g->lifetime, expected) != 0;
	if (rc == 0) {
		struct conc_value value = {.kind = CONC_NUMBER,
					   .u.number = expected};

		must(current(g, &o)->kind != CONC_POINTER && !overflows);
		must(!wants_sum || sum == expected);
		store(g, &o, &value);
	} else if (g->lifetime == CONC_VALUE_BORROWED) {
		must(rc == -EINVAL);
	} else if (rc == -EDOM) {
		must(current(g, &o)->kind == CONC_POINTER);
	} else {
		must(rc == -EOVERFLOW && overflows);
	}
	end(g, &o);
}

/* What an update makes of a value. */
struct change {
	struct game *game;
	struct conc_value seen;	   /* the value of the last call */
	struct conc_value desired; /* its answer; a reference of the dict's */
	int rc;
};

static int change(const struct conc_value *old, struct conc_value *desired,
		  void *arg)
{
	struct change *c = arg;
	struct game *g = c->game;

	must(sleeps == 0 && desired->kind == CONC_ABSENT);
	c->seen = *old;
	nest(g);
	c->rc = take_byte(&g->in) > 240 ? -4321 : 0;
	c->desired = take_byte(&g->in) < 200 ? take_value(&g->in) : nothing;
	/* A pointer that no dict takes is none that it may release. */
	if (c->desired.kind == CONC_POINTER &&
	    check_value(g->lifetime, &c->desired) != 0)
		c->desired = nothing;
	if (c->rc == 0) {
		lend(g->lifetime, &c->desired);
		*desired = c->desired;
	}
	return c->rc;
}

static void update(struct game *g)
{
	struct change c = {.game = g};
	struct operation o;
	bool removes;
	int rc;

	begin(g, &o, take_key(g));
	rc = CALL(update, change, &c);
	removes = c.desired.kind == CONC_ABSENT;
	if (rc == 0 && removes && c.seen.kind == CONC_ABSENT) {
		must(o.call.error == 0 && o.call.absent);
	} else if (rc == 0) {
		must(o.call.error == 0 && c.rc == 0);
		must(same(&c.seen, current(g, &o)));
		store(g, &o, &c.desired);
	} else if (!is_failure(g, &o, rc)) {
		must(c.rc != 0 || !removes);
		must(rc == (c.rc != 0 ? c.rc
				      : check_value(g->lifetime, &c.desired)));
	}
	end(g, &o);
}

static void clear(struct game *g)
{
	for (unsigned i = 0; i < KEYS; i++)
		if (g->model.values[i].kind != CONC_ABSENT)
			model_set(&g->model, i, &nothing);
	conc_dict_clear(g->dict);
	must(sleeps == 0);
}

/* --- cursors --------------------------------------------------------------- */

static unsigned id_of_entry(const struct game *g, const struct conc_entry *entry)
{
	const struct key *key = entry->key;
	char bytes[32];
	unsigned id;

	switch (g->kind) {
	case CONC_KEY_INT64:
		return id_of_int_key(entry->int_key);
	case CONC_KEY_BYTES:
		id = entry->len == 0 ? 0 : *(const uint8_t *)entry->key;
		must(id < KEYS && entry->len == bytes_key(id, bytes));
		must(memcmp(entry->key, bytes, entry->len) == 0);
		return id;
	default:
		must(key->references > 0);
		return key->id;
	}
}

static void walk_open(struct game *g, struct walk *walk)
{
	int rc;

	if (walk->cursor != NULL)
		return;
	rc = conc_cursor_new(g->dict, &walk->cursor);
	if (rc == -ENOMEM && g->in.armed)
		return;
	must(rc == 0);
	walk_begin(&g->model, walk);
}

static void walk_close(struct walk *walk)
{
	conc_cursor_free(walk->cursor);
	walk->cursor = NULL;
}

static void walk_on(struct game *g, struct walk *walk, unsigned steps)
{
	struct conc_entry entry = CONC_ENTRY_INIT;
	int rc;

	for (; walk->cursor != NULL && steps > 0; steps--) {
		rc = conc_cursor_next(walk->cursor, &entry);
		if (rc == -ENOMEM && g->in.armed)
			return;
		if (rc == -ENOENT) {
			walk_end(walk);
			must(conc_cursor_next(walk->cursor, &entry) == -ENOENT);
			walk_close(walk);
			return;
		}
		must(rc == 0);
		walk_gives(walk, id_of_entry(g, &entry), &entry.value);
	}
}

/* --- the books ------------------------------------------------------------- */

static int visit(void *object, void *arg)
{
	struct key *key = object;

	(void)arg;
	if (visit_object(object))
		return 0;
	must((char *)key >= (char *)keys && (char *)key < (char *)(keys + KEYS));
	key->visits++;
	return 0;
}

/* Ends the tour at its first reference, or its fifth. */
static int end_soon(void *object, void *arg)
{
	unsigned *left = arg;

	(void)object;
	return (*left)-- == 0 ? 7 : 0;
}

static void check_keys(const struct game *g)
{
	for (unsigned id = 0; id < KEYS; id++) {
		for (unsigned copy = 0; copy < COPIES; copy++) {
			struct key *key = &keys[id][copy];
			bool stored = g->model.values[id].kind != CONC_ABSENT &&
				      g->model.stored[id] == key;

			must(key->visits >= stored);
			must(key->references == key->visits);
		}
	}
}

/* Each reference is in one place, which a tour visits; with nobody else about. */
static void tour(const struct game *g)
{
	long held[OBJECTS] = {0};
	unsigned left = 4;

	for (unsigned i = 0; i < KEYS; i++) {
		const struct conc_value *value = &g->model.values[i];

		for (unsigned copy = 0; copy < COPIES; copy++)
			keys[i][copy].visits = 0;
		if (is_counted(g->lifetime, value))
			held[(struct object *)value->u.pointer - objects]++;
	}
	forget_visits();
	must(conc_dict_traverse(g->dict, visit, NULL) == 0);
	check_books(g->lifetime, held);
	if (g->kind == CONC_KEY_GENERAL)
		check_keys(g);
	if (g->kind == CONC_KEY_GENERAL && model_size(&g->model) > 4)
		must(conc_dict_traverse(g->dict, end_soon, &left) == 7);
}

static void check(struct game *g)
{
	bool alone = g->depth == 0;

	must(conc_dict_size(g->dict) == model_size(&g->model));
	for (size_t i = 0; i < WALKS; i++)
		alone = alone && g->model.walks[i].cursor == NULL;
	if (alone)
		tour(g);
}

static void refuse(struct game *g)
{
	struct conc_value one = {.kind = CONC_NUMBER, .u.number = 1}, value;
	int64_t number;
	void *pointer;
	bool ints = g->kind == CONC_KEY_INT64;
	struct conc_entry entry = CONC_ENTRY_INIT;
	conc_cursor *cursor;

	/* The family of functions for other keys. */
	if (ints) {
		must(conc_dict_get(g->dict, "", 0, &value) == -EINVAL);
		must(conc_dict_set(g->dict, "", 0, &one) == -EINVAL);
		must(conc_dict_insert(g->dict, "", 0, &one, NULL) == -EINVAL);
		must(conc_dict_delete(g->dict, "", 0) == -EINVAL);
		must(conc_dict_add(g->dict, "", 0, 1, NULL) == -EINVAL);
		must(conc_dict_exchange(g->dict, "", 0, &one, &value) ==
		     -EINVAL);
		must(conc_dict_take(g->dict, "", 0, &value) == -EINVAL);
		must(conc_dict_get_number(g->dict, "", 0, &number) == -EINVAL);
		must(conc_dict_take_pointer(g->dict, "", 0, &pointer) ==
		     -EINVAL);
		must(conc_dict_int_exchange(g->dict, 1, &one, NULL) == -EINVAL);
		must(conc_dict_int_take(g->dict, 1, NULL) == -EINVAL);
		must(conc_dict_int_get_number(g->dict, 1, NULL) == -EINVAL);
		must(conc_dict_int_get_pointer(g->dict, 1, NULL) == -EINVAL);
		must(conc_dict_int_take_pointer(g->dict, 1, NULL) == -EINVAL);
		must(conc_dict_int_get(g->dict, 1, NULL) == -EINVAL);
		must(conc_dict_int_update(g->dict, 1, NULL, NULL) == -EINVAL);
		must(conc_dict_int_compare_exchange(g->dict, 1, NULL, &one,
						    NULL) == -EINVAL);
	} else {
		must(conc_dict_int_get(g->dict, 1, &value) == -EINVAL);
		must(conc_dict_int_set(g->dict, 1, &one) == -EINVAL);
		must(conc_dict_int_insert(g->dict, 1, &one, NULL) == -EINVAL);
		must(conc_dict_int_delete(g->dict, 1) == -EINVAL);
		must(conc_dict_int_add(g->dict, 1, 1, NULL) == -EINVAL);
		must(conc_dict_int_exchange(g->dict, 1, &one, &value) ==
		     -EINVAL);
		must(conc_dict_int_take(g->dict, 1, &value) == -EINVAL);
		must(conc_dict_int_get_number(g->dict, 1, &number) == -EINVAL);
		must(conc_dict_int_take_pointer(g->dict, 1, &pointer) ==
		     -EINVAL);
		must(conc_dict_exchange(g->dict, "", 0, &one, NULL) == -EINVAL);
		must(conc_dict_get_number(g->dict, "", 0, NULL) == -EINVAL);
		must(conc_dict_get_pointer(g->dict, "", 0, NULL) == -EINVAL);
		must(conc_dict_take_pointer(g->dict, "", 0, NULL) == -EINVAL);
		must(conc_dict_get(g->dict, NULL, 1, &value) == -EINVAL);
		must(conc_dict_get(g->dict, NULL, 0, NULL) == -EINVAL);
	}
	must(conc_cursor_new(NULL, &cursor) == -EINVAL);
	must(conc_cursor_next(NULL, &entry) == -EINVAL);
	must(conc_dict_traverse(g->dict, NULL, NULL) == -EINVAL);
}

/* --- the game -------------------------------------------------------------- */

/* Many keys one after another, so that tables grow and shrink. */
static void fill(struct game *g)
{
	struct conc_value value = take_value(&g->in);
	unsigned first = take_byte(&g->in), count = take_byte(&g->in);

	for (unsigned i = 0; i < count; i++)
		set(g, (first + i) % 256, value, false, false);
}

static void empty(struct game *g)
{
	unsigned first = take_byte(&g->in), count = take_byte(&g->in);

	for (unsigned i = 0; i < count; i++)
		delete_key(g, (first + i) % 256, false);
}

/* `plain': by the functions that take and give no struct conc_value. */
static void operate_on_key(struct game *g, unsigned operation, bool plain)
{
	struct conc_value value;
	bool wants_old;

	switch (operation) {
	case 0:
		if (plain)
			get_one_kind(g, take_key(g), take_bool(&g->in), false);
		else
			get(g, take_key(g));
		break;
	case 1:
		value = take_value(&g->in);
		wants_old = take_bool(&g->in);
		set(g, take_key(g), value, wants_old, plain);
		break;
	case 2:
		insert(g);
		break;
	case 3:
		wants_old = take_bool(&g->in);
		if (plain)
			get_one_kind(g, take_key(g), false, true);
		else
			delete_key(g, take_key(g), wants_old);
		break;
	case 4:
		compare_exchange(g);
		break;
	case 5:
	case 6:
		add(g);
		break;
	case 7:
		update(g);
		break;
	}
}

static void operate_on_all(struct game *g, unsigned operation)
{
	struct walk *walk = &g->model.walks[take_below(&g->in, WALKS)];

	switch (operation) {
	case 8:
		fill(g);
		break;
	case 9:
		empty(g);
		break;
	case 10:
		walk_open(g, walk);
		break;
	case 11:
		walk_on(g, walk, 1 + take_byte(&g->in));
		break;
	case 12:
		if (walk->cursor != NULL)
			walk_close(walk);
		break;
	case 13:
		clear(g);
		break;
	case 14:
		check(g);
		break;
	case 15:
		refuse(g);
		conc_reclaim(NULL);
		break;
	}
}

static void operate(struct game *g)
{
	unsigned operation = take_byte(&g->in);

	if (operation & 0x40)
		fail_allocations_after(&g->in, operation >> 4 & 3);
	if (operation % 16 < 8)
		operate_on_key(g, operation % 16, operation & 0x80);
	else
		operate_on_all(g, operation % 16);
	stop_failing(&g->in);
}

/* --- an input -------------------------------------------------------------- */

static int make(struct game *g)
{
	unsigned how = take_byte(&g->in);
	const struct conc_key_ops key_ops = {
		.size = sizeof(key_ops),
		.user = g,
		.hash = key_hash,
		.fast_eq = key_fast_eq,
		.full_eq = key_full_eq,
		.retain = key_retain,
		.release = key_release,
	};
	struct conc_dict_attr attr = {
		.size = sizeof(attr),
		.scaling = 1 + (how >> 6),
		.keys = (enum conc_key_kind)(how % 3),
		.values = (enum conc_lifetime)(how / 3 % 4),
		.key_ops = &key_ops,
		.value_ops = &object_ops,
		.wait = &wait_hooks,
	};
	int rc;

	g->kind = attr.keys;
	g->lifetime = attr.values;
	g->hashes = 1 + take_byte(&g->in);
	g->asks = take_byte(&g->in);
	if (g->hashes == 250)
		fail_allocations_after(&g->in, g->asks & 1);
	rc = conc_dict_new(&attr, &g->dict);
	must(rc == (g->in.armed ? -ENOMEM : 0));
	stop_failing(&g->in);
	return rc;
}

/* Whatever was handed out, and whatever the dict still holds, comes back. */
static void finish(struct game *g)
{
	for (size_t i = 0; i < WALKS; i++)
		walk_close(&g->model.walks[i]);
	check(g);
	conc_dict_free(g->dict);
	check_all_given_back();
	for (unsigned id = 0; id < KEYS; id++)
		for (unsigned copy = 0; copy < COPIES; copy++)
			must(keys[id][copy].references == 0);
	conc_reclaim(NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct game g = {.in = input_of(data, size)};

	for (unsigned id = 0; id < KEYS; id++)
		keys[id][0].id = keys[id][1].id = id;
	if (make(&g) != 0)
		return 0;
	while (input_left(&g.in))
		operate(&g);
	/* At the end it holds what it must, every key. */
	for (unsigned id = 0; id < KEYS; id++)
		get(&g, id);
	finish(&g);
	return 0;
}
