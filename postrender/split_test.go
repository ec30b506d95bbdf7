package postrender

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSplit: where pieces begin, and where their documents do.
func TestSplit(t *testing.T) {
	for stream, want := range map[string][]string{
		"":                                   {""},
		"a: 1\n":                             {"a: 1\n"},
		"---\na: 1\n---\nb: 2":               {"\na: 1\n", "\nb: 2"},
		"a: 1\n--- # remark\nb: 2\n":         {"a: 1\n", "# remark\nb: 2\n"},
		"--- {a: 1}\n---\t\n---":             {"{a: 1}\n", "\n", ""},
		"---a: 1\n---\"b\": 2\n---{c: 3}\n":  {"a: 1\n", "\"b\": 2\n", "{c: 3}\n"},
		"a: 1\r\n---\r\nb: 2\r\n":            {"a: 1\r\n", "\r\nb: 2\r\n"},
		"\ufeff---\na: 1\n":                  {"\na: 1\n"},
		"\ufeffa: 1\n":                       {"a: 1\n"},
		"a: |\n  ---\n  b\n ---\n-----\n":    {"a: |\n  ---\n  b\n ---\n-----\n"},
		"a: 1\n...\nb: 2\n... # end\n":       {"a: 1\n", "\nb: 2\n", "# end\n"},
		"a: 1\n....\n...b\n-- -\n---- x\n":   {"a: 1\n....\n...b\n-- -\n---- x\n"},
		"%YAML 1.2\n---\na: 1\n":             {"%YAML 1.2\n", "\na: 1\n"},
		"a: 1\n\n\n---\n\n---\n# b\n":        {"a: 1\n\n\n", "\n\n", "\n# b\n"},
		"-----BEGIN CERTIFICATE-----\n---\n": {"-----BEGIN CERTIFICATE-----\n", "\n"},
	} {
		var got []string
		for _, p := range split([]byte(stream)) {
			got = append(got, stream[p.body:p.end])
		}
		if strings.Join(got, "|") != strings.Join(want, "|") || len(got) != len(want) {
			t.Errorf("%q: got %q, want %q", stream, got, want)
		}
	}
}

// FuzzSplit: the pieces of any stream join to it, each is on the line that it
// says, and none has another one in it.
func FuzzSplit(f *testing.F) {
	files, err := filepath.Glob("../testdata/*/in.yaml")
	if err != nil || len(files) == 0 {
		f.Fatal(err)
	}
	for _, file := range files {
		in, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(in)
	}
	f.Fuzz(judgeSplit)
}

// TestSplitJoins is FuzzSplit with streams that are made of what may matter.
func TestSplitJoins(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	parts := []string{"---", "...", "\n", "\r\n", " ", "\t", "a: 1", "#", "\ufeff", "-", "{", "\"", "\x00", "é", "|"}
	for range 20000 {
		var stream []byte
		for range random.IntN(30) {
			stream = append(stream, parts[random.IntN(len(parts))]...)
		}
		judgeSplit(t, stream)
	}
}

func judgeSplit(t *testing.T, stream []byte) {
	end := 0
	for i, p := range split(stream) {
		if p.start != end || p.start > p.body || p.body > p.end {
			t.Fatalf("%q: piece %+v behind %d bytes", stream, p, end)
		}
		end = p.end
		if line := 1 + bytes.Count(stream[:p.body], []byte("\n")); p.line != line {
			t.Fatalf("%q: piece %+v is on line %d", stream, p, line)
		}
		if i > 0 && separator(stream[p.start:]) != p.body-p.start {
			t.Fatalf("%q: piece %+v does not begin with a separator", stream, p)
		}
		body := stream[p.body:p.end]
		for at := bytes.IndexByte(body, '\n') + 1; at > 0 && at < len(body); {
			if separator(body[at:]) > 0 {
				t.Fatalf("%q: piece %+v has another one in it", stream, p)
			}
			next := bytes.IndexByte(body[at:], '\n')
			if next < 0 {
				break
			}
			at += next + 1
		}
	}
	if end != len(stream) {
		t.Fatalf("%q: the pieces end behind %d bytes", stream, end)
	}
}

// TestFilter: the cheap filter may err on one side only.
func TestFilter(t *testing.T) {
	for text, want := range map[string]bool{
		"apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\n":                                    true,
		"kind: Cluster\napiVersion: 'postgresql.cnpg.io/v1'\n":                                  true,
		"\"apiVersion\": \"postgresql.cnpg.io\\/v1\"\nkind: Cluster\n":                          true,
		"apiVersion: \"postgresql\\x2ecnpg.io/v1\"\nkind: Cluster\n":                            true,
		"{\"kind\": \"Cluster\", \"apiVersion\":\n\t\"postgresql.cnpg\\u002eio/v1\"}":           true,
		"apiVersion: v1\nkind: List\nitems:\n- apiVersion: postgresql.cnpg.io/v1\n":             true,
		"apiVersion: v1\nkind: Secret\n":                                                        false,
		"apiVersion: v1\nkind: ConfigMap\ndata:\n  x: |\n    apiVersion: postgresql.cnpg.io/v1": false,
		"apiVersion: postgresql.cnpg.io/v1\nkind: Pooler\n":                                     false,
		"apiVersion: \"apps/v1\" # a \\ b\nkind: Deployment\n":                                  false,
	} {
		if got := mayHoldCluster([]byte(text)); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
}

// TestSame: two scalars are the same only if no reader of YAML 1.1 sees two
// types.
func TestSame(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"a: word", "a: 'word'", true},
		{"a: on", "a: 'on'", false},
		{"a: 12:30", `a: "12:30"`, false},
		{"a: 1.10", "a: '1.10'", false},
		{"a: 0644", "a: 0644", true},
		{"a: 1\nb: 2", "b: 2\na: 1", true},
		{"a: [1, 2]", "a: [2, 1]", false},
		{"a: ~", "a: null", false}, // to be told apart costs nothing
		{"a: {}", "a: []", false},
	} {
		_, a, _ := parseText([]byte(c.a))
		_, b, _ := parseText([]byte(c.b))
		if same(a, b) != c.want {
			t.Errorf("%q and %q: %t", c.a, c.b, !c.want)
		}
	}
}
