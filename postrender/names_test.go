package postrender_test

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
)

// TestPolicyName: where the name of a policy's copy is cut, no dot may be left
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
