package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// helmsAt returns both Helms, at work on our API server.
func helmsAt(t *testing.T, plane *controlPlane) map[string]helm {
	t.Helper()
	all := helms(t)
	for name, h := range all {
		h.env = append(h.env, "KUBECONFIG="+plane.kubeconfig)
		all[name] = h
	}
	return all
}

// run returns what Helm printed, on both streams.
func (h helm) run(env []string, args ...string) (string, error) {
	stdout, stderr, err := run(append(h.env, env...), "", h.program, args...)
	return stdout + stderr, err
}

// must is run where an error ends the test.
func (h helm) must(t *testing.T, env []string, args ...string) string {
	t.Helper()
	out, err := h.run(env, args...)
	if err != nil {
		t.Fatalf("helm %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// TestReleaseLifecycle: both members are ordinary members of a release, in every
// step of its life, and the database of the tenant is never replaced.
func TestReleaseLifecycle(t *testing.T) {
	plane := theControlPlane(t)
	for name, helm := range helmsAt(t, plane) {
		t.Run(name, func(t *testing.T) {
			namespace := plane.namespace(t, strings.ToLower(strings.ReplaceAll(name, " ", "")))
			// nothing here would run the Job of the hook to its end
			apply := append([]string{"blog", chart, "--namespace", namespace, "--no-hooks"}, helm.postRenderer...)
			var uid string
			expect := func(step string, want ...string) {
				t.Helper()
				if diff := cmp.Diff(want, plane.clusterNames(t, namespace), cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("Clusters after %s (-want +got):\n%s", step, diff)
				}
				for _, cluster := range want {
					object := plane.get(t, namespace, "clusters.postgresql.cnpg.io", cluster)
					if object == nil {
						continue
					}
					owner := object.GetLabels()["app.kubernetes.io/managed-by"] + " " + object.GetAnnotations()["meta.helm.sh/release-name"] + " " + object.GetAnnotations()["meta.helm.sh/release-namespace"]
					if owner != "Helm blog "+namespace {
						t.Errorf("after %s, %s belongs to %q", step, cluster, owner)
					}
					if cluster != "blog-db" {
						continue
					}
					if uid == "" {
						uid = string(object.GetUID())
					}
					if got := string(object.GetUID()); got != uid {
						t.Errorf("after %s, blog-db is another object: %s, was %s", step, got, uid)
					}
					// half a primary would be worse than none
					paired := len(want) == 2
					_, pinned, _ := unstructured.NestedMap(object.Object, "spec", "affinity", "nodeAffinity")
					_, labelled := object.GetLabels()["openova.io/cnpg-role"]
					_, served, _ := unstructured.NestedMap(object.Object, "spec", "managed")
					if pinned != paired || labelled != paired || served != paired {
						t.Errorf("after %s, blog-db: nodeAffinity %t, label %t, managed %t, want all %t", step, pinned, labelled, served, paired)
					}
				}
			}

			helm.must(t, nil, append([]string{"install"}, apply...)...)
			expect("install with the hotStandby off", "blog-db")
			helm.must(t, hotStandby, append([]string{"upgrade"}, apply...)...)
			expect("upgrade with it on", "blog-db", "blog-db-replica")
			helm.must(t, nil, append([]string{"upgrade"}, apply...)...)
			expect("upgrade with it off", "blog-db")
			helm.must(t, hotStandby, append([]string{"upgrade"}, apply...)...)
			expect("upgrade with it on again", "blog-db", "blog-db-replica")

			before := plane.identity(t, namespace, "blog-db") + plane.identity(t, namespace, "blog-db-replica")
			broken := append(hotStandbyOf("true", "region-a", ""), "CNPG_PAIR_STRICT=true")
			out, err := helm.run(broken, append([]string{"upgrade"}, apply...)...)
			if err == nil || !strings.Contains(out, "SOVEREIGN_REPLICA_REGION is empty") {
				t.Errorf("upgrade that must fail: %v\n%s", err, out)
			}
			expect("an upgrade that failed", "blog-db", "blog-db-replica")
			if after := plane.identity(t, namespace, "blog-db") + plane.identity(t, namespace, "blog-db-replica"); after != before {
				t.Errorf("a failed upgrade changed the pair from %s to %s", before, after)
			}

			helm.must(t, nil, "rollback", "blog", "1", "--namespace", namespace, "--no-hooks")
			expect("rollback to the first revision", "blog-db")
			helm.must(t, nil, "rollback", "blog", "2", "--namespace", namespace, "--no-hooks")
			expect("rollback to the second", "blog-db", "blog-db-replica")
			manifest := helm.must(t, nil, "get", "manifest", "blog", "--namespace", namespace)
			if clusters, _ := clustersAndOthers(t, manifest); len(clusters) != 2 {
				t.Errorf("the release holds %d Clusters:\n%s", len(clusters), manifest)
			}
			helm.must(t, nil, "uninstall", "blog", "--namespace", namespace, "--no-hooks")
			expect("uninstall")

			// straight to a pair, which is what a new tenant gets
			uid = ""
			helm.must(t, hotStandby, append([]string{"install"}, apply...)...)
			expect("install with the hotStandby on", "blog-db", "blog-db-replica")
			helm.must(t, nil, "uninstall", "blog", "--namespace", namespace, "--no-hooks")
			expect("the second uninstall")
			version := strings.TrimSpace(helm.must(t, nil, "version", "--template", "{{.Version}}"))
			evidence(t, "releases through "+name, "%s: install, upgrade, rollback and uninstall of examples/tenant, on, off and on again", version)
		})
	}
}

// TestReleaseFails: a post-render that fails leaves nothing behind, and Helm
// says why.
func TestReleaseFails(t *testing.T) {
	plane := theControlPlane(t)
	for name, helm := range helmsAt(t, plane) {
		t.Run(name, func(t *testing.T) {
			namespace := plane.namespace(t, "fails-"+strings.ToLower(strings.ReplaceAll(name, " ", "")))
			install := append([]string{"install", "blog", chart, "--namespace", namespace, "--no-hooks"}, helm.postRenderer...)
			out, err := helm.run(append(hotStandbyOf("true", "region-a", ""), "CNPG_PAIR_STRICT=true"), install...)
			if err == nil || !strings.Contains(out, "SOVEREIGN_REPLICA_REGION is empty") {
				t.Errorf("%v\n%s", err, out)
			}
			t.Logf("%s says: %s", name, strings.TrimSpace(out))
			for _, kind := range []string{"clusters.postgresql.cnpg.io", "deployments", "services", "networkpolicies", "ingresses", "jobs", "secrets"} {
				if left := plane.kubectl(t, "", "-n", namespace, "get", kind, "-o", "name"); left != "" {
					t.Errorf("left behind: %s", left)
				}
			}
			if releases := helm.must(t, nil, "list", "--namespace", namespace, "--short"); releases != "" {
				t.Errorf("releases left behind: %s", releases)
			}
			// nothing stands in the way of doing it right
			helm.must(t, hotStandby, install...)
			if diff := cmp.Diff([]string{"blog-db", "blog-db-replica"}, plane.clusterNames(t, namespace)); diff != "" {
				t.Errorf("Clusters (-want +got):\n%s", diff)
			}
		})
	}
}

// TestReleaseHook: a chart may make its Cluster a hook, so that it is there
// before the rest. Helm 4 shows hooks to post-renderers, Helm 3 does not.
func TestReleaseHook(t *testing.T) {
	plane := theControlPlane(t)
	for name, helm := range helmsAt(t, plane) {
		t.Run(name, func(t *testing.T) {
			namespace := plane.namespace(t, "hook-"+strings.ToLower(strings.ReplaceAll(name, " ", "")))
			hook := t.TempDir()
			write(t, filepath.Join(hook, "Chart.yaml"), []byte("apiVersion: v2\nname: hook\nversion: 0.1.0\n"))
			write(t, filepath.Join(hook, "templates", "database.yaml"), []byte(`apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata:
  name: {{ .Release.Name }}-db
  annotations:
    helm.sh/hook: pre-install
    helm.sh/hook-weight: "-5"
spec:
  instances: 1
  storage: {size: 1Gi}
`))
			write(t, filepath.Join(hook, "templates", "configmap.yaml"), []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n"))
			helm.must(t, hotStandby, append([]string{"install", "blog", hook, "--namespace", namespace}, helm.postRenderer...)...)
			want := []string{"blog-db", "blog-db-replica"}
			if name == "Helm 3" {
				want = want[:1]
			}
			if diff := cmp.Diff(want, plane.clusterNames(t, namespace)); diff != "" {
				t.Errorf("Clusters (-want +got):\n%s", diff)
			}
			for _, cluster := range want[1:] {
				object := plane.get(t, namespace, "clusters.postgresql.cnpg.io", cluster)
				if object.GetAnnotations()["helm.sh/hook"] != "pre-install" {
					t.Errorf("%s is no hook: %v", cluster, object.GetAnnotations())
				}
			}
			evidence(t, "Cluster as a hook, "+name, "%s", fmt.Sprint(plane.clusterNames(t, namespace)))
		})
	}
}
