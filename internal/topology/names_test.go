package topology

import (
	"strings"
	"testing"

	"github.com/openova-io/helm-cnpg-pair/internal/message"
)

// TestReplicaName guards the limit of the operator's Jobs, and that no two Clusters
// share a replica and none takes its primary's name, as after a plain cut.
func TestReplicaName(t *testing.T) {
	for name, want := range map[string]string{
		"db":                    "db-replica",
		strings.Repeat("a", 38): strings.Repeat("a", 38) + "-replica",
		// printf aaa... | sha256sum
		strings.Repeat("a", 39): strings.Repeat("a", 29) + "-b4d5e56e-replica",
	} {
		if got := ReplicaName(name); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	seen := make(map[string]string)
	for length := 1; length <= 50; length++ {
		for _, name := range []string{strings.Repeat("a", length), strings.Repeat("a", length-1) + "b"} {
			got := ReplicaName(name)
			if len(got) > 46 || got == name || seen[got] != "" {
				t.Errorf("%s: %s (also of %s)", name, got, seen[got])
			}
			seen[got] = name
		}
	}
}

// TestCheckClusterName: a DNS-1035 label of at most 50 characters.
func TestCheckClusterName(t *testing.T) {
	for name, want := range map[string]message.ID{
		"a": "", "z": "", "a-b": "", "a0": "", "a9z": "", "a--b": "", strings.Repeat("a", 50): "",
		strings.Repeat("a", 51): message.NameTooLong,
		"-":                     message.NameNoLabel, "-a": message.NameNoLabel, "a-": message.NameNoLabel, "0a": message.NameNoLabel, "9": message.NameNoLabel,
		"A": message.NameNoLabel, "aB": message.NameNoLabel, "a.b": message.NameNoLabel, "a_b": message.NameNoLabel, "`": message.NameNoLabel,
		"a{": message.NameNoLabel, "a/": message.NameNoLabel, "a:": message.NameNoLabel, "é": message.NameNoLabel,
	} {
		var got message.ID
		if wrong := CheckClusterName(name); wrong != nil {
			got = wrong.ID
		}
		if got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

// TestPoolerNames: those of a twin and its Service are no longer than a label.
func TestPoolerNames(t *testing.T) {
	for name, want := range map[string][2]string{
		"pool": {"pool-replica", "pool-active"},
		// printf aaa... | sha256sum
		strings.Repeat("a", 56): {strings.Repeat("a", 46) + "-b35439a4-replica", strings.Repeat("a", 56) + "-active"},
		strings.Repeat("a", 63): {strings.Repeat("a", 46) + "-7d3e74a0-replica", strings.Repeat("a", 47) + "-7d3e74a0-active"},
	} {
		if got := [2]string{ServantName(name), PoolerAddress(name)}; got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}
