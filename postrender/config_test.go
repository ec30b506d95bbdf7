package postrender_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// TestHotStandbySettings is the truth table of the settings, with the platform's
// own cases.
func TestHotStandbySettings(t *testing.T) {
	const (
		off      = "off"
		degraded = "on, but not valid"
		pair     = "the pair"
	)
	for _, c := range []struct {
		name, toggle, primary, replica string
		want                           string
		says                           string // what the error must name
	}{
		{"off", "false", "fsn1", "hel1", off, ""},
		{"unset", "", "", "", off, ""},
		{"happy path", "true", "fsn1", "hel1", pair, ""},
		{"empty primary", "true", "", "hel1", degraded, "SOVEREIGN_PRIMARY_REGION is empty"},
		{"empty replica", "true", "fsn1", "", degraded, "SOVEREIGN_REPLICA_REGION is empty"},
		{"blank replica", "true", "fsn1", " \t\n", degraded, "SOVEREIGN_REPLICA_REGION is empty"},
		{"both empty", "true", "", "", degraded, "SOVEREIGN_PRIMARY_REGION and SOVEREIGN_REPLICA_REGION are empty"},
		{"equal regions", "true", "fsn1", "fsn1", degraded, `both "fsn1"`},
		{"equal but for blanks", "true", "fsn1 ", " fsn1", degraded, `both "fsn1"`},
		{"different by case", "true", "FSN1", "fsn1", pair, ""},
		{"off with regions", "off", "fsn1", "hel1", off, ""},
		{"off with wrong regions", "off", "fsn1", "fsn1", off, ""},
		{"whitespace", " true\n", " fsn1 ", "\thel1", pair, ""},
		{"TRUE", "TRUE", "fsn1", "hel1", pair, ""},
		{"Yes", "Yes", "fsn1", "hel1", pair, ""},
		{"1", "1", "fsn1", "hel1", pair, ""},
		{"on", "on", "fsn1", "hel1", pair, ""},
		{"y", "y", "fsn1", "hel1", off, ""},
		{"enabled", "enabled", "fsn1", "hel1", off, ""},
		{"2", "2", "fsn1", "hel1", off, ""},
		{"no label value", "true", "fsn1", "hel 1", degraded, `SOVEREIGN_REPLICA_REGION is "hel 1"`},
		{"63 characters", "true", "fsn1", strings.Repeat("h", 63), pair, ""},
		{"64 characters", "true", "fsn1", strings.Repeat("h", 64), degraded, "SOVEREIGN_REPLICA_REGION"},
	} {
		t.Run(c.name, func(t *testing.T) {
			settings, err := configFrom(map[string]string{
				"SOVEREIGN_ENABLE_HOT_STANDBY": c.toggle,
				"SOVEREIGN_PRIMARY_REGION":     c.primary,
				"SOVEREIGN_REPLICA_REGION":     c.replica,
			})
			if err != nil || settings.Enabled() != (c.want == pair) {
				t.Errorf("enabled: %t, %v", settings.Enabled(), err)
			}

			// the stream follows: same bytes unless it is a pair
			in := "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata:\n  name: x\nspec:\n  instances: 1\n"
			var warned []error
			renderer := postrender.Renderer{Config: settings, Warn: func(err error) { warned = append(warned, err) }}
			result, err := renderer.Render(postrender.Source{Name: "stdin", Data: []byte(in)})
			if err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			result.WriteTo(&out)
			if (out.String() == in) == (c.want == pair) || (len(warned) == 1) != (c.want == degraded) {
				t.Errorf("changed: %t, warnings: %v", out.String() != in, warned)
			}
			for _, err := range warned {
				var refused *postrender.ConfigError
				if !errors.As(err, &refused) || !strings.Contains(err.Error(), c.says) || refused.Hint() == "" {
					t.Errorf("the warning is %q, which does not say %q and what to do", err, c.says)
				}
			}
			settings.Strict = true
			if _, err := postrender.New(settings).Render(); (err != nil) != (c.want == degraded) {
				t.Errorf("with Strict: %v", err)
			}
		})
	}
}

func TestRegionKey(t *testing.T) {
	for key, valid := range map[string]bool{
		"": true, "openova.io/region": true, "topology.kubernetes.io/region": true, "region": true,
		"no good": false, "a/b/c": false, "/x": false, "x/": false, "UPPER.io/region": false, "under_score/region": false,
	} {
		c := cfg
		c.RegionKey = key
		_, err := postrender.New(c).Render()
		if (err == nil) != valid || (c.Validate() == nil) != valid || c.Enabled() != valid {
			t.Errorf("%q: %v", key, err)
		}
	}
}

func configFrom(env map[string]string) (postrender.Config, error) {
	return postrender.ConfigFromEnv(func(name string) string { return env[name] })
}

// TestConfigFromEnv: what the command line refuses, a program's environment does
// not switch off in silence either.
func TestConfigFromEnv(t *testing.T) {
	for word, names := range map[string][]string{
		"ture": {postrender.EnvStrict, postrender.EnvFollow, postrender.EnvSide, postrender.EnvReplication, postrender.EnvActive,
			postrender.EnvPromotionToken, postrender.EnvFailover, postrender.EnvClone, postrender.EnvArchiveGeneration, postrender.EnvWALKeepSize, "CNPG_PAIR_REJOIN"},
		"a b/c":             {postrender.EnvPeerClusters},
		"replica":           {postrender.EnvActive},         // without a word about how it is promoted
		"db=" + token:       {},                             // see TestTokens
		"primary":           {postrender.EnvClone},          // which takes writes
		"${TOKEN":           {postrender.EnvPromotionToken}, // no variable
		token + ",":         {},
		token + "," + token: {postrender.EnvPromotionToken},
	} {
		for _, name := range names {
			_, err := configFrom(map[string]string{name: word})
			var refused *postrender.ConfigError
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), name) || refused.Hint() == "" {
				t.Errorf("%s=%s: %v", name, word, err)
			}
		}
	}
	got, err := configFrom(map[string]string{
		postrender.EnvEnableHotStandby: "on", postrender.EnvPrimaryRegion: "fsn1", postrender.EnvReplicaRegion: "hel1",
		postrender.EnvSide: "secondary", postrender.EnvReplication: "SYNC", postrender.EnvActive: " none", postrender.EnvFailover: "Done",
		postrender.EnvPeerClusters: "a, b", postrender.EnvStrict: "no", postrender.EnvFollow: "yes",
		postrender.EnvArchiveGeneration: "db=2", postrender.EnvWALKeepSize: "2GB",
	})
	if want := []string{"a", "b"}; err != nil || got.Failover != "Done" || got.Strict || !got.Follow || got.ArchiveGeneration != "db=2" || got.WALKeepSize != "2GB" || !got.Enabled() || !slices.Equal(got.PeerClusters, want) {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestBlanks: blanks around the settings of a Go program are none of them.
func TestBlanks(t *testing.T) {
	in := []byte("apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata:\n  name: x\nspec:\n  instances: 1\n")
	want, _, err := render(t, cfg, in)
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := render(t, postrender.Config{
		EnableHotStandby: true, PrimaryRegion: " fsn1\n", ReplicaRegion: "\thel1 ",
		Side: " Both", Replication: "ASYNC ", Active: " primary ",
	}, in)
	if err != nil || string(got) != string(want) {
		t.Errorf("%v\n%s", err, got)
	}
}
