/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "thread_exit.h"

#include <concurrency/reclaim.h>

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
#include "grace.h"

/*
 * Threads that enter or leave, and forks that hold them up.  Who passes adds to
 * `passing', then looks at `held'; who holds adds to `held', then looks at
 * `passing': sequentially consistent, so that one of them sees the other.  Both
 * are slept on.
 */
static _Atomic uint32_t passing;
static _Atomic uint32_t held;

static pthread_key_t key;
static bool usable;
/* What the key's value points to. */
static char first_round, second_round; /* of a thread that has announced itself */
static char only_round;		       /* of another one */

static _Thread_local bool watched;
static _Thread_local bool announced;
static _Thread_local bool forks_announced; /* it was, when it began to fork */
static _Thread_local bool forking;	   /* holds the others up, not itself */

static void sign_off(void)
{
	announced = false;
	if (atomic_fetch_sub_explicit(&passing, 1, memory_order_seq_cst) == 1 &&
	    atomic_load_explicit(&held, memory_order_seq_cst) != 0)
		conc_futex_wake(&passing, INT32_MAX);
}

/* Waits for forks of other threads, until the deadline at the latest. */
static void announce(int64_t deadline)
{
	bool late = forking;

	for (;;) {
		uint32_t now;

		announced = true;
		atomic_fetch_add_explicit(&passing, 1, memory_order_seq_cst);
		if (late ||
		    atomic_load_explicit(&held, memory_order_seq_cst) == 0)
			return;
		sign_off();
		while (!late && (now = atomic_load_explicit(
					 &held, memory_order_acquire)) != 0)
			late = conc_futex_wait(&held, now, deadline) ==
			       -ETIMEDOUT;
	}
}

/* Of a key: in the first round it asks for a second one. */
static void in_round(void *round)
{
	if (round == &first_round && pthread_setspecific(key, &second_round) == 0)
		return;
	conc_rcu_thread_ended();
	/*
	 * By what the thread knows, not by the round: in a forked child glibc
	 * hands keys' values of threads that were ending to new ones.
	 */
	if (announced)
		sign_off();
}

void conc_thread_exit_await(void)
{
	/* One that has announced itself has its rounds already. */
	if (usable && pthread_getspecific(key) == NULL)
		pthread_setspecific(key, &only_round);
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
	conc_rcu_thread_ends();
	if (is_first_thread())
		return;
	/* Not for ever: a fork handler may wait for the end of this thread. */
	announce(conc_deadline_after(CONC_FORK_WAIT));
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

/*
 * One that forks while it ends is in none of liburcu's functions: it is not to
 * wait for itself, nor are two of them for each other.
 */
void conc_thread_exit_hold(void)
{
	int64_t deadline = conc_deadline_after(CONC_FORK_WAIT);
	uint32_t now;

	forks_announced = announced;
	if (announced)
		sign_off();
	forking = true;
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
	forking = false;
	if (forks_announced)
		announce(conc_deadline_after(CONC_FORK_WAIT));
}

void conc_thread_exit_forked(void)
{
	forking = false;
	announced = forks_announced;
	atomic_store_explicit(&passing, announced, memory_order_relaxed);
	atomic_store_explicit(&held, 0, memory_order_relaxed);
}

bool conc_thread_exit_held(void)
{
	/* relaxed: a hint. */
	return atomic_load_explicit(&held, memory_order_relaxed) != 0;
}

/*
 * When the library is loaded, so that its fork handlers are among the first to
 * be registered: then they are the last before a fork, when the handlers of
 * others have waited for whatever they wait for, and the first after it.
 */
__attribute__((constructor)) static void prepare(void)
{
	usable = pthread_key_create(&key, in_round) == 0 &&
		 pthread_atfork(conc_before_fork, conc_after_fork_parent,
				conc_after_fork_child) == 0;
}

static void watch(void)
{
	if (watched)
		return;
	watched = true;
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
		announce(conc_deadline_after(CONC_FORK_WAIT));
	enter();
	if (announces)
		sign_off();
}
