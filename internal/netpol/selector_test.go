package netpol

import (
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/internal/topology"
	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
)

// TestReplace: a selector that asks for the one member asks for the other, unless it asks
// for both, or for neither.
func TestReplace(t *testing.T) {
	own := func(key string) string { return key }
	for text, want := range map[string]string{
		"{matchLabels: {cnpg.io/cluster: a}}":                                                       "{matchLabels: {cnpg.io/cluster: b}}",
		"{matchLabels: {cnpg.io/cluster: c}}":                                                       "{matchLabels: {cnpg.io/cluster: c}}",
		"{matchExpressions: [{key: cnpg.io/cluster, operator: In, values: [c, a]}]}":                "{matchExpressions: [{key: cnpg.io/cluster, operator: In, values: [c, b]}]}",
		"{matchExpressions: [{key: cnpg.io/cluster, operator: In, values: [a, b]}]}":                "{matchExpressions: [{key: cnpg.io/cluster, operator: In, values: [a, b]}]}",
		"{matchExpressions: [{key: cnpg.io/cluster, operator: NotIn, values: [a]}]}":                "{matchExpressions: [{key: cnpg.io/cluster, operator: NotIn, values: [a]}]}",
		"{matchExpressions: [{key: cnpg.io/instanceName, operator: In, values: [a]}]}":              "{matchExpressions: [{key: cnpg.io/instanceName, operator: In, values: [a]}]}",
		"{matchLabels: {cnpg.io/cluster: a, openova.io/region: fsn1, openova.io/cnpg-role: other}}": "{matchLabels: {cnpg.io/cluster: b, openova.io/region: hel1, openova.io/cnpg-role: other}}",
	} {
		tree := func(text string) *yaml.Node {
			document, err := yamledit.Parse([]byte(text), yamledit.Split([]byte(text))[0])
			if err != nil {
				t.Fatal(err)
			}
			return document.Tree
		}
		s := selector{tree(text), own}
		s.replace(topology.Member{Name: "a", Role: topology.Primary, Region: "fsn1"}, topology.Member{Name: "b", Role: topology.Replica, Region: "hel1"})
		if !yamledit.Equal(s.node, tree(want)) {
			got, _ := yaml.Marshal(s.node)
			t.Errorf("%s: %s", text, got)
		}
	}
}
