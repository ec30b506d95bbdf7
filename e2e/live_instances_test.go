package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// testLocalFailover loses the primary instance of the Cluster that takes writes, with its
// volume, while another instance of this Cluster lags behind the replica.
func testLocalFailover(t *testing.T, c *cluster) {
	c.ours(t, "an instance must be held up by a firewall rule")
	for _, shape := range []struct {
		name      string
		mode      string
		instances int
		former    bool // commits wait for the replica, and for none of the other instances
	}{
		{"2 instances, sync", "sync", 2, false},
		{"3 instances, sync", "sync", 3, false},
		{"2 instances, sync, as one waits", "sync", 2, true},
		{"2 instances, async", "async", 2, false},
	} {
		t.Run(shape.name, func(t *testing.T) {
			t.Parallel()
			n := c.namespace(t, fmt.Sprintf("%s-%d-%t", shape.mode, shape.instances, shape.former))
			chart, settings := n.bootstrapped(t, noBootstrap, shape.instances), on("CNPG_PAIR_REPLICATION="+shape.mode)
			n.applied(t, n.rendered(t, settings, chart))
			n.healthyWith(t, shape.instances, x, replica)
			if shape.former {
				n.kubectl(t, "patch", clusters, x, "--type", "merge", "--patch",
					`{"spec": {"postgresql": {"synchronous": {"number": 1, "maxStandbyNamesFromCluster": 0, "failoverQuorum": false}}}}`)
				eventually(t, time.Minute, "commits that wait for the replica only", func() error {
					got, err := n.trySuper(n.primary(t, x), "SHOW synchronous_standby_names")
					return want(got, `FIRST 1 ("`+replica+`")`, err)
				})
			}
			n.client(t, "client", "region-b", work)
			n.login(t, "client", x+"-rw", table)
			n.client(t, "writer", "region-b", writer(x+"-rw", drip(20)))
			n.beyond(t, "client", replica, 40)

			first := n.primary(t, x)
			behind := n.chosen(t, first)
			n.holdUp(t, first, behind)
			held := n.last(t, "client", replica)
			if shape.mode == "sync" && shape.instances == 2 && !shape.former {
				time.Sleep(10 * time.Second) // of commits that must wait
			} else {
				n.beyond(t, "client", replica, held+60)
			}
			n.kubectl(t, "delete", "pvc", first, "--wait=false")
			n.kubectl(t, "delete", "pod", first, "--grace-period=0", "--force")
			eventually(t, 2*time.Minute, "another primary instance", func() error {
				now, err := n.try("get", clusters, x, "-o", "jsonpath={.status.currentPrimary}")
				if err == nil && (now == "" || now == first) {
					err = errors.New("it is " + now)
				}
				return err
			})
			promotedInstance := n.primary(t, x)

			// what X-replica does about it, before anybody helps
			follows, forked := n.followsOrForked(t, replica, x)
			if shape.former && forked {
				// each commit waits for it: what was lost can be counted only without that
				n.applied(t, n.rendered(t, hotStandby, chart))
			}
			if forked && !shape.former { // as the runbook says
				n.kubectl(t, "delete", clusters, replica)
				eventually(t, 3*time.Minute, "nothing of the replica", func() error {
					got, err := n.try("get", "pods,pvc", "-l", "cnpg.io/cluster="+replica, "-o", "name")
					return want(got, "", err)
				})
				n.applied(t, n.rendered(t, settings, chart))
			}
			n.answer(t, "client", x+"-rw", "SELECT n FROM numbers LIMIT 1")
			acked := numbers(n.written(t))
			lost := missing(acked, n.found(t, "client", x+"-rw"))
			if shape.mode == "sync" && !shape.former {
				without(t, "see the shape in which no commit waits for another instance: rows are lost, and the replica cannot follow")
			}
			evidence(t, "rows acknowledged, and lost of them with the primary instance and its volume", "%d, %d", len(acked), len(lost))
			evidence(t, "afterwards "+replica, "%s", map[bool]string{true: "follows", false: "cannot follow, and its log says so"}[follows])
			switch {
			case len(acked) < 40:
				t.Errorf("only %d rows were acknowledged: that proves nothing", len(acked))
			case shape.former && len(lost) == 0:
				t.Errorf("%s was behind, has been promoted (%s), and no row is lost: that proves nothing about the other shapes", behind, promotedInstance)
			case shape.mode == "sync" && !shape.former && len(lost) > 0:
				t.Errorf("%d acknowledged rows are lost, the first is %d", len(lost), lost[0])
			}
			if shape.former {
				return
			}
			eventually(t, 4*time.Minute, replica+" that follows", func() error { return n.follows(replica, x) })
			n.answer(t, "client", x+"-rw", "INSERT INTO numbers DEFAULT VALUES")
			n.beyond(t, "client", replica, n.last(t, "client", x)-1)
		})
	}
}

// chosen is an instance of X that is not the primary one.
func (n *namespace) chosen(t *testing.T, primary string) string {
	t.Helper()
	for _, pod := range strings.Fields(n.kubectl(t, "get", "pods", "-l", "cnpg.io/cluster="+x+",cnpg.io/podRole=instance", "-o", "jsonpath={.items[*].metadata.name}")) {
		if pod != primary {
			return pod
		}
	}
	t.Fatalf("%s has one instance only", x)
	return ""
}

// holdUp drops what one Pod sends to another one on node-a, for the rest of the test.
func (n *namespace) holdUp(t *testing.T, from, to string) {
	t.Helper()
	init, err := os.ReadFile(filepath.Join(n.state, "node-a", "init"))
	if err != nil {
		t.Fatal(err)
	}
	address := func(pod string) string { return n.kubectl(t, "get", "pod", pod, "-o", "jsonpath={.status.podIP}") }
	rule := []string{"FORWARD", "-s", address(from), "-d", address(to), "-j", "DROP"}
	iptables := func(verb string) ([]byte, error) {
		args := append([]string{"--net", "--target", strings.TrimSpace(string(init)), "iptables", "--wait", verb}, rule...)
		return exec.Command("nsenter", args...).CombinedOutput()
	}
	if out, err := iptables("-I"); err != nil {
		t.Fatalf("iptables: %v: %s", err, out)
	}
	t.Cleanup(func() { iptables("-D") })
}

// followsOrForked waits until a standby follows a Cluster that has another primary
// instance, or its log says why it cannot.
func (n *namespace) followsOrForked(t *testing.T, standby, of string) (follows, forked bool) {
	t.Helper()
	eventually(t, 2*time.Minute, standby+" that follows, or says why not", func() error {
		if err := n.follows(standby, of); err == nil {
			follows = true
			return nil
		}
		log, err := n.try("logs", n.primary(t, standby), "-c", "postgres", "--tail=200")
		if err == nil && !strings.Contains(log, "forked off current database system timeline") {
			err = errors.New("it does neither")
		}
		forked = err == nil
		return err
	})
	return follows, forked
}

// testCommits measures how long commits wait for a synchronous standby: until it has
// written them, as synchronous_commit = on says, and until it shows them, as
// remote_apply does.
func testCommits(t *testing.T, c *cluster) {
	n := c.namespace(t, "commits")
	n.helm(t, on("CNPG_PAIR_REPLICATION=sync"))
	n.healthy(t, x, replica)
	n.client(t, "client", "region-a", work)
	n.login(t, "client", x+"-rw", table)
	n.login(t, "client", x+"-rw", "INSERT INTO numbers SELECT FROM generate_series(1, 1000)")
	n.beyond(t, "client", replica, 999)
	// commits is how long so many commits took
	commits := func(level string, count int) (time.Duration, error) {
		script := fmt.Sprintf("(echo \"SET synchronous_commit = %s;\"; yes '%s' | head -n %d) | psql -XAtq -v ON_ERROR_STOP=1 'host=%s-rw sslmode=require'", level, insert, count, x)
		start := time.Now()
		_, err := n.try("exec", "client", "--", "sh", "-c", script)
		return time.Since(start), err
	}
	for _, level := range []string{"on", "remote_apply"} {
		took, err := commits(level, 500)
		if err != nil {
			t.Fatal(err)
		}
		evidence(t, "500 commits, with synchronous_commit "+level, "%.1f s", took.Seconds())
	}

	// a report on the replica reads rows that the primary deletes and vacuums away
	for _, level := range []string{"on", "remote_apply"} {
		n.client(t, "report", "region-b", "until psql -XAtq -v ON_ERROR_STOP=1 'host="+replica+
			"-rw sslmode=require' -c 'BEGIN ISOLATION LEVEL REPEATABLE READ' -c 'SELECT count(*) FROM numbers' -c 'SELECT pg_sleep(300)'; do sleep 1; done")
		eventually(t, time.Minute, "a report that runs", func() error {
			got, err := n.trySuper(replica+"-1", "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'")
			return want(got, "1", err)
		})
		n.kubectl(t, "exec", "client", "--", "psql", "-XAtq", "-c", "SET synchronous_commit = local",
			"-c", "DELETE FROM numbers WHERE n < (SELECT max(n) - 10 FROM numbers)", "-c", "VACUUM numbers", "host="+x+"-rw sslmode=require")
		took, err := commits(level, 1)
		if err != nil {
			t.Fatal(err)
		}
		evidence(t, "a commit while a report on the replica is in the way, with synchronous_commit "+level, "%.1f s", took.Seconds())
		n.kubectl(t, "delete", "pod", "report")
	}
}
