package postrender_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// TestCrowdedStream: a stream of so many nodes that its documents do not wait in memory
// gives the same as its documents do one by one: pairs, Clusters that are left alone,
// and copies of policies.
func TestCrowdedStream(t *testing.T) {
	var parameters strings.Builder
	for i := range 300 {
		fmt.Fprintf(&parameters, "      p%02d: 'value' # %d\n", i, i)
	}
	forms := []string{
		"---\napiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata:\n  name: a%[1]d\nspec:\n  instances: 2\n  postgresql:\n    parameters:\n" + parameters.String(),
		"---\napiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata:\n  name: b%[1]d\n  annotations: {cnpg-pair.openova.io/expand: \"false\"}\nspec:\n  instances: 1\n",
		"---\napiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata:\n  name: c%[1]d\nspec:\n  instances: 1\n  affinity: {nodeSelector: {kubernetes.io/hostname: here}}\n",
		"---\n{\"apiVersion\": \"postgresql.cnpg.io/v1\", \"kind\": \"Cluster\", \"metadata\": {\"name\": \"d%[1]d\"}, \"spec\": {\"instances\": 1, \"description\": \"\\/\"}}\n",
		"---\napiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata:\n  name: e%[1]d\nspec:\n  certificates: &c\n    serverTLSSecret: own\n  instances: 1\n" +
			"---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: e%[1]d\nspec:\n  podSelector: {matchLabels: {cnpg.io/cluster: e%[1]d}}\n  ingress: [{}]\n" +
			"---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: own\n",
	}
	renderer := &postrender.Renderer{
		Config: postrender.Config{EnableHotStandby: true, PrimaryRegion: "fsn1", ReplicaRegion: "hel1"},
	}
	render := func(text string) string {
		t.Helper()
		var out strings.Builder
		if err := renderer.Filter(&out, strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	var all, want strings.Builder
	for i := range 1000 {
		text := fmt.Sprintf(forms[i%len(forms)], i)
		all.WriteString(text)
		want.WriteString(render(text))
	}
	if diff := cmp.Diff(strings.Split(want.String(), "\n"), strings.Split(render(all.String()), "\n")); diff != "" {
		t.Errorf("-one by one +together:\n%.3000s", diff)
	}
}
