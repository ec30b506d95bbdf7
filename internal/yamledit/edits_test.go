package yamledit

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write what the generated documents become into testdata")

// TestRewriteSmall: the edits of generated documents are as small as they have been, and
// as few comments are lost. FuzzRewrite judges only whether the result is right, which it
// also is where a document has been written new. A line of the file has, for a seed, each
// edit, as "offset-deleted+inserted", and the lines whose comments are lost.
func TestRewriteSmall(t *testing.T) {
	const file = "testdata/edits.txt"
	var all strings.Builder
	for seed := range uint64(1000) {
		stream, g := []byte(newGenerator(seed).stream()), newGenerator(seed^0xfeed)
		pieces := Split(stream)
		d, err := Parse(stream, pieces[g.IntN(len(pieces))])
		if err != nil || d.Tree == nil {
			continue
		}
		changes, _ := randomChanges(g, d.Tree)
		edits, lost, err := d.Rewrite(changes, "# at the top")
		fmt.Fprintf(&all, "%d:", seed)
		for _, e := range edits {
			fmt.Fprintf(&all, " %d-%d+%d", e.Start, e.End-e.Start, len(e.New))
		}
		for _, line := range lost {
			fmt.Fprintf(&all, " lost %d", line)
		}
		if err != nil {
			fmt.Fprintf(&all, " %v", err)
		}
		all.WriteString("\n")
	}
	if *update {
		if err := os.WriteFile(file, []byte(all.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(all.String(), "\n")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
