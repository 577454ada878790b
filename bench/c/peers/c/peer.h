/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The peers in C and C++, a program for each project, and the floor, which is
 * what the machine can do.  A file here includes bench.h, loops.h, headers of
 * this directory and those of what it measures; it knows nothing of driver/, of
 * ours/ and of the other peers.
 *
 * Here: for peers that leave hashing to their caller, about what ours does
 * itself.
 */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include <stdint.h>

static inline uint64_t hash_key(int64_t key)
{
	uint64_t hash = (uint64_t)key * UINT64_C(0x9e3779b97f4a7c15);

	return hash ^ hash >> 32;
}

#endif
