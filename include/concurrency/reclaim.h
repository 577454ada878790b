/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Read sections, memory that waits for them, and fork(). */
#ifndef CONCURRENCY_RECLAIM_H
#define CONCURRENCY_RECLAIM_H

#include <concurrency/common.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- Read sections --------------------------------------------------------- */

/*
 * What a thread finds in a structure between conc_read_begin() and
 * conc_read_end() is not freed before conc_read_end(), if who removes it frees
 * it with conc_defer().  So pointers that a dict or a reference only borrows
 * can be read without a counter:
 *
 *     conc_read_begin();
 *     if (conc_dict_int_get_pointer(dict, 1, &found) == 0)
 *             use(found);
 *     conc_read_end();
 *
 *     who removes it:  conc_dict_int_take(dict, 1, &old);
 *                      conc_defer(&item->deferred, item_free);
 *
 * Sections nest, up to 32767 deep (beyond, they end with their thread); each
 * belongs to its thread, and one that the thread has not ended ends with it.  They cost a few
 * ns, wait for nothing and cannot fail.  While one goes on, nothing that is
 * removed anywhere is freed: end it before waiting for anything.  Inside it
 * conc_reclaim() is -EBUSY, and operations release nothing.  Not in a signal
 * handler: the end of a section may free memory.
 */
CONC_API void conc_read_begin(void);
CONC_API void conc_read_end(void);

/*
 * Belongs to a structure of the caller's, and to the library from conc_defer()
 * until the function is called.  What is in it is the library's affair.
 */
struct conc_deferred {
	void *reserved[6];
};

/*
 * Calls fn(deferred) when all read sections that run now have ended; the caller
 * has removed what it belongs to, so that later sections do not find it.  fn
 * finds its structure around `deferred', and frees it.  Never waits, needs no
 * memory and cannot fail; does nothing when an argument is NULL.
 *
 * fn is called by some thread at the end of some operation of the library, or
 * of conc_read_end(), or in conc_reclaim(): with no lock held, outside of
 * sections, never by a thread of the library's own, as it has none.  It may use
 * the library; within it conc_reclaim() is -EBUSY.  If the process ends before,
 * it is not called.
 */
CONC_API void conc_defer(struct conc_deferred *deferred,
			 void (*fn)(struct conc_deferred *deferred));

/* --- Memory that waits ----------------------------------------------------- */

/*
 * Waits until every read section that runs now has ended, then frees all that
 * waits for that: memory of the library's, and what was deferred; also waits for
 * who is just freeing some of it.  What a deferred function removes or defers
 * waits for the next call.  Never needed for correctness: later
 * operations of any kind (on dicts, queues, gatherings, RETAINED references) do
 * the same, some at a time and without waiting.  A program calls it to give
 * memory back now.  Keys and values that a dict or a reference has to release by
 * callbacks are released by its own later operations, not by this.
 *
 * `hooks' run around each wait; they may be NULL.  Returns 0; what
 * hooks->interrupted answered; -EBUSY when the caller is itself inside a read
 * section (of liburcu-bp, too) or in a deferred function, when another thread is
 * just forking, or the process ends; -EINVAL (the size of hooks); -ENOSYS: a sandbox that
 * was put up after the library was loaded forbids membarrier(2), so nothing can
 * be freed in this thread.
 */
CONC_API int conc_reclaim(const struct conc_wait_hooks *hooks);

/*
 * Bytes that wait: tables and segments of the library's, byte-string keys,
 * and sizeof(struct conc_deferred) for each call that is deferred; what has to
 * be released by callbacks is not known by its size, and not counted.  Exact
 * when nobody writes.  Walks over the threads.  Cannot fail.
 */
CONC_API size_t conc_reclaim_pending(void);

/*
 * While more bytes than this wait, a write to a dict (none that takes), or to a
 * reference of CONC_VALUE_RETAINED, may nap once for up to 1 ms, so that readers
 * come to the ends of their sections; no operation with CONC_TRY does, and no
 * read.  64 MiB
 * at first; for the whole process.  SIZE_MAX: never nap.  Returns what it was.
 * Cannot fail.
 */
CONC_API size_t conc_reclaim_set_limit(size_t bytes);

/* --- fork() ---------------------------------------------------------------- */

/*
 * The library sees to fork() by itself, with handlers of pthread_atfork() that
 * it registers when it is loaded.  Only a program that forks by a system call
 * of its own, past the C library, calls these three around it: before in the
 * parent, then one of the others in parent and child.  (The C library's own locks
 * are its affair: such a child of a process with threads may not be able to use
 * malloc(), which nearly every operation may do.)  They nest, and so it does no
 * harm to call them around any other fork.
 *
 * What is promised.  A fork waits for threads that use the library for the first
 * time or end, and for one that is just releasing memory: some microseconds,
 * and at most 2 s for each of the two.  It waits for no reader.  Threads that
 * come or end during a fork wait for it at most 2 s.  The child may use every
 * structure in which no other thread was inside a call at the moment of the
 * fork; what waited for readers there waits for its own only.
 */
CONC_API void conc_before_fork(void);
CONC_API void conc_after_fork_parent(void);
CONC_API void conc_after_fork_child(void);

#ifdef __cplusplus
}
#endif
#endif
