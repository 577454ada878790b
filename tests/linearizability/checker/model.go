// SPDX-License-Identifier: LGPL-2.1-or-later

package main

import (
	"fmt"

	"github.com/anishathalye/porcupine"
)

// A part of a history that is linearizable or not by itself: all operations on
// one key, or on the number of unfinished tasks.
type part struct {
	name       string
	initial    interface{}
	step       stepFunction
	operations []*operation
}

// A stepFunction says whether an operation can have answered as it did in this
// state, and which state comes after it. States are compared with ==.
type stepFunction func(state interface{}, o *operation) (bool, interface{})

func (p *part) add(operations ...*operation) {
	p.operations = append(p.operations, operations...)
}

// check searches for an order in which the part can have happened.
func (p *part) check() porcupine.CheckResult {
	model := porcupine.Model{
		Init: func() interface{} { return p.initial },
		Step: func(state, input, _ interface{}) (bool, interface{}) {
			return p.step(state, input.(*operation))
		},
	}
	var operations []porcupine.Operation
	for _, o := range p.operations {
		operations = append(operations, porcupine.Operation{
			ClientId: o.thread, Input: o, Call: o.called, Return: o.returned})
	}
	return porcupine.CheckOperationsTimeout(model, operations, searchLimit)
}

// What the documentation of each structure promises. A splitter also holds a
// history against promises that are no matter of an order, and says which one
// was broken.
type splitter func(h *history) (parts []*part, broken string)

var splitters = map[string]splitter{
	"dict":          splitDict,
	"queue":         splitQueue,
	"bounded_queue": splitBoundedQueue,
	"gather":        splitGather,
	"int64":         splitCell,
	"flag":          splitCell,
	"ref":           splitCell,
}

// judge returns "" for a history that is as promised, else what is wrong.
func judge(h *history) string {
	split, known := splitters[h.structure]
	if !known {
		return fmt.Sprintf("no model for %q", h.structure)
	}
	parts, broken := split(h)
	if broken != "" {
		return broken
	}
	for _, p := range parts {
		switch p.check() {
		case porcupine.Illegal:
			return "not linearizable: " + p.name
		case porcupine.Unknown:
			return "no verdict within " + searchLimit.String() + ": " + p.name
		}
	}
	return ""
}
