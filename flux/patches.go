package flux

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// mark begins the first line of every patch of ours, by which they are found
// again in a HelmRelease: what is inside a patch survives every YAML tool.
const mark = "# cnpg-pair flux: "

// pair is a Cluster of the chart and the halves that the expander makes of it.
type pair struct {
	name, replica           string
	namespace               string // of the target, where the name alone is not enough
	chart, primary, standby map[string]any
}

const (
	group   = "postgresql.cnpg.io"
	version = "v1"
	kind    = "Cluster"
)

func newPair(d postrender.Decision, before, after map[objectKey]map[string]any) (*pair, error) {
	key := objectKey{group + "/" + version, kind, d.Namespace, d.Name}
	p := &pair{name: d.Name, replica: postrender.ReplicaName(d.Name), chart: before[key], primary: after[key]}
	for other := range before {
		if other != key && other.kind == kind && other.name == key.name && strings.HasPrefix(other.apiVersion, group+"/") {
			p.namespace = key.namespace
			if p.namespace == "" {
				p.namespace = "default" // as kustomize calls a namespace that is left out
			}
		}
	}
	key.name = p.replica
	p.standby = after[key]
	if p.chart == nil || p.primary == nil || p.standby == nil {
		return nil, &postrender.Error{
			Source: d.Source, Line: d.Line, Object: "Cluster " + d.Name,
			Err:  fmt.Errorf("kustomize does not read it as a Cluster of that name"),
			Cure: "write its apiVersion, kind and metadata.name plainly",
		}
	}
	return p, nil
}

// target selects one of the pair by its name.
func (p *pair) target(name string) Selector {
	return Selector{Group: group, Version: version, Kind: kind, Namespace: p.namespace, Name: name}
}

// clone is the patch that turns the Cluster into a List of itself twice, the
// second under the replica's name. The next run of kustomize, be it that of the
// next entry, takes the List apart.
func (p *pair) clone(knob bool) Patch {
	var ops []any
	for _, what := range []string{"Kinds", "Names", "Namespaces"} {
		// kustomize's own notes, which would be copied too, and make later
		// patches take each half for the other
		ops = append(ops, op("remove", "/metadata/annotations/internal.config.kubernetes.io~1previous"+what))
	}
	ops = append(ops, op("add", "/items", "value", []any{map[string]any{}, map[string]any{}}))
	for _, key := range []string{"apiVersion", "kind", "metadata", "spec"} {
		ops = append(ops, op("copy", "/items/0/"+key, "from", "/"+key), op("copy", "/items/1/"+key, "from", "/"+key))
	}
	ops = append(ops, // the metadata stays too: two Lists need names to live in one stream
		op("remove", "/spec"),
		op("replace", "/items/1/metadata/name", "value", p.replica),
		op("add", "/apiVersion", "value", "v1"),
		op("add", "/kind", "value", "List"),
	)
	target := p.target(p.name)
	if knob {
		target.AnnotationSelector = knobIsOn
	}
	return Patch{target, patchText(p.name+" twice, as a List, which is taken apart before the next entry", ops)}
}

// halves are the patches that make the differences between the two copies.
func (p *pair) halves(knob bool) []Patch {
	primary := p.target(p.name)
	if knob {
		primary.AnnotationSelector = knobIsOn
	}
	patches := p.half(primary, p.name+", the primary", p.chart, p.primary)
	copied := renamed(p.chart, p.replica)
	if knob {
		annotate(copied, annotationKnob, annotationPrimary, annotationReplica)
	}
	patches = append(patches, p.half(p.target(p.replica), p.replica+", the replica", copied, p.standby)...)
	if knob {
		patches = append(patches, p.dropKnob())
	}
	return patches
}

func renamed(cluster map[string]any, name string) map[string]any {
	cluster = copyMap(cluster)
	metadata := copyMap(cluster["metadata"])
	metadata["name"] = name
	cluster["metadata"] = metadata
	return cluster
}

// copyMap copies a mapping that may not be there.
func copyMap(value any) map[string]any {
	m, _ := value.(map[string]any)
	c := make(map[string]any, len(m)+1)
	maps.Copy(c, m)
	return c
}

// half returns the patches that make one object of another. A list that only
// grows is appended to, so that what the chart puts into it comes along.
func (p *pair) half(target Selector, title string, from, to map[string]any) []Patch {
	var operations []any
	merge := difference(from, to, "", &operations)
	var patches []Patch
	if len(merge) > 0 {
		merge["apiVersion"], merge["kind"] = group+"/"+version, kind
		metadata := copyMap(merge["metadata"])
		metadata["name"] = to["metadata"].(map[string]any)["name"]
		merge["metadata"] = metadata
		patches = append(patches, Patch{target, patchText(title, merge)})
	}
	if len(operations) > 0 {
		patches = append(patches, Patch{target, patchText(title+": what a merge cannot say", operations)})
	}
	return patches
}

// difference returns a strategic merge patch that makes one mapping of another.
// It leaves to the operations of a JSON 6902 patch what is appended to lists,
// which a merge into a custom resource replaces whole, and annotations that go,
// whose nulls kustomize loses.
func difference(from, to map[string]any, path string, operations *[]any) map[string]any {
	patch := make(map[string]any)
	for _, key := range slices.Sorted(maps.Keys(from)) {
		if _, ok := to[key]; ok {
			continue
		}
		if path == "/metadata/annotations" || path == "/metadata/labels" {
			*operations = append(*operations, op("remove", path+"/"+pointer(key)))
			continue
		}
		patch[key] = nil
	}
	for _, key := range slices.Sorted(maps.Keys(to)) {
		want := to[key]
		have, ok := from[key]
		if ok && reflect.DeepEqual(have, want) {
			continue
		}
		at := path + "/" + pointer(key)
		haveMap, haveIsMap := have.(map[string]any)
		wantMap, wantIsMap := want.(map[string]any)
		haveList, _ := have.([]any)
		wantList, _ := want.([]any)
		switch {
		case at == "/spec/bootstrap" && wantIsMap: // whatever way of bootstrapping the chart may take up later
			wantMap = copyMap(wantMap)
			wantMap["$patch"] = "replace"
			patch[key] = wantMap
		case haveIsMap && wantIsMap:
			if inner := difference(haveMap, wantMap, at, operations); len(inner) > 0 {
				patch[key] = inner
			}
		case len(haveList) > 0 && len(wantList) > len(haveList) && reflect.DeepEqual(haveList, wantList[:len(haveList)]):
			for _, item := range wantList[len(haveList):] {
				*operations = append(*operations, op("add", at+"/-", "value", item))
			}
		default:
			patch[key] = want
		}
	}
	return patch
}

// pointer is a key as a part of a JSON pointer.
func pointer(key string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(key) }

// operation is an operation of a JSON 6902 patch: keys and values in turn.
type operation []any

func op(name, path string, more ...any) operation {
	o := operation{"op", name}
	if len(more) == 2 && more[0] == "from" {
		return append(o, "from", more[1], "path", path)
	}
	return append(append(o, "path", path), more...)
}

// patchText writes a patch as YAML, below a comment that says what it is for.
func patchText(title string, patch any) string {
	var b strings.Builder
	b.WriteString(mark + title + "\n")
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	encoder.CompactSeqIndent()
	encoder.Encode(nodeOf(patch)) // a builder takes everything
	encoder.Close()
	return b.String()
}

// nodeOf returns a value as a tree, mappings in the order of their keys.
func nodeOf(value any) *yaml.Node {
	var n yaml.Node
	switch v := value.(type) {
	case operation:
		n.Kind, n.Style = yaml.MappingNode, yaml.FlowStyle
		for _, part := range v {
			if m, ok := part.(map[string]any); ok && len(m) > 0 {
				n.Style = 0
			}
			n.Content = append(n.Content, nodeOf(part))
		}
	case map[string]any:
		n.Kind = yaml.MappingNode
		if len(v) == 0 {
			n.Style = yaml.FlowStyle
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			n.Content = append(n.Content, nodeOf(key), nodeOf(v[key]))
		}
	case []any:
		n.Kind = yaml.SequenceNode
		if len(v) == 0 {
			n.Style = yaml.FlowStyle
		}
		for _, item := range v {
			n.Content = append(n.Content, nodeOf(item))
		}
	case float64: // every number that was read
		n.Encode(v)
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			n.Encode(int64(v))
		}
	default:
		n.Encode(v)
		if text, ok := v.(string); ok && strings.Contains(text, "${") {
			n.Style = yaml.DoubleQuotedStyle // whatever it becomes, it stays a string
		}
	}
	return &n
}
