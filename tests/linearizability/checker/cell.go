// SPDX-License-Identifier: LGPL-2.1-or-later

package main

import "strconv"

// What holds one value: an integer, a truth value, a reference.
func splitCell(h *history) ([]*part, string) {
	initial := "0"
	if h.structure == "ref" {
		initial = none
	}
	return []*part{{name: "value", initial: initial, step: cellStep, operations: h.operations}}, ""
}

func cellStep(state interface{}, o *operation) (bool, interface{}) {
	value := state.(string)
	switch o.name + " " + o.answer {
	case "get ok":
		return o.result(0) == value, value
	case "set ok":
		return true, o.argument(0)
	case "exchange ok":
		return o.result(0) == value, o.argument(0)
	case "compare_exchange ok":
		return o.argument(0) == value, o.argument(1)
	case "compare_exchange EAGAIN":
		return o.argument(0) != value && shows(o, value), value
	}
	old, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return false, value
	}
	n, err := strconv.ParseInt(o.argument(0), 10, 64)
	if err != nil {
		return false, value
	}
	answer, result := calculate(o.name, old, n)
	if answer != ok {
		return o.answer == answer, value
	}
	next := strconv.FormatInt(result, 10)
	// In Python, `a += n' does not say what came out.
	return o.answer == ok && (len(o.results) == 0 || o.result(0) == next), next
}

// calculate wraps at 64 bits, as Go does.
func calculate(name string, old, n int64) (answer string, result int64) {
	switch name {
	case "add":
		return ok, old + n
	case "sub":
		return ok, old - n
	case "and":
		return ok, old & n
	case "or":
		return ok, old | n
	case "xor":
		return ok, old ^ n
	case "multiply":
		return ok, old * n
	case "floor_divide":
		if n == 0 {
			return "EDOM", 0
		}
		quotient := old / n
		if old%n != 0 && (old < 0) != (n < 0) {
			quotient--
		}
		return ok, quotient
	}
	return "no such operation", 0
}
