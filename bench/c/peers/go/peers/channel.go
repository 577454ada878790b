// SPDX-License-Identifier: LGPL-2.1-or-later
package main

// #include "bench.h"
import "C"

import "runtime"

type channel chan int64

//export channel_new
func channel_new(capacity C.size_t) C.uintptr_t {
	return handle(make(channel, capacity))
}

// As back_off() of loops.h, except that there is no pause instruction: a turn
// of the empty loop for each of the 40 cycles or so that one takes.
func backOff(tried int) {
	if tried >= 10 {
		runtime.Gosched()
		return
	}
	for range 40 << min(tried, 6) {
	}
}

func (c channel) push(item int64) {
	for tried := 0; ; tried++ {
		select {
		case c <- item:
			return
		default:
			backOff(tried)
		}
	}
}

func (c channel) pop() int64 {
	for tried := 0; ; tried++ {
		select {
		case item := <-c:
			return item
		default:
			backOff(tried)
		}
	}
}

func (c channel) produce(count int64) {
	for i := int64(1); i <= count; i++ {
		c.push(i)
	}
}

func (c channel) consume(count int64) (sum int64) {
	for range count {
		sum += c.pop()
	}
	return sum
}

func (c channel) pairs(count int64) (sum int64) {
	for i := int64(1); i <= count; i++ {
		c.push(i)
		sum += c.pop()
	}
	return sum
}

func (c channel) answer(to channel, count int64) (sum int64) {
	for range count {
		item := <-c
		to.push(item)
		sum += item
	}
	return sum
}

func (c channel) ask(from channel, count int64) (sum int64) {
	for i := int64(1); i <= count; i++ {
		c.push(i)
		sum += <-from
	}
	return sum
}

func (c channel) run(task *C.struct_task) int64 {
	count := int64(task.count)
	switch task.loop {
	case C.LOOP_PRODUCE:
		c.produce(count)
		return 0
	case C.LOOP_CONSUME:
		return c.consume(count)
	case C.LOOP_PAIRS:
		return c.pairs(count)
	case C.LOOP_ANSWER:
		return c.answer(value(task.other).(channel), count)
	case C.LOOP_ASK:
		return c.ask(value(task.other).(channel), count)
	default:
		c.produce(count)
		return c.consume(count)
	}
}
