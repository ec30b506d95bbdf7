package cli

import (
	"errors"
	"strings"
	"testing"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// TestScreen: nothing that a terminal obeys reaches it from a name or a value.
func TestScreen(t *testing.T) {
	for in, want := range map[string]string{
		"a name":                   "a name",
		"two\nlines,\r\n\tone tab": "two lines, one tab",
		"\x1b[31mred\x07\x00\x7f":  `\x1b[31mred\a\x00\x7f`,
		"C1 \u0085\u009b31m":       `C1 \u009b31m`,
		"\u202eleft\u2066\u200b":   `\u202eleft\u2066\u200b`,
		"é 😀 ű":                    "é 😀 ű",
		"no UTF-8: \xff\xfe":       `no UTF-8: \xff\xfe`,
		"a sign: \ufffd":           "a sign: \ufffd",
		"\ufeff\u2028":             `\ufeff`,
	} {
		if got := screen(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	long := screen("begin" + strings.Repeat("é", 1<<20) + "end")
	if n := len([]rune(long)); n > longestText+5 || !strings.HasPrefix(long, "begin") || !strings.HasSuffix(long, "end") {
		t.Errorf("%d characters of a long text", n)
	}
}

// TestTableOnScreen: the table, and what is below it, have one line where they have one.
func TestTableOnScreen(t *testing.T) {
	const bad = "a\x1b]0;b\nc\td\u202e"
	plan := &postrender.Plan{
		Step: "at-rest", Services: []string{"db-mesh", "db-active"}, WriteAddress: "db-active", Members: []postrender.Member{{Name: "db", ArchiveServer: bad}, {Name: "db-replica", ArchiveServer: bad}}, Instances: bad, Storage: bad,
		ShutdownTimeout: bad, UpdateMethod: bad, SynchronousCommit: bad, Secrets: []string{bad},
		ServerTLSSecret: bad, Apart: bad, WALKeepSize: bad, WALVolume: bad, Archive: bad,
	}
	decisions := []postrender.Decision{{Source: bad, Namespace: bad, Name: bad, Action: postrender.Paired, Reason: "api-version", Details: map[string]string{"version": bad}, Plan: plan}}
	var got, plain strings.Builder
	if err := writeTable(&got, decisions); err != nil {
		t.Fatal(err)
	}
	plan.Instances, plan.Storage, plan.ShutdownTimeout, plan.UpdateMethod, plan.SynchronousCommit, plan.Secrets = "x", "x", "x", "x", "x", []string{"x"}
	if err := writeTable(&plain, []postrender.Decision{{Source: "x", Namespace: "x", Name: "x", Action: postrender.Paired, Reason: "api-version", Plan: plan}}); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(got.String(), "\x1b\u202e") || strings.Count(got.String(), "\n") != strings.Count(plain.String(), "\n") {
		t.Errorf("%q\n%q", got.String(), plain.String())
	}
}

// TestManyMessages: thousands of errors are not thousands of lines.
func TestManyMessages(t *testing.T) {
	var all []error
	for range 5000 {
		all = append(all, errors.New("\x1b[2Jbroken"))
	}
	var out, stdout strings.Builder
	p := &Process{Stderr: &out, Getenv: func(string) string { return "" }}
	for range 5000 {
		p.Warn(all[0])
	}
	if status := p.exit(errors.Join(all...), &stdout); status != 1 {
		t.Errorf("exit status %d", status)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 2*mostMessages+2 || !strings.Contains(out.String(), "error: and 4980 more") || !strings.Contains(out.String(), "warning: and 4980 more") ||
		strings.Contains(out.String(), "\x1b") {
		t.Errorf("%d lines:\n%q", len(lines), out.String())
	}
}
