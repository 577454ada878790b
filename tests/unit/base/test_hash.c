/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Hashes, and that keys which somebody chose do not make a dict slow: not how
 * long it takes, but how long the chains are.
 */
#include <config.h>

#include <concurrency.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dict/table.h"
#include "base/hash.h"
#include "base/memory.h"
#include "suite.h"

/* --- SipHash-1-3 --------------------------------------------------------- */

/* As CPython 3.11 has them: hash(bytes) with PYTHONHASHSEED=0, a key of zeros. */
START_TEST(byte_strings_have_the_hashes_of_siphash_1_3)
{
	static const struct {
		size_t len;
		uint64_t hash;
	} known[] = {
		{1, UINT64_C(0x407448d2b89b1813)},
		{7, UINT64_C(0x6db12aae9070f506)},
		{8, UINT64_C(0x3f7b849c0b8e35ea)},
	};
	static const uint64_t zeros[2];
	unsigned char counted[63];

	for (size_t i = 0; i < COUNT_OF(known); i++)
		ck_assert_uint_eq(
			conc_hash_keyed(zeros, "abcdefgh", known[i].len),
			known[i].hash);
	for (size_t i = 0; i < sizeof(counted); i++)
		counted[i] = (unsigned char)i;
	ck_assert_uint_eq(conc_hash_keyed(zeros, counted, 15),
			  UINT64_C(0xf30eb725bb91c9ea));
	ck_assert_uint_eq(conc_hash_keyed(zeros, counted, 63),
			  UINT64_C(0x385d3e39e5f37359));
}
END_TEST

/* A length that shares its bits with a byte of the string shows here. */
START_TEST(strings_of_another_length_have_another_hash)
{
	static const uint64_t key[2] = {1, 2};
	uint64_t hashes[8 * 8];
	size_t count = 0;

	for (size_t len = 0; len < 8; len++)
		for (unsigned first = 0; first < 8; first++) {
			char bytes[8] = {(char)first};

			if (len > 0 || first == 0)
				hashes[count++] =
					conc_hash_keyed(key, bytes, len);
		}
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < i; j++)
			ck_assert_uint_ne(hashes[i], hashes[j]);
}
END_TEST

/* --- secrets ------------------------------------------------------------- */

/* What getentropy() does, in each process before its first dict. */
static int refusal;
static const uint64_t *told; /* instead of random numbers */

static void read_random(void *buffer, size_t length)
{
	FILE *file = fopen("/dev/urandom", "r");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fread(buffer, 1, length, file), length);
	fclose(file);
}

/* In place of libc's. */
int getentropy(void *buffer, size_t length)
{
	if (refusal != 0) {
		errno = refusal;
		return -1;
	}
	if (told == NULL)
		read_random(buffer, length);
	else
		memcpy(buffer, told, length);
	return 0;
}

struct secrets {
	uint64_t multiplier, hash;
};

static struct secrets secrets_here(void)
{
	struct secrets s = {.multiplier = conc_hash_multiplier()};

	s.hash = conc_hash_bytes("key", 3);
	return s;
}

static struct secrets secrets_of_child(void)
{
	struct secrets s = {0, 0};
	int pipes[2], status;
	pid_t child;

	ck_assert_int_eq(pipe(pipes), 0);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		s = secrets_here();
		_exit(write(pipes[1], &s, sizeof(s)) != sizeof(s));
	}
	ck_assert_int_eq(read(pipes[0], &s, sizeof(s)), sizeof(s));
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	close(pipes[0]);
	close(pipes[1]);
	return s;
}

static void expect_different(struct secrets a, struct secrets b)
{
	ck_assert_uint_ne(a.multiplier, b.multiplier);
	ck_assert_uint_ne(a.hash, b.hash);
	ck_assert_uint_eq(a.multiplier & b.multiplier & 1, 1);
}

START_TEST(each_process_draws_secrets_of_its_own)
{
	expect_different(secrets_of_child(), secrets_of_child());
}
END_TEST

/* With nothing to fall back upon: that would differ, too. */
START_TEST(all_that_is_drawn_is_used)
{
	static const uint64_t numbers[] = {1, 2, 3};
	struct secrets s;

	told = numbers;
	s = secrets_here();
	ck_assert_uint_eq(s.multiplier, 3);
	ck_assert_uint_eq(s.hash, conc_hash_keyed(numbers, "key", 3));
}
END_TEST

START_TEST(without_entropy_each_process_has_secrets_too)
{
	refusal = ENOSYS;
	expect_different(secrets_of_child(), secrets_of_child());
}
END_TEST

START_TEST(a_forked_child_finds_what_its_parent_stored)
{
	struct secrets mine = secrets_here(), childs = secrets_of_child();

	ck_assert_uint_eq(mine.multiplier, childs.multiplier);
	ck_assert_uint_eq(mine.hash, childs.hash);
}
END_TEST

/* --- flooding ------------------------------------------------------------ */

#define CHOSEN 2000

/*
 * Of slots, with no empty one between them.  By chance, in a table half full,
 * one run in e^(0.19 n) is longer than n: this long is none.
 */
#define LONG_RUN 200

static size_t longest_run_in(const struct table *table)
{
	size_t run = 0, longest = 0;

	/* Twice round, for a run that goes over the end. */
	for (uint64_t i = 0; i < 2 * ((uint64_t)table->mask + 1); i++) {
		const struct slot *slot = &table->slots[i & table->mask];

		run = atomic_load(&slot->hash) == HASH_EMPTY ? 0 : run + 1;
		longest = run > longest ? run : longest;
	}
	return longest;
}

/* Frees the dict, too. */
static size_t longest_run(conc_dict *dict)
{
	size_t longest = 0;

	for (size_t i = 0; i < dict->shard_count; i++) {
		const struct table *table = atomic_load(&dict->shards[i].table);
		size_t run = table == NULL ? 0 : longest_run_in(table);

		longest = run > longest ? run : longest;
	}
	conc_dict_free(dict);
	return longest;
}

static conc_dict *dict_with(enum conc_key_kind keys)
{
	struct conc_dict_attr attr = {
		.size = sizeof(attr), .keys = keys, .scaling = 1};
	conc_dict *dict;

	ck_assert_int_eq(conc_dict_new(&attr, &dict), 0);
	return dict;
}

/* The secrets that the attacker knows: of another process. */
static const uint64_t known[] = {3, 4, UINT64_C(0x9E3779B97F4A7C15)};
#define KNOWN_MULTIPLIER (known[2])

/* Of an odd number, modulo 2^64: each step doubles the bits that are right. */
static uint64_t inverse(uint64_t odd)
{
	uint64_t x = odd;

	for (int i = 0; i < 6; i++)
		x *= 2 - odd * x;
	return x;
}

/* The number that mixes to `mixed': conc_mix() backwards. */
static int64_t chosen_number(uint64_t mixed)
{
	uint64_t hash = mixed ^ mixed >> 32;

	hash *= inverse(KNOWN_MULTIPLIER);
	hash ^= hash >> 29 ^ hash >> 58;
	hash *= inverse(KNOWN_MULTIPLIER);
	hash ^= hash >> 32;
	ck_assert_uint_eq(conc_mix(KNOWN_MULTIPLIER, hash), mixed);
	return (int64_t)hash;
}

/* All in one shard, and all at home in its first slot. */
static conc_dict *dict_of_chosen_numbers(void)
{
	conc_dict *dict = dict_with(CONC_KEY_INT64);
	struct conc_value value = {.kind = CONC_NUMBER};

	for (uint64_t i = 0; i < CHOSEN; i++)
		ck_assert_int_eq(conc_dict_int_insert(dict,
						      chosen_number(i << 40),
						      &value, NULL),
				 0);
	return dict;
}

/* By trial: at home in a few slots of tables of this size. */
static bool is_chosen(uint64_t string)
{
	uint64_t hash = conc_hash_keyed(known, &string, sizeof(string));

	return (conc_mix(KNOWN_MULTIPLIER, hash) & 1023) == 7;
}

static conc_dict *dict_of_chosen_strings(void)
{
	conc_dict *dict = dict_with(CONC_KEY_BYTES);
	struct conc_value value = {.kind = CONC_NUMBER};
	uint64_t string = 0;

	for (int i = 0; i < CHOSEN; i++) {
		while (!is_chosen(string))
			string++;
		ck_assert_int_eq(conc_dict_insert(dict, &string, sizeof(string),
						  &value, NULL),
				 0);
		string++;
	}
	return dict;
}

/* Or else the next test would prove nothing. */
START_TEST(keys_chosen_for_secrets_that_are_known_share_a_chain)
{
	told = known;
	ck_assert_uint_eq(longest_run(dict_of_chosen_numbers()), CHOSEN);
	ck_assert_uint_gt(longest_run(dict_of_chosen_strings()), LONG_RUN);
}
END_TEST

START_TEST(keys_chosen_for_another_process_share_no_chain)
{
	ck_assert_uint_lt(longest_run(dict_of_chosen_numbers()), LONG_RUN);
	ck_assert_uint_lt(longest_run(dict_of_chosen_strings()), LONG_RUN);
}
END_TEST

/* --- lengths ------------------------------------------------------------- */

START_TEST(a_length_that_no_object_has_is_refused)
{
	static const size_t lengths[] = {SIZE_MAX, SIZE_MAX - 15, SIZE_MAX - 16,
					 SIZE_MAX / 2 + 1};
	struct conc_value value = {.kind = CONC_NUMBER};
	conc_dict *dict = dict_with(CONC_KEY_BYTES);

	for (size_t i = 0; i < COUNT_OF(lengths); i++) {
		ck_assert_int_eq(conc_dict_set(dict, "key", lengths[i], &value),
				 -EINVAL);
		ck_assert_int_eq(conc_dict_get(dict, "key", lengths[i], &value),
				 -EINVAL);
		ck_assert_int_eq(conc_dict_delete(dict, "key", lengths[i]),
				 -EINVAL);
		ck_assert_int_eq(conc_dict_add(dict, "key", lengths[i], 1, NULL),
				 -EINVAL);
	}
	ck_assert_uint_eq(conc_dict_size(dict), 0);
	conc_dict_free(dict);
}
END_TEST

START_TEST(an_array_that_no_size_holds_is_not_allocated)
{
	/* volatile: else the compiler sees it coming. */
	volatile size_t most = SIZE_MAX;

	ck_assert_ptr_null(conc_alloc_array(most / 2 + 1, 2));
	ck_assert_ptr_null(conc_alloc_array(most, 24));
	ck_assert_ptr_null(conc_alloc_lines(most));
	ck_assert_ptr_null(conc_alloc_lines(most - CONC_LINE + 1));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		byte_strings_have_the_hashes_of_siphash_1_3,
		strings_of_another_length_have_another_hash,
		each_process_draws_secrets_of_its_own,
		all_that_is_drawn_is_used,
		without_entropy_each_process_has_secrets_too,
		a_forked_child_finds_what_its_parent_stored,
		keys_chosen_for_secrets_that_are_known_share_a_chain,
		keys_chosen_for_another_process_share_no_chain,
		a_length_that_no_object_has_is_refused,
		an_array_that_no_size_holds_is_not_allocated,
	};

	return run_tests("hash", tests, COUNT_OF(tests), 60);
}
