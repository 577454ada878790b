/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "thread_exit.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#elif defined(__FreeBSD__)
#include <pthread_np.h>
#endif

#include "futex.h"

/*
 * In ns: of a fork for threads that end, which need some us of processor time
 * that on a busy machine came more than 200 ms late; and of a thread that comes
 * for a fork, whose other handlers may wait for what the thread has.
 */
#define LONGEST_WAIT (2 * INT64_C(1000000000))

/*
 * Threads that enter or leave, and forks that hold them up.  Who passes adds to
 * `passing', then looks at `held'; who holds adds to `held', then looks at
 * `passing': sequentially consistent, so that one of them sees the other.  Both
 * are slept on.
 */
static _Atomic uint32_t passing;
static _Atomic uint32_t held;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static bool usable;
static char first_round, second_round; /* what the key's value points to */

static _Thread_local bool watched;
static _Thread_local bool announced;

static void sign_off(void)
{
	announced = false;
	if (atomic_fetch_sub_explicit(&passing, 1, memory_order_seq_cst) == 1 &&
	    atomic_load_explicit(&held, memory_order_seq_cst) != 0)
		conc_futex_wake(&passing, 1);
}

/* Waits for forks under way, until the deadline at the latest. */
static void announce(int64_t deadline)
{
	bool late = false;

	for (;;) {
		uint32_t forks;

		announced = true;
		atomic_fetch_add_explicit(&passing, 1, memory_order_seq_cst);
		if (late ||
		    atomic_load_explicit(&held, memory_order_seq_cst) == 0)
			return;
		sign_off();
		while (!late && (forks = atomic_load_explicit(
					 &held, memory_order_acquire)) != 0)
			late = conc_futex_wait(&held, forks, deadline) ==
			       -ETIMEDOUT;
	}
}

/* Of a key: in the first round it asks for a second one. */
static void in_round(void *round)
{
	if (round != &first_round || pthread_setspecific(key, &second_round) != 0)
		sign_off();
}

#ifdef HAVE___CXA_THREAD_ATEXIT_IMPL

/* What C++ compilers call for thread_local objects. */
extern int __cxa_thread_atexit_impl(void (*destructor)(void *), void *object,
				    void *dso);
extern void *__dso_handle __attribute__((visibility("hidden")));

/* exit() calls the first thread's destructors too, but none of any key. */
static bool is_first_thread(void)
{
#if defined(__linux__)
	return syscall(SYS_gettid) == getpid();
#elif defined(__FreeBSD__)
	return pthread_main_np() == 1;
#else
	return false;
#endif
}

static void begins(void *unused)
{
	(void)unused;
	if (is_first_thread())
		return;
	announce(CONC_FOREVER);
	if (pthread_setspecific(key, &first_round) != 0)
		sign_off();
}

static void await_end(void)
{
	__cxa_thread_atexit_impl(begins, NULL, &__dso_handle);
}

#else

static void await_end(void)
{
}

#endif

void conc_thread_exit_hold(void)
{
	int64_t deadline = conc_deadline_after(LONGEST_WAIT);
	uint32_t now;

	atomic_fetch_add_explicit(&held, 1, memory_order_seq_cst);
	while ((now = atomic_load_explicit(&passing, memory_order_seq_cst)) != 0)
		if (conc_futex_wait(&passing, now, deadline) == -ETIMEDOUT)
			return;
}

void conc_thread_exit_resume(void)
{
	/* Pairs with the acquire in announce(). */
	atomic_fetch_sub_explicit(&held, 1, memory_order_release);
	conc_futex_wake(&held, INT32_MAX);
}

/* In the child nobody is left. */
static void forget(void)
{
	atomic_store_explicit(&passing, 0, memory_order_relaxed);
	atomic_store_explicit(&held, 0, memory_order_relaxed);
}

static void prepare(void)
{
	usable = pthread_key_create(&key, in_round) == 0 &&
		 pthread_atfork(conc_thread_exit_hold, conc_thread_exit_resume,
				forget) == 0;
}

static void watch(void)
{
	if (watched)
		return;
	watched = true;
	pthread_once(&once, prepare);
	if (usable)
		await_end();
}

void conc_thread_enter(void (*enter)(void))
{
	bool announces = !watched;

	watch();
	/* One that is leaving has announced itself already. */
	announces = announces && usable && !announced;
	if (announces)
		announce(conc_deadline_after(LONGEST_WAIT));
	enter();
	if (announces)
		sign_off();
}
