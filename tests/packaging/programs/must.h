/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the programs here report with: C99 and C++, as they are. */
#ifndef PACKAGING_MUST_H
#define PACKAGING_MUST_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static inline void must(bool held, const char *what)
{
	if (!held) {
		printf("not so: %s\n", what);
		exit(1);
	}
}

#endif
