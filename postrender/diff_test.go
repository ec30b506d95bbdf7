package postrender_test

import (
	"strings"
	"testing"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// TestDiffNames: the name of a file gets to the terminal by the diff, too.
func TestDiffNames(t *testing.T) {
	for name, want := range map[string]string{
		"a b.yaml": "a b.yaml", "é😀.yaml": "é😀.yaml", "a\tb": "a\tb", "a\x1b[2Jb": `a\x1b[2Jb`, "a\nb": `a\nb`, "a\x00b": `a\x00b`,
		"a\xff\xc3b": `a\xff\xc3b`, "a\ufffdb": "a\ufffdb", "a\ufffd\xffb": "a\ufffd" + `\xffb`,
		"a\u202eb": `a\u202eb`, "a\u200c\u200d\ufeffb": "a\u200c\u200d\ufeffb", "a'b": "a'b", "a\u009bb": `a\u009bb`,
	} {
		result, err := postrender.New(cfg).Render(postrender.Source{Name: name, Data: []byte(head + "spec:\n  instances: 1\n")})
		if err != nil {
			t.Fatal(err)
		}
		var diff strings.Builder
		if err := result.WriteDiff(&diff, false); err != nil {
			t.Fatal(err)
		}
		if want := "--- " + want + "\n+++ " + want + "\tpaired\n@@ "; !strings.HasPrefix(diff.String(), want) {
			t.Errorf("%q: %.100q, want %q", name, diff.String(), want)
		}
	}
}

// TestMostClusters: a stream may have 5000 Clusters, also with hot standby off, where
// each is only looked at.
func TestMostClusters(t *testing.T) {
	for n, want := range map[int]string{5000: "", 5001: "too many"} {
		stream := []byte(each(n, "---\napiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: a%d}\n"))
		decisions, err := postrender.New(postrender.Config{}).Explain(postrender.Source{Name: "in.yaml", Data: stream})
		if (err == nil) != (want == "") || err == nil && len(decisions) != n {
			t.Errorf("%d Clusters: %d decisions, %v", n, len(decisions), err)
		}
	}
}
