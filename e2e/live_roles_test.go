package e2e

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	x       = "blog-db" // the Cluster of the example chart
	replica = "blog-db-replica"
)

// the settings of each step
func activeNone() []string { return []string{"CNPG_PAIR_ACTIVE=none"} }
func promoted(member, token string) []string {
	return []string{"CNPG_PAIR_ACTIVE=" + member, "CNPG_PAIR_PROMOTION_TOKEN=" + token}
}
func failover(word string) []string {
	return []string{"CNPG_PAIR_ACTIVE=replica", "CNPG_PAIR_FAILOVER=" + word}
}

// testSidesChangedByKubectl: of a chart whose Cluster has no bootstrap.
func testSidesChangedByKubectl(t *testing.T, c *cluster) {
	n := c.namespace(t, "kubectl")
	chart := n.template(t)
	before, rest, found := strings.Cut(chart, "  bootstrap:\n")
	_, after, foundToo := strings.Cut(rest, "  storage:\n")
	if !found || !foundToo {
		t.Fatalf("the example chart is another one:\n%s", chart)
	}
	chart = before + "  storage:\n" + after
	testSidesChanged(t, n, 1, func(t *testing.T, env []string) { n.applied(t, n.rendered(t, env, chart)) })
}

// testSidesChangedByHelm: each step a second time too, as one does who was
// interrupted.
func testSidesChangedByHelm(t *testing.T, c *cluster) {
	n := c.namespace(t, "helm")
	testSidesChanged(t, n, 1, func(t *testing.T, env []string) {
		n.helm(t, env)
		n.helm(t, env)
	})
}

// testSidesChangedByHelm4: with two instances in each member.
func testSidesChangedByHelm4(t *testing.T, c *cluster) {
	n := c.namespace(t, "helm4")
	h := helms(t)["Helm 4"]
	testSidesChanged(t, n, 2, func(t *testing.T, env []string) {
		t.Helper()
		args := slices.Concat([]string{h.program, "-n", n.name, "upgrade", "--install", "blog", "../examples/tenant", "--no-hooks",
			"--set", n.values() + ",database.instances=2"}, h.postRenderer)
		if _, err := n.run(append(slices.Clone(h.env), env...), "", args...); err != nil {
			t.Fatal(err)
		}
	})
}

// testSidesChanged makes the replica the active member, and the primary again,
// while an application writes to whichever member takes it. Nobody compares
// positions: the operator does.
func testSidesChanged(t *testing.T, n *namespace, instances int, step func(t *testing.T, env []string)) {
	step(t, hotStandby)
	n.healthyWith(t, instances, x, replica)
	n.client(t, "client", "region-b", work)
	n.login(t, "client", x+"-rw", "CREATE TABLE numbers (n bigserial PRIMARY KEY, at timestamptz DEFAULT clock_timestamp())")
	n.client(t, "writer", "region-a", writer(x+"-rw,"+replica+"-rw", drip(20))) // a session that stays open holds up a restart
	n.beyond(t, "client", replica, 100)
	volumes := n.volumes(t)

	for _, way := range []struct{ from, to, member string }{{x, replica, "replica"}, {replica, x, "primary"}} {
		name := "to " + way.to
		first := n.last(t, "client", way.from)
		start := time.Now()
		step(t, on(activeNone()...))
		token := n.token(t, way.from)
		evidence(t, name+": from --active none to the token", "%.1f s", time.Since(start).Seconds())

		start = time.Now()
		step(t, on(promoted(way.member, token)...))
		n.beyond(t, "client", way.to, first)
		last := n.last(t, "client", way.to)
		n.beyond(t, "client", way.to, last)
		evidence(t, name+": from the promotion to a new row", "%.1f s", time.Since(start).Seconds())
		eventually(t, 2*time.Minute, way.from+" that follows "+way.to, func() error { return n.follows(way.from, way.to) })
		n.healthyWith(t, instances, x, replica)
		last = n.last(t, "client", way.to)
		n.beyond(t, "client", way.to, last+50)
		n.beyond(t, "client", way.from, last+50)
		evidence(t, name+": longest pause between two writes", "%s", n.pause(t, way.to+"-rw", first))
		if _, err := n.sql("client", way.from+"-rw", "INSERT INTO numbers DEFAULT VALUES"); err == nil {
			t.Errorf("%s still takes writes", way.from)
		}
	}

	// the pair at rest again
	started := n.super(t, n.primary(t, x), "SELECT pg_postmaster_start_time()")
	step(t, hotStandby)
	n.beyond(t, "client", replica, n.last(t, "client", x)+50)
	eventually(t, time.Minute, replica+" that follows "+x, func() error { return n.follows(replica, x) })
	if again := n.super(t, n.primary(t, x), "SELECT pg_postmaster_start_time()"); again != started {
		t.Errorf("without the token, the server of %s was started at %s, not at %s", x, again, started)
	}

	acked := numbers(n.written(t))
	for _, member := range []string{x, replica} {
		eventually(t, 20*time.Second, "the last row on "+member, func() error {
			got, err := n.sql("client", member+"-rw", "SELECT max(n) FROM numbers")
			return want(got, fmt.Sprint(acked[len(acked)-1]), err)
		})
		lost := missing(acked, n.found(t, "client", member+"-rw"))
		evidence(t, "rows acknowledged on the way there and back, and lost of them on "+member, "%d, %d", len(acked), len(lost))
		if len(lost) > 0 {
			t.Errorf("%d of %d acknowledged rows are not on %s, the first is %d", len(lost), len(acked), member, lost[0])
		}
	}
	if now := n.volumes(t); now != volumes {
		t.Errorf("the volumes were %s and are %s: something was cloned again", volumes, now)
	}
	evidence(t, "volumes cloned again", "none")
}

// token waits for the demotion token of a Cluster.
func (n *namespace) token(t *testing.T, cluster string) (token string) {
	t.Helper()
	eventually(t, 2*time.Minute, "a demotion token of "+cluster, func() (err error) {
		if token, err = n.try("get", clusters, cluster, "-o", "jsonpath={.status.demotionToken}"); err == nil && token == "" {
			err = errors.New("there is none")
		}
		return err
	})
	return token
}

// primary is the Pod of a Cluster's primary instance.
func (n *namespace) primary(t *testing.T, cluster string) string {
	t.Helper()
	return n.kubectl(t, "get", clusters, cluster, "-o", "jsonpath={.status.currentPrimary}")
}

// last is the number of the newest row.
func (n *namespace) last(t *testing.T, client, member string) int {
	t.Helper()
	return numbers(n.answer(t, client, member+"-rw", "SELECT coalesce(max(n), 0) FROM numbers"))[0]
}

// beyond waits for a newer row.
func (n *namespace) beyond(t *testing.T, client, member string, row int) {
	t.Helper()
	eventually(t, 2*time.Minute, fmt.Sprintf("a row beyond %d on %s", row, member), func() error {
		got, err := n.sql(client, member+"-rw", fmt.Sprintf("SELECT max(n) > %d FROM numbers", row))
		return want(got, "t", err)
	})
}

// volumes are the identities of the databases' volumes.
func (n *namespace) volumes(t *testing.T) string {
	t.Helper()
	return n.kubectl(t, "get", "pvc", "-o", `jsonpath={range .items[*]}{.metadata.name}={.metadata.uid} {end}`)
}

// TestLiveUnderLoad promotes the replica while the primary lives and takes rows as
// fast as it can: in the right order, in one step, and without a fence.
func TestLiveUnderLoad(t *testing.T) {
	c := theCluster(t)
	orders := []struct {
		name    string
		promote func(*namespace, *testing.T)
	}{
		{"--active none, and then with the token", func(n *namespace, t *testing.T) {
			n.helm(t, on(activeNone()...))
			n.helm(t, on(promoted("replica", n.token(t, x))...))
		}},
		{"--failover now", func(n *namespace, t *testing.T) {
			n.helm(t, on(failover("now")...))
		}},
		{"by hand, with nothing that stops the primary", func(n *namespace, t *testing.T) {
			patch := []string{"patch", clusters, replica, "--type", "merge", "--patch", `{"spec": {"replica": {"enabled": false}}}`}
			if _, err := n.try(patch...); err == nil || !strings.Contains(err.Error(), "would take writes with old data") {
				t.Errorf("the guard has not refused it: %v", err)
			}
			n.kubectl(t, "annotate", clusters, replica, "cnpg-pair.openova.io/allow=promote")
			n.kubectl(t, patch...)
		}},
	}
	pairs := make([]*namespace, len(orders))
	for i := range orders {
		pairs[i] = c.namespace(t, fmt.Sprintf("order-%d", i))
		pairs[i].helm(t, hotStandby)
	}
	for i, order := range orders {
		t.Run(order.name, func(t *testing.T) {
			n := pairs[i]
			n.healthy(t, x, replica)
			n.client(t, "client", "region-b", "sleep infinity")
			n.login(t, "client", x+"-rw", "CREATE TABLE numbers (n bigserial PRIMARY KEY, at timestamptz DEFAULT clock_timestamp())")
			n.client(t, "writer", "region-a", writer(x+"-rw", flood(200)))
			n.beyond(t, "client", replica, 1000)
			order.promote(n, t)
			eventually(t, 2*time.Minute, "a promoted replica", func() error {
				got, err := n.trySuper(replica+"-1", "SELECT pg_is_in_recovery()")
				return want(got, "f", err)
			})
			time.Sleep(5 * time.Second) // of an application that has not heard of it
			acked := numbers(n.written(t))
			n.healthy(t, replica)
			lost := missing(acked, n.found(t, "client", replica+"-rw"))
			evidence(t, "rows that the old primary acknowledged, and lost of them", "%d, %d", len(acked), len(lost))
			if i == 0 && len(lost) > 0 {
				t.Errorf("%d of %d acknowledged rows are lost, the first is %d", len(lost), len(acked), lost[0])
			}
		})
	}
}

// testUnpinned turns hot standby on for a living Cluster whose annotation leaves
// the primary where it is.
func testUnpinned(t *testing.T, c *cluster) {
	n := c.namespace(t, "unpinned")
	const head = "kind: Cluster\nmetadata:\n"
	chart := n.template(t)
	if !strings.Contains(chart, head) {
		t.Fatalf("the example chart has no %q", head)
	}
	chart = strings.Replace(chart, head, head+"  annotations: {cnpg-pair.openova.io/pin: replica}\n", 1)
	n.applied(t, n.rendered(t, nil, chart))
	n.healthy(t, x)
	primary, other := n.region(t, x+"-1"), "region-a"
	if primary == "region-a" {
		other = "region-b"
	}
	n.client(t, "client", primary, work)
	n.login(t, "client", x+"-rw", "CREATE TABLE numbers (n bigserial PRIMARY KEY, at timestamptz DEFAULT clock_timestamp())")
	n.client(t, "writer", primary, writer(x+"-rw", drip(1e6)))
	n.beyond(t, "client", x, 100)

	server := func() string {
		return n.kubectl(t, "get", "pod", x+"-1", "-o", `jsonpath={.metadata.uid} {.status.containerStatuses[0].restartCount} {.status.containerStatuses[0].state}`) +
			n.super(t, x+"-1", "SELECT pg_postmaster_start_time()")
	}
	before, first := server(), n.last(t, "client", x)
	start := time.Now()
	n.applied(t, n.rendered(t, []string{"SOVEREIGN_ENABLE_HOT_STANDBY=true", "SOVEREIGN_PRIMARY_REGION=" + primary, "SOVEREIGN_REPLICA_REGION=" + other}, chart))
	n.healthy(t, x, replica)
	eventually(t, time.Minute, "a replica that streams", func() error { return n.follows(replica, x) })
	evidence(t, "from kubectl apply to a streaming, healthy pair", "%.0f s", time.Since(start).Seconds())
	n.beyond(t, "client", replica, n.last(t, "client", x))
	if got := n.region(t, replica+"-1"); got != other {
		t.Errorf("the replica is in %s, want %s", got, other)
	}

	log := n.written(t)
	if after := server(); after != before {
		t.Errorf("the primary's server was %s and is %s", before, after)
	}
	evidence(t, "restarts of the primary's Pod", "none")
	acked := numbers(log)
	failed := strings.Count(log+"\n", "\n") - len(acked) // lines that are no numbers
	evidence(t, "inserts meanwhile, and failed of them", "%d, %d", len(acked), failed)
	if failed > 0 {
		t.Errorf("%d inserts failed: %s", failed, log)
	}
	evidence(t, "longest pause between two writes", "%s", n.pause(t, x+"-rw", first))
}

// testReplicaAway looks what a client of a synchronous primary sees without the
// replica.
func testReplicaAway(t *testing.T, n *namespace) {
	n.kubectl(t, "annotate", clusters, replica, `cnpg.io/fencedInstances=["*"]`)
	eventually(t, time.Minute, "a replica that is away", func() error {
		got, err := n.trySuper(x+"-1", "SELECT count(*) FROM pg_stat_replication")
		return want(got, "0", err)
	})
	start := time.Now()
	commit := make(chan error)
	go func() {
		_, err := n.sql("survivor", x+"-rw", "INSERT INTO numbers DEFAULT VALUES")
		commit <- err
	}()
	eventually(t, 20*time.Second, "a commit that waits", func() error {
		got, err := n.trySuper(x+"-1", "SELECT wait_event FROM pg_stat_activity WHERE query LIKE 'INSERT INTO numbers%'")
		return want(got, "SyncRep", err)
	})
	n.login(t, "survivor", x+"-rw", "SELECT count(*) FROM numbers") // reads go on
	select {
	case err := <-commit:
		t.Errorf("the commit has returned without the replica (%v)", err)
	case <-time.After(10 * time.Second):
	}
	back := time.Now()
	n.kubectl(t, "annotate", clusters, replica, "cnpg.io/fencedInstances-")
	if err := <-commit; err != nil {
		t.Errorf("the commit has failed: %v", err)
	}
	evidence(t, "a commit waited while the replica was away, and returned once it was back", "%.0f s, after %.1f s", back.Sub(start).Seconds(), time.Since(back).Seconds())
}

// testRegionBack starts the lost node again, and makes the old primaries follow
// the new ones.
func testRegionBack(t *testing.T, c *cluster, pairs map[string]*namespace) {
	c.script(t, "boot", "node-a")
	for mode, n := range pairs {
		eventually(t, 4*time.Minute, "an old primary that is back, in mode "+mode, func() error {
			_, err := n.try("exec", x+"-1", "-c", "postgres", "--", "sh", "-c", `ls "$PGDATA/standby.signal"`)
			return err
		})
	}
	for until := time.Now().Add(20 * time.Second); time.Now().Before(until); time.Sleep(time.Second) {
		for mode, n := range pairs {
			if _, err := n.sql("survivor", x+"-rw", "INSERT INTO numbers DEFAULT VALUES"); err == nil {
				t.Fatalf("the old primary takes writes, in mode %s", mode)
			}
			if got, _ := n.trySuper(x+"-1", "SELECT pg_is_in_recovery()"); got == "f" {
				t.Fatalf("the old primary is no standby, in mode %s", mode)
			}
		}
	}
	evidence(t, "writes that the old primary took in 20 s, back on the network", "none")

	for mode, n := range pairs {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			testFollowsAgain(t, n, mode)
		})
	}
}

// testFollowsAgain deletes the old primary's Cluster, and clones it from the new one.
func testFollowsAgain(t *testing.T, n *namespace, mode string) {
	// the application's password, which would go with its Cluster
	n.kubectl(t, "patch", "secret", x+"-app", "--type", "json", "--patch", `[{"op": "remove", "path": "/metadata/ownerReferences"}]`)
	before := n.kubectl(t, "get", "secrets", "-o", "name")
	n.kubectl(t, "delete", clusters, x)
	// Its instance manager may take the PID in the postmaster.pid of the crash for a
	// server that runs, and wait for it, four minutes: which proves nothing here.
	n.kubectl(t, "delete", "pod", x+"-1", "--grace-period=0", "--force", "--ignore-not-found")
	took := elapsed(t, 6*time.Minute, "nothing of the old primary", func() error {
		got, err := n.try("get", "pods,pvc", "-l", "cnpg.io/cluster="+x, "-o", "name")
		return want(got, "", err)
	})
	t.Logf("nothing of the old primary after %.0f s", took.Seconds())
	after := n.kubectl(t, "get", "secrets", "-o", "name")
	var gone []string
	for _, secret := range strings.Fields(before) {
		if !strings.Contains(after+"\n", secret+"\n") {
			gone = append(gone, strings.TrimPrefix(secret, "secret/"))
		}
	}
	evidence(t, "secrets that went with the old primary", "%s", strings.Join(gone, ", "))
	n.login(t, "survivor", replica+"-rw", "INSERT INTO numbers DEFAULT VALUES")
	n.helm(t, on(append(failover("done"), "CNPG_PAIR_REPLICATION="+mode, "CNPG_PAIR_CLONE=primary")...))

	eventually(t, 4*time.Minute, "an old primary that follows", func() error { return n.follows(x, replica) })
	n.healthy(t, x, replica)
	n.answer(t, "survivor", replica+"-rw", "INSERT INTO numbers DEFAULT VALUES")
	const all = "SELECT count(*), sum(n) FROM numbers"
	eventually(t, 20*time.Second, "all rows on the old primary", func() error {
		got, err := n.sql("survivor", x+"-rw", all)
		return want(got, n.login(t, "survivor", replica+"-rw", all), err)
	})
	eventually(t, time.Minute, "replication that is "+mode, func() error {
		got, err := n.trySuper(replica+"-1", "SELECT sync_state FROM pg_stat_replication")
		return want(got, mode, err)
	})
	evidence(t, "rows on the old primary, cloned again, and on the new one", "%s", n.login(t, "survivor", x+"-rw", "SELECT count(*) FROM numbers"))
}
