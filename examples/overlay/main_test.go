package main

import (
	"bytes"
	"fmt"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/flux"
	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// TestOverlay runs the platform's cases. Off, unset or degenerate, the
// HelmRelease is the template, byte for byte.
func TestOverlay(t *testing.T) {
	const enable, primary, replica = postrender.EnvEnableHotStandby, postrender.EnvPrimaryRegion, postrender.EnvReplicaRegion
	tests := []struct {
		name   string
		env    map[string]string
		pair   bool
		warned bool
	}{
		{"off", map[string]string{enable: "false"}, false, false},
		{"happy path", map[string]string{enable: "true", primary: "fsn1", replica: "hel1"}, true, false},
		{"empty primary", map[string]string{enable: "true", primary: "", replica: "hel1"}, false, true},
		{"empty replica", map[string]string{enable: "true", primary: "fsn1", replica: ""}, false, true},
		{"both empty", map[string]string{enable: "true", primary: "", replica: ""}, false, true},
		{"equal regions", map[string]string{enable: "true", primary: "fsn1", replica: "fsn1"}, false, true},
		{"off with regions", map[string]string{enable: "false", primary: "fsn1", replica: "hel1"}, false, false},
		{"unset", nil, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var warnings []error
			text, err := overlay("acme", func(name string) string { return tt.env[name] }, func(err error) { warnings = append(warnings, err) })
			if err != nil {
				t.Fatal(err)
			}
			if (len(warnings) > 0) != tt.warned {
				t.Errorf("warnings: %v", warnings)
			}
			template := fmt.Appendf(nil, blog, "acme")
			if !bytes.HasPrefix(text, template) {
				t.Errorf("the template has changed:\n%s", text)
			}
			if !tt.pair && len(text) != len(template) {
				t.Errorf("not the template:\n%s", text)
			}
			var release struct {
				Spec struct {
					PostRenderers []flux.PostRenderer `yaml:"postRenderers"`
				}
			}
			if err := yaml.Unmarshal(text, &release); err != nil {
				t.Fatal(err)
			}
			if paired := len(release.Spec.PostRenderers) == 2; paired != tt.pair {
				t.Errorf("%d postRenderers:\n%s", len(release.Spec.PostRenderers), text)
			}
			for _, region := range []string{"fsn1", "hel1"} {
				if bytes.Contains(text, []byte("openova.io/region: "+region)) != tt.pair {
					t.Errorf("region %s:\n%s", region, text)
				}
			}
		})
	}
}
