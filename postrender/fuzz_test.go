package postrender_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// FuzzRun: whatever the stream, there is no panic, either an error or an
// output, and a second run changes nothing.
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
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		out, decisions, err := render(t, cfg, in)
		if err != nil {
			return
		}
		if len(decisions) == 0 && !bytes.Equal(in, out) {
			t.Fatalf("changed without a Cluster:\n%q\n%q", in, out)
		}
		again, _, err := render(t, cfg, out)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, out)
		}
		if !bytes.Equal(again, out) {
			t.Fatalf("a second run changes something:\n%s\n%s", out, again)
		}
	})
}
