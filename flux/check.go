package flux

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/openova-io/helm-cnpg-pair/internal/message"
	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// check runs the entries as helm-controller does and compares what comes out
// with what the expander makes of the manifests. Order and comments may differ,
// nothing else.
func (g *Generator) check(entries []PostRenderer, manifests []postrender.Source) error {
	cases := []toggleCase{{cfg: withStandInToken(g.Config)}}
	if name, is := tokenVariable(g.Config); is {
		cases[0].variables = strings.NewReplacer(name, standInToken)
	}
	if g.Substitute {
		cases = toggleCases(g.Config)
	}
	for _, c := range cases {
		if err := checkCase(c, entries, manifests); err != nil {
			return err
		}
	}
	return nil
}

func checkCase(c toggleCase, entries []PostRenderer, manifests []postrender.Source) error {
	cfg := c.cfg
	cfg.Strict = false // settings that are not valid must leave the Clusters single
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
	if difference := firstDifference(want, got, c.when); difference != nil {
		return &postrender.Error{Source: names(manifests), Err: difference}
	}
	return nil
}

// firstDifference says where two sets of objects differ, if they do.
func firstDifference(want, got objects, when string) *message.Message {
	byName := func(a, b postrender.Ref) int { return strings.Compare(title(a)+a.APIVersion, title(b)+b.APIVersion) }
	for _, key := range slices.SortedFunc(maps.Keys(want), byName) {
		if got[key] == nil {
			return message.New(message.FluxMissing, "when", when, "object", title(key))
		}
		if path := differsAt(want[key], got[key], ""); path != "" {
			return message.New(message.FluxDiffers, "when", when, "object", title(key), "field", path)
		}
	}
	for _, key := range slices.SortedFunc(maps.Keys(got), byName) {
		if want[key] == nil {
			return message.New(message.FluxAdditional, "when", when, "object", title(key))
		}
	}
	return nil
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
