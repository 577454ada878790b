/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conc_cancel: a token that one thread fires to refuse further calls of others.
 *
 * Every call that takes a deadline takes one, or NULL for none.  Given a token
 * that has been fired, it returns -ECANCELED at once and does nothing, also
 * with CONC_TRY and also if it would not have had to wait.  A call that waits
 * already when the token is fired is not woken in this version: it ends as it
 * would without.  (Wrong arguments are found first.)
 */
#ifndef CONCURRENCY_CANCEL_H
#define CONCURRENCY_CANCEL_H

#include <concurrency/common.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct conc_cancel conc_cancel;

/*
 * Makes a token that has not been fired, to be freed with conc_cancel_free().
 * 0; -EINVAL (out NULL); -ENOMEM.
 */
CONC_API int conc_cancel_new(conc_cancel **out);

/* Frees it.  No call that was given it may be running.  NULL is allowed. */
CONC_API void conc_cancel_free(conc_cancel *cancel);

/*
 * Fires it: calls that are given it from now on return -ECANCELED.  What was
 * written before is seen by who finds it fired.  Firing again changes nothing.
 * Never waits, takes no lock: a signal handler may call it.  Cannot fail.
 */
CONC_API void conc_cancel_fire(conc_cancel *cancel);

/* Whether it has been fired. */
CONC_API bool conc_cancel_fired(const conc_cancel *cancel);

/* Makes it a token that has not been fired, for the next calls.  Cannot fail. */
CONC_API void conc_cancel_reset(conc_cancel *cancel);

#ifdef __cplusplus
}
#endif
#endif
