package main

import (
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	var out strings.Builder
	if err := run("../tenant", &out, false); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"+    openova.io/cnpg-role: primary\n",
		"+  name: blog-db-replica\n",
		"+      host: blog-db-mesh\n",
	} {
		if strings.Count(out.String(), line) != 1 {
			t.Errorf("not once in the diff: %q\n%s", line, out.String())
		}
	}
	diff, _, _ := strings.Cut(out.String(), "\nCluster ")
	for line := range strings.Lines(diff) {
		if strings.HasPrefix(line, "-") && !strings.HasPrefix(line, "--- ") {
			t.Errorf("the diff takes a line away: %q", line)
		}
	}
}
