/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Concurrency Kit: its hash table for one writer and many readers, and its ring
 * for many producers and consumers.
 */
#include <ck_ht.h>
#include <ck_ring.h>
#include <stdbool.h>
#include <stdlib.h>

#include "loops.h"
#include "peer.h"

/* ---- ck_ht -------------------------------------------------------------- */

static void *ck_take(size_t size)
{
	return malloc(size);
}

/* Nobody reads while the one writer writes, so nothing need be deferred. */
static void ck_release(void *memory, size_t size, bool defer)
{
	(void)size;
	(void)defer;
	free(memory);
}

static struct ck_malloc allocator = {.malloc = ck_take, .free = ck_release};

static void hash_entry(struct ck_ht_hash *hash, const void *key, size_t length,
		       uint64_t seed)
{
	(void)length;
	(void)seed;
	hash->value = hash_key((int64_t)*(const uintptr_t *)key);
}

static inline bool find(ck_ht_t *map, int64_t key, ck_ht_entry_t *entry,
			ck_ht_hash_t *hash)
{
	/* 0 is no key for it. */
	ck_ht_hash_direct(hash, map, (uintptr_t)key + 1);
	ck_ht_entry_key_set_direct(entry, (uintptr_t)key + 1);
	return ck_ht_get_spmc(map, *hash, entry);
}

static inline int64_t map_get(ck_ht_t *map, int64_t key)
{
	ck_ht_entry_t entry;
	ck_ht_hash_t hash;

	return find(map, key, &entry, &hash)
		       ? (int64_t)ck_ht_entry_value_direct(&entry)
		       : 0;
}

static inline void map_set(ck_ht_t *map, int64_t key, int64_t value)
{
	ck_ht_entry_t entry;
	ck_ht_hash_t hash;

	ck_ht_hash_direct(&hash, map, (uintptr_t)key + 1);
	ck_ht_entry_set_direct(&entry, hash, (uintptr_t)key + 1,
			       (uintptr_t)value);
	if (!ck_ht_set_spmc(map, hash, &entry))
		abort();
}

static inline void map_delete(ck_ht_t *map, int64_t key)
{
	ck_ht_entry_t entry;
	ck_ht_hash_t hash;

	ck_ht_hash_direct(&hash, map, (uintptr_t)key + 1);
	ck_ht_entry_key_set_direct(&entry, (uintptr_t)key + 1);
	ck_ht_remove_spmc(map, hash, &entry);
}

static inline void map_add(ck_ht_t *map, int64_t key)
{
	map_set(map, key, map_get(map, key) + 1);
}

#define BENCH_MAP ck_ht_t
#include "loops.h"

static void *make_map(size_t expected)
{
	ck_ht_t *map = malloc(sizeof(*map));

	(void)expected;
	if (map != NULL &&
	    !ck_ht_init(map, CK_HT_MODE_DIRECT, hash_entry, &allocator, 16, 1))
		abort();
	return map;
}

static void destroy_map(void *map)
{
	ck_ht_destroy(map);
	free(map);
}

static const struct library ht = {
	.kind = KIND_MAP,
	.name = "ck_ht",
	.how = "out of line",
	.differs = "one writer, and its caller reclaims the memory",
	.cannot = NEEDS_MANY_WRITERS,
	.make = make_map,
	.destroy = destroy_map,
	.run = run_map,
};

/* ---- ck_ring ------------------------------------------------------------ */

struct ring {
	ck_ring_t ring;
	ck_ring_buffer_t slots[];
};

static inline int queue_try_push(struct ring *ring, void *item)
{
	return ck_ring_enqueue_mpmc(&ring->ring, ring->slots, item);
}

static inline void *queue_try_pop(struct ring *ring)
{
	void *item;

	return ck_ring_dequeue_mpmc(&ring->ring, ring->slots, &item) ? item
								     : NULL;
}

static inline void *queue_pop(struct ring *ring)
{
	return queue_try_pop(ring);
}

#define BENCH_QUEUE struct ring
#include "loops.h"

/* It holds one item fewer than it has slots. */
static void *make_ring(size_t capacity)
{
	unsigned slots = 2;
	struct ring *ring;
	void *memory;

	while (slots <= capacity)
		slots *= 2;
	if (posix_memalign(&memory, 64,
			   sizeof(*ring) + slots * sizeof(ring->slots[0])))
		return NULL;
	ring = memory;
	ck_ring_init(&ring->ring, slots);
	return ring;
}

static const struct library ring = {
	.kind = KIND_QUEUE,
	.name = "ck_ring",
	.how = "inlined",
	.differs = "bounded",
	.cannot = NEEDS_WAIT,
	.make = make_ring,
	.destroy = free,
	.run = run_queue,
};

const struct library *const libraries[] = {&ht, &ring, NULL};
