/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <concurrency.h>

#include "elsewhere.h"

int64_t add_elsewhere(conc_int64 *number, int64_t n)
{
	return conc_int64_add(number, n);
}

bool get_elsewhere(const conc_flag *flag)
{
	return conc_flag_get(flag);
}
