/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "objects.h"

#include <pthread.h>
#include <stdlib.h>

#define POISON UINT64_C(0x6465616466726565)

#define CHUNK 1024

struct chunk {
	struct chunk *next;
	struct object objects[CHUNK];
};

/* A stack under a lock: the last freed is the next made, so memory comes back soon. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct object *free_objects;
static struct chunk *chunks;
static _Atomic int64_t alive;

static void add_chunk(void)
{
	struct chunk *chunk = calloc(1, sizeof(*chunk));

	soak_check(chunk != NULL);
	chunk->next = chunks;
	chunks = chunk;
	for (int i = 0; i < CHUNK; i++) {
		chunk->objects[i].next = free_objects;
		free_objects = &chunk->objects[i];
	}
}

struct object *object_new(uint64_t content)
{
	struct object *object;

	pthread_mutex_lock(&lock);
	if (free_objects == NULL)
		add_chunk();
	object = free_objects;
	free_objects = object->next;
	pthread_mutex_unlock(&lock);
	soak_check(atomic_load(&object->references) == 0);
	atomic_store(&object->content, content);
	atomic_store(&object->references, 1);
	atomic_fetch_add(&alive, 1);
	return object;
}

/* At 0 references nobody can take one, until it is made anew. */
static void object_free(struct object *object)
{
	atomic_store(&object->content, POISON);
	atomic_fetch_sub(&alive, 1);
	pthread_mutex_lock(&lock);
	object->next = free_objects;
	free_objects = object;
	pthread_mutex_unlock(&lock);
}

void object_release(struct object *object)
{
	int64_t count = atomic_fetch_sub(&object->references, 1);

	soak_check(count > 0);
	if (count == 1)
		object_free(object);
}

static void retain(void *value, void *user)
{
	struct object *object = value;

	(void)user;
	soak_check(atomic_fetch_add(&object->references, 1) > 0);
}

static bool try_retain(void *value, void *user)
{
	struct object *object = value;
	int64_t count = atomic_load(&object->references);

	(void)user;
	while (count > 0)
		if (atomic_compare_exchange_weak(&object->references, &count,
						 count + 1))
			return true;
	return false;
}

static void release(void *value, void *user)
{
	(void)user;
	object_release(value);
}

const struct conc_value_ops object_ops = {
	.size = sizeof(struct conc_value_ops),
	.retain = retain,
	.try_retain = try_retain,
	.release = release,
};

uint64_t object_consume(const struct conc_value *value)
{
	struct object *object = value->u.pointer;
	uint64_t content;

	soak_check(value->kind == CONC_POINTER);
	content = atomic_load(&object->content);
	soak_check(content != POISON);
	object_release(object);
	return content;
}

int64_t objects_alive(void)
{
	return atomic_load(&alive);
}

void objects_end(void)
{
	while (chunks != NULL) {
		struct chunk *next = chunks->next;

		free(chunks);
		chunks = next;
	}
	free_objects = NULL;
}
