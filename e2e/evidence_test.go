package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// seen is a line of evidence, and the test that saw it.
type seen struct{ test, line string }

// measured is what the tests of this run have seen, in order.
var measured struct {
	sync.Mutex
	lines []seen
}

// evidence records something that a test has seen with its own eyes: a time, a
// count, a version. A test that has failed proves nothing, and records nothing.
func evidence(t testing.TB, name, format string, args ...any) {
	t.Helper()
	if t.Failed() {
		return
	}
	line := fmt.Sprintf("%s: %s: %s", t.Name(), name, fmt.Sprintf(format, args...))
	t.Log(line)
	measured.Lock()
	defer measured.Unlock()
	measured.lines = append(measured.lines, seen{t.Name(), line})
}

// without says, once for all evidence of a test, what was seen to be lost or broken
// before there was a rule against it.
func without(t testing.TB, what string) {
	t.Helper()
	evidence(t, withoutTheRule, "%s", what)
}

const withoutTheRule = "without the rule"

// writeEvidence appends the run's evidence, with its date and what was tested, to
// $E2E_SUMMARY, or to a file beside the temporary ones.
func writeEvidence(passed bool) {
	if len(measured.lines) == 0 {
		return
	}
	// by test, as some run side by side
	slices.SortStableFunc(measured.lines, func(a, b seen) int { return strings.Compare(a.test, b.test) })
	var lines strings.Builder
	for _, seen := range measured.lines {
		lines.WriteString(seen.line + "\n")
	}
	path := os.Getenv("E2E_SUMMARY")
	if path == "" {
		path = filepath.Join(os.TempDir(), "cnpg-pair-e2e", "summary.txt")
	}
	verdict := "all passed"
	if !passed {
		verdict = "SOME TESTS FAILED"
	}
	commit, _, err := run(nil, "", "git", "describe", "--always", "--dirty")
	if err != nil {
		commit = "of an unknown commit" // a source archive
	}
	text := fmt.Sprintf("%s, cnpg-pair %s: %s\n%s\n", time.Now().UTC().Format("2006-01-02 15:04 UTC"),
		strings.TrimSpace(commit), verdict, lines.String())
	fmt.Printf("\n%s", text)
	os.MkdirAll(filepath.Dir(path), 0o755)
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err == nil {
		_, err = file.WriteString(text)
		file.Close()
	}
	if err != nil {
		fmt.Printf("e2e: the summary was not written: %v\n", err)
		return
	}
	fmt.Printf("e2e: appended to %s\n", path)
}
