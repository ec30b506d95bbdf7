package postrender

import (
	"github.com/openova-io/helm-cnpg-pair/internal/message"
	"github.com/openova-io/helm-cnpg-pair/internal/topology"
)

// The variables from which [ConfigFromEnv] reads the settings.
const (
	EnvEnableHotStandby  = topology.EnvEnableHotStandby  // SOVEREIGN_ENABLE_HOT_STANDBY
	EnvPrimaryRegion     = topology.EnvPrimaryRegion     // SOVEREIGN_PRIMARY_REGION
	EnvReplicaRegion     = topology.EnvReplicaRegion     // SOVEREIGN_REPLICA_REGION
	EnvSide              = topology.EnvSide              // CNPG_PAIR_SIDE
	EnvReplication       = topology.EnvReplication       // CNPG_PAIR_REPLICATION
	EnvActive            = topology.EnvActive            // CNPG_PAIR_ACTIVE
	EnvPromotionToken    = topology.EnvPromotionToken    // CNPG_PAIR_PROMOTION_TOKEN
	EnvFailover          = topology.EnvFailover          // CNPG_PAIR_FAILOVER
	EnvClone             = topology.EnvClone             // CNPG_PAIR_CLONE
	EnvArchiveGeneration = topology.EnvArchiveGeneration // CNPG_PAIR_ARCHIVE_GENERATION
	EnvWALKeepSize       = topology.EnvWALKeepSize       // CNPG_PAIR_WAL_KEEP_SIZE
	EnvPeerClusters      = topology.EnvPeerClusters      // CNPG_PAIR_PEER_CLUSTERS
	EnvFollow            = topology.EnvFollow            // CNPG_PAIR_FOLLOW
	EnvStrict            = topology.EnvStrict            // CNPG_PAIR_STRICT
)

// Side says which members of a pair are rendered.
type Side string

const (
	SideBoth    Side = topology.SideBoth    // "both": in one Kubernetes cluster
	SidePrimary Side = topology.SidePrimary // "primary": the replica is in another Kubernetes cluster
	SideReplica Side = topology.SideReplica // "replica": the primary is in another Kubernetes cluster
)

// Replication says whether commits wait for the replica.
type Replication string

const (
	Async Replication = topology.Async // "async": they do not
	Sync  Replication = topology.Sync  // "sync": each waits until the replica has written it to disk
)

// Active says which member takes writes.
type Active string

const (
	ActivePrimary Active = topology.ActivePrimary // "primary"
	ActiveNone    Active = topology.ActiveNone    // "none": a step of a switchover
	ActiveReplica Active = topology.ActiveReplica // "replica"
)

// Failover promotes the active member without waiting for rows that the other one
// may have.
type Failover string

const (
	FailoverNow  Failover = topology.FailoverNow  // "now": the other member is stopped
	FailoverDone Failover = topology.FailoverDone // "done": the other member may follow
)

// DefaultRegionKey is the node label that says in which region a node runs.
const DefaultRegionKey = topology.DefaultRegionKey // openova.io/region

// Config has the settings of a [Renderer]. Its zero value leaves every stream as
// it is. Blanks around words and regions, and the case of words, are ignored.
type Config struct {
	// EnableHotStandby, PrimaryRegion and ReplicaRegion are the hot-standby
	// settings. Clusters become pairs only where it is true and the regions are two
	// different Kubernetes label values; see [Config.Enabled].
	EnableHotStandby bool
	PrimaryRegion    string
	ReplicaRegion    string

	// RegionKey is the node label that the node affinity of both members asks for;
	// empty means [DefaultRegionKey].
	RegionKey string

	Side        Side        // empty means SideBoth
	Replication Replication // empty means Async
	Active      Active      // empty means ActivePrimary

	// PromotionToken is status.demotionToken of the Cluster that took writes: the
	// operator promotes the active member when it has all rows up to there. For
	// several Clusters it is NAME=TOKEN,NAME=TOKEN. With ActiveReplica, either this
	// or Failover must be set.
	PromotionToken string
	Failover       Failover // empty means that a token is waited for

	// Clone is the member, SidePrimary or SideReplica, that does not exist and is to
	// be created as a copy of the other one; empty means neither. A replica is
	// created as a copy in any case.
	Clone Side

	// ArchiveGeneration is the generation of the WAL archive of each member that was
	// cloned, as NAME=N,NAME=N, where NAME is that of the member: it archives under a
	// server name that ends with -gN, because it must not archive into what its
	// forerunner left. The number must be higher with each clone, and must stay
	// while the member lives.
	ArchiveGeneration string

	// WALKeepSize is PostgreSQL's parameter wal_keep_size of both members, as in 2GB,
	// where the chart does not set it: how much WAL a standby may miss that has no
	// archive to read it from. Empty means that of CloudNativePG, 512MB.
	WALKeepSize string

	// PeerClusters are the names, in Cilium's ClusterMesh, of the Kubernetes
	// clusters of the other side. CiliumNetworkPolicies need them.
	PeerClusters []string

	// Follow changes the other objects of the stream too: where they name the Service of
	// the primary by which applications write, or have its name from the secret of the
	// operator, they get the write address, which leads to the member that takes writes.
	// A Pooler through which applications write gets a twin for the replica, and both such a
	// Service, which takes the place of the Pooler's.
	Follow bool

	// Strict turns warnings into errors: hot standby is on, but a region is missing
	// or not valid; a side is asked for while hot standby is off; a Cluster cannot
	// be paired. They are errors in any case when the primary is not active, or with
	// FailoverNow: the single Cluster would then be a second writable one, with old
	// data.
	Strict bool
}

// ConfigFromEnv reads the settings from variables, by a function like [os.Getenv].
// Its error is a [*ConfigError], for whatever the command line refuses too; see
// [Config.Validate]. The toggle EnableHotStandby is on for true, 1, yes and on, and
// off for everything else, as on the platform.
func ConfigFromEnv(getenv func(string) string) (Config, error) {
	s, err := topology.FromEnv(getenv)
	if err != nil {
		return Config{}, &ConfigError{err}
	}
	return Config{
		EnableHotStandby: s.EnableHotStandby, PrimaryRegion: s.PrimaryRegion, ReplicaRegion: s.ReplicaRegion, RegionKey: s.RegionKey,
		Side: Side(s.Side), Replication: Replication(s.Replication), Active: Active(s.Active),
		PromotionToken: string(s.PromotionToken), Failover: Failover(s.Failover), Clone: Side(s.Clone),
		ArchiveGeneration: string(s.ArchiveGeneration), WALKeepSize: s.WALKeepSize,
		PeerClusters: s.PeerClusters, Follow: s.Follow, Strict: s.Strict,
	}, nil
}

// Validate returns a [*ConfigError] for an unknown word, for a RegionKey
// or a name of a cluster that Kubernetes refuses, and for settings that contradict
// each other. A [Renderer] asks it first.
func (c Config) Validate() error {
	if err := c.settings().Validate(); err != nil {
		return &ConfigError{err}
	}
	return nil
}

// Enabled reports whether Clusters become pairs: hot standby is on and all settings
// are valid.
func (c Config) Enabled() bool {
	t, err := topology.New(c.settings())
	return err == nil && t.Enabled
}

func (c Config) settings() topology.Settings {
	return topology.Settings{
		EnableHotStandby: c.EnableHotStandby, PrimaryRegion: c.PrimaryRegion, ReplicaRegion: c.ReplicaRegion, RegionKey: c.RegionKey,
		Side: string(c.Side), Replication: string(c.Replication), Active: string(c.Active),
		PromotionToken: topology.Tokens(c.PromotionToken), Failover: string(c.Failover), Clone: string(c.Clone),
		ArchiveGeneration: topology.Generations(c.ArchiveGeneration), WALKeepSize: c.WALKeepSize,
		PeerClusters: c.PeerClusters, Follow: c.Follow, Strict: c.Strict,
	}
}

// topology checks the settings. Its errors are [*ConfigError].
func (c Config) topology() (topology.Topology, error) {
	t, err := topology.New(c.settings())
	if err != nil {
		return t, &ConfigError{err}
	}
	return t, nil
}

// ConfigError is an invalid setting: an unknown word, or hot-standby settings that
// are not valid.
type ConfigError struct{ Err error }

// Error says which setting it is, and what is wrong with it.
func (e *ConfigError) Error() string { return e.Err.Error() }

// Hint says what to do.
func (e *ConfigError) Hint() string { return message.Hint(e.Err) }

func (e *ConfigError) Unwrap() error { return e.Err }
