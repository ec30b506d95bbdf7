package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fluxcd/pkg/envsubst"
	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	release "helm.sh/helm/v4/pkg/release/v1"
	//lint:ignore SA1019 it is what helm-controller uses
	"sigs.k8s.io/kustomize/api/builtins"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/provider"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// A helmReleaseSpec is what of a HelmRelease reaches the post-renderers. Flux
// knows no other fields, so that decoding must be strict.
type helmReleaseSpec struct {
	PostRenderers []struct {
		Kustomize struct {
			Patches []struct {
				Patch  string `json:"patch"`
				Target *struct {
					Group              string `json:"group"`
					Version            string `json:"version"`
					Kind               string `json:"kind"`
					Name               string `json:"name"`
					Namespace          string `json:"namespace"`
					LabelSelector      string `json:"labelSelector"`
					AnnotationSelector string `json:"annotationSelector"`
				} `json:"target"`
			} `json:"patches"`
		} `json:"kustomize"`
	} `json:"postRenderers"`
}

// Run does what helm-controller does to a chart's manifests: a kustomize build
// for each entry, and, without one, the labels that tell whose they are.
func (s helmReleaseSpec) Run(manifests *bytes.Buffer) (out *bytes.Buffer, err error) {
	defer func() {
		// of kustomize, about two resources of one name; the controller survives it too
		if panicked := recover(); panicked != nil {
			out, err = nil, fmt.Errorf("panic: %v", panicked)
		}
	}()
	for i, entry := range s.PostRenderers {
		build := types.Kustomization{
			TypeMeta:  types.TypeMeta{APIVersion: types.KustomizationVersion, Kind: types.KustomizationKind},
			Resources: []string{"manifests.yaml"},
		}
		for _, patch := range entry.Kustomize.Patches {
			out := types.Patch{Patch: patch.Patch}
			if target := patch.Target; target != nil {
				out.Target = &types.Selector{LabelSelector: target.LabelSelector, AnnotationSelector: target.AnnotationSelector}
				out.Target.Group, out.Target.Version, out.Target.Kind = target.Group, target.Version, target.Kind
				out.Target.Name, out.Target.Namespace = target.Name, target.Namespace
			}
			build.Patches = append(build.Patches, out)
		}
		text, err := json.Marshal(build)
		if err != nil {
			return nil, err
		}
		files := filesys.MakeFsInMemory()
		if err := files.WriteFile("manifests.yaml", manifests.Bytes()); err != nil {
			return nil, err
		}
		if err := files.WriteFile("kustomization.yaml", text); err != nil {
			return nil, err
		}
		options := &krusty.Options{LoadRestrictions: types.LoadRestrictionsNone, PluginConfig: types.DisabledPluginConfig()}
		built, err := krusty.MakeKustomizer(options).Run(files, ".")
		if err != nil {
			return nil, fmt.Errorf("build %d: %w", i, err)
		}
		if text, err = built.AsYaml(); err != nil {
			return nil, err
		}
		manifests = bytes.NewBuffer(text)
	}
	objects, err := resmap.NewFactory(provider.NewDefaultDepProvider().GetResourceFactory()).NewResMapFromBytes(manifests.Bytes())
	if err != nil {
		return nil, err
	}
	origin := builtins.LabelTransformerPlugin{
		Labels:     originLabels,
		FieldSpecs: []types.FieldSpec{{Path: "metadata/labels", CreateIfNotPresent: true}},
	}
	if err := origin.Transform(objects); err != nil {
		return nil, err
	}
	text, err := objects.AsYaml()
	return bytes.NewBuffer(text), err
}

var originLabels = map[string]string{"helm.toolkit.fluxcd.io/name": "blog", "helm.toolkit.fluxcd.io/namespace": "blog"}

// postRenderers reads the fragment that cnpg-pair flux prints.
func postRenderers(t testing.TB, fragment string) helmReleaseSpec {
	t.Helper()
	var spec helmReleaseSpec
	if err := yaml.UnmarshalStrict([]byte(fragment), &spec); err != nil {
		t.Fatalf("%v\n%s", err, fragment)
	}
	return spec
}

// install renders a chart as helm-controller does for a spec.postRenderStrategy.
func (s helmReleaseSpec) install(t testing.TB, dir string, strategy action.PostRenderStrategy) (string, error) {
	t.Helper()
	chart, err := loader.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	install := action.NewInstall(action.NewConfiguration())
	install.ReleaseName, install.Namespace = "blog", "blog"
	install.DryRunStrategy = action.DryRunClient
	install.PostRenderer, install.PostRenderStrategy = s, strategy
	releaser, err := install.Run(chart, nil)
	if err != nil {
		return "", err
	}
	rendered := releaser.(*release.Release)
	manifest := rendered.Manifest
	for _, hook := range rendered.Hooks {
		manifest += "\n---\n" + hook.Manifest
	}
	return manifest, nil
}

// byName returns the objects of a stream, less what Flux adds, by what each is
// called. Empty annotations, which Helm leaves where its own was, are none.
func byName(t testing.TB, stream string) map[string]map[string]any {
	t.Helper()
	found := make(map[string]map[string]any)
	for _, object := range objects(t, []byte(stream)) {
		labels, annotations := object.GetLabels(), object.GetAnnotations()
		for label := range originLabels {
			delete(labels, label)
		}
		if len(labels) == 0 {
			labels = nil
		}
		if len(annotations) == 0 {
			annotations = nil
		}
		object.SetLabels(labels)
		object.SetAnnotations(annotations)
		name := object.GetAPIVersion() + " " + object.GetKind() + " " + object.GetNamespace() + "/" + object.GetName()
		if found[name] != nil {
			t.Errorf("there are two of %s", name)
		}
		found[name] = object.Object
	}
	return found
}

// TestFluxRender compares what helm-controller's own code path makes of a chart
// and of the fragment with what the post-renderer makes of the chart.
func TestFluxRender(t *testing.T) {
	helm := tool(t, "helm4")
	charts := fluxRenderCharts(t)
	same := 0
	for name, dir := range charts {
		for _, setting := range settings {
			if name != "tenant" && !setting.atRest {
				continue // the whole matrix for one chart is enough
			}
			t.Run(name+"/"+setting.name, func(t *testing.T) {
				rendered, stderr, err := run(nil, "", helm, "template", "blog", dir, "--namespace", "blog")
				if err != nil {
					t.Fatal(stderr)
				}
				env := slices.Concat(hotStandby, setting.env)
				expanded, stderr, err := run(env, rendered, binary)
				if err != nil {
					t.Fatal(stderr)
				}
				spec, want := postRenderers(t, fluxCommand(t, env, rendered)), byName(t, expanded)
				// the other strategy hides hooks, as Helm 3 does
				for _, strategy := range []action.PostRenderStrategy{action.PostRenderStrategyCombined, action.PostRenderStrategySeparate} {
					got, err := spec.install(t, dir, strategy)
					if err != nil {
						t.Fatal(err)
					}
					if diff := cmp.Diff(want, byName(t, got)); diff != "" {
						t.Errorf("%s: not what the post-renderer makes (-want +got):\n%s", strategy, diff)
					}
				}
				if setting.members == 2 && len(want) == len(byName(t, rendered)) {
					t.Error("there is no pair")
				}
				if !t.Failed() {
					same++
				}
			})
		}
	}
	evidence(t, "rendered by helm-controller's code path", "%d pairs of a chart and settings, object by object as by the post-renderer", same)
}

// fluxRenderCharts returns where charts are, by name.
func fluxRenderCharts(t testing.TB) map[string]string {
	t.Helper()
	charts := map[string]string{"tenant": chart}
	for name, templates := range fluxCharts {
		dir := filepath.Join(t.TempDir(), name)
		write(t, filepath.Join(dir, "Chart.yaml"), []byte("apiVersion: v2\nname: "+name+"\nversion: 0.1.0\n"))
		for file, text := range templates {
			write(t, filepath.Join(dir, "templates", file), []byte(text))
		}
		charts[name] = dir
	}
	return charts
}

// fluxCharts are charts whose Clusters are more than the example's.
var fluxCharts = map[string]map[string]string{
	"several": {
		"databases.yaml": `apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata:
  name: {{ .Release.Name }}-db
  annotations:
    note: "costs $5, or $$6, or ${7}"
spec:
  instances: 3
  storage: {size: 1Gi}
  affinity:
    nodeAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
        nodeSelectorTerms:
        - matchExpressions:
          - {key: disk, operator: In, values: [fast]}
        - matchExpressions:
          - {key: disk, operator: In, values: [faster]}
  managed:
    services:
      additional:
      - selectorType: ro
        serviceTemplate:
          metadata: {name: reports}
---
# the dots make a regular expression of a name
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata:
  name: {{ .Release.Name }}-db2
  namespace: elsewhere
spec:
  instances: 1
  enableSuperuserAccess: true
  storage: {size: 1Gi}
  bootstrap:
    recovery:
      source: origin
      database: app
      owner: app
  externalClusters:
  - name: origin
    connectionParameters:
      host: "db.${domain}.example"
      user: postgres
      options: "-c search_path=$$user"
`,
		"apart.yaml": `apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata:
  name: alone
  annotations:
    cnpg-pair.openova.io/expand: "false"
spec:
  instances: 1
  storage: {size: 1Gi}
---
apiVersion: cluster.x-k8s.io/v1beta1
kind: Cluster
metadata: {name: "{{ .Release.Name }}-db"}
`,
	},
	"hook": {
		"database.yaml": `apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata:
  name: {{ .Release.Name }}-db
  annotations:
    helm.sh/hook: pre-install
    helm.sh/hook-weight: "-5"
spec:
  instances: 1
  storage: {size: 1Gi}
`,
		"configmap.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n",
	},
}

// TestFluxRenderToggle: one HelmRelease, whose text a Kustomization substitutes,
// is the pair when hot standby is on and valid and the chart's own Cluster when not.
func TestFluxRenderToggle(t *testing.T) {
	helm := tool(t, "helm4")
	seen := 0
	for name, dir := range fluxRenderCharts(t) {
		rendered, stderr, err := run(nil, "", helm, "template", "blog", dir, "--namespace", "blog")
		if err != nil {
			t.Fatal(stderr)
		}
		for i, setting := range settings {
			if !setting.atRest {
				if name != "tenant" {
					continue // it is no matter of the chart
				}
				if out, stderr, err := run(setting.env, rendered, binary, "flux", "--substitute"); err == nil || out != "" || !strings.Contains(stderr, "must not be turned off") {
					t.Errorf("%s: a toggle, by which the member that is active could be lost: %v %s\n%s", setting.name, err, stderr, out)
				}
				continue
			}
			fragment := fluxCommand(t, setting.env, rendered, "--substitute")
			for _, state := range []struct {
				name      string
				variables map[string]string
				on        bool
			}{
				// Flux leaves the text as it stands where there is no variable at all
				{"not substituted", nil, false},
				{"unset", map[string]string{"OTHER": "true"}, false},
				{"on", map[string]string{toggle: "true", primaryRegion: "region-a", replicaRegion: "region-b"}, true},
				{"one region begins with the other", map[string]string{toggle: "true", primaryRegion: "eu", replicaRegion: "eu-2"}, true},
				{"regions that YAML takes for numbers", map[string]string{toggle: "true", primaryRegion: "1", replicaRegion: "0x10"}, true},
				{"regions that YAML takes for booleans", map[string]string{toggle: "true", primaryRegion: "no", replicaRegion: "null"}, true},
				{"regions of all that a label may hold", map[string]string{toggle: "true", primaryRegion: "EU_west-1.a", replicaRegion: strings.Repeat("r", 63)}, true},
				{"another word for on", map[string]string{toggle: "yes", primaryRegion: "region-a", replicaRegion: "region-b"}, true},
				{"1 for on", map[string]string{toggle: "1", primaryRegion: "region-a", replicaRegion: "region-b"}, true},
				{"off", map[string]string{toggle: "false", primaryRegion: "region-a", replicaRegion: "region-b"}, false},
				{"toggle empty", map[string]string{toggle: "", primaryRegion: "region-a", replicaRegion: "region-b"}, false},
				{"toggle unset", map[string]string{primaryRegion: "region-a", replicaRegion: "region-b"}, false},
				{"toggle of another word", map[string]string{toggle: "maybe", primaryRegion: "region-a", replicaRegion: "region-b"}, false},
				{"equal regions", map[string]string{toggle: "true", primaryRegion: "region-a", replicaRegion: "region-a"}, false},
				{"no regions", map[string]string{toggle: "true"}, false},
				{"empty regions", map[string]string{toggle: "true", primaryRegion: "", replicaRegion: ""}, false},
				{"no primary region", map[string]string{toggle: "true", replicaRegion: "region-b"}, false},
				{"no replica region", map[string]string{toggle: "true", primaryRegion: "region-a"}, false},
			} {
				if _, more := state.variables[toggle]; i > 0 && !state.on && more && state.name != "off" {
					continue // the other settings meet the toggle in the same patch
				}
				t.Run(name+"/"+setting.name+"/"+state.name, func(t *testing.T) {
					text, err := substituted(fragment, state.variables)
					if err != nil {
						t.Fatal(err)
					}
					got, err := postRenderers(t, text).install(t, dir, action.PostRenderStrategyCombined)
					if err != nil {
						t.Fatal(err)
					}
					env := slices.Clone(setting.env)
					for name, value := range state.variables {
						env = append(env, name+"="+value)
					}
					want, stderr, err := run(env, rendered, binary)
					if err != nil {
						t.Fatal(stderr)
					}
					if on := want != rendered; on != state.on {
						t.Errorf("for the post-renderer this is on: %t", on)
					}
					if diff := cmp.Diff(byName(t, want), byName(t, got)); diff != "" {
						t.Errorf("not what the post-renderer makes (-want +got):\n%s", diff)
					}
					if !t.Failed() {
						seen++
					}
				})
			}
		}
	}
	evidence(t, "the toggle, by helm-controller's code path", "%d states of the toggle, for charts and settings, as by the post-renderer", seen)
}

const toggle, primaryRegion, replicaRegion = postrender.EnvEnableHotStandby, postrender.EnvPrimaryRegion, postrender.EnvReplicaRegion

// substituted is a text as kustomize-controller makes it: strictly, so that a
// variable without a value needs a default, and not at all where there are none.
func substituted(text string, variables map[string]string) (string, error) {
	if len(variables) == 0 {
		return text, nil
	}
	return envsubst.Eval(text, func(name string) (string, bool) {
		value, found := variables[name]
		return value, found
	})
}

// TestFluxRenderSamples: the same for every Cluster of the operator's
// documentation and of our own cases that is paired at all.
func TestFluxRenderSamples(t *testing.T) {
	cases, err := filepath.Glob("../testdata/*/in.yaml")
	if err != nil {
		t.Fatal(err)
	}
	same := 0
	for _, file := range append(cases, samples(t)...) {
		t.Run(filepath.Base(filepath.Dir(file))+"/"+filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			// strictly, as the generator: it writes nothing that would leave a Cluster single in silence
			expanded, _, err := run(hotStandby, string(text), binary, "--strict")
			if err != nil || expanded == string(text) {
				return // nothing to pair, or not everything
			}
			// no entry gets further than kustomize can read
			var oneEntry helmReleaseSpec
			oneEntry.PostRenderers = slices.Grow(oneEntry.PostRenderers, 1)[:1]
			if _, err := oneEntry.Run(bytes.NewBuffer(slices.Clone(text))); err != nil {
				t.Logf("kustomize: %v", err)
				return
			}
			before, err := decodeObjects(text)
			if err != nil {
				t.Logf("unreadable: %v", err)
				return
			}
			for _, object := range before {
				if isV1Cluster(object) && object.Object["status"] != nil {
					return // a live object: no chart renders this
				}
			}
			if filepath.Base(filepath.Dir(file)) == "stream-empty-values" {
				// the chart's null, of flow style, is no place for a mapping in kustomize's merge
				const cause = "expected ScalarNode but got MappingNode"
				if _, stderr, err := run(hotStandby, string(text), binary, "flux"); err == nil || !strings.Contains(stderr, cause) {
					t.Errorf("got error %v, want %q: %s", err, cause, stderr)
				}
				return
			}
			spec := postRenderers(t, fluxCommand(t, hotStandby, string(text)))
			// the pair in a chart of its own: what kustomize changes as it reads and
			// writes, folded text above all, it changes there too
			want, err := helmReleaseSpec{}.Run(bytes.NewBufferString(expanded))
			if err != nil {
				t.Fatal(err)
			}
			got, err := spec.Run(bytes.NewBuffer(text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(byName(t, want.String()), byName(t, got.String())); diff != "" {
				t.Errorf("not what the post-renderer makes (-want +got):\n%s", diff)
				return
			}
			same++
		})
	}
	if same < 50 {
		t.Errorf("only %d files", same)
	}
	evidence(t, "rendered by helm-controller's code path", "%d files of samples and cases, Cluster by Cluster as by the post-renderer", same)
}

// TestFluxRenderCheck: a fragment is stale when the chart's Clusters are others,
// and only then.
func TestFluxRenderCheck(t *testing.T) {
	helm := tool(t, "helm4")
	render := func(release string) string {
		rendered, stderr, err := run(nil, "", helm, "template", release, chart)
		if err != nil {
			t.Fatal(stderr)
		}
		return rendered
	}
	file := filepath.Join(t.TempDir(), "helmrelease.yaml")
	before := "kind: ConfigMap\napiVersion: v1\nmetadata: {name: beside}\n---\n" + helmRelease("blog", "0.1.0")
	write(t, file, []byte(before))
	check := func(release string, args ...string) error {
		_, stderr, err := run(hotStandby, render(release), binary, append([]string{"flux", "--check", "--helmrelease", file}, args...)...)
		t.Logf("%s %s: %v %s", release, args, err, stderr)
		return err
	}
	if check("blog") == nil {
		t.Error("a HelmRelease without a fragment passes")
	}
	for _, args := range [][]string{nil, {"--substitute"}} {
		after := fluxCommand(t, hotStandby, render("blog"), append(args, "--helmrelease", file)...)
		if !strings.Contains(after, "beside") {
			t.Errorf("the other document is gone:\n%s", after)
		}
		write(t, file, []byte(after))
		if err := check("blog", args...); err != nil {
			t.Errorf("it is stale as soon as it is made: %v", err)
		}
		if again := fluxCommand(t, hotStandby, render("blog"), append(args, "--helmrelease", file)...); again != after {
			t.Errorf("a second time changes it (-first +second):\n%s", cmp.Diff(after, again))
		}
		if check("shop", args...) == nil {
			t.Error("the fragment for another release's Cluster passes")
		}
		write(t, file, []byte(before))
	}
}

// TestFluxRenderPatch: the patch that a Kustomization puts on a HelmRelease that
// stays as it is makes of it what --helmrelease does.
func TestFluxRenderPatch(t *testing.T) {
	rendered, stderr, err := run(nil, "", tool(t, "helm4"), "template", "blog", chart)
	if err != nil {
		t.Fatal(stderr)
	}
	for _, args := range [][]string{nil, {"--substitute"}} {
		files := filesys.MakeFsInMemory()
		for name, text := range map[string]string{
			"helmrelease.yaml":   helmRelease("blog", "0.1.0"),
			"pair.yaml":          fluxCommand(t, hotStandby, rendered, append(args, "--patch")...),
			"kustomization.yaml": "resources: [helmrelease.yaml]\npatches: [{path: pair.yaml, target: {kind: HelmRelease}}]\n",
		} {
			if err := files.WriteFile(name, []byte(text)); err != nil {
				t.Fatal(err)
			}
		}
		built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(files, ".")
		if err != nil {
			t.Fatal(err)
		}
		text, err := built.AsYaml()
		if err != nil {
			t.Fatal(err)
		}
		want := objects(t, []byte(paired(t, hotStandby, rendered, helmRelease("blog", "0.1.0"), args...)))
		if diff := cmp.Diff(want, objects(t, text)); diff != "" {
			t.Errorf("%s: not the same HelmRelease (-want +got):\n%s", args, diff)
		}
	}
}
