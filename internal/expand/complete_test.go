package expand

import (
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
)

// TestComplete: what the chart has stays, even where it has another shape.
func TestComplete(t *testing.T) {
	tree := func(text string) *yaml.Node {
		document, err := yamledit.Parse([]byte(text), yamledit.Split([]byte(text))[0])
		if err != nil {
			t.Fatal(err)
		}
		return document.Tree
	}
	own := tree("{a: [], b: x, c: {d: 1}, e: ~, f: {g: 1}}")
	complete(own, tree("{a: {x: 1}, b: {x: 1}, c: {d: 2, f: 3}, e: {g: 4}, f: x, h: 5}"))
	if want := tree("{a: [], b: x, c: {d: 1, f: 3}, e: {g: 4}, f: {g: 1}, h: 5}"); !yamledit.Equal(own, want) {
		text, _ := yaml.Marshal(own)
		t.Errorf("%s", text)
	}
}
