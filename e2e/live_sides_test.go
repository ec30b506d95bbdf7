package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// testTwoClusters runs one member in each of two Kubernetes clusters, which know
// nothing of each other: there is a route between their Pods, as ClusterMesh has
// one, and what ClusterMesh would do for the global Services is done by hand here,
// see joined.
func testTwoClusters(t *testing.T, c *cluster) {
	c.ours(t, "a second cluster must be started for this")
	a := c.namespace(t, "two")
	b := c.beside.sameNamespace(t, a)
	took := pairOfTwo(t, a, b)
	evidence(t, "from the copied secrets to a replica that streams from the other cluster", "%.0f s", took.Seconds())
	received := b.super(t, replica+"-1", "SELECT status || ' ' || conninfo FROM pg_stat_wal_receiver")
	for _, part := range []string{"streaming ", "host=" + x + "-mesh ", "sslmode=verify-full"} {
		if !strings.Contains(received, part) {
			t.Errorf("the replica's receiver has no %q: %s", part, received)
		}
	}
	evidence(t, "rows written in one cluster and read in the other, with the same credentials", "1000, %s, sslmode=verify-full to %s-mesh",
		a.super(t, x+"-1", "SELECT version || ' ' || cipher FROM pg_stat_ssl JOIN pg_stat_replication USING (pid)"), x)

	// in each cluster its own member, and of the other one the mesh Service only, and in both the write address and
	// the names of the primary
	for _, side := range []struct {
		*namespace
		clusters, services string
	}{
		{a, x, "blog blog-db-active blog-db-mesh blog-db-r blog-db-ro blog-db-rw"},
		{b, replica, "blog blog-db-active blog-db-mesh blog-db-r blog-db-replica-r blog-db-replica-ro blog-db-replica-rw blog-db-ro blog-db-rw"},
	} {
		for kind, names := range map[string]string{clusters: side.clusters, "services": side.services} {
			if got := side.kubectl(t, "get", kind, "-o", "jsonpath={.items[*].metadata.name}"); got != names {
				t.Errorf("the %s of one side are %s, want %s", kind, got, names)
			}
		}
	}
	for _, object := range []string{"service/" + x + "-mesh", "secret/" + x + "-replication", "secret/" + x + "-ca", "secret/" + x + "-app"} {
		if owner := b.kubectl(t, "get", object, "-o", "jsonpath={.metadata.ownerReferences}"); owner != "" {
			t.Errorf("%s of the replica's cluster is owned: %s", object, owner)
		}
	}
	chart := a.template(t)
	for _, settings := range []string{"CNPG_PAIR_SIDE=primary", "CNPG_PAIR_SIDE=replica"} {
		rendered := a.rendered(t, on(settings), chart)
		for document := range strings.SplitSeq(chart, "---\n") {
			if !strings.Contains(document, "\nkind: Cluster\n") && !strings.Contains(rendered, document) {
				t.Errorf("with %s a document has changed:\n%s", settings, document)
			}
		}
	}

	t.Run("changed", func(t *testing.T) {
		primary, other := side{a, "primary", x}, side{b, "replica", replica}
		pod := func() string {
			return a.kubectl(t, "get", "pod", x+"-1", "-o", "jsonpath={.metadata.uid} {.status.containerStatuses[0].restartCount}")
		}
		before := pod()
		a.startApplications(t, "region-a", on("CNPG_PAIR_SIDE=primary"))
		b.applied(t, b.applicationPods("region-b", applications)) // which know X-rw only
		other.byPrimaryName(t, primary)
		changeOver(t, primary, other)
		other.byPrimaryName(t, other)
		eventually(t, time.Minute, "the primary's "+x+"-rw, which leads to the other side first", func() error {
			got, err := a.try("get", "service", x+"-rw", "-o", `jsonpath={.metadata.annotations.service\.cilium\.io/affinity}`)
			return want(got, "remote", err)
		})
		changeOver(t, other, primary)
		other.byPrimaryName(t, primary)
		if after := pod(); after != before {
			t.Errorf("the primary's Pod, its uid and restarts: %s, before %s", after, before)
		}
		evidence(t, "writes by the name "+x+"-rw on the replica's side, by verify-full", "reach the active member: %s, %s and %s again", x, replica, x)
		a.testApplications(t, "client", "region-a", "on the primary's side that --follow leads to "+x+"-active", applications)
		b.testApplications(t, "client", "region-b", "on the replica's side that knows "+x+"-rw", applications)
	})
}

// byPrimaryName writes, on the replica's side, by the name that the charts of both sides
// know, and reads there.
func (s side) byPrimaryName(t *testing.T, active side) {
	t.Helper()
	ca := s.kubectl(t, "get", "secret", active.member+"-ca", "-o", `jsonpath={.data.ca\.crt}`)
	write := fmt.Sprintf(`echo %s | base64 -d > /dev/shm/ca.crt && psql -XAtq -c %q "host=%s sslmode=verify-full sslrootcert=/dev/shm/ca.crt connect_timeout=5"`, ca, insert, x+"-rw")
	eventually(t, time.Minute, "a write by the name "+x+"-rw", func() error {
		_, err := s.try("exec", "client", "--", "sh", "-c", write)
		return err
	})
	for _, suffix := range []string{"-ro", "-r"} {
		inRecovery := "t"
		if active.namespace == s.namespace {
			if suffix == "-ro" {
				continue // one instance has no standby
			}
			inRecovery = "f"
		}
		eventually(t, time.Minute, "an answer of "+x+suffix, func() error {
			got, err := s.sql("client", x+suffix, "SELECT pg_is_in_recovery()")
			return want(got, inRecovery, err)
		})
	}
}

// joined stands in for ClusterMesh until the test ends: a Service that is global on both
// sides, and has no Pod on its own, gets those of the other side. It does not what the
// affinity remote asks for, as kube-proxy knows no affinity.
func joined(t *testing.T, a, b *namespace) {
	stop, stopped := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() {
		close(stop)
		<-stopped
	})
	go func() {
		defer close(stopped)
		given := map[*namespace]map[string]string{a: {}, b: {}}
		for {
			here, errHere := a.services()
			there, errThere := b.services()
			if errHere == nil && errThere == nil { // else the next time
				a.join(here, there, given[a])
				b.join(there, here, given[b])
			}
			select {
			case <-stop:
				return
			case <-time.After(time.Second):
			}
		}
	}()
}

// services are those of a namespace, with the Pods that its own cluster knows.
func (n *namespace) services() (map[string]*meshService, error) {
	out, err := n.try("get", "services,endpointslices", "-o", "json")
	if err != nil {
		return nil, err
	}
	var list struct {
		Items []struct {
			Kind     string
			Metadata struct {
				Name                string
				Labels, Annotations map[string]string
			}
			Endpoints []struct {
				Addresses  []string
				Conditions struct{ Ready bool }
			}
		}
	}
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		return nil, err
	}
	all := make(map[string]*meshService)
	for _, o := range list.Items {
		if o.Kind == "Service" {
			all[o.Metadata.Name] = &meshService{Annotations: o.Metadata.Annotations}
		}
	}
	for _, o := range list.Items {
		service := all[o.Metadata.Labels["kubernetes.io/service-name"]]
		if o.Kind != "EndpointSlice" || service == nil || o.Metadata.Labels["endpointslice.kubernetes.io/managed-by"] == byHand {
			continue
		}
		for _, endpoint := range o.Endpoints {
			if endpoint.Conditions.Ready {
				service.Pods = append(service.Pods, endpoint.Addresses...)
			}
		}
	}
	return all, nil
}

// join gives the Services of this side what they lack. What they have been given before
// is in given.
func (n *namespace) join(here, there map[string]*meshService, given map[string]string) {
	const global = "service.cilium.io/global"
	for name, service := range here {
		address := ""
		if other := there[name]; other != nil && service.Annotations[global] == "true" && other.Annotations[global] == "true" &&
			len(service.Pods) == 0 && len(other.Pods) > 0 {
			address = other.Pods[0]
		}
		if address == given[name] {
			continue
		}
		var err error
		if address == "" {
			_, err = n.try("delete", "endpointslice", name+"-by-hand", "--ignore-not-found")
		} else {
			_, err = n.run(nil, slice(name, address), n.kube, "-n", n.name, "apply", "-f", "-")
		}
		if err == nil {
			given[name] = address
		}
	}
}

// A side is one of two Kubernetes clusters, with its member of the pair.
type side struct {
	*namespace
	name, member string
}

func (s side) apply(t *testing.T, settings []string) {
	t.Helper()
	s.helm(t, slices.Concat(on("CNPG_PAIR_SIDE="+s.name), settings))
}

// changeOver makes the member of the second side the active one.
func changeOver(t *testing.T, from, to side) {
	t.Helper()
	copySecrets(t, to.namespace, from.namespace, to.member+"-replication", to.member+"-ca")
	start := time.Now()
	to.apply(t, activeNone())
	from.apply(t, activeNone())
	for _, s := range []side{from, to} {
		if s.name == "primary" {
			continue
		}
		got := s.kubectl(t, "get", "service", x+"-rw", "-o", `jsonpath={.metadata.annotations.service\.cilium\.io/global}{.spec.selector.cnpg\.io/cluster}`)
		if got != "" {
			t.Errorf("nobody takes writes, and %s-rw leads to %s", x, got)
		}
	}
	active := promoted(to.name, from.token(t, from.member))
	to.apply(t, active)
	eventually(t, time.Minute, "a promoted "+to.name+", with the old password", func() error {
		_, err := to.sql("client", x+"-active", "INSERT INTO numbers DEFAULT VALUES")
		return err
	})
	evidence(t, "from --active none to the first write on the "+to.name+"'s side, with the old password, through "+x+"-active", "%.0f s", time.Since(start).Seconds())
	from.apply(t, active)
	eventually(t, 2*time.Minute, "a "+from.name+" that follows", func() error { return to.follows(from.member, to.member) })
	from.beyond(t, "client", from.member, to.last(t, "client", to.member)-1)
	evidence(t, "rows on both after the change to the "+to.name, "%s", from.login(t, "client", from.member+"-rw", "SELECT count(*) FROM numbers"))
}

// pairOfTwo installs the members in two clusters, and has 1000 rows on both. The
// result is what the replica took, from the secrets on.
func pairOfTwo(t *testing.T, a, b *namespace, settings ...string) time.Duration {
	t.Helper()
	joined(t, a, b)
	a.helm(t, on("CNPG_PAIR_SIDE=primary"))
	a.healthy(t, x)
	a.client(t, "client", "region-a", "sleep infinity")
	a.login(t, "client", x+"-rw", table)

	start := time.Now()
	copySecrets(t, a, b, x+"-replication", x+"-ca", x+"-app")
	b.helm(t, on("CNPG_PAIR_SIDE=replica"))
	b.healthy(t, replica)
	eventually(t, time.Minute, "a replica that streams", func() error { return a.follows(replica, x) })
	took := time.Since(start)
	if len(settings) > 0 {
		a.helm(t, append(on("CNPG_PAIR_SIDE=primary"), settings...))
		eventually(t, time.Minute, "settings that the server has", func() error {
			got, err := a.trySuper(x+"-1", "SELECT sync_state FROM pg_stat_replication")
			return want(got, "sync", err)
		})
	}
	a.login(t, "client", x+"-rw", "INSERT INTO numbers SELECT FROM generate_series(1, 1000)")
	b.client(t, "client", "region-b", "sleep infinity")
	b.beyond(t, "client", replica, 999)
	return took
}

// testClusterLost promotes the replica while the primary's cluster knows nothing of
// it, as one does not that was lost and comes back; tells it, and clones the old
// primary again.
func testClusterLost(t *testing.T, c *cluster) {
	c.ours(t, "a second cluster must be started for this")
	a := c.namespace(t, "lost")
	b := c.beside.sameNamespace(t, a)
	pairOfTwo(t, a, b)
	const insert = "INSERT INTO numbers DEFAULT VALUES"
	write := func(n *namespace, member string) func() error {
		return func() error {
			_, err := n.sql("client", member+"-rw", insert)
			return err
		}
	}
	a.client(t, "writer", "region-a", writer(x+"-rw", drip(20)))
	b.beyond(t, "client", replica, 1050)
	b.helm(t, slices.Concat(on("CNPG_PAIR_SIDE=replica"), failover("now")))
	eventually(t, time.Minute, "a promoted replica, with the old password", write(b, replica))
	time.Sleep(10 * time.Second) // of an application that has not heard of it
	acked := numbers(a.written(t))
	lost := missing(acked, b.foundOf(t, "client", replica+"-rw", x))
	evidence(t, "rows that an asynchronous primary, cut off, acknowledged, and lost of them once its replica was promoted", "%d, %d", len(acked), len(lost))
	if len(lost) == 0 {
		t.Error("the runbook says that such rows are lost, and none is")
	}

	copySecrets(t, b, a, replica+"-replication", replica+"-ca")
	start := time.Now()
	a.helm(t, slices.Concat(on("CNPG_PAIR_SIDE=primary"), failover("now")))
	eventually(t, 2*time.Minute, "an old primary that is a standby", func() error {
		_, err := a.try("exec", x+"-1", "-c", "postgres", "--", "sh", "-c", `ls "$PGDATA/standby.signal"`)
		return err
	})
	evidence(t, "until the old primary was a standby, once its own cluster had been told", "%.0f s", time.Since(start).Seconds())
	for until := time.Now().Add(10 * time.Second); time.Now().Before(until); time.Sleep(time.Second) {
		if write(a, x)() == nil {
			t.Fatal("the old primary still takes writes")
		}
	}

	a.kubectl(t, "patch", "secret", x+"-app", "--type", "json", "--patch", `[{"op": "remove", "path": "/metadata/ownerReferences"}]`)
	a.kubectl(t, "delete", clusters, x)
	eventually(t, 6*time.Minute, "nothing of the old primary", func() error {
		got, err := a.try("get", "pods,pvc", "-l", "cnpg.io/cluster="+x, "-o", "name")
		return want(got, "", err)
	})
	a.helm(t, slices.Concat(on("CNPG_PAIR_SIDE=primary", "CNPG_PAIR_CLONE=primary"), failover("done")))
	b.helm(t, slices.Concat(on("CNPG_PAIR_SIDE=replica"), failover("done")))
	a.healthy(t, x)
	eventually(t, 2*time.Minute, "an old primary that follows", func() error { return b.follows(x, replica) })
	const all = "SELECT count(*), sum(n) FROM numbers"
	eventually(t, 20*time.Second, "the same rows on the old primary", func() error {
		got, err := a.sql("client", x+"-rw", all)
		return want(got, b.login(t, "client", replica+"-rw", all), err)
	})
	evidence(t, "rows on the old primary, cloned again, and on the new one", "%s", a.login(t, "client", x+"-rw", "SELECT count(*) FROM numbers"))
}

// testClusterLostSync promotes the replica while a synchronous primary lives, cut
// off: whoever still writes there is told of no commit.
func testClusterLostSync(t *testing.T, c *cluster) {
	c.ours(t, "a second cluster must be started for this")
	a := c.namespace(t, "lostsync")
	b := c.beside.sameNamespace(t, a)
	sync := "CNPG_PAIR_REPLICATION=sync"
	pairOfTwo(t, a, b, sync)
	b.helm(t, slices.Concat(on("CNPG_PAIR_SIDE=replica", sync), failover("now")))
	eventually(t, time.Minute, "a promoted replica", func() error {
		_, err := b.sql("client", replica+"-rw", "INSERT INTO numbers DEFAULT VALUES")
		return err
	})
	const seconds = 10
	acknowledged := 0
	for range 3 {
		out, err := a.try("exec", "client", "--", "timeout", fmt.Sprint(seconds), "psql", "-XAtq", "-c", insert, "host="+x+"-rw sslmode=require")
		switch {
		case err == nil:
			acknowledged++
			t.Errorf("the old primary has acknowledged row %s", out)
		case !strings.Contains(err.Error(), "exit code 124"): // of timeout: a refusal is no wait
			t.Errorf("the commit did not wait: %v", err)
		}
	}
	evidence(t, "commits that a synchronous primary, cut off, acknowledged after its replica was promoted", "%d of 3, waited for %d s each", acknowledged, seconds)
}

// second starts another cluster, with region-b only.
func (c *cluster) second(t *testing.T) *cluster {
	up := exec.Command("live/cluster.sh", "second", "up")
	up.Stderr = os.Stderr
	out, err := up.Output()
	if err != nil {
		t.Fatalf("cluster.sh second up: %v", err)
	}
	t.Cleanup(func() { c.script(t, "second", "down") })
	other := *c
	other.enter(t, string(out))
	other.guardOn(t)
	return &other
}

// sameNamespace makes in a cluster the namespace that another one has.
func (c *cluster) sameNamespace(t *testing.T, of *namespace) *namespace {
	n := &namespace{c, of.name}
	n.kubectl(t, "create", "namespace", n.name)
	t.Cleanup(func() {
		if t.Failed() {
			n.collect(t)
		}
	})
	return n
}

// copySecrets does what the runbook tells to do.
func copySecrets(t *testing.T, from, to *namespace, names ...string) {
	t.Helper()
	args := append([]string{"get", "secrets"}, names...)
	to.applied(t, from.kubectl(t, append(args, "-o", "go-template-file=../examples/sides/copy-secrets.gotmpl")...))
}

// byHand is who manages the endpoints that ClusterMesh would know.
const byHand = "cnpg-pair-e2e"

func slice(service, address string) string {
	return fmt.Sprintf(`
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: %s-by-hand
  labels: {kubernetes.io/service-name: %s, endpointslice.kubernetes.io/managed-by: %s}
addressType: IPv4
endpoints: [{addresses: [%s]}]
ports: [{name: postgres, port: 5432}]
`, service, service, byHand, address)
}
