package expand

import (
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
)

// PathTerms is where a Cluster's required node affinity is.
const PathTerms = "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms"

// pinToRegion binds a member's Pods to the nodes of its region. The requirement
// goes into every term that is there, because terms are ORed: a further term would
// pin nothing. Where the chart itself pins the Cluster to the primary's region, the
// replica's copy is moved to its own.
func pinToRegion(m *member) error {
	if !m.Pinned {
		return nil
	}
	key, from := m.pair.RegionKey, ""
	if m.isReplica() {
		from = m.pair.Primary.Region
	}
	selector, err := yamledit.MappingAt(m.tree, "spec.affinity.nodeSelector")
	if err != nil {
		return err
	}
	if value := yamledit.Get(selector, key); from != "" && !yamledit.IsNull(value) && value.Value == from {
		yamledit.Set(selector, key, yamledit.String(m.Region))
	}
	terms, err := yamledit.MappingsAt(m.tree, PathTerms)
	if err != nil {
		return err
	}
	requirement := yamledit.Map("key", key, "operator", "In", "values", yamledit.List(yamledit.String(m.Region)))
	if len(terms) == 0 {
		yamledit.Append(m.tree, PathTerms, yamledit.Map("matchExpressions", yamledit.List(requirement)))
		return nil
	}
	for i, term := range terms {
		expressions, err := yamledit.MappingsAt(term, "matchExpressions")
		if err != nil {
			return yamledit.InItem(err, PathTerms, i)
		}
		for j, expression := range expressions {
			if from != "" && Allows(expression, key, from) && !Allows(expression, key, m.Region) {
				expressions[j] = yamledit.Clone(requirement)
			}
		}
		if !slices.ContainsFunc(expressions, func(e *yaml.Node) bool { return yamledit.Equal(e, requirement) }) {
			yamledit.Append(term, "matchExpressions", yamledit.Clone(requirement))
		}
	}
	return nil
}

// Allows tells whether a node selector requirement lets nodes of a
// region through. A requirement on another key lets all through.
func Allows(requirement *yaml.Node, key, region string) bool {
	if k, _ := yamledit.StringAt(requirement, "key"); k != key {
		return true
	}
	var listed bool
	if values := yamledit.Get(requirement, "values"); values != nil {
		listed = slices.ContainsFunc(values.Content, func(v *yaml.Node) bool { return v.Value == region })
	}
	switch operator, _ := yamledit.StringAt(requirement, "operator"); operator {
	case "In":
		return listed
	case "NotIn":
		return !listed
	case "DoesNotExist":
		return false
	}
	return true
}
