package postrender

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
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

// What the instances of a Cluster ask of each other, and the names that the ports
// have in their Pods.
const (
	portPostgreSQL, namePostgreSQL = 5432, "postgresql"
	portStatus, nameStatus         = 8000, "status"
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

// directions are the two sections of a rule, and what its parts are called.
var directions = [2]struct{ section, peers, endpoints string }{
	{"ingress", "from", "fromEndpoints"},
	{"egress", "to", "toEndpoints"},
}

// traffic returns the items of a section of a rule. An item that is null is one
// without fields.
func traffic(rule *yaml.Node, section string) ([]*yaml.Node, error) {
	n, err := ofKind(rule, section, yaml.SequenceNode, "a sequence")
	if n == nil {
		return nil, err
	}
	for i, item := range n.Content {
		if item.Kind != yaml.MappingNode && !isNull(item) {
			return nil, &fieldError{path: fmt.Sprintf("%s[%d]", section, i), line: item.Line, err: errors.New("expected a mapping")}
		}
	}
	return n.Content, nil
}

// peerLists returns the lists of peers of a rule that may name Pods.
func (p *policy) peerLists(rule *yaml.Node) ([]*yaml.Node, error) {
	var lists []*yaml.Node
	for _, d := range directions {
		sections, key := []string{d.section}, d.peers
		if p.cilium {
			sections, key = append(sections, d.section+"Deny"), d.endpoints
		}
		for _, section := range sections {
			items, err := traffic(rule, section)
			if err != nil {
				return nil, err
			}
			for i, item := range items {
				peers, err := traffic(item, key)
				if err != nil {
					return nil, inField(err, fmt.Sprintf("%s[%d]", section, i))
				}
				for j, peer := range peers {
					if p.cilium {
						err = p.check(peer)
					} else if _, err = p.selector(peer, "podSelector"); err == nil {
						_, err = p.selector(peer, "namespaceSelector")
					}
					if err != nil {
						return nil, inField(err, fmt.Sprintf("%s[%d].%s[%d]", section, i, key, j))
					}
				}
				if len(peers) > 0 {
					lists = append(lists, get(item, key))
				}
			}
		}
	}
	return lists, nil
}

// pods returns the selector of a peer's Pods.
func (p *policy) pods(peer *yaml.Node) *yaml.Node {
	if p.cilium {
		return peer
	}
	return get(peer, "podSelector")
}

// isPeer tells whether a peer asks for the label of Clusters in the namespace of
// the pair.
func (p *policy) isPeer(peer *yaml.Node, pair *candidate) bool {
	if !p.names(p.pods(peer)) {
		return false
	}
	namespaces, label := get(peer, "namespaceSelector"), labelNamespaceName
	if p.cilium {
		namespaces, label = peer, labelPodNamespace
	}
	if isNull(namespaces) || p.cilium && len(p.requirements(peer, label)) == 0 {
		return sameNamespace(p.namespace, pair.namespace)
	}
	return pair.namespace == "" || p.admitsValue(namespaces, label, pair.namespace)
}

// mention names the replica of each pair wherever a rule names the Cluster, but
// for one that is the rule's own subject.
func (p *policy) mention(cfg Config, rule *yaml.Node, pairs []*candidate, itself *candidate) error {
	lists, err := p.peerLists(rule)
	if err != nil {
		return err
	}
	for _, pair := range pairs {
		if sameNamespace(p.namespace, pair.namespace) {
			p.except(get(rule, p.subjectKey()), pair)
		}
		for _, peers := range lists {
			for _, peer := range slices.Clone(peers.Content) {
				if !p.isPeer(peer, pair) {
					continue
				}
				p.except(p.pods(peer), pair)
				if itself != nil && itself.name == pair.name || !p.admitsName(p.pods(peer), pair.name) {
					continue
				}
				if err := p.mentionBeside(cfg, rule, peers, peer, pair); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// mentionBeside adds to a list of peers, beside one that names the Cluster, the
// half that is not among its Pods. For Cilium a half of the other side is in
// another Kubernetes cluster.
func (p *policy) mentionBeside(cfg Config, rule, peers, peer *yaml.Node, pair *candidate) error {
	for _, half := range []string{pair.name, pair.replica} {
		far := p.cilium && pair.far(cfg, half) && len(p.requirements(peer, labelPodCluster)) == 0
		if far && len(cfg.PeerClusters) == 0 {
			if subject := get(rule, p.subjectKey()); subject != nil && p.asksOnly(subject) {
				return p.noPeerClusters(cfg, rule, pair, half) // it selects every Pod, the halves' too
			}
			far = false
		}
		if p.admitsName(p.pods(peer), half) && !far {
			continue
		}
		beside := clone(peer)
		p.narrow(p.pods(beside), half)
		if far {
			p.inPeerClusters(cfg, beside)
		}
		if !slices.ContainsFunc(peers.Content, func(n *yaml.Node) bool { return same(n, beside) }) {
			peers.Content = append(peers.Content, beside)
		}
	}
	return nil
}

// except excepts the replica where the Cluster is excepted.
func (p *policy) except(selector *yaml.Node, pair *candidate) {
	expressions := get(selector, "matchExpressions")
	if isNull(expressions) {
		return
	}
	for _, e := range expressions.Content {
		names := get(e, "values")
		if !p.isKey(scalar(e, "key"), labelCluster) || scalar(e, "operator") != "NotIn" || names == nil {
			continue
		}
		r := requirement{"In", names.Content}
		if r.admits(pair.name) && !r.admits(pair.replica) {
			names.Content = append(names.Content, str(pair.replica))
		}
	}
}

// takeOver makes a rule whose subject is the Cluster one whose subject is the
// replica, as a peer too.
func (p *policy) takeOver(rule *yaml.Node, pair *candidate) error {
	p.narrow(get(rule, p.subjectKey()), pair.replica)
	lists, err := p.peerLists(rule)
	for _, peers := range lists {
		for _, peer := range peers.Content {
			if !p.isPeer(peer, pair) {
				continue
			}
			for _, r := range p.requirements(p.pods(peer), labelCluster) {
				if r.operator != "In" || r.admits(pair.replica) {
					continue
				}
				for i, value := range r.values {
					if value.Value == pair.name {
						r.values[i] = str(pair.replica) // of the tree's own list
					}
				}
			}
		}
	}
	return err
}

// inPeerClusters makes an endpoint selector one of the other side's clusters. The
// namespace may be called otherwise there.
func (p *policy) inPeerClusters(cfg Config, selector *yaml.Node) {
	expressions := makeAt(selector, "matchExpressions", yaml.SequenceNode)
	if len(p.requirements(selector, labelPodNamespace)) == 0 {
		expressions.Content = append(expressions.Content, dict("key", "k8s:"+labelPodNamespace, "operator", "Exists"))
	}
	var names []*yaml.Node
	for _, name := range cfg.PeerClusters {
		names = append(names, str(name))
	}
	expressions.Content = append(expressions.Content, dict("key", "k8s:"+labelPodCluster, "operator", "In", "values", list(names...)))
}

func (p *policy) noPeerClusters(cfg Config, rule *yaml.Node, pair *candidate, half string) error {
	return &fieldError{
		line: rule.Line,
		err:  fmt.Errorf("it selects the Pods of %s and would cut the pair: with --side %s, %s runs in another Kubernetes cluster, whose name is not given", pair.title(), cfg.Side, half),
		cure: "name the clusters of the other side as ClusterMesh does: --peer-clusters A,B (" + EnvPeerClusters + ")",
	}
}

// admit adds to a rule what the pair needs and the rule does not admit yet: from
// and to the rule's own half PostgreSQL and the status, from and to the other half
// PostgreSQL. Where both halves are its subject, both are its own, as far as they
// run on this side.
func (p *policy) admit(cfg Config, rule *yaml.Node, pair *candidate, both bool, own string) error {
	if !both && pair.far(cfg, own) {
		return nil // no Pod here is selected
	}
	key := labelCluster
	for _, spelt := range keys(get(rule, p.subjectKey())) {
		if p.isKey(spelt, labelCluster) {
			key = spelt
		}
	}
	for i, d := range directions {
		governed, err := p.governs(rule, i)
		if err != nil {
			return err
		}
		if !governed {
			continue
		}
		items, err := traffic(rule, d.section)
		if err != nil {
			return err
		}
		for _, half := range []string{pair.name, pair.replica} {
			far := p.cilium && pair.far(cfg, half)
			ports := []int{portPostgreSQL}
			if half == own || both && !pair.far(cfg, half) {
				ports = append(ports, portStatus)
			}
			ports = slices.DeleteFunc(ports, func(port int) bool {
				return slices.ContainsFunc(items, func(item *yaml.Node) bool { return p.admitsHalf(cfg, item, i, half, far, port) })
			})
			if len(ports) == 0 {
				continue
			}
			if far && len(cfg.PeerClusters) == 0 {
				return p.noPeerClusters(cfg, rule, pair, half)
			}
			section := makeAt(rule, d.section, yaml.SequenceNode)
			section.Content = append(section.Content, p.item(cfg, i, key, half, far, ports))
		}
	}
	return nil
}

// item makes an item of a section that admits a half on some ports.
func (p *policy) item(cfg Config, direction int, key, half string, far bool, ports []int) *yaml.Node {
	d := directions[direction]
	selector, numbers := dict("matchLabels", dict(key, half)), list()
	if !p.cilium {
		for _, port := range ports {
			number := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.Itoa(port)}
			numbers.Content = append(numbers.Content, dict("port", number, "protocol", "TCP"))
		}
		return dict(d.peers, list(dict("podSelector", selector)), "ports", numbers)
	}
	if far {
		p.inPeerClusters(cfg, selector)
	}
	for _, port := range ports {
		numbers.Content = append(numbers.Content, dict("port", strconv.Itoa(port), "protocol", "TCP"))
	}
	return dict(d.endpoints, list(selector), "toPorts", list(dict("ports", numbers)))
}

// governs tells whether a rule denies what it does not admit in a direction.
func (p *policy) governs(rule *yaml.Node, direction int) (bool, error) {
	section := directions[direction].section
	items, err := traffic(rule, section)
	if err != nil {
		return false, err
	}
	if p.cilium {
		deny, err := at(rule, "enableDefaultDeny."+section)
		if err != nil {
			return false, err
		}
		if deny != nil {
			return isTrue(deny), nil
		}
		denied, err := traffic(rule, section+"Deny")
		return len(items) > 0 || len(denied) > 0, err
	}
	types, err := ofKind(rule, "policyTypes", yaml.SequenceNode, "a sequence")
	if types == nil || len(types.Content) == 0 { // Kubernetes' default
		return section == "ingress" || len(items) > 0, err
	}
	return slices.ContainsFunc(types.Content, func(n *yaml.Node) bool { return strings.EqualFold(n.Value, section) }), nil
}

// admitsHalf tells whether an item of a section surely admits every Pod of a half
// on a port. What it cannot judge it takes for a no: a rule too many does no harm.
func (p *policy) admitsHalf(cfg Config, item *yaml.Node, direction int, half string, far bool, port int) bool {
	d := directions[direction]
	if !p.cilium {
		peers, ports := get(item, d.peers), get(item, "ports")
		return (isNull(peers) || len(peers.Content) == 0 || slices.ContainsFunc(peers.Content, func(peer *yaml.Node) bool {
			return get(peer, "ipBlock") == nil && isNull(get(peer, "namespaceSelector")) && !isNull(get(peer, "podSelector")) &&
				p.asksOnly(get(peer, "podSelector"), labelCluster) && p.admitsName(get(peer, "podSelector"), half)
		})) && admitsPort(ports, port)
	}
	if isNull(item) {
		return false
	}
	anyone, admitted := true, false
	for i := 0; i+1 < len(item.Content); i += 2 {
		value := item.Content[i+1]
		switch key := item.Content[i].Value; {
		case isNull(value), key == "toPorts", key == "authentication":
		case key == d.endpoints:
			anyone = false
			admitted = admitted || slices.ContainsFunc(value.Content, func(peer *yaml.Node) bool { return p.admitsEndpoint(cfg, peer, half, far) })
		case strings.HasSuffix(key, "Entities") && value.Kind == yaml.SequenceNode:
			anyone = false
			admitted = admitted || slices.ContainsFunc(value.Content, func(n *yaml.Node) bool {
				return n.Value == "all" || n.Value == "cluster-mesh" || n.Value == "cluster" && !far
			})
		default:
			return false
		}
	}
	rules := get(item, "toPorts")
	if isNull(rules) || len(rules.Content) == 0 {
		return admitted && !anyone // an item without any field admits nobody
	}
	return (admitted || anyone) && slices.ContainsFunc(rules.Content, func(rule *yaml.Node) bool {
		return rule.Kind == yaml.MappingNode && len(rule.Content) == 2 && !isNull(get(rule, "ports")) && admitsPort(get(rule, "ports"), port)
	})
}

// admitsEndpoint tells whether an endpoint selector surely admits every Pod of a
// half.
func (p *policy) admitsEndpoint(cfg Config, selector *yaml.Node, half string, far bool) bool {
	if !p.asksOnly(selector, labelCluster, labelPodNamespace, labelPodCluster) || !p.admitsName(selector, half) {
		return false
	}
	for _, r := range p.requirements(selector, labelPodNamespace) {
		if r.operator != "Exists" && (p.namespace == "" || !r.admits(p.namespace)) {
			return false
		}
	}
	clusters := p.requirements(selector, labelPodCluster)
	for _, r := range clusters {
		named := far && len(cfg.PeerClusters) > 0 && !slices.ContainsFunc(cfg.PeerClusters, func(name string) bool { return !r.admits(name) })
		if r.operator != "Exists" && !named {
			return false
		}
	}
	return !far || len(clusters) > 0
}

// admitsPort tells whether a list of ports holds a TCP port, by number, by name or
// in a range.
func admitsPort(ports *yaml.Node, port int) bool {
	if isNull(ports) || len(ports.Content) == 0 {
		return true
	}
	return slices.ContainsFunc(ports.Content, func(n *yaml.Node) bool {
		switch scalar(n, "protocol") {
		case "", "TCP", "ANY", "null":
		default:
			return false
		}
		if isNull(get(n, "port")) {
			return true
		}
		first, err := strconv.Atoi(scalar(n, "port"))
		if err != nil {
			name := scalar(n, "port")
			return name == namePostgreSQL && port == portPostgreSQL || name == nameStatus && port == portStatus
		}
		last, err := strconv.Atoi(scalar(n, "endPort"))
		return port == first || err == nil && first <= port && port <= last
	})
}
