package topology

import (
	"errors"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openova-io/helm-cnpg-pair/internal/message"
)

// TestVariables: each setting has a variable of its own.
func TestVariables(t *testing.T) {
	name := regexp.MustCompile(`^(SOVEREIGN|CNPG_PAIR)_[A-Z_]+[A-Z]$`)
	seen := make(map[string]bool)
	for _, variable := range Variables {
		if !name.MatchString(variable) || seen[variable] {
			t.Errorf("%q", variable)
		}
		seen[variable] = true
	}
}

// TestFromEnv: each variable sets one setting, and words that mean nothing are refused
// where they would switch a safeguard off.
func TestFromEnv(t *testing.T) {
	valid := map[string]string{
		EnvEnableHotStandby: "on", EnvPrimaryRegion: "a", EnvReplicaRegion: "b", EnvSide: "primary", EnvReplication: "sync", EnvActive: "replica",
		EnvPromotionToken: "", EnvFailover: "done", EnvClone: "primary", EnvArchiveGeneration: "db=2", EnvWALKeepSize: "1GB", EnvPeerClusters: "x, y\tz", EnvFollow: "1", EnvStrict: "yes",
	}
	read := func(changed map[string]string) (Settings, error) {
		return FromEnv(func(name string) string {
			if value, ok := changed[name]; ok {
				return value
			}
			return valid[name]
		})
	}
	got, err := read(nil)
	want := Settings{
		EnableHotStandby: true, PrimaryRegion: "a", ReplicaRegion: "b", Side: "primary", Replication: "sync", Active: "replica",
		Failover: "done", Clone: "primary", ArchiveGeneration: "db=2", WALKeepSize: "1GB", PeerClusters: []string{"x", "y", "z"}, Follow: true, Strict: true,
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for _, tt := range []struct {
		changed map[string]string
		want    string
	}{
		{map[string]string{EnvSide: "x"}, "--side"},
		{map[string]string{EnvReplication: "x"}, "--replication"},
		{map[string]string{EnvActive: "x"}, "--active"},
		{map[string]string{EnvFailover: "x"}, "--failover"},
		{map[string]string{EnvClone: "both"}, "--clone"},
		{map[string]string{EnvStrict: "x"}, "--strict"},
		{map[string]string{EnvFollow: "x"}, "--follow"},
		{map[string]string{EnvEnableHotStandby: "x", EnvActive: "", EnvFailover: "", EnvClone: ""}, "toggle"},
		{map[string]string{EnvEnableHotStandby: "x", EnvActive: "", EnvFailover: "", EnvClone: "", EnvStrict: "off"}, ""},
		{map[string]string{EnvEnableHotStandby: " ", EnvActive: "", EnvFailover: "", EnvClone: ""}, ""},
		{map[string]string{EnvFailover: "", EnvClone: "", EnvActive: "NONE", EnvSide: " Both ", EnvReplication: ""}, ""},
		{map[string]string{envRejoin: "done"}, "rejoin"},
		{map[string]string{EnvWALKeepSize: "GB1"}, "size"},
		{map[string]string{EnvWALKeepSize: "1PB"}, "size"},
		{map[string]string{EnvArchiveGeneration: "db"}, "generation"},
	} {
		_, err := read(tt.changed)
		var said *message.Message
		got := ""
		if errors.As(err, &said) {
			got = map[message.ID]string{message.ToggleWord: "toggle", message.RejoinGone: "rejoin", message.WALKeepSize: "size"}[said.ID]
			if said.ID == message.UnknownWord {
				got = regexp.MustCompile(`--[a-z]+`).FindString(err.Error())
			}
			if got == "" {
				got = "generation"
			}
		}
		if got != tt.want || (err == nil) != (tt.want == "") {
			t.Errorf("%v: %v, want %q", tt.changed, err, tt.want)
		}
	}
}
