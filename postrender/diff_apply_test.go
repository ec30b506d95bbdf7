package postrender_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// TestDiffApplies: each hunk of a diff says truly where it is, both before and after, has
// at most three lines of context, as many after as before but at an end of the file, and
// changes something; and all of them make the output of the input.
func TestDiffApplies(t *testing.T) {
	files, err := filepath.Glob("../testdata/*/in.yaml")
	if err != nil || len(files) < 220 {
		t.Fatalf("only %d cases: %v", len(files), err)
	}
	hunks := 0
	for _, file := range files {
		in, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, set := range []func(*postrender.Config){
			func(c *postrender.Config) {},
			func(c *postrender.Config) { c.Follow = true },
			func(c *postrender.Config) { c.Side = "replica" },
			func(c *postrender.Config) { c.Active = "none" },
		} {
			c := cfg
			set(&c)
			result, err := postrender.New(c).Render(postrender.Source{Name: "in.yaml", Data: in})
			if err != nil {
				continue
			}
			var out, diff strings.Builder
			if _, err := result.WriteTo(&out); err != nil {
				t.Fatal(err)
			}
			if err := result.WriteDiff(&diff, false); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(diff.String(), "\n! ") {
				continue // patch refuses it
			}
			n, err := applies(diff.String(), string(in), out.String())
			if err != nil {
				t.Errorf("%s, settings %+v: %v\n%s", file, c, err, &diff)
			}
			hunks += n
		}
	}
	if hunks < 1000 {
		t.Errorf("%d hunks", hunks)
	}
}

// applies applies a diff, and returns how many hunks it has.
func applies(diff, in, out string) (hunks int, err error) {
	lines := strings.SplitAfter(diff, "\n")
	before, after := strings.SplitAfter(in, "\n"), strings.SplitAfter(out, "\n")
	last := len(before)
	if before[last-1] == "" {
		last--
	}
	at, now := 0, 0 // lines that have been read, and that have been written
	for i := min(2, len(lines)); i < len(lines) && lines[i] != ""; {
		header := strings.Fields(lines[i])
		if i++; len(header) != 4 || header[0] != "@@" || header[3] != "@@" {
			return hunks, fmt.Errorf("%q is no header", lines[i-1])
		}
		hunks++
		old, olds := place(header[1][1:])
		own, owns := place(header[2][1:])
		if old < at || own-now != old-at {
			return hunks, fmt.Errorf("%v begins %d lines after, and %d", header, old-at, own-now)
		}
		for ; at < old; at, now = at+1, now+1 { // between hunks
			if now >= len(after) || before[at] != after[now] {
				return hunks, fmt.Errorf("line %d is another one, which no hunk says", at+1)
			}
		}
		context := []int{0} // how many lines of it are at the beginning, and after each change
		for ; i < len(lines) && lines[i] != "" && lines[i][0] != '@'; i++ {
			line := lines[i][1:]
			if i+1 < len(lines) && strings.HasPrefix(lines[i+1], "\\") {
				line = strings.TrimSuffix(line, "\n")
			}
			switch sign := lines[i][0]; {
			case sign == '\\':
				continue
			case sign == ' ' && line == before[at] && line == after[now]:
				context[len(context)-1]++
				at, now = at+1, now+1
			case sign == '-' && line == before[at]:
				context, at = append(context, 0), at+1
			case sign == '+' && line == after[now]:
				context, now = append(context, 0), now+1
			default:
				return hunks, fmt.Errorf("%q, after line %d", lines[i], at)
			}
		}
		if at-old != olds || now-own != owns {
			return hunks, fmt.Errorf("%v has %d and %d lines", header, at-old, now-own)
		}
		first, end := context[0], context[len(context)-1]
		if len(context) == 1 || first > 3 || end > 3 || old > 0 && end > first || at < last && first > end {
			return hunks, fmt.Errorf("%v has context of %v lines", header, context)
		}
	}
	for ; at < len(before) && now < len(after) && before[at] == after[now]; at, now = at+1, now+1 {
	}
	if at < len(before) || now < len(after) {
		return hunks, fmt.Errorf("the end, from line %d on, is another one", at+1)
	}
	return hunks, nil
}

// place is where a hunk begins, counted from 0, and how many lines it has.
func place(text string) (first, count int) {
	number, more, found := strings.Cut(text, ",")
	first, _ = strconv.Atoi(number)
	if count = 1; found {
		count, _ = strconv.Atoi(more)
	}
	if count > 0 {
		first--
	}
	return first, count
}
