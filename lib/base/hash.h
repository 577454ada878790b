/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Hashes under secrets that each process draws for itself, so that a stranger
 * who chooses keys cannot choose such that share a chain.
 *
 * Byte strings: SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast
 * short-input PRF", 2012), which stands up to somebody who watches what it
 * does.  Integers, and the hashes of general keys: multiplication by a secret
 * number, which stands up to keys that were prepared beforehand, but may not to
 * somebody who learns the order of keys or times many reads (SECURITY.md).
 */
#ifndef CONC_HASH_H
#define CONC_HASH_H

#include <stddef.h>
#include <stdint.h>

/*
 * The secret of conc_mix(), odd.  The first call draws this process's secrets;
 * conc_hash_bytes() relies on that and does not ask.  A forked child keeps
 * them, as it keeps the dicts.
 */
uint64_t conc_hash_multiplier(void);

/*
 * Spreads every bit of a hash over all 64: user hashes are often small numbers
 * or addresses.  The high half is folded down before and after each
 * multiplication, as the table uses both ends.
 */
static inline uint64_t conc_mix(uint64_t multiplier, uint64_t hash)
{
	hash ^= hash >> 32;
	hash *= multiplier;
	hash ^= hash >> 29;
	hash *= multiplier;
	return hash ^ hash >> 32;
}

/* The hash of a byte string, under this process's key. */
uint64_t conc_hash_bytes(const void *bytes, size_t len);

/* The same under a key of the caller's. */
uint64_t conc_hash_keyed(const uint64_t key[2], const void *bytes, size_t len);

#endif
