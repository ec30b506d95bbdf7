package postrender_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// TestOperatorSamples sends every sample of the CNPG module through the
// renderer: each Cluster comes out as the right pair, or is left alone for a
// reason.
func TestOperatorSamples(t *testing.T) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/cloudnative-pg/cloudnative-pg").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "docs", "src", "samples", "*.yaml*"))
	if err != nil || len(files) < 60 {
		t.Fatalf("only %d samples of CNPG: %v", len(files), err)
	}
	paired := 0
	alone := make(map[string]int)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			in, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for i, c := range matrix() {
				if few() && (i+len(file))%22 != 0 {
					continue
				}
				out, decisions, err := render(t, c, in)
				if err != nil && (c.Active != "" || c.Failover == "now") && strings.Contains(err.Error(), "cannot be paired: it has its own settings for synchronous") {
					alone["an error with another member active"]++
					continue
				}
				if err != nil && c.PromotionToken != "" && strings.Contains(err.Error(), "one token is given") {
					alone["one token for several"]++
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				judgeStream(t, c, in, out, decisions)
				for _, d := range decisions {
					if d.Action == postrender.Paired {
						paired++
					} else {
						alone[string(d.Action)+": "+d.Reason]++
					}
				}
			}
		})
	}
	t.Logf("%d files, %d Clusters paired under %d settings", len(files), paired, len(matrix()))
	for reason, n := range alone {
		t.Logf("%d %s", n, reason)
	}
	if paired < 50*len(matrix())-20 && !few() {
		t.Errorf("only %d Clusters of the samples were paired", paired)
	}
}
