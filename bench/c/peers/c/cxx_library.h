/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the C++ peers share: a struct library for a type, and string keys. */
#ifndef BENCH_CXX_LIBRARY_H
#define BENCH_CXX_LIBRARY_H

#include <string>

#include "bench.h"
#include "peer.h"

struct mixed_hash {
	size_t operator()(int64_t key) const { return hash_key(key); }
};

template <class T> void *make_object(size_t)
{
	return new T();
}

template <class T> void destroy_object(void *object)
{
	delete static_cast<T *>(object);
}

template <class T>
struct library library_of(enum kind kind, const char *name,
			  int64_t (*run)(const struct task *))
{
	struct library library = {};

	library.kind = kind;
	library.name = name;
	library.how = "inlined template";
	library.make = make_object<T>;
	library.destroy = destroy_object<T>;
	library.run = run;
	return library;
}

/* Keys as std::string, made before the clock starts. */
inline const void *prepare_strings(const char *keys, size_t count)
{
	std::string *strings = new std::string[count];

	for (size_t i = 0; i < count; i++)
		strings[i].assign(keys + i * STRING_LENGTH, STRING_LENGTH);
	return strings;
}

template <class T>
struct library strings_of(const char *name, int64_t (*run)(const struct task *),
			  void (*fill)(void *, const void *, size_t))
{
	struct library library = library_of<T>(KIND_STRINGS, name, run);

	library.prepare = prepare_strings;
	library.fill = fill;
	return library;
}

#endif
