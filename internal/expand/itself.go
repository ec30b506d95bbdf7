package expand

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/internal/manifest"
	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
)

const (
	// PathSpread is where a Cluster says how its Pods are spread.
	PathSpread = "spec.topologySpreadConstraints"
	// PathAntiAffinity is where a Cluster says which Pods its own keep away from,
	// beside the terms that the operator makes.
	PathAntiAffinity = "spec.affinity.additionalPodAntiAffinity"

	pathAffinity     = "spec.affinity.additionalPodAffinity"
	pathPodSelectors = "spec.podSelectorRefs"
)

// selectItself makes the replica select its own Pods wherever the Cluster selects its
// own by their label: otherwise the primary's Pods would decide where the replica's
// run. Nothing else in a Cluster that names the Cluster means its Pods.
func selectItself(m *member) error {
	if !m.isReplica() {
		return nil
	}
	selectors, err := ownSelectors(m.tree)
	if err != nil {
		return err
	}
	for _, selector := range selectors {
		if err := m.moveSelector(selector.Node); err != nil {
			return selector.locate(err)
		}
	}
	return nil
}

// Part is a mapping in a Cluster, and the path of it.
type Part struct {
	Node *yaml.Node
	Path string
}

// at returns the mapping at a path in a part, nil where it is absent.
func (p Part) at(path string) (Part, error) {
	n, err := yamledit.MappingAt(p.Node, path)
	return Part{n, p.Path + "." + path}, p.locate(err)
}

// locate makes the path of an error one in the Cluster.
func (p Part) locate(err error) error {
	if e, ok := err.(*yamledit.Error); ok {
		return &yamledit.Error{Path: strings.TrimSuffix(p.Path+"."+e.Path, "."), Line: e.Line, Err: e.Err}
	}
	return err
}

// Parts returns the items of a list in a Cluster.
func Parts(cluster *yaml.Node, path string) ([]Part, error) {
	items, err := yamledit.MappingsAt(cluster, path)
	var all []Part
	for i, item := range items {
		all = append(all, Part{item, fmt.Sprintf("%s[%d]", path, i)})
	}
	return all, err
}

// RequiredTerms are the required terms of a pod affinity or anti-affinity at a path
// that may mean Pods in the Cluster's own namespace.
func RequiredTerms(cluster *yaml.Node, path string) ([]Part, error) {
	terms, err := Parts(cluster, path+".requiredDuringSchedulingIgnoredDuringExecution")
	if err != nil {
		return nil, err
	}
	return inOwnNamespace(cluster, terms)
}

func preferredTerms(cluster *yaml.Node, path string) ([]Part, error) {
	weighted, err := Parts(cluster, path+".preferredDuringSchedulingIgnoredDuringExecution")
	if err != nil {
		return nil, err
	}
	var terms []Part
	for _, w := range weighted {
		term, err := w.at("podAffinityTerm")
		if err != nil {
			return nil, err
		}
		if term.Node != nil {
			terms = append(terms, term)
		}
	}
	return inOwnNamespace(cluster, terms)
}

func inOwnNamespace(cluster *yaml.Node, terms []Part) ([]Part, error) {
	namespace, err := yamledit.StringAt(cluster, "metadata.namespace")
	if err != nil {
		return nil, err
	}
	var own []Part
	for _, term := range terms {
		names, err := yamledit.SequenceAt(term.Node, "namespaces")
		if err != nil {
			return nil, term.locate(err)
		}
		if names == nil || len(names.Content) == 0 || !yamledit.IsNull(yamledit.Get(term.Node, "namespaceSelector")) ||
			slices.ContainsFunc(names.Content, func(n *yaml.Node) bool { return manifest.SameNamespace(n.Value, namespace) }) {
			own = append(own, term)
		}
	}
	return own, nil
}

// ownSelectors are the selectors of a Cluster that may select its own Pods.
func ownSelectors(cluster *yaml.Node) ([]Part, error) {
	spreads, err := Parts(cluster, PathSpread)
	if err != nil {
		return nil, err
	}
	byKey := map[string][]Part{"labelSelector": spreads}
	if byKey["selector"], err = Parts(cluster, pathPodSelectors); err != nil {
		return nil, err
	}
	for _, path := range []string{pathAffinity, PathAntiAffinity} {
		for _, terms := range []func(*yaml.Node, string) ([]Part, error){RequiredTerms, preferredTerms} {
			found, err := terms(cluster, path)
			if err != nil {
				return nil, err
			}
			byKey["labelSelector"] = append(byKey["labelSelector"], found...)
		}
	}
	var selectors []Part
	for _, key := range []string{"labelSelector", "selector"} {
		for _, part := range byKey[key] {
			selector, err := part.at(key)
			if err != nil {
				return nil, err
			}
			if selector.Node != nil {
				selectors = append(selectors, selector)
			}
		}
	}
	return selectors, nil
}

// moveSelector makes a selector that names the primary select the same Pods of the
// replica. One that names both stays as it is.
func (m *member) moveSelector(selector *yaml.Node) error {
	replace, err := labelReplacer(selector)
	primary := m.pair.Primary
	if err == nil && replace(manifest.LabelCluster, primary.Name, m.Name) {
		replace(LabelRole, string(primary.Role), string(m.Role))
		replace(LabelRegion, primary.Region, m.Region)
	}
	return err
}

// labelReplacer returns what replaces the value of a label in a selector, unless the
// other value is there too, and tells whether it has.
func labelReplacer(selector *yaml.Node) (func(key, from, to string) bool, error) {
	labels, err := yamledit.MappingAt(selector, "matchLabels")
	if err != nil {
		return nil, err
	}
	expressions, err := yamledit.MappingsAt(selector, "matchExpressions")
	if err != nil {
		return nil, err
	}
	values := make(map[string][][]*yaml.Node) // of each label
	for i := 0; labels != nil && i+1 < len(labels.Content); i += 2 {
		key := labels.Content[i].Value
		values[key] = append(values[key], labels.Content[i+1:i+2])
	}
	for i, e := range expressions {
		list, err := yamledit.SequenceAt(e, "values")
		if err != nil {
			return nil, yamledit.InItem(err, "matchExpressions", i)
		}
		if list != nil {
			key := yamledit.Scalar(e, "key")
			values[key] = append(values[key], list.Content)
		}
	}
	return func(key, from, to string) (replaced bool) {
		for _, list := range values[key] {
			index := func(value string) int {
				return slices.IndexFunc(list, func(n *yaml.Node) bool { return n.Value == value })
			}
			if i := index(from); i >= 0 && index(to) < 0 {
				list[i], replaced = yamledit.String(to), true
			}
		}
		return replaced
	}, nil
}
