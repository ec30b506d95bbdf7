package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// A follower is an application that writes by one of the ways in which charts tell where the database is:
// what its container has, and how psql gets it, or the driver of a program.
type follower struct{ name, container, connection, program string }

var applications = []follower{
	{"host", "env: [{name: PGHOST, value: " + x + "-rw}, LOGIN]", "", ""},
	{"host-in-secret", "env: [{name: PGHOST, valueFrom: {secretKeyRef: {name: application, key: host}}}, LOGIN]", "", ""},
	{"secret-key-host", "env: [{name: PGHOST, valueFrom: {secretKeyRef: {name: " + x + "-app, key: host}}}, LOGIN]", "", ""},
	{"secret-key-uri", "env: [{name: URL, valueFrom: {secretKeyRef: {name: " + x + "-app, key: uri}}}]", `"$URL"`, ""},
	{"env-from", "envFrom: [{secretRef: {name: " + x + "-app}}]", `"host=$host user=$username password=$password dbname=$dbname"`, ""},
}

// pooled are those and two that keep sessions open: one with a pool in its driver, and one
// that knows the name of a Pooler only.
var pooled = append(slices.Clone(applications),
	follower{"pool", "env: [{name: PGHOST, value: " + x + "-rw}, LOGIN]", "", pooledDriver},
	follower{"pooler", "env: [{name: PGHOST, value: writers}, LOGIN]", "", ""})

// pooler asks each second, not each 15, for a server that was away.
const pooler = `---
apiVersion: postgresql.cnpg.io/v1
kind: Pooler
metadata: {name: writers}
spec:
  cluster: {name: ` + x + `}
  instances: 1
  type: rw
  pgbouncer: {poolMode: session, parameters: {server_login_retry: "1"}}
  template:
    metadata: {}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: pgbouncer, image: "%s"}]
`

// pooledDriver has four sessions, which it keeps, and writes by another one each second:
// the others are idle. One that has ended is found out before it is used.
const pooledDriver = `import os, time, psycopg, psycopg_pool
pool = psycopg_pool.ConnectionPool("", min_size=4, kwargs={"autocommit": True}, check=psycopg_pool.ConnectionPool.check_connection)
while not os.path.exists("/dev/shm/stop"):
    try:
        with pool.connection(timeout=5) as session:
            print(session.execute("` + insert + `").fetchone()[0], flush=True)
        time.sleep(1)
    except (psycopg.Error, psycopg_pool.PoolTimeout):
        time.sleep(0.1)
pool.close()
`

// applicationPods are Pods of these applications, as a chart has them. Each writes a row
// a second in a session of ten, and gives one up that does not end; one that stays open
// would hold up the shutdown of its server for smartShutdownTimeout. A Pod cannot be
// changed: kubectl apply fails where a change of sides would need that.
func (n *namespace) applicationPods(region string, applications []follower) string {
	var b strings.Builder
	b.WriteString("---\napiVersion: v1\nkind: Secret\nmetadata: {name: application}\nstringData: {host: " + x + "-rw}\n")
	login := ""
	for variable, key := range map[string]string{"PGUSER": "username", "PGPASSWORD": "password", "PGDATABASE": "dbname"} {
		login += fmt.Sprintf("{name: %s, valueFrom: {secretKeyRef: {name: %s-app, key: %s}}}, ", variable, x, key)
	}
	for _, app := range applications {
		command := `while [ ! -e /dev/shm/stop ]; do
  for i in $(seq 10); do [ -e /dev/shm/stop ] || echo "` + insert + `"; sleep 1; done | timeout 20 psql -XAtq -v ON_ERROR_STOP=1 ` + app.connection + ` || sleep 0.1
done`
		if app.program != "" {
			command = "exec python3 -c '" + app.program + "'"
		}
		command = fmt.Sprintf("export PGAPPNAME=%s-%s PGTARGETSESSIONATTRS=read-write PGCONNECT_TIMEOUT=2\n%s", app.name, region, command)
		fmt.Fprintf(&b, `---
apiVersion: v1
kind: Pod
metadata: {name: %s}
spec:
  nodeSelector: {openova.io/region: %s}
  restartPolicy: Never
  terminationGracePeriodSeconds: 0
  containers:
  - name: application
    image: %s
    command: [sh, -c, %q]
    %s
`, app.name, region, n.image, command, strings.Replace(app.container, "LOGIN", strings.TrimSuffix(login, ", "), 1))
	}
	return b.String()
}

// startApplications starts those that follow beside a release of Helm's.
func (n *namespace) startApplications(t *testing.T, region string, env []string) {
	t.Helper()
	rendered := n.rendered(t, append(slices.Clone(env), "CNPG_PAIR_FOLLOW=true"), n.template(t)+n.applicationPods(region, applications))
	var own []string
	for document := range strings.SplitSeq(rendered, "---\n") {
		if strings.Contains(document, "\nkind: Pod\n") || strings.Contains(document, "\nmetadata: {name: application}\n") {
			own = append(own, document)
		}
	}
	if len(own) != len(applications)+1 {
		t.Fatalf("%d documents of %d applications:\n%s", len(own), len(applications), rendered)
	}
	n.applied(t, strings.Join(own, "---\n"))
}

// testApplications looks, from a client, at what the applications wrote while sides
// changed, each as it was started.
func (n *namespace) testApplications(t *testing.T, client, region, how string, applications []follower) {
	t.Helper()
	var acked []int
	for _, app := range applications {
		if restarts := n.kubectl(t, "get", "pod", app.name, "-o", "jsonpath={.status.containerStatuses[0].restartCount}"); restarts != "0" {
			t.Errorf("%s was restarted %s times", app.name, restarts)
		}
		own := numbers(n.writtenBy(t, app.name))
		if len(own) < 30 {
			t.Errorf("%s has written %d rows: that proves nothing", app.name, len(own))
		}
		acked = append(acked, own...)
		pause := n.answer(t, client, x+"-active", fmt.Sprintf(
			"SELECT round(extract(epoch FROM max(pause)), 1) FROM (SELECT at - lag(at) OVER (ORDER BY at) AS pause FROM numbers WHERE application = '%s-%s') AS pauses", app.name, region))
		evidence(t, "an application "+how+", by "+app.name, "%d rows; longest pause %s s; the same Pod, without a restart", len(own), pause)
	}
	slices.Sort(acked)
	lost := missing(acked, n.found(t, client, x+"-active"))
	evidence(t, "rows that these applications were told of, and lost of them", "%d, %d", len(acked), len(lost))
	if len(lost) > 0 {
		t.Errorf("%d of %d acknowledged rows are lost, the first is %d", len(lost), len(acked), lost[0])
	}
}
