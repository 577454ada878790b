/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef CONC_HASH_H
#define CONC_HASH_H

#include <stddef.h>
#include <stdint.h>

/*
 * Spreads every bit of a hash over all 64: user hashes are often small numbers
 * or addresses.  Multiplication by 2^64 / phi (Knuth, TAOCP 6.4), with the high
 * half folded down before and after, as the table uses both ends.
 */
static inline uint64_t conc_mix(uint64_t hash)
{
	hash ^= hash >> 32;
	hash *= UINT64_C(0x9E3779B97F4A7C15);
	hash ^= hash >> 29;
	hash *= UINT64_C(0x9E3779B97F4A7C15);
	return hash ^ hash >> 32;
}

/*
 * SipHash-1-3 of a byte string under a key drawn once per process, so that no
 * stranger can choose strings that collide (Aumasson and Bernstein, "SipHash: a
 * fast short-input PRF", 2012).
 */
uint64_t conc_hash_bytes(const void *bytes, size_t len);

#endif
