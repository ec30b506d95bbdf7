package flux

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/fluxcd/pkg/envsubst"
	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/openova-io/helm-cnpg-pair/internal/yamledit"
	"github.com/openova-io/helm-cnpg-pair/postrender"
)

const release = `# The blog.
apiVersion: v1
kind: Namespace
metadata: {name: blog}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: blog # a comment
  namespace: blog

spec:
    interval: 10m
    values: {"a": 1}
`

const others = `    postRenderers:
        # louder
        - kustomize:
              images:
                - name: postgresql
                  newTag: "17.9"
              patches:
                - target: {kind: Cluster}
                  patch: |
                    - {op: add, path: /spec/logLevel, value: debug}
                    - {op: add, path: /metadata/annotations, value: {theirs: "yes"}}
`

func file(text string) postrender.Source {
	return postrender.Source{Name: "release.yaml", Data: []byte(text)}
}

// lost returns the lines of a text that another one lacks, or has elsewhere.
func lost(before, after string) []string {
	var missing []string
	rest := strings.SplitAfter(after, "\n")
	for line := range strings.Lines(before) {
		i := 0
		for i < len(rest) && rest[i] != line {
			i++
		}
		if i == len(rest) {
			missing = append(missing, line)
			continue
		}
		rest = rest[i+1:]
	}
	return missing
}

func TestHelmRelease(t *testing.T) {
	for name, text := range map[string]string{"without others": release, "with others": release + others} {
		t.Run(name, func(t *testing.T) {
			g := &Generator{Config: valid}
			made, err := g.HelmRelease(file(text), source(chart))
			if err != nil {
				t.Fatal(err)
			}
			if gone := lost(text, string(made)); len(gone) > 0 {
				t.Errorf("lines that are gone: %q", gone)
			}
			r, err := readRelease(file(string(made)))
			if err != nil || len(r.ours) != 2 || r.misplaced {
				t.Fatalf("%d entries of ours, misplaced %v, %v", len(r.ours), r.misplaced, err)
			}
			if want := strings.Count(text, "- kustomize"); len(r.others) != want {
				t.Errorf("%d others, want %d", len(r.others), want)
			}

			t.Run("is what the chart needs", func(t *testing.T) {
				var entries []any
				n, _ := yamledit.At(r.document.Tree, pathEntries)
				if err := n.Decode(&entries); err != nil {
					t.Fatal(err)
				}
				through, err := runAll([]byte(chart), entries[:len(r.others)])
				if err != nil {
					t.Fatal(err)
				}
				all, err := runAll([]byte(chart), entries)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(expanded(t, valid, string(through)), objectsOf(t, all)); diff != "" {
					t.Errorf("inside Flux (-expander +flux):\n%s", diff)
				}
			})
			t.Run("again", func(t *testing.T) {
				again, err := g.HelmRelease(file(string(made)), source(chart))
				if err != nil || !bytes.Equal(again, made) {
					t.Errorf("the second time: %v\n%s", err, cmp.Diff(string(made), string(again)))
				}
			})
			t.Run("for another chart and back", func(t *testing.T) {
				two := chart + "---\n" + strings.ReplaceAll(chart, "blog", "shop")
				other, err := g.HelmRelease(file(string(made)), source(two))
				if err != nil {
					t.Fatal(err)
				}
				if err := g.Check(file(string(other)), source(two)); err != nil {
					t.Error(err)
				}
				back, err := g.HelmRelease(file(string(other)), source(chart))
				if err != nil || !bytes.Equal(back, made) {
					t.Errorf("%v\n%s", err, cmp.Diff(string(made), string(back)))
				}
			})
			t.Run("off", func(t *testing.T) {
				off, err := (&Generator{}).HelmRelease(file(string(made)), source(chart))
				if err != nil || string(off) != text {
					t.Errorf("%v\n%s", err, cmp.Diff(text, string(off)))
				}
			})
			t.Run("check", func(t *testing.T) {
				var reversed []any
				for _, entry := range r.ours {
					reversed = append(reversed, entry)
				}
				for i := range r.others {
					reversed = append(reversed, &r.others[i])
				}
				image := map[string]any{"name": "nobody/uses", "newTag": "this"}
				reversed = append(reversed, map[string]any{"kustomize": map[string]any{"images": []any{image}}})
				before, err := r.set(reversed)
				if err != nil {
					t.Fatal(err)
				}
				// of ours, in other entries than they should be, or with a patch too many
				reshaped := func(shape func(ours []PostRenderer) []PostRenderer) string {
					ours := slices.Clone(r.ours)
					for i := range ours {
						ours[i].Kustomize.Patches = slices.Clone(ours[i].Kustomize.Patches)
					}
					text, err := r.set(r.with(shape(ours)))
					if err != nil {
						t.Fatal(err)
					}
					return string(text)
				}
				more := Patch{Selector{Kind: "Cluster"}, mark + "one more\n[]\n"}
				tooMany := reshaped(func(ours []PostRenderer) []PostRenderer {
					ours[1].Kustomize.Patches = append(ours[1].Kustomize.Patches, more)
					return ours
				})
				oneEntry := reshaped(func(ours []PostRenderer) []PostRenderer {
					return []PostRenderer{{Kustomize{slices.Concat(ours[0].Kustomize.Patches, ours[1].Kustomize.Patches)}}}
				})
				entryMore := reshaped(func(ours []PostRenderer) []PostRenderer { return append(ours, PostRenderer{Kustomize{[]Patch{more}}}) })
				oneLess := reshaped(func(ours []PostRenderer) []PostRenderer {
					last := &ours[1].Kustomize
					last.Patches = last.Patches[:len(last.Patches)-1]
					return ours
				})
				head, targets, _ := strings.Cut(string(made), "target:")
				elsewhere := head + "target:" + strings.Replace(targets, "name: blog-db", "name: shop-db", 1)
				tests := []struct {
					name      string
					generator *Generator
					release   string
					chart     string
					want      string
				}{
					{"fresh", g, string(made), chart, ""},
					{"fresh for the next version", g, string(made), upgraded, ""},
					{"written by another tool", g, reencoded(t, made), chart, ""},
					{"another shape", g, string(made), strings.Replace(chart, "  imageName", "  enableSuperuserAccess: true\n  imageName", 1), `the patch "blog-db-replica, the replica" would differ`},
					{"a Cluster more", g, string(made), chart + "---\n" + strings.ReplaceAll(chart, "blog", "shop"), "would differ"},
					{"before others", g, string(before), chart, "they come before others"},
					{"for another Cluster", g, elsewhere, chart, "would differ"},
					{"a patch more", g, tooMany, chart, "11 patches instead of 10"},
					{"a patch less", g, oneLess, chart, "would differ"},
					{"in one entry", g, oneEntry, chart, "1 entries instead of 2"},
					{"an entry more", g, entryMore, chart, "3 entries instead of 2"},
					{"none there", g, text, chart, "they are missing"},
					{"off", &Generator{}, string(made), chart, "hot standby is off"},
					{"off and none there", &Generator{}, text, chart, ""},
					{"the toggle", &Generator{Substitute: true}, string(made), chart, "write the hot-standby settings"},
				}
				for _, tt := range tests {
					err := tt.generator.Check(file(tt.release), source(tt.chart))
					switch {
					case tt.want == "" && err != nil:
						t.Errorf("%s: %v", tt.name, err)
					case tt.want != "" && (err == nil || !strings.Contains(err.Error(), "HelmRelease blog/blog: its postRenderers are stale: ") || !strings.Contains(err.Error(), tt.want)):
						t.Errorf("%s: error %v, want one with %q", tt.name, err, tt.want)
					}
				}
			})
		})
	}
}

// reencoded is a file as a YAML library writes it.
func reencoded(t *testing.T, text []byte) string {
	t.Helper()
	var out bytes.Buffer
	decoder, encoder := yaml.NewDecoder(bytes.NewReader(text)), yaml.NewEncoder(&out)
	for {
		var value any
		if err := decoder.Decode(&value); err != nil {
			encoder.Close()
			return out.String()
		}
		if err := encoder.Encode(value); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPatch(t *testing.T) {
	g := &Generator{Config: valid}
	with := file(release + others)
	for _, of := range []*postrender.Source{nil, &with} {
		text, err := g.Patch(of, source(chart))
		if err != nil {
			t.Fatal(err)
		}
		// what kustomize makes of it must be what HelmRelease makes of the file
		base := release
		if of != nil {
			base = string(of.Data)
		}
		want, err := g.HelmRelease(file(base), source(chart))
		if err != nil {
			t.Fatal(err)
		}
		got, err := kustomize([]byte(base), map[string]any{"patches": []any{map[string]any{
			"target": map[string]any{"kind": "HelmRelease"}, "patch": string(text),
		}}})
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		trimmed := func(text []byte) string { // kustomize trims the patch
			return strings.ReplaceAll(fmt.Sprint(objectsOf(t, text)), "\n target", " target")
		}
		if diff := cmp.Diff(trimmed(want), trimmed(got)); diff != "" {
			t.Errorf("-HelmRelease +Patch:\n%s", diff)
		}
	}
	if text, err := (&Generator{}).Patch(nil, source(chart)); text != nil || err != nil {
		t.Errorf("off: %q, %v", text, err)
	}
}

func TestHelmReleaseErrors(t *testing.T) {
	mixed := strings.Replace(release+others, "patch: |\n                    - {op: add, path: /spec", "patch: |\n                    "+mark+"x\n                    - {op: add, path: /spec", 1)
	mixed += "                - target: {kind: Cluster}\n                  patch: '[]'\n"
	tests := []struct{ name, text, want string }{
		{"none", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n", "release.yaml: no HelmRelease of helm.toolkit.fluxcd.io in it"},
		{"of another group", strings.Replace(release, "helm.toolkit.fluxcd.io", "helm.fluxcd.io", 1), "no HelmRelease of helm.toolkit.fluxcd.io in it"},
		{"of another kind", strings.Replace(release, "kind: HelmRelease", "kind: HelmReleases", 1), "no HelmRelease of helm.toolkit.fluxcd.io in it"},
		{"empty", "", "no HelmRelease of helm.toolkit.fluxcd.io in it"},
		{"two", release + "---\n" + release, "release.yaml:21: HelmRelease blog/blog: a second HelmRelease; the first is in line 6"},
		{"no YAML", "kind: [\n", "release.yaml:"},
		{"no list", release + "    postRenderers: x\n", "HelmRelease blog/blog: spec.postRenderers"},
		{"a list of something else", release + "    postRenderers: [x]\n", "spec.postRenderers[0]: not a valid Flux postRenderer"},
		{"mixed", mixed, "spec.postRenderers[0]: patches of cnpg-pair and others in one entry"},
		{"spec is a string", strings.Replace(release, "spec:\n    interval: 10m\n    values: {\"a\": 1}", "spec: x", 1), "expected a mapping"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := &Generator{Config: valid}
			out, err := g.HelmRelease(file(tt.text), source(chart))
			if err == nil || !strings.Contains(err.Error(), tt.want) || out != nil {
				t.Errorf("%d bytes, error %v, want one with %q", len(out), err, tt.want)
			}
		})
	}
	t.Run("others that fail", func(t *testing.T) {
		g := &Generator{Config: valid}
		_, err := g.HelmRelease(file(strings.Replace(release+others, "/spec/logLevel", "/nowhere/logLevel", 1)), source(chart))
		if err == nil || !strings.Contains(err.Error(), "spec.postRenderers[0]") {
			t.Errorf("error %v", err)
		}
	})
}

// TestHook: helm-controller shows hooks to postRenderers unless it is told not to.
func TestHook(t *testing.T) {
	hook := strings.Replace(chart, "  labels:", "  annotations:\n    helm.sh/hook: pre-install\n  labels:", 1)
	g := &Generator{Config: valid}
	for strategy, want := range map[string]string{
		"":         "",
		"combined": "",
		"nohooks":  "chart.yaml: Cluster blog/blog-db: it is a Helm hook, which no postRenderer sees",
	} {
		text := release
		if strategy != "" {
			text += "    postRenderStrategy: " + strategy + "\n"
		}
		_, err := g.HelmRelease(file(text), source(hook))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: error %v, want one with %q", strategy, err, want)
		}
	}
}

// TestCluster: what is made of a name, a database and an owner pairs the chart's
// whole Cluster, as long as it has no lists of its own.
func TestCluster(t *testing.T) {
	const plain = `apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata:
  name: blog-db
  labels: {a: b}
spec:
  instances: 2
  imageName: postgresql:17.5
  bootstrap: {initdb: {database: blog, owner: writer, postInitSQL: [SELECT 1]}}
  affinity: {podAntiAffinityType: required, nodeSelector: {disk: ssd}}
  managed: {roles: [{name: reader}]}
`
	g := &Generator{Config: valid}
	entries, err := g.PostRenderers(Cluster("blog-db", "blog", "writer"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(expanded(t, valid, plain), inFlux(t, entries, plain)); diff != "" {
		t.Errorf("inside Flux (-expander +flux):\n%s", diff)
	}
	if _, err := g.PostRenderers(Cluster("blog-db", "", "")); err != nil {
		t.Error(err)
	}
	if _, err := g.PostRenderers(Cluster("Blog", "", "")); err == nil || !strings.HasPrefix(err.Error(), "Cluster Blog:") {
		t.Errorf("a name that is none: %v", err)
	}
}

// TestTransitions: patches of one state become those of another in the steps of a
// switchover or failover only.
func TestTransitions(t *testing.T) {
	states := map[string]postrender.Config{
		"off": {}, "rest": {}, "none": {Active: "none"},
		"replica token": {Active: "replica", PromotionToken: token}, "replica now": {Active: "replica", Failover: "now"},
		"replica done":  {Active: "replica", Failover: "done"},
		"primary token": {PromotionToken: token}, "primary now": {Failover: "now"},
	}
	refused := map[string]string{ // from a state, to others
		"rest":          "replica token, replica done",
		"none":          "off, rest, replica done",
		"replica token": "off, rest, primary token",
		"replica now":   "off, rest, primary token",
		"replica done":  "off, rest, primary token",
		"primary token": "replica token, replica done",
		"primary now":   "replica token, replica done",
	}
	generator := func(name string) *Generator {
		cfg := states[name]
		cfg.EnableHotStandby, cfg.PrimaryRegion, cfg.ReplicaRegion = name != "off", "fsn1", "hel1"
		return &Generator{Config: cfg}
	}
	for from, never := range refused {
		made, err := generator(from).HelmRelease(file(release), source(chart))
		if err != nil {
			t.Fatal(err)
		}
		for to := range states {
			_, err := generator(to).HelmRelease(file(string(made)), source(chart))
			if (err != nil) != slices.Contains(strings.Split(never, ", "), to) {
				t.Errorf("from %s to %s: %v", from, to, err)
			}
			if err != nil && (!strings.Contains(err.Error(), "release.yaml:6: HelmRelease blog/blog: its postRenderers are those of --active ") ||
				strings.Contains(err.Error(), "hot standby off") != (to == "off")) {
				t.Errorf("from %s to %s: %v", from, to, err)
			}
		}
	}
}

// TestTokenVariable: the token may be one of Flux's variables, and where nothing
// fills it in, what is left is no token, which the operator refuses.
func TestTokenVariable(t *testing.T) {
	cfg := valid
	cfg.Active, cfg.PromotionToken = "replica", "${BLOG_TOKEN}"
	entries, err := (&Generator{Config: cfg}).PostRenderers(source(chart))
	if err != nil {
		t.Fatal(err)
	}
	text := string(Fragment(entries))
	for _, tt := range []struct{ value, want string }{{token, token}, {"", "not-set"}} {
		filled, err := envsubst.Eval(text, func(name string) (string, bool) { return tt.value, name == "BLOG_TOKEN" && tt.value != "" })
		if err != nil {
			t.Fatal(err)
		}
		var fragment struct {
			PostRenderers []PostRenderer `yaml:"postRenderers"`
		}
		if err := yaml.Unmarshal([]byte(filled), &fragment); err != nil {
			t.Fatal(err)
		}
		replica := inFlux(t, fragment.PostRenderers, chart)["Cluster blog/blog-db-replica"].(map[string]any)
		if got := field(replica, "spec", "replica", "promotionToken"); got != tt.want {
			t.Errorf("%q: %v", tt.value, got)
		}
	}
	cfg.PromotionToken = "blog-db=${BLOG_TOKEN}"
	if _, err := (&Generator{Config: cfg}).PostRenderers(source(chart)); err == nil || !strings.Contains(err.Error(), "is not a demotion token") {
		t.Errorf("a variable with a name: %v", err)
	}
}

// TestEntriesOfEarlierVersions: the state is told from the members where no annotation
// says it.
func TestEntriesOfEarlierVersions(t *testing.T) {
	for _, active := range []postrender.Active{"none", "replica"} {
		before := valid
		before.Active = active
		if active == "replica" {
			before.Failover = "done"
		}
		made, err := (&Generator{Config: before}).HelmRelease(file(release), source(chart))
		if err != nil {
			t.Fatal(err)
		}
		var old strings.Builder
		for line := range strings.Lines(string(made)) {
			if !strings.Contains(line, "cnpg-pair.openova.io/active") {
				old.WriteString(line)
			}
		}
		after := valid
		after.Active, after.Failover = "replica", "now"
		for _, next := range []postrender.Config{valid, before, after, {}} {
			g := &Generator{Config: next}
			_, want := g.HelmRelease(file(string(made)), source(chart))
			_, got := g.HelmRelease(file(old.String()), source(chart))
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("after %q, %+v: %v, want %v", active, next, got, want)
			}
		}
	}
}
