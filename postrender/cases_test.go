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
		"stream-separators-glued":       "glued separators",
		"stream-json-one-line":          `an escaped "/"`,
		"stream-json-surrogates":        "a character in two halves of UTF-16",
		"error-binary":                  "not YAML, and not ours to judge",
		"policies-no-metadata":          "metadata that is a string",
	}
	files, err := filepath.Glob("../testdata/*/in.yaml")
	if err != nil || len(files) < 220 {
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
			for i, c := range matrix() {
				if few() && (i+len(name))%22 != 0 {
					continue
				}
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
	t.Logf("%d results were judged", judged)
	if want := 11_500; judged < want && !few() {
		t.Errorf("only %d results were judged, not %d", judged, want)
	}
}

// raced is true where the race detector makes everything ten times as slow.
var raced bool

// few tells a test to repeat itself less often.
func few() bool { return testing.Short() || raced }
