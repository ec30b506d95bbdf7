package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// plainChart writes a chart that renders these manifests.
func plainChart(t *testing.T, manifests string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "Chart.yaml"), []byte("apiVersion: v2\nname: plain\nversion: 0.1.0\n"))
	write(t, filepath.Join(dir, "templates", "database.yaml"), []byte(manifests))
	return dir
}

// steps are those of a switchover there and back and of a failover, with what
// becomes of the members: whether each follows.
var steps = []struct {
	name             string
	env              []string
	primary, replica bool
}{
	{"rest", nil, false, true},
	{"none", []string{"CNPG_PAIR_ACTIVE=none"}, true, true},
	{"replica by token", []string{"CNPG_PAIR_ACTIVE=replica", "CNPG_PAIR_PROMOTION_TOKEN=" + demotionToken}, true, false},
	{"none again", []string{"CNPG_PAIR_ACTIVE=none"}, true, true},
	{"primary by token", []string{"CNPG_PAIR_PROMOTION_TOKEN=" + demotionToken}, false, true},
	{"rest again", nil, false, true},
	{"failover now", []string{"CNPG_PAIR_ACTIVE=replica", "CNPG_PAIR_FAILOVER=now"}, true, false},
	{"failover done", []string{"CNPG_PAIR_ACTIVE=replica", "CNPG_PAIR_FAILOVER=done"}, true, false},
	{"failover back", []string{"CNPG_PAIR_FAILOVER=now"}, false, true},
	{"rest at last", []string{"CNPG_PAIR_FAILOVER=done"}, false, true},
}

// TestReleaseSides: whatever way a chart bootstraps its Cluster, both Helms bring the
// pair through every step, the bootstrap of the living primary stays as it is, and
// the primary can be created again as a copy.
func TestReleaseSides(t *testing.T) {
	plane := theControlPlane(t)
	const head = `apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata:
  name: blog-db
spec:
  instances: 1
  storage: {size: 1Gi}
`
	const origin = `  externalClusters:
  - name: origin
    connectionParameters: {host: origin.example, user: streaming_replica}
`
	for bootstrap, manifest := range map[string]string{
		"none":          head,
		"initdb":        head + "  bootstrap: {initdb: {database: wordpress, owner: wordpress}}\n",
		"recovery":      head + "  bootstrap: {recovery: {source: origin, database: wordpress, owner: wordpress}}\n" + origin,
		"pg_basebackup": head + "  bootstrap: {pg_basebackup: {source: origin}}\n" + origin,
	} {
		dir := plainChart(t, manifest)
		for name, helm := range helmsAt(t, plane) {
			t.Run(bootstrap+"/"+name, func(t *testing.T) {
				namespace := plane.namespace(t, "sides-"+strings.ToLower(strings.NewReplacer(" ", "", "_", "").Replace(bootstrap+"-"+name)))
				args := slices.Concat([]string{"upgrade", "--install", "blog", dir, "--namespace", namespace}, helm.postRenderer)
				apply := func(env ...string) { t.Helper(); helm.must(t, on(env...), args...) }
				var first any
				for _, step := range steps {
					apply(step.env...)
					if bootstrap == "none" {
						apply(step.env...) // again, as after an interruption
					}
					primary, replica := plane.get(t, namespace, clusters, "blog-db"), plane.get(t, namespace, clusters, "blog-db-replica")
					if got, want := []bool{follows(primary), follows(replica)}, []bool{step.primary, step.replica}; !slices.Equal(got, want) {
						t.Fatalf("%s: the members follow: %v, want %v", step.name, got, want)
					}
					now, _, _ := unstructured.NestedMap(primary.Object, "spec", "bootstrap")
					if first == nil {
						first = now
					}
					if diff := cmp.Diff(first, any(now)); diff != "" {
						t.Errorf("%s: the bootstrap of the living primary (-before +after):\n%s", step.name, diff)
					}
				}

				apply("CNPG_PAIR_ACTIVE=replica", "CNPG_PAIR_FAILOVER=now")
				if err := plane.client.Resource(clusterResource).Namespace(namespace).Delete(t.Context(), "blog-db", metav1.DeleteOptions{}); err != nil {
					t.Fatal(err)
				}
				if out, err := helm.run(on("CNPG_PAIR_ACTIVE=replica", "CNPG_PAIR_FAILOVER=done"), args...); err == nil && bootstrap != "recovery" && bootstrap != "pg_basebackup" {
					t.Errorf("a follower was created without --clone: %s", out)
				} else if err == nil {
					_ = plane.client.Resource(clusterResource).Namespace(namespace).Delete(t.Context(), "blog-db", metav1.DeleteOptions{})
				}
				apply("CNPG_PAIR_ACTIVE=replica", "CNPG_PAIR_FAILOVER=done", "CNPG_PAIR_CLONE=primary")
				source, _, _ := unstructured.NestedString(plane.get(t, namespace, clusters, "blog-db").Object, "spec", "bootstrap", "pg_basebackup", "source")
				if source != "blog-db-replica" {
					t.Errorf("the primary is created from %q", source)
				}
				apply("CNPG_PAIR_ACTIVE=replica", "CNPG_PAIR_FAILOVER=done")
				apply("CNPG_PAIR_ACTIVE=none")
				apply("CNPG_PAIR_PROMOTION_TOKEN=" + demotionToken)
				apply()
			})
		}
	}
	without(t, "a primary without a bootstrap was refused, its replica was promoted all the same, and both took writes")
	evidence(t, "ways to bootstrap, each through all steps, and cloned again, by both Helms", "4, %d steps", len(steps))
}

// TestReleaseTakeover: a pair that the version before tokens left in any of its
// states is taken over by the settings that say the same.
func TestReleaseTakeover(t *testing.T) {
	plane := theControlPlane(t)
	chartOf := func(name string) string {
		text, err := os.ReadFile(filepath.Join("testdata/previous", name+".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		return plainChart(t, string(text))
	}
	single := chartOf("chart")
	for previous, env := range map[string][]string{
		"rest":           nil,
		"none":           {"CNPG_PAIR_ACTIVE=none"},
		"replica":        {"CNPG_PAIR_ACTIVE=replica", "CNPG_PAIR_FAILOVER=now"},
		"replica-rejoin": {"CNPG_PAIR_ACTIVE=replica", "CNPG_PAIR_FAILOVER=done"},
		"none-rejoin":    {"CNPG_PAIR_ACTIVE=none"},
	} {
		for name, helm := range helmsAt(t, plane) {
			t.Run(previous+"/"+name, func(t *testing.T) {
				namespace := plane.namespace(t, "takeover-"+strings.ToLower(strings.ReplaceAll(previous+"-"+name, " ", "")))
				upgrade := func(env []string, dir string, more ...string) (string, error) {
					return helm.run(env, slices.Concat([]string{"upgrade", "--install", "blog", dir, "--namespace", namespace}, more)...)
				}
				for _, state := range []string{"rest", previous} {
					if out, err := upgrade(nil, chartOf(state)); err != nil {
						t.Fatal(out)
					}
				}
				primary, replica := plane.get(t, namespace, clusters, "blog-db"), plane.get(t, namespace, clusters, "blog-db-replica")
				if out, err := upgrade(on("CNPG_PAIR_ACTIVE=replica", "CNPG_PAIR_REJOIN=true"), single, helm.postRenderer...); err == nil || !strings.Contains(out, "CNPG_PAIR_REJOIN is no longer a setting") {
					t.Errorf("the old words: %v %s", err, out)
				}
				if out, err := upgrade(on(env...), single, helm.postRenderer...); err != nil {
					t.Fatalf("not taken over: %s", out)
				}
				for _, before := range []*unstructured.Unstructured{primary, replica} {
					after := plane.get(t, namespace, clusters, before.GetName())
					if follows(before) != follows(after) || before.GetUID() != after.GetUID() {
						t.Errorf("%s was taken over as another one", before.GetName())
					}
				}
			})
		}
	}
}

func follows(cluster *unstructured.Unstructured) bool {
	enabled, _, _ := unstructured.NestedBool(cluster.Object, "spec", "replica", "enabled")
	return enabled
}
