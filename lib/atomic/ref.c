/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conc_ref: one word (base/word.h), or 0 for nothing.
 *
 *     ref -> word -> 0 | number | pointer
 *
 *     RETAINED:  word -> 0 | number | box { pointer } -> object
 *             waiting -> box { pointer, stamp } -> box ...
 *
 * Every step on the word is sequentially consistent, and an operation
 * linearizes at its last one.  What a pointer or a box leads to is written
 * before the step that stores it, which releases, and read after one that
 * loads it, which acquires.
 *
 * INT64, BORROWED.  Load, exchange, compare-and-swap; nothing is owned.
 *
 * TYPE_STABLE.  The word owns a reference; who swaps it out releases it, at
 * once.  A reader has no claim to what it loaded: it takes a reference if the
 * object lets it, and looks at the word again.  Still the same: the word owned
 * that object when the reference was there already, so it is the one to return,
 * whatever its memory was in between.  Another: the reference may be to a
 * stranger in the same memory, which is an object of the kind, so it is given
 * back, and the reader starts again.
 *
 * RETAINED.  The word owns a box, which owns the reference and is its place in
 * the list of those that wait: it is made before the pointer is stored, so
 * taking one out needs no memory.  Readers go from word to box to object inside
 * a section and retain there.  Who swaps a box out owns it, stamps it
 * (base/rcu.h) and has it wait; an operation that changes the word ends with a
 * look at whether a grace period has passed, others do now and then.  A box leaves the list by taking
 * the list whole, so its address cannot mislead a push; within a section no box
 * in the word can come back to it, so neither can it a compare_exchange.  Every
 * reference is in the word's box or in one that waits, but for those that a
 * thread is about to release: that is what a garbage collector's tour sees.
 */
#include <config.h>

#include <concurrency/ref.h>

#include "base/word.h"
#include "base/growing.h"
#include "base/lock.h"
#include "base/memory.h"
#include "base/object.h"
#include "base/rcu.h"
#include "base/yield_point.h"

#include <stdatomic.h>

#define NOTHING UINT64_C(0)

/* Released at one look. */
#define RELEASED_AT_ONCE 128

struct box {
	void *pointer;	  /* never changes */
	struct box *next; /* in the list of those that wait */
	uint64_t stamp;	  /* since when it waits */
};

struct conc_ref {
	struct conc_object object;
	_Atomic uint64_t word;
	enum conc_lifetime values;
	struct conc_value_ops value_ops;
	/* RETAINED only, and no affair of readers: a line of its own. */
	_Alignas(CONC_LINE) _Atomic(struct box *) waiting;
	/* A hint: when this has passed, something in the list has. */
	_Atomic uint64_t waiting_since;
	struct conc_lock giving;  /* tried only */
	struct box *passed;	  /* under it: the older part of those that wait */
	_Atomic bool some_passed; /* a hint */
	struct conc_wait_hooks wait;
};

int conc_ref_new(const struct conc_ref_attr *attr, conc_ref **out)
{
	struct conc_ref_attr own = CONC_REF_ATTR_INIT;
	struct conc_value_ops value_ops = CONC_VALUE_OPS_INIT;
	struct conc_wait_hooks wait = CONC_WAIT_HOOKS_INIT;
	conc_ref *ref;
	int rc;

	if (out == NULL || conc_growing_take(&own, sizeof(own), attr) < 0 ||
	    conc_growing_take(&value_ops, sizeof(value_ops), own.value_ops) < 0 ||
	    conc_growing_take(&wait, sizeof(wait), own.wait) < 0)
		return -EINVAL;
	rc = lifetime_check(own.values, &value_ops);
	if (rc < 0)
		return rc;
	ref = conc_alloc_lines(sizeof(*ref));
	if (ref == NULL)
		return -ENOMEM;
	conc_object_mark(ref);
	ref->values = own.values;
	ref->value_ops = value_ops;
	ref->wait = wait;
	*out = ref;
	return 0;
}

/* --- words --------------------------------------------------------------- */

static uint64_t load_word(const conc_ref *ref)
{
	return atomic_load_explicit(&ref->word, memory_order_seq_cst);
}

static bool holds_pointer(const conc_ref *ref, uint64_t word)
{
	return word != NOTHING && word_is_pointer(ref->values, word);
}

/* RETAINED, and not a number. */
static bool is_box(const conc_ref *ref, uint64_t word)
{
	return ref->values == CONC_VALUE_RETAINED && holds_pointer(ref, word);
}

static struct box *box_of(uint64_t word)
{
	return word_pointer(word);
}

/* A box: inside a section, or one's own. */
static CONC_INLINE void read_word(const conc_ref *ref, uint64_t word,
				  struct conc_value *value)
{
	value->kind = CONC_ABSENT;
	if (word == NOTHING)
		return;
	word_decode(ref->values, word, value);
	if (is_box(ref, word))
		value->u.pointer = box_of(word)->pointer;
}

/* The word for a value, in a box if it needs one. */
static CONC_INLINE int make_word(const conc_ref *ref,
				 const struct conc_value *value, uint64_t *word)
{
	struct box *box;
	int rc;

	*word = NOTHING;
	if (value != NULL && value->kind == CONC_ABSENT)
		return 0;
	rc = word_encode(ref->values, value, word);
	if (rc < 0 || !is_box(ref, *word))
		return rc;
	box = conc_alloc(sizeof(*box));
	if (box == NULL)
		return -ENOMEM;
	box->pointer = value->u.pointer;
	*word = (uintptr_t)box;
	return 0;
}

/* Of a word that was not stored: the reference stays with the caller. */
static void discard_word(const conc_ref *ref, uint64_t word)
{
	if (is_box(ref, word))
		conc_release(box_of(word));
}

static void release_pointer(const conc_ref *ref, void *pointer)
{
	ref->value_ops.release(pointer, ref->value_ops.user);
}

/* --- boxes that wait ----------------------------------------------------- */

/*
 * Puts a box into the list; from then on another thread may free it.  Release:
 * pairs with the acquire in take_waiting().
 */
static void push_chain(conc_ref *ref, struct box *first, struct box *last)
{
	uint64_t stamp = last->stamp;
	struct box *next = atomic_load_explicit(&ref->waiting,
						memory_order_relaxed);

	do {
		last->next = next;
	} while (!atomic_compare_exchange_weak_explicit(
		&ref->waiting, &next, first, memory_order_release,
		memory_order_relaxed));
	if (next == NULL)
		atomic_store_explicit(&ref->waiting_since, stamp,
				      memory_order_relaxed);
}

static struct box *take_waiting(conc_ref *ref)
{
	return atomic_exchange_explicit(&ref->waiting, NULL,
					memory_order_acquire);
}

/* The box was swapped out of the word, sequentially consistent, just now. */
static void retire(conc_ref *ref, struct box *box)
{
	box->stamp = conc_rcu_stamp();
	CONC_YIELD_POINT();
	push_chain(ref, box, box);
	conc_rcu_waits(conc_rcu_reader(), sizeof(*box));
}

/*
 * The newest of the list, down to the first that has passed, go back to it; what
 * is below becomes `passed', whose stamps are looked at again: two threads may
 * have pushed in another order than they were stamped.
 */
static void split_waiting(conc_ref *ref)
{
	struct box *newest = take_waiting(ref), *last = NULL, *box = newest;

	while (box != NULL && !conc_rcu_passed(box->stamp)) {
		last = box;
		box = box->next;
	}
	ref->passed = box;
	if (last == NULL)
		return;
	last->next = NULL;
	push_chain(ref, newest, last);
}

/* Under the lock: those that no reader can have, not too many at once. */
static struct box *take_passed(conc_ref *ref)
{
	struct box *first, **link = &first;

	if (ref->passed == NULL)
		split_waiting(ref);
	first = ref->passed;
	for (int n = 0; n < RELEASED_AT_ONCE && *link != NULL &&
			conc_rcu_passed((*link)->stamp); n++)
		link = &(*link)->next;
	ref->passed = *link;
	*link = NULL;
	return first;
}

/* Runs callbacks: what is given back is in no list any more. */
static void give_back(conc_ref *ref, struct box *box)
{
	while (box != NULL) {
		struct box *next = box->next;
		void *pointer = box->pointer;

		conc_rcu_waits_no_more(sizeof(*box));
		conc_release(box);
		release_pointer(ref, pointer);
		box = next;
	}
}

/* relaxed: a hint.  `passed' is looked at under the lock. */
static bool something_has_passed(conc_ref *ref)
{
	return atomic_load_explicit(&ref->some_passed, memory_order_relaxed) ||
	       (atomic_load_explicit(&ref->waiting, memory_order_relaxed) != NULL &&
		conc_rcu_passed(atomic_load_explicit(&ref->waiting_since,
						     memory_order_relaxed)));
}

/* Outside of sections.  False: nothing was there, or somebody else is at it. */
static bool give_back_passed(conc_ref *ref)
{
	conc_reader *reader = conc_rcu_reader();
	struct box *box;

	if (!something_has_passed(ref) || !conc_lock_try(&ref->giving))
		return false;
	box = take_passed(ref);
	atomic_store_explicit(&ref->some_passed, ref->passed != NULL,
			      memory_order_relaxed);
	conc_lock_release(&ref->giving);
	conc_rcu_drains(reader, true);
	give_back(ref, box);
	conc_rcu_drains(reader, false);
	return box != NULL;
}

/* The end of an operation that changed the word of a RETAINED reference. */
static void settle(conc_ref *ref)
{
	conc_rcu_rest_without(&ref->wait);
	if (conc_rcu_may_release())
		give_back_passed(ref);
}

/* --- reading ------------------------------------------------------------- */

/*
 * TYPE_STABLE: takes a reference to the pointer that was read from `word'.  The
 * second look comes after that: taking one acquires.  A refusal means that the
 * object was dying, so another is in the word by now.  False: read it again.
 */
static CONC_INLINE bool retain_stable(const conc_ref *ref, uint64_t word,
				      void *pointer)
{
	CONC_YIELD_POINT();
	if (!ref->value_ops.try_retain(pointer, ref->value_ops.user))
		return false;
	CONC_YIELD_POINT();
	if (load_word(ref) == word)
		return true;
	release_pointer(ref, pointer);
	return false;
}

static CONC_NOINLINE void get_retained(conc_ref *ref, struct conc_value *value)
{
	conc_reader *reader = conc_rcu_enter();

	read_word(ref, load_word(ref), value);
	CONC_YIELD_POINT();
	if (value->kind == CONC_POINTER)
		ref->value_ops.retain(value->u.pointer, ref->value_ops.user);
	conc_rcu_leave(reader);
	if (CONC_UNLIKELY(conc_rcu_rest(reader, NULL)))
		give_back_passed(ref);
}

static CONC_NOINLINE void get_type_stable(const conc_ref *ref, struct conc_value *value)
{
	uint64_t word;

	do {
		word = load_word(ref);
		read_word(ref, word, value);
	} while (value->kind == CONC_POINTER &&
		 !retain_stable(ref, word, value->u.pointer));
}

int conc_ref_get(conc_ref *ref, struct conc_value *value)
{
	if (!conc_is_ours(ref) || value == NULL)
		return -EINVAL;
	if (ref->values == CONC_VALUE_TYPE_STABLE)
		get_type_stable(ref, value);
	else if (ref->values == CONC_VALUE_RETAINED)
		get_retained(ref, value);
	else
		read_word(ref, load_word(ref), value);
	return 0;
}

/* --- replacing ----------------------------------------------------------- */

/* A word that was swapped out: into *old, or released if that is NULL. */
static void dispose(conc_ref *ref, uint64_t word, struct conc_value *old)
{
	if (old != NULL)
		read_word(ref, word, old);
	if (is_box(ref, word)) {
		/* The box keeps its reference for late readers. */
		if (old != NULL)
			ref->value_ops.retain(old->u.pointer,
					      ref->value_ops.user);
		retire(ref, box_of(word));
	} else if (old == NULL && ref->values == CONC_VALUE_TYPE_STABLE &&
		   holds_pointer(ref, word)) {
		release_pointer(ref, word_pointer(word));
	}
	if (ref->values == CONC_VALUE_RETAINED)
		settle(ref);
}

static int replace(conc_ref *ref, const struct conc_value *value,
		   struct conc_value *old)
{
	uint64_t word;
	int rc;

	if (!conc_is_ours(ref))
		return -EINVAL;
	rc = make_word(ref, value, &word);
	if (rc < 0)
		return rc;
	word = atomic_exchange_explicit(&ref->word, word, memory_order_seq_cst);
	CONC_YIELD_POINT();
	dispose(ref, word, old);
	return 0;
}

int conc_ref_set(conc_ref *ref, const struct conc_value *value)
{
	return replace(ref, value, NULL);
}

int conc_ref_exchange(conc_ref *ref, const struct conc_value *value,
		      struct conc_value *old)
{
	return old == NULL ? -EINVAL : replace(ref, value, old);
}

/* Boxes: inside a section.  False: *value is what it holds instead. */
static bool swap_if(conc_ref *ref, const struct conc_value *expected,
		    uint64_t word, uint64_t *old, struct conc_value *value)
{
	*old = load_word(ref);
	do {
		CONC_YIELD_POINT();
		read_word(ref, *old, value);
		if (!value_is_same(value, expected))
			return false;
	} while (!atomic_compare_exchange_weak_explicit(
		&ref->word, old, word, memory_order_seq_cst,
		memory_order_seq_cst));
	return true;
}

/*
 * What the reference holds in place of what was expected, as a reference of the
 * caller's.  RETAINED: inside the section in which it was read.  False: it
 * cannot be had any more, so it is time for another look.
 */
static bool show(const conc_ref *ref, uint64_t word,
		 const struct conc_value *value)
{
	if (value->kind != CONC_POINTER)
		return true;
	if (ref->values == CONC_VALUE_TYPE_STABLE)
		return retain_stable(ref, word, value->u.pointer);
	if (ref->values == CONC_VALUE_RETAINED)
		ref->value_ops.retain(value->u.pointer, ref->value_ops.user);
	return true;
}

/* Not the whole of it: `len' is the caller's. */
static void hand_out(const struct conc_value *value, struct conc_value *present)
{
	present->kind = value->kind;
	if (value->kind != CONC_ABSENT)
		present->u = value->u;
}

int conc_ref_compare_exchange(conc_ref *ref, const struct conc_value *expected,
			      const struct conc_value *desired,
			      struct conc_value *present)
{
	struct conc_value value = {.kind = CONC_ABSENT};
	uint64_t word, old;
	bool swapped, shown;
	int rc;

	if (!conc_is_ours(ref) || expected == NULL || !value_is_known(expected))
		return -EINVAL;
	rc = make_word(ref, desired, &word);
	if (rc < 0)
		return rc;
	do {
		conc_reader *reader = NULL;

		if (ref->values == CONC_VALUE_RETAINED)
			reader = conc_rcu_enter();
		swapped = swap_if(ref, expected, word, &old, &value);
		shown = swapped || present == NULL || show(ref, old, &value);
		if (ref->values == CONC_VALUE_RETAINED)
			conc_rcu_leave(reader);
	} while (!shown);
	if (swapped)
		dispose(ref, old, NULL);
	else
		discard_word(ref, word);
	if (swapped)
		value.kind = CONC_ABSENT;
	if (present != NULL)
		hand_out(&value, present);
	return swapped ? 0 : -EAGAIN;
}

/* --- ending -------------------------------------------------------------- */

void conc_ref_clear(conc_ref *ref)
{
	const struct conc_value nothing = {.kind = CONC_ABSENT};

	if (!conc_is_ours(ref))
		return;
	replace(ref, &nothing, NULL);
	while (conc_rcu_rest_now() && give_back_passed(ref))
		;
}

/* Nobody can be reading: no grace period is needed. */
void conc_ref_free(conc_ref *ref)
{
	uint64_t word;

	if (!conc_is_ours(ref))
		return;
	word = load_word(ref);
	if (is_box(ref, word))
		retire(ref, box_of(word));
	else if (ref->values == CONC_VALUE_TYPE_STABLE && holds_pointer(ref, word))
		release_pointer(ref, word_pointer(word));
	give_back(ref, ref->passed);
	give_back(ref, take_waiting(ref));
	conc_release(ref);
}

int conc_ref_traverse(conc_ref *ref, int (*visit)(void *object, void *user),
		      void *user)
{
	struct conc_value value;
	struct box *box;
	int rc = 0;

	if (!conc_is_ours(ref) || visit == NULL)
		return -EINVAL;
	read_word(ref, load_word(ref), &value);
	if (value.kind == CONC_POINTER && ref->values != CONC_VALUE_BORROWED)
		rc = visit(value.u.pointer, user);
	box = atomic_load_explicit(&ref->waiting, memory_order_acquire);
	for (; rc == 0 && box != NULL; box = box->next)
		rc = visit(box->pointer, user);
	for (box = ref->passed; rc == 0 && box != NULL; box = box->next)
		rc = visit(box->pointer, user);
	return rc;
}
