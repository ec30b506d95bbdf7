package postrender

import (
	"fmt"
	"strings"
)

// The names of the settings as the platform writes them into an environment.
const (
	EnvEnableHotStandby = "SOVEREIGN_ENABLE_HOT_STANDBY"
	EnvPrimaryRegion    = "SOVEREIGN_PRIMARY_REGION"
	EnvReplicaRegion    = "SOVEREIGN_REPLICA_REGION"
	EnvStrict           = "CNPG_PAIR_STRICT"
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

	// Strict turns into errors what is a warning otherwise: a trio that is
	// switched on but not valid, and a Cluster that cannot be paired.
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
	}
}

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
func (c Config) Check() (bool, error) {
	if !c.EnableHotStandby {
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
	return c
}

// TrioError says why a trio that is switched on is not valid.
type TrioError struct {
	Cause string // which value, and what is wrong with it
	Cure  string // what to do
}

func (e *TrioError) Error() string { return e.Cause + ": " + e.Cure }
