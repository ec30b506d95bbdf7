// Package topology works out, once, what the settings mean for a pair: its
// members and for each its name, region, source and role, whether it is fenced,
// which token it is promoted by, which standby its commits must reach, through which Services the members find
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

	// Strict is true where a warning about a pair is an error.
	Strict bool

	// Follow is true where the applications of the stream are made to follow the member
	// that takes writes.
	Follow bool

	settings Settings
}

// New checks the settings. Its errors are those of [Settings.Validate], and why
// hot standby is not valid where the single Cluster must not be rendered instead:
// in strict mode, and during a failover or when the primary is not active, because
// the single Cluster would then be a second writable one, with old data.
func New(s Settings) (Topology, error) {
	if err := s.Validate(); err != nil {
		return Topology{}, err
	}
	s = s.normal()
	if s.PromotionToken.isVariable() {
		return Topology{}, message.New(message.TokenIsVariable, "word", string(s.PromotionToken))
	}
	t := Topology{
		settings: s, Degraded: s.checkHotStandby(), Strict: s.Strict, Follow: s.Follow,
		MustPair: s.Strict || s.Active != ActivePrimary || s.Failover == FailoverNow,
	}
	t.Enabled = s.EnableHotStandby && t.Degraded == nil
	if t.Degraded != nil && t.MustPair {
		return t, t.Degraded
	}
	return t, nil
}

// Step is where a pair is on the way from one active member to the other.
type Step string

const (
	AtRest            Step = "at-rest"             // the primary takes writes
	Demote            Step = "demote"              // nobody does: both follow, and the one that took writes gives its demotion token
	PromoteReplica    Step = "promote-replica"     // the replica takes writes, once it has all that the token stands for
	FailoverToReplica Step = "failover-to-replica" // the replica takes writes at once; the primary is stopped
	ReplicaActive     Step = "replica-active"      // the replica takes writes, after a failover; the primary follows
	PromotePrimary    Step = "promote-primary"     // the primary takes writes, once it has all that the token stands for
	FailoverToPrimary Step = "failover-to-primary" // the primary takes writes at once; the replica is stopped
)

// step is that of the Cluster called name.
func (s Settings) step(name string) Step {
	now, token := s.Failover == FailoverNow, s.PromotionToken.of(name) != ""
	switch {
	case s.Active == ActiveNone:
		return Demote
	case s.Active == ActiveReplica && now:
		return FailoverToReplica
	case s.Active == ActiveReplica && token:
		return PromoteReplica
	case s.Active == ActiveReplica:
		return ReplicaActive
	case now:
		return FailoverToPrimary
	case token:
		return PromotePrimary
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
	Token  string // the demotion token of the other member: the operator promotes this one when it has all that came before
	Source Source // what it follows, or, while it writes, what it was promoted from; empty for a primary at rest
	Cloned bool   // it is created as a copy of its source; a living member is not touched by that

	Generation string // that of its WAL archive, empty where the settings say none

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

	WriteAddress string // the Service by which applications reach the member that takes writes

	Step         Step
	Active       string   // one of the Active words
	Failover     bool     // the active member is promoted without waiting for anything
	WithoutToken bool     // the tokens that were given are for other Clusters, and the replica needs one
	TokenForAll  bool     // its token is that of every Cluster
	Side         string   // which members are rendered here: one of the Side words
	RegionKey    string   // the node label that says in which region a node runs
	PeerClusters []string // the names of the Kubernetes clusters of the other side
	WALKeepSize  string   // the parameter wal_keep_size of both, where the chart does not set it
	Clone        Role     // the member that the settings say is cloned, empty for none
	Synchronous  bool
}

// Pair returns the pair of the Cluster called name. pinPrimary is false where its
// owner spares the primary's Pods the restart that a new node affinity costs.
func (t Topology) Pair(name string, pinPrimary bool) Pair {
	s := t.settings
	step := s.step(name)
	replica := ReplicaName(name)
	p := Pair{
		TokenForAll:  (step == PromotePrimary || step == PromoteReplica) && s.PromotionToken.single(),
		WithoutToken: s.Active == ActiveReplica && step == ReplicaActive && s.Failover == "",
		Primary: Member{
			Role: Primary, Name: name, Region: s.PrimaryRegion, Pinned: pinPrimary, Here: s.Side != SideReplica,
			Writes: s.Active == ActivePrimary, Fenced: step == FailoverToReplica, Cloned: s.Clone == SidePrimary,
			Generation: s.ArchiveGeneration.of(name),
			Mesh:       MeshName(name), ServesMesh: true,
		},
		Replica: Member{
			Role: Replica, Name: replica, Region: s.ReplicaRegion, Pinned: true, Here: s.Side != SidePrimary,
			Writes: s.Active == ActiveReplica, Fenced: step == FailoverToPrimary, Cloned: true,
			Source: Source{name, MeshName(name)},
			Mesh:   MeshName(replica), ServesMesh: step != AtRest,
			Generation: s.ArchiveGeneration.of(replica),
			Keep:       s.Active != ActivePrimary,
		},
		WriteAddress: ActiveName(name),
		Step:         step, Active: s.Active, Failover: s.Failover == FailoverNow,
		Side: s.Side, RegionKey: s.RegionKey, PeerClusters: s.PeerClusters, WALKeepSize: s.WALKeepSize, Clone: Role(s.Clone), Synchronous: s.Replication == Sync,
	}
	if step != AtRest {
		p.Primary.Source = Source{replica, p.Replica.Mesh}
	}
	switch step {
	case PromotePrimary:
		p.Primary.Token = s.PromotionToken.of(name)
	case PromoteReplica:
		p.Replica.Token = s.PromotionToken.of(name)
	}
	if p.Synchronous && !p.Failover { // the other member is lost, and would confirm nothing
		switch {
		case p.Primary.Writes:
			p.Primary.Standby = replica
		case p.Replica.Writes:
			p.Replica.Standby = name
		}
	}
	return p
}

// SourceOf is the member that m follows, or that it was promoted from.
func (p Pair) SourceOf(m Member) Member {
	if m.Role == Replica {
		return p.Primary
	}
	return p.Replica
}

// Writer is the member that takes writes; false where none does.
func (p Pair) Writer() (Member, bool) {
	for _, m := range p.Members() {
		if m.Writes {
			return m, true
		}
	}
	return Member{}, false
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

// Absent are the Services of the primary that its operator makes in the other Kubernetes
// cluster only, rw, ro and r; none where the primary is here. Applications of both sides
// know them by these names.
func (p Pair) Absent() []string {
	if p.Primary.Here {
		return nil
	}
	rw, ro, r := DefaultServices(p.Primary.Name)
	return []string{rw, ro, r}
}

// Services are the names of the Services that the pair has and the single Cluster
// has not, and of those that are rendered for it.
func (p Pair) Services() []string {
	rw, ro, r := DefaultServices(p.Replica.Name)
	names := []string{p.Primary.Mesh, rw, ro, r}
	if p.Replica.ServesMesh {
		names = append(names, p.Replica.Mesh)
	}
	names = append(names, p.Absent()...)
	return append(names, p.WriteAddress)
}
