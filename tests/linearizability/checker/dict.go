// SPDX-License-Identifier: LGPL-2.1-or-later

package main

import (
	"fmt"
	"math/big"
	"strconv"
)

// How often a clear may come to a key: it begins again where a table has given way
// to another, and so removes a key again that was stored meanwhile.
const comings = 3

// A dict: each key by itself. `clear' removes each entry at some moment, and a
// cursor gives each as it was at some moment: of each key they are one operation,
// of the whole dict they are not.
func splitDict(h *history) ([]*part, string) {
	keys := map[string]*part{}
	var parts []*part
	of := func(key string) *part {
		if keys[key] == nil {
			keys[key] = &part{name: "key " + key, initial: none, step: dictStep(limitOf(h))}
			parts = append(parts, keys[key])
		}
		return keys[key]
	}
	for _, o := range h.operations {
		switch o.name {
		case "clear":
			for _, key := range keysUpTo(o.argument(0)) {
				for i := 0; i < comings; i++ {
					of(key).add(o)
				}
			}
		case "items":
			seen := map[string]string{}
			for i := 0; i+1 < len(o.results); i += 2 {
				key := o.results[i]
				if _, twice := seen[key]; twice {
					return nil, fmt.Sprintf("key %s came twice: %s", key, o)
				}
				seen[key] = o.results[i+1]
			}
			for _, key := range keysUpTo(o.argument(0)) {
				of(key).add(asGet(o, seen, key))
			}
		default:
			of(o.argument(0)).add(o)
		}
	}
	return parts, ""
}

func keysUpTo(count string) []string {
	n, _ := strconv.Atoi(count)
	keys := make([]string, n)
	for i := range keys {
		keys[i] = strconv.Itoa(i)
	}
	return keys
}

func asGet(items *operation, seen map[string]string, key string) *operation {
	get := items.renamed("get")
	value, there := seen[key]
	if there {
		get.answer, get.results = ok, []string{value}
	} else {
		get.answer, get.results = "ENOENT", nil
	}
	return get
}

// limitOf returns the number of bits that sums may have, beside the sign; 0: any.
func limitOf(h *history) uint {
	switch h.settings["values"] {
	case "int64":
		return 60
	case "retained", "type_stable":
		return 59
	default:
		return 0
	}
}

func dictStep(limit uint) stepFunction {
	return func(state interface{}, o *operation) (bool, interface{}) {
		value := state.(string)
		there := value != none
		switch o.name + " " + o.answer {
		case "get ok":
			return there && o.result(0) == value, value
		case "get ENOENT", "delete ENOENT", "pop ENOENT":
			return !there, value
		case "contains ok":
			return (o.result(0) == "1") == there, value
		case "set ok":
			return true, o.argument(1)
		case "exchange ok":
			return o.result(0) == value, o.argument(1)
		case "insert ok":
			return !there, o.argument(1)
		case "insert EEXIST":
			return there && shows(o, value), value
		case "delete ok":
			return there, none
		case "pop ok":
			return there && o.result(0) == value, none
		case "take_pointer ok":
			return there && !isNumber(value) && o.result(0) == value, none
		case "take_pointer ENOENT":
			return !there, value
		case "take_pointer EDOM":
			return there && isNumber(value), value
		case "compare_exchange ok":
			return o.argument(1) == value, o.argument(2)
		case "compare_exchange EAGAIN":
			return o.argument(1) != value && shows(o, value), value
		case "update ok":
			return o.result(0) == value, o.result(1)
		case "clear ok":
			return true, none
		}
		if o.name == "add" {
			return addStep(value, o, limit)
		}
		return false, value
	}
}

// shows: an operation that did not store may give what was there, too.
func shows(o *operation, value string) bool {
	return len(o.results) == 0 || o.result(0) == value
}

func isNumber(value string) bool {
	_, err := strconv.ParseInt(value, 10, 64)
	return err == nil
}

// An add of less than 2^32 may cross the 60 bits of a dict of pointers.
func addStep(value string, o *operation, limit uint) (bool, interface{}) {
	answer, sum := sumOf(value, o.argument(1), limit)
	if answer == "EOVERFLOW" && o.answer == ok && limit == 59 && isSmall(o.argument(1)) {
		answer = ok
	}
	if answer != ok {
		return o.answer == answer, value
	}
	return o.answer == ok && o.result(0) == sum, sum
}

func isSmall(n string) bool {
	number, err := strconv.ParseInt(n, 10, 64)
	return err == nil && number < 1<<32 && number >= -1<<32
}

// sumOf returns how an add answers that is exact, and the sum.
func sumOf(value, n string, limit uint) (answer, sum string) {
	if value == none {
		value = "0"
	}
	a, aIsNumber := new(big.Int).SetString(value, 10)
	b, bIsNumber := new(big.Int).SetString(n, 10)
	if !aIsNumber || !bIsNumber {
		return "EDOM", ""
	}
	a.Add(a, b)
	most := new(big.Int).Lsh(big.NewInt(1), limit)
	if limit != 0 && (a.Cmp(most) >= 0 || a.Cmp(new(big.Int).Neg(most)) < 0) {
		return "EOVERFLOW", a.String()
	}
	return ok, a.String()
}
