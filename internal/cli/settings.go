package cli

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/openova-io/helm-cnpg-pair/internal/message"
	"github.com/openova-io/helm-cnpg-pair/internal/topology"
	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// settingFlags are the flags that every command has, and the variables that
// they beat.
var settingFlags = []struct {
	name, variable, argument, usage string
	words                           []string // for completion
}{
	{"enable-hot-standby", postrender.EnvEnableHotStandby, toggle, "make pairs if the value is true, 1, yes or on", nil},
	{"primary-region", postrender.EnvPrimaryRegion, "REGION", "the region of the primary", nil},
	{"replica-region", postrender.EnvReplicaRegion, "REGION", "the region of the replica", nil},
	{"strict", postrender.EnvStrict, toggle, "fail, not warn, if a region is missing or a Cluster cannot be paired", nil},
	{"side", postrender.EnvSide, "SIDE", "which member to print, if each region has its own Kubernetes cluster: both (default), primary or replica; the rest of the chart is always printed",
		[]string{topology.SideBoth, topology.SidePrimary, topology.SideReplica}},
	{"replication", postrender.EnvReplication, "MODE", "async (default), or sync: commits wait until the replica has applied them",
		[]string{topology.Async, topology.Sync}},
	{"active", postrender.EnvActive, "MEMBER", "the member that takes writes: primary (default), replica, or none between the steps of a switchover",
		[]string{topology.ActivePrimary, topology.ActiveNone, topology.ActiveReplica}},
	{"promotion-token", postrender.EnvPromotionToken, "TOKEN", "status.demotionToken of the Cluster that took writes: promote the active member when it has all its rows; NAME=TOKEN,... for several Clusters", nil},
	{"failover", postrender.EnvFailover, "WHEN", "now: promote the active member at once, and stop the other one; done: let the other one follow",
		[]string{topology.FailoverNow, topology.FailoverDone}},
	{"clone", postrender.EnvClone, "MEMBER", "the member, primary or replica, that does not exist and is created as a copy of the other one",
		[]string{topology.SidePrimary, topology.SideReplica}},
	{"archive-generation", postrender.EnvArchiveGeneration, "NAME=N", "the number of the WAL archive of a member that was cloned, higher with each clone; NAME=N,... for several", nil},
	{"wal-keep-size", postrender.EnvWALKeepSize, "SIZE", "how much WAL a standby may miss that has no archive, as in 2GB: wal_keep_size of both members, where the chart does not set it", nil},
	{"peer-clusters", postrender.EnvPeerClusters, "A,B", "with --side, the ClusterMesh names of the other side's Kubernetes clusters, for CiliumNetworkPolicies", nil},
	{"follow", postrender.EnvFollow, toggle, "change the other manifests too, so that applications connect to the member that takes writes, through the Service X-active", nil},
	{regionKey, "", "LABEL", "the node label with the region of a node", nil},
}

const regionKey = "region-key"

// settings are the values of these flags, by name.
type settings map[string]*word

func addSettings(cmd *cobra.Command) settings {
	given := make(settings)
	for _, f := range settingFlags {
		value := &word{flag: "--" + f.name, argument: f.argument}
		if f.name == regionKey {
			value.value = postrender.DefaultRegionKey
		}
		usage := f.usage
		if f.variable != "" {
			usage += " (" + f.variable + ")"
		}
		words := f.words
		flag := cmd.PersistentFlags().VarPF(value, f.name, "", usage)
		if f.argument == toggle {
			flag.NoOptDefVal = "true"
			words = []string{"true", "false"}
		}
		offer(cmd, f.name, words...)
		given[f.name] = value
	}
	return given
}

// lookup returns the value of a variable. A flag overrides it.
func (s settings) lookup(getenv func(string) string) func(string) string {
	return func(variable string) string {
		for _, f := range settingFlags {
			if f.variable == variable && s[f.name].given {
				return s[f.name].value
			}
		}
		return getenv(variable)
	}
}

// config returns the settings.
func (s settings) config(getenv func(string) string) (postrender.Config, error) {
	cfg, err := postrender.ConfigFromEnv(s.lookup(getenv))
	if err != nil {
		return cfg, err
	}
	cfg.RegionKey = s[regionKey].value
	return cfg, cfg.Validate()
}

// toggle is the argument of a flag that needs none, in the words of pflag.
const toggle = "bool"

// word is the value of a flag that may be repeated but not contradict itself.
type word struct {
	flag, argument string
	value          string
	given          bool
}

var _ pflag.Value = (*word)(nil)

func (w *word) String() string { return w.value }
func (w *word) Type() string   { return w.argument }
func (w *word) Set(s string) error {
	if w.given && w.value != s {
		return message.New(message.FlagTwice, "flag", w.flag, "first", w.value, "second", s)
	}
	w.value, w.given = s, true
	return nil
}
