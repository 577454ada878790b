// SPDX-License-Identifier: LGPL-2.1-or-later
package main

// #include "bench.h"
import "C"

import (
	"sync"
	"sync/atomic"
	"unsafe"
)

func steps(task *C.struct_task) []uint64 {
	return unsafe.Slice((*uint64)(task.steps), task.count)
}

func split(step uint64) (operation uint64, key int64) {
	return step & 3, int64(step >> 2)
}

// ---- sync.Map ---------------------------------------------------------------

type syncMap struct{ sync.Map }

//export sync_map_new
func sync_map_new(_ C.size_t) C.uintptr_t {
	return handle(&syncMap{})
}

func (m *syncMap) run(task *C.struct_task) (sum int64) {
	for _, step := range steps(task) {
		switch operation, key := split(step); operation {
		case C.MAP_GET:
			if value, ok := m.Load(key); ok {
				sum += value.(int64)
			}
		case C.MAP_SET:
			m.Store(key, key+1)
		case C.MAP_DELETE:
			m.Delete(key)
		case C.MAP_ADD:
			m.add(key)
		}
	}
	return sum
}

func (m *syncMap) add(key int64) {
	for {
		old, found := m.LoadOrStore(key, int64(1))
		if !found || m.CompareAndSwap(key, old, old.(int64)+1) {
			return
		}
	}
}

// ---- sync.Map of counters ---------------------------------------------------

type syncCounts struct{ sync.Map }

//export sync_counts_new
func sync_counts_new(_ C.size_t) C.uintptr_t {
	return handle(&syncCounts{})
}

func (m *syncCounts) run(task *C.struct_task) (sum int64) {
	for _, step := range steps(task) {
		switch operation, key := split(step); operation {
		case C.MAP_GET:
			if count, ok := m.Load(key); ok {
				sum += count.(*atomic.Int64).Load()
			}
		case C.MAP_ADD:
			m.count(key).Add(1)
		default:
			panic("a map of counters only counts")
		}
	}
	return sum
}

func (m *syncCounts) count(key int64) *atomic.Int64 {
	count, ok := m.Load(key)
	if !ok {
		count, _ = m.LoadOrStore(key, new(atomic.Int64))
	}
	return count.(*atomic.Int64)
}

// ---- a map and a lock -------------------------------------------------------

type lockedMap struct {
	lock sync.RWMutex
	m    map[int64]int64
}

//export locked_map_new
func locked_map_new(_ C.size_t) C.uintptr_t {
	return handle(&lockedMap{m: map[int64]int64{}})
}

func (m *lockedMap) run(task *C.struct_task) (sum int64) {
	for _, step := range steps(task) {
		operation, key := split(step)
		if operation == C.MAP_GET {
			m.lock.RLock()
			sum += m.m[key]
			m.lock.RUnlock()
			continue
		}
		m.lock.Lock()
		switch operation {
		case C.MAP_SET:
			m.m[key] = key + 1
		case C.MAP_DELETE:
			delete(m.m, key)
		case C.MAP_ADD:
			m.m[key]++
		}
		m.lock.Unlock()
	}
	return sum
}
