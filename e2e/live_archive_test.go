package e2e

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// archiving is the example chart with a WAL archive, by CloudNativePG itself or by the
// Barman Cloud plugin, and with as little WAL beside it as PostgreSQL allows.
func (n *namespace) archiving(t *testing.T, by string, s *store) string {
	t.Helper()
	archive := "  backup: {barmanObjectStore: " + s.archive(n.name) + "}\n"
	if by == "plugin" {
		archive = n.pluginStore(t, s)
	}
	return littleWAL(t, n.changed(t, "\n  storage:\n", "\n"+archive+"  storage:\n"), `wal_keep_size: "32MB"`)
}

func littleWAL(t *testing.T, chart string, more ...string) string {
	t.Helper()
	const parameter = `      max_connections: "120"`
	if !strings.Contains(chart, parameter) {
		t.Fatalf("the example chart is another one:\n%s", chart)
	}
	lines := append([]string{parameter, `min_wal_size: "32MB"`, `max_wal_size: "48MB"`}, more...)
	return strings.Replace(chart, parameter, strings.Join(lines, "\n      "), 1)
}

// stopStandby keeps the replica's PostgreSQL down until startStandby.
func (n *namespace) stopStandby(t *testing.T) {
	t.Helper()
	n.kubectl(t, "annotate", clusters, replica, `cnpg.io/fencedInstances=["*"]`)
	eventually(t, time.Minute, "a replica that is down", func() error {
		got, err := n.trySuper(x+"-1", "SELECT count(*) FROM pg_stat_replication")
		return want(got, "0", err)
	})
}

func (n *namespace) startStandby(t *testing.T) {
	t.Helper()
	n.kubectl(t, "annotate", clusters, replica, "cnpg.io/fencedInstances-")
}

// segments has the primary begin so many segments of WAL.
func (n *namespace) segments(t *testing.T, count int) {
	t.Helper()
	for range count {
		n.super(t, x+"-1", "SELECT pg_logical_emit_message(false, 'e2e', 'x')")
		n.super(t, x+"-1", "SELECT pg_switch_wal()")
	}
	n.super(t, x+"-1", "CHECKPOINT")
}

// newSegment returns a function that has a Cluster begin a new segment of WAL, if it takes
// writes. Called often, it does so four times a minute: the archiver is slow.
func (n *namespace) newSegment(t *testing.T) func(cluster string) {
	last := make(map[string]time.Time)
	return func(cluster string) {
		if time.Since(last[cluster]) < 15*time.Second {
			return
		}
		last[cluster] = time.Now()
		n.trySuper(n.primary(t, cluster), "SELECT pg_logical_emit_message(false, 'e2e', 'x')")
		n.trySuper(n.primary(t, cluster), "SELECT pg_switch_wal()")
	}
}

// testFarBehind stops the replica until the primary has recycled WAL that it lacks. It
// comes back by the archive, while an application writes.
func testFarBehind(by string, port int) func(*testing.T, *cluster) {
	return func(t *testing.T, c *cluster) {
		n := c.namespace(t, "behind-"+by)
		n.pair(t, n.archiving(t, by, n.objects(t, port)))
		n.client(t, "writer", "region-a", writer(x+"-rw", drip(20)))
		n.beyond(t, "client", replica, 1040)
		volumes := n.volumes(t)

		n.stopStandby(t)
		next := n.super(t, x+"-1", "SELECT pg_walfile_name(pg_current_wal_lsn())")
		written := 0
		eventually(t, 4*time.Minute, "WAL that is recycled", func() error {
			n.segments(t, 2)
			written += 2
			got, err := n.trySuper(x+"-1", "SELECT count(*) FROM pg_ls_waldir() WHERE name = '"+next+"'")
			return want(got, "0", err)
		})
		n.startStandby(t)
		took := elapsed(t, 5*time.Minute, "a replica that streams", func() error { return n.follows(replica, x) })
		without(t, "requested WAL segment has already been removed, for ever; both members say healthy")
		evidence(t, "segments of WAL written and recycled while the replica was down", "%d; it streams again after %.0f s", written, took.Seconds())
		n.nothingLost(t, numbers(n.written(t)))
		if now := n.volumes(t); now != volumes {
			t.Errorf("the volumes were %s and are %s: something was cloned again", volumes, now)
		}
	}
}

// testWALKeepSize stops the replicas of two pairs without an archive while their primaries
// write 160 MB of WAL: more than one of them keeps.
func testWALKeepSize(t *testing.T, c *cluster) {
	enough, little := c.namespace(t, "keep-256"), c.namespace(t, "keep-64")
	for n, size := range map[*namespace]string{enough: "256MB", little: "64MB"} {
		n.pair(t, littleWAL(t, n.template(t)), "CNPG_PAIR_WAL_KEEP_SIZE="+size)
		if got := n.super(t, x+"-1", "SHOW wal_keep_size"); got != size {
			t.Errorf("wal_keep_size is %s, want %s", got, size)
		}
	}
	for _, n := range []*namespace{enough, little} {
		n.stopStandby(t)
		n.segments(t, 10)
		n.startStandby(t)
	}
	n := enough
	n.whole(t)
	evidence(t, "a replica that missed 10 segments of WAL, with --wal-keep-size 256MB", "streams again")
	little.says(t, replica, "has already been removed")
	little.away(t, replica, x, 10)
	evidence(t, "the same with --wal-keep-size 64MB", "does not, and its log says: requested WAL segment has already been removed")
}

// testGenerations has members of a pair that archives created again, and recovers a
// database from the archive of each after a switchover.
func testGenerations(by string, port int) func(*testing.T, *cluster) {
	return func(t *testing.T, c *cluster) {
		n := c.namespace(t, "again-"+by)
		s := n.objects(t, port)
		chart := n.archiving(t, by, s)
		n.pair(t, chart)
		archives := func(active, member string) {
			t.Helper()
			file := n.super(t, n.primary(t, active), "SELECT pg_walfile_name(pg_current_wal_lsn())")
			newSegment := n.newSegment(t)
			eventually(t, 3*time.Minute, member+" that archives "+file, func() error {
				newSegment(active)
				got, err := n.trySuper(n.primary(t, member), "SELECT last_archived_wal >= '"+file+"' FROM pg_stat_archiver")
				return want(got, "t", err)
			})
		}
		archives(x, x)
		archives(x, replica)
		n.backup(t, by, x)

		// hot standby off, and on again
		off := func() {
			t.Helper()
			n.kubectl(t, "delete", clusters, replica)
			eventually(t, 3*time.Minute, "nothing of the replica", func() error {
				got, err := n.try("get", "pods,pvc", "-l", "cnpg.io/cluster="+replica, "-o", "name")
				return want(got, "", err)
			})
		}
		off()
		former := n.kept(t, s, replica)
		n.applied(t, n.rendered(t, hotStandby, chart))
		eventually(t, 4*time.Minute, "a replica that follows", func() error { return n.follows(replica, x) })
		n.segments(t, 2)
		n.says(t, replica, "Expected empty archive")
		without(t, "Expected empty archive: the new replica archives nothing, and keeps its WAL until the volume is full")
		off()
		generation := "CNPG_PAIR_ARCHIVE_GENERATION=" + replica + "=2"
		n.applied(t, n.rendered(t, on(generation), chart))
		eventually(t, 4*time.Minute, "a replica that follows", func() error { return n.follows(replica, x) })
		archives(x, replica)
		n.unchanged(t, s, replica, former)

		// a switchover, and rows before and after a moment
		n.applied(t, n.rendered(t, on(append(activeNone(), generation)...), chart))
		n.applied(t, n.rendered(t, on(append(promoted("replica", n.token(t, x)), generation)...), chart))
		eventually(t, 2*time.Minute, "a primary that follows", func() error { return n.follows(x, replica) })
		n.answer(t, "client", replica+"-rw", "INSERT INTO numbers SELECT FROM generate_series(1, 500)")
		n.backup(t, by, replica)
		n.answer(t, "client", replica+"-rw", "INSERT INTO numbers SELECT FROM generate_series(1, 500)")
		rows := n.answer(t, "client", replica+"-rw", "SELECT count(*) FROM numbers")
		moment := n.answer(t, "client", replica+"-rw", "SELECT clock_timestamp()")
		time.Sleep(time.Second)
		n.answer(t, "client", replica+"-rw", "INSERT INTO numbers SELECT FROM generate_series(1, 500)")
		for _, member := range []string{x, replica} {
			archives(replica, member)
		}
		for server, name := range map[string]string{x: "recovered-1", replica + "-g2": "recovered-2"} {
			n.recovery(t, by, s, name, server, moment)
		}
		for _, name := range []string{"recovered-1", "recovered-2"} {
			n.healthy(t, name)
			got := n.kubectl(t, "exec", name+"-1", "-c", "postgres", "--", "psql", "-XAtqd", "wordpress", "-c", "SELECT count(*) FROM numbers")
			if got != rows {
				t.Errorf("%s has %s rows, want %s", name, got, rows)
			}
			n.kubectl(t, "delete", clusters, name, "--wait=false")
		}
		evidence(t, "rows recovered from the archive of each member, to a moment after a switchover", "%s of %s", rows, rows)

		// the old primary lost, and cloned again
		n.kubectl(t, "patch", "secret", x+"-app", "--type", "merge", "--patch", `{"metadata": {"ownerReferences": null}}`)
		n.kubectl(t, "delete", clusters, x)
		eventually(t, 3*time.Minute, "nothing of the primary", func() error {
			got, err := n.try("get", "pods,pvc", "-l", "cnpg.io/cluster="+x, "-o", "name")
			return want(got, "", err)
		})
		former = n.kept(t, s, x)
		both := generation + "," + x + "=2"
		n.applied(t, n.rendered(t, on(append(failover("done"), "CNPG_PAIR_CLONE=primary", both)...), chart))
		eventually(t, 4*time.Minute, "a primary that follows", func() error { return n.follows(x, replica) })
		n.applied(t, n.rendered(t, on(append(failover("done"), both)...), chart))
		for _, member := range []string{x, replica} {
			archives(replica, member)
		}
		n.unchanged(t, s, x, former)
		evidence(t, "created again: the replica, after hot standby was off, and the old primary, cloned", "both archive, and nothing of their former archives has changed")
	}
}

// backup makes a base backup of a member, by its way to archive.
func (n *namespace) backup(t *testing.T, by, member string) {
	t.Helper()
	how := "method: barmanObjectStore"
	if by == "plugin" {
		how = "method: plugin, pluginConfiguration: {name: barman-cloud.cloudnative-pg.io}"
	}
	manifest := fmt.Sprintf("apiVersion: postgresql.cnpg.io/v1\nkind: Backup\nmetadata: {name: %s}\nspec: {cluster: {name: %s}, %s}\n", member, member, how)
	n.applied(t, manifest)
	newSegment := n.newSegment(t)
	eventually(t, 4*time.Minute, "a backup of "+member, func() error {
		phase, err := n.try("get", "backups.postgresql.cnpg.io", member, "-o", "jsonpath={.status.phase} {.status.error}")
		if strings.HasPrefix(phase, "failed") { // by the restart after a promotion
			n.kubectl(t, "delete", "backups.postgresql.cnpg.io", member)
			n.applied(t, manifest)
		}
		for _, cluster := range []string{x, replica} { // a standby's backup ends when the primary begins a new segment
			newSegment(cluster)
		}
		return want(strings.TrimSpace(phase), "completed", err)
	})
}

// recovery starts a Cluster that recovers what a server has archived, up to a moment.
func (n *namespace) recovery(t *testing.T, by string, s *store, name, server, moment string) {
	t.Helper()
	source := "barmanObjectStore: " + strings.Replace(s.archive(n.name), "{", "{serverName: "+server+", ", 1)
	if by == "plugin" {
		source = "plugin: {name: barman-cloud.cloudnative-pg.io, parameters: {barmanObjectName: store, serverName: " + server + "}}"
	}
	n.applied(t, fmt.Sprintf(`
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: %s}
spec:
  instances: 1
  imageName: %s
  postgresql: {parameters: {max_connections: "120"}}
  bootstrap: {recovery: {source: archive, database: wordpress, owner: wordpress, recoveryTarget: {targetTime: "%s"}}}
  externalClusters: [{name: archive, %s}]
  storage: {size: 1Gi}
`, name, n.image, moment, source))
}

var storedObject = regexp.MustCompile(`(?s)<Key>([^<]+)</Key>.*?<ETag>([^<]+)</ETag>`)

// kept is what a server has in the object store, with the checksum of each object.
func (n *namespace) kept(t *testing.T, s *store, server string) map[string]string {
	t.Helper()
	pod := strings.Fields(n.kubectl(t, "get", "pods", "-l", "cnpg.io/podRole=instance", "-o", "jsonpath={.items[*].metadata.name}"))[0]
	list := n.kubectl(t, "exec", pod, "-c", "postgres", "--", "python3", "-c",
		fmt.Sprintf("import urllib.request; print(urllib.request.urlopen('http://%s/backups?prefix=%s/%s/').read().decode())", s.address, n.name, server))
	kept := make(map[string]string)
	for _, object := range storedObject.FindAllStringSubmatch(list, -1) {
		kept[object[1]] = object[2]
	}
	if len(kept) == 0 {
		t.Fatalf("%s has nothing in the object store:\n%s", server, list)
	}
	return kept
}

// unchanged compares what a server had in the object store with what it has.
func (n *namespace) unchanged(t *testing.T, s *store, server string, former map[string]string) {
	t.Helper()
	now := n.kept(t, s, server)
	var changed []string
	for key := range former {
		if now[key] != former[key] {
			changed = append(changed, key)
		}
	}
	if len(now) != len(former) || len(changed) > 0 {
		slices.Sort(changed)
		t.Errorf("the former archive of %s has changed: it had %d objects and has %d, %v are others", server, len(former), len(now), changed)
	}
}
