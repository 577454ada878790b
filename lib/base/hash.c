/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "hash.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/auxv.h>
#endif

static struct secrets {
	uint64_t key[2];
	uint64_t multiplier;
} secrets;

/* macOS declares it in sys/random.h, others in unistd.h. */
static bool draw(void)
{
	return getentropy(&secrets, sizeof(secrets)) == 0;
}

/*
 * No getentropy: an old kernel, or a sandbox.  The kernel gives each program 16
 * random bytes at its start.  libc makes its own secrets of them, so here they
 * are the key of a hash, which does not give them away.  What is hashed, the
 * time, sets apart those who were forked and not started.
 */
static void improvise(void)
{
	uint64_t given[2] = {0, 0};
	struct {
		int64_t seconds, nanoseconds, count;
	} what = {0};
	struct timespec now;

#ifdef __linux__
	const void *random = (const void *)(uintptr_t)getauxval(AT_RANDOM);

	if (random != NULL)
		memcpy(given, random, sizeof(given));
#endif
	clock_gettime(CLOCK_REALTIME, &now);
	what.seconds = now.tv_sec;
	what.nanoseconds = now.tv_nsec;
	secrets.key[0] = conc_hash_keyed(given, &what, sizeof(what));
	what.count++;
	secrets.key[1] = conc_hash_keyed(given, &what, sizeof(what));
	what.count++;
	secrets.multiplier = conc_hash_keyed(given, &what, sizeof(what));
}

static void seed(void)
{
	if (!draw())
		improvise();
	/* Odd: else two keys might have one product. */
	secrets.multiplier |= 1;
}

uint64_t conc_hash_multiplier(void)
{
	static pthread_once_t seeded = PTHREAD_ONCE_INIT;

	pthread_once(&seeded, seed);
	return secrets.multiplier;
}

struct sip {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = rotate(s->v1, 13) ^ s->v0;
	s->v3 = rotate(s->v3, 16) ^ s->v2;
	s->v0 = rotate(s->v0, 32);
	s->v2 += s->v1;
	s->v0 += s->v3;
	s->v1 = rotate(s->v1, 17) ^ s->v2;
	s->v3 = rotate(s->v3, 21) ^ s->v0;
	s->v2 = rotate(s->v2, 32);
}

static inline void sip_word(struct sip *s, uint64_t word)
{
	s->v3 ^= word;
	sip_round(s);
	s->v0 ^= word;
}

/*
 * Up to 8 bytes as a number, the first one lowest, on every machine: so the
 * highest byte of what is left of a string is free for its length.
 */
static inline uint64_t load_word(const unsigned char *at, size_t bytes)
{
	uint64_t word = 0;

	memcpy(&word, at, bytes);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	word = __builtin_bswap64(word);
#endif
	return word;
}

uint64_t conc_hash_keyed(const uint64_t key[2], const void *bytes, size_t len)
{
	const unsigned char *at = bytes;
	uint64_t last = (uint64_t)len << 56;
	struct sip s = {key[0] ^ UINT64_C(0x736f6d6570736575),
			key[1] ^ UINT64_C(0x646f72616e646f6d),
			key[0] ^ UINT64_C(0x6c7967656e657261),
			key[1] ^ UINT64_C(0x7465646279746573)};

	/* The empty string may lie at NULL, to which nothing is added. */
	for (size_t left = len; left >= 8; left -= 8, at += 8)
		sip_word(&s, load_word(at, 8));
	if (len % 8 != 0)
		last |= load_word(at, len % 8);
	sip_word(&s, last);
	s.v2 ^= 0xff;
	sip_round(&s);
	sip_round(&s);
	sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t conc_hash_bytes(const void *bytes, size_t len)
{
	return conc_hash_keyed(secrets.key, bytes, len);
}
