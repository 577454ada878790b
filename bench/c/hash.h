/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For peers that leave hashing to their caller: about what ours does itself. */
#ifndef BENCH_HASH_H
#define BENCH_HASH_H

#include <stdint.h>

static inline uint64_t hash_key(int64_t key)
{
	uint64_t hash = (uint64_t)key * UINT64_C(0x9e3779b97f4a7c15);

	return hash ^ hash >> 32;
}

#endif
