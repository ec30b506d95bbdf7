// Package topology works out, once, what the settings mean for a pair: its
// members and for each its name, region, source and role, whether it is fenced,
// which standby its commits must reach, through which Services the members find
// each other, and what is rendered on this side.
//
// Goals: everything else reads a [Pair] and never reads the settings, so that
// another shape of pair is a change in this package alone. Non-goals: the fields
// of a Cluster, which package expand writes, and anything that depends on the rest
// of the stream.
package topology

import "github.com/openova-io/helm-cnpg-pair/internal/message"

// Topology is what the settings ask for, whatever the Clusters are called.
type Topology struct {
	// Enabled tells whether Clusters become pairs. Where they do not, although hot
	// standby, a side or another active member asks for it, Degraded says why.
	Enabled  bool
	Degraded *message.Message

	// MustPair is true where a Cluster that cannot be paired is an error.
	MustPair bool

	settings Settings
}

// New checks the settings. Its errors are those of [Settings.Validate], and why
// hot standby is not valid where the single Cluster must not be rendered instead:
// in strict mode, and when the primary is not active, because the single Cluster
// would then be a second writable one, with old data.
func New(s Settings) (Topology, error) {
	if err := s.Validate(); err != nil {
		return Topology{}, err
	}
	s = s.normal()
	t := Topology{settings: s, MustPair: s.Strict || s.Active != ActivePrimary, Degraded: s.checkHotStandby()}
	t.Enabled = s.EnableHotStandby && t.Degraded == nil
	if t.Degraded != nil && t.MustPair {
		return t, t.Degraded
	}
	return t, nil
}

// Step is where a pair is on the way from one active member to the other.
type Step string

const (
	AtRest         Step = "at-rest"         // the primary takes writes
	DemotePrimary  Step = "demote-primary"  // nobody does: the primary is stopped, to become a standby
	PromoteReplica Step = "promote-replica" // the replica takes writes; the primary is stopped
	Rejoin         Step = "rejoin"          // the replica takes writes, and the primary follows it
	DemoteReplica  Step = "demote-replica"  // nobody does: the replica is stopped, on the way back
)

func (s Settings) step() Step {
	switch {
	case s.Active == ActiveNone && s.Rejoin:
		return DemoteReplica
	case s.Active == ActiveNone:
		return DemotePrimary
	case s.Active == ActiveReplica && s.Rejoin:
		return Rejoin
	case s.Active == ActiveReplica:
		return PromoteReplica
	}
	return AtRest
}

// Role is the place of a member in its pair. It stays the same whoever is active.
type Role string

const (
	Primary Role = "primary" // the chart's own Cluster
	Replica Role = "replica"
)

// Source is what a member follows.
type Source struct {
	Cluster string // the name of the other member
	Host    string // the Service through which it is reached
}

// Member is one Cluster of a pair.
type Member struct {
	Role   Role
	Name   string
	Region string
	Pinned bool // its Pods are bound to the nodes of its region
	Here   bool // it is rendered on this side; the other member is in the other Kubernetes cluster

	Writes bool   // it takes writes
	Fenced bool   // all its instances are stopped
	Source Source // what it follows, or, while it writes, what it was promoted from; empty for a primary at rest

	Mesh       string // the ClusterMesh-global Service through which the other member reaches it
	ServesMesh bool   // the Service is rendered

	Standby string // with synchronous replication, the Cluster that each of its commits must reach
	Keep    bool   // Helm must not delete it, because it may hold the only current data
}

// Follows tells whether the member is a replica Cluster.
func (m Member) Follows() bool { return m.Source.Cluster != "" && !m.Writes }

// Pair is a Cluster's pair.
type Pair struct {
	Primary, Replica Member

	Step         Step
	Side         string   // which members are rendered here: one of the Side words
	RegionKey    string   // the node label that says in which region a node runs
	PeerClusters []string // the names of the Kubernetes clusters of the other side
	Synchronous  bool
}

// Pair returns the pair of the Cluster called name. pinPrimary is false where its
// owner spares the primary's Pods the restart that a new node affinity costs.
func (t Topology) Pair(name string, pinPrimary bool) Pair {
	s := t.settings
	step := s.step()
	replica := ReplicaName(name)
	p := Pair{
		Primary: Member{
			Role: Primary, Name: name, Region: s.PrimaryRegion, Pinned: pinPrimary, Here: s.Side != SideReplica,
			Writes: step == AtRest, Fenced: step == DemotePrimary || step == PromoteReplica,
			Mesh: MeshName(name), ServesMesh: true,
		},
		Replica: Member{
			Role: Replica, Name: replica, Region: s.ReplicaRegion, Pinned: true, Here: s.Side != SidePrimary,
			Writes: step == PromoteReplica || step == Rejoin, Fenced: step == DemoteReplica,
			Source: Source{name, MeshName(name)},
			Mesh:   MeshName(replica), ServesMesh: step != AtRest,
			Keep: step == PromoteReplica || step == Rejoin || step == DemoteReplica,
		},
		Step: step, Side: s.Side, RegionKey: s.RegionKey, PeerClusters: s.PeerClusters, Synchronous: s.Replication == Sync,
	}
	if step != AtRest {
		p.Primary.Source = Source{replica, p.Replica.Mesh}
	}
	if p.Synchronous && step == AtRest {
		p.Primary.Standby = replica
	}
	if p.Synchronous && step == Rejoin { // before, the primary could not confirm anything
		p.Replica.Standby = name
	}
	return p
}

// Members returns both members, the primary first.
func (p Pair) Members() []Member { return []Member{p.Primary, p.Replica} }

// Stubs are the Services that stand for a member in the other Kubernetes cluster:
// Cilium merges global Services by name and namespace, and without a local one the
// name does not resolve.
func (p Pair) Stubs() []string {
	var names []string
	for _, m := range p.Members() {
		if !m.Here && m.ServesMesh {
			names = append(names, m.Mesh)
		}
	}
	return names
}

// Services are the names of the Services that the pair has and the single Cluster
// has not.
func (p Pair) Services() []string {
	names := []string{p.Primary.Mesh}
	for _, suffix := range []string{"-rw", "-ro", "-r"} {
		names = append(names, p.Replica.Name+suffix)
	}
	if p.Replica.ServesMesh {
		names = append(names, p.Replica.Mesh)
	}
	return names
}
