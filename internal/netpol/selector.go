package netpol

import (
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/internal/expand"
	"github.com/openova-io/helm-cnpg-pair/internal/manifest"
	"github.com/openova-io/helm-cnpg-pair/internal/topology"
	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
)

const labelCluster = manifest.LabelCluster

// selector is a label selector in a policy. Its node is nil where it is left out.
type selector struct {
	node  *yaml.Node
	label func(key string) string // the label that a key means
}

// requirement is what a selector asks of one label.
type requirement struct {
	operator string
	values   []*yaml.Node // of the tree: a value that is replaced here is replaced there
}

func (r requirement) matches(value string) bool {
	listed := slices.ContainsFunc(r.values, func(v *yaml.Node) bool { return v.Value == value })
	switch r.operator {
	case "In":
		return listed
	case "NotIn":
		return !listed
	}
	return r.operator == "Exists"
}

// checkSelector checks the shape of the selector at a key.
func checkSelector(m *yaml.Node, key string) error {
	selector, err := yamledit.MappingAt(m, key)
	if err != nil {
		return err
	}
	return checkShape(selector)
}

// checkShape checks the shape of a selector.
func checkShape(selector *yaml.Node) error {
	if _, err := yamledit.MappingAt(selector, "matchLabels"); err != nil {
		return err
	}
	expressions, err := yamledit.MappingsAt(selector, "matchExpressions")
	for _, e := range expressions {
		if _, err := yamledit.SequenceAt(e, "values"); err != nil {
			return err
		}
	}
	return err
}

func (s selector) matchLabels() []*yaml.Node      { return content(s.node, "matchLabels") }
func (s selector) matchExpressions() []*yaml.Node { return content(s.node, "matchExpressions") }

func content(m *yaml.Node, key string) []*yaml.Node {
	if n := yamledit.Get(m, key); n != nil {
		return n.Content
	}
	return nil
}

// requirements returns what the selector asks of a label.
func (s selector) requirements(label string) []requirement {
	var all []requirement
	labels := s.matchLabels()
	for i := 0; i+1 < len(labels); i += 2 {
		if s.label(labels[i].Value) == label {
			all = append(all, requirement{"In", labels[i+1 : i+2]})
		}
	}
	for _, e := range s.matchExpressions() {
		if s.label(yamledit.Scalar(e, "key")) == label {
			all = append(all, requirement{yamledit.Scalar(e, "operator"), content(e, "values")})
		}
	}
	return all
}

// matches tells whether the selector allows a label to have a value.
func (s selector) matches(label, value string) bool {
	return !slices.ContainsFunc(s.requirements(label), func(r requirement) bool { return !r.matches(value) })
}

func (s selector) matchesCluster(name string) bool { return s.matches(labelCluster, name) }

// knowsClusters tells whether the selector asks for Pods of Clusters.
func (s selector) knowsClusters() bool {
	return slices.ContainsFunc(s.requirements(labelCluster), func(r requirement) bool { return r.operator != "DoesNotExist" })
}

// keys returns the keys of the selector as they are spelt.
func (s selector) keys() []string {
	var all []string
	labels := s.matchLabels()
	for i := 0; i+1 < len(labels); i += 2 {
		all = append(all, labels[i].Value)
	}
	for _, e := range s.matchExpressions() {
		all = append(all, yamledit.Scalar(e, "key"))
	}
	return all
}

// asksOnly tells whether the selector asks for nothing but some labels.
func (s selector) asksOnly(labels ...string) bool {
	return !slices.ContainsFunc(s.keys(), func(key string) bool { return !slices.Contains(labels, s.label(key)) })
}

// clusterKey returns the label of Clusters as the selector spells it.
func (s selector) clusterKey() string {
	spelt := labelCluster
	for _, key := range s.keys() {
		if s.label(key) == labelCluster {
			spelt = key
		}
	}
	return spelt
}

// selectOnly makes a selector that asks for Clusters ask for these alone.
func (s selector) selectOnly(clusters ...string) {
	labels := s.matchLabels()
	for i := 0; i+1 < len(labels); i += 2 {
		if s.label(labels[i].Value) == labelCluster {
			labels[i+1] = yamledit.String(clusters[0]) // a selector that uses matchLabels asks for one Cluster
		}
	}
	expressions := s.matchExpressions()
	for i, e := range expressions {
		if key := yamledit.Scalar(e, "key"); s.label(key) == labelCluster {
			expressions[i] = yamledit.Map("key", key, "operator", "In", "values", stringList(clusters))
		}
	}
}

// replace makes a selector that asks for one member by name ask for the other one.
// One that asks for both stays as it is.
func (s selector) replace(member, other topology.Member) {
	for _, r := range s.requirements(labelCluster) {
		if r.operator != "In" || r.matches(other.Name) {
			continue
		}
		for i, value := range r.values {
			if value.Value == member.Name {
				r.values[i] = yamledit.String(other.Name)
				s.move(member, other)
			}
		}
	}
}

// excludeReplica excludes the replica wherever the primary is excluded by name.
func (s selector) excludeReplica(primary, replica string) {
	for _, e := range s.matchExpressions() {
		names := yamledit.Get(e, "values")
		if s.label(yamledit.Scalar(e, "key")) != labelCluster || yamledit.Scalar(e, "operator") != "NotIn" || names == nil {
			continue
		}
		excluded := requirement{"In", names.Content}
		if excluded.matches(primary) && !excluded.matches(replica) {
			names.Content = append(names.Content, yamledit.String(replica))
		}
	}
}

// move makes a selector that asks for one member by the labels of its Pods ask for
// the other one. It is for a selector that asks for the member by name, too.
func (s selector) move(from, to topology.Member) {
	for label, change := range map[string][2]string{
		expand.LabelRole:   {string(from.Role), string(to.Role)},
		expand.LabelRegion: {from.Region, to.Region},
	} {
		for _, r := range s.requirements(label) {
			old, now := change[0], change[1]
			if r.operator == "NotIn" && r.matches(old) { // it excludes the other one, if any
				old, now = now, old
			}
			i := slices.IndexFunc(r.values, func(v *yaml.Node) bool { return v.Value == old })
			both := slices.ContainsFunc(r.values, func(v *yaml.Node) bool { return v.Value == now })
			if i >= 0 && !both {
				r.values[i] = yamledit.String(now)
			}
		}
	}
}

func stringList(values []string) *yaml.Node {
	all := yamledit.List()
	for _, value := range values {
		all.Content = append(all.Content, yamledit.String(value))
	}
	return all
}
