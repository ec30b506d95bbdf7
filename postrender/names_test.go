package postrender_test

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"github.com/openova-io/helm-cnpg-pair/postrender"
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
		if got := postrender.ReplicaName(name); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	seen := make(map[string]string)
	for length := 1; length <= 50; length++ {
		for _, name := range []string{strings.Repeat("a", length), strings.Repeat("a", length-1) + "b"} {
			got := postrender.ReplicaName(name)
			if len(got) > 50 || got == name || seen[got] != "" {
				t.Errorf("%s: %s (also of %s)", name, got, seen[got])
			}
			seen[got] = name
		}
	}
}

// TestPolicyName: where the name of a policy's twin is cut, no dot may be left
// before the dash, because Kubernetes refuses it.
func TestPolicyName(t *testing.T) {
	name := strings.Repeat("a.", 125) + "a"
	in := "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata:\n  name: x\nspec:\n  instances: 1\n---\n" +
		"apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: " + name + "\nspec:\n  podSelector:\n    matchLabels:\n      cnpg.io/cluster: x\n"
	out, _, err := render(t, cfg, []byte(in))
	hash := fmt.Sprintf("%x", sha256.Sum256([]byte(name)))[:8]
	want := "name: " + strings.Repeat("a.", 117) + "a-" + hash + "-replica\n"
	if err != nil || !strings.Contains(string(out), want) {
		t.Errorf("no %s (%v) in\n%s", want, err, out)
	}
}
