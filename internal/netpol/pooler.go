package netpol

import (
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/internal/manifest"
	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
)

// twins are the Poolers that have a twin, by name.
type twins map[string][]*manifest.Pooler

func twinsOf(poolers []*manifest.Pooler) twins {
	named := make(twins)
	for _, p := range poolers {
		if p.Twin != "" {
			named[p.Name] = append(named[p.Name], p)
		}
	}
	return named
}

// withTwins returns a copy of the policy's tree in which each selector that asks for the
// Pods of a Pooler by its name, or excludes them, says the same of those of its twin.
func (p *policy) withTwins() (*yaml.Node, error) {
	tree := yamledit.Clone(p.Tree())
	if len(p.twins) == 0 {
		return tree, nil
	}
	specs, err := p.specs(tree)
	if err != nil {
		return tree, err
	}
	for _, spec := range specs {
		if err := checkSelector(spec, p.subjectKey()); err != nil {
			return tree, err
		}
		p.addTwins(p.subject(spec), func(namespace string) bool { return manifest.SameNamespace(p.Namespace, namespace) })
		lists, err := p.peerLists(spec)
		if err != nil {
			return tree, err
		}
		for _, peers := range lists {
			for _, peer := range peers.Content {
				p.addTwins(p.pods(peer), func(namespace string) bool { return p.mayBeIn(peer, namespace) })
			}
		}
	}
	return tree, nil
}

func (p *policy) addTwins(s selector, mayBeIn func(namespace string) bool) {
	add := func(values []*yaml.Node) []*yaml.Node {
		for _, value := range slices.Clone(values) {
			for _, pooler := range p.twins[value.Value] {
				has := slices.ContainsFunc(values, func(v *yaml.Node) bool { return v.Value == pooler.Twin })
				if !has && mayBeIn(pooler.KnownNamespace()) {
					values = append(values, yamledit.String(pooler.Twin))
				}
			}
		}
		return values
	}
	for _, e := range s.matchExpressions() {
		if list := yamledit.Get(e, "values"); list != nil && s.label(yamledit.Scalar(e, "key")) == manifest.LabelPooler {
			list.Content = add(list.Content)
		}
	}
	labels := slices.Clone(s.matchLabels())
	for i := 0; i+1 < len(labels); i += 2 {
		key := labels[i].Value
		values := add(labels[i+1 : i+2 : i+2])
		if s.label(key) != manifest.LabelPooler || len(values) == 1 {
			continue
		}
		yamledit.Remove(yamledit.Get(s.node, "matchLabels"), key) // which takes one value
		if len(s.matchLabels()) == 0 {
			yamledit.Remove(s.node, "matchLabels")
		}
		yamledit.Append(s.node, "matchExpressions", yamledit.Map("key", key, "operator", "In", "values", yamledit.List(values...)))
	}
}
