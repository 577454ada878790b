// SPDX-License-Identifier: LGPL-2.1-or-later

// checker reads the histories of a recorder from its standard input and says
// whether each of them is linearizable, by the models beside this file.
//
//	recorder dict 1 1000 | checker [-repeat COMMAND]
//
// It ends at the first one that is not: exit 1. Exit 2: the input is not whole.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// searchLimit is the time for one search; a short history takes less than 1 ms.
const searchLimit = 60 * time.Second

type totals struct {
	histories, operations, overlapping int
}

func checkAll(input io.Reader, repeat string) (totals, int) {
	var sum totals
	for r := newReader(input); ; {
		h, err := r.next()
		if err == io.EOF {
			return sum, 0
		}
		if err != nil {
			fmt.Println("FAILED:", err)
			return sum, 2
		}
		sum.histories++
		sum.operations += len(h.operations)
		sum.overlapping += h.overlapping()
		if wrong := judge(h); wrong != "" {
			fmt.Printf("FAILED after %d histories: %s\n%s", sum.histories, wrong, h)
			if repeat != "" {
				fmt.Printf("To repeat it: %s\n", strings.ReplaceAll(repeat, "SEED", h.seed))
			}
			return sum, 1
		}
	}
}

func main() {
	repeat := flag.String("repeat", "", "the command that repeats a history, with SEED in the place of its seed")
	flag.Parse()
	sum, status := checkAll(os.Stdin, *repeat)
	if status == 0 && sum.overlapping == 0 {
		fmt.Println("FAILED: no two operations were under way at once")
		status = 1
	}
	if status == 0 {
		fmt.Printf("%d histories are linearizable: %d operations, %d%% of them beside another\n",
			sum.histories, sum.operations, 100*sum.overlapping/sum.operations)
	}
	os.Exit(status)
}
