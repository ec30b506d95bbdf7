package postrender

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A chart's network policies that know the Cluster X by the label cnpg.io/cluster
// know nothing of X-replica. What they say of X's Pods is made to hold for the
// replica's too, and the halves are let through to each other:
//
//   - A policy that selects the Pods of X alone gets the rules that the pair needs,
//     and a twin, which says of the replica what it says of X. In it X itself, as a
//     peer, becomes the replica itself: an instance reaches those of its own half,
//     and of the other half no more than PostgreSQL.
//   - A policy that selects other Pods besides (In with several values, NotIn,
//     Exists) keeps its rules, which would open those Pods too: its twin selects
//     both halves, and has them.
//   - Where X is named as a peer, X-replica is named beside it; where X is excepted
//     by NotIn, so is X-replica.
//
// Policies add up, so none of this takes away what another policy admits. Policies
// that select by other labels, or every Pod, are left as they are, and so is
// CiliumClusterwideNetworkPolicy, which is of no namespace: what they must admit,
// the chart must say.

const (
	labelCluster = "cnpg.io/cluster" // on every Pod of a Cluster, those of its jobs too

	// The labels by which Cilium tells the namespace and the Kubernetes cluster of
	// a Pod. Endpoint selectors without the first are of the policy's namespace;
	// without the second they are, since Cilium 1.19, of the local cluster, and
	// were of all of them before (policy-default-local-cluster; Cilium's
	// documentation, "Cluster Mesh", "Network Policy").
	labelPodNamespace = "io.kubernetes.pod.namespace"
	labelPodCluster   = "io.cilium.k8s.policy.cluster"

	labelNamespaceName = "kubernetes.io/metadata.name" // on every Namespace
)

// mayHoldPolicy is a cheap filter for network policies that know a Cluster, or
// that hold a name which a twin may need.
func mayHoldPolicy(text []byte) bool {
	if !bytes.Contains(text, []byte("NetworkPolicy")) ||
		!bytes.Contains(text, []byte("cnpg.io")) && !bytes.Contains(text, []byte(replicaSuffix)) {
		return false
	}
	h := readHead(text)
	return !h.sure || h.isList() || isPolicy(h.apiVersion, h.kind)
}

func isPolicy(apiVersion, kind string) bool {
	group, _, _ := strings.Cut(apiVersion, "/")
	return group == "networking.k8s.io" && kind == "NetworkPolicy" || group == "cilium.io" && kind == "CiliumNetworkPolicy"
}

// policy is a network policy of a stream.
type policy struct {
	tree            *yaml.Node
	doc             *document
	namespace, name string
	cilium          bool                // it is a CiliumNetworkPolicy
	selected        map[*candidate]bool // the Clusters whose Pods it selects, once they were asked for
}

func newPolicy(d *document, tree *yaml.Node) *policy {
	metadata := get(tree, "metadata")
	return &policy{
		tree: tree, doc: d, namespace: scalar(metadata, "namespace"), name: scalar(metadata, "name"),
		cilium: scalar(tree, "kind") != "NetworkPolicy",
	}
}

func (p *policy) line() int { return p.doc.streamLine(p.tree.Line) }

func (p *policy) title() string {
	title := scalar(p.tree, "kind")
	if p.name == "" {
		return title
	}
	if p.namespace != "" {
		return title + " " + p.namespace + "/" + p.name
	}
	return title + " " + p.name
}

func (p *policy) fail(err error) *Error {
	e := p.doc.locate(err)
	e.Line, e.Object = max(e.Line, p.line()), p.title()
	var field *fieldError
	if errors.As(err, &field) && field.cure == "" {
		e.Cure = "kubectl explain " + strings.ToLower(scalar(p.tree, "kind")) + ".spec --recursive shows its shape"
	}
	return e
}

// policyChanges adds what becomes of the network policies that concern the pairs.
func (s *stream) policyChanges(cfg Config, changes map[*yaml.Node]change) error {
	var pairs []*candidate
	for _, c := range s.candidates {
		if c.decision.Action == Paired && !c.failed {
			pairs = append(pairs, c)
		}
	}
	var failed []error
	made := make(map[string]*policy) // by kind and name
	for _, p := range s.policies {
		changed, err := p.change(cfg, s, pairs)
		for _, twin := range changed.behind {
			name := scalar(get(twin, "metadata"), "name")
			key := scalar(twin, "kind") + " " + name
			if other := made[key]; other != nil && sameNamespace(other.namespace, p.namespace) {
				err = &fieldError{line: p.tree.Line, err: fmt.Errorf("its twin and that of %s (%s:%d) would both be called %s", other.title(), other.doc.source.Name, other.line(), name), cure: "rename one of the two"}
			}
			made[key] = p
		}
		if err != nil {
			failed = append(failed, p.fail(err))
		} else if len(changed.behind) > 0 || !same(changed.inPlace, p.tree) {
			changes[p.tree] = changed
		}
	}
	return errors.Join(failed...)
}

// change returns the policy as the pairs need it, and its twins.
func (p *policy) change(cfg Config, s *stream, pairs []*candidate) (change, error) {
	c := change{inPlace: clone(p.tree)}
	rules, err := p.rules(c.inPlace)
	if err != nil {
		return c, err
	}
	selected := p.selects(s)
	subjects := slices.DeleteFunc(slices.Clone(pairs), func(pair *candidate) bool { return !selected[pair] })
	for _, rule := range rules {
		if _, err := p.selector(rule, p.subjectKey()); err != nil && len(pairs) > 0 {
			return c, err
		}
		of, hold, err := p.holder(rule, subjects)
		if err != nil {
			return c, err
		}
		var itself *candidate
		if hold == holdsPrimary {
			itself = of
		}
		if err := p.mention(cfg, rule, pairs, itself); err != nil {
			return c, err
		}
		if hold == holdsPrimary || hold == holdsBoth {
			if err := p.admit(cfg, rule, of, hold == holdsBoth, of.name); err != nil {
				return c, err
			}
		}
	}
	seen := make(map[string]bool)
	for _, pair := range subjects {
		if seen[pair.name] {
			continue
		}
		seen[pair.name] = true
		twin, err := p.twin(cfg, s, pair, pairs)
		if err != nil {
			return c, err
		}
		if twin != nil {
			c.behind = append(c.behind, twin)
		}
	}
	return c, nil
}

// isPolicyInTheWay finds what keeps a policy that selects the Cluster's Pods from
// having a twin.
func (c *candidate) isPolicyInTheWay(cfg Config, s *stream) (*verdict, error) {
	for _, p := range s.policies {
		if !p.selects(s)[c] {
			continue
		}
		name := p.twinName(c, s)
		taken := slices.IndexFunc(s.policies, func(other *policy) bool {
			return other.cilium == p.cilium && other.name == name && sameNamespace(other.namespace, p.namespace)
		})
		if p.name != "" && taken < 0 {
			continue
		}
		if twin, err := p.twin(cfg, s, c, []*candidate{c}); twin == nil || err != nil {
			continue // it needs none, or the error is told where the twin is made
		}
		if p.name == "" {
			return cannot("give it a name, from which that of its twin derives", "the %s that selects its Pods (%s:%d) has no metadata.name", p.title(), p.doc.source.Name, p.line()), nil
		}
		other := s.policies[taken]
		return cannot("rename that, or keep this Cluster single with the annotation "+AnnotationExpand+`: "false"`,
			"the name %s, which the twin of %s needs, is taken by %s (%s:%d)", name, p.title(), other.title(), other.doc.source.Name, other.line()), nil
	}
	return nil, nil
}

// twinName is the name of the policy and "-replica", or, where the policy selects
// several Clusters of the stream, and has a twin for each, the name of the policy
// and that of the replica.
func (p *policy) twinName(pair *candidate, s *stream) string {
	for c := range p.selects(s) {
		if c.name != pair.name {
			return policyName(p.name, "-"+pair.replica)
		}
	}
	return policyName(p.name, replicaSuffix)
}

// selects returns the Clusters of the stream of which the policy selects Pods by
// their label. A part of the policy that has another shape selects none.
func (p *policy) selects(s *stream) map[*candidate]bool {
	if p.selected != nil {
		return p.selected
	}
	p.selected = make(map[*candidate]bool)
	rules, err := p.rules(p.tree)
	if err != nil {
		return p.selected
	}
	for _, rule := range rules {
		asked := s.candidates
		for _, r := range p.requirements(get(rule, p.subjectKey()), labelCluster) {
			if r.operator == "In" { // by name, because there may be thousands of either
				asked = nil
				for _, value := range r.values {
					asked = append(asked, s.clusters[value.Value]...)
				}
			}
		}
		for _, c := range asked {
			if hold, err := p.hold(rule, c); err == nil && hold != holdsNone && c.name != "" {
				p.selected[c] = true
			}
		}
	}
	return p.selected
}

// twin returns the policy that says of the replica what the policy says of the
// Cluster, nil where none is needed: on the primary's side there are no such Pods.
func (p *policy) twin(cfg Config, s *stream, pair *candidate, pairs []*candidate) (*yaml.Node, error) {
	t := clone(p.tree)
	rules, err := p.rules(t)
	if err != nil {
		return nil, err
	}
	kept := make(map[*yaml.Node]bool)
	for _, rule := range rules {
		hold, err := p.hold(rule, pair)
		if err != nil {
			return nil, err
		}
		switch hold {
		case holdsPrimary:
			if pair.far(cfg, pair.replica) {
				continue
			}
			if err := p.mention(cfg, rule, pairs, pair); err != nil {
				return nil, err
			}
			if err := p.takeOver(rule, pair); err != nil {
				return nil, err
			}
			if err := p.admit(cfg, rule, pair, false, pair.replica); err != nil {
				return nil, err
			}
			kept[rule] = true
		case holdsOthers:
			subject := get(rule, p.subjectKey())
			governed := p.admitsName(subject, pair.replica) || pair.far(cfg, pair.replica)
			if err := p.mention(cfg, rule, pairs, nil); err != nil {
				return nil, err
			}
			before := clone(rule)
			if err := p.admit(cfg, rule, pair, true, ""); err != nil {
				return nil, err
			}
			if governed && same(before, rule) {
				continue // the policy itself is enough
			}
			p.narrow(subject, slices.DeleteFunc([]string{pair.name, pair.replica}, func(half string) bool { return pair.far(cfg, half) })...)
			kept[rule] = true
		}
	}
	if len(kept) == 0 {
		return nil, nil
	}
	if specs := get(t, "specs"); p.cilium && specs != nil {
		specs.Content = slices.DeleteFunc(specs.Content, func(rule *yaml.Node) bool { return !kept[rule] })
		if len(specs.Content) == 0 {
			remove(t, "specs")
		}
	}
	if spec := get(t, "spec"); spec != nil && !kept[spec] {
		remove(t, "spec")
	}
	if _, err := mappingAt(t, "metadata"); err != nil {
		return nil, err
	}
	set(makeAt(t, "metadata", yaml.MappingNode), "name", str(p.twinName(pair, s)))
	return t, pair.dropLiveFields(t)
}

// far tells whether a half runs in the Kubernetes cluster of the other side.
func (c *candidate) far(cfg Config, half string) bool {
	return cfg.Side == SidePrimary && half == c.replica || cfg.Side == SideReplica && half == c.name
}

// rules returns the parts of a policy that select Pods: its spec, and with Cilium
// its specs. One with a nodeSelector selects none.
func (p *policy) rules(tree *yaml.Node) ([]*yaml.Node, error) {
	spec, err := mappingAt(tree, "spec")
	if err != nil {
		return nil, err
	}
	var rules []*yaml.Node
	if spec != nil {
		rules = append(rules, spec)
	}
	if p.cilium {
		specs, err := mappingsAt(tree, "specs")
		if err != nil {
			return nil, err
		}
		rules = append(rules, specs...)
	}
	return rules, nil
}

func (p *policy) subjectKey() string {
	if p.cilium {
		return "endpointSelector"
	}
	return "podSelector"
}

// hold is which Pods of a pair a rule selects by the label of their Cluster.
type hold int

const (
	holdsNone    hold = iota
	holdsPrimary      // those of X alone
	holdsBoth         // those of X and X-replica alone
	holdsOthers       // those of X, and perhaps of X-replica, and others
)

func (p *policy) hold(rule *yaml.Node, pair *candidate) (hold, error) {
	subject, err := p.selector(rule, p.subjectKey())
	if err != nil || !sameNamespace(p.namespace, pair.namespace) || !p.names(subject) || !p.admitsName(subject, pair.name) {
		return holdsNone, err
	}
	for _, r := range p.requirements(subject, labelCluster) {
		if r.operator != "In" {
			continue
		}
		others, replica := false, false
		for _, value := range r.values {
			switch {
			case value.Value == pair.replica:
				replica = p.admitsName(subject, value.Value)
			case value.Value != pair.name:
				others = others || p.admitsName(subject, value.Value)
			}
		}
		switch {
		case others:
			return holdsOthers, nil
		case replica:
			return holdsBoth, nil
		}
		return holdsPrimary, nil
	}
	return holdsOthers, nil
}

// holder returns the pair to which all Pods belong that a rule selects, if there is
// one.
func (p *policy) holder(rule *yaml.Node, pairs []*candidate) (*candidate, hold, error) {
	for _, pair := range pairs {
		hold, err := p.hold(rule, pair)
		if hold == holdsPrimary || hold == holdsBoth || err != nil {
			return pair, hold, err
		}
	}
	return nil, holdsNone, nil
}
