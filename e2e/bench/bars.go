package main

import (
	"fmt"
	"time"
)

// bar is a figure that must not be exceeded.
type bar struct {
	what            string
	measured, limit float64
	unit            string
}

// bars are the project's, each as low as what was reached when it was written,
// with some room for another machine.
func bars(all map[string]usage) []bar {
	ms := func(d time.Duration) float64 { return float64(d) / 1e6 }
	cpu := func(row string) float64 { return ms(all[row].cpu) }
	perDocument := func(s stream) float64 {
		return (cpu(s.name+" "+pair) - cpu("empty "+pair)) * 1e3 / float64(s.documents)
	}
	medium, large := streams[1], streams[2]
	return []bar{
		{"start-up: of an empty program", cpu("empty "+pair) / cpu("empty "+nothing), 2, "times"},
		{"start-up: CPU", cpu("empty " + pair), 5, "ms"},
		{"small: of yq's CPU", cpu("small "+pair) / cpu("small "+yq), 1. / 3, "times"},
		{"large: of yq's CPU", cpu("large "+pair) / cpu("large "+yq), 1. / 30, "times"},
		{"large: memory, of the input", float64(all["large "+pair].peak) / (float64(large.bytes) / 1e3), 2, "times"},
		{"large, --follow: of the CPU without it", cpu("large "+follows) / cpu("large "+pair), 1.5, "times"},
		{"large, hot standby off: of cat's CPU, without start-up", (cpu("large "+off) - cpu("empty "+pair)) / cpu("large "+cat), 2, "times"},
		{"a document of large, of one of medium", perDocument(large) / perDocument(medium), 0.8, "times"},
	}
}

// printBars tells whether each bar was kept.
func printBars(all map[string]usage) error {
	var missed error
	for _, b := range bars(all) {
		word := "kept"
		if b.measured > b.limit {
			word, missed = "MISSED", errMissed
		}
		fmt.Printf("%-52s %8.3f, at most %6.3f %s: %s\n", b.what, b.measured, b.limit, b.unit, word)
	}
	return missed
}
