/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the programs keep in the structures.  The content of each is written and
 * read plainly: so who reads it without the order that it needs is found as a
 * data race, and who reads it too late as a use after free.
 */
#ifndef EXPLORE_OBJECTS_H
#define EXPLORE_OBJECTS_H

#include <concurrency/common.h>

#include <stdatomic.h>

#include "explore.h"
#include "base/memory.h"

/* One owner at a time. */
struct note {
	int content;
};

static inline struct note *note_new(int content)
{
	struct note *note = conc_alloc(sizeof(*note));

	note->content = content;
	return note;
}

static inline int note_read(const struct note *note)
{
	return note->content;
}

/* Counted, and freed with the last reference: a CONC_VALUE_RETAINED value. */
struct counted {
	_Atomic int references;
	int content;
};

static inline struct counted *counted_new(int content)
{
	struct counted *object = conc_alloc(sizeof(*object));

	object->content = content;
	atomic_store_explicit(&object->references, 1, memory_order_relaxed);
	return object;
}

static inline void counted_retain(void *pointer, void *user)
{
	struct counted *object = pointer;

	(void)user;
	EXPLORE_ASSERT(atomic_fetch_add_explicit(&object->references, 1,
						 memory_order_relaxed) > 0);
}

static inline void counted_release(void *pointer, void *user)
{
	struct counted *object = pointer;
	int before;

	(void)user;
	before = atomic_fetch_sub_explicit(&object->references, 1,
					   memory_order_acq_rel);
	EXPLORE_ASSERT(before > 0);
	if (before == 1)
		conc_release(object);
}

/*
 * Counted, in memory that is only ever used for another of the same kind, and
 * soon: a CONC_VALUE_TYPE_STABLE value.
 */
struct stable {
	_Atomic int references;
	int content;
};

#define STABLE_MOST 4
static struct stable stable_memory[STABLE_MOST];
static _Atomic bool stable_used[STABLE_MOST];

static inline struct stable *stable_new(int content)
{
	struct stable *object = NULL;

	for (int i = 0; i < STABLE_MOST && object == NULL; i++)
		if (!atomic_exchange_explicit(&stable_used[i], true,
					      memory_order_acquire))
			object = &stable_memory[i];
	EXPLORE_ASSERT(object != NULL);
	object->content = content;
	/* Releases the content to who takes a reference by mistake. */
	atomic_store_explicit(&object->references, 1, memory_order_release);
	return object;
}

static inline bool stable_try_retain(void *pointer, void *user)
{
	struct stable *object = pointer;
	int references = atomic_load_explicit(&object->references,
					      memory_order_relaxed);

	(void)user;
	while (references > 0)
		if (atomic_compare_exchange_weak_explicit(
			    &object->references, &references, references + 1,
			    memory_order_acquire, memory_order_relaxed))
			return true;
	return false;
}

static inline void stable_release(void *pointer, void *user)
{
	struct stable *object = pointer;
	int before;

	(void)user;
	before = atomic_fetch_sub_explicit(&object->references, 1,
					   memory_order_acq_rel);
	EXPLORE_ASSERT(before > 0);
	if (before == 1)
		atomic_store_explicit(&stable_used[object - stable_memory],
				      false, memory_order_release);
}

static inline void stable_assert_none_left(void)
{
	for (int i = 0; i < STABLE_MOST; i++)
		EXPLORE_ASSERT(!atomic_load_explicit(&stable_used[i],
						     memory_order_relaxed));
}

#endif
