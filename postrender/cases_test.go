package postrender_test

import (
	"os"
	"path/filepath"
	"testing"
)

// TestCasesJudged has the judge look at the cases of testdata under all settings.
func TestCasesJudged(t *testing.T) {
	unreadable := map[string]string{ // by the judge's YAML readers
		"stream-broken-other-documents": "documents that are not YAML",
		"stream-broken-mention":         "not YAML, and not ours to judge",
		"stream-flow-style":             "a document on the line of its separator",
		"hot-standby-off-broken-input":  "not YAML, and not ours to judge",
		"stream-separators":             "a glued separator",
		"stream-json-one-line":          `an escaped "/"`,
		"stream-json-surrogates":        "a character in two halves of UTF-16",
		"error-binary":                  "not YAML, and not ours to judge",
		"policies-no-metadata":          "metadata that is a string",
	}
	files, err := filepath.Glob("../testdata/*/in.yaml")
	if err != nil || len(files) < 50 {
		t.Fatalf("only %d cases: %v", len(files), err)
	}
	judged := 0
	for _, file := range files {
		name := filepath.Base(filepath.Dir(file))
		t.Run(name, func(t *testing.T) {
			in, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if unreadable[name] != "" {
				return
			}
			for _, c := range matrix() {
				out, decisions, err := render(t, c, in)
				if err != nil {
					continue
				}
				judgeStream(t, c, in, out, decisions)
				if t.Failed() {
					t.Fatalf("settings %+v", c)
				}
				judged++
			}
		})
	}
	if judged < 1000 {
		t.Errorf("only %d results were judged", judged)
	}
}
