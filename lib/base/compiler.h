/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the compiler is told about the hot paths. */
#ifndef CONC_COMPILER_H
#define CONC_COMPILER_H

#define CONC_LIKELY(condition) __builtin_expect(!!(condition), 1)
#define CONC_UNLIKELY(condition) __builtin_expect(!!(condition), 0)

/*
 * For what is the body of a public function: where an argument is known there,
 * such as the kind of a dict's keys, nothing is left of the other cases.
 */
#define CONC_INLINE inline __attribute__((always_inline))

/* For the rarer cases of one, so that the others need no room on the stack for it. */
#define CONC_NOINLINE __attribute__((noinline))

#endif
