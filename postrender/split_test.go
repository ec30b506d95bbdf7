package postrender

import (
	"bytes"
	"math/rand/v2"
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

// TestSplitJoins: the pieces of any stream join to the stream.
func TestSplitJoins(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	parts := []string{"---", "...", "\n", "\r\n", " ", "\t", "a: 1", "#", "\ufeff", "-", "{", "\"", "\x00", "é", "|"}
	for range 20000 {
		var stream []byte
		for range random.IntN(30) {
			stream = append(stream, parts[random.IntN(len(parts))]...)
		}
		var joined []byte
		for _, p := range split(stream) {
			if p.start > p.body || p.body > p.end || p.start != len(joined) {
				t.Fatalf("%q: piece %+v behind %d bytes", stream, p, len(joined))
			}
			joined = append(joined, stream[p.start:p.end]...)
		}
		if !bytes.Equal(joined, stream) {
			t.Fatalf("%q joins to %q", stream, joined)
		}
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
