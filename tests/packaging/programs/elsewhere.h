/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The inline functions as another translation unit has them: see tour.c. */
#ifndef PACKAGING_ELSEWHERE_H
#define PACKAGING_ELSEWHERE_H

#include <concurrency/atomic.h>

int64_t add_elsewhere(conc_int64 *number, int64_t n);
bool get_elsewhere(const conc_flag *flag);

#endif
