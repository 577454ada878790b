/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The value word of a slot of a dict: 64 bits on every machine.  The word of a
 * conc_ref is made the same way, with no tag but COUNT, and no value makes a
 * word of 0 (atomic/ref.c).
 *
 * A dict of borrowed pointers stores the pointer as it is.  All others:
 *
 *     63                                    3   2      1      0
 *     +-------------------------------------+------+------+-------+
 *     | number << 3, or the pointer's bits  | DEAD |FROZEN| COUNT |
 *     +-------------------------------------+------+------+-------+
 *
 * COUNT   a number that add changes in place with a fetch_add of n << 3, which
 *         cannot reach the tags.
 * FROZEN  a rebuild (or a conditional replacement) has copied the word
 *         returned by its fetch_or; an add that gets FROZEN back did not count.
 *         A frozen pointer is never written again and may still be read; a
 *         frozen count may be moved by adds that failed, so it is read under
 *         the shard's lock, from the current table.
 * DEAD    the entry is gone; an add that gets DEAD back did not count.
 *
 * A word that ever was a COUNT never becomes anything else in its table: an add
 * may be on its way to it.  Its key is inserted anew, then the slot is killed.
 * So numbers that an add could carry out of range are kept as non-COUNT words,
 * in a dict of int64 (`wide`), or refused, in a dict of pointers.
 *
 * In place only when |number + n| < 2^59 and |n| < 2^32: it would take 2^27
 * adds in flight at once to leave the 61 bits.
 */
#ifndef CONC_DICT_WORD_H
#define CONC_DICT_WORD_H

#include <errno.h>

#include <concurrency/value.h>

#define WORD_COUNT UINT64_C(1)
#define WORD_FROZEN UINT64_C(2)
#define WORD_DEAD UINT64_C(4)
#define WORD_TAGS UINT64_C(7)
#define WORD_SHIFT 3

#define COUNT_LIMIT (INT64_C(1) << 59)
#define WIDE_LIMIT (INT64_C(1) << 60)
#define IN_PLACE_LIMIT (INT64_C(1) << 32)

/* Whether the operations are there that the lifetime needs.  0, -EINVAL. */
static inline int lifetime_check(enum conc_lifetime values,
				 const struct conc_value_ops *ops)
{
	switch (values) {
	case CONC_VALUE_INT64:
	case CONC_VALUE_BORROWED:
		return 0;
	case CONC_VALUE_RETAINED:
		return ops->retain && ops->release ? 0 : -EINVAL;
	case CONC_VALUE_TYPE_STABLE:
		return ops->try_retain && ops->release ? 0 : -EINVAL;
	default:
		return -EINVAL;
	}
}

/* Whether it is of a kind that a structure may hold, or none. */
static inline bool value_is_known(const struct conc_value *value)
{
	return value->kind == CONC_ABSENT || value->kind == CONC_NUMBER ||
	       value->kind == CONC_POINTER;
}

/* Whether two values are the same number, the same pointer, or both absent. */
static inline bool value_is_same(const struct conc_value *a,
				 const struct conc_value *b)
{
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case CONC_NUMBER:
		return a->u.number == b->u.number;
	case CONC_POINTER:
		return a->u.pointer == b->u.pointer;
	default:
		return true;
	}
}

static inline bool within(int64_t number, int64_t limit)
{
	return -limit <= number && number < limit;
}

static inline uint64_t word_shifted(int64_t number)
{
	return (uint64_t)number << WORD_SHIFT;
}

static inline int64_t word_number(uint64_t word)
{
	return (int64_t)word >> WORD_SHIFT;
}

static inline void *word_pointer(uint64_t word)
{
	return (void *)(uintptr_t)(word & ~WORD_TAGS);
}

static inline int word_encode_number(enum conc_lifetime values, int64_t number,
				     uint64_t *word)
{
	if (values == CONC_VALUE_BORROWED)
		return -EINVAL;
	if (within(number, COUNT_LIMIT))
		*word = word_shifted(number) | WORD_COUNT;
	else if (values == CONC_VALUE_INT64 && within(number, WIDE_LIMIT))
		*word = word_shifted(number);
	else
		return -EOVERFLOW;
	return 0;
}

static inline int word_encode_pointer(enum conc_lifetime values, void *pointer,
				      uint64_t *word)
{
	if (values == CONC_VALUE_INT64 || pointer == NULL)
		return -EINVAL;
	*word = (uintptr_t)pointer;
	return values != CONC_VALUE_BORROWED && (*word & WORD_TAGS) != 0 ? -EINVAL : 0;
}

static inline int word_encode(enum conc_lifetime values,
			      const struct conc_value *value, uint64_t *word)
{
	if (value == NULL)
		return -EINVAL;
	switch (value->kind) {
	case CONC_NUMBER:
		return word_encode_number(values, value->u.number, word);
	case CONC_POINTER:
		return word_encode_pointer(values, value->u.pointer, word);
	default:
		return -EINVAL;
	}
}

static inline bool word_is_pointer(enum conc_lifetime values, uint64_t word)
{
	return values == CONC_VALUE_BORROWED ||
	       (values != CONC_VALUE_INT64 && (word & WORD_COUNT) == 0);
}

static inline void word_decode(enum conc_lifetime values, uint64_t word,
			       struct conc_value *value)
{
	if (values == CONC_VALUE_BORROWED) {
		value->kind = CONC_POINTER;
		value->u.pointer = (void *)(uintptr_t)word;
	} else if (word_is_pointer(values, word)) {
		value->kind = CONC_POINTER;
		value->u.pointer = word_pointer(word);
	} else {
		value->kind = CONC_NUMBER;
		value->u.number = word_number(word);
	}
}

#endif
