package e2e

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// vulnDB writes a database of vulnerabilities that knows one in this function of a
// module, or none.
func vulnDB(t *testing.T, module, pkg, symbol string) string {
	t.Helper()
	const modified = "2026-01-01T00:00:00Z"
	modules, ids := []any{}, []any{}
	dir := t.TempDir()
	write := func(name string, value any) {
		text, err := json.Marshal(value)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), text, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if module != "" {
		modules = append(modules, map[string]any{"path": module, "vulns": []any{map[string]any{"id": "GO-2026-0001", "modified": modified}}})
		ids = append(ids, map[string]any{"id": "GO-2026-0001", "modified": modified, "aliases": []string{}})
		write("ID/GO-2026-0001.json", map[string]any{
			"schema_version": "1.3.1", "id": "GO-2026-0001", "modified": modified, "published": modified,
			"summary": "invented by a test", "details": "invented by a test",
			"database_specific": map[string]any{"url": "https://example.com/GO-2026-0001"},
			"affected": []any{map[string]any{
				"package":            map[string]any{"name": module, "ecosystem": "Go"},
				"ranges":             []any{map[string]any{"type": "SEMVER", "events": []any{map[string]any{"introduced": "0"}}}},
				"ecosystem_specific": map[string]any{"imports": []any{map[string]any{"path": pkg, "symbols": []string{symbol}}}},
			}},
		})
	}
	write("index/db.json", map[string]any{"modified": modified})
	write("index/modules.json", modules)
	write("index/vulns.json", ids)
	return "file://" + dir
}

// TestVuln: make vuln fails on what is vulnerable in either program, and on a database
// that answers with an error; it skips, and says so, only where there is none.
func TestVuln(t *testing.T) {
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "broken", http.StatusInternalServerError)
	}))
	defer broken.Close()
	gone := httptest.NewServer(nil)
	gone.Close()
	for _, c := range []struct {
		name, db, want string
		fails          bool
	}{
		{"nothing known", vulnDB(t, "", "", ""), "No vulnerabilities found.", false},
		{"in code that is called", vulnDB(t, "github.com/spf13/pflag", "github.com/spf13/pflag", "FlagSet.Parse"), "Your code is affected by 1 vulnerability", true},
		{"in code that only flux calls", vulnDB(t, "sigs.k8s.io/kustomize/api", "sigs.k8s.io/kustomize/api/krusty", "Kustomizer.Run"), "Your code is affected by 1 vulnerability", true},
		{"a database with errors", broken.URL, "vuln: failed", true},
		{"no database", "", "vuln: SKIPPED, nothing was checked: the vulnerability database cannot be reached: ", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			check := exec.Command("make", "-C", "..", "vuln")
			if c.db != "" {
				check.Args = append(check.Args, "VULNFLAGS=-db "+c.db)
			} else {
				// the real one, by a way that leads nowhere; Go has its modules from before
				modules, _, err := run(nil, "", "go", "env", "GOMODCACHE")
				if err != nil {
					t.Fatal(err)
				}
				check.Env = append(os.Environ(), "HTTPS_PROXY="+gone.URL, "GOSUMDB=off",
					"GOPROXY=file://"+filepath.Join(strings.TrimSpace(modules), "cache", "download"))
			}
			out, err := check.CombinedOutput()
			if (err != nil) != c.fails || !strings.Contains(string(out), c.want) {
				t.Errorf("%v, without %q:\n%s", err, c.want, out)
			}
		})
	}
}
