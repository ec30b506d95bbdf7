package expand

import (
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
)

// PathTerms is where a Cluster's required node affinity is.
const PathTerms = "spec.affinity." + nodeTerms

// nodeTerms are those of an affinity.
const nodeTerms = "nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms"

// pinToRegion binds a member's Pods to the nodes of its region. Where the chart itself
// pins the Cluster to the primary's region, the replica's copy is moved to its own.
func pinToRegion(m *member) error {
	if !m.Pinned {
		return nil
	}
	from := ""
	if m.isReplica() {
		from = m.pair.Primary.Region
	}
	return requireRegion(m.tree, "spec.affinity.nodeSelector", PathTerms, m.pair.RegionKey, from, m.Region)
}

// requireRegion adds a requirement to the node selector terms at a path. It goes into
// every term that is there, because terms are ORed: a further term would pin nothing.
// What requires the region from there, or at the path selector, requires the other one.
func requireRegion(tree *yaml.Node, selector, path, key, from, region string) error {
	labels, err := yamledit.MappingAt(tree, selector)
	if err != nil {
		return err
	}
	if value := yamledit.Get(labels, key); from != "" && !yamledit.IsNull(value) && value.Value == from {
		yamledit.Set(labels, key, yamledit.String(region))
	}
	terms, err := yamledit.MappingsAt(tree, path)
	if err != nil {
		return err
	}
	requirement := yamledit.Map("key", key, "operator", "In", "values", yamledit.List(yamledit.String(region)))
	if len(terms) == 0 {
		yamledit.Append(tree, path, yamledit.Map("matchExpressions", yamledit.List(requirement)))
		return nil
	}
	for i, term := range terms {
		expressions, err := yamledit.MappingsAt(term, "matchExpressions")
		if err != nil {
			return yamledit.InItem(err, path, i)
		}
		for j, expression := range expressions {
			if from != "" && Allows(expression, key, from) && !Allows(expression, key, region) {
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
