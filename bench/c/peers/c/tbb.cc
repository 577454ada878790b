/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* oneTBB's maps and queues. */
#include <atomic>
#include <string>
#include <tbb/concurrent_hash_map.h>
#include <tbb/concurrent_queue.h>
#include <tbb/concurrent_unordered_map.h>

#include "cxx_library.h"
#include "loops.h"

namespace {

/* ---- concurrent_hash_map: an accessor holds the entry's lock ------------ */

struct compare_keys {
	static size_t hash(int64_t key) { return hash_key(key); }
	static bool equal(int64_t a, int64_t b) { return a == b; }
};

typedef tbb::concurrent_hash_map<int64_t, int64_t, compare_keys> hash_map;
typedef tbb::concurrent_hash_map<std::string, int64_t> string_map;

template <class Map, class Key> int64_t value_of(const Map &map, const Key &key)
{
	typename Map::const_accessor entry;
	return map.find(entry, key) ? entry->second : 0;
}

template <class Map, class Key>
void store(Map &map, const Key &key, int64_t value)
{
	typename Map::accessor entry;
	map.insert(entry, key);
	entry->second = value;
}

inline int64_t map_get(hash_map *map, int64_t key)
{
	return value_of(*map, key);
}

inline void map_set(hash_map *map, int64_t key, int64_t value)
{
	store(*map, key, value);
}

inline void map_delete(hash_map *map, int64_t key)
{
	map->erase(key);
}

inline void map_add(hash_map *map, int64_t key)
{
	hash_map::accessor entry;
	map->insert(entry, key);
	entry->second++;
}

inline int64_t string_get(string_map *map, const std::string *key)
{
	return value_of(*map, *key);
}

inline void string_set(string_map *map, const std::string *key, int64_t value)
{
	store(*map, *key, value);
}

#define BENCH_MAP hash_map
#define BENCH_STRINGS string_map
#define BENCH_PROBE std::string
#include "loops.h"

/* ---- concurrent_unordered_map ------------------------------------------- */

namespace unordered {

/* The entry must be one that is copied, which an atomic is not. */
struct number {
	std::atomic<int64_t> value;
	number(int64_t n = 0) : value(n) {}
	number(const number &from) : value(from.value.load()) {}
};

typedef tbb::concurrent_unordered_map<int64_t, number, mixed_hash> map_type;

inline int64_t map_get(map_type *map, int64_t key)
{
	auto found = map->find(key);
	return found == map->end()
		       ? 0
		       : found->second.value.load(std::memory_order_acquire);
}

inline void map_set(map_type *map, int64_t key, int64_t value)
{
	(*map)[key].value.store(value, std::memory_order_release);
}

inline void map_delete(map_type *map, int64_t key)
{
	map->unsafe_erase(key);
}

inline void map_add(map_type *map, int64_t key)
{
	(*map)[key].value.fetch_add(1);
}

#define BENCH_MAP map_type
#include "loops.h"

struct library make_library()
{
	struct library library = library_of<map_type>(
		KIND_MAP, "tbb::concurrent_unordered_map", run_map);

	library.differs = "cannot delete while others use it";
	library.cannot = NEEDS_DELETE;
	return library;
}

} // namespace unordered

/* ---- queues ------------------------------------------------------------- */

namespace unbounded {

typedef tbb::concurrent_queue<void *> queue_type;

inline int queue_try_push(queue_type *queue, void *item)
{
	queue->push(item);
	return 1;
}

inline void *queue_try_pop(queue_type *queue)
{
	void *item;
	return queue->try_pop(item) ? item : nullptr;
}

inline void *queue_pop(queue_type *queue)
{
	return queue_try_pop(queue);
}

#define BENCH_QUEUE queue_type
#include "loops.h"

struct library make_library()
{
	struct library library = library_of<queue_type>(
		KIND_QUEUE, "tbb::concurrent_queue", run_queue);

	library.cannot = NEEDS_WAIT;
	return library;
}

} // namespace unbounded

namespace bounded {

typedef tbb::concurrent_bounded_queue<void *> queue_type;

inline int queue_try_push(queue_type *queue, void *item)
{
	return queue->try_push(item);
}

inline void *queue_try_pop(queue_type *queue)
{
	void *item;
	return queue->try_pop(item) ? item : nullptr;
}

inline void *queue_pop(queue_type *queue)
{
	void *item;
	queue->pop(item);
	return item;
}

#define BENCH_QUEUE queue_type
#include "loops.h"

void *make_queue(size_t capacity)
{
	queue_type *queue = new queue_type();
	queue->set_capacity(static_cast<queue_type::size_type>(capacity));
	return queue;
}

struct library make_library()
{
	struct library library = library_of<queue_type>(
		KIND_QUEUE, "tbb::concurrent_bounded_queue", run_queue);

	library.differs = "bounded";
	library.make = make_queue;
	return library;
}

} // namespace bounded

const struct library
	ints = library_of<hash_map>(KIND_MAP, "tbb::concurrent_hash_map",
				    run_map),
	strings = strings_of<string_map>("tbb::concurrent_hash_map",
					 run_strings, fill_strings),
	unordered_ints = unordered::make_library(),
	queue = unbounded::make_library(),
	bounded_queue = bounded::make_library();

} // namespace

const struct library *const libraries[] = {
	&ints, &strings, &unordered_ints, &queue, &bounded_queue, nullptr,
};
