/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Structures that grow, as programs with older and newer headers hand them in.
 *
 *   sized LIBRARY...     paths, or "linked"
 *
 * What an older program lacks is as if it had been the default: so a structure
 * that ends early, with garbage behind it, is compared with a whole one with
 * the defaults in that place.  Once more at the very end of a heap block, where
 * ASan sees who reads behind it.
 */
#include "objects.h"

#define SIZE_MOST 4096
/* Memory behind a structure that is in the middle of some. */
#define BEHIND 64

static const struct api *api;
static const struct route *route;
static unsigned long cases, lacked;

/* The structure as it is handed in, with nothing or with garbage behind it. */
static void *laid_out(const void *head, size_t head_size, size_t size, size_t behind)
{
	size_t room = size < sizeof(size_t) || size > SIZE_MOST ? sizeof(size_t) : size;
	unsigned char *given = malloc(room + behind);

	if (given == NULL)
		cannot("no memory");
	memset(given, GARBAGE, room + behind);
	memset(given, 0, room);
	memcpy(given, head, head_size < room ? head_size : room);
	memcpy(given, &size, sizeof(size));
	return given;
}

/* Hands it in, spoils and frees it, and uses what was made of it. */
static int hand_in(unsigned n, void *given, struct trace *trace)
{
	char nothing;
	void *made = &nothing;
	size_t size = 0;
	int rc;

	if (given != NULL)
		memcpy(&size, given, sizeof(size));
	begin_trace(trace);
	rc = route->apply(api, n, given, &made);
	if (given != NULL)
		memset(given, GARBAGE, size < sizeof(size) || size > SIZE_MOST ? sizeof(size) : size);
	free(given);
	cases++;
	if (rc != 0 && made != &nothing)
		wrong("kind %u, size %zu: answered %d, but made something", n, size, rc);
	if (rc < 0 && any_callback())
		wrong("kind %u, size %zu: answered %d, but called back", n, size, rc);
	if (rc == 0 && route->makes >= 0) {
		struct object object = {.api = api, .kind = route->makes, .self = made};

		if (made == &nothing)
			wrong("kind %u, size %zu: made nothing", n, size);
		else
			use_up(&object, true, trace);
	}
	end_trace(trace);
	return rc;
}

/* It must be as if `wanted' had been handed in. */
static void must_be(unsigned n, void *given, int wanted, const struct trace *as, const char *how,
		    size_t size)
{
	static struct trace trace;
	int rc = hand_in(n, given, &trace);
	char what[128];

	snprintf(what, sizeof(what), "kind %u, size %zu of %zu, %s", n, size, route->size, how);
	if (rc != wanted)
		wrong("%s: answered %d, not %d", what, rc, wanted);
	else
		same_traces(&trace, as, what);
}

static void must_be_refused(unsigned n, void *given, const char *how, size_t size)
{
	static struct trace trace;
	int rc = hand_in(n, given, &trace);

	if (rc != -EINVAL)
		wrong("kind %u, size %zu of %zu, %s: answered %d, not -EINVAL", n, size,
		      route->size, how, rc);
}

static void shorter(unsigned n, const unsigned char *whole, int of_whole)
{
	static struct trace trace;
	unsigned char *other = malloc(route->size);

	for (unsigned i = 0; i < route->end_count; i++) {
		size_t size = route->ends[i];
		int rc;

		route->defaults(other);
		memcpy(other, whole, size);
		memcpy(other, &route->size, sizeof(size_t));
		rc = hand_in(n, laid_out(other, route->size, route->size, 0), &trace);
		if (rc == -EINVAL && of_whole == 0)
			lacked++;
		must_be(n, laid_out(whole, size, size, route->size + BEHIND), rc, &trace,
			"garbage behind it", size);
		must_be(n, laid_out(whole, size, size, 0), rc, &trace, "nothing behind it", size);
	}
	free(other);
}

static void longer(unsigned n, const unsigned char *whole, int wanted, const struct trace *as)
{
	const size_t sizes[] = {route->size + 1, route->size + 8, route->size + 64, SIZE_MOST};

	for (unsigned i = 0; i < COUNT(sizes); i++) {
		size_t ends[] = {route->size, sizes[i] - 1};

		must_be(n, laid_out(whole, route->size, sizes[i], 0), wanted, as,
			"zeros at its end", sizes[i]);
		for (unsigned end = 0; end < COUNT(ends); end++) {
			unsigned char *given = laid_out(whole, route->size, sizes[i], 0);

			given[ends[end]] = 1;
			must_be_refused(n, given, "with something that is not known", sizes[i]);
		}
	}
}

static const size_t impossible[] = {
	0, 1, sizeof(size_t) - 1, SIZE_MOST + 1, SIZE_MAX / 2, SIZE_MAX - 7, SIZE_MAX,
};

static bool goes_in(unsigned n)
{
	static struct trace trace, none;
	unsigned char *whole = malloc(route->size), *defaults = malloc(route->size);
	bool more = route->fill(whole, route->nested ? 0 : n);
	int rc = NO_MORE;

	if (more)
		rc = hand_in(n, laid_out(whole, route->size, route->size, 0), &trace);
	more = rc != NO_MORE;
	if (more) {
		shorter(n, whole, rc);
		longer(n, whole, rc, &trace);
		for (unsigned i = 0; i < COUNT(impossible); i++)
			must_be_refused(n, laid_out(whole, route->size, impossible[i], 0),
					"which is none", impossible[i]);
		route->defaults(defaults);
		rc = hand_in(n, NULL, &none);
		must_be(n, laid_out(defaults, route->size, route->size, 0), rc, &none,
			"the defaults, as NULL", route->size);
	}
	free(whole);
	free(defaults);
	return more;
}

/* --- What the library fills in --------------------------------------------- */

/* Memory of a structure to be filled in: garbage but for its size. */
static unsigned char *to_be_filled(size_t size, size_t behind)
{
	unsigned char *given = laid_out("", 0, size, behind);

	if (size > sizeof(size) && size <= SIZE_MOST)
		memset(given + sizeof(size), GARBAGE, size - sizeof(size));
	return given;
}

static bool all_are(const unsigned char *bytes, size_t count, unsigned char value)
{
	for (size_t i = 0; i < count; i++)
		if (bytes[i] != value)
			return false;
	return true;
}

/* The same once more, by another object, into a structure of this size. */
static void fetch_again(unsigned n, size_t size, size_t behind, const void *whole)
{
	bool possible = size >= sizeof(size) && size <= SIZE_MOST;
	unsigned char *given = to_be_filled(size, behind), *end = given + (possible ? size : sizeof(size));
	struct object object;
	size_t left;
	int rc;

	if (make_object(api, route->kind, n, &object) != 0)
		cannot("what was made once is not made again");
	if (object.parent == NULL)
		populate(&object);
	cases++;
	rc = route->fetch(api, object.self, given);
	if (rc != (possible ? 0 : -EINVAL))
		wrong("kind %u, size %zu of %zu: answered %d", n, size, route->size, rc);
	memcpy(&left, given, sizeof(left));
	if (left != size)
		wrong("kind %u, size %zu: its size has become %zu", n, size, left);
	if (possible && !route->same(given, whole, size))
		wrong("kind %u, size %zu: not what the whole one has", n, size);
	if (possible && size > route->size &&
	    !all_are(given + route->size, size - route->size, 0))
		wrong("kind %u, size %zu: what is not known is not cleared", n, size);
	if (!all_are(end, behind, GARBAGE))
		wrong("kind %u, size %zu: something is written behind it", n, size);
	free_object(&object);
	free(given);
}

/* Returns whether there are more kinds. */
static bool comes_out(unsigned n)
{
	const size_t sizes[] = {route->size, route->size + 1, route->size + 64, SIZE_MOST};
	struct object object;
	void *whole;
	int rc = make_object(api, route->kind, n, &object);

	if (rc != 0)
		return rc != NO_MORE;
	populate(&object);
	whole = to_be_filled(route->size, 0);
	if (route->fetch(api, object.self, whole) == 0) {
		parent_of_all = object.parent;
		for (unsigned i = 0; i < route->end_count; i++) {
			fetch_again(n, route->ends[i], route->size + BEHIND, whole);
			fetch_again(n, route->ends[i], 0, whole);
		}
		for (unsigned i = 0; i < COUNT(sizes); i++) {
			fetch_again(n, sizes[i], BEHIND, whole);
			fetch_again(n, sizes[i], 0, whole);
		}
		for (unsigned i = 0; i < COUNT(impossible); i++)
			fetch_again(n, impossible[i], BEHIND, whole);
		parent_of_all = NULL;
	}
	free(whole);
	free_object(&object);
	return true;
}

int main(int argc, char **argv)
{
	static struct api loaded;
	unsigned long all = 0;

	if (argc != 2)
		cannot("the path of a library, or \"linked\"");
	load_from(&loaded, argv[1]);
	note_waits();
	api = &loaded;
	for (unsigned i = 0; i < COUNT(routes); i++) {
		unsigned n = 0;

		route = &routes[i];
		subject = route->name;
		cases = lacked = 0;
		while (route->apply != NULL ? goes_in(n) : comes_out(n))
			n++;
		if (cases == 0)
			wrong("none of its %u kinds could be tried", n);
		printf("%s: %u kinds, %lu cases, %lu that lack what is needed\n", subject, n,
		       cases, lacked);
		all += cases;
	}
	printf("%zu ways, %lu cases\n", COUNT(routes), all);
	return wrongs != 0;
}
