package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// runbookShell is a shell that a reader of the runbook has set up for Helm.
func (n *namespace) runbookShell(t *testing.T) *shell {
	t.Helper()
	bin := t.TempDir()
	for link, program := range map[string]string{"helm": n.cluster.helm, "kubectl": n.kube, "cnpg-pair": binary} {
		if err := os.Symlink(program, filepath.Join(bin, link)); err != nil {
			t.Fatal(err)
		}
	}
	s := newShell(t, append(slices.Clone(n.env), "PATH="+bin+":"+os.Getenv("PATH")), append(slices.Clone(n.prefix), "sh")...)
	s.blocks(t, setup(t, "Helm"))
	// as a reader changes the values at the top
	s.paste(t, "export NAMESPACE="+n.name+" SOVEREIGN_PRIMARY_REGION=region-a SOVEREIGN_REPLICA_REGION=region-b")
	return s
}

// testRunbook pastes the procedures of docs/runbook.md for Helm into a shell, where
// PostgreSQL is real: what the page waits for is what there is.
func testRunbook(t *testing.T, c *cluster) {
	n := c.namespace(t, "runbook")
	n.helm(t, hotStandby)
	n.healthy(t, x, replica)
	n.client(t, "client", "region-b", "sleep infinity")
	n.login(t, "client", x+"-rw", table)

	s := n.runbookShell(t)

	rows := 0
	section := func(heading, active string) {
		t.Helper()
		s.blocks(t, runbook(t, heading))
		n.answer(t, "client", active+"-rw", "INSERT INTO numbers DEFAULT VALUES") // after its restart
		rows++
		if got := n.answer(t, "client", active+"-rw", "SELECT count(*) FROM numbers"); got != fmt.Sprint(rows) {
			t.Errorf("after %q there are %s rows on %s, want %d", heading, got, active, rows)
		}
	}
	section("Planned switchover", replica)
	section("Switch back", x)

	// its region is not lost here: but what the replica has not received by now, it never will
	eventually(t, time.Minute, "every row on the replica", func() error {
		got, err := n.sql("client", replica+"-rw", "SELECT count(*) FROM numbers")
		return want(got, fmt.Sprint(rows), err)
	})
	// nor is the primary: it may have rows of its own, so that it cannot follow
	lost := runbook(t, "The primary's region is lost")
	s.block(t, containing(t, lost, "set_active none"))
	s.block(t, containing(t, lost, "set_active replica now"))
	// which restarts: what deletes a standby waits until the other one takes writes
	left := runbook(t, "A standby is lost")
	s.block(t, containing(t, left, "STANDBY=$CLUSTER"))
	for _, b := range left[2:] {
		out := s.block(t, b)
		if strings.Contains(b.text, "kubectl logs") && !strings.Contains(out, "logger") {
			t.Errorf("no log of PostgreSQL:\n%s", out)
		}
		if strings.Contains(b.text, "$CREATE") {
			s.paste(t, "export CNPG_PAIR_REPLICATION=sync") // as the last step says
		}
	}
	section("Switch back", x) // with synchronous replication now

	many := runbook(t, "Many releases")
	s.block(t, containing(t, many, `meta\.helm`))
	s.paste(t, "grep '^"+n.name+" ' tenants.txt > ours.txt && mv ours.txt tenants.txt") // the other tests have pairs too
	s.block(t, containing(t, many, "each() ("))
	s.block(t, containing(t, many, "switch_over() {"))
	block := func(part string) string {
		t.Helper()
		out := s.block(t, containing(t, many, part))
		if strings.Contains(out, "FAILED") {
			t.Fatal(part, out)
		}
		return out
	}
	block("each switch_over")
	block("roles() {") // who was promoted a moment ago restarts, and does not answer
	eventually(t, time.Minute, "each member as its state says", func() error {
		return want(s.paste(t, "each roles"), fmt.Sprintf("%s blog: %s t, %s f\n", n.name, x, replica), nil)
	})
	if out, takes := block("promoted() {"), fmt.Sprintf("%s blog: %s takes writes\n", n.name, replica); !strings.Contains(out, takes) {
		t.Fatalf("it prints no %q:\n%s", takes, out)
	}
	block("each switch_back")
	section("The replica's region is lost", x)
	s.blocks(t, runbook(t, "Turn hot standby off"))
	if got := n.kubectl(t, "get", clusters, "-o", "name"); strings.Contains(got, replica) {
		t.Errorf("hot standby is off, and there is %s", got)
	}
	n.healthy(t, x)
	evidence(t, "blocks of the runbook, with real PostgreSQL", "%d, by Helm %s", len(s.pasted), strings.TrimSpace(s.paste(t, "helm version --short")))
}
