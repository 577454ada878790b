/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What heap.c counts. */
#ifndef BENCH_HEAP_H
#define BENCH_HEAP_H

#include <stdatomic.h>
#include <stddef.h>

/* Bytes, as malloc_usable_size() tells them. */
struct heap {
	_Atomic size_t in_use;
	_Atomic size_t peak; /* the most since somebody last wrote here */
};

/* The name that memory.c looks up: it is there only if heap.so was preloaded. */
#define HEAP_SYMBOL "bench_heap"

#endif
