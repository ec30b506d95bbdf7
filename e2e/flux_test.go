package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fluxcd/pkg/oci"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/go-containerregistry/pkg/registry"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// A flux is the controllers of Flux at work on our control plane, with charts
// and git repositories to read.
type flux struct {
	*controlPlane
	dir  string // their logs, charts and git
	url  string // serves charts and git
	helm string
}

var fluxOnce struct {
	sync.Once
	flux *flux
}

var fluxControllers = []string{"source-controller", "helm-controller", "kustomize-controller"}

// theFlux returns the one of the whole run.
func theFlux(t *testing.T) *flux {
	t.Helper()
	plane := theControlPlane(t)
	fluxOnce.Do(func() { fluxOnce.flux = newFlux(t, plane) })
	if fluxOnce.flux == nil {
		t.Fatal("Flux did not start: see the first test that needed it")
	}
	return fluxOnce.flux
}

func newFlux(t *testing.T, plane *controlPlane) *flux {
	if out, err := plane.try("", "get", "crd", "helmreleases.helm.toolkit.fluxcd.io"); err == nil {
		t.Fatalf("the cluster has Flux, and ours would meddle with what that Flux does:\n%s", out)
	}
	started := time.Now()
	programs := make(map[string]string)
	var versions []string
	for _, name := range fluxControllers {
		programs[name] = tool(t, name)
		versions = append(versions, filepath.Base(programs[name]))
		plane.kubectl(t, "", "apply", "--server-side", "-f", filepath.Join(moduleDir(t, "build/flux", "github.com/fluxcd/"+name), "config", "crd", "bases"))
	}
	plane.kubectl(t, "", "wait", "--for=condition=Established", "--timeout=60s", "crd", "--all")

	dir, err := os.MkdirTemp("", "cnpg-pair-flux-")
	if err != nil {
		t.Fatal(err)
	}
	atExit = append(atExit, func() { os.RemoveAll(dir) })
	f := &flux{controlPlane: plane, dir: dir, helm: tool(t, "helm4")}
	f.serve(t)

	storage := freeAddress(t)
	for _, name := range fluxControllers {
		health := freeAddress(t)
		args := []string{"--enable-leader-election=false", "--health-addr", health, "--metrics-addr", "0", "--log-encoding", "console"}
		if name == "source-controller" {
			args = append(args, "--storage-path", f.in(t, "artifacts"), "--storage-addr", storage, "--storage-adv-addr", storage)
		}
		env := []string{"KUBECONFIG=" + plane.kubeconfig, "RUNTIME_NAMESPACE=flux-system", "TMPDIR=" + f.in(t, "tmp"), "HOME=" + f.in(t, "home")}
		daemon(t, dir, name, env, programs[name], args...)
		eventually(t, time.Minute, name+" is ready", func() error {
			answer, err := http.Get("http://" + health + "/readyz")
			if err != nil {
				return err
			}
			answer.Body.Close()
			if answer.StatusCode != http.StatusOK {
				return errors.New(answer.Status)
			}
			return nil
		})
	}
	eventually(t, time.Minute, "source-controller serves its artifacts", func() error {
		connection, err := net.Dial("tcp", storage)
		if err == nil {
			connection.Close()
		}
		return err
	})
	evidence(t, "Flux up", "%s, %.1f s", strings.Join(versions, ", "), time.Since(started).Seconds())
	return f
}

// in returns a folder below that of the run.
func (f *flux) in(t testing.TB, names ...string) string {
	t.Helper()
	dir := filepath.Join(append([]string{f.dir}, names...)...)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// serve makes charts/ a Helm repository and every folder in git/ a git one.
func (f *flux) serve(t *testing.T) {
	t.Helper()
	libexec, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/charts/", http.StripPrefix("/charts/", http.FileServer(http.Dir(f.in(t, "charts")))))
	mux.Handle("/git/", &cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(libexec)), "git-http-backend"),
		Root: "/git",
		Env:  []string{"GIT_PROJECT_ROOT=" + f.in(t, "git"), "GIT_HTTP_EXPORT_ALL=1"},
	})
	server := httptest.NewServer(mux)
	atExit = append([]func(){server.Close}, atExit...)
	f.url = server.URL

	// the chart as it is, and a later one that brings another PostgreSQL and a larger volume
	text, err := os.ReadFile(filepath.Join(chart, "values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	later := strings.NewReplacer(`image: ""`, "image: "+laterImage, "size: 5Gi", "size: "+laterSize).Replace(string(text))
	if !strings.Contains(later, laterImage) || !strings.Contains(later, laterSize) {
		t.Fatalf("values.yaml has changed:\n%s", text)
	}
	for version, values := range map[string]string{"0.1.0": string(text), "0.2.0": later} {
		if err := os.CopyFS(f.chart(version), os.DirFS(chart)); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(f.chart(version), "values.yaml"), []byte(values))
		f.must(t, f.helm, "package", f.chart(version), "--version", version, "--destination", f.in(t, "charts"))
	}
	f.must(t, f.helm, "repo", "index", f.in(t, "charts"))
}

const laterImage, laterSize = "postgresql:18.1", "8Gi"

// chart is the folder of a version of the chart.
func (f *flux) chart(version string) string { return filepath.Join(f.dir, "chart", version, "tenant") }

// must runs a program that does not fail, with the kubeconfig, and returns what it printed.
func (f *flux) must(t testing.TB, program string, args ...string) string {
	t.Helper()
	stdout, stderr, err := run([]string{"KUBECONFIG=" + f.kubeconfig}, "", program, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", filepath.Base(program), strings.Join(args, " "), err, stdout, stderr)
	}
	return stdout
}

// rendered is what helm template makes of a version of the chart.
func (f *flux) rendered(t testing.TB, namespace, version string) string {
	t.Helper()
	return f.must(t, f.helm, "template", "blog", f.chart(version), "--namespace", namespace)
}

// tenant makes a namespace that holds the chart repository, and returns its name.
func (f *flux) tenant(t *testing.T, name string) string {
	t.Helper()
	namespace := f.namespace(t, name)
	f.kubectl(t, fmt.Sprintf(`apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmRepository
metadata: {name: charts, namespace: %s}
spec: {url: %s/charts, interval: 1h}
`, namespace, f.url), "apply", "-f", "-")
	f.reconcile(t, namespace, "helmrepository", "charts")
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s", f.kubectl(t, "", "-n", namespace, "get", "kustomizations,helmreleases,helmcharts,helmrepositories,gitrepositories"))
			for _, controller := range fluxControllers {
				text, _ := os.ReadFile(filepath.Join(f.dir, controller+".log"))
				t.Logf("the end of %s.log:\n%s", controller, text[max(0, len(text)-4000):])
			}
		}
		// or they go on, and make the Clusters again
		for _, kind := range []string{"kustomizations.kustomize.toolkit.fluxcd.io", "helmreleases"} {
			f.kubectl(t, "", "-n", namespace, "delete", kind, "--all", "--timeout=60s")
		}
	})
	return namespace
}

// helmRelease is one as people write it. No kubelet would make anything ready,
// or run the chart's hook.
func helmRelease(namespace, version string) string {
	return fmt.Sprintf(`# the tenant's blog
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: blog
  namespace: %s
spec:
  interval: 1h
  chart:
    spec:
      chart: tenant
      version: %s
      interval: 1h
      sourceRef:
        kind: HelmRepository
        name: charts
  driftDetection:
    mode: enabled
  commonMetadata:
    labels:
      team: web
  install:
    disableWait: true
    disableHooks: true
  upgrade:
    disableWait: true
    disableHooks: true
  uninstall:
    disableWait: true
    disableHooks: true
`, namespace, version)
}

// paired is a HelmRelease with what cnpg-pair flux puts into it.
func paired(t testing.TB, env []string, rendered, release string, args ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "helmrelease.yaml")
	write(t, file, []byte(release))
	return fluxCommand(t, env, rendered, append([]string{"--helmrelease", file}, args...)...)
}

// fluxCommand runs cnpg-pair flux on rendered manifests.
func fluxCommand(t testing.TB, env []string, rendered string, args ...string) string {
	t.Helper()
	stdout, stderr, err := run(env, rendered, binary, append([]string{"flux"}, args...)...)
	if err != nil {
		t.Fatalf("cnpg-pair flux %s: %v\n%s", strings.Join(args, " "), err, stderr)
	}
	if stderr != "" {
		t.Logf("cnpg-pair flux says: %s", stderr)
	}
	return stdout
}

// A readiness is what a condition of a Flux object says.
type readiness struct{ Status, Reason, Message string }

// settled waits until a controller has done what the object asks for, and what
// the token asks for if there is one, and returns how that went.
func (f *flux) settled(t testing.TB, namespace, kind, name, token string) readiness {
	t.Helper()
	var ready readiness
	eventually(t, 90*time.Second, kind+" "+name+" has settled", func() error {
		object := f.get(t, namespace, kind, name)
		if object == nil {
			return errors.New("there is none")
		}
		var status struct{ LastHandledReconcileAt string }
		remarshal(t, object.Object["status"], &status)
		conditions := conditionsOf(t, object)
		if token != "" && status.LastHandledReconcileAt != token {
			return fmt.Errorf("it was last told at %s: %+v", status.LastHandledReconcileAt, conditions)
		}
		if conditions["Reconciling"].Status == "True" {
			return fmt.Errorf("it is at work: %+v", conditions)
		}
		ready = conditions["Ready"]
		if ready.Status != "True" && ready.Status != "False" || ready.Reason == "SourceNotReady" || ready.Reason == "ArtifactFailed" {
			return fmt.Errorf("it cannot know: %+v", conditions)
		}
		return nil
	})
	return ready
}

// failed waits until helm-controller cannot do what the HelmRelease asks for.
// After a post-render it goes on trying, and does not settle: there is no failed
// revision whose retries it would count.
func (f *flux) failed(t testing.TB, namespace string) readiness {
	t.Helper()
	var ready readiness
	eventually(t, time.Minute, "the HelmRelease has failed", func() error {
		ready = conditionsOf(t, f.get(t, namespace, "helmrelease", "blog"))["Ready"]
		if ready.Reason != "InstallFailed" && ready.Reason != "UpgradeFailed" {
			return fmt.Errorf("%+v", ready)
		}
		return nil
	})
	return ready
}

// conditionsOf returns what an object says of its present spec.
func conditionsOf(t testing.TB, object *unstructured.Unstructured) map[string]readiness {
	t.Helper()
	var status struct {
		Conditions []struct {
			readiness
			Type               string
			ObservedGeneration int64
		}
	}
	remarshal(t, object.Object["status"], &status)
	conditions := make(map[string]readiness)
	for _, condition := range status.Conditions {
		if condition.ObservedGeneration == object.GetGeneration() {
			conditions[condition.Type] = condition.readiness
		}
	}
	return conditions
}

// reconcile makes a controller look at an object now, as flux reconcile does,
// and ends the test if that fails.
func (f *flux) reconcile(t testing.TB, namespace, kind, name string) {
	t.Helper()
	token := strconv.FormatInt(time.Now().UnixNano(), 10)
	f.kubectl(t, "", "-n", namespace, "annotate", kind, name, "--overwrite", "reconcile.fluxcd.io/requestedAt="+token)
	if ready := f.settled(t, namespace, kind, name, token); ready.Status != "True" {
		t.Fatalf("%s %s: %+v", kind, name, ready)
	}
}

// A member is what must be the same of a Cluster however it came about.
type member struct {
	Labels, Annotations map[string]string
	Spec                map[string]any
}

// ownMarks are what Helm and Flux write on everything of theirs, and what
// helmRelease says is common to all.
var ownMarks = []string{"team", "kustomize.toolkit.fluxcd.io/name", "kustomize.toolkit.fluxcd.io/namespace", "app.kubernetes.io/managed-by", "helm.toolkit.fluxcd.io/name", "helm.toolkit.fluxcd.io/namespace", "meta.helm.sh/release-name", "meta.helm.sh/release-namespace"}

func memberOf(object *unstructured.Unstructured) member {
	h := member{maps.Clone(object.GetLabels()), maps.Clone(object.GetAnnotations()), nil}
	h.Spec, _ = object.Object["spec"].(map[string]any)
	for _, mark := range ownMarks {
		delete(h.Labels, mark)
		delete(h.Annotations, mark)
	}
	return h
}

// admitted returns the Clusters of a stream as the API server would store them,
// with the defaults of the schema and of the operator's webhooks.
func (f *flux) admitted(t testing.TB, stream string) map[string]member {
	t.Helper()
	clusters := make(map[string]member)
	for _, object := range objects(t, []byte(stream)) {
		if !isV1Cluster(object) {
			continue
		}
		object.SetNamespace("default") // where it does not exist
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		stored, err := f.client.Resource(clusterResource).Namespace("default").Create(ctx, object,
			metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}, FieldValidation: metav1.FieldValidationStrict})
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		clusters[object.GetName()] = memberOf(stored)
	}
	return clusters
}

// compare compares the Clusters of a namespace with those of a stream.
func (f *flux) compare(t testing.TB, namespace, stream string) string {
	t.Helper()
	got := make(map[string]member)
	list, err := f.client.Resource(clusterResource).Namespace(namespace).List(context.Background(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range list.Items {
		got[object.GetName()] = memberOf(&object)
	}
	return cmp.Diff(f.admitted(t, stream), got, cmpopts.EquateEmpty())
}

// expect fails the test where the Clusters of a namespace, or those that the
// release holds, are not the ones of a stream.
func (f *flux) expect(t testing.TB, step, namespace, stream string) {
	t.Helper()
	if diff := f.compare(t, namespace, stream); diff != "" {
		t.Errorf("Clusters after %s (-want +got):\n%s", step, diff)
	}
	var want []string
	for _, object := range objects(t, []byte(stream)) {
		if isV1Cluster(object) {
			want = append(want, object.GetName())
		}
	}
	var members []string
	for _, object := range objects(t, []byte(f.must(t, f.helm, "get", "manifest", "blog", "--namespace", namespace))) {
		if isV1Cluster(object) {
			members = append(members, object.GetName())
		}
	}
	slices.Sort(want)
	slices.Sort(members)
	if diff := cmp.Diff(want, members); diff != "" {
		t.Errorf("Clusters in the release after %s (-want +got):\n%s", step, diff)
	}
}

// revisions returns the states of the release, the last first.
func (f *flux) revisions(t testing.TB, namespace string) []string {
	t.Helper()
	var states []string
	var status struct {
		History []struct {
			Version int
			Status  string
		}
	}
	remarshal(t, f.get(t, namespace, "helmrelease", "blog").Object["status"], &status)
	for _, revision := range status.History {
		states = append(states, fmt.Sprintf("%d %s", revision.Version, revision.Status))
	}
	return states
}

// generations tells whether a spec was written to.
func (f *flux) generations(t testing.TB, namespace string) string {
	t.Helper()
	return f.kubectl(t, "", "-n", namespace, "get", "clusters.postgresql.cnpg.io", "-o", `jsonpath={range .items[*]}{.metadata.name} {.metadata.uid} {.metadata.generation}{"\n"}{end}`)
}

// TestFluxRelease: helm-controller, which runs no post-renderer, makes the pair
// that cnpg-pair makes, keeps it, and takes it away.
func TestFluxRelease(t *testing.T) {
	f := theFlux(t)
	namespace := f.tenant(t, "flux")
	pair := func(version string) string {
		out, stderr, err := run(hotStandby, f.rendered(t, namespace, version), binary)
		if err != nil {
			t.Fatalf("cnpg-pair: %v\n%s", err, stderr)
		}
		return out
	}
	ready := func() {
		t.Helper()
		if ready := f.settled(t, namespace, "helmrelease", "blog", ""); ready.Status != "True" {
			t.Fatalf("the HelmRelease: %+v", ready)
		}
	}

	started := time.Now()
	f.kubectl(t, paired(t, hotStandby, f.rendered(t, namespace, "0.1.0"), helmRelease(namespace, "0.1.0")), "apply", "--server-side", "--validate=strict", "-f", "-")
	ready()
	f.expect(t, "the install", namespace, pair("0.1.0"))
	evidence(t, "install by helm-controller", "%.1f s to Ready; both members are the ones that cnpg-pair renders, and in the release", time.Since(started).Seconds())

	for _, cluster := range []string{"blog-db", "blog-db-replica"} {
		marks := f.get(t, namespace, "clusters.postgresql.cnpg.io", cluster).GetLabels()
		if marks["helm.toolkit.fluxcd.io/name"] != "blog" || marks["helm.toolkit.fluxcd.io/namespace"] != namespace || marks["team"] != "web" {
			t.Errorf("%s lacks the labels of its HelmRelease, or the common one: %v", cluster, marks)
		}
	}

	before := f.generations(t, namespace)
	f.reconcile(t, namespace, "helmrelease", "blog")
	if after := f.generations(t, namespace); after != before {
		t.Errorf("helm-controller takes its own pair for drift: %s, was %s", after, before)
	}

	uid := f.get(t, namespace, "clusters.postgresql.cnpg.io", "blog-db").GetUID()
	// no word of the fragment: what the chart changes flows through it
	started = time.Now()
	f.kubectl(t, "", "-n", namespace, "patch", "helmrelease", "blog", "--type=merge", "-p", `{"spec":{"chart":{"spec":{"version":"0.2.0"}}}}`)
	ready()
	f.expect(t, "the upgrade", namespace, pair("0.2.0"))
	for _, cluster := range []string{"blog-db", "blog-db-replica"} {
		spec := f.get(t, namespace, "clusters.postgresql.cnpg.io", cluster).Object["spec"].(map[string]any)
		size, _, _ := unstructured.NestedString(spec, "storage", "size")
		if spec["imageName"] != laterImage || size != laterSize {
			t.Errorf("%s has %s and %s after the upgrade", cluster, spec["imageName"], size)
		}
	}
	evidence(t, "chart upgrade", "%.1f s; the image and the volume's size arrive in both members", time.Since(started).Seconds())

	started = time.Now()
	revisions := f.revisions(t, namespace)
	f.kubectl(t, "", "-n", namespace, "delete", "clusters.postgresql.cnpg.io", "blog-db-replica")
	f.kubectl(t, "", "-n", namespace, "patch", "clusters.postgresql.cnpg.io", "blog-db", "--type=merge", "-p",
		`{"spec":{"instances":3,"affinity":{"nodeAffinity":null}},"metadata":{"labels":{"openova.io/cnpg-role":"replica"}}}`)
	f.reconcile(t, namespace, "helmrelease", "blog")
	f.expect(t, "drift", namespace, pair("0.2.0"))
	if diff := cmp.Diff(revisions, f.revisions(t, namespace)); diff != "" {
		t.Errorf("revisions of the release (-before +after the drift):\n%s", diff)
	}
	evidence(t, "drift", "%.1f s; a deleted replica and an edited primary are as before, without a new revision", time.Since(started).Seconds())

	if now := f.get(t, namespace, "clusters.postgresql.cnpg.io", "blog-db").GetUID(); now != uid {
		t.Errorf("blog-db is another object: %s, was %s", now, uid)
	}
	started = time.Now()
	f.kubectl(t, "", "-n", namespace, "delete", "helmrelease", "blog", "--timeout=60s")
	eventually(t, 30*time.Second, "both Clusters are gone", func() error {
		if left := f.clusterNames(t, namespace); len(left) > 0 {
			return fmt.Errorf("there are %s", left)
		}
		return nil
	})
	evidence(t, "uninstall", "%.1f s; both Clusters are gone", time.Since(started).Seconds())
}

// TestFluxToggle turns hot standby on and off by the variables of a Kustomization,
// with one HelmRelease in git for every setting.
func TestFluxToggle(t *testing.T) {
	f := theFlux(t)
	namespace := f.tenant(t, "flux-toggle")
	single := f.rendered(t, namespace, "0.1.0")
	pair, stderr, err := run(hotStandby, single, binary)
	if err != nil {
		t.Fatalf("cnpg-pair: %v\n%s", err, stderr)
	}
	f.commit(t, namespace, "helmrelease.yaml", paired(t, nil, single, helmRelease(namespace, "0.1.0"), "--substitute"))
	f.repository(t, namespace, "tenants")

	const fromOptional = `, postBuild: {"substituteFrom":[{"kind":"ConfigMap","name":"sovereign","optional":true}]}`
	on := func(primary, replica string) map[string]string {
		return map[string]string{"SOVEREIGN_ENABLE_HOT_STANDBY": "true", "SOVEREIGN_PRIMARY_REGION": primary, "SOVEREIGN_REPLICA_REGION": replica}
	}
	off := on("region-a", "region-b")
	off["SOVEREIGN_ENABLE_HOT_STANDBY"] = "false"
	turn := func(postBuild string, variables map[string]string) {
		t.Helper()
		f.kubectl(t, "", "-n", namespace, "delete", "configmap", "sovereign", "--ignore-not-found")
		if variables != nil {
			args := []string{"-n", namespace, "create", "configmap", "sovereign"}
			for name, value := range variables {
				args = append(args, "--from-literal="+name+"="+value)
			}
			f.kubectl(t, "", args...)
		}
		f.kubectl(t, fmt.Sprintf(`apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: tenants, namespace: %s}
spec: {interval: 1h, path: ./, prune: true, sourceRef: {kind: GitRepository, name: tenants}%s}
`, namespace, postBuild), "apply", "--server-side", "-f", "-")
		f.reconcile(t, namespace, "kustomization", "tenants")
	}
	uid := ""
	var times []string
	for _, step := range []struct {
		name      string
		postBuild string
		variables map[string]string // of the ConfigMap, none: there is no ConfigMap
		want      string
	}{
		// the first two are not substituted at all: Flux leaves the text as it stands
		{"no postBuild", "", nil, single},
		{"no ConfigMap", fromOptional, nil, single},
		{"unset", fromOptional, map[string]string{"OTHER": "true"}, single},
		{"regions only", fromOptional, map[string]string{"SOVEREIGN_PRIMARY_REGION": "region-a", "SOVEREIGN_REPLICA_REGION": "region-b"}, single},
		{"on", fromOptional, on("region-a", "region-b"), pair},
		{"equal regions", fromOptional, on("region-a", "region-a"), single},
		{"on again", fromOptional, on("region-a", "region-b"), pair},
		{"empty replica region", fromOptional, on("region-a", ""), single},
		{"empty primary region", fromOptional, on("", "region-b"), single},
		{"empty regions", fromOptional, on("", ""), single},
		{"no regions", fromOptional, map[string]string{"SOVEREIGN_ENABLE_HOT_STANDBY": "true"}, single},
		{"on by substitute", `, postBuild: {"substitute":{"SOVEREIGN_ENABLE_HOT_STANDBY":"true","SOVEREIGN_PRIMARY_REGION":"region-a","SOVEREIGN_REPLICA_REGION":"region-b"}}`, nil, pair},
		{"off", fromOptional, off, single},
	} {
		started := time.Now()
		turn(step.postBuild, step.variables)
		if ready := f.settled(t, namespace, "helmrelease", "blog", ""); ready.Status != "True" {
			t.Errorf("%s: the HelmRelease: %+v", step.name, ready)
			continue
		}
		f.expect(t, step.name, namespace, step.want)
		for _, revision := range f.revisions(t, namespace) {
			if !strings.HasSuffix(revision, " deployed") && !strings.HasSuffix(revision, " superseded") {
				t.Errorf("after %s, the release has the revision %s", step.name, revision)
			}
		}
		now := string(f.get(t, namespace, "clusters.postgresql.cnpg.io", "blog-db").GetUID())
		if uid != "" && now != uid {
			t.Errorf("after %s, blog-db is another object: %s, was %s", step.name, now, uid)
		}
		uid = now
		times = append(times, fmt.Sprintf("%s %.1f s", step.name, time.Since(started).Seconds()))
	}
	evidence(t, "the toggle, by postBuild", "%s", strings.Join(times, ", "))

	// no patch can tell these from regions; the pair that is there must live on
	turn(fromOptional, on("region-a", "region-b"))
	f.settled(t, namespace, "helmrelease", "blog", "")
	before := f.generations(t, namespace)
	for _, region := range []string{"eu/west", "eu west"} {
		turn(fromOptional, on("region-a", region))
		ready := f.failed(t, namespace)
		if after := f.generations(t, namespace); after != before {
			t.Errorf("the region %s makes %s of %s", region, after, before)
		}
		_, message, _ := strings.Cut(ready.Message, ": ")
		evidence(t, "the region "+region, "the pair stays as it was; %s: %.120s", ready.Reason, message)
	}
	turn(fromOptional, on("region-a", "region-b"))
	if ready := f.settled(t, namespace, "helmrelease", "blog", ""); ready.Status != "True" {
		t.Errorf("with the region put right, the HelmRelease: %+v", ready)
	}
	f.expect(t, "two regions that are none", namespace, pair)

	f.kubectl(t, "", "-n", namespace, "delete", "kustomizations.kustomize.toolkit.fluxcd.io", "tenants", "--timeout=60s")
	eventually(t, 30*time.Second, "what the Kustomization made is gone", func() error {
		if left := f.clusterNames(t, namespace); len(left) > 0 {
			return fmt.Errorf("there are %s", left)
		}
		return nil
	})
}

// TestFluxExample: examples/flux in a repository, one ConfigMap for all tenants.
func TestFluxExample(t *testing.T) {
	f := theFlux(t)
	const namespace = "blog" // the example's, which its Kustomization makes
	if f.get(t, "", "namespace", namespace) != nil {
		t.Fatal("there is a namespace blog, and this test would remove it")
	}
	platform := f.tenant(t, "flux-platform")
	example := func(names ...string) string {
		text, err := os.ReadFile(filepath.Join(append([]string{"..", "examples", "flux"}, names...)...))
		if err != nil {
			t.Fatal(err)
		}
		return strings.ReplaceAll(string(text), "namespace: flux-system", "namespace: "+platform)
	}
	// no kubelet would make anything ready, or run the chart's hook
	const chartOf = "  interval: 10m\n  chart:\n"
	release := strings.Replace(example("tenants", "blog.yaml"), chartOf, "  install: {disableWait: true, disableHooks: true}\n  upgrade: {disableWait: true, disableHooks: true}\n"+chartOf, 1)
	if !strings.Contains(release, "disableWait") {
		t.Fatalf("the example has changed:\n%s", release)
	}
	if err := os.CopyFS(filepath.Join(f.in(t, "git", platform), chart[len("../"):]), os.DirFS(chart)); err != nil {
		t.Fatal(err)
	}
	f.commit(t, platform, "examples/flux/tenants/blog.yaml", release)
	f.repository(t, platform, "platform")
	f.kubectl(t, example("platform", "sovereign.yaml"), "apply", "-f", "-")

	single := f.rendered(t, namespace, "0.1.0")
	pair, stderr, err := run([]string{toggle + "=true", primaryRegion + "=fsn1", replicaRegion + "=hel1"}, single, binary)
	if err != nil {
		t.Fatalf("cnpg-pair: %v\n%s", err, stderr)
	}
	for _, step := range []struct{ name, enable, want string }{
		{"the example as it is", "true", pair},
		{"the toggle turned off", "false", single},
		{"the toggle turned on", "true", pair},
	} {
		started := time.Now()
		f.kubectl(t, "", "-n", platform, "patch", "configmap", "sovereign", "--type=merge", "-p", `{"data":{"`+toggle+`":"`+step.enable+`"}}`)
		f.reconcile(t, platform, "kustomization", "tenants")
		if ready := f.settled(t, namespace, "helmrelease", "blog", ""); ready.Status != "True" {
			t.Fatalf("%s: the HelmRelease: %+v", step.name, ready)
		}
		f.expect(t, step.name, namespace, step.want)
		evidence(t, "examples/flux, "+step.name, "%.1f s", time.Since(started).Seconds())
	}
	f.kubectl(t, "", "-n", platform, "delete", "kustomizations.kustomize.toolkit.fluxcd.io", "tenants", "--timeout=60s")
	eventually(t, 30*time.Second, "the release is gone", func() error {
		if left := f.clusterNames(t, namespace); len(left) > 0 {
			return fmt.Errorf("there are %s", left)
		}
		return nil
	})
}

// TestFluxFromCI: what CI renders is applied as it is, without Helm.
func TestFluxFromCI(t *testing.T) {
	f := theFlux(t)
	namespace := f.tenant(t, "flux-rendered")
	pair, stderr, err := run(hotStandby, f.rendered(t, namespace, "0.1.0"), binary, "--strict")
	if err != nil {
		t.Fatalf("cnpg-pair: %v\n%s", err, stderr)
	}
	images := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(images.Close)
	address := strings.TrimPrefix(images.URL, "http://")
	dir := t.TempDir()
	write(t, filepath.Join(dir, "blog.yaml"), []byte(pair))
	// what flux push artifact runs
	if _, err := oci.NewClient(oci.DefaultOptions()).Push(t.Context(), address+"/blog:latest", dir,
		oci.WithPushMetadata(oci.Metadata{Source: "git", Revision: "main@sha1:0"})); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../examples/flux/platform/rendered.yaml")
	if err != nil {
		t.Fatal(err)
	}
	manifests := strings.NewReplacer("flux-system", namespace, "targetNamespace: blog", "targetNamespace: "+namespace,
		"  url: oci://REGISTRY/blog", "  insecure: true\n  url: oci://"+address+"/blog").Replace(string(text))
	f.kubectl(t, manifests, "apply", "-f", "-")
	f.reconcile(t, namespace, "kustomization", "blog-rendered")
	if diff := f.compare(t, namespace, pair); diff != "" {
		t.Errorf("Clusters (-want +got):\n%s", diff)
	}
	evidence(t, "rendered in CI, pushed as an artifact", "both members are the ones that cnpg-pair renders")
}

// TestFluxFails: where a post-render fails, nothing is half done.
func TestFluxFails(t *testing.T) {
	f := theFlux(t)
	namespace := f.tenant(t, "flux-fails")
	rendered := f.rendered(t, namespace, "0.1.0")
	good := paired(t, hotStandby, rendered, helmRelease(namespace, "0.1.0"))
	bad := good + `  - kustomize:
      patches:
      - target: {kind: Cluster, name: blog-db}
        patch: '[{"op": "test", "path": "/spec/instances", "value": 99}]'
`
	apply := func(manifest string) {
		t.Helper()
		f.kubectl(t, manifest, "apply", "--server-side", "--validate=strict", "-f", "-")
		if ready := f.settled(t, namespace, "helmrelease", "blog", ""); ready.Status != "True" {
			t.Fatalf("the HelmRelease: %+v", ready)
		}
	}
	refused := func(step, reason string) {
		t.Helper()
		f.kubectl(t, bad, "apply", "--server-side", "--validate=strict", "-f", "-")
		ready := f.failed(t, namespace)
		if ready.Reason != reason || !strings.Contains(ready.Message, "error while running post render") {
			t.Errorf("%s: the HelmRelease: %+v", step, ready)
		}
		_, message, _ := strings.Cut(ready.Message, ": ")
		evidence(t, step+" that fails in a post-renderer", "%s: %s", reason, message)
	}
	refused("install", "InstallFailed")
	if clusters := f.clusterNames(t, namespace); len(clusters) > 0 {
		t.Errorf("an install that failed leaves %s", clusters)
	}
	pair, stderr, err := run(hotStandby, rendered, binary)
	if err != nil {
		t.Fatalf("cnpg-pair: %v\n%s", err, stderr)
	}
	apply(good)
	f.expect(t, "an install", namespace, pair)
	before := f.generations(t, namespace)
	refused("upgrade", "UpgradeFailed")
	if after := f.generations(t, namespace); after != before {
		t.Errorf("an upgrade that failed makes %s of %s", after, before)
	}
	apply(good)
	f.expect(t, "an upgrade", namespace, pair)
}

// repository makes a namespace's git repository known to Flux under a name.
func (f *flux) repository(t *testing.T, namespace, name string) {
	t.Helper()
	f.kubectl(t, fmt.Sprintf(`apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: %s, namespace: %s}
spec: {url: %s/git/%[2]s/.git, interval: 1h, ref: {branch: main}}
`, name, namespace, f.url), "apply", "-f", "-")
	f.reconcile(t, namespace, "gitrepository", name)
}

// commit puts a file, and what else is there, into the git repository of a
// namespace.
func (f *flux) commit(t *testing.T, namespace, file, text string) {
	t.Helper()
	dir := f.in(t, "git", namespace)
	write(t, filepath.Join(dir, file), []byte(text))
	for _, args := range [][]string{
		{"init", "-q", "-b", "main"},
		{"add", "--all"},
		{"-c", "user.name=e2e", "-c", "user.email=e2e@e2e.invalid", "commit", "-q", "-m", file},
	} {
		f.must(t, "git", append([]string{"-C", dir}, args...)...)
	}
}
