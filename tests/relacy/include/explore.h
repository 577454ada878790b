/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a program under exploration is made of, and what it may use.
 *
 * A program is a few threads that call the library, and assertions.  It is run
 * thousands of times from the same state, each time with another interleaving
 * of the atomic operations, and with other old values for the loads whose
 * memory order allows them (explore.cc).  Static variables are as initialized
 * each time.
 */
#ifndef EXPLORE_H
#define EXPLORE_H

#include <stdbool.h>
#include <stddef.h>

/* The program: its threads, what comes before and after them. */
extern const int explore_threads; /* 2 or 3 */
void explore_before(void);
void explore_thread(int thread);
void explore_after(void);

/* The exploration ends here with an error unless `holds'. */
#define EXPLORE_ASSERT(holds) explore_assert(holds, #holds)
void explore_assert(bool holds, const char *what);

/* One of 0 .. n-1. */
unsigned explore_choose(unsigned n);

/* Lets others go on for some steps, without an order between them and this thread. */
void explore_delay(void);

/* From here on no deadline comes: who is not woken sleeps for ever. */
void explore_stop_time(void);

/* Whether the calling thread gets no memory from here on. */
void explore_without_memory(bool without);

/* Nothing that conc_alloc() gave out is left but the records of threads (locals.c). */
void explore_assert_no_leaks(void);
/* For that: nothing is left but what was said to be kept. */
void explore_keep(const void *memory);
void explore_assert_only_kept(void);

#endif
