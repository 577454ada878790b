// SPDX-License-Identifier: LGPL-2.1-or-later

// The Go peers of the benchmark in C.  The driver keeps its tasks; their loops
// run here, a goroutine each, as a Go program would have it.
//
// Each peer writes its loop out: Go inlines no method that it reaches through
// an interface or a type parameter, and an operation is as short as such a call.
package main

/*
#cgo CFLAGS: -I${SRCDIR}/../../..
#include "bench.h"
*/
import "C"

import (
	"runtime"
	"runtime/cgo"
	"runtime/debug"
	"sync"
	"time"
	"unsafe"
)

// A peer runs the loop of a task once and returns the sum that the driver knows.
type peer interface {
	run(task *C.struct_task) int64
}

// No collection before the heap is this large: with the default, the smallest
// maps would be collected thousands of times a second.
const heap = 1 << 30

func init() {
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(heap)
}

func handle(object any) C.uintptr_t {
	return C.uintptr_t(cgo.NewHandle(object))
}

func value(word unsafe.Pointer) any {
	return (*(*cgo.Handle)(word)).Value()
}

func object(task *C.struct_task) peer {
	return value(task.object).(peer)
}

// Collects what it leaves, so that this is not done in the next one's time.
//
//export peer_free
func peer_free(word unsafe.Pointer) {
	(*(*cgo.Handle)(word)).Delete()
	runtime.GC()
}

//export task_run
func task_run(task *C.struct_task) int64 {
	return object(task).run(task)
}

//export tasks_run
func tasks_run(first *C.struct_task, count C.unsigned, now int64) {
	var ended sync.WaitGroup
	clock := clock{time.Now(), now}
	start := make(chan struct{})

	tasks := unsafe.Slice(first, count)
	for i := range tasks {
		ended.Add(1)
		go func() {
			defer ended.Done()
			object := object(&tasks[i])
			<-start
			runPasses(object, &tasks[i], &clock)
		}()
	}
	close(start)
	ended.Wait()
}

func runPasses(object peer, task *C.struct_task, clock *clock) {
	var sum int64

	began := clock.read()
	for range int(task.passes) {
		sum += object.run(task)
	}
	task.ended = C.int64_t(clock.read())
	task.began = C.int64_t(began)
	task.sum = C.int64_t(sum)
}

// The driver's clock, which Go cannot read by itself.
type clock struct {
	start time.Time
	at    int64
}

func (c *clock) read() int64 {
	return c.at + int64(time.Since(c.start))
}

func main() {}
