package manifest_test

import (
	"strings"
	"testing"

	"github.com/openova-io/helm-cnpg-pair/internal/manifest"
)

// TestFind: the objects of a kind, whether they were read before or not, as long as
// somebody wants more.
func TestFind(t *testing.T) {
	const stream = `apiVersion: v1
kind: Service
metadata: {name: read-1}
spec: {x: cnpg.io/cluster}
---
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: read}
---
apiVersion: v1
kind: Secret
metadata: {name: not-read-1, x: word}
---
kind: Secret
metadata: {name: of-another-word}
---
kind: Secret
metadata: {name: broken, x: word
---
apiVersion: v1
kind: List
items:
- kind: Secret
  metadata: {name: not-read-2, x: other}
- kind: ConfigMap
  metadata: {name: another-kind, x: word}
- kind: Secret
  metadata: {name: not-read-3}
`
	s, problems := manifest.Read([]manifest.Source{{Name: "in", Data: []byte(stream)}})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for _, tt := range []struct {
		kind  string
		words []string
		want  string
	}{
		{"Secret", []string{"word", "other"}, "not-read-1 of-another-word not-read-2 not-read-3"},
		{"Secret", []string{"other"}, "of-another-word not-read-2 not-read-3"},
		{"Cluster", []string{"word"}, "read"},
		{"ConfigMap", []string{"word"}, "another-kind"},
		{"Secret", nil, ""},
	} {
		want := strings.Fields(tt.want)
		for most := 1; most <= len(want)+1; most++ {
			var got []string
			for o := range s.Find(tt.kind, tt.words...) {
				if got = append(got, o.Name); len(got) == most {
					break
				}
			}
			if strings.Join(got, " ") != strings.Join(want[:min(most, len(want))], " ") {
				t.Errorf("%s with %q, %d of them: %q", tt.kind, tt.words, most, got)
			}
		}
	}
}
