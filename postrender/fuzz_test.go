package postrender_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// FuzzRun: whatever the stream and the settings, there is no panic, either an
// error or an output, and a second run changes nothing.
func FuzzRun(f *testing.F) {
	files, err := filepath.Glob("../testdata/*/in.yaml")
	if err != nil || len(files) == 0 {
		f.Fatal(err)
	}
	for _, file := range files {
		in, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(in, uint64(0))
		f.Add(in, uint64(len(in)))
	}
	f.Fuzz(func(t *testing.T, in []byte, seed uint64) {
		c := settings(seed)
		out, decisions, err := render(t, c, in)
		if err != nil {
			return
		}
		if len(decisions) == 0 && !bytes.Equal(in, out) {
			t.Fatalf("changed without a Cluster:\n%q\n%q", in, out)
		}
		again, _, err := render(t, c, out)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, out)
		}
		// on the side of the replica, what was in the way of another Cluster may have gone with a primary
		inTheWay := slices.ContainsFunc(decisions, func(d postrender.Decision) bool { return d.Action == postrender.CannotBePaired })
		if gone := inTheWay && (c.Side == "replica" || c.Side == "secondary"); !gone && !bytes.Equal(again, out) {
			t.Fatalf("a second run changes something:\n%s\n%s", out, again)
		}
	})
}
