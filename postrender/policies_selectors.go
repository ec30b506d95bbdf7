package postrender

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// What a selector of a network policy asks for, in the words of Kubernetes and of
// Cilium alike.

// requirement is what a selector asks of one label.
type requirement struct {
	operator string
	values   []*yaml.Node
}

func (r requirement) admits(value string) bool {
	listed := slices.ContainsFunc(r.values, func(v *yaml.Node) bool { return v.Value == value })
	switch r.operator {
	case "In":
		return listed
	case "NotIn":
		return !listed
	}
	return r.operator == "Exists"
}

// isKey compares the key of a selector with a label. Cilium takes the source of a
// label before it, "k8s:" or "any:".
func (p *policy) isKey(key, label string) bool {
	if p.cilium {
		key = strings.TrimPrefix(strings.TrimPrefix(key, "k8s:"), "any:")
	}
	return key == label
}

// requirements returns what a selector asks of a label.
func (p *policy) requirements(selector *yaml.Node, label string) []requirement {
	var all []requirement
	if labels := get(selector, "matchLabels"); labels != nil {
		for i := 0; i+1 < len(labels.Content); i += 2 {
			if p.isKey(labels.Content[i].Value, label) {
				all = append(all, requirement{"In", labels.Content[i+1 : i+2]})
			}
		}
	}
	if expressions := get(selector, "matchExpressions"); expressions != nil {
		for _, e := range expressions.Content {
			if p.isKey(scalar(e, "key"), label) {
				var values []*yaml.Node
				if listed := get(e, "values"); listed != nil {
					values = listed.Content
				}
				all = append(all, requirement{scalar(e, "operator"), values})
			}
		}
	}
	return all
}

// selector returns the selector at a key, whose shape it checks.
func (p *policy) selector(m *yaml.Node, key string) (*yaml.Node, error) {
	selector, err := mappingAt(m, key)
	if err != nil {
		return nil, err
	}
	return selector, p.check(selector)
}

func (p *policy) check(selector *yaml.Node) error {
	if _, err := mappingAt(selector, "matchLabels"); err != nil {
		return err
	}
	expressions, err := mappingsAt(selector, "matchExpressions")
	for _, e := range expressions {
		if _, err := ofKind(e, "values", yaml.SequenceNode, "a sequence"); err != nil {
			return err
		}
	}
	return err
}

// names tells whether a selector asks for the label of the Cluster.
func (p *policy) names(selector *yaml.Node) bool {
	return slices.ContainsFunc(p.requirements(selector, labelCluster), func(r requirement) bool { return r.operator != "DoesNotExist" })
}

func (p *policy) admitsName(selector *yaml.Node, cluster string) bool {
	return p.admitsValue(selector, labelCluster, cluster)
}

func (p *policy) admitsValue(selector *yaml.Node, label, value string) bool {
	return !slices.ContainsFunc(p.requirements(selector, label), func(r requirement) bool { return !r.admits(value) })
}

// asksOnly tells whether a selector asks for nothing but some labels.
func (p *policy) asksOnly(selector *yaml.Node, labels ...string) bool {
	return !slices.ContainsFunc(keys(selector), func(key string) bool {
		return !slices.ContainsFunc(labels, func(label string) bool { return p.isKey(key, label) })
	})
}

// keys returns the keys of a selector as they are spelt.
func keys(selector *yaml.Node) []string {
	var all []string
	if labels := get(selector, "matchLabels"); labels != nil {
		for i := 0; i+1 < len(labels.Content); i += 2 {
			all = append(all, labels.Content[i].Value)
		}
	}
	if expressions := get(selector, "matchExpressions"); expressions != nil {
		for _, e := range expressions.Content {
			all = append(all, scalar(e, "key"))
		}
	}
	return all
}

// narrow makes a selector ask for these Clusters alone.
func (p *policy) narrow(selector *yaml.Node, clusters ...string) {
	if labels := get(selector, "matchLabels"); labels != nil {
		for i := 0; i+1 < len(labels.Content); i += 2 {
			if p.isKey(labels.Content[i].Value, labelCluster) {
				labels.Content[i+1] = str(clusters[0]) // there is one Cluster where it is asked for by this
			}
		}
	}
	if expressions := get(selector, "matchExpressions"); expressions != nil {
		var names []*yaml.Node
		for _, cluster := range clusters {
			names = append(names, str(cluster))
		}
		for i, e := range expressions.Content {
			if p.isKey(scalar(e, "key"), labelCluster) {
				expressions.Content[i] = dict("key", scalar(e, "key"), "operator", "In", "values", list(names...))
			}
		}
	}
}
