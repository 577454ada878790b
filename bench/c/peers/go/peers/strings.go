// SPDX-License-Identifier: LGPL-2.1-or-later
package main

// #include "bench.h"
import "C"

import (
	"sync"
	"unsafe"
)

type stringMap interface {
	peer
	set(key string, value int64)
}

// Strings in Go's own memory, each with its bytes to itself.
//
//export strings_prepare
func strings_prepare(keys *C.char, count C.size_t) C.uintptr_t {
	strings := make([]string, count)
	bytes := unsafe.Slice((*byte)(unsafe.Pointer(keys)), count*C.STRING_LENGTH)
	for i := range strings {
		strings[i] = string(bytes[i*C.STRING_LENGTH : (i+1)*C.STRING_LENGTH])
	}
	return handle(strings)
}

//export strings_fill
func strings_fill(mapWord, keysWord unsafe.Pointer) {
	m := value(mapWord).(stringMap)
	for i, key := range value(keysWord).([]string) {
		m.set(key, int64(i)+1)
	}
}

func probes(task *C.struct_task) []string {
	return value(unsafe.Pointer(task.steps)).([]string)
}

// ---- sync.Map ---------------------------------------------------------------

type syncStrings struct{ sync.Map }

//export sync_strings_new
func sync_strings_new(_ C.size_t) C.uintptr_t {
	return handle(&syncStrings{})
}

func (m *syncStrings) set(key string, value int64) {
	m.Store(key, value)
}

func (m *syncStrings) run(task *C.struct_task) (sum int64) {
	for _, key := range probes(task) {
		if value, ok := m.Load(key); ok {
			sum += value.(int64)
		}
	}
	return sum
}

// ---- a map and a lock -------------------------------------------------------

type lockedStrings struct {
	lock sync.RWMutex
	m    map[string]int64
}

//export locked_strings_new
func locked_strings_new(_ C.size_t) C.uintptr_t {
	return handle(&lockedStrings{m: map[string]int64{}})
}

func (m *lockedStrings) set(key string, value int64) {
	m.lock.Lock()
	m.m[key] = value
	m.lock.Unlock()
}

func (m *lockedStrings) run(task *C.struct_task) (sum int64) {
	for _, key := range probes(task) {
		m.lock.RLock()
		sum += m.m[key]
		m.lock.RUnlock()
	}
	return sum
}
