package guard

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestExample: a repository that Flux or Argo CD reads can hold the example, which is what
// the program prints.
func TestExample(t *testing.T) {
	example, err := os.ReadFile("../../examples/guard/guard.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Manifests, string(example)); diff != "" {
		t.Errorf("cp internal/guard/guard.yaml examples/guard (-printed +example):\n%s", diff)
	}
}
