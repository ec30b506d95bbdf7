package flux

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// check runs the entries as helm-controller does and compares what comes out
// with what the expander makes of the manifests. Order and comments may differ,
// nothing else.
func (g *Generator) check(entries []PostRenderer, manifests []postrender.Source) error {
	cases := []knobCase{{cfg: g.Config}}
	if g.Substitute {
		cases = knobCases(g.Config)
	}
	for _, c := range cases {
		if err := checkCase(c, entries, manifests); err != nil {
			return err
		}
	}
	return nil
}

func checkCase(c knobCase, entries []PostRenderer, manifests []postrender.Source) error {
	cfg := c.cfg
	cfg.Strict = false // a trio that is not valid must leave the Clusters single
	result, err := postrender.New(cfg).Render(manifests...)
	if err != nil {
		return err
	}
	want, err := load(streamOf(result))
	if err != nil {
		return refused(manifests, err)
	}
	out, err := runAll(joined(manifests), c.substituted(entries))
	if err != nil {
		return refused(manifests, err)
	}
	got, err := load(out)
	if err != nil {
		return refused(manifests, err)
	}
	if what := firstDifference(want, got); what != "" {
		return &postrender.Error{
			Source: names(manifests), Err: fmt.Errorf("inside Flux %s%s", c.when, what),
			Cure: "let CI render the chart and push the result instead (examples/flux), and report this",
		}
	}
	return nil
}

// firstDifference says where two sets of objects differ, if they do.
func firstDifference(want, got objects) string {
	byName := func(a, b postrender.Ref) int { return strings.Compare(title(a)+a.APIVersion, title(b)+b.APIVersion) }
	for _, key := range slices.SortedFunc(maps.Keys(want), byName) {
		if got[key] == nil {
			return title(key) + " would not be there"
		}
		if path := differsAt(want[key], got[key], ""); path != "" {
			return fmt.Sprintf("%s would differ in %s", title(key), path)
		}
	}
	for _, key := range slices.SortedFunc(maps.Keys(got), byName) {
		if want[key] == nil {
			return title(key) + " would be there too"
		}
	}
	return ""
}

func title(ref postrender.Ref) string {
	return ref.Kind + " " + strings.TrimPrefix(ref.Namespace+"/"+ref.Name, "/")
}

// differsAt returns the path of the first difference between two values.
func differsAt(a, b any, path string) string {
	mapA, isMapA := a.(map[string]any)
	mapB, isMapB := b.(map[string]any)
	if !isMapA || !isMapB {
		if reflect.DeepEqual(a, b) {
			return ""
		}
		return path
	}
	keys := slices.Collect(maps.Keys(mapA))
	keys = append(keys, slices.Collect(maps.Keys(mapB))...)
	slices.Sort(keys)
	for _, key := range slices.Compact(keys) {
		valueA, inA := mapA[key]
		valueB, inB := mapB[key]
		at := key
		if path != "" {
			at = path + "." + key
		}
		if inA != inB {
			return at
		}
		if where := differsAt(valueA, valueB, at); where != "" {
			return where
		}
	}
	return ""
}
