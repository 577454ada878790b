/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "hash.h"

#include <pthread.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

static uint64_t seed[2];
static pthread_once_t seeded = PTHREAD_ONCE_INIT;

static void draw_seed(void)
{
	struct timespec now;

	if (getrandom(seed, sizeof(seed), 0) == (ssize_t)sizeof(seed))
		return;
	/* No entropy to be had (an old kernel, a sandbox): better than nothing. */
	clock_gettime(CLOCK_REALTIME, &now);
	seed[0] = conc_mix((uint64_t)now.tv_nsec ^ (uint64_t)(uintptr_t)&now);
	seed[1] = conc_mix(seed[0] + (uint64_t)now.tv_sec);
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

uint64_t conc_hash_bytes(const void *bytes, size_t len)
{
	const unsigned char *at = bytes;
	const unsigned char *whole = at + len / 8 * 8;
	uint64_t word;
	struct sip s;

	pthread_once(&seeded, draw_seed);
	s = (struct sip){seed[0] ^ UINT64_C(0x736f6d6570736575),
			 seed[1] ^ UINT64_C(0x646f72616e646f6d),
			 seed[0] ^ UINT64_C(0x6c7967656e657261),
			 seed[1] ^ UINT64_C(0x7465646279746573)};
	for (; at < whole; at += 8) {
		memcpy(&word, at, 8);
		sip_word(&s, word);
	}
	word = 0;
	if (len % 8 != 0)
		memcpy(&word, at, len % 8);
	/* The last word holds the length in a byte that no tail reaches. */
	sip_word(&s, word ^ (uint64_t)len << 56);
	s.v2 ^= 0xff;
	sip_round(&s);
	sip_round(&s);
	sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
