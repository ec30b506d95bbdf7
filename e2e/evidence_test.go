package e2e

import (
	"fmt"
	"os"
	"testing"
)

// evidence records what a test has seen, a count or a time, as a line
// "key: value": in its log, and in the file that E2E_SUMMARY names, if it does. A
// test that has failed proves nothing, and records nothing.
func evidence(t testing.TB, key string, format string, args ...any) {
	t.Helper()
	if t.Failed() {
		return
	}
	line := key + ": " + fmt.Sprintf(format, args...)
	t.Log(line)
	path := os.Getenv("E2E_SUMMARY")
	if path == "" {
		return
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := fmt.Fprintln(file, line); err != nil {
		t.Fatal(err)
	}
}
