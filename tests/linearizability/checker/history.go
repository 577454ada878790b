// SPDX-License-Identifier: LGPL-2.1-or-later

// Reading what a recorder writes: ../recorder.h says how.
package main

import (
	"bufio"
	"fmt"
	"io"
	"sort"
	"strconv"
	"strings"
)

// none is the token for no value.
const none = "none"

// ok is the answer of an operation that did what it was asked for.
const ok = "ok"

// An operation of one thread: [called, returned] holds the moment when it took
// effect.
type operation struct {
	thread           int
	called, returned int64
	name             string
	arguments        []string
	answer           string
	results          []string
}

func (o *operation) String() string {
	words := append([]string{o.name}, o.arguments...)
	words = append(append(words, "=", o.answer), o.results...)
	return strings.Join(words, " ")
}

// argument returns "" where there is none, which is no token.
func (o *operation) argument(i int) string {
	if i < len(o.arguments) {
		return o.arguments[i]
	}
	return ""
}

func (o *operation) result(i int) string {
	if i < len(o.results) {
		return o.results[i]
	}
	return ""
}

// renamed is one of the steps that an operation consists of.
func (o *operation) renamed(name string) *operation {
	step := *o
	step.name = name
	return &step
}

type history struct {
	structure, seed string
	settings        map[string]string
	operations      []*operation
}

// String is the whole history in the order of the calls, to be read.
func (h *history) String() string {
	var text strings.Builder
	sorted := append([]*operation(nil), h.operations...)
	sort.SliceStable(sorted, func(i, j int) bool { return sorted[i].called < sorted[j].called })
	fmt.Fprintf(&text, "%s, seed %s, %v\n", h.structure, h.seed, h.settings)
	fmt.Fprintf(&text, "  called returned  thread\n")
	for _, o := range sorted {
		fmt.Fprintf(&text, "%8d %8d  %-6d  %s\n", o.called, o.returned, o.thread, o)
	}
	return text.String()
}

// overlapping counts the operations that were under way together with another
// thread's: without them there would be nothing to check.
func (h *history) overlapping() int {
	count := 0
	for _, a := range h.operations {
		for _, b := range h.operations {
			if a.thread != b.thread && a.called < b.returned && b.called < a.returned {
				count++
				break
			}
		}
	}
	return count
}

func parseOperation(line string) (*operation, error) {
	words := strings.Fields(line)
	equals := 0
	for i, word := range words {
		if word == "=" {
			equals = i
		}
	}
	if equals < 4 || equals+1 >= len(words) {
		return nil, fmt.Errorf("no operation: %q", line)
	}
	o := &operation{
		name:      words[3],
		arguments: words[4:equals],
		answer:    words[equals+1],
		results:   words[equals+2:],
	}
	var err [3]error
	o.thread, err[0] = strconv.Atoi(words[0])
	o.called, err[1] = strconv.ParseInt(words[1], 10, 64)
	o.returned, err[2] = strconv.ParseInt(words[2], 10, 64)
	for _, e := range err {
		if e != nil {
			return nil, e
		}
	}
	if o.called >= o.returned {
		return nil, fmt.Errorf("returned before it was called: %q", line)
	}
	return o, nil
}

func parseHeader(line string) (*history, error) {
	words := strings.Fields(line)
	if len(words) < 3 || words[0] != "history" {
		return nil, fmt.Errorf("no history: %q", line)
	}
	h := &history{structure: words[1], seed: words[2], settings: map[string]string{}}
	for _, word := range words[3:] {
		pair := strings.SplitN(word, "=", 2)
		if len(pair) != 2 {
			return nil, fmt.Errorf("no setting: %q", word)
		}
		h.settings[pair[0]] = pair[1]
	}
	return h, nil
}

// A reader gives one history after the other. A recorder that came to its end
// says how many there were: else what is missing would pass for checked.
type reader struct {
	lines *bufio.Scanner
	count int
}

func newReader(input io.Reader) *reader {
	return &reader{lines: bufio.NewScanner(input)}
}

// next returns io.EOF after the last history.
func (r *reader) next() (*history, error) {
	if !r.lines.Scan() {
		return nil, fmt.Errorf("the recorder did not come to its end (after %d histories)", r.count)
	}
	if r.lines.Text() == fmt.Sprintf("recorded %d", r.count) {
		return nil, io.EOF
	}
	h, err := parseHeader(r.lines.Text())
	if err != nil {
		return nil, err
	}
	for r.lines.Scan() {
		if r.lines.Text() == "end" {
			r.count++
			return h, nil
		}
		o, err := parseOperation(r.lines.Text())
		if err != nil {
			return nil, err
		}
		h.operations = append(h.operations, o)
	}
	return nil, fmt.Errorf("the recorder broke off within a history")
}
