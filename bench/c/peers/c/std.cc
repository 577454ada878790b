/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The C++ library's own containers behind one lock, as most programs have it. */
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <unordered_map>

#include "cxx_library.h"
#include "loops.h"

namespace {

/* ---- maps: Reading and Writing are how Mutex is held -------------------- */

template <class Key, class Hash, class Mutex, class Reading> struct locked_map {
	Mutex mutex;
	std::unordered_map<Key, int64_t, Hash> map;

	int64_t get(const Key &key)
	{
		Reading hold(mutex);
		auto found = map.find(key);
		return found == map.end() ? 0 : found->second;
	}
	void set(const Key &key, int64_t value)
	{
		std::lock_guard<Mutex> hold(mutex);
		map[key] = value;
	}
	void remove(const Key &key)
	{
		std::lock_guard<Mutex> hold(mutex);
		map.erase(key);
	}
	void add(const Key &key)
	{
		std::lock_guard<Mutex> hold(mutex);
		map[key]++;
	}
};

template <class Key, class Hash>
using mutex_map =
	locked_map<Key, Hash, std::mutex, std::lock_guard<std::mutex>>;
template <class Key, class Hash>
using shared_mutex_map = locked_map<Key, Hash, std::shared_mutex,
				    std::shared_lock<std::shared_mutex>>;

template <class Map> int64_t map_get(Map *map, int64_t key)
{
	return map->get(key);
}
template <class Map> void map_set(Map *map, int64_t key, int64_t value)
{
	map->set(key, value);
}
template <class Map> void map_delete(Map *map, int64_t key)
{
	map->remove(key);
}
template <class Map> void map_add(Map *map, int64_t key)
{
	map->add(key);
}
template <class Map> int64_t string_get(Map *map, const std::string *key)
{
	return map->get(*key);
}
template <class Map>
void string_set(Map *map, const std::string *key, int64_t value)
{
	map->set(*key, value);
}

typedef mutex_map<int64_t, mixed_hash> int_mutex_map;
typedef shared_mutex_map<int64_t, mixed_hash> int_shared_mutex_map;
typedef mutex_map<std::string, std::hash<std::string>> string_mutex_map;
typedef shared_mutex_map<std::string, std::hash<std::string>>
	string_shared_mutex_map;

namespace with_mutex {
#define BENCH_MAP int_mutex_map
#define BENCH_STRINGS string_mutex_map
#define BENCH_PROBE std::string
#include "loops.h"
}

namespace with_shared_mutex {
#define BENCH_MAP int_shared_mutex_map
#define BENCH_STRINGS string_shared_mutex_map
#define BENCH_PROBE std::string
#include "loops.h"
}

/* ---- a deque, a mutex and a condition variable -------------------------- */

struct locked_queue {
	std::mutex mutex;
	std::condition_variable arrived;
	std::deque<void *> items;
};

inline int queue_try_push(locked_queue *queue, void *item)
{
	{
		std::lock_guard<std::mutex> hold(queue->mutex);
		queue->items.push_back(item);
	}
	queue->arrived.notify_one();
	return 1;
}

inline void *first(locked_queue *queue)
{
	void *item = queue->items.front();
	queue->items.pop_front();
	return item;
}

inline void *queue_try_pop(locked_queue *queue)
{
	std::lock_guard<std::mutex> hold(queue->mutex);
	return queue->items.empty() ? nullptr : first(queue);
}

inline void *queue_pop(locked_queue *queue)
{
	std::unique_lock<std::mutex> hold(queue->mutex);
	queue->arrived.wait(hold, [=] { return !queue->items.empty(); });
	return first(queue);
}

#define BENCH_QUEUE locked_queue
#include "loops.h"

/* ---- a counter ---------------------------------------------------------- */

int64_t run_counter(const struct task *task)
{
	auto *counter = static_cast<std::atomic<int64_t> *>(task->object);

	for (size_t i = 0; i < task->count; i++)
		counter->fetch_add(1);
	return 0;
}

int64_t counter_value(void *counter)
{
	return *static_cast<std::atomic<int64_t> *>(counter);
}

struct library counter_library()
{
	typedef std::atomic<int64_t> counter;
	struct library library =
		library_of<counter>(KIND_COUNTER, "std::atomic", run_counter);

	library.value = counter_value;
	return library;
}

const char under_mutex[] = "std::unordered_map + mutex";
const char under_shared_mutex[] = "std::unordered_map + shared_mutex";

const struct library
	mutex_ints = library_of<int_mutex_map>(KIND_MAP, under_mutex,
					       with_mutex::run_map),
	shared_ints =
		library_of<int_shared_mutex_map>(KIND_MAP, under_shared_mutex,
						 with_shared_mutex::run_map),
	mutex_strings = strings_of<string_mutex_map>(under_mutex,
						     with_mutex::run_strings,
						     with_mutex::fill_strings),
	shared_strings = strings_of<string_shared_mutex_map>(
		under_shared_mutex, with_shared_mutex::run_strings,
		with_shared_mutex::fill_strings),
	queue = library_of<locked_queue>(KIND_QUEUE, "std::deque + mutex",
					 run_queue),
	counter = counter_library();

} // namespace

const struct library *const libraries[] = {
	&mutex_ints, &shared_ints, &mutex_strings, &shared_strings,
	&queue, &counter, nullptr,
};
