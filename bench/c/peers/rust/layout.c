/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Stops the program before it does anything if src/driver.rs, which repeats
 * bench.h in Rust, no longer says the same: the list here and the one there
 * name the same things in the same order.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

static const size_t layout[] = {
	sizeof(struct task),
	offsetof(struct task, loop),
	offsetof(struct task, object),
	offsetof(struct task, other),
	offsetof(struct task, steps),
	offsetof(struct task, count),
	offsetof(struct task, passes),
	offsetof(struct task, sum),
	offsetof(struct task, began),
	offsetof(struct task, ended),
	sizeof(struct library),
	offsetof(struct library, kind),
	offsetof(struct library, name),
	offsetof(struct library, how),
	offsetof(struct library, differs),
	offsetof(struct library, cannot),
	offsetof(struct library, make),
	offsetof(struct library, destroy),
	offsetof(struct library, run),
	offsetof(struct library, prepare),
	offsetof(struct library, fill),
	offsetof(struct library, value),
	offsetof(struct library, thread_begin),
	offsetof(struct library, thread_end),
	offsetof(struct library, run_all),
	offsetof(struct library, warm_up),
	offsetof(struct library, missing),
	KIND_MAP,
	KIND_STRINGS,
	KIND_QUEUE,
	KIND_COUNTER,
	MAP_GET,
	MAP_SET,
	MAP_DELETE,
	MAP_ADD,
	STRING_LENGTH,
	LOOP_PRODUCE,
	LOOP_CONSUME,
	LOOP_PAIRS,
	LOOP_BURST,
	LOOP_ANSWER,
	LOOP_ASK,
	NEEDS_WAIT,
};

extern const size_t rust_layout[];
extern const size_t rust_layout_size;

__attribute__((constructor)) static void compare_layouts(void)
{
	if (rust_layout_size == sizeof(layout) &&
	    memcmp(rust_layout, layout, sizeof(layout)) == 0)
		return;
	fputs("bench/c/peers/rust/src/driver.rs is not what bench.h is\n", stderr);
	exit(1);
}
