package topology

import (
	"strings"
	"testing"
)

// TestReplicaName guards the limit of CNPG's webhook, and that no two Clusters
// share a replica and none takes its primary's name, as after a plain cut.
func TestReplicaName(t *testing.T) {
	for name, want := range map[string]string{
		"db":                    "db-replica",
		strings.Repeat("a", 42): strings.Repeat("a", 42) + "-replica",
		// printf aaa... | sha256sum
		strings.Repeat("a", 43): strings.Repeat("a", 33) + "-66d34fba-replica",
	} {
		if got := ReplicaName(name); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	seen := make(map[string]string)
	for length := 1; length <= 50; length++ {
		for _, name := range []string{strings.Repeat("a", length), strings.Repeat("a", length-1) + "b"} {
			got := ReplicaName(name)
			if len(got) > 50 || got == name || seen[got] != "" {
				t.Errorf("%s: %s (also of %s)", name, got, seen[got])
			}
			seen[got] = name
		}
	}
}
