// SPDX-License-Identifier: LGPL-2.1-or-later
package main

// #include "bench.h"
import "C"

import (
	"sync/atomic"
	"unsafe"
)

type counter struct{ atomic.Int64 }

//export counter_new
func counter_new(_ C.size_t) C.uintptr_t {
	return handle(&counter{})
}

//export counter_value
func counter_value(word unsafe.Pointer) int64 {
	return value(word).(*counter).Load()
}

func (c *counter) run(task *C.struct_task) int64 {
	for range int(task.count) {
		c.Add(1)
	}
	return 0
}
