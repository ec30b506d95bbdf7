package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestLive runs pairs of real PostgreSQL servers on nodes of two regions:
// region-a and region-b by the label openova.io/region. With LIVE=1 it starts
// such a cluster itself, as root; with CNPG_PAIR_KUBECONFIG it takes one that
// runs, with CloudNativePG in it and a default storage class, and for PostgreSQL
// the image that E2E_IMAGE names, or the operator's choice.
//
// Its tests wait most of the time, so they run side by side, the longest first. None of
// them takes a region away, and no application in them writes as fast as it can:
// TestLiveUnderLoad and TestLiveRegionLost have the machine for themselves.
func TestLive(t *testing.T) {
	c := theCluster(t)
	versions(t, c)
	if c.state != "" {
		c.beside = c.second(t)
	}
	sideBySide(t, c, []liveTest{
		{"backups on schedule", testScheduledBackup},
		{"runbook", testRunbook},
		{"cluster lost", testClusterLost},
		{"sides changed by helm 4", testSidesChangedByHelm4},
		{"a member refused", testRefused},
		{"local failover", testLocalFailover},
		{"sides changed by flux", testSidesChangedByFlux},
		{"far behind, archive", testFarBehind("store", 9002)},
		{"the object store gone", testStoreGone},
		{"two clusters", testTwoClusters},
		{"cluster lost, sync", testClusterLostSync},
		{"sides changed by kubectl", testSidesChangedByKubectl},
		{"sides changed by helm", testSidesChangedByHelm},
		{"a tablespace added", testTablespaceAdded},
		{"certificates renewed", testCertificatesRenewed},
		{"far behind, no archive", testWALKeepSize},
		{"diverged", testDiverged},
		{"commits", testCommits},
		{"turned on", testTurnedOn},
		{"parameters lowered", testParametersLowered},
		{"pair", testPair},
		{"turned on without a pin", testUnpinned},
	})
}

type liveTest struct {
	name string
	run  func(*testing.T, *cluster)
}

// sideBySide begins the tests in their order, three at once. With t.Parallel it would be
// any order.
func sideBySide(t *testing.T, c *cluster, tests []liveTest) {
	next := make(chan liveTest)
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			for test := range next {
				t.Run(test.name, func(t *testing.T) { test.run(t, c) })
			}
		})
	}
	for _, test := range tests {
		next <- test
	}
	close(next)
	group.Wait()
}

// TestMore is the same with programs that take very long to build, the Barman Cloud
// plugin and another version of PostgreSQL; and what takes longer than all others.
func TestMore(t *testing.T) {
	if os.Getenv("E2E") != "all" {
		t.Skip("takes very long to build: make e2e-all does that, and runs this test")
	}
	c := theCluster(t)
	c.ours(t, "images must be loaded for this")
	c.beside = c.second(t)
	sideBySide(t, c, []liveTest{
		{"created again, archive", testGenerations("store", 9003)},
		{"created again, plugin", testGenerations("plugin", 9013)},
		{"far behind, plugin", testFarBehind("plugin", 9012)},
		{"the Barman Cloud plugin", testPlugin},
		{"major upgrade", testMajorUpgrade},
		{"major upgrade of a pair", testMajorUpgradeOfAPair},
		{"certificates renewed, two clusters", testCertificatesRenewedInTwo},
	})
}

// ours skips a test that needs more of the cluster than Kubernetes offers.
func (c *cluster) ours(t *testing.T, need string) {
	t.Helper()
	if c.state == "" {
		t.Skip(need + ", and the cluster of CNPG_PAIR_KUBECONFIG is not ours: run it with LIVE=1")
	}
}

// testPair installs the example chart with hot standby on.
func testPair(t *testing.T, c *cluster) {
	n := c.namespace(t, "pair")
	start := time.Now()
	n.helm(t, hotStandby)
	n.healthy(t, "blog-db", "blog-db-replica")
	evidence(t, "from helm install to both Clusters healthy", "%.0f s", time.Since(start).Seconds())

	for pod, region := range map[string]string{"blog-db-1": "region-a", "blog-db-replica-1": "region-b"} {
		if got := n.region(t, pod); got != region {
			t.Errorf("Pod %s is in %s, want %s", pod, got, region)
		}
	}

	evidence(t, "PostgreSQL", "%s", n.super(t, "blog-db-1", "SHOW server_version"))

	n.client(t, "client", "region-a", work)
	n.login(t, "client", "blog-db-rw", table)
	n.login(t, "client", "blog-db-rw", "INSERT INTO numbers SELECT FROM generate_series(1, 1000)")
	// not -ro: the only instance of a replica Cluster is its designated primary
	for _, service := range []string{"blog-db-replica-rw", "blog-db-replica-r"} {
		eventually(t, 10*time.Second, "1000 rows at "+service, func() error {
			got, err := n.sql("client", service, "SELECT count(*) FROM numbers")
			return want(got, "1000", err)
		})
	}
	evidence(t, "rows written to the primary and read on the replica", "1000, with the same credentials at both")
	if _, err := n.sql("client", "blog-db-replica-rw", "INSERT INTO numbers DEFAULT VALUES"); err == nil ||
		!strings.Contains(err.Error(), "read-only transaction") {
		t.Errorf("INSERT at the replica: got error %v, want that it is read-only", err)
	}

	n.streaming(t, 10*time.Second, "")
	received := n.super(t, "blog-db-replica-1", "SELECT status || ' ' || conninfo FROM pg_stat_wal_receiver")
	for _, part := range []string{"streaming ", "host=blog-db-mesh ", "sslmode=verify-full"} {
		if !strings.Contains(received, part) {
			t.Errorf("the replica's receiver has no %q: %s", part, received)
		}
	}
	evidence(t, "replication link", "application_name blog-db-replica, %s, sslmode=verify-full to blog-db-mesh",
		n.super(t, "blog-db-1", "SELECT version || ' ' || cipher FROM pg_stat_ssl JOIN pg_stat_replication USING (pid)"))

	t.Run("primary Pod deleted", func(t *testing.T) {
		uid := n.kubectl(t, "get", "pod", "blog-db-1", "-o", "jsonpath={.metadata.uid}")
		start := time.Now()
		n.kubectl(t, "delete", "pod", "blog-db-1", "--wait=false")
		took := n.streaming(t, 5*time.Minute, uid)
		slower := n.slower(t, start)
		without(t, "135 s, without tcp_user_timeout")
		evidence(t, "streaming again after the primary's Pod was deleted", "%.0f s, while work took %.1f times as long as at best", took.Seconds(), slower)
		if limit := 30 * slower; took.Seconds() > limit {
			t.Errorf("streaming again after %v, want %.0f s at most", took, limit)
		}
		eventually(t, 10*time.Second, "a new row on the replica", func() error {
			if _, err := n.sql("client", "blog-db-rw", "INSERT INTO numbers DEFAULT VALUES"); err != nil {
				return err
			}
			got, err := n.sql("client", "blog-db-replica-rw", "SELECT count(*) > 1000 FROM numbers")
			return want(got, "t", err)
		})
	})
}

// testTurnedOn installs the chart without a standby, and turns that on while an
// application writes.
func testTurnedOn(t *testing.T, c *cluster) {
	n := c.namespace(t, "on")
	n.helm(t, nil)
	n.healthy(t, "blog-db")
	if got := n.kubectl(t, "get", clusters, "-o", "name"); strings.Contains(got, "replica") {
		t.Fatalf("the hotStandby is off, and there is %s", got)
	}

	// the primary must be where its volume is: a region that was chosen for it already
	primary, replica := n.region(t, "blog-db-1"), "region-a"
	if primary == "region-a" {
		replica = "region-b"
	}
	n.client(t, "client", primary, work)
	n.login(t, "client", "blog-db-rw", table)
	n.login(t, "client", "blog-db-rw", "INSERT INTO numbers SELECT FROM generate_series(1, 1000)")
	n.client(t, "writer", primary, writer("blog-db-rw", drip(20))) // a session that stays open holds up a shutdown, by three minutes
	eventually(t, time.Minute, "a writer that writes", func() error {
		got, err := n.sql("client", "blog-db-rw", "SELECT count(*) > 1100 FROM numbers")
		return want(got, "t", err)
	})

	uid := n.kubectl(t, "get", "pod", "blog-db-1", "-o", "jsonpath={.metadata.uid}")
	start := time.Now()
	n.helm(t, []string{"SOVEREIGN_ENABLE_HOT_STANDBY=true", "SOVEREIGN_PRIMARY_REGION=" + primary, "SOVEREIGN_REPLICA_REGION=" + replica})
	n.streaming(t, 5*time.Minute, uid) // the primary restarts once, for its affinity
	n.healthy(t, "blog-db", "blog-db-replica")
	evidence(t, "from helm upgrade to a streaming, healthy pair", "%.0f s", time.Since(start).Seconds())
	for pod, region := range map[string]string{"blog-db-1": primary, "blog-db-replica-1": replica} {
		if got := n.region(t, pod); got != region {
			t.Errorf("Pod %s is in %s, want %s", pod, got, region)
		}
	}
	// also of the restarted primary
	eventually(t, time.Minute, "a writer that goes on", func() error {
		got, err := n.sql("client", "blog-db-rw", "SELECT max(at) > clock_timestamp() - interval '1 second' FROM numbers")
		return want(got, "t", err)
	})

	acked := numbers(n.written(t))
	found := n.found(t, "client", "blog-db-rw")
	if len(found) < 1100 || found[0] != 1 || found[999] != 1000 {
		t.Errorf("the rows from before are not all there: %d rows", len(found))
	}
	evidence(t, "rows acknowledged meanwhile, and lost of them", "%d, %d", len(acked), len(missing(acked, found)))
	if lost := missing(acked, found); len(lost) > 0 || len(acked) < 100 {
		t.Errorf("%d of %d acknowledged rows are lost: %v", len(lost), len(acked), lost)
	}
	const all = "SELECT count(*), sum(n) FROM numbers"
	eventually(t, 20*time.Second, "a replica that has caught up", func() error {
		got, err := n.sql("client", "blog-db-replica-rw", all)
		return want(got, n.login(t, "client", "blog-db-rw", all), err)
	})
	evidence(t, "rows on both", "%d", len(found))
	evidence(t, "longest pause between two writes", "%.1f s, while work took %.1f times as long as at best", n.pause(t, "blog-db-rw", 1000), n.slower(t, start))
}

// TestLiveRegionLost takes the primaries' node away while applications write there,
// goes on in the other region, and gives the node back.
func TestLiveRegionLost(t *testing.T) {
	c := theCluster(t)
	c.ours(t, "a node must be killed for this")
	pairs := map[string]*namespace{}
	for _, mode := range []string{"async", "sync"} {
		n := c.namespace(t, mode)
		n.helm(t, on("CNPG_PAIR_REPLICATION="+mode))
		pairs[mode] = n
	}
	for mode, n := range pairs {
		n.healthy(t, "blog-db", "blog-db-replica")
		eventually(t, time.Minute, "replication that is "+mode, func() error {
			got, err := n.trySuper("blog-db-1", "SELECT sync_state FROM pg_stat_replication")
			return want(got, mode, err)
		})
		n.client(t, "survivor", "region-b", "sleep infinity")
		n.login(t, "survivor", "blog-db-rw", table)
	}
	t.Run("sync without its replica", func(t *testing.T) { testReplicaAway(t, pairs["sync"]) })
	pairs["sync"].startApplications(t, "region-b", on("CNPG_PAIR_REPLICATION=sync"))
	// where nobody writes, so that nothing diverges; meanwhile the operator settles what
	// was away, for half a minute in which it could not promote it
	still := c.namespace(t, "still")
	still.helm(t, hotStandby)
	still.healthy(t, x, replica)
	still.client(t, "survivor", "region-b", "sleep infinity")
	still.login(t, "survivor", x+"-rw", table)
	still.login(t, "survivor", x+"-rw", "INSERT INTO numbers SELECT FROM generate_series(1, 1000)")
	still.beyond(t, "survivor", replica, 999)
	volumes := still.volumes(t)
	for _, n := range pairs {
		n.client(t, "writer", "region-a", writer("blog-db-rw", flood(1e6))) // which needs no DNS when its region is cut off
	}
	for mode, n := range pairs {
		eventually(t, time.Minute, "1000 rows written in mode "+mode, func() error {
			got, err := n.sql("survivor", "blog-db-replica-rw", "SELECT count(*) >= 1000 FROM numbers WHERE application = 'psql'")
			return want(got, "t", err)
		})
	}

	// there, nothing of the server's own is written either that the replica could not hear
	eventually(t, time.Minute, "a replica that has everything", func() error {
		got, err := still.trySuper(x+"-1", "SELECT pg_current_wal_lsn() = replay_lsn FROM pg_stat_replication")
		return want(got, "t", err)
	})
	still.kubectl(t, "exec", x+"-1", "-c", "postgres", "--", "pkill", "-STOP", "-x", "postgres")

	// an application in the lost region goes on for two seconds, unheard
	c.script(t, "cut", "node-a")
	time.Sleep(2 * time.Second)
	c.script(t, "stop", "node-a")

	t.Run("promoted", func(t *testing.T) {
		for mode, n := range pairs {
			t.Run(mode, func(t *testing.T) {
				t.Parallel()
				testPromoted(t, n, mode)
			})
		}
		t.Run("nothing written", func(t *testing.T) {
			t.Parallel()
			still.helm(t, on(activeNone()...))
			still.helm(t, on(failover("now")...))
			still.answer(t, "survivor", replica+"-rw", "INSERT INTO numbers DEFAULT VALUES")
		})
	})
	t.Run("back", func(t *testing.T) { testRegionBack(t, c, pairs) })
	t.Run("back, nothing written", func(t *testing.T) {
		// the operator has made it a standby, and leaves the fence to us
		still.helm(t, on(failover("done")...))
		log := ""
		eventually(t, time.Minute, "an old primary that follows by itself, or says why not", func() error {
			if err := still.follows(x, replica); err == nil {
				return nil
			}
			var err error
			if log, err = still.try("logs", x+"-1", "-c", "postgres", "--tail=200"); err == nil && !strings.Contains(log, "forked off current database system timeline") {
				err, log = errors.New("it does neither"), ""
			}
			return err
		})
		if log != "" { // a server writes also when nobody asks it to
			evidence(t, "an old primary that nobody had written to", "had diverged, and its log says so")
			return
		}
		still.answer(t, "survivor", replica+"-rw", "INSERT INTO numbers DEFAULT VALUES")
		still.beyond(t, "survivor", x, still.last(t, "survivor", replica)-1)
		if now := still.volumes(t); now != volumes {
			t.Errorf("the volumes were %s and are %s: something was cloned again", volumes, now)
		}
		evidence(t, "volumes cloned again for an old primary that had not diverged", "none")
	})
}

// testPromoted makes the replica the active member, with the primary's region lost.
func testPromoted(t *testing.T, n *namespace, mode string) {
	n.helm(t, on(append(activeNone(), "CNPG_PAIR_REPLICATION="+mode)...)) // as the runbook goes about it
	start := time.Now()
	n.helm(t, on(append(failover("now"), "CNPG_PAIR_REPLICATION="+mode)...))
	eventually(t, 2*time.Minute, "a replica that takes writes, with the old password", func() error {
		_, err := n.sql("survivor", "blog-db-active", "CREATE TABLE promoted ()")
		return err
	})
	evidence(t, "from --failover now to the first write, with the old password, through blog-db-active", "%.1f s", time.Since(start).Seconds())
	// The operator restarts the server, and settles what belongs to a primary: so
	// what holds at first need not last.
	for settled := time.Now().Add(30 * time.Second); time.Now().Before(settled); time.Sleep(time.Second) {
		if _, err := n.sql("survivor", "blog-db-replica-rw", "SELECT"); err != nil && strings.Contains(err.Error(), "password") {
			t.Fatalf("the old password has stopped working: %v", err)
		}
	}
	n.healthy(t, "blog-db-replica")
	eventually(t, time.Minute, "a login with the old password", func() error {
		_, err := n.sql("survivor", "blog-db-replica-rw", "DROP TABLE IF EXISTS promoted")
		return err
	})

	// the node is off: what its client was told is in its log only
	logs, err := filepath.Glob(filepath.Join(n.state, "node-a", "logs", n.name+"_writer_*", "*", "*.log"))
	if err != nil || len(logs) != 1 {
		t.Fatalf("want one log of the writer, got %q, %v", logs, err)
	}
	log, err := os.ReadFile(logs[0])
	if err != nil {
		t.Fatal(err)
	}
	var told strings.Builder // lines are TIME STREAM F TEXT
	for line := range strings.Lines(string(log)) {
		if fields := strings.Fields(line); len(fields) == 4 && fields[1] == "stdout" && fields[2] == "F" {
			told.WriteString(fields[3] + "\n")
		}
	}
	acked := numbers(told.String())
	found := numbers(n.answer(t, "survivor", "blog-db-replica-rw", "SELECT n FROM numbers WHERE application = 'psql' ORDER BY n"))
	lost := missing(acked, found)
	evidence(t, "rows acknowledged", "%d", len(acked))
	evidence(t, "rows found after the promotion", "%d", len(found))
	evidence(t, "acknowledged rows lost", "%d", len(lost))
	if len(acked) < 1000 {
		t.Errorf("only %d rows were acknowledged: that proves nothing", len(acked))
	}
	if mode == "sync" && len(lost) > 0 {
		t.Errorf("%d acknowledged rows are lost, the first is %d", len(lost), lost[0])
	}
	if mode == "sync" {
		n.testApplications(t, "survivor", "region-b", "that --follow leads to "+x+"-active", applications)
	}
}

// writer inserts numbered rows at the first of some hosts that takes them, and
// prints each number once it is acknowledged. A feed is a session's statements.
func writer(hosts, feed string) string { return writes("host="+hosts+" sslmode=require", feed) }

// application is a writer that knows one name, whichever member takes writes, and
// checks that a server may have it.
func application(feed string) string {
	return "cat /ca/*.crt >/dev/shm/ca.crt\n" + writes("host="+x+"-active sslmode=verify-full sslrootcert=/dev/shm/ca.crt", feed)
}

func writes(connection, feed string) string {
	return fmt.Sprintf(`while [ ! -e /dev/shm/stop ]; do
	%s | psql -XAtq -v ON_ERROR_STOP=1 '%s target_session_attrs=read-write connect_timeout=2 tcp_user_timeout=5000' || sleep 0.1
done`, feed, connection)
}

const insert = "INSERT INTO numbers DEFAULT VALUES RETURNING n;"

// flood is as many rows as the server takes, so many a session.
func flood(session int) string { return fmt.Sprintf("yes '%s' | head -n %d", insert, session) }

// burst is twenty rows within a second, which the server paces, because a new process
// for each row would be most of the machine's work.
const burst = `yes "` + insert + ` DO 'BEGIN PERFORM pg_sleep(0.05); END';" | head -n 20`

// drip is bursts with a second between them, so many rows a session.
func drip(session int) string {
	return fmt.Sprintf("for i in $(seq %d); do [ ! -e /dev/shm/stop ] || break; %s; sleep 1; done", session/20, burst)
}

// written ends the writer, and returns its log.
func (n *namespace) written(t *testing.T) string {
	t.Helper()
	return n.writtenBy(t, "writer")
}

// writtenBy is that of a writer's Pod. On a slow machine psql has statements of minutes
// before it.
func (n *namespace) writtenBy(t *testing.T, pod string) string {
	t.Helper()
	n.kubectl(t, "exec", pod, "--", "touch", "/dev/shm/stop")
	eventually(t, 3*time.Minute, "a writer that stops", func() error {
		phase, err := n.try("get", "pod", pod, "-o", "jsonpath={.status.phase}")
		return want(phase, "Succeeded", err)
	})
	return n.kubectl(t, "logs", pod)
}

// found is what the writers wrote, as a server knows it.
func (n *namespace) found(t *testing.T, client, service string) []int {
	t.Helper()
	return numbers(n.answer(t, client, service, "SELECT n FROM numbers ORDER BY n"))
}

// foundOf is what of it one member took.
func (n *namespace) foundOf(t *testing.T, client, service, member string) []int {
	t.Helper()
	return numbers(n.answer(t, client, service, "SELECT n FROM numbers WHERE taken_by = '"+member+"' ORDER BY n"))
}

// table is where the writers write. Two members that both take writes give the same
// numbers, so each row says which one took it.
const table = "CREATE TABLE numbers (n bigserial PRIMARY KEY, at timestamptz DEFAULT clock_timestamp(), taken_by text DEFAULT current_setting('cluster_name'), application text DEFAULT current_setting('application_name'))"

// pause is the longest one, in seconds, between two rows from row from on.
func (n *namespace) pause(t *testing.T, service string, from int) float64 {
	t.Helper()
	seconds := n.answer(t, "client", service, fmt.Sprintf(
		"SELECT extract(epoch FROM max(pause)) FROM (SELECT at - lag(at) OVER (ORDER BY at) AS pause FROM numbers WHERE n >= %d) AS pauses", from))
	pause, err := strconv.ParseFloat(seconds, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pause
}

// work is what a Pod client does by which slower knows: a little each second, and how
// many milliseconds that took.
const work = `while sleep 1; do
	begin=$(date +%s%3N) i=0
	while [ $i -lt 20000 ]; do i=$((i + 1)); done
	echo $(($(date +%s%3N) - begin))
done`

// slower is how many times as long as at best the work of the Pod client took, on the
// average since a time.
func (n *namespace) slower(t *testing.T, since time.Time) float64 {
	t.Helper()
	args := []string{"logs", "client"}
	if !since.IsZero() {
		args = append(args, "--since-time="+since.UTC().Format(time.RFC3339))
	}
	took := numbers(n.kubectl(t, args...))
	if len(took) == 0 {
		t.Fatal("the Pod client has done no work")
	}
	sum := 0
	for _, ms := range took {
		sum += ms
	}
	return float64(sum) / float64(len(took)) / float64(max(slices.Min(took), 1))
}

const clusters = "clusters.postgresql.cnpg.io"

// numbers reads one number a line.
func numbers(text string) []int {
	var ns []int
	for line := range strings.Lines(text) {
		if n, err := strconv.Atoi(strings.TrimSpace(line)); err == nil {
			ns = append(ns, n)
		} // else it is a complaint of psql, in the same log
	}
	return ns
}

// missing is what of a is not in b, which is sorted.
func missing(a, b []int) []int {
	var gone []int
	for _, n := range a {
		if _, ok := slices.BinarySearch(b, n); !ok {
			gone = append(gone, n)
		}
	}
	return gone
}

// cluster is a Kubernetes cluster with nodes in two regions.
type cluster struct {
	prefix []string // what a program is run by, to reach the cluster
	env    []string
	state  string   // the directory of a cluster that cluster.sh runs, else empty
	beside *cluster // a second one of ours
	image  string   // of PostgreSQL; empty: the operator's choice
	kube   string   // kubectl
	helm   string
}

var live struct {
	once    sync.Once
	cluster *cluster
}

// theCluster returns the one of the whole run.
func theCluster(t *testing.T) *cluster {
	t.Helper()
	if os.Getenv("CNPG_PAIR_KUBECONFIG") == "" && os.Getenv("LIVE") == "" {
		t.Skip("starts a Kubernetes cluster, which takes root and minutes: set LIVE=1, or CNPG_PAIR_KUBECONFIG=FILE for one of yours")
	}
	live.once.Do(func() { live.cluster = startCluster(t) })
	if live.cluster == nil {
		t.Fatal("the cluster did not start: see the first test that needed it")
	}
	return live.cluster
}

func startCluster(t *testing.T) *cluster {
	pollEvery, patience = 2*time.Second, 3
	c := &cluster{kube: tool(t, "kubectl"), helm: tool(t, "helm3")}
	if kubeconfig := os.Getenv("CNPG_PAIR_KUBECONFIG"); kubeconfig != "" {
		c.env = []string{"KUBECONFIG=" + kubeconfig}
		c.image = os.Getenv("E2E_IMAGE")
		return c
	}
	verb := "up"
	if os.Getenv("LIVE") == "again" { // whoever writes a test takes one that is up, and keeps it
		verb = "where"
	}
	up := exec.Command("live/cluster.sh", verb)
	up.Stderr = os.Stderr
	start := time.Now()
	out, err := up.Output()
	if err != nil {
		t.Fatalf("cluster.sh up: %v", err)
	}
	t.Logf("the cluster is up after %.0f s", time.Since(start).Seconds())
	c.enter(t, string(out))
	c.image = "cnpg-pair.local/postgresql:17"
	if verb == "up" {
		atExit = append(atExit, func() { exec.Command("live/cluster.sh", "down").Run() })
	}
	c.guardOn(t)
	return c
}

// enter takes the directory of a cluster that cluster.sh runs. It does what cluster.sh
// enter does, for all programs that follow, without a shell for each.
func (c *cluster) enter(t *testing.T, state string) {
	t.Helper()
	c.state = strings.TrimSpace(state)
	init, err := os.ReadFile(filepath.Join(c.state, "control", "init"))
	if err != nil {
		t.Fatal(err)
	}
	c.prefix = []string{"nsenter", "--net", "--target", strings.TrimSpace(string(init))}
	c.env = []string{"KUBECONFIG=" + filepath.Join(c.state, "pki", "admin.kubeconfig")}
}

// guardOn installs the guard, so that every test shows that it is not in the way.
func (c *cluster) guardOn(t *testing.T) {
	t.Helper()
	guard, stderr, err := run(nil, "", binary, "guard")
	if err != nil {
		t.Fatal(stderr)
	}
	if _, err := c.run(nil, guard, c.kube, "apply", "-f", "-"); err != nil {
		t.Fatal(err)
	}
}

// versions records what the cluster is made of, and that it is fit for the tests.
func versions(t *testing.T, c *cluster) {
	for _, region := range []string{"region-a", "region-b"} {
		if out, err := c.run(nil, "", c.kube, "get", "nodes", "-l", "openova.io/region="+region, "-o", "name"); err != nil || out == "" {
			t.Fatalf("no node has the label openova.io/region=%s (%v)", region, err)
		}
	}
	for _, part := range []struct {
		name    string
		command []string
	}{
		{"Kubernetes", []string{c.kube, "get", "nodes", "-o", "jsonpath={.items[0].status.nodeInfo.kubeletVersion}"}},
		{"CloudNativePG", []string{c.kube, "-n", "cnpg-system", "exec", "deployment/cnpg-controller-manager", "--", "/manager", "version"}},
		{"Helm", []string{c.helm, "version", "--short"}},
	} {
		out, err := c.run(nil, "", part.command...)
		if err != nil {
			t.Fatal(err)
		}
		// the operator says Build: {Version:1.30.0 Commit:... Date:...}
		evidence(t, part.name, "%s", strings.Fields(strings.TrimPrefix(out, "Build: {Version:"))[0])
	}
}

// script runs cluster.sh.
func (c *cluster) script(t *testing.T, args ...string) {
	t.Helper()
	if _, stderr, err := run(nil, "", "live/cluster.sh", args...); err != nil {
		t.Fatalf("cluster.sh %s: %v: %s", args, err, stderr)
	}
}

// run runs a program that reaches the cluster. Its error says what it said; one
// that hangs, as kubectl exec does on a lost node, is ended.
func (c *cluster) run(env []string, stdin string, command ...string) (string, error) {
	return c.runFor(time.Minute, env, stdin, command...)
}

// order is how long a command may take that is not only a question: it may wait until
// something is gone, or for webhooks.
const order = 4 * time.Minute

func (c *cluster) runFor(limit time.Duration, env []string, stdin string, command ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	command = slices.Concat(c.prefix, command)
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = slices.Concat(os.Environ(), c.env, env)
	cmd.Stdin = strings.NewReader(stdin)
	cmd.WaitDelay = time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", strings.Join(command, " "), err, strings.TrimSpace(stderr.String()))
	}
	return strings.TrimSpace(stdout.String()), nil
}

// namespace is where one test installs its release, blog.
type namespace struct {
	*cluster
	name string
}

func (c *cluster) namespace(t *testing.T, name string) *namespace {
	n := &namespace{c, fmt.Sprintf("cnpg-pair-%s-%d", name, time.Now().Unix()%100000)} // a cluster of yours may hold the last run's
	n.kubectl(t, "create", "namespace", n.name)
	t.Cleanup(func() {
		if t.Failed() {
			n.collect(t)
		}
		n.try("annotate", clusters, "--all", "cnpg-pair.openova.io/allow=delete") // the guard keeps a replica that takes writes
		n.try("delete", "namespace", n.name, "--wait=false")
	})
	return n
}

func (n *namespace) try(args ...string) (string, error) {
	return n.run(nil, "", append([]string{n.kube, "-n", n.name}, args...)...)
}

// crowded is what an API server, a webhook or a kubelet says that had no time to answer.
var crowded = regexp.MustCompile(`failed calling webhook|context deadline exceeded|etcdserver: |connection refused|TLS handshake timeout|` +
	`i/o timeout|unexpected EOF|error dialing backend|unable to upgrade connection|server is currently unable`)

// must is the answer to a question, or to an order that may be given twice, which is asked
// again where a crowded machine was the reason that there was none.
func must(t *testing.T, ask func() (string, error)) string {
	t.Helper()
	for again := 5; ; again-- {
		out, err := ask()
		if err == nil {
			return out
		}
		if again == 0 || !crowded.MatchString(err.Error()) {
			t.Fatal(err)
		}
		t.Logf("again, after: %v", err)
		time.Sleep(5 * time.Second)
	}
}

func (n *namespace) kubectl(t *testing.T, args ...string) string {
	t.Helper()
	return must(t, func() (string, error) {
		return n.runFor(order, nil, "", append([]string{n.kube, "-n", n.name}, args...)...)
	})
}

// helm installs or upgrades the example chart through cnpg-pair, with the hooks
// left out: they, like the Deployment, need an image that is not here.
func (n *namespace) helm(t *testing.T, env []string) {
	t.Helper()
	args := []string{n.cluster.helm, "-n", n.name, "upgrade", "--install", "blog", "../examples/tenant", "--no-hooks",
		"--post-renderer", binary, "--set", n.values()}
	must(t, func() (string, error) { return n.runFor(order, env, "", args...) })
}

func (n *namespace) template(t *testing.T) string {
	t.Helper()
	chart, err := n.run(nil, "", n.cluster.helm, "-n", n.name, "template", "blog", "../examples/tenant", "--no-hooks", "--set", n.values())
	if err != nil {
		t.Fatal(err)
	}
	return chart + "\n"
}

func (n *namespace) rendered(t *testing.T, env []string, chart string) string {
	t.Helper()
	stdout, stderr, err := run(env, chart, binary, "--strict")
	if err != nil {
		t.Fatalf("cnpg-pair: %v: %s", err, stderr)
	}
	return stdout
}

func (n *namespace) applied(t *testing.T, manifests string) {
	t.Helper()
	must(t, func() (string, error) {
		return n.runFor(order, nil, manifests, n.kube, "-n", n.name, "apply", "-f", "-")
	})
}

func (n *namespace) values() string { return "database.size=1Gi,database.image=" + n.image }

// healthy waits for Clusters of one instance.
func (n *namespace) healthy(t *testing.T, names ...string) {
	t.Helper()
	n.healthyWith(t, 1, names...)
}

// healthyWith waits for Clusters of so many instances.
func (n *namespace) healthyWith(t *testing.T, instances int, names ...string) {
	t.Helper()
	eventually(t, 4*time.Minute, "healthy "+strings.Join(names, ", "), func() error {
		for _, name := range names {
			got, err := n.try("get", clusters, name, "-o", "jsonpath={.status.readyInstances} {.status.phase}")
			if err := want(got, fmt.Sprintf("%d Cluster in healthy state", instances), err); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		return nil
	})
}

// streaming waits until blog-db-replica streams from blog-db-1 over TLS, and not
// from its former Pod of the given uid.
func (n *namespace) streaming(t *testing.T, limit time.Duration, former string) time.Duration {
	t.Helper()
	return elapsed(t, limit, "a replica that streams", func() error {
		uid, err := n.try("get", "pod", "blog-db-1", "-o", "jsonpath={.metadata.uid}")
		if err != nil || uid == former {
			return fmt.Errorf("the primary is still the Pod %s (%v)", former, err)
		}
		return n.follows("blog-db-replica", "blog-db")
	})
}

// follows looks whether one Cluster streams from another, over TLS.
func (n *namespace) follows(standby, primary string) error {
	pod, err := n.try("get", clusters, primary, "-o", "jsonpath={.status.currentPrimary}")
	if err != nil {
		return err
	}
	got, err := n.trySuper(pod, fmt.Sprintf("SELECT state, ssl FROM pg_stat_replication JOIN pg_stat_ssl USING (pid) WHERE application_name = '%s'", standby))
	return want(got, "streaming|t", err)
}

// region tells where a Pod runs.
func (n *namespace) region(t *testing.T, pod string) string {
	t.Helper()
	node := n.kubectl(t, "get", "pod", pod, "-o", "jsonpath={.spec.nodeName}")
	return n.kubectl(t, "get", "node", node, "-o", `jsonpath={.metadata.labels.openova\.io/region}`)
}

// client starts a Pod that has PostgreSQL's programs and the application's
// credentials, of the secret that the replica Cluster names where there is one,
// and waits until it runs.
func (n *namespace) client(t *testing.T, pod, region, command string) {
	t.Helper()
	image := n.kubectl(t, "get", clusters, "-o", "jsonpath={.items[0].status.image}")
	name := n.kubectl(t, "get", clusters, "blog-db-replica", "--ignore-not-found", "-o", "jsonpath={.spec.bootstrap.pg_basebackup.secret.name}")
	if name == "" {
		name = "blog-db-app"
	}
	n.kubectl(t, "get", "secret", name) // else the Pod would wait for it
	secret := func(key string) string {
		return fmt.Sprintf(`{secretKeyRef: {name: %s, key: %s}}`, name, key)
	}
	manifest := fmt.Sprintf(`
apiVersion: v1
kind: Pod
metadata: {name: %s}
spec:
  nodeSelector: {openova.io/region: %s}
  restartPolicy: Never
  terminationGracePeriodSeconds: 0
  containers:
  - name: client
    image: %s
    command: [sh, -c, %q]
    env:
    - {name: PGUSER, valueFrom: %s}
    - {name: PGPASSWORD, valueFrom: %s}
    - {name: PGDATABASE, valueFrom: %s}
    volumeMounts: [{name: ca, mountPath: /ca}]
  volumes:
  - name: ca
    projected:
      sources:
      - secret: {name: %[8]s-ca, optional: true, items: [{key: ca.crt, path: primary.crt}]}
      - secret: {name: %[9]s-ca, optional: true, items: [{key: ca.crt, path: replica.crt}]}
`, pod, region, image, command, secret("username"), secret("password"), secret("dbname"), x, replica)
	n.applied(t, manifest)
	n.kubectl(t, "wait", "--for=condition=Ready", "pod/"+pod, "--timeout=50s")
}

// sql runs one statement from a client's Pod, over the network, as the application.
func (n *namespace) sql(client, service, statement string) (string, error) {
	return n.try("exec", client, "--", "psql", "-XAtq", "-c", statement, "host="+service+" sslmode=require connect_timeout=5 tcp_user_timeout=5000")
}

func (n *namespace) login(t *testing.T, client, service, statement string) string {
	t.Helper()
	out, err := n.sql(client, service, statement)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// answer is that of a server which may be restarting, as after a promotion.
func (n *namespace) answer(t *testing.T, client, service, query string) (out string) {
	t.Helper()
	eventually(t, 2*time.Minute, "an answer of "+service, func() (err error) {
		out, err = n.sql(client, service, query)
		return err
	})
	return out
}

// trySuper runs one statement as the superuser, inside the server's Pod.
func (n *namespace) trySuper(pod, statement string) (string, error) {
	return n.try("exec", pod, "-c", "postgres", "--", "psql", "-XAtq", "-c", statement)
}

func (n *namespace) super(t *testing.T, pod, statement string) string {
	t.Helper()
	return must(t, func() (string, error) { return n.trySuper(pod, statement) })
}

// collect writes what a person needs to find out why a test failed.
func (n *namespace) collect(t *testing.T) {
	dir, err := os.MkdirTemp(os.Getenv("E2E_FAILURES"), "cnpg-pair-failure-")
	if err != nil {
		t.Log(err)
		return
	}
	for file, args := range map[string][]string{
		"operator.log":  {"logs", "-n", "cnpg-system", "deployment/cnpg-controller-manager", "--tail=-1"},
		"nodes.txt":     {"get", "nodes", "-o", "wide", "--show-labels"},
		"events.txt":    {"get", "events", "--sort-by=.lastTimestamp"},
		"clusters.yaml": {"get", clusters, "-o", "yaml"},
		"services.yaml": {"get", "services", "-o", "yaml"},
		"pods.txt":      {"describe", "pods"},
		"postgres.log":  {"logs", "-l", "cnpg.io/cluster", "--prefix", "--tail=-1", "--all-containers", "--ignore-errors"},
	} {
		out, err := n.try(args...)
		if err != nil {
			out = err.Error()
		}
		write(t, filepath.Join(dir, file), []byte(out+"\n"))
	}
	// of the machines that this test started
	logs, _ := filepath.Glob(filepath.Join(n.state, "*", "*.log"))
	for _, path := range logs {
		if data, err := os.ReadFile(path); err == nil {
			write(t, filepath.Join(dir, filepath.Base(filepath.Dir(path))+"-"+filepath.Base(path)), data)
		}
	}
	t.Logf("what was seen of namespace %s is in %s; in short:", n.name, dir)
	short := func(lines int, args ...string) {
		out, err := n.try(args...)
		if err != nil {
			out = err.Error()
		}
		all := strings.Split(strings.TrimSpace(out), "\n")
		t.Log(strings.Join(all[max(0, len(all)-lines):], "\n"))
	}
	short(5, "get", clusters)
	short(8, "get", "pods", "-o", "wide")
	short(8, "get", "events", "--sort-by=.lastTimestamp", "--field-selector=type=Warning")
	for _, name := range []string{x, replica} {
		short(8, "logs", "-l", "cnpg.io/cluster="+name+",cnpg.io/podRole=instance", "-c", "postgres", "--tail=8")
	}
}

// elapsed is eventually, and how long that took.
func elapsed(t *testing.T, limit time.Duration, what string, check func() error) time.Duration {
	t.Helper()
	start := time.Now()
	eventually(t, limit, what, check)
	return time.Since(start)
}

func want(got, want string, err error) error {
	if err == nil && got != want {
		err = errors.New("got " + strconv.Quote(got) + ", want " + strconv.Quote(want))
	}
	return err
}
