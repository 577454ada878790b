/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <concurrency/common.h>

const char *conc_version(void)
{
	return PACKAGE_VERSION;
}
