// SPDX-License-Identifier: LGPL-2.1-or-later

package main

import (
	"fmt"
	"strconv"
	"strings"
)

type queueState struct {
	items          string // each followed by a blank; the oldest first
	closed, failed bool
}

// A queue, all of it at once: the order of the items is what it is about.
func splitQueue(h *history) ([]*part, string) {
	items := &part{name: "items", initial: queueState{}, step: popsOf(h).step, operations: h.operations}
	return []*part{items}, brokenSize(h)
}

// pops has the pop of each item; all items of a history differ.
type pops map[string]*operation

func popsOf(h *history) pops {
	popped := pops{}
	for _, o := range h.operations {
		if isPop(o) {
			popped[o.result(0)] = o
		}
	}
	return popped
}

// mayFollow: can the item be pushed when these are queued? Not if it had been
// popped before the pop of one of them began. To see that now and not at the
// pops saves trying out all orders of many pushes at once, and changes nothing
// else.
func (popped pops) mayFollow(items, item string) bool {
	last := popped[item]
	for _, queued := range strings.Fields(items) {
		first := popped[queued]
		if last != nil && (first == nil || last.returned < first.called) {
			return false
		}
	}
	return true
}

func (popped pops) step(state interface{}, o *operation) (bool, interface{}) {
	q := state.(queueState)
	empty := q.items == ""
	switch o.name + " " + o.answer {
	case "push ok":
		fits := !q.closed && popped.mayFollow(q.items, o.argument(0))
		q.items += o.argument(0) + " "
		return fits, q
	case "push EPIPE":
		return q.closed, q
	case "pop ok", "drained ok":
		item := o.result(0) + " "
		oldest := strings.HasPrefix(q.items, item)
		q.items = strings.TrimPrefix(q.items, item)
		return oldest, q
	case "pop EAGAIN", "pop ETIMEDOUT":
		return empty && !q.closed && !q.failed, q
	case "pop EPIPE", "ended ok":
		return empty && q.closed, q
	case "pop ENOTRECOVERABLE":
		return empty && q.failed && !q.closed, q
	case "close ok":
		q.closed = true
		return true, q
	case "fail ok":
		q.failed = true
		return true, q
	case "is_closed ok":
		return (o.result(0) == "1") == q.closed, q
	case "empty ok":
		// "not empty" may be the trace of a push under way.
		return empty || o.result(0) == "0", q
	case "size ok":
		return true, q // brokenSize() has looked at it
	}
	return false, q
}

// brokenSize: the size is no linearizable answer, but one between the least and
// the most that can have been there during the call, give or take one for each
// operation under way, which these bounds are wide enough for.
func brokenSize(h *history) string {
	for _, o := range h.operations {
		if o.name != "size" {
			continue
		}
		least, most := 0, 0
		for _, other := range h.operations {
			before, begun := other.returned < o.called, other.called < o.returned
			if isPop(other) && begun {
				least--
			}
			if isPop(other) && before {
				most--
			}
			if isPush(other) && before {
				least++
			}
			// One that was refused in the end may count until then.
			if other.name == "push" && begun && (isPush(other) || !before) {
				most++
			}
		}
		size, err := strconv.Atoi(o.result(0))
		if err != nil || size < least || size > most {
			return fmt.Sprintf("not between %d and %d: %s", least, most, o)
		}
	}
	return ""
}

func isPush(o *operation) bool {
	return o.name == "push" && o.answer == ok
}

func isPop(o *operation) bool {
	return (o.name == "pop" || o.name == "drained") && o.answer == ok
}
