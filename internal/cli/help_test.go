package cli

import (
	"runtime/debug"
	"testing"
)

// TestVersion: the release says which it is, any other build the commit that it is of.
func TestVersion(t *testing.T) {
	module := debug.Module{Path: "x", Version: "v0.0.0-2026"}
	settings := []debug.BuildSetting{{Key: "GOARCH", Value: "amd64"}, {Key: "vcs.revision", Value: "abc"}, {Key: "vcs.time", Value: "2026-11-28"}, {Key: "vcs.modified", Value: "true"}}
	for _, tt := range []struct {
		release string
		info    *debug.BuildInfo
		want    string
	}{
		{"", nil, "cnpg-pair (unknown build)"},
		{"v1.2.3", nil, "cnpg-pair (unknown build)"},
		{"v1.2.3", &debug.BuildInfo{GoVersion: "go1.26", Main: module}, "cnpg-pair v1.2.3 go1.26"},
		{"", &debug.BuildInfo{GoVersion: "go1.26", Main: module}, "cnpg-pair v0.0.0-2026 go1.26"},
		{"", &debug.BuildInfo{GoVersion: "go1.26", Main: module, Settings: settings}, "cnpg-pair v0.0.0-2026 go1.26 abc 2026-11-28"},
	} {
		if got := version(tt.release, tt.info); got != tt.want {
			t.Errorf("%q, %v: %q, want %q", tt.release, tt.info, got, tt.want)
		}
	}
}
