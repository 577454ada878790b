/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conc_dict: a hash table for many threads.  Reads take no lock and write no
 * shared memory; writes lock one of many shards for a few instructions.
 *
 * get, set, insert, exchange, delete, take, compare_exchange, update and add of
 * one key are each linearizable.  size and cursors are weakly consistent, as
 * said there.  No operation blocks but for the lock of a shard; none waits for
 * readers.  (While very much memory waits for them, a write may nap for 1 ms:
 * conc_reclaim_set_limit().)
 */
#ifndef CONCURRENCY_DICT_H
#define CONCURRENCY_DICT_H

#include <concurrency/value.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct conc_dict conc_dict;
typedef struct conc_cursor conc_cursor;

/* What the keys of a dict are; fixed at its creation. */
enum conc_key_kind {
	CONC_KEY_INT64 = 0,  /* the conc_dict_int_... functions */
	CONC_KEY_BYTES = 1,  /* `len` bytes at `key`, copied; len may be 0 */
	CONC_KEY_GENERAL = 2 /* an object of yours, compared by conc_key_ops */
};

/* What conc_key_ops.fast_eq answers. */
enum conc_equal { CONC_DIFFERENT = 0, CONC_EQUAL = 1, CONC_ASK = 2 };

/*
 * How general keys are hashed, compared and kept.  A key that is the very
 * same pointer as a stored one is equal without a question.
 */
struct conc_key_ops {
	size_t size; /* sizeof(struct conc_key_ops) */
	void *user;  /* handed to each of them */
	/*
	 * Writes the hash (any 64 bits; the library mixes them).  Returns 0 or
	 * a negative value, which the operation then returns.  No lock is held.
	 */
	int (*hash)(const void *key, uint64_t *hash, void *user);
	/*
	 * Compares two keys of equal hash inside a read section: must not
	 * block, call back or touch reference counts.  CONC_ASK when it cannot
	 * tell under these terms.
	 */
	enum conc_equal (*fast_eq)(const void *probe, const void *stored,
				   void *user);
	/*
	 * Asked after CONC_ASK, with no lock held and outside read sections,
	 * on keys that are kept alive: may do anything, also write to the same
	 * dict.  1 equal, 0 different, or a negative value, which the operation
	 * then returns.  May be NULL if fast_eq never answers CONC_ASK.
	 */
	int (*full_eq)(const void *probe, const void *stored, void *user);
	/*
	 * One reference more, inside a read section or under a lock of the
	 * library: must not block, call back or fail.
	 */
	void (*retain)(const void *key, void *user);
	/* One reference less; no lock held, outside read sections. */
	void (*release)(const void *key, void *user);
};

#define CONC_KEY_OPS_INIT \
	{sizeof(struct conc_key_ops), NULL, NULL, NULL, NULL, NULL, NULL}

struct conc_dict_attr {
	size_t size; /* sizeof(struct conc_dict_attr) */
	/*
	 * How many threads should be able to write at the same time; off by 2x
	 * hardly matters.  0: the number of processors.  At most 65536.
	 */
	unsigned scaling;
	enum conc_key_kind keys;
	enum conc_lifetime values;
	const struct conc_key_ops *key_ops;     /* for CONC_KEY_GENERAL */
	const struct conc_value_ops *value_ops; /* for RETAINED, TYPE_STABLE */
	const struct conc_wait_hooks *wait;     /* NULL: none */
};

#define CONC_DICT_ATTR_INIT                                      \
	{sizeof(struct conc_dict_attr), 0, CONC_KEY_INT64,       \
	 CONC_VALUE_INT64, NULL, NULL, NULL}

/*
 * Makes a dict.  attr NULL: int64 keys, int64 values.  Stores it in *out, owned
 * by the caller, to be freed with conc_dict_free().  0; -EINVAL (out NULL, a
 * wrong size, an unknown kind or one that is not there yet, a missing
 * callback); -EOVERFLOW (scaling); -ENOMEM.
 */
CONC_API int conc_dict_new(const struct conc_dict_attr *attr, conc_dict **out);

/*
 * Frees the dict and releases what it holds, at once.  No other thread may be
 * using it.  NULL is allowed.
 */
CONC_API void conc_dict_free(conc_dict *dict);

/*
 * Below, the key is (key, len): CONC_KEY_BYTES takes `len` bytes at `key`;
 * CONC_KEY_GENERAL takes the object `key`, and len must be 0.  A function of
 * the wrong family for the dict's keys returns -EINVAL.  Beside the errors that
 * are named, every function may return a negative value from hash or full_eq
 * (-EINVAL for -EAGAIN, -EEXIST and -ENOENT, which have a meaning in here), and
 * -ENOMEM when more than 8 keys of one hash need full_eq.  Those that may make
 * an entry return -ELOOP when, 1000 times over, keys of this hash that need
 * full_eq were inserted while it ran: by a full_eq that does so each time.
 *
 * Values go in through `value`: CONC_NUMBER or CONC_POINTER as the dict's
 * lifetime says.  A dict of RETAINED or TYPE_STABLE pointers may also hold
 * numbers, -2^59 <= n < 2^59, beside them.  A wrong kind, or a NULL or
 * misaligned pointer: -EINVAL; a number out of range: -EOVERFLOW.
 *
 * References.  A successful set, insert, exchange or compare_exchange takes
 * over the caller's reference to the pointer it stored; a failed one leaves it
 * with the caller.  What comes out through `value', `old' or `present' is a
 * reference that the caller must release (but borrowed pointers).  The dict
 * retains a general key itself when it stores it; an equal key that is there
 * already is kept.  A key must not lie where a value comes out.
 */

/*
 * Reads. 0; -ENOENT: not there; with any error *value is CONC_ABSENT.
 * Lock-free, but for a number that is in a shard which is being rebuilt.
 */
CONC_API int conc_dict_get(conc_dict *dict, const void *key, size_t len,
			   struct conc_value *value);
CONC_API int conc_dict_int_get(conc_dict *dict, int64_t key,
			       struct conc_value *value);

/*
 * Stores, replacing what was there, which is released as its lifetime says.  0;
 * -EINVAL, -EOVERFLOW, -ENOMEM.  A number that replaces a number is stored
 * without a lock, as an add.
 */
CONC_API int conc_dict_set(conc_dict *dict, const void *key, size_t len,
			   const struct conc_value *value);
CONC_API int conc_dict_int_set(conc_dict *dict, int64_t key,
			       const struct conc_value *value);

/*
 * The same; *old receives what was replaced, or CONC_ABSENT.  As
 * conc_dict_set(); -EINVAL also for old NULL.
 */
CONC_API int conc_dict_exchange(conc_dict *dict, const void *key, size_t len,
				const struct conc_value *value,
				struct conc_value *old);
CONC_API int conc_dict_int_exchange(conc_dict *dict, int64_t key,
				    const struct conc_value *value,
				    struct conc_value *old);

/*
 * Stores only if the key is not there.  `present', if not NULL, receives the
 * value that is there, or CONC_ABSENT when it stored.  0; -EEXIST; else as
 * conc_dict_set().
 */
CONC_API int conc_dict_insert(conc_dict *dict, const void *key, size_t len,
			      const struct conc_value *value,
			      struct conc_value *present);
CONC_API int conc_dict_int_insert(conc_dict *dict, int64_t key,
				  const struct conc_value *value,
				  struct conc_value *present);

/*
 * Removes; what was there is released as its lifetime says.  Needs no memory
 * (but see above, for general keys of one hash).  0; -ENOENT.
 */
CONC_API int conc_dict_delete(conc_dict *dict, const void *key, size_t len);
CONC_API int conc_dict_int_delete(conc_dict *dict, int64_t key);

/*
 * Removes and hands out: *value receives what was there.  Needs no memory, as
 * conc_dict_delete().  0; -ENOENT, *value is CONC_ABSENT; -EINVAL also for
 * value NULL.
 */
CONC_API int conc_dict_take(conc_dict *dict, const void *key, size_t len,
			    struct conc_value *value);
CONC_API int conc_dict_int_take(conc_dict *dict, int64_t key,
				struct conc_value *value);

/*
 * If the key's value is `expected` (the same number, the same pointer, or
 * CONC_ABSENT for no entry), makes it `desired` (CONC_ABSENT: removes the
 * entry).  The dict's reference to a replaced pointer is released.  `present',
 * if not NULL, receives the value that is there instead (CONC_ABSENT: no
 * entry), or CONC_ABSENT when it was exchanged; it may be `expected' itself.
 * 0; -EAGAIN: the value is another, also when `expected' is a number or a
 * pointer that the dict cannot hold; else as conc_dict_set().
 */
CONC_API int conc_dict_compare_exchange(conc_dict *dict, const void *key,
					size_t len,
					const struct conc_value *expected,
					const struct conc_value *desired,
					struct conc_value *present);
CONC_API int conc_dict_int_compare_exchange(conc_dict *dict, int64_t key,
					    const struct conc_value *expected,
					    const struct conc_value *desired,
					    struct conc_value *present);

/*
 * The same as get, set and take, for numbers and pointers without a struct
 * conc_value around them.  What comes out is written only on success; NULL for
 * its place: -EINVAL.  -EDOM: the key's value is of the other kind, and nothing
 * has changed.  (conc_dict_add() takes and gives plain numbers itself.)
 */
CONC_API int conc_dict_get_number(conc_dict *dict, const void *key, size_t len,
				  int64_t *number);
CONC_API int conc_dict_int_get_number(conc_dict *dict, int64_t key,
				      int64_t *number);
CONC_API int conc_dict_set_number(conc_dict *dict, const void *key, size_t len,
				  int64_t number);
CONC_API int conc_dict_int_set_number(conc_dict *dict, int64_t key,
				      int64_t number);
CONC_API int conc_dict_get_pointer(conc_dict *dict, const void *key, size_t len,
				   void **pointer);
CONC_API int conc_dict_int_get_pointer(conc_dict *dict, int64_t key,
				       void **pointer);
CONC_API int conc_dict_set_pointer(conc_dict *dict, const void *key, size_t len,
				   void *pointer);
CONC_API int conc_dict_int_set_pointer(conc_dict *dict, int64_t key,
				       void *pointer);
CONC_API int conc_dict_take_pointer(conc_dict *dict, const void *key,
				    size_t len, void **pointer);
CONC_API int conc_dict_int_take_pointer(conc_dict *dict, int64_t key,
					void **pointer);

/*
 * Makes the key's value what `change` answers: it gets the value that is there
 * (CONC_ABSENT: none; valid until it returns) and writes the one to store to
 * *desired, which is CONC_ABSENT before (and then removes the entry), with a
 * reference that the dict takes over, and releases if it cannot store it.  Runs
 * with no lock held, and again when another thread was faster: the last answer
 * is stored, in one step, in the place of the value that it was asked about.  A
 * negative value from it ends the update, and then nothing is taken over.  0;
 * that value (but -EINVAL for -EAGAIN, which has a meaning in here); else as
 * conc_dict_set().
 */
CONC_API int conc_dict_update(conc_dict *dict, const void *key, size_t len,
			      int (*change)(const struct conc_value *old,
					    struct conc_value *desired,
					    void *user),
			      void *user);
CONC_API int conc_dict_int_update(conc_dict *dict, int64_t key,
				  int (*change)(const struct conc_value *old,
						struct conc_value *desired,
						void *user),
				  void *user);

/*
 * Adds n to the number that the key has, in place and mostly without a lock; a
 * key that is not there starts at 0.  `sum`, if not NULL, receives the new
 * value.  0; -EDOM: there is a pointer; -EOVERFLOW: the sum leaves 61 bits (in
 * a dict of pointers: 60, give or take the adds that other threads have under
 * way; the caller stores a larger number as an object);
 * -EINVAL: a dict of borrowed pointers; -ENOMEM.
 */
CONC_API int conc_dict_add(conc_dict *dict, const void *key, size_t len,
			   int64_t n, int64_t *sum);
CONC_API int conc_dict_int_add(conc_dict *dict, int64_t key, int64_t n,
			       int64_t *sum);

/*
 * Removes every entry, one by one: entries that other threads store meanwhile
 * may stay.  Needs no memory, cannot fail.
 */
CONC_API void conc_dict_clear(conc_dict *dict);

/*
 * The number of entries: exact while nobody writes; else each shard's count is
 * one that it had during the call.
 */
CONC_API size_t conc_dict_size(conc_dict *dict);

/*
 * One entry, as a cursor gives it; valid until the cursor's next step.  Set
 * `size' before the first step; what a later version adds is left out of a
 * shorter one, and what this one does not know is cleared in a longer one.
 */
struct conc_entry {
	size_t size;	 /* sizeof(struct conc_entry); yours */
	const void *key; /* bytes or general keys; owned by the cursor */
	size_t len;	 /* length of a byte-string key */
	int64_t int_key; /* int64 keys */
	struct conc_value value; /* owned by the cursor */
};

#define CONC_ENTRY_INIT \
	{sizeof(struct conc_entry), NULL, 0, 0, CONC_VALUE_INIT}

/*
 * A cursor over copies: it holds no lock and no read section between its steps,
 * and the dict may be written, by its own thread too.  It copies one shard at a
 * time, atomically for that shard: a key that was there throughout comes
 * exactly once, each entry is one that was there at some moment since the
 * cursor was made.  One cursor serves one thread at a time, and must be freed
 * before its dict.
 *
 * new: 0, -EINVAL, -ENOMEM.  next: 0; -ENOENT at the end; -EINVAL, also for the
 * size of `entry'; -ENOMEM, after which it may be called again.
 */
CONC_API int conc_cursor_new(conc_dict *dict, conc_cursor **out);
CONC_API int conc_cursor_next(conc_cursor *cursor, struct conc_entry *entry);
CONC_API void conc_cursor_free(conc_cursor *cursor);

/*
 * For tracing garbage collectors: calls visit once for each reference to a
 * general key and to a pointer value that the dict owns, those that wait for a
 * grace period too (but those that a thread which sleeps in a release is about
 * to give back).  Takes no lock: no other thread may be inside a call on this
 * dict but asleep (a stopped world, an interpreter lock).  A result other than
 * 0 from visit ends the tour and is returned.
 */
CONC_API int conc_dict_traverse(conc_dict *dict,
				int (*visit)(void *object, void *user),
				void *user);

#ifdef __cplusplus
}
#endif
#endif
