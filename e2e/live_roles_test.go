package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
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

// The ways to bootstrap a chart's Cluster, as its manifest says it.
const (
	noBootstrap = ""
	// none either, and less than three minutes for sessions that stay open
	shutdownTimeout = "  smartShutdownTimeout: 15\n"
	byBasebackup    = `  bootstrap: {pg_basebackup: {source: origin, database: wordpress, owner: wordpress}}
  externalClusters:
  - name: origin
    connectionParameters: {host: origin-rw, user: streaming_replica, dbname: postgres, sslmode: verify-full}
    sslKey: {name: origin-replication, key: tls.key}
    sslCert: {name: origin-replication, key: tls.crt}
    sslRootCert: {name: origin-ca, key: ca.crt}
`
	byRecovery = `  bootstrap: {recovery: {source: origin, database: wordpress, owner: wordpress}}
  externalClusters:
  - name: origin
    barmanObjectStore: `
)

// objectStore is where the Cluster origin of a namespace keeps its backup.
func (n *namespace) objectStore() string {
	return fmt.Sprintf(`{destinationPath: "s3://backups/%s/", endpointURL: "http://10.99.0.1:9000", s3Credentials: {accessKeyId: {name: objects, key: user}, secretAccessKey: {name: objects, key: password}}}`, n.name)
}

// bootstrapped is the example chart as it is rendered, with another bootstrap.
func (n *namespace) bootstrapped(t *testing.T, bootstrap string, instances int) string {
	t.Helper()
	chart := n.template(t)
	before, rest, found := strings.Cut(chart, "  bootstrap:\n")
	_, after, foundToo := strings.Cut(rest, "  storage:\n")
	head, tail, foundThree := strings.Cut(before, "\n  instances: 1\n")
	if !found || !foundToo || !foundThree {
		t.Fatalf("the example chart is another one:\n%s", chart)
	}
	return head + fmt.Sprintf("\n  instances: %d\n", instances) + tail + bootstrap + "  storage:\n" + after
}

// origin starts the Cluster that others are made from, with a backup or without.
func (n *namespace) origin(t *testing.T, backup bool) {
	t.Helper()
	manifest := fmt.Sprintf(`
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: origin}
spec:
  instances: 1
  imageName: %s
  bootstrap: {initdb: {database: wordpress, owner: wordpress, postInitApplicationSQL: ["CREATE TABLE origin AS SELECT generate_series(1, 1000) AS n", "ALTER TABLE origin OWNER TO wordpress"]}}
  storage: {size: 1Gi}
`, n.image)
	if backup {
		manifest += "  backup: {barmanObjectStore: " + n.objectStore() + "}\n---\n" +
			"apiVersion: v1\nkind: Secret\nmetadata: {name: objects}\nstringData: {user: e2e, password: e2e}\n"
	}
	n.applied(t, manifest)
	n.healthy(t, "origin")
	if backup {
		n.applied(t, "apiVersion: postgresql.cnpg.io/v1\nkind: Backup\nmetadata: {name: origin}\nspec: {cluster: {name: origin}, method: barmanObjectStore}\n")
		eventually(t, 2*time.Minute, "a backup", func() error {
			phase, err := n.try("get", "backups.postgresql.cnpg.io", "origin", "-o", "jsonpath={.status.phase} {.status.error}")
			return want(strings.TrimSpace(phase), "completed", err)
		})
	}
}

// testSidesChangedByKubectl: of a chart whose Cluster has no bootstrap, and each step
// cut off after its first Cluster, and then run again; with applications that follow.
func testSidesChangedByKubectl(t *testing.T, c *cluster) {
	n := c.namespace(t, "kubectl")
	chart := n.bootstrapped(t, shutdownTimeout, 1) + fmt.Sprintf(pooler, n.image) + n.applicationPods("region-b", pooled)
	testSidesChanged(t, n, 1, func(t *testing.T, env []string) {
		t.Helper()
		rendered := n.rendered(t, append(slices.Clone(env), "CNPG_PAIR_FOLLOW=true"), chart)
		before, _, found := strings.Cut(rendered, "\nmetadata:\n  name: "+replica+"\n")
		if first := before[:max(0, strings.LastIndex(before, "---\n"))]; !found || !strings.Contains(first, "\nmetadata:\n  name: "+x+"\n") {
			t.Fatalf("no replica behind its primary:\n%s", rendered)
		} else {
			n.applied(t, first)
		}
		n.applied(t, rendered)
	})
	n.testApplications(t, "client", "region-b", "that --follow leads to "+x+"-active, beside sessions that stay open", pooled)
	twins := strings.Fields(n.kubectl(t, "get", "pods", "-l", "cnpg.io/poolerName=writers-replica", "-o", "jsonpath={.items[*].metadata.name}"))
	if len(twins) == 0 {
		t.Error("there is no Pod of the Pooler's twin")
	}
	for _, pod := range twins {
		if got := n.region(t, pod); got != "region-b" {
			t.Errorf("the twin's Pod %s is in %s", pod, got)
		}
	}
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

// testSidesChangedByHelm4: with two instances in each member, of a chart whose Cluster
// is a copy of another one.
func testSidesChangedByHelm4(t *testing.T, c *cluster) {
	n := c.namespace(t, "helm4")
	n.origin(t, false)
	chart := plainChart(t, n.bootstrapped(t, byBasebackup, 2))
	h := helms(t)["Helm 4"]
	testSidesChanged(t, n, 2, func(t *testing.T, env []string) {
		t.Helper()
		args := slices.Concat([]string{h.program, "-n", n.name, "upgrade", "--install", "blog", chart, "--no-hooks"}, h.postRenderer)
		if _, err := n.run(append(slices.Clone(h.env), env...), "", args...); err != nil {
			t.Fatal(err)
		}
	})
	n.hasOrigin(t)
}

// testSidesChangedByFlux: of a chart whose Cluster is restored from a backup.
func testSidesChangedByFlux(t *testing.T, c *cluster) {
	c.ours(t, "Flux must be started for this")
	n := c.namespace(t, "flux")
	n.origin(t, true)
	manifests := n.bootstrapped(t, byRecovery+n.objectStore()+"\n", 1)
	n.startFlux(t, plainChart(t, manifests))
	release := strings.Replace(helmRelease(n.name, "0.1.0"), "chart: tenant", "chart: plain", 1)
	testSidesChanged(t, n, 1, func(t *testing.T, env []string) {
		t.Helper()
		n.applied(t, paired(t, env, manifests, release))
		eventually(t, 2*time.Minute, "a HelmRelease that is ready", func() error {
			got, err := n.try("get", "helmreleases", "blog", "-o", `jsonpath={.status.observedGeneration}={.metadata.generation} {.status.conditions[?(@.type=="Ready")].status} {.status.conditions[?(@.type=="Ready")].message}`)
			generations, ready, _ := strings.Cut(got, " ")
			if observed, generation, _ := strings.Cut(generations, "="); err == nil && (observed != generation || !strings.HasPrefix(ready, "True ")) {
				err = errors.New(got)
			}
			return err
		})
	})
	n.hasOrigin(t)
}

// hasOrigin looks for the rows of origin in both members.
func (n *namespace) hasOrigin(t *testing.T) {
	t.Helper()
	for _, member := range []string{x, replica} {
		if rows := n.answer(t, "client", member+"-rw", "SELECT count(*) FROM origin"); rows != "1000" {
			t.Errorf("%s has %s rows of origin, want 1000", member, rows)
		}
	}
}

// startFlux runs source-controller and helm-controller beside the API server, with a
// repository of one chart.
func (n *namespace) startFlux(t *testing.T, chart string) {
	t.Helper()
	charts := filepath.Join(n.state, "control", "charts")
	helm := helms(t)["Helm 4"].program
	for _, args := range [][]string{{"package", chart, "--destination", charts}, {"repo", "index", charts}} {
		if out, stderr, err := run(nil, "", helm, args...); err != nil {
			t.Fatal(out, stderr)
		}
	}
	controllers := []string{"source-controller", "helm-controller"}
	for _, name := range controllers {
		n.kubectl(t, "apply", "--server-side", "-f", filepath.Join(moduleDir(t, "build/flux", "github.com/fluxcd/"+name), "config", "crd", "bases"))
	}
	n.kubectl(t, "wait", "--for=condition=Established", "--timeout=50s", "crd", "--all")
	// of the cluster, not of the test: they go on until the end of the run
	dir := filepath.Join(n.state, "control", "flux")
	artifacts := filepath.Join(dir, "artifacts")
	if err := os.MkdirAll(artifacts, 0o755); err != nil {
		t.Fatal(err)
	}
	for i, name := range controllers {
		args := append(slices.Clone(n.prefix[1:]), tool(t, name), "--enable-leader-election=false", "--metrics-addr", "0",
			"--log-encoding", "console", "--health-addr", fmt.Sprintf("127.0.0.1:%d", 9440+i))
		if name == "source-controller" {
			const storage = "127.0.0.1:9090"
			args = append(args, "--storage-path", artifacts, "--storage-addr", storage, "--storage-adv-addr", storage)
		}
		daemon(t, dir, name, append(slices.Clone(n.env), "RUNTIME_NAMESPACE=flux-system", "HOME="+dir), n.prefix[0], args...)
	}
	n.applied(t, "apiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmRepository\nmetadata: {name: charts}\nspec: {url: \"http://10.99.0.1:9000/charts\", interval: 1h}\n")
}

// testSidesChanged makes the replica the active member, and the primary again,
// while an application writes to whichever member takes it. Nobody compares
// positions: the operator does.
func testSidesChanged(t *testing.T, n *namespace, instances int, step func(t *testing.T, env []string)) {
	step(t, hotStandby)
	n.healthyWith(t, instances, x, replica)
	n.client(t, "client", "region-b", work)
	n.login(t, "client", x+"-rw", table)
	n.client(t, "writer", "region-a", application(drip(20))) // a session that stays open holds up a restart
	n.beyond(t, "client", replica, 100)
	volumes := n.volumes(t)

	for _, way := range []struct{ from, to, member string }{{x, replica, "replica"}, {replica, x, "primary"}} {
		first := n.last(t, "client", way.from)
		step(t, on(activeNone()...))
		step(t, on(promoted(way.member, n.token(t, way.from))...))
		n.beyond(t, "client", way.to, first)
		eventually(t, 2*time.Minute, way.from+" that follows "+way.to, func() error { return n.follows(way.from, way.to) })
		n.healthyWith(t, instances, x, replica)
		last := n.last(t, "client", way.to)
		n.beyond(t, "client", way.to, last+50)
		n.beyond(t, "client", way.from, last+50)
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

	n.nothingLost(t, numbers(n.written(t)))
	if now := n.volumes(t); now != volumes {
		t.Errorf("the volumes were %s and are %s: something was cloned again", volumes, now)
	}
	evidence(t, "volumes cloned again", "none")
	evidence(t, "longest pause between two writes of an application that knows "+x+"-active only, by verify-full", "%.1f s, while work took %.1f times as long as at best",
		n.pause(t, x+"-rw", 1), n.slower(t, time.Time{}))
	without(t, "a chart without a bootstrap could not be told: the primary went on writing beside the promoted replica; a replica promoted without a token lacked 8723 of 11200 rows")
}

// nothingLost looks for acknowledged rows in both members of a pair at rest.
func (n *namespace) nothingLost(t *testing.T, acked []int) {
	t.Helper()
	if len(acked) < 100 {
		t.Fatalf("only %d rows were acknowledged: that proves nothing", len(acked))
	}
	for _, member := range []string{x, replica} {
		eventually(t, 20*time.Second, "the last row on "+member, func() error {
			got, err := n.sql("client", member+"-rw", fmt.Sprintf("SELECT max(n) >= %d FROM numbers", slices.Max(acked)))
			return want(got, "t", err)
		})
		lost := missing(acked, n.found(t, "client", member+"-rw"))
		evidence(t, "rows acknowledged on the way there and back, and lost of them on "+member, "%d, %d", len(acked), len(lost))
		if len(lost) > 0 {
			t.Errorf("%d of %d acknowledged rows are not on %s, the first is %d", len(lost), len(acked), member, lost[0])
		}
	}
}

// testRefused applies each step while the API server refuses one of the two Clusters,
// with an application that writes to each member: there are never two that take writes,
// because the rows of a second one would be lost.
func testRefused(t *testing.T, c *cluster) {
	n := c.namespace(t, "refused")
	chart := n.template(t)
	apply := func(env []string) error {
		_, err := n.run(nil, n.rendered(t, env, chart), n.kube, "-n", n.name, "apply", "-f", "-")
		return err
	}
	applied := func(env []string) {
		t.Helper()
		if err := apply(env); err != nil {
			t.Fatal(err)
		}
	}
	applied(hotStandby)
	n.healthy(t, x, replica)
	n.client(t, "client", "region-b", work)
	n.login(t, "client", x+"-rw", table)
	writers := map[string]string{x: "writer-1", replica: "writer-2"}
	for member, pod := range writers {
		n.client(t, pod, "region-a", writer(member+"-rw", drip(20)))
	}
	n.beyond(t, "client", replica, 50)

	// refused is a step that fails for one member; writes says which one goes on, if any
	refused := func(env []string, member, writes string) {
		t.Helper()
		n.refuse(t, member)
		if err := apply(env); err == nil || !strings.Contains(err.Error(), "refused by the test") {
			t.Fatalf("%s was not refused: %v", member, err)
		}
		time.Sleep(10 * time.Second) // for the operator to do what it can
		n.admit(t)
		for _, other := range []string{x, replica} {
			if other == writes {
				n.answer(t, "client", other+"-rw", "INSERT INTO numbers DEFAULT VALUES") // after its restart, if it was promoted
			} else if _, err := n.sql("client", other+"-rw", "INSERT INTO numbers DEFAULT VALUES"); err == nil {
				t.Errorf("%v with %s refused: %s takes writes", env, member, other)
			}
		}
	}
	takesWrites := func(member string) {
		t.Helper()
		n.beyond(t, "client", member, n.last(t, "client", member))
	}

	refused(on(activeNone()...), x, x)
	applied(on(activeNone()...))
	forward := on(promoted("replica", n.token(t, x))...)
	refused(forward, replica, "")
	refused(forward, x, replica)
	applied(forward)
	takesWrites(replica)
	refused(on(activeNone()...), replica, replica)
	applied(on(activeNone()...))
	back := on(promoted("primary", n.token(t, replica))...)
	refused(back, x, "")
	refused(back, replica, x)
	applied(back)
	takesWrites(x)
	refused(hotStandby, x, x)
	applied(hotStandby)
	eventually(t, time.Minute, replica+" that follows "+x, func() error { return n.follows(replica, x) })
	refused(on(failover("now")...), replica, "")
	// as the runbook goes about it: a primary whose change is refused then follows already
	applied(on(activeNone()...))
	refused(on(failover("now")...), x, replica)
	applied(on(failover("now")...))
	applied(on(failover("done")...))
	eventually(t, 2*time.Minute, x+" that follows "+replica, func() error { return n.follows(x, replica) })

	without(t, "the primary's change refused, and the replica promoted all the same: both took writes")
	for member, pod := range writers {
		acked := numbers(n.writtenBy(t, pod))
		n.beyond(t, "client", x, n.last(t, "client", replica)-1)
		for _, at := range []string{x, replica} {
			lost := missing(acked, n.foundOf(t, "client", at+"-rw", member))
			evidence(t, fmt.Sprintf("rows that %s acknowledged while steps were refused, and lost of them on %s", member, at), "%d, %d", len(acked), len(lost))
			if len(lost) > 0 || len(acked) < 20 {
				t.Errorf("%d of %d rows that %s acknowledged are not on %s", len(lost), len(acked), member, at)
			}
		}
	}
}

// refuse has the API server refuse all changes of one Cluster, but the operator's.
func (n *namespace) refuse(t *testing.T, member string) {
	t.Helper()
	n.applied(t, fmt.Sprintf(`
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: %[1]s}
spec:
  failurePolicy: Fail
  matchConstraints: {resourceRules: [{apiGroups: [postgresql.cnpg.io], apiVersions: [v1], operations: [UPDATE], resources: [clusters]}]}
  matchConditions: [{name: ours, expression: 'object.metadata.namespace == "%[1]s" && object.metadata.name == "%[2]s" && request.userInfo.username == "admin"'}]
  validations: [{expression: "false", message: refused by the test}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: %[1]s}
spec: {policyName: %[1]s, validationActions: [Deny]}
`, n.name, member))
	eventually(t, time.Minute, "a policy that is in force", func() error {
		_, err := n.try("annotate", clusters, member, "e2e=refused", "--dry-run=server", "--overwrite")
		if err == nil || !strings.Contains(err.Error(), "refused by the test") {
			return fmt.Errorf("the answer is %v", err)
		}
		return nil
	})
}

// admit ends refuse.
func (n *namespace) admit(t *testing.T) {
	t.Helper()
	n.kubectl(t, "delete", "validatingadmissionpolicybinding,validatingadmissionpolicy", n.name)
	eventually(t, time.Minute, "a policy that is gone", func() error {
		_, err := n.try("annotate", clusters, x, replica, "e2e=admitted", "--dry-run=server", "--overwrite")
		return err
	})
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
			n.login(t, "client", x+"-rw", table)
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

// TestLivePauses measures for how long nobody can write, with nothing else at work: in a
// switchover there and back, and in a failover, with one instance in each member and,
// in make e2e-all, with two.
func TestLivePauses(t *testing.T) {
	c := theCluster(t)
	const most, mostOfFailover = 6, 5 // seconds, on a machine that does nothing else
	members := []int{1}
	if os.Getenv("E2E") == "all" { // which takes four minutes more
		members = append(members, 2)
	}
	for _, instances := range members {
		t.Run(fmt.Sprintf("instances %d", instances), func(t *testing.T) {
			n := c.namespace(t, fmt.Sprintf("pauses-%d", instances))
			chart := n.bootstrapped(t, noBootstrap, instances)
			step := func(env []string) { t.Helper(); n.applied(t, n.rendered(t, env, chart)) }
			step(hotStandby)
			n.healthyWith(t, instances, x, replica)
			n.client(t, "client", "region-b", work)
			n.login(t, "client", x+"-rw", table)
			n.client(t, "writer", "region-a", writer(x+"-rw,"+replica+"-rw", burst))
			n.beyond(t, "client", replica, 50)

			// each change ends when what it has promoted is settled, restart and all
			changed := func(name, from, to string, limit float64, change func()) {
				t.Helper()
				first, start := n.last(t, "client", from), time.Now()
				change()
				n.beyond(t, "client", to, first)
				n.healthyWith(t, instances, to)
				time.Sleep(10 * time.Second) // the operator may find something to restart for
				n.healthyWith(t, instances, to)
				n.beyond(t, "client", to, n.last(t, "client", to)+20)
				pause, slower := n.pause(t, to+"-rw", first), n.slower(t, start)
				without(t, "with a restart by a local switchover 12.9 to 14.4 s on the way back")
				evidence(t, name+": longest pause between two writes", "%.1f s, while work took %.1f times as long as at best", pause, slower)
				if pause > limit*slower {
					t.Errorf("%s: nobody could write for %.1f s, want %.0f s at most", name, pause, limit)
				}
			}
			byToken := func(member, from string) func() {
				return func() {
					step(on(activeNone()...))
					step(on(promoted(member, n.token(t, from))...))
					to := map[string]string{"primary": x, "replica": replica}[member]
					eventually(t, 2*time.Minute, from+" that follows "+to, func() error { return n.follows(from, to) })
					n.healthyWith(t, instances, x, replica)
				}
			}
			changed("switchover", x, replica, most, byToken("replica", x))
			changed("switchover back", replica, x, most, byToken("primary", replica))
			step(hotStandby)
			n.beyond(t, "client", x, n.last(t, "client", x)+20)
			// what is left of the primary may have WAL of its own, and not follow
			changed("failover", x, replica, mostOfFailover, func() { step(on(failover("now")...)) })
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
	n.login(t, "client", x+"-rw", table)
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
	evidence(t, "longest pause between two writes", "%.1f s, while work took %.1f times as long as at best", n.pause(t, x+"-rw", first), n.slower(t, start))
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
