package flux

import (
	"maps"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/internal/expand"
	"github.com/openova-io/helm-cnpg-pair/internal/message"
	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// mark begins the first line of every patch of ours, by which they are found
// again in a HelmRelease: what is inside a patch survives every YAML tool.
const mark = "# cnpg-pair flux: "

// objects are the objects of a stream.
type objects map[postrender.Ref]map[string]any

// change is an object of the chart, and what the expander puts in its place.
type change struct {
	from     postrender.Ref
	to       []postrender.Ref
	chart    map[string]any
	expanded []map[string]any // of each to
	twoNames bool             // another namespace has an object of that name
}

func newChange(c postrender.Change, before, after objects) (*change, error) {
	result := &change{from: c.From, to: c.To, chart: before[c.From]}
	for _, to := range c.To {
		result.expanded = append(result.expanded, after[to])
	}
	if result.chart == nil || slices.ContainsFunc(result.expanded, func(o map[string]any) bool { return o == nil }) {
		return nil, &postrender.Error{
			Source: "kustomize", Object: c.From.Kind + " " + c.From.Name, Err: message.New(message.FluxOtherName),
		}
	}
	for other := range before {
		result.twoNames = result.twoNames || other != c.From && other.Kind == c.From.Kind && other.Name == c.From.Name
	}
	return result, nil
}

// target selects one of the change's objects by its name, and by its namespace
// where the name alone is not enough.
func (c *change) target(ref postrender.Ref) Selector {
	group, version, found := strings.Cut(ref.APIVersion, "/")
	if !found {
		group, version = "", group
	}
	s := Selector{Group: group, Version: version, Kind: ref.Kind, Name: regexp.QuoteMeta(ref.Name)}
	if c.twoNames {
		s.Namespace = ref.Namespace
		if s.Namespace == "" {
			s.Namespace = "default" // as kustomize calls a namespace that is left out
		}
	}
	return s
}

func (c *change) isHook() bool {
	metadata, _ := c.chart["metadata"].(map[string]any)
	_, hook := copyMap(metadata["annotations"])["helm.sh/hook"]
	return hook
}

// isCopy is true for an object that is made of the chart's, so that what the
// chart changes comes along.
func (c *change) isCopy(i int) bool {
	return c.to[i].Kind == c.from.Kind && c.to[i].APIVersion == c.from.APIVersion
}

// follows is true for an object that changes only so that it follows the member that
// takes writes.
func (c *change) follows() bool {
	return len(c.to) == 1 && c.to[0] == c.from && c.from.Kind != "Cluster" && c.from.Kind != "ScheduledBackup" && !strings.HasSuffix(c.from.Kind, "NetworkPolicy")
}

// operationsTo are those of a JSON 6902 patch that makes one value of another. A merge
// patch would need to know by which key the items of a list are merged.
func operationsTo(from, to any, path string, operations []any) []any {
	if reflect.DeepEqual(from, to) {
		return operations
	}
	fromMap, isMap := from.(map[string]any)
	toMap, becomesMap := to.(map[string]any)
	fromList, isList := from.([]any)
	toList, becomesList := to.([]any)
	switch {
	case isMap && becomesMap:
		for _, key := range slices.Sorted(maps.Keys(fromMap)) {
			if _, stays := toMap[key]; !stays {
				operations = append(operations, op("remove", path+"/"+pointer(key)))
			}
		}
		for _, key := range slices.Sorted(maps.Keys(toMap)) {
			if have, there := fromMap[key]; there {
				operations = operationsTo(have, toMap[key], path+"/"+pointer(key), operations)
			} else {
				operations = append(operations, op("add", path+"/"+pointer(key), "value", toMap[key]))
			}
		}
		return operations
	case isList && becomesList && len(fromList) == len(toList):
		for i := range toList {
			operations = operationsTo(fromList[i], toList[i], path+"/"+strconv.Itoa(i), operations)
		}
		return operations
	}
	return append(operations, op("replace", path, "value", to))
}

// clones are the patches that turn the object into a List of what stands in its
// place: copies of itself, and objects that are written out. The next run of
// kustomize, be it that of the next entry, takes the List apart.
func (c *change) clones(toggle bool) []Patch {
	if len(c.to) == 1 && c.to[0] == c.from {
		return nil
	}
	var ops []any
	for _, what := range []string{"Kinds", "Names", "Namespaces"} {
		// kustomize's own notes, which would be copied too, and make later
		// patches take each copy for the other
		ops = append(ops, op("remove", "/metadata/annotations/internal.config.kubernetes.io~1previous"+what))
	}
	items := make([]any, len(c.to))
	for i := range items {
		items[i] = map[string]any{}
	}
	ops = append(ops, op("add", "/items", "value", items))
	keys := slices.Sorted(maps.Keys(c.chart))
	for i, to := range c.to {
		at := "/items/" + strconv.Itoa(i)
		if !c.isCopy(i) {
			ops = append(ops, op("replace", at, "value", withoutOrigin(c.expanded[i])))
			continue
		}
		for _, key := range keys {
			ops = append(ops, op("copy", at+"/"+pointer(key), "from", "/"+pointer(key)))
		}
		if to.Name != c.from.Name {
			ops = append(ops, op("replace", at+"/metadata/name", "value", to.Name))
		}
	}
	for _, key := range keys {
		if key != "apiVersion" && key != "kind" && key != "metadata" {
			ops = append(ops, op("remove", "/"+pointer(key)))
		}
	}
	// Lists need names of their own to live in one stream
	ops = append(ops, op("replace", "/metadata/name", "value", strings.ToLower(c.from.Kind)+"."+c.from.Name))
	ops = append(ops, op("add", "/apiVersion", "value", "v1"), op("add", "/kind", "value", "List"))
	target := c.target(c.from)
	if toggle {
		target.AnnotationSelector = toggleIsOn
	}
	var names []string
	for _, to := range c.to {
		names = append(names, to.Name)
	}
	return []Patch{{target, patchText(c.from.Name+" becomes a List of "+strings.Join(names, " and ")+"; kustomize splits it before the next entry", ops)}}
}

// differences are the patches that make what stands in the object's place of the
// copies.
func (c *change) differences(toggle bool) []Patch {
	var all []Patch
	for i, to := range c.to {
		if !c.isCopy(i) {
			continue
		}
		target, from := c.target(to), renamed(c.chart, to.Name)
		title := to.Name
		if role, ok := field(c.expanded[i], "metadata", "labels", expand.LabelRole).(string); ok {
			title += ", the " + role
		}
		if toggle && to == c.from {
			target.AnnotationSelector = toggleIsOn
		} else if toggle {
			annotate(from, annotationToggle, annotationPrimary, annotationReplica)
		}
		if c.follows() {
			if operations := operationsTo(from, c.expanded[i], "", nil); len(operations) > 0 {
				all = append(all, Patch{target, patchText(title+": it connects to the write address", operations)})
			}
			continue
		}
		all = append(all, patches(target, title, from, c.expanded[i])...)
		if field(c.expanded[i], "spec", "postgresql", "synchronous", "standbyNamesPre") != nil {
			all = append(all, Patch{target, patchText(title+": its synchronous replication is for so many instances",
				[]any{op("test", "/spec/instances", "value", field(c.chart, "spec", "instances"))})})
		}
	}
	if toggle {
		all = append(all, c.dropToggle())
	}
	return all
}

// renamed is a copy of an object under a name.
func renamed(object map[string]any, name string) map[string]any {
	object = copyMap(object)
	metadata := copyMap(object["metadata"])
	metadata["name"] = name
	object["metadata"] = metadata
	return object
}

// withoutOrigin is a copy of an object without the labels that helm-controller
// adds to it in the end.
func withoutOrigin(object map[string]any) map[string]any {
	name, _ := object["metadata"].(map[string]any)["name"].(string)
	object = renamed(object, name)
	metadata := object["metadata"].(map[string]any)
	labels := copyMap(metadata["labels"])
	delete(labels, originName)
	delete(labels, originNamespace)
	metadata["labels"] = labels
	return object
}

// field returns the value at a path of mappings, nil where a part is missing.
func field(object map[string]any, path ...string) any {
	var value any = object
	for _, key := range path {
		m, _ := value.(map[string]any)
		value = m[key]
	}
	return value
}

// copyMap copies a mapping that may not be there.
func copyMap(value any) map[string]any {
	m, _ := value.(map[string]any)
	c := make(map[string]any, len(m)+1)
	maps.Copy(c, m)
	return c
}

// patches make one object of another. A list that only grows is appended to, so
// that what the chart puts into it comes along.
func patches(target Selector, title string, from, to map[string]any) []Patch {
	var operations []any
	merge := difference(from, to, "", &operations)
	var all []Patch
	if len(merge) > 0 {
		merge["apiVersion"], merge["kind"] = to["apiVersion"], to["kind"]
		metadata := copyMap(merge["metadata"])
		metadata["name"] = to["metadata"].(map[string]any)["name"]
		merge["metadata"] = metadata
		all = append(all, Patch{target, patchText(title, merge)})
	}
	if len(operations) > 0 {
		all = append(all, Patch{target, patchText(title+": changes that a merge patch cannot express", operations)})
	}
	return all
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
		if at := path + "/" + key; at == "/metadata/annotations" || at == "/metadata/labels" {
			difference(copyMap(from[key]), nil, at, operations)
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
	return mark + title + "\n" + yamlOf(nodeOf(patch))
}

func yamlOf(n *yaml.Node) string {
	var b strings.Builder
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	encoder.CompactSeqIndent()
	encoder.Encode(n) // a builder takes everything
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
