package postrender

import (
	"cmp"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/internal/expand"
	"github.com/openova-io/helm-cnpg-pair/internal/manifest"
	"github.com/openova-io/helm-cnpg-pair/internal/message"
	"github.com/openova-io/helm-cnpg-pair/internal/topology"
	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
)

// podLabels are those of a Pod.
type podLabels map[string]string

// anyVersion stands for the version of PostgreSQL, which is not known here.
const anyVersion = "*"

// podsOf returns the labels of a member's Pods: the operator's, and those that the
// Cluster hands on. Of its standbys one stands for all.
func podsOf(c *candidate, m topology.Member) []podLabels {
	inherited, _ := yamledit.MappingAt(c.Tree(), expand.PathPodLabels)
	var pods []podLabels
	for i, role := range []string{"primary", "replica"}[:min(instances(c), 2)] {
		labels := podLabels{
			manifest.LabelCluster:          m.Name,
			"cnpg.io/instanceName":         m.Name + "-" + strconv.Itoa(i+1),
			"cnpg.io/podRole":              "instance",
			"cnpg.io/instanceRole":         role,
			"role":                         role,
			"app.kubernetes.io/name":       "postgresql",
			"app.kubernetes.io/component":  "database",
			"app.kubernetes.io/managed-by": "cloudnative-pg",
			"app.kubernetes.io/instance":   m.Name,
			"app.kubernetes.io/version":    anyVersion,
		}
		for i := 0; inherited != nil && i+1 < len(inherited.Content); i += 2 {
			labels[inherited.Content[i].Value] = inherited.Content[i+1].Value
		}
		labels[expand.LabelRole] = string(m.Role)
		labels[expand.LabelRegion] = m.Region
		pods = append(pods, labels)
	}
	return pods
}

// instances is how many a member has, one where the Cluster does not say it.
func instances(c *candidate) int {
	word, _ := yamledit.StringAt(c.Tree(), "spec.instances")
	number, err := strconv.Atoi(word)
	if err != nil {
		return 1
	}
	return max(number, 1)
}

// has tells whether a Pod has all labels of a mapping.
func (l podLabels) has(labels *yaml.Node) bool {
	for i := 0; labels != nil && i+1 < len(labels.Content); i += 2 {
		if !l.matches(labels.Content[i].Value, "In", labels.Content[i+1:i+2]) {
			return false
		}
	}
	return true
}

// selectsAll tells whether a label selector selects every Pod.
func selectsAll(selector *yaml.Node, pods []podLabels) bool {
	labels, _ := yamledit.MappingAt(selector, "matchLabels")
	expressions, _ := yamledit.MappingsAt(selector, "matchExpressions")
	return !slices.ContainsFunc(pods, func(pod podLabels) bool {
		return !pod.has(labels) || slices.ContainsFunc(expressions, func(e *yaml.Node) bool {
			var values []*yaml.Node
			if list := yamledit.Get(e, "values"); list != nil {
				values = list.Content
			}
			return !pod.matches(yamledit.Scalar(e, "key"), yamledit.Scalar(e, "operator"), values)
		})
	})
}

func (l podLabels) matches(label, operator string, values []*yaml.Node) bool {
	have, there := l[label]
	listed := there && slices.ContainsFunc(values, func(v *yaml.Node) bool { return v.Value == have || have == anyVersion })
	switch operator {
	case "In":
		return listed
	case "NotIn":
		return !listed
	case "Exists":
		return there
	case "DoesNotExist":
		return !there
	}
	return false
}

// regionLabels are the node labels of which a region has one value.
func regionLabels(c *candidate) []string {
	return []string{c.Pair.RegionKey, "topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region"}
}

// checkAntiAffinity finds a Cluster whose instances must not run in one region, in
// which the pair binds those of each member.
func checkAntiAffinity(_ *selection, c *candidate) (*message.Message, error) {
	if instances(c) < 2 {
		return nil, nil
	}
	refuse := func(field, label string) *message.Message {
		return message.New(message.RegionAntiAffinity, "field", field, "label", label)
	}
	if label := apart(c.Tree()); slices.Contains(regionLabels(c), label) {
		return refuse("spec.affinity.podAntiAffinityType", label), nil
	}
	terms, err := expand.RequiredTerms(c.Tree(), expand.PathAntiAffinity)
	if err != nil {
		return nil, err
	}
	pods := podsOf(c, c.Pair.Primary)
	for _, term := range terms {
		key := yamledit.Scalar(term.Node, "topologyKey")
		selector := yamledit.Get(term.Node, "labelSelector")
		if slices.Contains(regionLabels(c), key) && !yamledit.IsNull(selector) && selectsAll(selector, pods) && !tellsPodsApart(term.Node) {
			return refuse(term.Path, key), nil
		}
	}
	return nil, nil
}

// apart is the node label that no two instances of a Cluster may share, because the
// operator makes their anti-affinity a required one; empty where it does not.
func apart(cluster *yaml.Node) string {
	affinity, _ := yamledit.MappingAt(cluster, "spec.affinity")
	if yamledit.Scalar(affinity, "podAntiAffinityType") != "required" || yamledit.IsFalse(yamledit.Get(affinity, "enablePodAntiAffinity")) {
		return ""
	}
	return cmp.Or(yamledit.Scalar(affinity, "topologyKey"), "kubernetes.io/hostname")
}

// tellsPodsApart is true for a term or a constraint that has conditions which are not judged here.
func tellsPodsApart(term *yaml.Node) bool {
	for _, key := range []string{"matchLabelKeys", "mismatchLabelKeys"} {
		if list := yamledit.Get(term, key); !yamledit.IsNull(list) && len(list.Content) > 0 {
			return true
		}
	}
	namespaces := yamledit.Get(term, "namespaceSelector")
	return !yamledit.IsNull(namespaces) && len(namespaces.Content) > 0
}

// checkSpread finds a Cluster whose instances must be spread over several regions.
// A constraint with Kubernetes' defaults is not one: it counts only the nodes that a
// Pod may run on by its node affinity, which are those of one region, and is then
// always fulfilled.
func checkSpread(_ *selection, c *candidate) (*message.Message, error) {
	constraints, err := expand.Parts(c.Tree(), expand.PathSpread)
	if err != nil {
		return nil, err
	}
	pods := podsOf(c, c.Pair.Primary)
	for _, constraint := range constraints {
		number := func(key string) int {
			n, _ := strconv.Atoi(yamledit.Scalar(constraint.Node, key))
			return max(n, 1)
		}
		key, selector := yamledit.Scalar(constraint.Node, "topologyKey"), yamledit.Get(constraint.Node, "labelSelector")
		if !slices.Contains(regionLabels(c), key) || yamledit.Scalar(constraint.Node, "whenUnsatisfiable") == "ScheduleAnyway" ||
			instances(c) <= number("maxSkew") || yamledit.IsNull(selector) || !selectsAll(selector, pods) || tellsPodsApart(constraint.Node) {
			continue
		}
		both := c.Pair.Primary.Here && c.Pair.Replica.Here // there are nodes of the other region
		field := ""
		switch {
		case number("minDomains") > 1:
			field = "minDomains"
		case yamledit.Scalar(constraint.Node, "nodeAffinityPolicy") == "Ignore" && both:
			field = "nodeAffinityPolicy"
		default:
			continue
		}
		return message.New(message.RegionSpread, "field", constraint.Path+"."+field, "label", key), nil
	}
	return nil, nil
}
