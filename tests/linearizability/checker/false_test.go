// SPDX-License-Identifier: LGPL-2.1-or-later

// Histories that no structure may have, each beside one that differs in little
// and is right: a model that accepted everything, or nothing, would be found.
package main

import (
	"io"
	"strings"
	"testing"
)

var histories = []struct {
	name         string
	header       string
	right, wrong string
}{
	{
		"a read that is older than the set before it", "dict 1 keys=int64 values=int64",
		"1 1 2 set 0 5 = ok; 2 3 6 set 0 6 = ok; 3 4 5 get 0 = ok 5",
		"1 1 2 set 0 5 = ok; 2 3 4 set 0 6 = ok; 3 5 6 get 0 = ok 5",
	}, {
		"a lost add", "dict 1 keys=int64 values=int64",
		"1 1 4 add 0 1 = ok 1; 2 2 3 add 0 1 = ok 2; 0 5 6 get 0 = ok 2",
		"1 1 4 add 0 1 = ok 1; 2 2 3 add 0 1 = ok 1; 0 5 6 get 0 = ok 1",
	}, {
		"a sum that falls", "dict 1 keys=int64 values=int64",
		"1 1 8 add 0 1 = ok 1; 2 2 3 get 0 = ok 1; 2 4 5 get 0 = ok 1",
		"1 1 8 add 0 1 = ok 1; 2 2 3 get 0 = ok 1; 2 4 5 get 0 = ENOENT none",
	}, {
		"a sum beyond the limit", "dict 1 keys=int64 values=int64",
		"1 1 2 set 0 1152921504606846975 = ok; 2 3 4 add 0 1 = EOVERFLOW",
		"1 1 2 set 0 1152921504606846975 = ok; 2 3 4 add 0 1 = ok 1152921504606846976",
	}, {
		"an add to an object", "dict 1 keys=int64 values=retained",
		"1 1 2 set 0 o7 = ok; 2 3 4 add 0 1 = EDOM",
		"1 1 2 set 0 o7 = ok; 2 3 4 add 0 1 = ok 1",
	}, {
		"two inserts that both succeed", "dict 1 keys=int64 values=int64",
		"1 1 4 insert 0 5 = ok; 2 2 3 insert 0 6 = EEXIST",
		"1 1 4 insert 0 5 = ok; 2 2 3 insert 0 6 = ok",
	}, {
		"one value handed out by two deletes", "dict 1 keys=int64 values=int64",
		"0 1 2 set 0 5 = ok; 1 3 6 pop 0 = ok 5; 2 4 5 pop 0 = ENOENT none",
		"0 1 2 set 0 5 = ok; 1 3 6 pop 0 = ok 5; 2 4 5 pop 0 = ok 5",
	}, {
		"two exchanges of one expected value", "dict 1 keys=int64 values=int64",
		"1 1 4 compare_exchange 0 none 5 = ok; 2 2 3 compare_exchange 0 none 6 = EAGAIN",
		"1 1 4 compare_exchange 0 none 5 = ok; 2 2 3 compare_exchange 0 none 6 = ok",
	}, {
		"an insert that shows what was not there", "dict 1 keys=int64 values=int64",
		"0 1 2 set 0 5 = ok; 1 3 6 insert 0 7 = EEXIST 6; 2 4 5 set 0 6 = ok",
		"0 1 2 set 0 5 = ok; 1 3 4 insert 0 7 = EEXIST 6; 2 5 6 set 0 6 = ok",
	}, {
		"an exchange that shows what it expected", "dict 1 keys=int64 values=int64",
		"0 1 2 set 0 5 = ok; 1 3 6 compare_exchange 0 5 6 = EAGAIN 7; 2 4 5 set 0 7 = ok",
		"0 1 2 set 0 5 = ok; 1 3 6 compare_exchange 0 5 6 = EAGAIN 5; 2 4 5 set 0 7 = ok",
	}, {
		"a number that was taken as a pointer", "dict 1 keys=int64 values=retained",
		"0 1 2 set 0 5 = ok; 1 3 6 take_pointer 0 = EDOM; 2 4 5 set 0 o7 = ok; 1 7 8 take_pointer 0 = ok o7; 1 9 10 take_pointer 0 = ENOENT",
		"0 1 2 set 0 o7 = ok; 1 3 4 take_pointer 0 = EDOM; 2 5 6 set 0 5 = ok",
	}, {
		"an update of a value that was replaced", "dict 1 keys=int64 values=int64",
		"0 1 2 set 0 5 = ok; 1 3 6 update 0 = ok 5 6; 2 4 5 set 0 7 = ok; 0 7 8 get 0 = ok 7",
		"0 1 2 set 0 5 = ok; 1 5 6 update 0 = ok 5 6; 2 3 4 set 0 7 = ok; 0 7 8 get 0 = ok 6",
	}, {
		"a value of another key", "dict 1 keys=int64 values=int64",
		"1 1 2 set 0 5 = ok; 1 3 4 set 1 6 = ok; 2 5 6 get 1 = ok 6",
		"1 1 2 set 0 5 = ok; 1 3 4 set 1 6 = ok; 2 5 6 get 1 = ok 5",
	}, {
		"a cursor that misses a key", "dict 1 keys=int64 values=int64",
		"1 1 2 set 0 5 = ok; 1 3 4 set 1 6 = ok; 2 5 6 items 2 = ok 1 6 0 5",
		"1 1 2 set 0 5 = ok; 1 3 4 set 1 6 = ok; 2 5 6 items 2 = ok 1 6",
	}, {
		"a cursor that gives a key twice", "dict 1 keys=int64 values=int64",
		"1 1 2 set 0 5 = ok; 2 3 4 items 2 = ok 0 5",
		"1 1 2 set 0 5 = ok; 2 3 4 items 2 = ok 0 5 0 5",
	}, {
		"an entry removed once more when clear is over", "dict 1 keys=int64 values=int64",
		"0 1 8 clear 1 = ok; 1 2 3 update 0 = ok none 5; 2 4 5 get 0 = ENOENT none; 1 6 7 update 0 = ok none 6; 2 9 10 get 0 = ENOENT none",
		"0 1 7 clear 1 = ok; 1 2 3 update 0 = ok none 5; 2 4 5 get 0 = ENOENT none; 1 8 9 update 0 = ok none 6; 2 10 11 get 0 = ENOENT none",
	}, {
		"an entry that outlives clear", "dict 1 keys=int64 values=int64",
		"1 1 2 set 0 5 = ok; 2 3 4 clear 1 = ok; 0 5 6 get 0 = ENOENT none",
		"1 1 2 set 0 5 = ok; 2 3 4 clear 1 = ok; 0 5 6 get 0 = ok 5",
	}, {
		"items out of order", "queue 1",
		"1 1 2 push 5 = ok; 1 3 4 push 6 = ok; 2 5 6 pop = ok 5; 2 7 8 pop = ok 6",
		"1 1 2 push 5 = ok; 1 3 4 push 6 = ok; 2 5 6 pop = ok 6; 2 7 8 pop = ok 5",
	}, {
		"one item for two", "queue 1",
		"1 1 2 push 5 = ok; 2 3 6 pop = ok 5; 3 4 5 pop = EAGAIN",
		"1 1 2 push 5 = ok; 2 3 6 pop = ok 5; 3 4 5 pop = ok 5",
	}, {
		"a lost item", "queue 1",
		"1 1 2 push 5 = ok; 2 3 4 pop = ok 5; 0 5 6 close = ok; 0 7 8 pop = EPIPE",
		"1 1 2 push 5 = ok; 2 3 4 push 6 = ok; 0 5 6 close = ok; 0 7 8 pop = ok 5; 0 9 10 pop = EPIPE",
	}, {
		"nothing there, though there was all the time", "queue 1",
		"1 1 4 push 5 = ok; 2 2 3 pop = ETIMEDOUT; 2 5 6 pop = ok 5",
		"1 1 2 push 5 = ok; 2 3 4 pop = ETIMEDOUT; 2 5 6 pop = ok 5",
	}, {
		"a push after the end", "queue 1",
		"1 1 4 close = ok; 2 2 3 push 5 = ok; 0 5 6 pop = ok 5",
		"1 1 2 close = ok; 2 3 4 push 5 = ok; 0 5 6 pop = ok 5",
	}, {
		"an end with an item left", "queue 1",
		"1 1 2 push 5 = ok; 2 3 8 close = ok; 2 3 5 drained = ok 5; 2 6 8 ended = ok",
		"1 1 2 push 5 = ok; 2 3 8 close = ok; 2 6 8 ended = ok; 1 9 10 pop = ok 5",
	}, {
		"a failure before it failed", "queue 1",
		"1 1 2 fail = ok; 2 3 4 pop = ENOTRECOVERABLE",
		"1 3 4 fail = ok; 2 1 2 pop = ENOTRECOVERABLE",
	}, {
		"a size that never was", "queue 1",
		"1 1 2 push 5 = ok; 2 3 6 size = ok 2; 3 4 5 push 6 = ok; 0 7 8 pop = ok 5; 0 9 10 pop = ok 6",
		"1 1 2 push 5 = ok; 2 3 4 size = ok 2; 3 5 6 push 6 = ok; 0 7 8 pop = ok 5; 0 9 10 pop = ok 6",
	}, {
		"more than the capacity", "bounded_queue 1 capacity=1",
		"1 1 2 push 5 = ok; 2 3 4 push 6 = EAGAIN",
		"1 1 2 push 5 = ok; 2 3 4 push 6 = ok",
	}, {
		"more than a capacity that was lowered", "bounded_queue 1 capacity=0",
		"1 1 2 push 5 = ok; 2 3 6 set_capacity 1 = ok; 3 4 5 push 6 = ok",
		"1 1 2 push 5 = ok; 2 3 4 set_capacity 1 = ok; 3 5 6 push 6 = ok",
	}, {
		"full with room", "bounded_queue 1 capacity=2",
		"1 1 4 push 5 = ok; 2 2 3 size = ok 1; 3 5 6 full = ok 0",
		"1 1 4 push 5 = ok; 2 2 3 size = ok 1; 3 5 6 push 6 = EAGAIN",
	}, {
		"a place that was not given back", "bounded_queue 1 capacity=1",
		"1 1 2 push 5 = ok; 2 3 6 pop = ok 5; 3 4 5 size = ok 1; 0 7 8 size = ok 0",
		"1 1 2 push 5 = ok; 2 3 4 pop = ok 5; 0 7 8 size = ok 1",
	}, {
		"items of a bounded queue out of order", "bounded_queue 1 capacity=0",
		"1 1 2 push 5 = ok; 1 3 4 push 6 = ok; 2 5 6 pop = ok 5",
		"1 1 2 push 5 = ok; 1 3 4 push 6 = ok; 2 5 6 pop = ok 6",
	}, {
		"a refusal before the end", "bounded_queue 1 capacity=0",
		"1 1 4 close = ok; 2 2 3 push 5 = EPIPE",
		"1 3 4 close = ok; 2 1 2 push 5 = EPIPE",
	}, {
		"more tasks done than there were", "bounded_queue 1 capacity=0",
		"1 1 2 push 5 = ok; 2 3 6 task_done = ok; 3 4 5 task_done = ERANGE",
		"1 1 2 push 5 = ok; 2 3 6 task_done = ok; 3 4 5 task_done = ok",
	}, {
		"a task that is refused to who has it", "bounded_queue 1 capacity=0",
		"1 1 8 push 5 = ok; 2 2 3 pop = ok 5; 2 4 5 task_done = ok",
		"1 1 8 push 5 = ok; 2 2 3 pop = ok 5; 2 4 5 task_done = ERANGE",
	}, {
		"a join with a task left", "bounded_queue 1 capacity=0",
		"1 1 2 push 5 = ok; 2 3 4 task_done = ok; 3 5 6 join = ok",
		"1 1 2 push 5 = ok; 2 5 6 task_done = ok; 3 3 4 join = ok",
	}, {
		"one value taken twice", "gather 1 keys=1",
		"1 1 2 insert 0 5 = ok; 2 3 6 take 0 = ok 5; 3 4 5 take 0 = EAGAIN",
		"1 1 2 insert 0 5 = ok; 2 3 6 take 0 = ok 5; 3 4 5 take 0 = ok 5",
	}, {
		"not there, though it was all the time", "gather 1 keys=1",
		"1 1 4 insert 0 5 = ok; 2 2 3 read 0 = ETIMEDOUT",
		"1 1 2 insert 0 5 = ok; 2 3 4 read 0 = ETIMEDOUT",
	}, {
		"a failure that is not seen afterwards", "gather 1 keys=1",
		"1 1 4 fail = ok; 2 2 3 take 0 = EAGAIN; 2 5 6 take 0 = ENOTRECOVERABLE",
		"1 1 2 fail = ok; 2 3 4 take 0 = EAGAIN",
	}, {
		"a failure although it is there", "gather 1 keys=1",
		"1 1 2 insert 0 5 = ok; 1 3 4 fail = ok; 2 5 6 take 0 = ok 5",
		"1 1 2 insert 0 5 = ok; 1 3 4 fail = ok; 2 5 6 take 0 = ENOTRECOVERABLE",
	}, {
		"a lost increment", "int64 1",
		"1 1 4 add 1 = ok 1; 2 2 3 add 1 = ok 2",
		"1 1 4 add 1 = ok 1; 2 2 3 add 1 = ok 1",
	}, {
		"a quotient rounded towards zero", "int64 1",
		"1 1 2 set -7 = ok; 2 3 4 floor_divide 2 = ok -4; 3 5 6 floor_divide 0 = EDOM",
		"1 1 2 set -7 = ok; 2 3 4 floor_divide 2 = ok -3; 3 5 6 floor_divide 0 = EDOM",
	}, {
		"an exchange that fails without cause", "int64 1",
		"1 1 2 compare_exchange 0 5 = ok; 2 3 4 compare_exchange 0 6 = EAGAIN 5",
		"1 1 2 set 5 = ok; 2 3 4 compare_exchange 5 6 = EAGAIN 5",
	}, {
		"a flag that two have set first", "flag 1",
		"1 1 4 exchange 1 = ok 0; 2 2 3 exchange 1 = ok 1",
		"1 1 4 exchange 1 = ok 0; 2 2 3 exchange 1 = ok 0",
	}, {
		"reads in two orders", "ref 1 values=borrowed",
		"1 1 8 set o5 = ok; 2 2 9 set o6 = ok; 3 3 4 get = ok o5; 3 5 6 get = ok o6; 4 10 11 get = ok o6",
		"1 1 8 set o5 = ok; 2 2 9 set o6 = ok; 3 3 4 get = ok o5; 3 5 6 get = ok o6; 4 10 11 get = ok o5",
	}, {
		"an object handed out by two exchanges", "ref 1 values=retained",
		"0 1 2 set o5 = ok; 1 3 6 exchange none = ok o5; 2 4 5 exchange none = ok none",
		"0 1 2 set o5 = ok; 1 3 6 exchange none = ok o5; 2 4 5 exchange none = ok o5",
	}, {
		"an exchange that shows what was not held", "ref 1 values=retained",
		"0 1 2 set o5 = ok; 1 3 6 compare_exchange o7 none = EAGAIN o6; 2 4 5 set o6 = ok",
		"0 1 2 set o5 = ok; 1 3 4 compare_exchange o7 none = EAGAIN o6; 2 5 6 set o6 = ok",
	}, {
		"an answer that no operation has", "ref 1 values=int64",
		"1 1 2 set 5 = ok",
		"1 1 2 set 5 = unexpected",
	},
}

func recorded(header, operations string) string {
	return "history " + header + "\n" + strings.ReplaceAll(operations, "; ", "\n") + "\nend\nrecorded 1\n"
}

func TestRightHistoriesPass(t *testing.T) {
	for _, h := range histories {
		if _, status := checkAll(strings.NewReader(recorded(h.header, h.right)), ""); status != 0 {
			t.Errorf("refused beside %q: status %d", h.name, status)
		}
	}
}

func TestFalseHistoriesAreFound(t *testing.T) {
	covered := map[string]bool{}
	for _, h := range histories {
		covered[strings.Fields(h.header)[0]] = true
		if _, status := checkAll(strings.NewReader(recorded(h.header, h.wrong)), ""); status != 1 {
			t.Errorf("not found: %q: status %d", h.name, status)
		}
	}
	for structure := range splitters {
		if !covered[structure] {
			t.Errorf("no false history of %s", structure)
		}
	}
}

func TestInputThatIsNotWholeIsRefused(t *testing.T) {
	for _, input := range []string{
		"",
		"history ref 1 values=int64\n",
		"history ref 1 values=int64\n1 1 2 set 5 = ok\n",
		"history ref 1 values=int64\n1 1 2 set 5 = ok\nend\n",
		"history ref 1 values=int64\n1 1 2 set 5 = ok\nend\nrecorded 2\n",
		"history ref 1 values=int64\n1 1 0 set 5 has not returned\nend\nrecorded 1\n",
		"history ref 1 values=int64\n1 2 1 set 5 = ok\nend\nrecorded 1\n",
		"recorded 1\n",
	} {
		if _, status := checkAll(strings.NewReader(input), ""); status != 2 {
			t.Errorf("status %d: %q", status, input)
		}
	}
	if _, err := newReader(strings.NewReader("recorded 0\n")).next(); err != io.EOF {
		t.Errorf("no history at all: %v", err)
	}
}
