package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v4/pkg/postrenderer"
	"sigs.k8s.io/yaml"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// A Renderer is what Helm 4 takes for a post-renderer.
var _ postrenderer.PostRenderer = (*postrender.Renderer)(nil)

const chart = "../examples/tenant"

// helm is one of the two Helms, with the arguments that switch the
// post-renderer on and the environment that it needs.
type helm struct {
	program      string
	env          []string
	postRenderer []string
}

// helms returns Helm 3, which takes the program's path, and Helm 4 with the
// plugin that make plugin builds, installed by helm plugin install.
func helms(t *testing.T) map[string]helm {
	t.Helper()
	// homes of their own: each Helm stumbles over the other's plugins
	home := func() []string {
		dir := t.TempDir()
		return []string{"HELM_DATA_HOME=" + dir, "HELM_CONFIG_HOME=" + dir, "HELM_CACHE_HOME=" + dir, "HELM_PLUGINS=" + dir + "/plugins", "CNPG_PAIR_STRICT="}
	}
	env := home()
	plugin := filepath.Join(t.TempDir(), "cnpg-pair") // other suites run beside this one
	if out, err := exec.Command("make", "-C", "..", "plugin", "PLUGIN="+plugin).CombinedOutput(); err != nil {
		t.Fatalf("make plugin: %v\n%s", err, out)
	}
	helm4 := tool(t, "helm4")
	if out, stderr, err := run(env, "", helm4, "plugin", "install", plugin); err != nil {
		t.Fatalf("helm plugin install: %v\n%s%s", err, out, stderr)
	}
	return map[string]helm{
		"Helm 3": {tool(t, "helm3"), home(), []string{"--post-renderer", binary}},
		"Helm 4": {helm4, env, []string{"--post-renderer", "cnpg-pair"}},
	}
}

// template runs helm template, with the post-renderer if args are given for it.
func (h helm) template(t *testing.T, chart string, env []string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	return run(append(h.env, env...), "", h.program, append([]string{"template", "blog", chart, "--namespace", "blog"}, args...)...)
}

// documents decodes the documents of a stream.
func documents(t *testing.T, stream string) []map[string]any {
	t.Helper()
	var all []map[string]any
	for text := range strings.SplitSeq("\n"+stream, "\n---\n") {
		var o map[string]any
		if err := yaml.Unmarshal([]byte(text), &o); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if o != nil {
			all = append(all, o)
		}
	}
	return all
}

func isCluster(o map[string]any) bool {
	return o["kind"] == "Cluster" && strings.HasPrefix(o["apiVersion"].(string), "postgresql.cnpg.io/")
}

// clustersAndOthers are the objects of a stream, without the Services of pairs.
func clustersAndOthers(t *testing.T, stream string) (clusters, others []map[string]any) {
	t.Helper()
	for _, o := range documents(t, stream) {
		labels, _ := o["metadata"].(map[string]any)["labels"].(map[string]any)
		switch {
		case isCluster(o):
			clusters = append(clusters, o)
		case labels["catalyst.openova.io/role"] == nil:
			others = append(others, o)
		}
	}
	return clusters, others
}

// TestHelmTemplate renders the example chart by both Helms: without hot standby
// the post-renderer changes nothing, with it the pair is there once and
// everything else as before.
func TestHelmTemplate(t *testing.T) {
	for name, h := range helms(t) {
		t.Run(name, func(t *testing.T) {
			plain, stderr, err := h.template(t, chart, nil)
			if err != nil {
				t.Fatal(stderr)
			}
			single, others := clustersAndOthers(t, plain)
			if len(single) != 1 || len(others) != 7 {
				t.Fatalf("the chart has %d Clusters and %d other objects", len(single), len(others))
			}

			off, stderr, err := h.template(t, chart, []string{"SOVEREIGN_ENABLE_HOT_STANDBY=false"}, h.postRenderer...)
			if err != nil {
				t.Fatal(stderr)
			}
			if name == "Helm 3" && off != plain {
				t.Error("with the hotStandby off, the output differs:\n" + cmp.Diff(plain, off))
			}
			if diff := cmp.Diff(documents(t, plain), documents(t, off)); diff != "" {
				t.Errorf("with the hotStandby off, the objects differ (-plain +off):\n%s", diff)
			}

			on, stderr, err := h.template(t, chart, hotStandby, h.postRenderer...)
			if err != nil {
				t.Fatal(stderr)
			}
			clusters, same := clustersAndOthers(t, on)
			if diff := cmp.Diff(others, same); diff != "" {
				t.Errorf("other objects have changed:\n%s", diff)
			}
			// the pair that Helm prints is the one that the library makes of the chart's Cluster
			pair, err := postrender.Expand(postrender.Config{EnableHotStandby: true, PrimaryRegion: "region-a", ReplicaRegion: "region-b"}, single[0])
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]map[string]any{pair.Primary, pair.Replica}, clusters); diff != "" {
				t.Errorf("not the pair (-want +got):\n%s", diff)
			}
		})
	}
}

// TestHelmSettings: every combination of settings makes through both Helms what
// the filter makes of the same chart.
func TestHelmSettings(t *testing.T) {
	byName := func(t *testing.T, stream string) map[string]any {
		all := make(map[string]any)
		for _, o := range documents(t, stream) {
			all[fmt.Sprint(o["kind"], " ", o["metadata"].(map[string]any)["name"])] = o
		}
		return all
	}
	for name, h := range helms(t) {
		plain, stderr, err := h.template(t, chart, nil)
		if err != nil {
			t.Fatal(stderr)
		}
		for _, setting := range settings {
			t.Run(name+"/"+setting.name, func(t *testing.T) {
				env := slices.Concat(hotStandby, setting.env)
				want, stderr, err := run(env, plain, binary)
				if err != nil {
					t.Fatal(stderr)
				}
				got, stderr, err := h.template(t, chart, env, h.postRenderer...)
				if err != nil {
					t.Fatal(stderr)
				}
				if diff := cmp.Diff(byName(t, want), byName(t, got)); diff != "" {
					t.Errorf("-filter +Helm:\n%s", diff)
				}
				if got == plain {
					t.Error("nothing has changed")
				}
			})
		}
	}
}

// brokenChart is the example chart with a Cluster of a wrong shape.
func brokenChart(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "tenant")
	if err := os.CopyFS(dir, os.DirFS(chart)); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "templates", "database.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, append(text, "  affinity: here\n"...), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestHelmError: the user reads our error in Helm's own output, of Helm 4 too,
// which throws a plugin's stderr away, and gets no manifest that could be
// applied.
func TestHelmError(t *testing.T) {
	for name, h := range helms(t) {
		for _, c := range []struct {
			name, chart string
			env, args   []string
			want        string
		}{
			{"a malformed Cluster", brokenChart(t), hotStandby, nil, "Cluster blog-db: spec.affinity: expected a mapping"},
			{"strict, by a flag", chart, []string{hotStandby[0], hotStandby[1], "SOVEREIGN_REPLICA_REGION="}, []string{"--post-renderer-args", "--strict"}, "SOVEREIGN_REPLICA_REGION is empty"},
			{"strict, by a variable", chart, []string{hotStandby[0], hotStandby[1], "SOVEREIGN_REPLICA_REGION=", "CNPG_PAIR_STRICT=yes"}, nil, "SOVEREIGN_REPLICA_REGION is empty"},
			{"an unknown flag", chart, hotStandby, []string{"--post-renderer-args", "--foo"}, "unknown flag: --foo"},
		} {
			t.Run(name+"/"+c.name, func(t *testing.T) {
				stdout, stderr, err := h.template(t, c.chart, c.env, append(h.postRenderer, c.args...)...)
				if err == nil {
					t.Errorf("helm template succeeds:\n%s", stdout)
				}
				if !strings.Contains(stderr, "cnpg-pair: error: ") || !strings.Contains(stderr, c.want) {
					t.Errorf("Helm does not say %q:\n%s", c.want, stderr)
				}
				if stdout != "" {
					t.Errorf("Helm prints manifests all the same:\n%s", stdout)
				}
				t.Log(stderr)
			})
		}
	}
}

// TestHelmDegrades: hot standby that is on but not valid leaves the release single.
func TestHelmDegrades(t *testing.T) {
	for name, h := range helms(t) {
		t.Run(name, func(t *testing.T) {
			out, stderr, err := h.template(t, chart, []string{hotStandby[0], hotStandby[1], "SOVEREIGN_REPLICA_REGION=region-a"}, h.postRenderer...)
			if err != nil {
				t.Fatal(stderr)
			}
			if clusters, _ := clustersAndOthers(t, out); len(clusters) != 1 {
				t.Errorf("%d Clusters", len(clusters))
			}
		})
	}
}
