package flux

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fluxcd/pkg/envsubst"
	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/internal/message"
	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// raced is true where the race detector makes everything ten times as slow.
var raced bool

var valid = postrender.Config{EnableHotStandby: true, PrimaryRegion: "fsn1", ReplicaRegion: "hel1"}

func source(text string) postrender.Source {
	return postrender.Source{Name: "chart.yaml", Data: []byte(text)}
}

// chart is what a chart renders, in two versions of itself.
const chart = `# Source: blog/templates/db.yaml
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata:
  name: blog-db
  namespace: blog
  labels:
    chart: blog-1.0.0
spec:
  instances: 1
  imageName: postgresql:17.5
  storage:
    size: 1Gi
  bootstrap:
    initdb:
      database: blog
      owner: writer
  postgresql:
    parameters:
      max_connections: "100"
  externalClusters:
  - name: old
    connectionParameters:
      host: old-blog
  managed:
    services:
      additional:
      - selectorType: ro
        serviceTemplate:
          metadata:
            name: blog-reports
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: blog-db
  namespace: blog
spec:
  podSelector:
    matchLabels:
      cnpg.io/cluster: blog-db
  ingress:
  - from:
    - podSelector:
        matchLabels:
          app: web
    ports:
    - port: 5432
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: web
  namespace: blog
spec:
  podSelector:
    matchLabels:
      app: web
  policyTypes: [Egress]
  egress:
  - to:
    - podSelector:
        matchLabels:
          cnpg.io/cluster: blog-db
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: blog
data:
  key: value
`

var upgraded = strings.NewReplacer(
	"blog-1.0.0", "blog-1.1.0", "17.5", "17.6", "1Gi", "2Gi", `"100"`, `"200"`, "old-blog", "older-blog",
	"instances: 1", "instances: 3\n  logLevel: debug", "blog-reports", "blog-reporting", "key: value", "key: other",
).Replace(chart)

// token is a demotion token as the operator writes one.
var token = base64.StdEncoding.EncodeToString([]byte(`{"latestCheckpointTimelineID":"2","redoWalFile":"000000020000000000000009",` +
	`"databaseSystemIdentifier":"7576514471711557653","latestCheckpointREDOLocation":"0/9000028",` +
	`"timeOfLatestCheckpoint":"Fri Nov 27 16:00:00 2026","operatorVersion":"1.30.0"}`))

// objectsOf are the objects of a stream as the API server would be sent them.
func objectsOf(t *testing.T, stream []byte) map[string]any {
	t.Helper()
	objects := make(map[string]any)
	decoder := yaml.NewDecoder(bytes.NewReader(stream))
	for {
		var object map[string]any
		err := decoder.Decode(&object)
		if object == nil && err != nil {
			return objects
		}
		if err != nil {
			t.Fatal(err)
		}
		if object == nil {
			continue
		}
		metadata := object["metadata"].(map[string]any)
		objects[fmt.Sprint(object["kind"], " ", metadata["namespace"], "/", metadata["name"])] = object
	}
}

func expanded(t *testing.T, cfg postrender.Config, stream string) map[string]any {
	t.Helper()
	out, err := postrender.New(cfg).Run(bytes.NewBufferString(stream))
	if err != nil {
		t.Fatal(err)
	}
	return objectsOf(t, out.Bytes())
}

func inFlux(t *testing.T, entries []PostRenderer, stream string) map[string]any {
	t.Helper()
	out, err := runAll([]byte(stream), entries)
	if err != nil {
		t.Fatal(err)
	}
	return objectsOf(t, out)
}

// TestFollow: the patches change what the Renderer changes in the applications, too.
func TestFollow(t *testing.T) {
	stream, err := os.ReadFile("../testdata/follow/in.yaml")
	if err != nil {
		t.Fatal(err)
	}
	cfg := valid
	cfg.Follow = true
	if _, err := (&Generator{Config: cfg}).PostRenderers(source(string(stream))); err == nil || !strings.Contains(err.Error(), "cannot change it to") {
		t.Errorf("what cannot follow: %v", err)
	}
	for _, stays := range []string{"kind: List", "kind: ExternalSecret", "kind: PodMonitor", "name: blog-db-rw #", "SECRET: ", "name: own, namespace: blog}\nspec:\n  instances"} {
		documents := strings.Split(string(stream), "---\n")
		documents = slices.DeleteFunc(documents, func(d string) bool { return strings.Contains(d, stays) })
		stream = []byte(strings.Join(documents, "---\n"))
	}
	stream = bytes.Replace(stream, []byte("        - name: PGPASS\n          valueFrom: {secretKeyRef: {name: blog-db-app, key: pgpass}}\n"), nil, 1)
	stream = bytes.Replace(stream, []byte("            more-indented"), []byte("          not"), 1) // yaml/go-yaml 337
	entries, err := (&Generator{Config: cfg}).PostRenderers(source(string(stream)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(expanded(t, cfg, string(stream)), inFlux(t, entries, string(stream))); diff != "" {
		t.Errorf("inside Flux (-expander +flux):\n%s", diff)
	}
	if patches := fmt.Sprint(entries); strings.Count(patches, "it connects to the write address") < 4 {
		t.Errorf("the patches change too few objects:\n%s", patches)
	}
}

// TestUpgrade: patches that were made for one version of the chart pair the
// next one too, its changed image, sizes, parameters and list items included.
func TestUpgrade(t *testing.T) {
	g := &Generator{Config: valid}
	entries, err := g.PostRenderers(source(chart))
	if err != nil {
		t.Fatal(err)
	}
	if len(expanded(t, valid, chart)) != 7 {
		t.Fatal("not a pair with its write address, a policy with its copy, another, and a ConfigMap")
	}
	for _, version := range []string{chart, upgraded} {
		if diff := cmp.Diff(expanded(t, valid, version), inFlux(t, entries, version)); diff != "" {
			t.Errorf("inside Flux (-expander +flux):\n%s", diff)
		}
	}
}

// TestToggle substitutes the variables by Flux's own package.
func TestToggle(t *testing.T) {
	g := &Generator{Substitute: true}
	entries, err := g.PostRenderers(source(chart))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		set  map[string]string
	}{
		{"nothing is set", nil},
		{"off", map[string]string{"e": "false", "p": "fsn1", "r": "hel1"}},
		{"empty", map[string]string{"e": "", "p": "fsn1", "r": "hel1"}},
		{"an unknown word", map[string]string{"e": "enabled", "p": "fsn1", "r": "hel1"}},
		{"on without regions", map[string]string{"e": "true"}},
		{"no primary region", map[string]string{"e": "true", "r": "hel1"}},
		{"no replica region", map[string]string{"e": "true", "p": "fsn1"}},
		{"equal regions", map[string]string{"e": "true", "p": "fsn1", "r": "fsn1"}},
		{"the primary region starts as the other", map[string]string{"e": "true", "p": "fsn", "r": "fsn1"}},
		{"true", map[string]string{"e": "true", "p": "fsn1", "r": "hel1"}},
		{"TRUE", map[string]string{"e": "TRUE", "p": "fsn1", "r": "hel1"}},
		{"1", map[string]string{"e": "1", "p": "fsn1", "r": "hel1"}},
		{"Yes", map[string]string{"e": "Yes", "p": "fsn1", "r": "hel1"}},
		{"on", map[string]string{"e": "on", "p": "fsn1", "r": "hel1"}},
		{"regions that are no strings in YAML", map[string]string{"e": "true", "p": "1e3", "r": "no"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text, err := envsubst.Eval(string(Fragment(entries)), func(name string) (string, bool) {
				value, ok := tt.set[map[string]string{
					postrender.EnvEnableHotStandby: "e", postrender.EnvPrimaryRegion: "p", postrender.EnvReplicaRegion: "r",
				}[name]]
				return value, ok // not set is an error unless there is a default: Flux's strict mode
			})
			if err != nil {
				t.Fatal(err)
			}
			var substituted struct{ PostRenderers []PostRenderer }
			if err := yaml.Unmarshal([]byte(strings.Replace(text, "postRenderers", "postrenderers", 1)), &substituted); err != nil {
				t.Fatal(err)
			}
			cfg, err := postrender.ConfigFromEnv(func(name string) string {
				return map[string]string{
					postrender.EnvEnableHotStandby: tt.set["e"], postrender.EnvPrimaryRegion: tt.set["p"], postrender.EnvReplicaRegion: tt.set["r"],
				}[name]
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, version := range []string{chart, upgraded} {
				if diff := cmp.Diff(expanded(t, cfg, version), inFlux(t, substituted.PostRenderers, version)); diff != "" {
					t.Errorf("inside Flux (-expander +flux):\n%s", diff)
				}
			}
		})
	}
	t.Run("never substituted", func(t *testing.T) {
		if diff := cmp.Diff(expanded(t, postrender.Config{}, chart), inFlux(t, entries, chart)); diff != "" {
			t.Errorf("inside Flux (-chart +flux):\n%s", diff)
		}
	})
}

// TestCases: every stream of testdata that the expander pairs is paired inside
// Flux too, but for those named here, which Flux or the toggle cannot take.
func TestCases(t *testing.T) {
	cannot := map[string]string{
		"follow-shapes":                 "expected sequence or mapping node", // a reference that is a word
		"krm":                           "number of previous names",          // what kustomize gives to a function, no chart renders
		"policies-shapes":               "NetworkPolicy blog/a: ingress: expected a sequence",
		"policies-copies-of-one-name":   "would both be called db-a-replica",
		"stream-broken-other-documents": "kustomize, which Flux runs, refuses the manifests",
		"stream-empty-values":           "expected ScalarNode but got MappingNode",         // a null of flow style, in kustomize's merge
		"stream-list-styles":            "unsupported type: map[interface {}]interface {}", // a number as a key
		"stream-duplicates":             "already registered id",
		"stream-json-one-line":          "unknown escape character",
		"stream-json-surrogates":        "invalid Unicode character escape code",
		"stream-separators":             "invalid document separator",
		"stream-separators-glued":       "invalid document separator",
		"style-scalars":                 `mapping key "null" already defined`,
	}
	cannotByToggle := map[string]string{
		"field-affinity-own-region": "but the primary region is SOVEREIGN_PRIMARY_REGION",
	}
	files, err := filepath.Glob("../testdata/*/in.yaml")
	if err != nil {
		t.Fatal(err)
	}
	paired := 0
	for _, file := range files {
		name := filepath.Base(filepath.Dir(file))
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		strict := valid
		strict.Strict = true
		decisions, err := postrender.New(strict).Explain(postrender.Source{Name: file, Data: data})
		if err != nil || !strings.Contains(fmt.Sprint(decisions), "paired") {
			continue
		}
		paired++
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, substitute := range []bool{false, true} {
				if (testing.Short() || raced) && (substitute || len(name)%3 != 0) {
					continue
				}
				reason := cannot[name]
				if reason == "" && substitute {
					reason = cannotByToggle[name]
				}
				g := &Generator{Config: valid, Substitute: substitute}
				entries, err := g.PostRenderers(postrender.Source{Name: file, Data: data})
				switch {
				case reason == "" && err != nil:
					t.Errorf("substitute %v: %v", substitute, err)
				case reason != "" && (err == nil || !strings.Contains(err.Error(), reason)):
					t.Errorf("substitute %v: error %v, want one with %q", substitute, err, reason)
				case reason != "" && entries != nil:
					t.Errorf("substitute %v: entries beside an error", substitute)
				}
			}
		})
	}
	if paired < 160 {
		t.Errorf("only %d streams with a pair", paired)
	}
}

// TestSettings: every side and every state of who is active, also for the next
// version of the chart.
func TestSettings(t *testing.T) {
	for _, side := range []string{"both", "primary", "replica"} {
		for _, replication := range []string{"async", "sync"} {
			for _, active := range []string{"primary", "none", "replica now", "replica done", "replica token", "primary token", "primary now"} {
				cfg := valid
				member, how, _ := strings.Cut(active, " ")
				if how == "token" {
					how, cfg.PromotionToken = "", token
				}
				cfg.Side, cfg.Replication = postrender.Side(side), postrender.Replication(replication)
				cfg.Active, cfg.Failover = postrender.Active(member), postrender.Failover(how)
				t.Run(side+" "+replication+" "+active, func(t *testing.T) {
					entries, err := (&Generator{Config: cfg}).PostRenderers(source(chart))
					if err != nil {
						t.Fatal(err)
					}
					for _, version := range []string{chart, upgraded} {
						// patches cannot count: what a commit waits for depends on the instances
						if version == upgraded && strings.Contains(fmt.Sprint(entries), "synchronous:") {
							if _, err := runAll([]byte(version), entries); err == nil || !strings.Contains(err.Error(), "testing value /spec/instances failed") {
								t.Errorf("with other instances: got error %v", err)
							}
							continue
						}
						if diff := cmp.Diff(expanded(t, cfg, version), inFlux(t, entries, version)); diff != "" {
							t.Errorf("inside Flux (-expander +flux):\n%s", diff)
						}
					}
					_, err = (&Generator{Config: cfg, Substitute: true}).PostRenderers(source(chart))
					if refused := active != "primary"; (err != nil) != refused {
						t.Errorf("with the toggle: %v", err)
					}
				})
			}
		}
	}
}

// servants are objects of the chart's Cluster that get twins.
const servants = `---
apiVersion: postgresql.cnpg.io/v1
kind: ScheduledBackup
metadata: {name: nightly, namespace: blog}
spec: {schedule: "0 0 3 * * *", cluster: {name: blog-db}}
---
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata: {name: blog-db, namespace: blog}
spec: {selector: {matchLabels: {cnpg.io/cluster: blog-db}}, podMetricsEndpoints: [{port: metrics}]}
---
apiVersion: postgresql.cnpg.io/v1
kind: Pooler
metadata: {name: pool, namespace: blog}
spec: {cluster: {name: blog-db}, instances: 1, pgbouncer: {poolMode: session}}
`

// TestServants: they get them in Flux too, on each side.
func TestServants(t *testing.T) {
	for _, side := range []string{"both", "primary", "replica"} {
		for _, active := range []string{"primary", "replica"} {
			for _, follow := range []bool{false, true} {
				cfg := valid
				cfg.Side, cfg.Active, cfg.Follow = postrender.Side(side), postrender.Active(active), follow
				if active == "replica" {
					cfg.Failover = "done"
				}
				entries, err := (&Generator{Config: cfg}).PostRenderers(source(chart + servants))
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(expanded(t, cfg, chart+servants), inFlux(t, entries, chart+servants)); diff != "" {
					t.Errorf("%s, %s, follow %v: inside Flux (-expander +flux):\n%s", side, active, follow, diff)
				}
			}
		}
	}
}

// TestCheck: entries that do not make the expander's pair are refused.
func TestCheck(t *testing.T) {
	g := &Generator{Config: valid}
	manifests := []postrender.Source{source(chart)}
	good, err := g.PostRenderers(manifests...)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name     string
		from, to string // in the patches
		want     string
	}{
		{"a region", "hel1", "hel2", "Cluster blog/blog-db-replica would differ in metadata.labels.openova.io/region"},
		{"a value", "verify-full", "disable", "would differ in spec.externalClusters"},
		{"a mapping that is merged", "$patch: replace", "x: y", "would differ in spec.bootstrap"},
		{"the name of the replica", "value: blog-db-replica", "value: another", "Cluster blog/blog-db-replica would be missing"},
		{"an operation", "internal.config.kubernetes.io~1previousNames", "x", "Unable to remove nonexistent key: x"},
		{"nothing", "", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var entries []PostRenderer
			for _, entry := range good {
				var patches []Patch
				for _, patch := range entry.Kustomize.Patches {
					patch.Patch = strings.ReplaceAll(patch.Patch, tt.from, tt.to)
					patches = append(patches, patch)
				}
				entries = append(entries, PostRenderer{Kustomize{patches}})
			}
			if tt.from == "" {
				entries = good
			}
			err := g.check(entries, manifests)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
	t.Run("one object too many", func(t *testing.T) {
		if err := g.check(good, []postrender.Source{source(chart), source("apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n")}); err != nil {
			t.Errorf("an object that no patch concerns: %v", err)
		}
		extra := Patch{Selector{Version: "v1", Kind: "ConfigMap", Name: "blog"}, "- {op: add, path: /data/x, value: y}\n"}
		entries := []PostRenderer{good[0], {Kustomize{append([]Patch{extra}, good[1].Kustomize.Patches...)}}}
		err := g.check(entries, manifests)
		if err == nil || !strings.Contains(err.Error(), "ConfigMap blog would differ in data.x") {
			t.Errorf("a patch of something else: %v", err)
		}
		two := Patch{Selector{Version: "v1", Kind: "ConfigMap", Name: "blog"}, "- {op: add, path: /items, value: [{apiVersion: v1, kind: ConfigMap, metadata: {name: blog}, data: {key: value}}, {apiVersion: v1, kind: ConfigMap, metadata: {name: more}}]}\n- {op: replace, path: /kind, value: List}\n- {op: replace, path: /metadata/name, value: both}\n"}
		entries = append([]PostRenderer{{Kustomize{[]Patch{two}}}}, good...)
		err = g.check(entries, manifests)
		if err == nil || !strings.Contains(err.Error(), "ConfigMap more would be added") {
			t.Errorf("a patch that makes an object: %v", err)
		}
	})
}

// TestImages: the images of an entry are replaced, as helm-controller does it.
func TestImages(t *testing.T) {
	const pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: \"nginx:1\"}]}\n"
	entry := map[string]any{"kustomize": map[string]any{"images": []any{map[string]any{"name": "nginx", "newTag": "2"}}}}
	out, err := runAll([]byte(pod), []any{entry, map[string]any{"kustomize": map[string]any{}}})
	if err != nil || !strings.Contains(string(out), "image: nginx:2\n") {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestErrors: one clear error for each way in which there is nothing to print.
func TestErrors(t *testing.T) {
	const cluster = "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: %s}\nspec: {%s}\n---\n"
	tests := []struct {
		name, stream, want, hint string
	}{
		{"no Cluster", "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n", "chart.yaml: no Cluster of postgresql.cnpg.io in the manifests", "helm template"},
		{"nothing at all", "", "chart.yaml: the stream is empty", "look at what should have written it"},
		{"one that cannot be paired", fmt.Sprintf(cluster, "1st", "instances: 1"), "chart.yaml:1: Cluster 1st: cannot be paired: its name is not", "rename"},
		{"a replica of that name", fmt.Sprintf(cluster, "a", "instances: 1") + fmt.Sprintf(cluster, "a-replica", "instances: 1"), "the name a-replica, which the pair needs, is taken by Cluster a-replica (chart.yaml:6)", "rename"},
		{"a pair already", fmt.Sprintf(cluster, "a", "instances: 1") + fmt.Sprintf(cluster, "b", "replica: {enabled: true, source: a}"), "no Cluster to pair: chart.yaml:1: Cluster a is already the primary of a pair", ""},
		{"what is no YAML", "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: [\n", "not YAML", "fix"},
		{"what kustomize refuses", fmt.Sprintf(cluster, "a", "instances: 1") + strings.Repeat("apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n---\n", 2), "kustomize, which Flux runs, refuses the manifests", "fix the chart"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := &Generator{Config: valid}
			entries, err := g.PostRenderers(source(tt.stream))
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(message.Hint(err), tt.hint) {
				t.Errorf("error %v (%s), want one with %q", err, message.Hint(err), tt.want)
			}
			if entries != nil || len(message.Split(err)) != 1 {
				t.Errorf("%d entries, %d errors", len(entries), len(message.Split(err)))
			}
		})
	}
	t.Run("what Flux would substitute", func(t *testing.T) {
		for value, refused := range map[string]bool{"${B}": true, "x$$y": true, "$B $": false} {
			g := &Generator{Substitute: true}
			stream := fmt.Sprintf(cluster, "a", `affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: In, values: ["`+value+`"]}]}]}}}`)
			_, err := g.PostRenderers(source(stream))
			if refused && (err == nil || !strings.Contains(err.Error(), "contains ${ or $$")) || !refused && err != nil {
				t.Errorf("%s: error %v", value, err)
			}
		}
	})
	t.Run("a toggle while the primary is not active", func(t *testing.T) {
		for _, active := range []postrender.Active{postrender.ActiveNone, postrender.ActiveReplica} {
			g := &Generator{Config: postrender.Config{Active: active, Failover: postrender.FailoverDone}, Substitute: true}
			entries, err := g.PostRenderers(source(chart))
			if entries != nil || err == nil || !strings.Contains(err.Error(), "must not be turned off at run time") || !strings.Contains(message.Hint(err), "without --substitute") {
				t.Errorf("%s: error %v (%s)", active, err, message.Hint(err))
			}
		}
	})
}

// TestVariablesOfTheChart: with fixed regions, what a chart has of ${...} reaches the
// Cluster as it is, whether Flux substitutes variables in the HelmRelease or not.
func TestVariablesOfTheChart(t *testing.T) {
	const stream = `apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: a}
spec:
  instances: 1
  description: "${A}"
  affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: In, values: ["${B}", "x$$y", "'${C:=\"d\"}' \n$", "$e"]}]}]}}}
  bootstrap: {initdb: {database: "${D}", owner: "$${E}"}}
`
	for _, cfg := range []postrender.Config{valid, {EnableHotStandby: true, PrimaryRegion: "fsn1", ReplicaRegion: "hel1", Active: postrender.ActiveReplica, PromotionToken: "${TOKEN}"}} {
		entries, err := (&Generator{Config: cfg}).PostRenderers(source(stream))
		if err != nil {
			t.Fatal(err)
		}
		text, err := envsubst.Eval(string(Fragment(entries)), func(name string) (string, bool) { return standInToken, name == "TOKEN" })
		if err != nil {
			t.Fatal(err)
		}
		var substituted struct{ PostRenderers []PostRenderer }
		if err := yaml.Unmarshal([]byte(strings.Replace(text, "postRenderers", "postrenderers", 1)), &substituted); err != nil {
			t.Fatal(err)
		}
		want := expanded(t, withStandInToken(cfg), stream)
		if diff := cmp.Diff(want, inFlux(t, substituted.PostRenderers, stream)); diff != "" {
			t.Errorf("substituted (-expander +flux):\n%s", diff)
		}
		if cfg.PromotionToken == "" {
			if diff := cmp.Diff(want, inFlux(t, entries, stream)); diff != "" {
				t.Errorf("not substituted (-expander +flux):\n%s", diff)
			}
		}
	}
}

// TestSameName: two Clusters of one name in two namespaces are told apart.
func TestSameName(t *testing.T) {
	stream := chart + "---\n" + strings.NewReplacer("namespace: blog", "namespace: other", "1Gi", "7Gi", "name: blog\n", "name: other\n").Replace(chart)
	for _, substitute := range []bool{false, true} {
		g := &Generator{Config: valid, Substitute: substitute}
		if _, err := g.PostRenderers(source(stream)); err != nil {
			t.Errorf("substitute %v: %v", substitute, err)
		}
	}
}

func TestHotStandbySettings(t *testing.T) {
	warned := 0
	g := &Generator{Config: postrender.Config{EnableHotStandby: true}, Warn: func(error) { warned++ }}
	entries, err := g.PostRenderers(source(chart))
	if entries != nil || err != nil || warned != 1 {
		t.Errorf("no regions: %d entries, %v, %d warnings", len(entries), err, warned)
	}
	g.Config.Strict = true
	_, err = g.PostRenderers(source(chart))
	var refused *postrender.ConfigError
	if !errors.As(err, &refused) {
		t.Errorf("strict: %v", err)
	}
}
