package netpol

import (
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/internal/manifest"
	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
)

// selected tells whose Pods a spec selects by the label of their Cluster.
type selected int

const (
	none        selected = iota // not those of the Cluster
	primaryOnly                 // those of the Cluster alone
	pairOnly                    // those of the Cluster and of its replica alone
	withOthers                  // those of the Cluster, perhaps of its replica, and of others
)

// subject returns the selector of the Pods that a spec is about.
func (p *policy) subject(spec *yaml.Node) selector {
	return selector{yamledit.Get(spec, p.subjectKey()), p.label}
}

func (p *policy) selects(spec *yaml.Node, c *Cluster) (selected, error) {
	if err := checkSelector(spec, p.subjectKey()); err != nil {
		return none, err
	}
	subject, primary, replica := p.subject(spec), c.Name, c.Pair.Replica.Name
	if !manifest.SameNamespace(p.Namespace, c.Namespace) || !subject.knowsClusters() || !subject.matchesCluster(primary) {
		return none, nil
	}
	for _, r := range subject.requirements(labelCluster) {
		if r.operator != "In" {
			continue
		}
		whose := primaryOnly
		for _, value := range r.values {
			switch {
			case value.Value == primary || !subject.matchesCluster(value.Value):
			case value.Value != replica:
				return withOthers, nil
			default:
				whose = pairOnly
			}
		}
		return whose, nil
	}
	return withOthers, nil
}

// selectsPair returns the pair to which all Pods belong that a spec selects, if
// there is one.
func (p *policy) selectsPair(spec *yaml.Node, pairs []*Cluster) (*Cluster, selected, error) {
	for _, c := range pairs {
		whose, err := p.selects(spec, c)
		if whose == primaryOnly || whose == pairOnly || err != nil {
			return c, whose, err
		}
	}
	return nil, none, nil
}

// peerLists returns the lists of peers of a spec that may have Pods.
func (p *policy) peerLists(spec *yaml.Node) ([]*yaml.Node, error) {
	var lists []*yaml.Node
	for _, d := range []direction{ingress, egress} {
		key := p.peersKey(d)
		for _, section := range p.sections(d) {
			rules, err := itemsAt(spec, section)
			if err != nil {
				return nil, err
			}
			for i, rule := range rules {
				peers, err := itemsAt(rule, key)
				if err != nil {
					return nil, yamledit.InItem(err, section, i)
				}
				for j, peer := range peers {
					if err := p.checkPeer(peer); err != nil {
						return nil, yamledit.InItem(yamledit.InItem(err, key, j), section, i)
					}
				}
				if len(peers) > 0 {
					lists = append(lists, yamledit.Get(rule, key))
				}
			}
		}
	}
	return lists, nil
}

// mayBeCluster tells whether a peer has Pods of Clusters in the namespace of a
// Cluster.
func (p *policy) mayBeCluster(peer *yaml.Node, c *Cluster) bool {
	return p.pods(peer).knowsClusters() && p.mayBeIn(peer, c.Namespace)
}

// addPeers adds the replica of each pair wherever a spec has the Cluster as a peer,
// except to the peers of itself, and excludes it wherever the Cluster is excluded.
func (p *policy) addPeers(spec *yaml.Node, pairs []*Cluster, itself *Cluster) error {
	lists, err := p.peerLists(spec)
	if err != nil {
		return err
	}
	for _, c := range pairs {
		primary, replica := c.Name, c.Pair.Replica.Name
		if manifest.SameNamespace(p.Namespace, c.Namespace) {
			p.subject(spec).excludeReplica(primary, replica)
		}
		for _, peers := range lists {
			for _, peer := range slices.Clone(peers.Content) {
				if !p.mayBeCluster(peer, c) {
					continue
				}
				p.pods(peer).excludeReplica(primary, replica)
				if itself != nil && itself.Name == primary || !p.pods(peer).matchesCluster(primary) {
					continue
				}
				if err := p.addBeside(spec, peers, peer, c); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// addBeside adds to a list of peers the members that a peer has not.
func (p *policy) addBeside(spec, peers, peer *yaml.Node, c *Cluster) error {
	for _, m := range c.Pair.Members() {
		beside, err := p.peerFor(spec, peer, c, m)
		if err != nil {
			return &yamledit.Error{Line: spec.Line, Err: err}
		}
		if beside != nil && !slices.ContainsFunc(peers.Content, func(n *yaml.Node) bool { return yamledit.Equal(n, beside) }) {
			peers.Content = append(peers.Content, beside)
		}
	}
	return nil
}

// allowPair adds to a spec the rules that the pair needs and that it has not yet:
// PostgreSQL from and to both members, and the status from and to its subjects.
func (p *policy) allowPair(spec *yaml.Node, c *Cluster, subjects ...string) error {
	key := p.subject(spec).clusterKey()
	for _, d := range []direction{ingress, egress} {
		isolates, err := p.isolates(spec, d)
		if err != nil {
			return err
		}
		if !isolates {
			continue
		}
		rules, err := itemsAt(spec, string(d))
		if err != nil {
			return err
		}
		for _, m := range c.Pair.Members() {
			ports := []port{portPostgreSQL}
			if slices.Contains(subjects, m.Name) {
				ports = append(ports, portStatus)
			}
			ports = slices.DeleteFunc(ports, func(at port) bool {
				return slices.ContainsFunc(rules, func(rule *yaml.Node) bool { return p.allows(rule, d, c, m, at) })
			})
			if len(ports) == 0 {
				continue
			}
			rule, err := p.newRule(d, key, c, m, ports)
			if err != nil {
				return &yamledit.Error{Line: spec.Line, Err: err}
			}
			yamledit.Append(spec, string(d), rule)
		}
	}
	return nil
}

// namesHere returns the names of the members that run on this side.
func namesHere(c *Cluster) []string {
	var names []string
	for _, m := range c.Pair.Members() {
		if m.Here {
			names = append(names, m.Name)
		}
	}
	return names
}
