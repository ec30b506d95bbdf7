package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDiffColours: on a terminal, unless NO_COLOR is set, and nowhere else.
func TestDiffColours(t *testing.T) {
	file := filepath.Join(t.TempDir(), "blog.yaml")
	if err := os.WriteFile(file, []byte("apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: db}\nspec:\n  instances: 1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		terminal bool
		noColor  string
		coloured bool
	}{{true, "", true}, {true, "1", false}, {false, "", false}, {false, "1", false}} {
		getenv := func(name string) string {
			if name == "NO_COLOR" {
				return c.noColor
			}
			return environment(name)
		}
		var out, stderr strings.Builder
		p := &Process{Args: []string{"diff", file}, Getenv: getenv, Stdout: &out, Stderr: &stderr, terminal: c.terminal}
		if err := p.run(); err != nil || stderr.String() != "" {
			t.Fatalf("%v: %s", err, &stderr)
		}
		if !strings.Contains(out.String(), "db-replica") || strings.Contains(out.String(), "\x1b[32m+") != c.coloured || strings.Contains(out.String(), "\x1b") != c.coloured {
			t.Errorf("%+v:\n%q", c, out.String())
		}
	}
}
