package flux

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPatchText: a patch is read by kustomize, and by people.
func TestPatchText(t *testing.T) {
	value := map[string]any{"empty": map[string]any{}, "none": []any{}, "list": []any{1.0, 1.5, "${x}", "yes", nil, true}, "big": 1e20}
	got := patchText("of one", []any{op("add", "/a", "value", value), op("remove", "/b"), op("move", "/c", "from", "/d"), op("add", "/e", "value", map[string]any{})})
	want := mark + `of one
- op: add
  path: /a
  value:
    big: 1e+20
    empty: {}
    list:
    - 1
    - 1.5
    - "${x}"
    - "yes"
    - null
    - true
    none: []
- {op: remove, path: /b}
- {op: move, from: /d, path: /c}
- {op: add, path: /e, value: {}}
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestToggleCases: each state of the three variables that Flux substitutes is tried.
func TestToggleCases(t *testing.T) {
	const text = variableEnable + "," + variablePrimary + "," + variableReplica
	got := make(map[string]string)
	for _, c := range toggleCases(valid) {
		got[c.when] = "never"
		if c.variables != nil {
			got[c.when] = c.variables.Replace(text)
		}
		if c.cfg.EnableHotStandby {
			got[c.when] += " on"
		}
		got[c.when] += " " + c.cfg.PrimaryRegion + " " + c.cfg.ReplicaRegion
	}
	want := map[string]string{
		"with hot standby on, ":                  "true,region-one,region-two on region-one region-two",
		"with hot standby off, ":                 "false,region-one,region-two region-one region-two",
		"with no variable set, ":                 "false,,  ",
		"with equal regions, ":                   "true,region-one,region-one on region-one region-one",
		"with no primary region, ":               "true,,region-two on  region-two",
		"with no replica region, ":               "true,region-one, on region-one ",
		"with no regions, ":                      "true,, on  ",
		"with the variables never substituted, ": "never  ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
