/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Objects, and what they answer.  Behind tables.h. */
#ifndef API_OBJECTS_H
#define API_OBJECTS_H

#include "tables.h"

/* 0, an error, or NO_MORE: there is no such kind of it. */
static inline int make_object(const struct api *api, unsigned kind, unsigned n,
			      struct object *object)
{
	*object = (struct object){.api = api, .kind = kind};
	return kinds[kind].make(api, n, object);
}

/* Not NULL: what is made has this parent, which is not freed with it. */
static struct object *parent_of_all;

static int make_parent(const struct api *api, unsigned kind, unsigned n,
		       struct object *child)
{
	struct object *parent = parent_of_all;
	int rc;

	if (parent != NULL) {
		child->parent = parent;
		return 0;
	}
	parent = malloc(sizeof(*parent));
	if (parent == NULL)
		cannot("no memory");
	rc = make_object(api, kind, n, parent);
	if (rc == 0)
		child->parent = parent;
	else
		free(parent);
	return rc;
}

static inline void free_object(struct object *object)
{
	kinds[object->kind].free(object->api, object->self);
	if (object->parent != NULL && object->parent != parent_of_all) {
		free_object(object->parent);
		free(object->parent);
	}
}

/*
 * Calls the function; the handles are in the arguments.  *touched: it wrote to
 * one of the slots.  What it made is freed.
 */
static inline intmax_t call(const struct function *f, const struct api *api,
			    struct arguments *a, bool *touched)
{
	static struct slot before[PARAMETERS_MOST];
	intmax_t answer;

	memcpy(before, a->slots, sizeof(before));
	answer = f->call(api, a);
	*touched = memcmp(before, a->slots, sizeof(before)) != 0;
	if (f->makes >= 0 && answer == 0 && *touched) {
		void *made;

		memcpy(&made, &a->slots[f->made_at], sizeof(made));
		kinds[f->makes].free(api, made);
	}
	return answer;
}

static inline intmax_t call_on(const struct function *f, const struct object *object,
			       unsigned variant, int64_t deadline)
{
	struct arguments a;
	bool touched;

	prepare(&a, variant);
	if (f->lay != NULL)
		f->lay(&a);
	a.deadline = deadline;
	a.handles[f->handle_at[0]] = object->self;
	return call(f, object->api, &a, &touched);
}

static inline bool is_of(const struct function *f, unsigned kind)
{
	return f->handle_count > 0 && f->handle_kind[0] == kind && !f->frees;
}

/* Puts something into it, by the functions that only take. */
static inline void populate(const struct object *object)
{
	if (object->parent != NULL)
		populate(object->parent);
	for (unsigned i = 0; i < COUNT(functions); i++)
		for (unsigned variant = 0; variant < VARIANTS; variant++)
			if (is_of(&functions[i], object->kind) &&
			    functions[i].only_takes)
				call_on(&functions[i], object, variant, CONC_TRY);
}

/* What all functions answered, and how often each callback was called. */
struct trace {
	unsigned count;
	const struct function *asked[COUNT(functions) * VARIANTS];
	intmax_t answers[COUNT(functions) * VARIANTS];
	unsigned long calls[CALLBACKS_MOST];
	void *user[CALLBACKS_MOST];
};

static inline void begin_trace(struct trace *trace)
{
	memset(trace, 0, sizeof(*trace));
	forget_callbacks();
}

static inline void end_trace(struct trace *trace)
{
	for (unsigned i = 0; i < CALLBACKS_MOST; i++) {
		trace->user[i] = callback_user[i];
		trace->calls[i] = callback_waits[i] ? callback_calls[i] != 0
						    : callback_calls[i];
	}
	forget_callbacks();
}

/* Each function in the order of the headers; then the object is freed. */
static inline void use_up(struct object *object, bool waits, struct trace *trace)
{
	for (unsigned i = 0; i < COUNT(functions); i++) {
		const struct function *f = &functions[i];

		if (!is_of(f, object->kind))
			continue;
		for (unsigned variant = 0; variant < VARIANTS; variant++) {
			int64_t deadline = waits && variant == 0
						   ? object->api->conc_deadline_after(NS_OF_A_WAIT)
						   : CONC_TRY;

			trace->asked[trace->count] = f;
			trace->answers[trace->count++] =
				call_on(f, object, variant, deadline);
		}
	}
	free_object(object);
}

/* Whether both are the same; what is wrong is said of a. */
static inline bool same_traces(const struct trace *a, const struct trace *b, const char *what)
{
	for (unsigned i = 0; i < CALLBACKS_MOST; i++)
		if (a->calls[i] != b->calls[i] || a->user[i] != b->user[i]) {
			wrong("%s: %s was called %lu times, not %lu; its user: %p, not %p",
			      what, callback_names[i], a->calls[i], b->calls[i],
			      a->user[i], b->user[i]);
			return false;
		}
	for (unsigned i = 0; i < a->count; i++)
		if (a->answers[i] != b->answers[i]) {
			wrong("%s: after that %s answers %jd, not %jd", what,
			      a->asked[i]->name, a->answers[i], b->answers[i]);
			return false;
		}
	return true;
}

static inline void load_from(struct api *api, const char *where)
{
	void *library;

	if (strcmp(where, "linked") == 0) {
#ifdef LINKED
		load_linked(api);
		return;
#else
		cannot("no library is linked");
#endif
	}
	library = dlopen(where, RTLD_NOW | RTLD_LOCAL);
	if (library == NULL)
		cannot(dlerror());
	load(api, library);
}

#endif
