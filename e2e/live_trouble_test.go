package e2e

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Each of these tests brings a pair into a trouble in which the operator says that it
// is healthy, or leaves it alone, and pastes what the runbook has against that.

// changed is the example chart as it is rendered, with one text for another.
func (n *namespace) changed(t *testing.T, old, new string) string {
	t.Helper()
	chart := n.template(t)
	if strings.Count(chart, old) != 1 {
		t.Fatalf("the example chart has not one %q:\n%s", old, chart)
	}
	return strings.Replace(chart, old, new, 1)
}

// pair applies a chart with hot standby on, and waits until 1000 rows are on both members.
func (n *namespace) pair(t *testing.T, chart string, settings ...string) {
	t.Helper()
	n.applied(t, n.rendered(t, on(settings...), chart))
	n.healthy(t, x, replica)
	eventually(t, time.Minute, "a replica that streams", func() error { return n.follows(replica, x) })
	n.thousandRows(t)
	n.beyond(t, "client", replica, 999)
}

// thousandRows writes so many, from a client's Pod that stays.
func (n *namespace) thousandRows(t *testing.T) {
	t.Helper()
	n.client(t, "client", "region-b", work)
	n.login(t, "client", x+"-rw", table)
	n.login(t, "client", x+"-rw", "INSERT INTO numbers SELECT FROM generate_series(1, 1000)")
}

// says waits for a text in the log of a member's PostgreSQL, or of a plugin beside it.
func (n *namespace) says(t *testing.T, member, text string) {
	t.Helper()
	eventually(t, 2*time.Minute, fmt.Sprintf("a log of %s that says %q", member, text), func() error {
		log, err := n.try("logs", member+"-1", "--all-containers", "--tail=-1")
		if err == nil && !strings.Contains(log, text) {
			err = errors.New("it does not")
		}
		return err
	})
}

// away waits until a member does not stream, and looks whether it does after a while.
func (n *namespace) away(t *testing.T, standby, primary string, seconds int) {
	t.Helper()
	eventually(t, 2*time.Minute, standby+" that does not stream", func() error {
		if n.follows(standby, primary) == nil {
			return errors.New("it does")
		}
		return nil
	})
	for end := time.Now().Add(time.Duration(seconds) * time.Second); time.Now().Before(end); time.Sleep(time.Second) {
		if n.follows(standby, primary) == nil {
			t.Fatalf("%s streams again, of itself", standby)
		}
	}
	evidence(t, "phase of the Cluster that does not stream", "%s", n.kubectl(t, "get", clusters, standby, "-o", "jsonpath={.status.phase}"))
}

// whole looks for a new row of the primary on the replica.
func (n *namespace) whole(t *testing.T) {
	t.Helper()
	eventually(t, 2*time.Minute, "a replica that streams", func() error { return n.follows(replica, x) })
	n.answer(t, "client", x+"-rw", "INSERT INTO numbers DEFAULT VALUES")
	n.beyond(t, "client", replica, n.last(t, "client", x)-1)
}

// testParametersLowered lowers max_connections in both members at once.
func testParametersLowered(t *testing.T, c *cluster) {
	n := c.namespace(t, "parameters")
	const connections = `max_connections: "120"`
	n.pair(t, n.changed(t, connections, `max_connections: "300"`))
	n.applied(t, n.rendered(t, hotStandby, n.changed(t, connections, `max_connections: "60"`)))
	n.says(t, replica, "insufficient parameter settings")
	n.away(t, replica, x, 30)
	start := time.Now()
	n.runbookShell(t).blocks(t, runbook(t, "A parameter was lowered"))
	evidence(t, "from the deleted Pod to a replica that streams", "%.0f s", time.Since(start).Seconds())
	n.whole(t)
	n.healthy(t, x, replica)
	if got := n.super(t, x+"-1", "SHOW max_connections"); got != "60" {
		t.Errorf("the primary has max_connections %s, want 60", got)
	}
}

// testTablespaceAdded adds a tablespace to both members at once, and then another one to
// the primary first.
func testTablespaceAdded(t *testing.T, c *cluster) {
	n := c.namespace(t, "tablespace")
	n.pair(t, n.template(t))
	with := func(names ...string) string {
		list := "  tablespaces:\n"
		for _, name := range names {
			list += "  - {name: " + name + ", owner: {name: wordpress}, storage: {size: 1Gi}}\n"
		}
		return n.rendered(t, hotStandby, n.changed(t, "\n  storage:\n", "\n"+list+"  storage:\n"))
	}
	use := func(name string) {
		t.Helper()
		eventually(t, 3*time.Minute, "a table in the tablespace "+name, func() error {
			_, err := n.sql("client", x+"-rw", "CREATE TABLE "+name+"_table TABLESPACE "+name+" AS SELECT generate_series(1, 1000) AS n")
			return err
		})
	}
	there := func(name string) {
		t.Helper()
		eventually(t, 2*time.Minute, "a table in the replica's tablespace "+name, func() error {
			got, err := n.sql("client", replica+"-rw", "SELECT count(*) FROM "+name+"_table")
			return want(got, "1000", err)
		})
	}
	start := time.Now()
	n.applied(t, with("early"))
	use("early")
	there("early")
	n.whole(t)
	log := n.kubectl(t, "logs", replica+"-1", "-c", "postgres", "--tail=-1")
	evidence(t, "a tablespace added to both members at once", "on both after %.0f s; the replica's PostgreSQL missed its volume at first: %v",
		time.Since(start).Seconds(), strings.Contains(log, `tablespaces/early/data\" does not exist`))

	before, _, found := strings.Cut(with("early", "late"), "\nmetadata:\n  name: "+replica+"\n")
	if !found {
		t.Fatal("there is no replica")
	}
	n.applied(t, before[:strings.LastIndex(before, "---\n")])
	use("late")
	n.away(t, replica, x, 20)
	n.says(t, replica, `tablespaces/late/data\" does not exist`)
	n.applied(t, with("early", "late"))
	n.away(t, replica, x, 20)
	shell := n.runbookShell(t)
	shell.paste(t, "apply_state() { kubectl apply --filename chart.yaml; }")
	write(t, filepath.Join(shell.dir, "chart.yaml"), []byte(with("early", "late")))
	left := runbook(t, "A standby is lost")
	shell.block(t, containing(t, left, "STANDBY=$REPLICA"))
	for _, b := range left[2:] {
		shell.block(t, b)
	}
	there("early")
	there("late")
	n.whole(t)
	n.healthy(t, x, replica)
}

// A store is an object store of one test, which can be away.
type store struct {
	address string
	command []string
	process *exec.Cmd
	alive   io.Closer // it ends when this is closed, as it is when the tests end
}

// objects starts an object store at a port of control.
func (n *namespace) objects(t *testing.T, port int) *store {
	t.Helper()
	n.ours(t, "an object store must be started for this")
	s := &store{address: fmt.Sprintf("10.99.0.1:%d", port)}
	s.command = append(slices.Clone(n.prefix), tool(t, "objects"), "-listen", s.address, "-bucket", "backups",
		"-data", filepath.Join(n.state, "control", n.name+".db"))
	s.start(t)
	t.Cleanup(func() {
		if s.process != nil {
			s.stop(t)
		}
		os.Remove(filepath.Join(n.state, "control", n.name+".db"))
	})
	n.applied(t, "apiVersion: v1\nkind: Secret\nmetadata: {name: objects}\nstringData: {user: e2e, password: e2e}\n")
	return s
}

func (s *store) start(t *testing.T) {
	t.Helper()
	s.process = exec.Command("sh", append([]string{"-c", `"$@" & cat; kill -9 $!`, "sh"}, s.command...)...)
	s.process.Stderr = os.Stderr
	var err error
	if s.alive, err = s.process.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
}

func (s *store) stop(t *testing.T) {
	t.Helper()
	s.alive.Close()
	s.process.Wait()
	s.process = nil
}

// archive is where a Cluster keeps its WAL and its backups in the store.
func (s *store) archive(path string) string {
	return fmt.Sprintf(`{destinationPath: "s3://backups/%s/", endpointURL: "http://%s", s3Credentials: {accessKeyId: {name: objects, key: user}, secretAccessKey: {name: objects, key: password}}, wal: {maxParallel: 4}, data: {immediateCheckpoint: true}}`, path, s.address)
}

const (
	waiting  = "SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'"
	archived = "SELECT archived_count > 0 FROM pg_stat_archiver"
)

// testStoreGone stops the object store for as long as it takes to write 20 segments of WAL.
func testStoreGone(t *testing.T, c *cluster) {
	n := c.namespace(t, "store")
	s := n.objects(t, 9001)
	n.pair(t, n.changed(t, "\n  storage:\n", "\n  backup: {barmanObjectStore: "+s.archive(n.name)+"}\n  storage:\n"))
	members := []string{x + "-1", replica + "-1"}
	segments := func(count int) {
		t.Helper()
		for range count / 2 { // a few at a time, as a slow disk takes seconds for each
			n.super(t, x+"-1", `DO 'BEGIN FOR i IN 1..2 LOOP PERFORM pg_logical_emit_message(false, ''e2e'', ''e2e''); PERFORM pg_switch_wal(); END LOOP; END'`)
		}
	}
	segments(2)
	for _, pod := range members {
		eventually(t, 2*time.Minute, "an archive of "+pod, func() error {
			got, err := n.trySuper(pod, archived)
			return want(got, "t", err)
		})
	}
	n.client(t, "writer", "region-a", writer(x+"-rw", drip(20)))
	n.beyond(t, "client", replica, 1050)
	first := n.last(t, "client", x)

	s.stop(t)
	gone := time.Now()
	segments(20)
	for _, pod := range members {
		eventually(t, time.Minute, "WAL that waits on "+pod, func() error {
			got, err := n.trySuper(pod, waiting)
			if count, _ := strconv.Atoi(got); err == nil && count < 15 {
				err = fmt.Errorf("it is %s segments", got)
			}
			return err
		})
	}
	eventually(t, time.Minute, "archiving that fails", func() error {
		got, err := n.trySuper(x+"-1", "SELECT failed_count > 0 FROM pg_stat_archiver")
		return want(got, "t", err)
	})
	n.beyond(t, "client", x, n.last(t, "client", x)+40)
	n.beyond(t, "client", replica, n.last(t, "client", x)-1)
	if err := n.follows(replica, x); err != nil {
		t.Errorf("without the object store, the replica does not stream: %v", err)
	}
	ready, size := n.super(t, x+"-1", waiting), n.super(t, x+"-1", "SELECT pg_size_pretty(sum(size)) FROM pg_ls_waldir()")
	evidence(t, "the object store gone", "for %.0f s; %s segments waited on the primary, whose pg_wal was %s; both members were written and read",
		time.Since(gone).Seconds(), ready, size)

	s.start(t)
	back := time.Now()
	n.runbookShell(t).blocks(t, runbook(t, "The object store is gone"))
	evidence(t, "from the store's return to both archives that lack nothing", "%.0f s", time.Since(back).Seconds())
	acked := numbers(n.written(t))
	n.nothingLost(t, acked)
	evidence(t, "longest pause between two writes", "%.1f s", n.pause(t, x+"-rw", first))
	n.whole(t)
}

// expiring gives the certificate of a secret five days to live, signed with the key of
// the CA's secret, as if its time had come.
func (n *namespace) expiring(t *testing.T, secret, certificate, ca string) {
	t.Helper()
	read := func(name, key string) []byte {
		t.Helper()
		data, err := base64.StdEncoding.DecodeString(n.kubectl(t, "get", "secret", name, "-o", `jsonpath={.data.`+strings.ReplaceAll(key, ".", `\.`)+`}`))
		block, _ := pem.Decode(data)
		if err != nil || block == nil {
			t.Fatalf("no %s in the secret %s: %v", key, name, err)
		}
		return block.Bytes
	}
	parse := func(name, key string) *x509.Certificate {
		t.Helper()
		c, err := x509.ParseCertificate(read(name, key))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	key, err := x509.ParseECPrivateKey(read(ca, "ca.key"))
	if err != nil {
		t.Fatal(err)
	}
	old, parent := parse(secret, certificate), parse(ca, "ca.crt")
	short := *old
	short.SerialNumber = big.NewInt(time.Now().UnixNano())
	short.NotBefore, short.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(5*24*time.Hour)
	if secret == ca {
		parent = &short
	}
	der, err := x509.CreateCertificate(rand.Reader, &short, parent, old.PublicKey.(*ecdsa.PublicKey), key)
	if err != nil {
		t.Fatal(err)
	}
	patch, err := json.Marshal(map[string]any{"data": map[string][]byte{certificate: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}})
	if err != nil {
		t.Fatal(err)
	}
	n.kubectl(t, "patch", "secret", secret, "--type", "merge", "--patch", string(patch))
	eventually(t, 2*time.Minute, "a renewed certificate in "+secret, func() error {
		if left := time.Until(parse(secret, certificate).NotAfter); left < 30*24*time.Hour {
			return fmt.Errorf("it lives for %v", left)
		}
		return nil
	})
}

// reconnects ends the replica's connection, and waits until it has another one: the old
// one goes on with the old certificates.
func reconnects(t *testing.T, at *namespace) {
	t.Helper()
	first := at.super(t, x+"-1", "SELECT max(backend_start) FROM pg_stat_replication")
	at.super(t, x+"-1", "SELECT pg_terminate_backend(pid) FROM pg_stat_replication")
	eventually(t, 2*time.Minute, "a replica that streams over a new connection", func() error {
		if err := at.follows(replica, x); err != nil {
			return err
		}
		got, err := at.trySuper(x+"-1", "SELECT max(backend_start) > '"+first+"' FROM pg_stat_replication")
		return want(got, "t", err)
	})
}

// renewed replaces the certificates of the primary, which the replica needs, first as
// the operator does it in time, and then all of them, with a new authority. After each,
// there is what brings them to the replica.
func renewed(t *testing.T, at *namespace, bring func(t *testing.T)) {
	t.Helper()
	for _, secret := range []struct{ name, certificate string }{{x + "-server", "tls.crt"}, {x + "-replication", "tls.crt"}, {x + "-ca", "ca.crt"}} {
		at.expiring(t, secret.name, secret.certificate, x+"-ca")
		bring(t)
		time.Sleep(5 * time.Second) // for the servers to read it
		reconnects(t, at)
	}
	authority := func() string { return at.kubectl(t, "get", "secret", x+"-ca", "-o", `jsonpath={.data.ca\.crt}`) }
	old := authority()
	at.kubectl(t, "delete", "secret", x+"-ca", x+"-server", x+"-replication")
	for _, name := range []string{x + "-ca", x + "-server", x + "-replication"} {
		at.kubectl(t, "wait", "--for=create", "secret/"+name, "--timeout=50s")
	}
	if authority() == old {
		t.Fatal("it is the old authority")
	}
	bring(t)
	start := time.Now()
	reconnects(t, at)
	evidence(t, "from a new authority to a replica that streams over a new connection", "%.0f s", time.Since(start).Seconds())
}

// testCertificatesRenewed: in one cluster, where the operator brings them to the replica.
func testCertificatesRenewed(t *testing.T, c *cluster) {
	n := c.namespace(t, "certificates")
	n.pair(t, n.template(t))
	n.client(t, "writer", "region-a", writer(x+"-rw", drip(1e6)))
	n.beyond(t, "client", replica, 1050)
	first := n.last(t, "client", x)
	shell := n.runbookShell(t)
	renewed(t, n, func(t *testing.T) {})
	shell.blocks(t, runbook(t, "Certificates were renewed"))
	acked := numbers(n.written(t))
	n.nothingLost(t, acked)
	evidence(t, "longest pause between two writes", "%.1f s", n.pause(t, x+"-rw", first))
}

// testCertificatesRenewedInTwo: they must be copied again.
func testCertificatesRenewedInTwo(t *testing.T, c *cluster) {
	c.ours(t, "a second cluster must be started for this")
	a := c.namespace(t, "copies")
	b := c.beside.sameNamespace(t, a)
	pairOfTwo(t, a, b)
	a.client(t, "writer", "region-a", writer(x+"-rw", drip(1e6)))
	b.beyond(t, "client", replica, 1050)
	renewed(t, a, func(t *testing.T) { copySecrets(t, a, b, x+"-replication", x+"-ca") })
	acked := numbers(a.written(t))
	b.beyond(t, "client", replica, slices.Max(acked)-1)
	lost := missing(acked, b.found(t, "client", replica+"-rw"))
	evidence(t, "rows acknowledged meanwhile, and lost of them", "%d, %d", len(acked), len(lost))
	if len(lost) > 0 || len(acked) < 50 {
		t.Errorf("%d of %d acknowledged rows are not on the replica", len(lost), len(acked))
	}
}

// from15 is the cluster with the former major version of PostgreSQL, and to17 is what
// that is upgraded to.
func from15(t *testing.T, c *cluster) *cluster {
	t.Helper()
	c.ours(t, "images of two major versions must be there for this")
	c.script(t, "image", "postgresql-15", "postgresql-17-from-15")
	former := *c
	former.image = "cnpg-pair.local/postgresql:15"
	return &former
}

const to17 = "cnpg-pair.local/postgresql:17-from-15"

// major looks for a member of a major version, with all rows.
func (n *namespace) major(t *testing.T, member, version, rows string) {
	t.Helper()
	eventually(t, 4*time.Minute, member+" with PostgreSQL "+version, func() error {
		got, err := n.trySuper(member+"-1", "SELECT split_part(current_setting('server_version'), '.', 1)")
		return want(got, version, err)
	})
	if got := n.answer(t, "client", member+"-rw", "SELECT count(*) FROM numbers"); got != rows {
		t.Errorf("%s has %s rows, want %s", member, got, rows)
	}
}

// upgraded does what the runbook says of a new major version.
func (n *namespace) upgraded(t *testing.T) {
	t.Helper()
	shell := n.runbookShell(t)
	blocks := runbook(t, "PostgreSQL gets a new major version")
	shell.block(t, blocks[0])
	n.image = to17
	n.helm(t, nil)
	n.major(t, x, "17", "1000")
	shell.blocks(t, blocks[1:])
	n.healthy(t, x, replica)
	n.major(t, replica, "17", "1000")
	n.whole(t)
}

// testMajorUpgrade: without hot standby, as the runbook says.
func testMajorUpgrade(t *testing.T, c *cluster) {
	n := from15(t, c).namespace(t, "major")
	n.helm(t, hotStandby)
	n.healthy(t, x, replica)
	n.thousandRows(t)
	n.major(t, x, "15", "1000")
	n.upgraded(t)
}

// testMajorUpgradeOfAPair changes the image of both members as they are, and does what
// the runbook says then.
func testMajorUpgradeOfAPair(t *testing.T, c *cluster) {
	n := from15(t, c).namespace(t, "major-pair")
	n.helm(t, hotStandby)
	n.healthy(t, x, replica)
	n.thousandRows(t)
	n.image = to17
	n.helm(t, hotStandby)
	n.major(t, x, "17", "1000")
	const refused = "The source cluster was shut down while in recovery mode."
	eventually(t, 3*time.Minute, "a replica that pg_upgrade refuses", func() error {
		said, err := n.try("logs", "job/"+replica+"-1-major-upgrade", "--all-containers", "--tail=-1")
		if err == nil && !strings.Contains(said, refused) {
			err = errors.New(said)
		}
		return err
	})
	evidence(t, "pg_upgrade of a standby's data", "%s", refused)
	n.upgraded(t)
}

// testDiverged has the primary acknowledge rows that the replica never receives, and
// promotes that.
func testDiverged(t *testing.T, c *cluster) {
	n := c.namespace(t, "diverged")
	n.helm(t, hotStandby)
	n.healthy(t, x, replica)
	n.thousandRows(t)
	n.beyond(t, "client", replica, 999)
	shell := n.runbookShell(t)
	// a walsender that does nothing more
	sender := n.super(t, x+"-1", "SELECT pid FROM pg_stat_replication")
	n.kubectl(t, "exec", x+"-1", "-c", "postgres", "--", "kill", "-STOP", sender)
	n.login(t, "client", x+"-rw", "INSERT INTO numbers SELECT FROM generate_series(1, 1000)")
	shell.block(t, containing(t, runbook(t, "The primary's region is lost"), "set_active replica now"))
	n.try("exec", x+"-1", "-c", "postgres", "--", "kill", "-CONT", sender)
	shell.paste(t, `standby "$CLUSTER" && writable "$REPLICA" && set_active replica done`)
	const forked = "forked off current database system timeline"
	n.says(t, x, forked)
	n.away(t, x, replica, 10)
	left := runbook(t, "A standby is lost")
	shell.block(t, containing(t, left, "STANDBY=$CLUSTER"))
	if out := shell.block(t, containing(t, left, "kubectl logs")); !strings.Contains(out, forked) {
		t.Errorf("the runbook's block does not say why:\n%s", out)
	}
	for _, b := range left[3:] {
		shell.block(t, b)
	}
	n.answer(t, "client", replica+"-rw", "INSERT INTO numbers DEFAULT VALUES")
	n.beyond(t, "client", x, n.last(t, "client", replica)-1)
	if got := n.answer(t, "client", x+"-rw", "SELECT count(*) FROM numbers"); got != "1001" {
		t.Errorf("the cloned primary has %s rows, want the replica's 1001", got)
	}
}

// TestMoreOperatorUpgraded upgrades the operator with a pair in place, whose application
// writes.
func TestMoreOperatorUpgraded(t *testing.T) {
	if os.Getenv("E2E") != "all" {
		t.Skip("has the cluster for itself, for minutes: make e2e-all runs it")
	}
	c := theCluster(t)
	c.ours(t, "the operator is exchanged for this")
	t.Cleanup(func() { c.script(t, "operator") })
	c.script(t, "image", "operator-1.29")
	c.script(t, "operator", "1.29")
	version := func() string {
		out, err := c.run(nil, "", c.kube, "-n", "cnpg-system", "exec", "deployment/cnpg-controller-manager", "--", "/manager", "version")
		if err != nil {
			t.Fatal(err)
		}
		return strings.Fields(strings.TrimPrefix(out, "Build: {Version:"))[0]
	}
	from := version()
	n := c.namespace(t, "operator")
	n.pair(t, n.template(t))
	n.client(t, "writer", "region-a", writer(x+"-rw", drip(20)))
	n.beyond(t, "client", replica, 1050)
	volumes, first, start := n.volumes(t), n.last(t, "client", x), time.Now()
	c.script(t, "operator")
	if to := version(); !strings.HasPrefix(from, "1.29.") || to == from {
		t.Fatalf("the operator was %s and is %s", from, to)
	} else {
		evidence(t, "the operator", "%s, and then %s", from, to)
	}
	eventually(t, 4*time.Minute, "instances of the new operator", func() error {
		images, err := n.try("get", "pods", "-l", "cnpg.io/cluster", "-o", "jsonpath={.items[*].spec.initContainers[0].image}")
		return want(images, "cnpg-pair.local/operator:e2e cnpg-pair.local/operator:e2e", err)
	})
	n.runbookShell(t).blocks(t, runbook(t, "The operator is upgraded"))
	n.healthy(t, x, replica)
	n.whole(t)
	evidence(t, "from the new operator to a healthy pair that streams", "%.0f s", time.Since(start).Seconds())
	n.nothingLost(t, numbers(n.written(t)))
	evidence(t, "longest pause between two writes", "%.1f s, while work took %.1f times as long as at best", n.pause(t, x+"-rw", first), n.slower(t, start))
	if now := n.volumes(t); now != volumes {
		t.Errorf("the volumes were %s and are %s: something was cloned again", volumes, now)
	}
}
