package postrender

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// The names of the settings as the platform writes them into an environment.
const (
	EnvEnableHotStandby = "SOVEREIGN_ENABLE_HOT_STANDBY"
	EnvPrimaryRegion    = "SOVEREIGN_PRIMARY_REGION"
	EnvReplicaRegion    = "SOVEREIGN_REPLICA_REGION"
	EnvStrict           = "CNPG_PAIR_STRICT"
	EnvSide             = "CNPG_PAIR_SIDE"
	EnvReplication      = "CNPG_PAIR_REPLICATION"
	EnvActive           = "CNPG_PAIR_ACTIVE"
	EnvRejoin           = "CNPG_PAIR_REJOIN"
	EnvPeerClusters     = "CNPG_PAIR_PEER_CLUSTERS"
)

// The words of Config.Side.
const (
	SideBoth    = "both"
	SidePrimary = "primary"
	SideReplica = "replica"
)

// The words of Config.Replication.
const (
	Async = "async"
	Sync  = "sync"
)

// The words of Config.Active.
const (
	ActivePrimary = "primary"
	ActiveNone    = "none"
	ActiveReplica = "replica"
)

// DefaultRegionKey is the node label that says in which region a node runs.
const DefaultRegionKey = "openova.io/region"

// Config holds the settings of a [Renderer]. Its zero value leaves every
// stream as it is.
type Config struct {
	// EnableHotStandby, PrimaryRegion and ReplicaRegion are the trio. All
	// three must be valid before any Cluster becomes a pair; see [Config.Check].
	EnableHotStandby bool
	PrimaryRegion    string
	ReplicaRegion    string

	// RegionKey is the node label that the node affinity of both halves asks
	// for; empty means [DefaultRegionKey].
	RegionKey string

	// Side is the half of the pair that is rendered: both, or, where each region
	// has a Kubernetes cluster of its own, primary or replica (section 7 of the
	// contract). Empty means both.
	Side string

	// Replication is async, or sync: every commit waits for the replica
	// (section 8). Empty means async.
	Replication string

	// Active is the half that takes writes: primary, replica, or none, on the
	// way from one to the other (section 9). Empty means primary. Rejoin makes
	// the half that was primary follow the other one.
	Active string
	Rejoin bool

	// PeerClusters are the ClusterMesh names of the Kubernetes clusters of the
	// other side, which Cilium's network policies are to admit.
	PeerClusters []string

	// Strict turns into errors what is a warning otherwise: a trio that is
	// switched on but not valid, and a Cluster that cannot be paired. See
	// [Config.MayDegrade].
	Strict bool
}

// FromMap reads the settings from a map of environment variables. Missing
// keys leave a setting off or empty; no value is an error, because an unknown
// word switches nothing on.
func FromMap(env map[string]string) Config {
	return Config{
		EnableHotStandby: Truthy(env[EnvEnableHotStandby]),
		PrimaryRegion:    strings.TrimSpace(env[EnvPrimaryRegion]),
		ReplicaRegion:    strings.TrimSpace(env[EnvReplicaRegion]),
		Strict:           Truthy(env[EnvStrict]),
		Side:             env[EnvSide],
		Replication:      env[EnvReplication],
		Active:           env[EnvActive],
		Rejoin:           Truthy(env[EnvRejoin]),
		PeerClusters:     strings.FieldsFunc(env[EnvPeerClusters], func(r rune) bool { return r == ',' || unicode.IsSpace(r) }),
	}
}

// Validate returns a [*SettingError] for a setting with an unknown word, or for
// settings that contradict each other. A [Renderer] asks it first.
func (c Config) Validate() error {
	c = c.normal()
	for _, setting := range []struct {
		env, flag, word string
		words           []string
	}{
		{EnvSide, "--side", c.Side, []string{SideBoth, SidePrimary, SideReplica}},
		{EnvReplication, "--replication", c.Replication, []string{Async, Sync}},
		{EnvActive, "--active", c.Active, []string{ActivePrimary, ActiveNone, ActiveReplica}},
	} {
		if !slices.Contains(setting.words, setting.word) {
			last := len(setting.words) - 1
			return &SettingError{
				Cause: fmt.Sprintf("%s (%s): unknown word %q", setting.flag, setting.env, setting.word),
				Cure:  "use " + strings.Join(setting.words[:last], ", ") + " or " + setting.words[last],
			}
		}
	}
	if c.Rejoin && c.Active == ActivePrimary {
		return &SettingError{
			Cause: fmt.Sprintf("--rejoin (%s) without an active replica: nobody has left", EnvRejoin),
			Cure:  fmt.Sprintf("use it with --active replica, or none on the way back (%s)", EnvActive),
		}
	}
	for _, peer := range c.PeerClusters {
		if !validLabelValue(peer) {
			return &SettingError{
				Cause: fmt.Sprintf("--peer-clusters (%s): %q is no name of a cluster", EnvPeerClusters, peer),
				Cure:  "give the names by which Cilium's ClusterMesh knows them, with commas between",
			}
		}
	}
	return nil
}

// SettingError is a setting that cannot be followed.
type SettingError struct {
	Cause string // which setting, and what is wrong with it
	Cure  string // what to do
}

func (e *SettingError) Error() string { return e.Cause }

// Hint returns the cure.
func (e *SettingError) Hint() string { return e.Cure }

// Truthy tells whether a word switches a setting on: true, 1, yes or on,
// whatever its case and the blanks around it. Every other word is off, as on
// the platform.
func Truthy(word string) bool {
	switch strings.ToLower(strings.TrimSpace(word)) {
	case "true", "1", "yes", "on":
		return true
	}
	return false
}

// Check tells whether Clusters become pairs: false and no error when hot
// standby is off, true when the trio is valid. When it is on but not valid,
// Check returns false and a [*TrioError] that names the value at fault; the
// caller decides whether that is a warning or an error.
//
// A half of a pair that is asked for (Side), or one that has been promoted
// (Active), is a reason for such an error too when hot standby is off: what would
// be rendered is the single Cluster, a second writable one. See [Config.MayDegrade].
func (c Config) Check() (bool, error) {
	if !c.EnableHotStandby {
		switch n := c.normal(); {
		case n.Active != ActivePrimary:
			return false, &TrioError{
				Cause: fmt.Sprintf("hot standby is off, but %s is %s: the single Cluster would be a second writable one, with old data", EnvActive, n.Active),
				Cure:  fmt.Sprintf("leave %s on as long as another half than the primary is active", EnvEnableHotStandby),
			}
		case n.Side != SideBoth:
			return false, &TrioError{
				Cause: fmt.Sprintf("hot standby is off, but %s is %s: what is rendered is the single Cluster, the same on both sides", EnvSide, n.Side),
				Cure:  fmt.Sprintf("set %s and the regions, or apply the chart on one side only", EnvEnableHotStandby),
			}
		}
		return false, nil
	}
	primary, replica := strings.TrimSpace(c.PrimaryRegion), strings.TrimSpace(c.ReplicaRegion)
	switch {
	case primary == "" && replica == "":
		return false, &TrioError{
			Cause: fmt.Sprintf("hot standby is on but %s and %s are empty", EnvPrimaryRegion, EnvReplicaRegion),
			Cure:  "set them (or --primary-region and --replica-region) to the two regions",
		}
	case primary == "":
		return false, &TrioError{
			Cause: fmt.Sprintf("hot standby is on but %s is empty", EnvPrimaryRegion),
			Cure:  "set it (or --primary-region) to the region of the primary",
		}
	case replica == "":
		return false, &TrioError{
			Cause: fmt.Sprintf("hot standby is on but %s is empty", EnvReplicaRegion),
			Cure:  "set it (or --replica-region) to the region of the replica",
		}
	}
	for _, region := range []struct{ env, value string }{{EnvPrimaryRegion, primary}, {EnvReplicaRegion, replica}} {
		if !validLabelValue(region.value) {
			return false, &TrioError{
				Cause: fmt.Sprintf("%s is %q, which is not a Kubernetes label value", region.env, region.value),
				Cure:  "use at most 63 letters, digits, '-', '_' and '.', with a letter or digit at both ends",
			}
		}
	}
	if primary == replica {
		return false, &TrioError{
			Cause: fmt.Sprintf("%s (--primary-region) and %s (--replica-region) are both %q", EnvPrimaryRegion, EnvReplicaRegion, primary),
			Cure:  "name two different regions",
		}
	}
	return true, nil
}

// MayDegrade tells whether the single Cluster may be rendered where the trio is
// not valid: not in strict mode, and never while another half than the primary is
// active, because the single Cluster would be a second writable one, with old
// data.
func (c Config) MayDegrade() bool { return !c.Strict && c.normal().Active == ActivePrimary }

// CheckRegionKey returns an error when RegionKey is set to something that
// Kubernetes refuses as a label key.
func (c Config) CheckRegionKey() error {
	if c.RegionKey != "" && !validLabelKey(c.RegionKey) {
		return fmt.Errorf("region key %q is not a Kubernetes label key", c.RegionKey)
	}
	return nil
}

// normal returns the settings as the expansion uses them.
func (c Config) normal() Config {
	c.PrimaryRegion = strings.TrimSpace(c.PrimaryRegion)
	c.ReplicaRegion = strings.TrimSpace(c.ReplicaRegion)
	if c.RegionKey == "" {
		c.RegionKey = DefaultRegionKey
	}
	c.Side = word(c.Side, SideBoth)
	if c.Side == "secondary" { // as some platforms call it
		c.Side = SideReplica
	}
	c.Replication = word(c.Replication, Async)
	c.Active = word(c.Active, ActivePrimary)
	return c
}

func word(s, fallback string) string {
	if s = strings.ToLower(strings.TrimSpace(s)); s == "" {
		return fallback
	}
	return s
}

// TrioError says why a trio that is switched on is not valid.
type TrioError struct {
	Cause string // which value, and what is wrong with it
	Cure  string // what to do
}

func (e *TrioError) Error() string { return e.Cause + ": " + e.Cure }
