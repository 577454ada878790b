// SPDX-License-Identifier: LGPL-2.1-or-later

package main

type placeState struct {
	value  string
	failed bool
}

// A gathering: each place by itself; that it failed concerns all of them.
func splitGather(h *history) ([]*part, string) {
	places := map[string]*part{}
	var parts []*part
	for _, key := range keysUpTo(h.settings["keys"]) {
		places[key] = &part{name: "key " + key, initial: placeState{none, false}, step: placeStep}
		parts = append(parts, places[key])
	}
	for _, o := range h.operations {
		if len(o.arguments) == 0 {
			for _, p := range parts {
				p.add(o)
			}
			continue
		}
		p, known := places[o.argument(0)]
		if !known {
			return nil, "no such key: " + o.String()
		}
		switch {
		case o.answer == "ENOTRECOVERABLE" && h.settings["failure"] == "first":
			// Python's iterators look for the failure alone.
			p.add(o.renamed("failed"))
		case o.answer == "EAGAIN" || o.answer == "ETIMEDOUT":
			// Two looks: has it failed? is it there?
			p.add(o.renamed("not failed"), o)
		default:
			p.add(o)
		}
	}
	return parts, ""
}

func placeStep(state interface{}, o *operation) (bool, interface{}) {
	place := state.(placeState)
	there := place.value != none
	switch o.name {
	case "failed":
		return place.failed, place
	case "not failed":
		return !place.failed, place
	}
	switch o.name + " " + o.answer {
	case "insert ok":
		place.value = o.argument(1)
		return true, place
	case "read ok":
		return there && o.result(0) == place.value, place
	case "take ok":
		fits := there && o.result(0) == place.value
		place.value = none
		return fits, place
	case "read EAGAIN", "take EAGAIN", "read ETIMEDOUT", "take ETIMEDOUT":
		return !there, place
	case "read ENOTRECOVERABLE", "take ENOTRECOVERABLE":
		return !there && place.failed, place
	case "clear ok":
		place.value = none
		return true, place
	case "fail ok":
		place.failed = true
		return true, place
	case "has_failed ok":
		return (o.result(0) == "1") == place.failed, place
	}
	return false, place
}
