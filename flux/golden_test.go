package flux

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// TestCaseTexts: the texts that the cases of the command print, without building it.
func TestCaseTexts(t *testing.T) {
	for name, make := range map[string]func(postrender.Source) ([]byte, error){
		"flux": func(in postrender.Source) ([]byte, error) {
			entries, err := (&Generator{Config: valid}).PostRenderers(in)
			return Fragment(entries), err
		},
		"flux-patch": func(in postrender.Source) ([]byte, error) {
			return (&Generator{Config: valid}).Patch(nil, in)
		},
		"flux-archive": func(in postrender.Source) ([]byte, error) {
			c := valid
			c.ArchiveGeneration = "blog-db-replica=2"
			entries, err := (&Generator{Config: c}).PostRenderers(in)
			return Fragment(entries), err
		},
	} {
		t.Run(name, func(t *testing.T) {
			in, err := os.ReadFile("../testdata/" + name + "/in.yaml")
			if err != nil {
				t.Fatal(err)
			}
			want, err := os.ReadFile("../testdata/" + name + "/stdout")
			if err != nil {
				t.Fatal(err)
			}
			got, err := make(source(string(in)))
			if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}
