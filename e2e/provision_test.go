package e2e

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/clientcmd"
)

// provisioner builds examples/provision and returns a function that runs it.
func provisioner(t *testing.T, plane *controlPlane) func(env []string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "provision")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Dir = "../examples/provision"
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return func(env []string, args ...string) (string, string, error) {
		return run(append([]string{"KUBECONFIG=" + plane.kubeconfig}, env...), "", program, args...)
	}
}

func hotStandbyOf(toggle, primary, replica string) []string {
	return []string{
		"SOVEREIGN_ENABLE_HOT_STANDBY=" + toggle,
		"SOVEREIGN_PRIMARY_REGION=" + primary,
		"SOVEREIGN_REPLICA_REGION=" + replica,
	}
}

// TestProvisionTruthTable: all hot-standby settings, for a named database.
func TestProvisionTruthTable(t *testing.T) {
	plane := theControlPlane(t)
	namespace := plane.namespace(t, "truth")
	provision := provisioner(t, plane)
	rows := []struct {
		env     []string
		pair    bool
		warning string
	}{
		{env: nil},
		{env: hotStandbyOf("", "", "")},
		{env: hotStandbyOf("false", "", "")},
		{env: hotStandbyOf("false", "region-a", "region-b")}, // off with regions
		{env: hotStandbyOf("true", "region-a", "region-b"), pair: true},
		{env: hotStandbyOf("TRUE", "region-a", "region-b"), pair: true},
		{env: hotStandbyOf("Yes", "region-a", "region-b"), pair: true},
		{env: hotStandbyOf("1", "region-a", "region-b"), pair: true},
		{env: hotStandbyOf("on", "region-a", "region-b"), pair: true},
		{env: hotStandbyOf(" true\t", " region-a", "region-b\n"), pair: true},
		{env: hotStandbyOf("y", "region-a", "region-b")},
		{env: hotStandbyOf("enabled", "region-a", "region-b")},
		{env: hotStandbyOf("true", "", "region-b"), warning: "SOVEREIGN_PRIMARY_REGION is empty"},
		{env: hotStandbyOf("true", "region-a", ""), warning: "SOVEREIGN_REPLICA_REGION is empty"},
		{env: hotStandbyOf("true", "", ""), warning: "SOVEREIGN_PRIMARY_REGION and SOVEREIGN_REPLICA_REGION are empty"},
		{env: hotStandbyOf("true", " ", "region-b"), warning: "SOVEREIGN_PRIMARY_REGION is empty"},
		{env: hotStandbyOf("true", "region-a", "region-a"), warning: `are both "region-a"`},
		{env: hotStandbyOf("true", "region-a", " region-a "), warning: `are both "region-a"`},
		{env: hotStandbyOf("true", "region-a", "Region-A"), pair: true}, // the case counts
		{env: hotStandbyOf("true", "region a", "region-b"), warning: "not a Kubernetes label value"},
	}
	for i, row := range rows {
		name := fmt.Sprintf("db-%d", i)
		t.Run(strings.Join(row.env, ","), func(t *testing.T) {
			stdout, stderr, err := provision(row.env, "--namespace", namespace, "--name", name)
			if err != nil {
				t.Fatalf("%v %s", err, stderr)
			}
			want := []string{name}
			if row.pair {
				want = append(want, name+"-replica")
			}
			got := slices.DeleteFunc(plane.clusterNames(t, namespace), func(n string) bool {
				return n != name && !strings.HasPrefix(n, name+"-")
			})
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("Clusters (-want +got):\n%s%s", diff, stdout)
			}
			if row.warning == "" && stderr != "" || !strings.Contains(stderr, row.warning) {
				t.Errorf("stderr is %q, want it to hold %q", stderr, row.warning)
			}
		})
	}
	evidence(t, "settings provisioned from Go", "%d", len(rows))
	t.Run("strict", func(t *testing.T) {
		_, stderr, err := provision(append(hotStandbyOf("true", "region-a", ""), "CNPG_PAIR_STRICT=true"), "--namespace", namespace, "--name", "strict")
		if err == nil || !strings.Contains(stderr, "SOVEREIGN_REPLICA_REGION is empty") {
			t.Errorf("error %v, stderr %q", err, stderr)
		}
		if slices.Contains(plane.clusterNames(t, namespace), "strict") {
			t.Error("a Cluster was created")
		}
	})
	for _, side := range []string{"primary", "replica"} {
		t.Run("side "+side, func(t *testing.T) {
			_, stderr, err := provision(append(slices.Clone(hotStandby), "CNPG_PAIR_SIDE="+side), "--namespace", namespace, "--name", "side")
			if err == nil || !strings.Contains(stderr, "CNPG_PAIR_SIDE asks for one member") {
				t.Errorf("error %v, stderr %q", err, stderr)
			}
			if names := plane.clusterNames(t, namespace); slices.Contains(names, "side") || slices.Contains(names, "side-replica") {
				t.Error("a Cluster was created")
			}
		})
	}
	t.Run("again", func(t *testing.T) {
		for _, env := range [][]string{hotStandby, nil} {
			for range 2 {
				name := fmt.Sprintf("again-%d", len(env))
				if _, stderr, err := provision(env, "--namespace", namespace, "--name", name); err != nil {
					t.Errorf("%v %s", err, stderr)
				}
			}
		}
	})
}

// single is what examples/provision makes without hot standby.
const single = `apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata:
  name: NAME
  namespace: NAMESPACE
  labels:
    app.kubernetes.io/managed-by: provision
spec:
  instances: 1
  bootstrap:
    initdb: {database: wordpress, owner: editor}
  storage: {size: 2Gi}
`

// wholePair is what it makes with hot standby, every field of it.
const wholePair = `apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata:
  name: NAME
  namespace: NAMESPACE
  labels:
    app.kubernetes.io/managed-by: provision
    openova.io/cnpg-role: primary
    openova.io/region: region-a
    catalyst.openova.io/cnpg-pair: NAME
  annotations:
    catalyst.openova.io/cnpg-pair-role: primary
    catalyst.openova.io/cnpg-pair-name: NAME
spec:
  instances: 1
  inheritedMetadata:
    labels: {openova.io/cnpg-role: primary, openova.io/region: region-a}
  primaryUpdateMethod: switchover
  bootstrap:
    initdb: {database: wordpress, owner: editor}
  storage: {size: 2Gi}
  affinity:
    nodeAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
        nodeSelectorTerms:
        - matchExpressions:
          - {key: openova.io/region, operator: In, values: [region-a]}
  managed:
    services:
      additional:
      - selectorType: rw
        serviceTemplate:
          metadata:
            name: NAME-mesh
            labels:
              catalyst.openova.io/cnpg-pair: NAME
              catalyst.openova.io/role: replication-source
            annotations:
              service.cilium.io/global: "true"
              service.cilium.io/affinity: local
          spec: {type: ClusterIP}
  certificates:
    serverAltDNSNames: [NAME-active, NAME-active.NAMESPACE, NAME-active.NAMESPACE.svc, NAME-active.NAMESPACE.svc.cluster.local]
---
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata:
  name: NAME-replica
  namespace: NAMESPACE
  labels:
    app.kubernetes.io/managed-by: provision
    openova.io/cnpg-role: replica
    openova.io/region: region-b
    catalyst.openova.io/cnpg-pair: NAME
  annotations:
    catalyst.openova.io/cnpg-pair-role: replica
    catalyst.openova.io/cnpg-pair-name: NAME
    catalyst.openova.io/dr-promotion-mechanism: manual
spec:
  instances: 1
  inheritedMetadata:
    labels: {openova.io/cnpg-role: replica, openova.io/region: region-b}
  bootstrap:
    pg_basebackup: {source: NAME, database: wordpress, owner: editor, secret: {name: NAME-app}}
  replica: {enabled: true, source: NAME}
  externalClusters:
  - name: NAME
    connectionParameters:
      host: NAME-mesh
      port: "5432"
      user: streaming_replica
      dbname: postgres
      sslmode: verify-full
      tcp_user_timeout: "5000"
    sslKey: {name: NAME-replication, key: tls.key}
    sslCert: {name: NAME-replication, key: tls.crt}
    sslRootCert: {name: NAME-ca, key: ca.crt}
  storage: {size: 2Gi}
  affinity:
    nodeAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
        nodeSelectorTerms:
        - matchExpressions:
          - {key: openova.io/region, operator: In, values: [region-b]}
  certificates:
    serverAltDNSNames: [NAME-active, NAME-active.NAMESPACE, NAME-active.NAMESPACE.svc, NAME-active.NAMESPACE.svc.cluster.local]
`

// TestProvisionShape compares, field by field, what the program created with
// what a pair is, and with what cnpg-pair makes of the same Cluster in a stream.
func TestProvisionShape(t *testing.T) {
	plane := theControlPlane(t)
	namespace := plane.namespace(t, "shape")
	named := func(text string) string {
		return strings.NewReplacer("NAMESPACE", namespace, "NAME", "blog-db").Replace(text)
	}
	_, stderr, err := provisioner(t, plane)(hotStandby, "--namespace", namespace, "--name", "blog-db", "--database", "wordpress", "--owner", "editor", "--size", "2Gi")
	if err != nil {
		t.Fatalf("%v %s", err, stderr)
	}
	streamed, stderr, err := run(hotStandby, named(single), binary)
	if err != nil {
		t.Fatalf("cnpg-pair: %v %s", err, stderr)
	}
	other := plane.namespace(t, "shape-2")
	for from, text := range map[string]string{"the contract": named(wholePair), "cnpg-pair": streamed} {
		wanted := slices.DeleteFunc(objects(t, []byte(text)), func(o *unstructured.Unstructured) bool { return o.GetKind() == "Service" })
		if len(wanted) != 2 {
			t.Fatalf("%d objects from %s", len(wanted), from)
		}
		for _, want := range wanted {
			got := plane.get(t, namespace, "clusters.postgresql.cnpg.io", want.GetName())
			if got == nil {
				t.Errorf("the program made no %s", want.GetName())
				continue
			}
			// the defaults of the schema and the webhooks are part of what is stored
			if diff := cmp.Diff(shape(plane.defaulted(t, other, want)), shape(got)); diff != "" {
				t.Errorf("%s (-%s +the program):\n%s", want.GetName(), from, diff)
			}
		}
	}
	address := plane.get(t, namespace, "services", "blog-db-active")
	if address == nil {
		t.Fatal("the program made no write address")
	}
	selector, _, err := unstructured.NestedStringMap(address.Object, "spec", "selector")
	if diff := cmp.Diff(map[string]string{"cnpg.io/cluster": "blog-db", "cnpg.io/instanceRole": "primary"}, selector); diff != "" || err != nil {
		t.Errorf("the selector of the write address (-want +got):\n%s%v", diff, err)
	}
}

// defaulted returns an object as the API server would store it, in a namespace
// where it does not exist.
func (p *controlPlane) defaulted(t *testing.T, namespace string, object *unstructured.Unstructured) *unstructured.Unstructured {
	t.Helper()
	object = object.DeepCopy()
	object.SetNamespace(namespace)
	stored, err := p.client.Resource(clusterResource).Namespace(namespace).Create(context.Background(), object,
		metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}, FieldValidation: metav1.FieldValidationStrict})
	if err != nil {
		t.Fatal(err)
	}
	return stored
}

// shape is what its maker decides of a Cluster.
func shape(cluster *unstructured.Unstructured) map[string]any {
	return map[string]any{
		"labels":      cluster.GetLabels(),
		"annotations": cluster.GetAnnotations(),
		"spec":        cluster.Object["spec"],
	}
}

// TestProvisionNames: CNPG takes Clusters of up to 50 characters, and clones and
// upgrades those of up to 46; the replica of a long name must be its own.
func TestProvisionNames(t *testing.T) {
	plane := theControlPlane(t)
	namespace := plane.namespace(t, "names")
	provision := provisioner(t, plane)
	shortened := func(name string) string {
		hash := sha256.Sum256([]byte(name))
		suffix := "-" + hex.EncodeToString(hash[:])[:8] + "-replica"
		return name[:46-len(suffix)] + suffix
	}
	// all replicas in one namespace: no two may be the same
	for _, name := range []string{
		"a",
		strings.Repeat("b", 38),
		strings.Repeat("c", 39),
		strings.Repeat("d", 49) + "1",
		strings.Repeat("d", 49) + "2",
	} {
		replica := name + "-replica"
		if len(replica) > 46 {
			replica = shortened(name)
		}
		t.Run(fmt.Sprintf("%d %s", len(name), replica), func(t *testing.T) {
			_, stderr, err := provision(hotStandby, "--namespace", namespace, "--name", name)
			if err != nil {
				t.Fatalf("%v %s", err, stderr)
			}
			if got := plane.get(t, namespace, "clusters.postgresql.cnpg.io", replica); got == nil || got.GetAnnotations()["catalyst.openova.io/cnpg-pair-name"] != name {
				t.Errorf("no replica of %s is called %s, there are %q", name, replica, plane.clusterNames(t, namespace))
			}
		})
	}
	for _, name := range []string{strings.Repeat("e", 51), "with.dot", "1st"} {
		t.Run(name, func(t *testing.T) {
			_, stderr, err := provision(hotStandby, "--namespace", namespace, "--name", name)
			if err == nil {
				t.Error("no error")
			}
			if !strings.Contains(stderr, "metadata.name") {
				t.Errorf("stderr does not say what is wrong: %s", stderr)
			}
			if names := plane.clusterNames(t, namespace); slices.Contains(names, name) {
				t.Errorf("created: %q", names)
			}
		})
	}
}

// noReplicas is a policy under which no replica Cluster can be created.
const noReplicas = `apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: NAMESPACE}
spec:
  failurePolicy: Fail
  matchConstraints:
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: NAMESPACE}}
    resourceRules:
    - {apiGroups: [postgresql.cnpg.io], apiVersions: [v1], resources: [clusters], operations: [CREATE]}
  validations:
  - {expression: "!has(object.spec.replica)", message: this region is full}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: NAMESPACE}
spec: {policyName: NAMESPACE, validationActions: [Deny]}
`

// TestProvisionRefusedReplica: nobody ever sees half a pair, and nobody loses a
// database that was there before.
func TestProvisionRefusedReplica(t *testing.T) {
	plane := theControlPlane(t)
	namespace := plane.namespace(t, "refused")
	provision := provisioner(t, plane)

	// before the policy: a pair whose replica is lost, a foreign Cluster with
	// the name of a replica, and a single database
	if _, stderr, err := provision(hotStandby, "--namespace", namespace, "--name", "before"); err != nil {
		t.Fatalf("%v %s", err, stderr)
	}
	plane.kubectl(t, "", "-n", namespace, "delete", "clusters.postgresql.cnpg.io", "before-replica")
	for _, name := range []string{"taken-replica", "single"} {
		if _, stderr, err := provision(nil, "--namespace", namespace, "--name", name); err != nil {
			t.Fatalf("%v %s", err, stderr)
		}
	}

	t.Run("name taken", func(t *testing.T) {
		before := plane.identity(t, namespace, "taken-replica")
		_, stderr, err := provision(hotStandby, "--namespace", namespace, "--name", "taken")
		if err == nil || !strings.Contains(stderr, "taken-replica exists") {
			t.Errorf("error %v, stderr %q", err, stderr)
		}
		if names := plane.clusterNames(t, namespace); slices.Contains(names, "taken") {
			t.Errorf("the primary was left behind: %q", names)
		}
		if after := plane.identity(t, namespace, "taken-replica"); after != before {
			t.Errorf("the foreign Cluster was %s and is %s", before, after)
		}
	})
	t.Run("single database", func(t *testing.T) {
		before := plane.identity(t, namespace, "single")
		_, stderr, err := provision(hotStandby, "--namespace", namespace, "--name", "single")
		if err == nil || !strings.Contains(stderr, "stays as it is") {
			t.Errorf("error %v, stderr %q", err, stderr)
		}
		if after := plane.identity(t, namespace, "single"); after != before {
			t.Errorf("it was %s and is %s", before, after)
		}
		if names := plane.clusterNames(t, namespace); slices.Contains(names, "single-replica") {
			t.Errorf("it got a replica: %q", names)
		}
	})

	plane.kubectl(t, strings.ReplaceAll(noReplicas, "NAMESPACE", namespace), "apply", "-f", "-")
	t.Cleanup(func() {
		plane.kubectl(t, "", "delete", "validatingadmissionpolicy,validatingadmissionpolicybinding", namespace)
	})
	replica := objects(t, []byte(strings.NewReplacer("NAMESPACE", namespace, "NAME", "probe").Replace(wholePair)))[1]
	eventually(t, time.Minute, "the policy is in force", func() error {
		_, err := plane.client.Resource(clusterResource).Namespace(namespace).Create(context.Background(), replica, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if err == nil {
			return fmt.Errorf("a replica is admitted")
		}
		return nil
	})

	t.Run("by admission", func(t *testing.T) {
		stdout, stderr, err := provision(hotStandby, "--namespace", namespace, "--name", "blog-db")
		if err == nil || !strings.Contains(stderr, "this region is full") {
			t.Errorf("error %v, stderr %q", err, stderr)
		}
		if want := "blog-db created\ncluster " + namespace + "/blog-db removed again\n"; !strings.HasSuffix(stdout, want) {
			t.Errorf("stdout is %q, want it to end with %q", stdout, want)
		}
		for _, name := range plane.clusterNames(t, namespace) {
			if strings.HasPrefix(name, "blog-db") {
				t.Errorf("%s was left behind", name)
			}
		}
	})
	t.Run("with a primary from before", func(t *testing.T) {
		before := plane.identity(t, namespace, "before")
		_, stderr, err := provision(hotStandby, "--namespace", namespace, "--name", "before")
		if err == nil || !strings.Contains(stderr, "this region is full") {
			t.Errorf("error %v, stderr %q", err, stderr)
		}
		if after := plane.identity(t, namespace, "before"); after != before {
			t.Errorf("it was %s and is %s", before, after)
		}
	})
	t.Run("single needs no replica", func(t *testing.T) {
		if _, stderr, err := provision(nil, "--namespace", namespace, "--name", "alone"); err != nil {
			t.Errorf("%v %s", err, stderr)
		}
	})
}

// identity is the same as long as nobody replaces or changes a Cluster.
func (p *controlPlane) identity(t testing.TB, namespace, name string) string {
	t.Helper()
	cluster := p.get(t, namespace, "clusters.postgresql.cnpg.io", name)
	if cluster == nil {
		return "not there"
	}
	return fmt.Sprintf("%s, generation %d", cluster.GetUID(), cluster.GetGeneration())
}

// TestProvisionWiring renders examples/provision/wiring as it is and with the
// values set, and runs the program as its Job would be run.
func TestProvisionWiring(t *testing.T) {
	plane := theControlPlane(t)
	provision := provisioner(t, plane)
	for _, c := range []struct {
		name     string
		values   []string
		env      map[string]string
		clusters []string
	}{
		{"defaults", nil,
			map[string]string{"SOVEREIGN_ENABLE_HOT_STANDBY": "false", "SOVEREIGN_PRIMARY_REGION": "", "SOVEREIGN_REPLICA_REGION": ""},
			[]string{"sandbox-db"}},
		{"values", []string{"--set", "sovereign.enableHotStandby=true,sovereign.primaryRegion=region-a,sovereign.replicaRegion=region-b"},
			map[string]string{"SOVEREIGN_ENABLE_HOT_STANDBY": "true", "SOVEREIGN_PRIMARY_REGION": "region-a", "SOVEREIGN_REPLICA_REGION": "region-b"},
			[]string{"sandbox-db", "sandbox-db-replica"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			namespace := plane.namespace(t, "wiring-"+c.name)
			args := append([]string{"template", "sandbox", "../examples/provision/wiring", "--namespace", namespace}, c.values...)
			rendered, stderr, err := run(nil, "", tool(t, "helm4"), args...)
			if err != nil {
				t.Fatalf("helm template: %v %s", err, stderr)
			}
			plane.kubectl(t, rendered, "-n", namespace, "apply", "--dry-run=server", "--validate=strict", "-f", "-")
			configs := make(map[string]map[string]string)
			var container struct {
				Args    []string
				EnvFrom []struct{ ConfigMapRef struct{ Name string } }
			}
			for _, object := range objects(t, []byte(rendered)) {
				switch object.GetKind() {
				case "ConfigMap":
					data, _, err := unstructured.NestedStringMap(object.Object, "data")
					if err != nil {
						t.Fatal(err)
					}
					configs[object.GetName()] = data
				case "Job":
					containers, _, err := unstructured.NestedSlice(object.Object, "spec", "template", "spec", "containers")
					if err != nil || len(containers) != 1 {
						t.Fatalf("containers of the Job: %v %v", containers, err)
					}
					remarshal(t, containers[0], &container)
				}
			}
			if len(container.EnvFrom) != 1 {
				t.Fatalf("envFrom of the Job: %+v", container.EnvFrom)
			}
			config := configs[container.EnvFrom[0].ConfigMapRef.Name]
			if diff := cmp.Diff(c.env, config); diff != "" {
				t.Errorf("environment (-want +got):\n%s", diff)
			}
			var env []string
			for name, value := range config {
				env = append(env, name+"="+value)
			}
			if _, stderr, err := provision(env, container.Args...); err != nil || stderr != "" {
				t.Fatalf("%v %s", err, stderr)
			}
			if diff := cmp.Diff(c.clusters, plane.clusterNames(t, namespace)); diff != "" {
				t.Errorf("Clusters (-want +got):\n%s", diff)
			}
		})
	}
}

// TestProvisionRole runs the program as the service account of examples/provision/wiring:
// its Role is enough, also for a primary whose replica was refused, and it can delete no
// other Cluster.
func TestProvisionRole(t *testing.T) {
	plane := theControlPlane(t)
	namespace := plane.namespace(t, "role")
	rendered, stderr, err := run(nil, "", tool(t, "helm4"), "template", "sandbox", "../examples/provision/wiring", "--namespace", namespace, "-s", "templates/rbac.yaml")
	if err != nil {
		t.Fatalf("helm template: %v %s", err, stderr)
	}
	plane.kubectl(t, rendered, "-n", namespace, "apply", "-f", "-")
	account := "system:serviceaccount:" + namespace + ":sandbox-provision"
	config, err := clientcmd.LoadFromFile(plane.kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	for _, user := range config.AuthInfos {
		user.Impersonate = account
	}
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, kubeconfig); err != nil {
		t.Fatal(err)
	}
	env := append([]string{"KUBECONFIG=" + kubeconfig}, hotStandby...)
	provision := provisioner(t, plane)

	for name, want := range map[string]string{"sandbox-db": "yes", "sandbox-db-replica": "no", "other-db": "no"} {
		can, _ := plane.try("", "auth", "can-i", "delete", "clusters.postgresql.cnpg.io/"+name, "-n", namespace, "--as", account)
		if got := strings.TrimSpace(can); got != want {
			t.Errorf("it may delete %s: %q, want %q", name, got, want)
		}
	}

	plane.kubectl(t, strings.ReplaceAll(noReplicas, "NAMESPACE", namespace), "apply", "-f", "-")
	remove := func() {
		plane.kubectl(t, "", "delete", "--ignore-not-found", "validatingadmissionpolicy,validatingadmissionpolicybinding", namespace)
	}
	t.Cleanup(remove)
	replica := objects(t, []byte(strings.NewReplacer("NAMESPACE", namespace, "NAME", "probe").Replace(wholePair)))[1]
	admitted := func() error {
		_, err := plane.client.Resource(clusterResource).Namespace(namespace).Create(context.Background(), replica, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		return err
	}
	eventually(t, time.Minute, "the policy is in force", func() error {
		if admitted() == nil {
			return fmt.Errorf("a replica is admitted")
		}
		return nil
	})
	stdout, stderr, err := provision(env, "--namespace", namespace, "--name", "sandbox-db")
	if err == nil || !strings.Contains(stderr, "this region is full") || !strings.Contains(stdout, "sandbox-db removed again") {
		t.Errorf("error %v, stdout %q, stderr %q", err, stdout, stderr)
	}
	if names := plane.clusterNames(t, namespace); len(names) > 0 {
		t.Errorf("left behind: %q", names)
	}

	remove()
	eventually(t, time.Minute, "the policy is gone", admitted)
	for range 2 { // the second time, both are there
		if _, stderr, err := provision(env, "--namespace", namespace, "--name", "sandbox-db"); err != nil {
			t.Errorf("%v %s", err, stderr)
		}
	}
	if diff := cmp.Diff([]string{"sandbox-db", "sandbox-db-replica"}, plane.clusterNames(t, namespace)); diff != "" {
		t.Errorf("Clusters (-want +got):\n%s", diff)
	}
}
