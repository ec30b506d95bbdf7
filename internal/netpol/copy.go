package netpol

import (
	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/internal/manifest"
	"github.com/openova-io/helm-cnpg-pair/internal/topology"
	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
)

// copyName is the name of the policy and "-replica", or, where the policy selects
// several Clusters of the stream, and has a copy for each, the name of the policy
// and that of the replica.
func (p *policy) copyName(c *Cluster) string {
	for other := range p.clusters {
		if other.Name != c.Name {
			return topology.PolicyName(p.Name, "-"+c.Pair.Replica.Name)
		}
	}
	return topology.PolicyName(p.Name, topology.ReplicaSuffix)
}

// copyFor returns the policy that says of the replica what this one says of the
// Cluster, nil where none is needed: the replica may run on the other side, or this
// policy may be enough for it.
func (p *policy) copyFor(c *Cluster, pairs []*Cluster) (*yaml.Node, error) {
	tree, err := p.withTwins()
	if err != nil {
		return nil, err
	}
	specs, err := p.specs(tree)
	if err != nil {
		return nil, err
	}
	kept := make(map[*yaml.Node]bool)
	for _, spec := range specs {
		whose, err := p.selects(spec, c)
		if err != nil {
			return nil, err
		}
		needed := false
		switch {
		case whose == primaryOnly && c.Pair.Replica.Here:
			needed, err = true, p.makeReplicas(spec, c, pairs)
		case whose == withOthers:
			needed, err = p.makePairs(spec, c, pairs)
		}
		if err != nil {
			return nil, err
		}
		if needed {
			kept[spec] = true
		}
	}
	if len(kept) == 0 {
		return nil, nil
	}
	p.keepSpecs(tree, kept)
	if _, err := yamledit.MappingAt(tree, "metadata"); err != nil {
		return nil, err
	}
	yamledit.Set(yamledit.MakeMapping(tree, "metadata"), "name", yamledit.String(p.copyName(c)))
	return tree, manifest.DropLiveFields(tree)
}

// makeReplicas makes a spec that selects the primary one that selects the replica.
func (p *policy) makeReplicas(spec *yaml.Node, c *Cluster, pairs []*Cluster) error {
	if err := p.addPeers(spec, pairs, c); err != nil {
		return err
	}
	primary, replica := c.Pair.Primary, c.Pair.Replica
	p.subject(spec).selectOnly(replica.Name)
	p.subject(spec).move(primary, replica)
	lists, err := p.peerLists(spec)
	if err != nil {
		return err
	}
	for _, peers := range lists {
		for _, peer := range peers.Content {
			if p.mayBeCluster(peer, c) {
				p.pods(peer).replace(primary, replica)
			}
		}
	}
	return p.allowPair(spec, c, replica.Name)
}

// makePairs makes a spec that selects other Pods as well one that selects the
// members that run here. It returns false where the copy does not need it, because
// the policy selects the replica too and allows the pair everything already.
func (p *policy) makePairs(spec *yaml.Node, c *Cluster, pairs []*Cluster) (needed bool, err error) {
	subject := p.subject(spec)
	isolated := subject.matchesCluster(c.Pair.Replica.Name) || !c.Pair.Replica.Here
	if err := p.addPeers(spec, pairs, nil); err != nil {
		return false, err
	}
	before := yamledit.Clone(spec)
	if err := p.allowPair(spec, c, namesHere(c)...); err != nil {
		return false, err
	}
	if isolated && yamledit.Equal(before, spec) {
		return false, nil
	}
	subject.selectOnly(namesHere(c)...)
	return true, nil
}
