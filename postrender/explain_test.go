package postrender_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// TestExplainSchema: what explain prints for programs, for every case and some
// settings, has the shape that is documented.
func TestExplainSchema(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile("../docs/explain.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../testdata/*/in.yaml")
	if err != nil || len(files) < 50 {
		t.Fatalf("only %d streams: %v", len(files), err)
	}
	some := []postrender.Config{{}, cfg}
	for i, c := range matrix() {
		if i%7 == 6 {
			some = append(some, c)
		}
	}
	if few() {
		some = some[1:3]
	}
	paired, single := 0, 0
	for _, file := range files {
		in, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range some {
			decisions, err := postrender.New(c).Explain(postrender.Source{Name: file, Data: in})
			if err != nil {
				continue // which other tests judge
			}
			if decisions == nil {
				decisions = []postrender.Decision{}
			}
			out, err := json.Marshal(decisions)
			if err != nil {
				t.Fatal(err)
			}
			document, err := jsonschema.UnmarshalJSON(bytes.NewReader(out))
			if err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(document); err != nil {
				t.Fatalf("%s, %+v: %v", file, c, err)
			}
			for _, d := range document.([]any) {
				if d := d.(values); d["plan"] == nil {
					single++
				} else {
					paired++
				}
			}
			if len(decisions) == 0 {
				continue
			}
			first := document.([]any)[0].(values)
			delete(first, "details") // which many reasons do not have
			for key := range first {
				less := deepCopy(document).([]any)
				delete(less[0].(values), key)
				if schema.Validate(less) == nil {
					t.Fatalf("the schema does not ask for %s", key)
				}
			}
			first["more"] = true
			if schema.Validate(document) == nil {
				t.Fatal("the schema does not know all keys")
			}
		}
	}
	if (paired < 2000 || single < 900) && !few() {
		t.Errorf("only %d paired and %d single Clusters", paired, single)
	}
}

// TestExplainFails: explain fails where the pair cannot be made, and with the
// same words; what it prints otherwise would be taken for leave to go on.
func TestExplainFails(t *testing.T) {
	files, err := filepath.Glob("../testdata/*/in.yaml")
	if err != nil {
		t.Fatal(err)
	}
	some := []postrender.Config{cfg}
	for i, c := range matrix() {
		if i%4 == 1 {
			some = append(some, c)
		}
	}
	if few() {
		some = some[:2]
	}
	failed := 0
	for _, file := range files {
		in, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		source := postrender.Source{Name: file, Data: in}
		for _, c := range some {
			_, want := postrender.New(c).Render(source)
			_, got := postrender.New(c).Explain(source)
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("%s, %+v: explain says %v, not %v", file, c, got, want)
			}
			if want != nil {
				failed++
			}
		}
	}
	if failed < 600 && !few() {
		t.Errorf("only %d failures", failed)
	}
}
