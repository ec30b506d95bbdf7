package manifest_test

import (
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/internal/manifest"
	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
)

func TestDropLiveFields(t *testing.T) {
	parse := func(text string) *yaml.Node {
		d, err := yamledit.Parse([]byte(text), yamledit.Split([]byte(text))[0])
		if err != nil {
			t.Fatal(err)
		}
		return d.Tree
	}
	const chart = "{metadata: {name: a, generation: 1, annotations: {argocd.argoproj.io/tracking-id: a}}, spec: {}, status: {}}"
	for in, want := range map[string]string{
		chart: chart,
		"{metadata: {name: a, uid: b, resourceVersion: '1', managedFields: [], generation: 1, creationTimestamp: c, selfLink: d, labels: {e: f}}, spec: {}, status: {}}": "{metadata: {name: a, labels: {e: f}}, spec: {}}",
		"{metadata: {resourceVersion: '1', annotations: {a: b, kubectl.kubernetes.io/last-applied-configuration: c, argocd.argoproj.io/tracking-id: d}}}":                "{metadata: {annotations: {a: b}}}",
	} {
		tree := parse(in)
		if err := manifest.DropLiveFields(tree); err != nil || !yamledit.Equal(tree, parse(want)) {
			t.Errorf("%s: %v", in, err)
		}
	}
	if err := manifest.DropLiveFields(parse("{metadata: a}")); err == nil || err.Error() != "metadata: expected a mapping" {
		t.Errorf("metadata that is no mapping: %v", err)
	}
}
