/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * glibc's allocator, counted.  It becomes heap.so, which only the programs that
 * measure memory preload: in those that measure time nothing is counted.
 *
 * Seen: every block that malloc and its like give out in this process, by
 * whatever language, and the bytes in it that can be used: rounding up counts.
 * Not seen: the word that glibc puts before each block (a structure made of
 * nodes takes 8 bytes more for each), what malloc keeps for later, and mappings
 * that a library makes by itself.  oneTBB would load an allocator that does; it
 * is told that there is none, and goes to malloc.
 */
#include "heap.h"

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <string.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *block);

struct heap bench_heap;

static void *add(void *block)
{
	size_t bytes = malloc_usable_size(block);
	size_t now = atomic_fetch_add(&bench_heap.in_use, bytes) + bytes;
	size_t peak = atomic_load(&bench_heap.peak);

	while (now > peak &&
	       !atomic_compare_exchange_weak(&bench_heap.peak, &peak, now))
		;
	return block;
}

static void subtract(size_t bytes)
{
	atomic_fetch_sub(&bench_heap.in_use, bytes);
}

void *malloc(size_t size)
{
	return add(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
	return add(__libc_calloc(count, size));
}

void *realloc(void *block, size_t size)
{
	size_t before = malloc_usable_size(block);
	void *moved = __libc_realloc(block, size);

	/* Else it failed and the block is still there. */
	if (moved != NULL || size == 0)
		subtract(before);
	return add(moved);
}

void free(void *block)
{
	subtract(malloc_usable_size(block));
	__libc_free(block);
}

void *memalign(size_t alignment, size_t size)
{
	return add(__libc_memalign(alignment, size));
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
	void *block = memalign(alignment, size);

	if (block == NULL)
		return ENOMEM;
	*out = block;
	return 0;
}

void *dlopen(const char *path, int mode)
{
	void *(*next)(const char *, int) =
		(void *(*)(const char *, int))(uintptr_t)dlsym(RTLD_NEXT,
							       "dlopen");

	if (path != NULL && strstr(path, "libtbbmalloc") != NULL)
		return NULL;
	return next(path, mode);
}
