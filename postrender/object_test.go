package postrender

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const kept = `# above
apiVersion: v1
kind: First
metadata: {name: a} # here
---
kind: Second
metadata:
  name: b   # b
  namespace: ns
spec:
  list:
    # one
    - a: 1
    # two
    - b: |
        text
      c: 3
    # three
    - d: 4
  after: yes # stays
---
`

func TestObjectSet(t *testing.T) {
	tests := []struct {
		name  string
		path  string
		value any
		want  [2]string // what is replaced by what
	}{
		{"a scalar", "spec.after", "no", [2]string{"after: yes #", "after: \"no\" #"}},
		{"a new path", "spec.some.where", 1, [2]string{"# stays\n", "# stays\n  some:\n    where: 1\n"}},
		{"nothing", "spec.list", nil, [2]string{kept[strings.Index(kept, "  list:"):strings.Index(kept, "  after:")], ""}},
		{
			"the last items go", "spec.list",
			[]any{map[string]any{"a": 1}},
			[2]string{"    # two\n    - b: |\n        text\n      c: 3\n    # three\n    - d: 4\n", "    # two\n"},
		},
		{
			"an item more", "spec.list",
			[]any{map[string]any{"a": 1}, map[string]any{"b": "text\n", "c": 3}, map[string]any{"d": 4}, "x"},
			[2]string{"- d: 4\n", "- d: 4\n    - x\n"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			objects, err := Objects(Source{Name: "kept", Data: []byte(kept)})
			if err != nil || len(objects) != 2 {
				t.Fatalf("%d objects, %v", len(objects), err)
			}
			got, err := objects[1].Set(tt.path, tt.value)
			if err != nil {
				t.Fatal(err)
			}
			want := strings.Replace(kept, tt.want[0], tt.want[1], 1)
			if diff := cmp.Diff(strings.SplitAfter(want, "\n"), strings.SplitAfter(string(got), "\n")); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestObject(t *testing.T) {
	objects, err := Objects(Source{Name: "kept", Data: []byte(kept)})
	if err != nil {
		t.Fatal(err)
	}
	second := objects[1]
	var list []map[string]any
	if err := second.Decode("spec.list", &list); err != nil || len(list) != 3 {
		t.Errorf("list %v, %v", list, err)
	}
	if got, want := second.Title(), "Second ns/b"; got != want {
		t.Errorf("title %q, want %q", got, want)
	}
	if got := second.Line(); got != 6 {
		t.Errorf("line %d, want 6", got)
	}
	for _, err := range []error{
		second.Decode("spec.list", new(map[string]string)),
		second.Decode("spec.after.deeper", new(string)),
		func() error { _, err := second.Set("spec.list.deeper.still", 1); return err }(),
	} {
		var located *Error
		if !errors.As(err, &located) || located.Object != "Second ns/b" || located.Line < 6 {
			t.Errorf("error %v of %T", err, err)
		}
	}
	if _, err := Objects(Source{Name: "broken", Data: []byte("a: b\n---\na: [\n")}); err == nil {
		t.Error("no error for a broken document")
	}
}
