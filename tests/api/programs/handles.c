/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Two copies of the library in one process: what one does with NULL, and with
 * an object of the other.
 *
 *   handles OURS THEIRS     each a path, or "linked"
 *
 * Each function, in a process of its own, gets each kind of object in each
 * state into which the other copy's functions bring one.  After that the object
 * and one like it, which was never handed over, are used in the same way, and
 * must answer the same.
 */
#include "objects.h"

#include <sys/wait.h>
#include <unistd.h>

/* What was wrong has been said.  A sanitizer ends a process with others. */
#define EXIT_SAID 3

static struct api ours, theirs;
static unsigned long cases;
/* Of a function; all its cases take a fraction of one. */
#define SECONDS_MOST 20

/* --- States: as it was made; populated; then one function that cannot fail - */

static bool brings_into_a_state(unsigned i, unsigned kind)
{
	return is_of(&functions[i], kind) && functions[i].answers == ANSWERS_NOTHING;
}

/* False: there are no more states. */
static bool bring_into(const struct object *object, unsigned state)
{
	if (state == 0)
		return true;
	populate(object);
	if (state == 1)
		return true;
	for (unsigned i = 0; i < COUNT(functions); i++)
		if (brings_into_a_state(i, object->kind) && state-- == 2) {
			call_on(&functions[i], object, 0, CONC_TRY);
			return true;
		}
	return false;
}

/* --- What is in an object's own memory -------------------------------------- */

struct picture {
	size_t size;
	unsigned char *bytes;
};

static struct picture take_picture(const struct object *object)
{
	struct picture picture = {.size = malloc_usable_size(object->self)};

	picture.bytes = malloc(picture.size);
	if (picture.bytes == NULL)
		cannot("no memory");
	memcpy(picture.bytes, object->self, picture.size);
	return picture;
}

static void must_be_as_on(struct picture *picture, const struct object *object, const char *how)
{
	if (memcmp(picture->bytes, object->self, picture->size) != 0)
		wrong("%s: its memory has changed", how);
	free(picture->bytes);
}

/* --- Calls ------------------------------------------------------------------ */

/* Arguments that are right, but for the objects. */
static void prepare_for(const struct function *f, struct arguments *a, unsigned variant)
{
	prepare(a, variant);
	if (f->lay != NULL)
		f->lay(a);
}

static void must_refuse(const struct function *f, struct arguments *a, const char *how)
{
	bool touched;
	intmax_t answer;

	forget_callbacks();
	answer = call(f, &ours, a, &touched);
	cases++;
	if (answer != (f->answers == ANSWERS_INT ? -EINVAL : 0))
		wrong("%s: answered %jd", how, answer);
	if (touched)
		wrong("%s: something was written", how);
	if (any_callback())
		wrong("%s: a callback was called", how);
	forget_callbacks();
}

/* Two of their objects that are the same, but that one of them is handed over. */
static void with_theirs(const struct function *f, unsigned at, unsigned n, unsigned state,
			struct object *own, unsigned variant)
{
	static struct trace trace, untouched;
	struct object theirs_of, twin;
	struct arguments a;
	struct picture picture, of_own;
	char how[96];

	snprintf(how, sizeof(how), "%s of another copy, kind %u, state %u",
		 kinds[f->handle_kind[at]].name, n, state);
	/* Nothing is released before the traces begin, whenever it would be. */
	theirs.conc_read_begin();
	if (make_object(&theirs, f->handle_kind[at], n, &theirs_of) != 0 ||
	    make_object(&theirs, f->handle_kind[at], n, &twin) != 0)
		cannot("what was made once is not made again");
	bring_into(&theirs_of, state);
	bring_into(&twin, state);
	picture = take_picture(&theirs_of);
	prepare_for(f, &a, variant);
	if (at > 0) {
		a.handles[f->handle_at[0]] = own->self;
		of_own = take_picture(own);
	}
	a.handles[f->handle_at[at]] = theirs_of.self;
	must_refuse(f, &a, how);
	if (at > 0)
		must_be_as_on(&of_own, own, "the object that was to wait");
	must_be_as_on(&picture, &theirs_of, how);
	theirs.conc_read_end();
	begin_trace(&trace);
	use_up(&theirs_of, false, &trace);
	end_trace(&trace);
	begin_trace(&untouched);
	use_up(&twin, false, &untouched);
	end_trace(&untouched);
	same_traces(&trace, &untouched, how);
}

/* Whether the state is one of that kind of object. */
static bool is_state(unsigned kind, unsigned n, unsigned state)
{
	struct object object;
	bool is;

	if (make_object(&theirs, kind, n, &object) != 0)
		return false;
	is = bring_into(&object, state);
	free_object(&object);
	return is;
}

/* Whether the arguments are right, if the objects are. */
static bool is_valid(const struct function *f, const struct object *own, unsigned variant)
{
	struct object second = {0};
	struct arguments a;
	intmax_t answer;
	bool touched;

	if (f->frees)
		return true;
	prepare_for(f, &a, variant);
	a.handles[f->handle_at[0]] = own->self;
	answer = call(f, &ours, &a, &touched);
	if (f->handle_count > 1) {
		/* A token is no part of what makes them right. */
		if (make_object(&ours, f->handle_kind[1], 0, &second) != 0)
			cannot("no token");
		prepare_for(f, &a, variant);
		a.handles[f->handle_at[0]] = own->self;
		a.handles[f->handle_at[1]] = second.self;
		if ((call(f, &ours, &a, &touched) == -EINVAL) != (answer == -EINVAL))
			wrong("a token of its own changes what is right");
		free_object(&second);
	}
	return f->answers != ANSWERS_INT || answer != -EINVAL;
}

static void with_null(const struct function *f, unsigned variant)
{
	struct arguments a;

	prepare_for(f, &a, variant);
	must_refuse(f, &a, "NULL");
}

/* Returns whether the arguments were right; *more: there is this kind. */
static bool try_kind(const struct function *f, unsigned n, unsigned variant, bool *more)
{
	struct object own;
	int rc = make_object(&ours, f->handle_kind[0], n, &own);
	bool valid;

	*more = rc != NO_MORE;
	if (rc != 0)
		return false;
	populate(&own);
	valid = is_valid(f, &own, variant);
	if (valid) {
		with_null(f, variant);
		for (unsigned state = 0; is_state(f->handle_kind[0], n, state); state++)
			with_theirs(f, 0, n, state, &own, variant);
		for (unsigned at = 1; at < f->handle_count; at++)
			for (unsigned state = 0; is_state(f->handle_kind[at], 0, state); state++)
				with_theirs(f, at, 0, state, &own, variant);
	}
	free_object(&own);
	return valid;
}

static void try_function(const struct function *f)
{
	bool valid = false, more = true;

	for (unsigned n = 0; more; n++)
		for (unsigned variant = 0; variant < VARIANTS && more; variant++)
			valid |= try_kind(f, n, variant, &more);
	if (!valid)
		wrong("no arguments are known that would be right");
}

/* In a process of its own: whether all was right; its cases come through the pipe. */
static bool try_apart(const struct function *f)
{
	int results[2], status;
	unsigned long tried = 0;
	pid_t child;

	if (pipe(results) != 0 || (child = fork()) < 0)
		cannot("no process");
	if (child == 0) {
		cases = 0;
		alarm(SECONDS_MOST);
		try_function(f);
		if (write(results[1], &cases, sizeof(cases)) != (ssize_t)sizeof(cases))
			cannot("no pipe");
		exit(wrongs != 0 ? EXIT_SAID : 0);
	}
	close(results[1]);
	if (read(results[0], &tried, sizeof(tried)) == (ssize_t)sizeof(tried))
		cases += tried;
	close(results[0]);
	waitpid(child, &status, 0);
	if (WIFSIGNALED(status))
		printf("%s: ended by %s\n", f->name, strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != EXIT_SAID)
		printf("%s: ended with %d\n", f->name, WEXITSTATUS(status));
	fflush(stdout);
	return status == 0;
}

int main(int argc, char **argv)
{
	unsigned long failed = 0;

	if (argc != 3)
		cannot("handles OURS THEIRS");
	load_from(&ours, argv[1]);
	load_from(&theirs, argv[2]);
	note_waits();
	if (ours.conc_version == theirs.conc_version)
		cannot("there is one copy only");
	for (unsigned i = 0; i < COUNT(functions); i++) {
		subject = functions[i].name;
		failed += !try_apart(&functions[i]);
	}
	printf("%zu functions, %lu cases, %lu functions wrong\n", COUNT(functions), cases, failed);
	return failed != 0;
}
