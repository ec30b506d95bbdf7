package e2e

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A setting is a way to expand a Cluster, on top of those of hot standby.
type setting struct {
	name    string
	env     []string
	members int  // Clusters that a paired Cluster becomes
	atRest  bool // the primary is active, and was always
	clone   bool // the primary is created anew
}

// settings is the whole matrix of them.
var settings = matrix()

// demotionToken is a token as the operator writes one.
const demotionToken = "eyJsYXRlc3RDaGVja3BvaW50VGltZWxpbmVJRCI6IjIiLCJyZWRvV2FsRmlsZSI6IjAwMDAwMDAyMDAwMDAwMDAwMDAwMDAwOSIsImRhdGFiYXNlU3lzdGVtSWRlbnRpZmllciI6Ijc1NzY1MTQ0NzE3MTE1NTc2NTMiLCJsYXRlc3RDaGVja3BvaW50UkVET0xvY2F0aW9uIjoiMC85MDAwMDI4IiwidGltZU9mTGF0ZXN0Q2hlY2twb2ludCI6IkZyaSBOb3YgMjcgMTY6MDA6MDAgMjAyNiIsIm9wZXJhdG9yVmVyc2lvbiI6IjEuMzAuMCJ9"

func matrix() []setting {
	var all []setting
	for _, side := range []string{"both", "primary", "replica"} {
		for _, replication := range []string{"async", "sync"} {
			for _, step := range []struct {
				name                           string
				active, token, failover, clone string
			}{
				{"", "primary", "", "", ""},
				{"none active", "none", "", "", ""},
				{"replica promoted by a token", "replica", demotionToken, "", ""},
				{"failover to the replica", "replica", "", "now", ""},
				{"clone of the primary", "replica", "", "done", "primary"},
				{"primary promoted by a token", "primary", demotionToken, "", ""},
			} {
				if side != "both" && step.name != "" && step.token == "" {
					continue // they are the Clusters of both sides: what is printed is no matter of the step
				}
				s := setting{
					name: replication, members: 2, atRest: step.name == "", clone: step.clone != "",
					env: []string{"CNPG_PAIR_SIDE=" + side, "CNPG_PAIR_REPLICATION=" + replication, "CNPG_PAIR_ACTIVE=" + step.active,
						"CNPG_PAIR_PROMOTION_TOKEN=" + step.token, "CNPG_PAIR_FAILOVER=" + step.failover, "CNPG_PAIR_CLONE=" + step.clone},
				}
				if s.clone {
					s.env = append(s.env, "CNPG_PAIR_ARCHIVE_GENERATION=blog-db=2", "CNPG_PAIR_WAL_KEEP_SIZE=2GB")
				}
				if side != "both" {
					s.name += ", side " + side
					s.members = 1
				}
				if step.name != "" {
					s.name += ", " + step.name
				}
				all = append(all, s)
			}
		}
	}
	return all
}

// A tally is a row of the table that TestAdmission prints.
type tally struct {
	files   int
	in      int            // Clusters in the files
	paired  int            // admitted, and so is the pair
	alone   int            // left single by cnpg-pair
	refused int            // by the webhooks, as they were
	unread  int            // in streams that Kubernetes itself cannot read
	reasons map[string]int // of what was not paired
}

// TestAdmission asks the real API server and the operator's real webhooks about
// every pair that the project makes of its own test cases, its example and the
// operator's samples: where they admit the Cluster, they must admit the pair.
func TestAdmission(t *testing.T) {
	plane := theControlPlane(t)
	namespace := plane.namespace(t, "admission")
	const cnpg = "github.com/cloudnative-pg/cloudnative-pg"
	if judge, operator := moduleDir(t, "..", cnpg), moduleDir(t, "build/operator", cnpg); judge != operator {
		t.Errorf("the operator is %s, but the library's tests judge by %s", filepath.Base(operator), filepath.Base(judge))
	}
	cases, err := filepath.Glob("../testdata/*/in.yaml")
	if err != nil {
		t.Fatal(err)
	}
	sources := []struct {
		name  string
		files []string
		least int // pairs, so that an empty folder is no success
	}{
		{"testdata", cases, min(len(cases), 50)},
		{"examples", examples(t), 1},
		{"samples of CNPG", samples(t), 50},
	}

	var table strings.Builder
	rows := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(rows, "SETTING\tSOURCE\tFILES\tCLUSTERS\tPAIRED\tLEFT ALONE\tREFUSED AS IT WAS\tUNREADABLE")
	requests := &dryRun{plane: plane, namespace: namespace, living: plane.namespace(t, "living"), answers: make(map[string]error)}
	reasons := make(map[string]int)
	all := 0
	for _, setting := range settings {
		for _, source := range sources {
			counted := tally{reasons: reasons}
			for _, file := range source.files {
				t.Run(setting.name+"/"+filepath.Base(filepath.Dir(file))+"/"+filepath.Base(file), func(t *testing.T) {
					counted.file(t, requests, setting, file)
				})
			}
			fmt.Fprintf(rows, "%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d\n", setting.name, source.name,
				counted.files, counted.in, counted.paired, counted.alone, counted.refused, counted.unread)
			if setting.name == "async" { // the table that is logged has them all
				evidence(t, "admitted pairs, "+setting.name+", "+source.name, "%d of %d Clusters in %d files (%d left alone, %d refused as they were, %d unreadable)",
					counted.paired, counted.in, counted.files, counted.alone, counted.refused, counted.unread)
			}
			all += counted.paired
			// sync leaves alone what has synchronous settings of its own
			if counted.paired < max(1, source.least*3/4) {
				t.Errorf("%s, %s: only %d pairs", setting.name, source.name, counted.paired)
			}
		}
	}
	rows.Flush()
	t.Logf("\n%s", table.String())
	for _, reason := range slices.Sorted(maps.Keys(reasons)) {
		t.Logf("%4d %s", reasons[reason], reason)
	}
	evidence(t, "admitted pairs under all settings of sides, replication and who is active", "%d under %d settings", all, len(settings))
	evidence(t, "admission requests", "%d", len(requests.answers))
}

// A decision is what explain says of a Cluster.
type decision struct{ Namespace, Name, Action, Reason string }

func (d decision) paired() bool { return d.Action == "paired" }

// file expands one file and asks about what comes out.
func (c *tally) file(t *testing.T, requests *dryRun, setting setting, file string) {
	c.files++
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	out, stderr, err := run(slices.Concat(hotStandby, setting.env), "", binary, file)
	if err != nil {
		// of the operator's samples, only sync settings of their own are in the way, which is
		// an error while another member is active, and one token for several Clusters; of
		// ours, the cases of errors
		if !strings.HasPrefix(file, "../testdata/") && !strings.Contains(stderr, "cannot be paired: it has its own settings for synchronous") &&
			!strings.Contains(stderr, "cannot be paired: one token is given") {
			t.Fatalf("cnpg-pair: %v\n%s", err, stderr)
		}
		c.reasons["no Clusters: an error of cnpg-pair"]++
		return
	}
	report, stderr, err := run(slices.Concat(hotStandby, setting.env), "", binary, "explain", "--output", "json", file)
	if err != nil {
		t.Fatalf("explain: %v\n%s", err, stderr)
	}
	var decisions []decision
	if err := json.Unmarshal([]byte(report), &decisions); err != nil {
		t.Fatal(err)
	}
	c.in += len(decisions)
	if !slices.ContainsFunc(decisions, decision.paired) {
		for _, d := range decisions {
			c.alone++
			c.reasons["left alone: "+reasonOnly(d.Reason)]++
		}
		return
	}

	before, err := decodeObjects(text)
	if err != nil {
		// other documents are broken: they are not ours, and hide what is
		c.unread += len(decisions)
		c.reasons["unreadable: "+reasonOnly(err.Error())]++
		return
	}
	after := objects(t, []byte(out))
	for _, d := range decisions {
		if !d.paired() {
			c.alone++
			c.reasons["left alone: "+reasonOnly(d.Reason)]++
			continue
		}
		input := slices.IndexFunc(before, func(o *unstructured.Unstructured) bool {
			return isV1Cluster(o) && o.GetNamespace() == d.Namespace && o.GetName() == d.Name
		})
		if input < 0 {
			t.Fatalf("%s/%s is in what explain says, not in the file", d.Namespace, d.Name)
		}
		single := asNew(before[input])
		unsized := lacksSize(single) // most of our cases: they say what they are about
		if unsized {
			giveSize(t, single)
		}
		if err := requests.ask(single); err != nil {
			c.refused++
			c.reasons["refused as it was: "+reasonOnly(err.Error())]++
			t.Logf("skipped: %s is refused as it is: %v", d.Name, err)
			continue
		}
		c.paired++
		members := 0
		for _, member := range after {
			if !isV1Cluster(member) || member.GetNamespace() != d.Namespace || member.GetAnnotations()["catalyst.openova.io/cnpg-pair-name"] != d.Name {
				continue
			}
			members++
			if member.GetName() == d.Name {
				member = asNew(member)
			}
			if unsized {
				giveSize(t, member)
			}
			ask := requests.ask
			if member.GetName() == d.Name && !setting.atRest && !setting.clone {
				ask = func(member *unstructured.Unstructured) error { return requests.askLiving(single, member) }
			}
			if err := ask(member); err != nil {
				t.Errorf("%s was admitted, its member %s is refused: %v", d.Name, member.GetName(), err)
			}
		}
		same := 0 // a stream may hold a Cluster twice
		for _, other := range decisions {
			if other.paired() && other.Namespace == d.Namespace && other.Name == d.Name {
				same++
			}
		}
		if want := same * setting.members; members != want {
			t.Errorf("%s became %d Clusters, want %d", d.Name, members, want)
		}
	}
	for _, object := range after {
		if object.GetKind() == "Service" && !slices.ContainsFunc(before, func(o *unstructured.Unstructured) bool {
			return o.GetKind() == "Service" && o.GetName() == object.GetName() && o.GetNamespace() == object.GetNamespace()
		}) {
			if err := requests.ask(object); err != nil {
				t.Errorf("the added Service %s is refused: %v", object.GetName(), err)
			}
		}
	}
}

func isV1Cluster(o *unstructured.Unstructured) bool {
	return o.GetAPIVersion() == "postgresql.cnpg.io/v1" && o.GetKind() == "Cluster"
}

// asNew drops what ties an object to the one that it was read from. A replica
// must be without anyway.
func asNew(o *unstructured.Unstructured) *unstructured.Unstructured {
	o = o.DeepCopy()
	o.SetUID("")
	o.SetResourceVersion("")
	o.SetManagedFields(nil)
	return o
}

// lacksSize is true for a Cluster that the operator refuses for that alone.
func lacksSize(cluster *unstructured.Unstructured) bool {
	storage, _, _ := unstructured.NestedMap(cluster.Object, "spec", "storage")
	return storage["size"] == nil && storage["pvcTemplate"] == nil
}

func giveSize(t *testing.T, cluster *unstructured.Unstructured) {
	t.Helper()
	if err := unstructured.SetNestedField(cluster.Object, "1Gi", "spec", "storage", "size"); err != nil {
		t.Fatal(err)
	}
}

// reasonOnly drops from a message what is different for each Cluster.
func reasonOnly(message string) string {
	message = strings.Join(strings.Fields(message), " ")
	for _, prefix := range []string{" is invalid: ", "Kind=Cluster): "} {
		if _, after, found := strings.Cut(message, prefix); found {
			message = after
		}
	}
	return message[:min(len(message), 110)]
}

// A dryRun applies objects without storing them.
type dryRun struct {
	plane     *controlPlane
	namespace string
	living    string           // another one, for Clusters that exist
	answers   map[string]error // to each object that was sent
}

// ask sends an object as "kubectl apply --server-side --dry-run=server
// --validate=strict" does, into the namespace of the test, because those of the
// streams do not exist.
func (d *dryRun) ask(object *unstructured.Unstructured) error {
	object = object.DeepCopy()
	object.SetNamespace(d.namespace)
	text, err := object.MarshalJSON()
	if err != nil {
		return err
	}
	if err, asked := d.answers[string(text)]; asked {
		return err
	}
	resource := clusterResource
	if object.GetKind() == "Service" {
		resource = schema.GroupVersionResource{Version: "v1", Resource: "services"}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	force := true
	_, err = d.plane.client.Resource(resource).Namespace(d.namespace).Patch(ctx, object.GetName(), types.ApplyPatchType, text,
		metav1.PatchOptions{DryRun: []string{metav1.DryRunAll}, FieldManager: "e2e", FieldValidation: metav1.FieldValidationStrict, Force: &force})
	d.answers[string(text)] = err
	return err
}

// askLiving does the same to a Cluster that exists: a bootstrap that would be
// refused in a new one is not looked at there.
func (d *dryRun) askLiving(single, member *unstructured.Unstructured) error {
	text, err := member.MarshalJSON()
	if err != nil {
		return err
	}
	if err, asked := d.answers["living "+string(text)]; asked {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	living := &dryRun{plane: d.plane, namespace: d.living, answers: make(map[string]error)}
	existing, member := single.DeepCopy(), member.DeepCopy()
	existing.SetNamespace(d.living)
	for _, cluster := range []*unstructured.Unstructured{existing, member} {
		annotations := cluster.GetAnnotations()
		if annotations == nil {
			annotations = make(map[string]string)
		}
		annotations["cnpg.io/reconciliationLoop"] = "disabled" // it is here for a moment only
		cluster.SetAnnotations(annotations)
	}
	stored, err := existing.MarshalJSON()
	if err != nil {
		return err
	}
	clusters := d.plane.client.Resource(clusterResource).Namespace(d.living)
	force := true
	if _, err := clusters.Patch(ctx, existing.GetName(), types.ApplyPatchType, stored, metav1.PatchOptions{FieldManager: "e2e", Force: &force}); err != nil {
		return fmt.Errorf("the living Cluster: %w", err)
	}
	refused := living.ask(member)
	if err := clusters.Delete(ctx, existing.GetName(), metav1.DeleteOptions{}); err != nil {
		return fmt.Errorf("the living Cluster: %w", err)
	}
	d.answers["living "+string(text)] = refused
	return refused
}

// samples are the Clusters that CNPG's documentation shows.
func samples(t testing.TB) []string {
	t.Helper()
	var files []string
	for _, pattern := range []string{"*.yaml", "*/*.yaml"} {
		found, err := filepath.Glob(filepath.Join(moduleDir(t, "build/operator", "github.com/cloudnative-pg/cloudnative-pg"), "docs", "src", "samples", pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	return files
}

// examples are the charts below examples/, rendered, and the manifests there.
func examples(t testing.TB) []string {
	t.Helper()
	var files []string
	dir := t.TempDir()
	err := filepath.WalkDir("../examples", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case !entry.IsDir():
			if filepath.Ext(path) == ".yaml" {
				files = append(files, path)
			}
			return nil
		}
		if _, err := os.Stat(filepath.Join(path, "Chart.yaml")); err != nil {
			return nil // a folder like any other
		}
		rendered, stderr, err := run(nil, "", tool(t, "helm4"), "template", "blog", path)
		if err != nil {
			return fmt.Errorf("helm template %s: %w: %s", path, err, stderr)
		}
		file := filepath.Join(dir, strings.ReplaceAll(path, "/", "-"), "chart.yaml")
		write(t, file, []byte(rendered))
		files = append(files, file)
		return fs.SkipDir
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// applyPair applies the example chart with hot standby on.
func (p *controlPlane) applyPair(t *testing.T, namespace string) {
	t.Helper()
	rendered, stderr, err := run(nil, "", tool(t, "helm4"), "template", "blog", chart, "--namespace", namespace)
	if err != nil {
		t.Fatalf("helm template: %v %s", err, stderr)
	}
	pair, stderr, err := run(hotStandby, rendered, binary)
	if err != nil {
		t.Fatalf("cnpg-pair: %v %s", err, stderr)
	}
	p.kubectl(t, pair, "-n", namespace, "apply", "--server-side", "-f", "-")
}

// TestAdmissionOperator creates a pair and looks at what the operator makes of
// it before any Pod runs: the Service between the members, the certificate that
// is verified through it, and the secrets that the replica asks for.
func TestAdmissionOperator(t *testing.T) {
	plane := theControlPlane(t)
	namespace := plane.namespace(t, "operator")
	started := time.Now()
	plane.applyPair(t, namespace)

	// what the replica says of its primary is what the operator must have made
	replica := plane.get(t, namespace, "clusters.postgresql.cnpg.io", "blog-db-replica")
	if replica == nil {
		t.Fatal("there is no Cluster blog-db-replica")
	}
	var wants struct {
		Spec struct {
			Replica   struct{ Source string }
			Bootstrap struct {
				PgBasebackup struct {
					Source string
					Secret struct{ Name string }
				} `json:"pg_basebackup"`
			}
			ExternalClusters []struct {
				Name                         string
				ConnectionParameters         map[string]string
				SSLKey, SSLCert, SSLRootCert struct{ Name, Key string }
			}
		}
	}
	remarshal(t, replica.Object, &wants)
	if len(wants.Spec.ExternalClusters) != 1 {
		t.Fatalf("externalClusters of the replica: %+v", wants.Spec.ExternalClusters)
	}
	source := wants.Spec.ExternalClusters[0]
	for what, name := range map[string]string{"replica.source": wants.Spec.Replica.Source, "pg_basebackup.source": wants.Spec.Bootstrap.PgBasebackup.Source, "external cluster": source.Name} {
		if name != "blog-db" {
			t.Errorf("%s is %q, want blog-db", what, name)
		}
	}
	host := source.ConnectionParameters["host"]

	var service struct {
		Metadata struct {
			Annotations     map[string]string
			OwnerReferences []struct{ Kind, Name string }
		}
		Spec struct {
			Type     string
			Selector map[string]string
			Ports    []struct {
				Port       int
				TargetPort any
			}
		}
	}
	eventually(t, time.Minute, "the operator makes Service "+host, func() error {
		found := plane.get(t, namespace, "service", host)
		if found == nil {
			return errors.New("not found")
		}
		remarshal(t, found.Object, &service)
		return nil
	})
	evidence(t, "Service between the members, after the apply", "%.1f s", time.Since(started).Seconds())
	if got := service.Metadata.Annotations["service.cilium.io/global"]; got != "true" {
		t.Errorf("annotation service.cilium.io/global is %q", got)
	}
	if got := service.Metadata.OwnerReferences; len(got) != 1 || got[0].Kind != "Cluster" || got[0].Name != "blog-db" {
		t.Errorf("owners of the Service: %+v", got)
	}
	// the primary instance alone: a replica that streams from a standby cannot be synchronous
	if want := map[string]string{"cnpg.io/cluster": "blog-db", "cnpg.io/instanceRole": "primary"}; !maps.Equal(service.Spec.Selector, want) {
		t.Errorf("selector of the Service: %v, want %v", service.Spec.Selector, want)
	}
	if got := service.Spec.Ports; len(got) != 1 || fmt.Sprint(got[0].Port) != source.ConnectionParameters["port"] || got[0].Port != 5432 {
		t.Errorf("ports of the Service: %+v, the replica connects to %q", got, source.ConnectionParameters["port"])
	}
	if service.Spec.Type != "ClusterIP" {
		t.Errorf("type of the Service: %s", service.Spec.Type)
	}

	for _, secret := range []struct{ what, name, key string }{
		{"pg_basebackup.secret", wants.Spec.Bootstrap.PgBasebackup.Secret.Name, "password"},
		{"sslKey", source.SSLKey.Name, source.SSLKey.Key},
		{"sslCert", source.SSLCert.Name, source.SSLCert.Key},
		{"sslRootCert", source.SSLRootCert.Name, source.SSLRootCert.Key},
	} {
		eventually(t, 20*time.Second, "the secret of the replica's "+secret.what+" exists", func() error {
			if content := plane.secret(t, namespace, secret.name)[secret.key]; len(content) == 0 {
				return fmt.Errorf("secret %q has no key %q", secret.name, secret.key)
			}
			return nil
		})
	}

	// what sslmode verify-full does with the certificate of the primary
	if mode := source.ConnectionParameters["sslmode"]; mode != "verify-full" {
		t.Errorf("sslmode is %q", mode)
	}
	eventually(t, 20*time.Second, "the certificate of the primary is valid for "+host, func() error {
		ca := plane.secret(t, namespace, source.SSLRootCert.Name)[source.SSLRootCert.Key]
		server := plane.secret(t, namespace, "blog-db-server")["tls.crt"]
		_, err := verify(server, ca, x509.VerifyOptions{DNSName: host})
		return err
	})
	// and what the primary does with that of the replica
	key := plane.secret(t, namespace, source.SSLKey.Name)[source.SSLKey.Key]
	client := plane.secret(t, namespace, source.SSLCert.Name)[source.SSLCert.Key]
	if _, err := tls.X509KeyPair(client, key); err != nil {
		t.Error(err)
	}
	certificate, err := verify(client, plane.secret(t, namespace, "blog-db-ca")["ca.crt"], x509.VerifyOptions{KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	if err != nil {
		t.Errorf("the primary does not accept the certificate of the replica: %v", err)
	} else if user := source.ConnectionParameters["user"]; certificate.Subject.CommonName != user {
		t.Errorf("the replica is %q with a certificate for %q", user, certificate.Subject.CommonName)
	}

	// the first Pod of each member, if there were a node, and where it would go
	for cluster, region := range map[string]string{"blog-db": "region-a", "blog-db-replica": "region-b"} {
		want := expression{"openova.io/region", "In", region}
		for _, pod := range plane.pods(t, namespace, cluster) {
			terms := pod.Affinity.NodeAffinity.Required.NodeSelectorTerms
			if len(terms) != 1 || !slices.Equal(terms[0].MatchExpressions, []expression{want}) {
				t.Errorf("Pods of %s go to nodes with %+v, want %+v", cluster, terms, want)
			}
		}
	}
}

// TestAdmissionOwnNames: what has a name of its own in the Cluster may exist
// once only. The webhooks see one Cluster at a time and admit it twice, and then
// the operator can start neither member.
func TestAdmissionOwnNames(t *testing.T) {
	plane := theControlPlane(t)
	namespace := plane.namespace(t, "own-names")
	pair, stderr, err := run(hotStandby, `apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: blog-db}
spec:
  instances: 1
  enableSuperuserAccess: true
  storage: {size: 1Gi}
  managed:
    services:
      additional:
      - selectorType: ro
        serviceTemplate:
          metadata: {name: blog-db-reports}
`, binary)
	if err != nil {
		t.Fatalf("cnpg-pair: %v %s", err, stderr)
	}
	plane.kubectl(t, pair, "-n", namespace, "apply", "--server-side", "-f", "-")
	plane.pods(t, namespace, "blog-db")
	plane.pods(t, namespace, "blog-db-replica")
	for _, name := range []string{"blog-db-reports", "blog-db-mesh"} {
		if service := plane.get(t, namespace, "service", name); service == nil || service.GetOwnerReferences()[0].Name != "blog-db" {
			t.Errorf("Service %s is not the primary's: %v", name, service)
		}
	}
	// the passwords of both members are one, or a promotion locks everybody out
	for _, name := range []string{"blog-db-superuser", "blog-db-app"} {
		if len(plane.secret(t, namespace, name)["password"]) == 0 {
			t.Errorf("there is no secret %s", name)
		}
	}
	if plane.secret(t, namespace, "blog-db-replica-superuser") != nil {
		t.Error("the replica has a superuser password of its own")
	}
}

// A podSpec says to which nodes a Pod may go.
type podSpec struct {
	Affinity struct {
		NodeAffinity struct {
			Required struct {
				NodeSelectorTerms []struct{ MatchExpressions []expression }
			} `json:"requiredDuringSchedulingIgnoredDuringExecution"`
		}
	}
}

// pods returns how the operator starts a Cluster, as soon as it does.
func (p *controlPlane) pods(t testing.TB, namespace, cluster string) []podSpec {
	t.Helper()
	var pods []podSpec
	eventually(t, 30*time.Second, "the operator starts "+cluster, func() error {
		// the Job goes when it is done, where there are nodes
		var found struct {
			Items []struct {
				Kind string
				Spec struct {
					podSpec
					Template struct{ Spec podSpec }
				}
			}
		}
		out := p.kubectl(t, "", "-n", namespace, "get", "jobs,pods", "-l", "cnpg.io/cluster="+cluster, "-o", "json")
		if err := json.Unmarshal([]byte(out), &found); err != nil {
			return err
		}
		for _, item := range found.Items {
			if item.Kind == "Job" {
				pods = append(pods, item.Spec.Template.Spec)
			} else {
				pods = append(pods, item.Spec.podSpec)
			}
		}
		if len(pods) == 0 {
			status := p.kubectl(t, "", "-n", namespace, "get", "clusters.postgresql.cnpg.io", cluster, "-o", "jsonpath={.status.phase}: {.status.phaseReason}")
			return errors.New("no Job and no Pod; " + status)
		}
		return nil
	})
	return pods
}

// verify checks a certificate against the authority that must have signed it.
func verify(certificate, ca []byte, options x509.VerifyOptions) (*x509.Certificate, error) {
	block, _ := pem.Decode(certificate)
	if block == nil {
		return nil, errors.New("no certificate")
	}
	parsed, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, err
	}
	options.Roots = x509.NewCertPool()
	options.Roots.AppendCertsFromPEM(ca)
	_, err = parsed.Verify(options)
	return parsed, err
}

// An expression is a match expression of one value.
type expression struct{ key, operator, value string }

func (e *expression) UnmarshalJSON(text []byte) error {
	var full struct {
		Key, Operator string
		Values        []string
	}
	err := json.Unmarshal(text, &full)
	*e = expression{full.Key, full.Operator, strings.Join(full.Values, ",")}
	return err
}

// secret returns what a secret holds, nothing where there is none.
func (p *controlPlane) secret(t testing.TB, namespace, name string) map[string][]byte {
	t.Helper()
	object := p.get(t, namespace, "secret", cmp.Or(name, "no-name"))
	if object == nil {
		return nil
	}
	content := make(map[string][]byte)
	encoded, _, err := unstructured.NestedStringMap(object.Object, "data")
	for key, value := range encoded {
		if err == nil {
			content[key], err = base64.StdEncoding.DecodeString(value)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// remarshal reads an object into a struct of the fields that matter.
func remarshal(t testing.TB, from, to any) {
	t.Helper()
	text, err := json.Marshal(from)
	if err == nil {
		err = json.Unmarshal(text, to)
	}
	if err != nil {
		t.Fatal(err)
	}
}
