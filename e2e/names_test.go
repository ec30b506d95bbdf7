package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestAdmissionNames: the operator makes the Job that clones the replica, for a primary
// of every length that CloudNativePG admits, and the one that clones the primary, for
// every length for which cnpg-pair asks for it. It names them after the Cluster, and
// where Kubernetes refuses such a name, nobody is told.
func TestAdmissionNames(t *testing.T) {
	plane := theControlPlane(t)
	for _, c := range []struct {
		what    string
		longest int
		env     []string
		cloned  func(primary, replica string) string
	}{
		{"replica", 50, hotStandby, func(_, replica string) string { return replica }},
		{"primary", 48, on("CNPG_PAIR_ACTIVE=replica", "CNPG_PAIR_FAILOVER=done", "CNPG_PAIR_CLONE=primary"), func(primary, _ string) string { return primary }},
	} {
		t.Run(c.what, func(t *testing.T) {
			namespace := plane.namespace(t, "names-"+c.what)
			var chart strings.Builder
			for length := 1; length <= c.longest; length++ {
				fmt.Fprintf(&chart, "---\napiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: %s}\nspec: {instances: 1, storage: {size: 1Gi}}\n", strings.Repeat("a", length))
			}
			pairs, stderr, err := run(c.env, chart.String(), binary)
			if err != nil {
				t.Fatal(stderr)
			}
			plane.kubectl(t, pairs, "-n", namespace, "apply", "--server-side", "-f", "-")
			replicas := make(map[string]string) // by primary
			for line := range strings.Lines(plane.kubectl(t, "", "-n", namespace, "get", "clusters.postgresql.cnpg.io", "-l", roleLabel+"=replica",
				"-o", `jsonpath={range .items[*]}{.metadata.labels.catalyst\.openova\.io/cnpg-pair} {.metadata.name}{"\n"}{end}`)) {
				primary, replica, _ := strings.Cut(strings.TrimSpace(line), " ")
				replicas[primary] = replica
			}
			if len(replicas) != c.longest {
				t.Fatalf("there are %d replicas, want %d", len(replicas), c.longest)
			}
			without(t, "a replica of 49 or 50 characters was admitted, and never cloned: no Job, no event, Setting up primary for ever")
			eventually(t, 3*time.Minute, "a Job for each clone", func() error {
				jobs := "\n" + plane.kubectl(t, "", "-n", namespace, "get", "jobs", "-o", `jsonpath={range .items[*]}{.metadata.name}{"\n"}{end}`)
				for length := 1; length <= c.longest; length++ {
					primary := strings.Repeat("a", length)
					if job := c.cloned(primary, replicas[primary]) + "-1-pgbasebackup"; !strings.Contains(jobs, "\n"+job+"\n") {
						return fmt.Errorf("a primary of %d characters has no Job %s", length, job)
					}
				}
				return nil
			})
			evidence(t, "lengths of the primary's name, for which the operator makes the Job that clones the "+c.what, "1 to %d", c.longest)
		})
	}
}
