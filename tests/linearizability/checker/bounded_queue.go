// SPDX-License-Identifier: LGPL-2.1-or-later

package main

import (
	"math"
	"strconv"
)

// A bounded queue is three things, each linearizable by itself, which an
// operation does not change in one step:
//
//	items   the queue: who gets what, in which order, until the end
//	places  how many of them are taken, against the capacity: by an item from
//	        just before it can be popped until just after it was
//	tasks   what was pushed and not yet reported as done: from just before it
//	        can be popped
//
// An item's place and task are taken before it is popped, so before that pop has
// returned, even if its push takes longer.
func splitBoundedQueue(h *history) ([]*part, string) {
	popped := popsOf(h)
	items := &part{name: "items", initial: queueState{}, step: popped.itemsStep}
	capacity, err := strconv.Atoi(h.settings["capacity"])
	if err != nil {
		return nil, "no capacity"
	}
	places := &part{name: "places", initial: placesState{limit: limitFor(capacity)}, step: placesStep}
	tasks := &part{name: "tasks", initial: tasksState{}, step: tasksStep}
	for _, o := range h.operations {
		switch o.name {
		case "push":
			items.add(o)
			places.add(pushSteps(o, popped[o.argument(0)])...)
			if o.answer == ok || o.answer == "EPIPE" {
				tasks.add(pushSteps(o, popped[o.argument(0)])...)
			}
		case "drained":
			tasks.add(o)
			fallthrough
		case "pop":
			items.add(o)
			if o.answer == ok {
				places.add(o)
			}
		case "close", "ended", "is_closed", "empty":
			items.add(o)
			places.add(o)
		case "size", "full", "set_capacity":
			places.add(o)
		default:
			tasks.add(o)
		}
	}
	return []*part{items, places, tasks}, ""
}

// pushSteps: a push that is refused in the end may have taken a place, and
// begun a task, for a while.
func pushSteps(push, pop *operation) []*operation {
	if push.answer == "EPIPE" {
		return []*operation{push, push.renamed("try"), push.renamed("give up")}
	}
	begin := push.renamed("push")
	if pop != nil && pop.returned < push.returned {
		begin.returned = pop.returned
	}
	return []*operation{begin}
}

func (popped pops) itemsStep(state interface{}, o *operation) (bool, interface{}) {
	q := state.(queueState)
	switch o.name + " " + o.answer {
	case "push EAGAIN", "push ETIMEDOUT":
		return true, q // a matter of places
	case "empty ok":
		// A push that took its place before the end may still append.
		if q.closed {
			return true, q
		}
	}
	return popped.step(state, o)
}

type placesState struct {
	taken, tried, limit int
	closed, ended       bool
}

func limitFor(capacity int) int {
	if capacity <= 0 {
		return math.MaxInt32
	}
	return capacity
}

func placesStep(state interface{}, o *operation) (bool, interface{}) {
	p := state.(placesState)
	switch o.name + " " + o.answer {
	case "push ok":
		fits := !p.closed && p.taken < p.limit
		p.taken++
		return fits, p
	case "push EAGAIN", "push ETIMEDOUT":
		return !p.closed && p.taken+p.tried >= p.limit, p
	case "push EPIPE":
		return p.closed, p
	case "try EPIPE":
		p.tried++
		return true, p
	case "give up EPIPE":
		p.tried--
		return p.tried >= 0, p
	case "pop ok", "drained ok":
		p.taken--
		return p.taken >= 0, p
	case "close ok":
		p.closed = true
		return true, p
	case "ended ok":
		p.ended = true
		return p.closed, p
	case "is_closed ok":
		return (o.result(0) == "1") == p.closed, p
	case "empty ok":
		return true, p
	case "set_capacity ok":
		capacity, err := strconv.Atoi(o.argument(0))
		p.limit = limitFor(capacity)
		return err == nil, p
	case "size ok":
		size, err := strconv.Atoi(o.result(0))
		return err == nil && p.allows(size), p
	case "full ok":
		if p.closed {
			return true, p
		}
		if o.result(0) == "1" {
			return p.taken+p.tried >= p.limit, p
		}
		return p.taken < p.limit, p
	}
	return false, p
}

// allows: once closed, what is under way does not count any more.
func (p placesState) allows(size int) bool {
	if p.ended {
		return size == 0
	}
	return size <= p.taken+p.tried && (size >= p.taken || p.closed)
}

type tasksState struct {
	unfinished, tried int
}

func tasksStep(state interface{}, o *operation) (bool, interface{}) {
	t := state.(tasksState)
	switch o.name + " " + o.answer {
	case "push ok":
		t.unfinished++
		return true, t
	case "push EPIPE":
		return true, t
	case "try EPIPE":
		t.tried++
		return true, t
	case "give up EPIPE":
		t.tried--
		return t.tried >= 0, t
	case "drained ok":
		if t.unfinished > 0 {
			t.unfinished--
		}
		return true, t
	case "task_done ok":
		t.unfinished--
		return t.unfinished >= 0, t
	case "task_done ERANGE", "join ok":
		return t.unfinished == 0, t
	case "join EAGAIN", "join ETIMEDOUT":
		return t.unfinished+t.tried > 0, t
	case "unfinished ok":
		n, err := strconv.Atoi(o.result(0))
		return err == nil && t.unfinished <= n && n <= t.unfinished+t.tried, t
	}
	return false, t
}
