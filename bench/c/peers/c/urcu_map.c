/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * liburcu's lock-free hash table, as its documentation has it used: the default
 * flavor with its read lock inlined, nodes from malloc, freed by call_rcu,
 * values changed in place.
 */
#include "liburcu.h"

#include <urcu.h>
#include <urcu/rculfhash.h>

#include "loops.h"
#include "peer.h"

struct entry {
	struct cds_lfht_node node;
	int64_t key;
	int64_t value;
	struct rcu_head head;
};

static int is_key(struct cds_lfht_node *node, const void *key)
{
	return caa_container_of(node, struct entry, node)->key ==
	       *(const int64_t *)key;
}

static inline struct entry *find(struct cds_lfht *map, int64_t key)
{
	struct cds_lfht_iter iterator;
	struct cds_lfht_node *node;

	cds_lfht_lookup(map, hash_key(key), is_key, &key, &iterator);
	node = cds_lfht_iter_get_node(&iterator);
	return node ? caa_container_of(node, struct entry, node) : NULL;
}

static struct entry *find_or_make(struct cds_lfht *map, int64_t key,
				  int64_t value, int *made)
{
	struct entry *entry = find(map, key);
	struct cds_lfht_node *node;

	*made = 0;
	if (entry != NULL)
		return entry;
	entry = malloc(sizeof(*entry));
	if (entry == NULL)
		abort();
	cds_lfht_node_init(&entry->node);
	entry->key = key;
	entry->value = value;
	node = cds_lfht_add_unique(map, hash_key(key), is_key, &key,
				   &entry->node);
	*made = node == &entry->node;
	if (!*made)
		free(entry);
	return caa_container_of(node, struct entry, node);
}

static inline int64_t map_get(struct cds_lfht *map, int64_t key)
{
	struct entry *entry;
	int64_t value = 0;

	rcu_read_lock();
	entry = find(map, key);
	if (entry != NULL)
		value = uatomic_read(&entry->value);
	rcu_read_unlock();
	return value;
}

static inline void map_set(struct cds_lfht *map, int64_t key, int64_t value)
{
	struct entry *entry;
	int made;

	rcu_read_lock();
	entry = find_or_make(map, key, value, &made);
	if (!made)
		uatomic_set(&entry->value, value);
	rcu_read_unlock();
}

static inline void map_add(struct cds_lfht *map, int64_t key)
{
	struct entry *entry;
	int made;

	rcu_read_lock();
	entry = find_or_make(map, key, 1, &made);
	if (!made)
		uatomic_inc(&entry->value);
	rcu_read_unlock();
}

static void free_entry(struct rcu_head *head)
{
	free(caa_container_of(head, struct entry, head));
}

static inline void map_delete(struct cds_lfht *map, int64_t key)
{
	struct entry *entry;

	rcu_read_lock();
	entry = find(map, key);
	if (entry != NULL && cds_lfht_del(map, &entry->node) == 0)
		call_rcu(&entry->head, free_entry);
	rcu_read_unlock();
}

#define BENCH_MAP struct cds_lfht
#include "loops.h"

static void begin(void)
{
	rcu_register_thread();
}

static void end(void)
{
	rcu_unregister_thread();
}

/* The driver's main thread loads and checks. */
__attribute__((constructor)) static void begin_main(void)
{
	rcu_register_thread();
}

static void *make_growing(size_t expected)
{
	(void)expected;
	return cds_lfht_new(16, 16, 0,
			    CDS_LFHT_AUTO_RESIZE | CDS_LFHT_ACCOUNTING, NULL);
}

static void *make_presized(size_t expected)
{
	size_t buckets = 1;

	while (buckets < (expected ? expected : 1000000))
		buckets *= 2;
	return cds_lfht_new(buckets, buckets, buckets, 0, NULL);
}

static void destroy(void *map)
{
	struct cds_lfht_iter iterator;
	struct entry *entry;

	rcu_read_lock();
	cds_lfht_for_each_entry(map, &iterator, entry, node) {
		cds_lfht_del(map, &entry->node);
		call_rcu(&entry->head, free_entry);
	}
	rcu_read_unlock();
	rcu_barrier();
	cds_lfht_destroy(map, NULL);
}

#define LFHT(variable, title, what_differs, function)                         \
	const struct library variable = {                                     \
		.kind = KIND_MAP,                                             \
		.name = title,                                                \
		.how = "table out of line, read lock inlined",                \
		.differs = what_differs,                                      \
		.make = function,                                             \
		.destroy = destroy,                                           \
		.run = run_map,                                               \
		.thread_begin = begin,                                        \
		.thread_end = end,                                            \
	}

LFHT(urcu_growing, "liburcu lfht", NULL, make_growing);
LFHT(urcu_presized, "liburcu lfht, presized", "is told the number of entries",
     make_presized);
