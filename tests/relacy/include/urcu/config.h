/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All of it is in urcu-bp.h. */
#include <urcu/urcu-bp.h>
