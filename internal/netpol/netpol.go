// Package netpol changes the network policies of a chart as the pairs need it. A
// chart knows only the Cluster X. Its policies that select X's Pods, or allow them
// as peers, by the label cnpg.io/cluster say nothing of X-replica.
//
// Goals: the Pods of the replica are isolated as those of the primary are, whoever
// may connect to one may connect to the other, and the members reach each other.
//
//   - A policy that selects the Pods of X alone gets the rules that the pair needs
//     and a copy for the replica, which selects the Pods of X-replica. Where X allows
//     itself as a peer, the replica's copy allows the replica itself. An instance thus
//     reaches the instances of its own member on every port on which the chart allows
//     that, but those of the other member on PostgreSQL's port only.
//   - A policy that selects other Pods as well (by In with several names, NotIn or
//     Exists) gets no such rules, because they would open the other Pods too. Its copy
//     selects the two members, and has the rules.
//   - Where X is allowed as a peer, X-replica is added as a peer beside it. Where
//     X is excluded by NotIn, X-replica is excluded too.
//   - Where the Pods of a Pooler are selected, allowed or excluded by its name, those of its
//     twin are too.
//
// Non-goals: to take away what a policy allows (policies add up, so that nothing
// here could), and the policies that select by other labels, or every Pod. They stay
// as they are, apart from their peers: the chart must say what they allow.
// CiliumClusterwideNetworkPolicy, which is in no namespace, is not read at all.
//
// What Kubernetes and Cilium write differently is in two dialects; everything else
// is the same for both.
package netpol

import (
	"maps"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/internal/manifest"
	"github.com/openova-io/helm-cnpg-pair/internal/message"
	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
)

// Cluster is a Cluster of the stream.
type Cluster = manifest.Cluster

// Policies are the network policies of a stream.
type Policies struct {
	all       []*policy // in the order of the stream
	named     map[kindAndName][]*policy
	selecting map[*Cluster][]*policy // those that select Pods of a Cluster
	tooLarge  *policy                // the first of those that select too many Clusters together
}

type kindAndName struct{ kind, name string }

type policy struct {
	*manifest.Object
	dialect
	clusters map[*Cluster]bool // the Clusters whose Pods it selects by their label
	twins    twins
}

// Read finds the network policies among the objects of a stream, and the Clusters
// whose Pods they select. A spec whose shape is wrong selects none.
func Read(objects []*manifest.Object, clusters []*Cluster) *Policies {
	s := &Policies{named: make(map[kindAndName][]*policy), selecting: make(map[*Cluster][]*policy)}
	byName := make(map[string][]*Cluster)
	for _, c := range clusters {
		byName[c.Name] = append(byName[c.Name], c)
	}
	found := 0
	for _, o := range objects {
		if !o.IsPolicy() {
			continue
		}
		p := &policy{Object: o, dialect: dialectOf(o)}
		if s.tooLarge == nil {
			p.clusters = p.findClusters(clusters, byName)
			if found += len(p.clusters); found > mostPeers {
				s.tooLarge = p
			}
		}
		s.all = append(s.all, p)
		key := kindAndName{p.Kind, p.Name}
		s.named[key] = append(s.named[key], p)
		for c := range p.clusters {
			s.selecting[c] = append(s.selecting[c], p)
		}
	}
	return s
}

func (p *policy) findClusters(all []*Cluster, byName map[string][]*Cluster) map[*Cluster]bool {
	found := make(map[*Cluster]bool)
	specs, err := p.specs(p.Tree())
	if err != nil {
		return found
	}
	for _, spec := range specs {
		candidates := all
		for _, r := range p.subject(spec).requirements(labelCluster) {
			if r.operator == "In" { // by name, because there may be thousands of either
				candidates = nil
				for _, value := range r.values {
					candidates = append(candidates, byName[value.Value]...)
				}
			}
		}
		for _, c := range candidates {
			if whose, err := p.selects(spec, c); err == nil && whose != none && c.Name != "" {
				found[c] = true
			}
		}
	}
	return found
}

// Conflict returns why a policy that selects the Cluster's Pods cannot be copied for
// the replica, nil if all can.
func (s *Policies) Conflict(c *Cluster) *message.Message {
	for _, p := range s.selecting[c] {
		name := p.copyName(c)
		others := s.named[kindAndName{p.Kind, name}]
		taken := slices.IndexFunc(others, func(other *policy) bool { return manifest.SameNamespace(other.Namespace, p.Namespace) })
		if p.Name != "" && taken < 0 {
			continue
		}
		if tree, err := p.copyFor(c, []*Cluster{c}); tree == nil || err != nil {
			continue // it needs none, or Changes returns the error
		}
		if p.Name == "" {
			return message.New(message.PolicyWithoutName, "policy", p.Title(), "at", p.At())
		}
		return message.New(message.PolicyNameTaken, "name", name, "policy", p.Title(), "by", titleAt(others[taken]))
	}
	return nil
}

// Changes works out the changes of the policies that concern pairs, one after the
// other: together they may be very large.
type Changes struct {
	pairs  []*Cluster
	byName map[string][]int        // the positions of the pairs
	copied map[kindAndName]*policy // by the name of the copy
	of     map[*manifest.Object]*policy
	budget int
}

// mostPeers is how many times the policies of a stream may name a pair. A policy that
// selects every Cluster has a copy for each, and each copy may name each.
const mostPeers = 50_000

func tooLarge(clusters int) error {
	return message.New(message.PolicyTooLarge, "clusters", strconv.Itoa(clusters))
}

// TooLarge returns the policy by which they select too many Clusters, if one does: no
// other question need be asked then.
func (s *Policies) TooLarge() []manifest.Problem {
	if s.tooLarge == nil {
		return nil
	}
	return []manifest.Problem{{Object: s.tooLarge.Object, Err: tooLarge(len(s.tooLarge.clusters))}}
}

// For returns the changes for pairs, which are some of the Clusters that [Read] got, and
// for their Poolers.
func (s *Policies) For(pairs []*Cluster, poolers []*manifest.Pooler) *Changes {
	twins := twinsOf(poolers)
	c := &Changes{
		pairs: pairs, byName: make(map[string][]int), copied: make(map[kindAndName]*policy),
		of: make(map[*manifest.Object]*policy, len(s.all)), budget: mostPeers,
	}
	for i, pair := range pairs {
		c.byName[pair.Name] = append(c.byName[pair.Name], i)
	}
	for _, p := range s.all {
		c.of[p.Object] = p
		p.twins = twins
	}
	return c
}

// Of returns what becomes of an object, and false where nothing does. It must be
// asked for each object of the stream in turn. Its error, for a policy that cannot be
// changed, is a [*yamledit.Error] or a [*message.Message].
func (c *Changes) Of(o *manifest.Object) (change yamledit.Change, changes bool, err error) {
	p := c.of[o]
	if p == nil || len(c.pairs) == 0 {
		return change, false, nil
	}
	pairs := p.concerned(c.pairs, c.byName)
	subjects := slices.DeleteFunc(slices.Clone(pairs), func(c *Cluster) bool { return !p.clusters[c] })
	if c.budget -= (1 + len(subjects)) * len(pairs); c.budget < 0 {
		c.pairs = nil // the stream fails; it would take long to find the same of all others
		return change, false, tooLarge(len(pairs))
	}
	change, err = p.change(pairs, subjects)
	for _, added := range change.Added {
		key := kindAndName{p.Kind, yamledit.Scalar(yamledit.Get(added.Tree, "metadata"), "name")}
		if other := c.copied[key]; other != nil && manifest.SameNamespace(other.Namespace, p.Namespace) {
			err = message.New(message.PolicyNamesMatch, "other", titleAt(other), "name", key.name)
		}
		c.copied[key] = p
	}
	return change, err == nil && (len(change.Added) > 0 || !yamledit.Equal(change.InPlace, p.Tree())), err
}

// concerned returns the pairs that may be subjects or peers of the policy, for it
// would take too long to ask about every pair in every policy. byName has the
// positions of the pairs.
func (p *policy) concerned(pairs []*Cluster, byName map[string][]int) []*Cluster {
	names, ok := p.names()
	if !ok {
		return pairs
	}
	found := make(map[int]bool)
	for len(names) > 0 {
		name := names[0]
		names = names[1:]
		for _, i := range byName[name] {
			if !found[i] {
				found[i] = true
				names = append(names, pairs[i].Pair.Replica.Name) // it becomes a peer
			}
		}
	}
	var concerned []*Cluster
	for _, i := range slices.Sorted(maps.Keys(found)) {
		concerned = append(concerned, pairs[i])
	}
	return concerned
}

// names returns the Clusters that the policy asks for or excludes by name. It
// returns false where it asks for others too, or where its shape is wrong.
func (p *policy) names() (names []string, ok bool) {
	specs, err := p.specs(p.Tree())
	if err != nil {
		return nil, false
	}
	for _, spec := range specs {
		lists, err := p.peerLists(spec)
		if err != nil || checkSelector(spec, p.subjectKey()) != nil {
			return nil, false
		}
		selectors := []selector{p.subject(spec)}
		for _, peers := range lists {
			for _, peer := range peers.Content {
				selectors = append(selectors, p.pods(peer))
			}
		}
		for _, s := range selectors {
			byName := !s.knowsClusters()
			for _, r := range s.requirements(labelCluster) {
				byName = byName || r.operator == "In"
				for _, value := range r.values {
					names = append(names, value.Value)
				}
			}
			if !byName {
				return nil, false
			}
		}
	}
	return names, true
}

func titleAt(p *policy) string { return p.Title() + " (" + p.At() + ")" }

// change returns the policy as the pairs need it, and its copies for their replicas.
func (p *policy) change(pairs, subjects []*Cluster) (yamledit.Change, error) {
	tree, err := p.withTwins()
	if err != nil {
		return yamledit.Change{}, err
	}
	change := yamledit.Change{InPlace: tree}
	specs, err := p.specs(change.InPlace)
	if err != nil {
		return change, err
	}
	for _, spec := range specs {
		if err := p.changeSpec(spec, subjects, pairs); err != nil {
			return change, err
		}
	}
	seen := make(map[string]bool)
	for _, c := range subjects {
		if seen[c.Name] {
			continue
		}
		seen[c.Name] = true
		tree, err := p.copyFor(c, pairs)
		if err != nil {
			return change, err
		}
		if tree != nil {
			change.Added = append(change.Added, yamledit.Added{Tree: tree, Copy: true})
		}
	}
	return change, nil
}

func (p *policy) changeSpec(spec *yaml.Node, subjects, pairs []*Cluster) error {
	if len(pairs) > 0 {
		if err := checkSelector(spec, p.subjectKey()); err != nil {
			return err
		}
	}
	of, whose, err := p.selectsPair(spec, subjects)
	if err != nil {
		return err
	}
	var itself *Cluster
	if whose == primaryOnly {
		itself = of
	}
	if err := p.addPeers(spec, pairs, itself); err != nil {
		return err
	}
	switch {
	case whose == primaryOnly && of.Pair.Primary.Here:
		return p.allowPair(spec, of, of.Name)
	case whose == pairOnly:
		return p.allowPair(spec, of, append(namesHere(of), of.Name)...)
	}
	return nil
}
