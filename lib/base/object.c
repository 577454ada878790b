/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "object.h"

const char conc_copy;
