package postrender_test

import (
	"strings"
	"testing"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// TestTrio is the truth table of section 1 of the contract, with the platform's
// own cases.
func TestTrio(t *testing.T) {
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
			settings := postrender.FromMap(map[string]string{
				"SOVEREIGN_ENABLE_HOT_STANDBY": c.toggle,
				"SOVEREIGN_PRIMARY_REGION":     c.primary,
				"SOVEREIGN_REPLICA_REGION":     c.replica,
			})
			on, err := settings.Check()
			got := off
			if on {
				got = pair
			}
			if err != nil {
				got = degraded
				if !strings.Contains(err.Error(), c.says) {
					t.Errorf("the error is %q, which does not say %q", err, c.says)
				}
			}
			if got != c.want {
				t.Errorf("got %s, want %s (%v)", got, c.want, err)
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
		if err := (postrender.Config{RegionKey: key}).CheckRegionKey(); (err == nil) != valid {
			t.Errorf("%q: %v", key, err)
		}
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
