package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The tools that run KRM functions.
var (
	kustomizeBuild = []string{"build", "--enable-alpha-plugins", "--enable-exec"}
	kptEval        = []string{"fn", "eval"}
)

// functionConfig is a transformer of kustomize with settings.
func functionConfig(name string, settings []string, args string) string {
	text := "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: " + name + "\n  annotations:\n    config.kubernetes.io/function: |\n" +
		"      exec:\n        path: " + binary + "\n        args: [" + args + "]\ndata:\n"
	for _, setting := range settings {
		name, value, _ := strings.Cut(setting, "=")
		text += fmt.Sprintf("  %s: %q\n", name, value)
	}
	return text
}

// kustomization writes a folder from what its files hold.
func kustomization(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		write(t, filepath.Join(dir, name), []byte(text))
	}
	return dir
}

// krmInput is a chart's manifests with a policy that comes to be two.
func krmInput(t *testing.T) string {
	t.Helper()
	rendered, stderr, err := run(nil, "", tool(t, "helm3"), "template", "blog", chart, "--namespace", "blog")
	if err != nil {
		t.Fatal(stderr)
	}
	return rendered
}

// TestKRMKustomize: as a transformer of kustomize, with every combination of
// settings, cnpg-pair makes what it makes of kustomize's own output.
func TestKRMKustomize(t *testing.T) {
	kustomize := tool(t, "kustomize")
	base := map[string]string{"manifests.yaml": krmInput(t), "kustomization.yaml": "resources: [manifests.yaml]\nnamespace: blog\nnamePrefix: dev-\n"}
	build := func(t *testing.T, env []string, files map[string]string, folder string) (stdout, stderr string, err error) {
		return run(env, "", kustomize, append(kustomizeBuild, filepath.Join(kustomization(t, files), folder))...)
	}
	plain, stderr, err := build(t, nil, base, "")
	if err != nil {
		t.Fatal(stderr)
	}
	with := func(transformers map[string]string) map[string]string {
		files := map[string]string{"manifests.yaml": base["manifests.yaml"]}
		var names []string
		for name, text := range transformers {
			files[name] = text
			names = append(names, name)
		}
		slices.Sort(names)
		files["kustomization.yaml"] = base["kustomization.yaml"] + "transformers: [" + strings.Join(names, ", ") + "]\n"
		return files
	}
	pair := with(map[string]string{"pair.yaml": functionConfig("pair", hotStandby, "")})
	paired, stderr, err := run(hotStandby, plain, binary)
	if err != nil {
		t.Fatal(stderr)
	}
	for _, setting := range settings {
		t.Run(setting.name, func(t *testing.T) {
			want, stderr, err := run(slices.Concat(hotStandby, setting.env), plain, binary)
			if err != nil {
				t.Fatal(stderr)
			}
			got, stderr, err := build(t, nil, with(map[string]string{"pair.yaml": functionConfig("pair", slices.Concat(hotStandby, setting.env), "")}), "")
			if err != nil {
				t.Fatal(stderr)
			}
			if diff := cmp.Diff(byName(t, want), byName(t, got)); diff != "" {
				t.Errorf("-filter +kustomize:\n%s", diff)
			}
			if got == plain {
				t.Error("nothing has changed")
			}
		})
	}
	t.Run("off", func(t *testing.T) {
		// the environment says on, and the ConfigMap beats it
		got, stderr, err := build(t, hotStandby, with(map[string]string{"pair.yaml": functionConfig("pair", []string{"SOVEREIGN_ENABLE_HOT_STANDBY=false"}, "")}), "")
		if err != nil || got != plain {
			t.Errorf("%v %s\n%s", err, stderr, cmp.Diff(plain, got))
		}
	})
	t.Run("by the environment", func(t *testing.T) {
		got, stderr, err := build(t, hotStandby, with(map[string]string{"pair.yaml": functionConfig("pair", nil, "")}), "")
		if diff := cmp.Diff(byName(t, paired), byName(t, got)); err != nil || diff != "" {
			t.Errorf("%v %s\n%s", err, stderr, diff)
		}
	})
	t.Run("twice", func(t *testing.T) {
		got, stderr, err := build(t, nil, with(map[string]string{"1.yaml": functionConfig("pair", hotStandby, ""), "2.yaml": functionConfig("again", hotStandby, "")}), "")
		if diff := cmp.Diff(byName(t, paired), byName(t, got)); err != nil || diff != "" {
			t.Errorf("%v %s\n%s", err, stderr, diff)
		}
	})
	t.Run("a patch that comes later", func(t *testing.T) {
		// by the name that the Cluster once had, which the replica must not share
		files := map[string]string{"later/kustomization.yaml": `resources: [../first]
patches:
- target: {kind: Cluster, name: blog-db}
  patch: '[{"op": "replace", "path": "/spec/instances", "value": 7}]'
`}
		for name, text := range pair {
			files["first/"+name] = text
		}
		got, stderr, err := build(t, nil, files, "later")
		if err != nil {
			t.Fatal(stderr)
		}
		clusters, _ := clustersAndOthers(t, got)
		if len(clusters) != 2 || strings.Count(got, "instances: 7") != 1 {
			t.Errorf("not on the primary alone:\n%s", got)
		}
	})
	for name, c := range map[string]struct{ files, want string }{
		"an unknown setting": {functionConfig("pair", on("SOVEREIGN_REGION=x"), ""), `unknown setting "SOVEREIGN_REGION"`},
		"strict, by a flag":  {functionConfig("pair", hotStandby[:2], "--strict"), "SOVEREIGN_REPLICA_REGION is empty"},
		"strict":             {functionConfig("pair", []string{hotStandby[0], "CNPG_PAIR_STRICT=true"}, ""), "are empty"},
	} {
		t.Run(name, func(t *testing.T) {
			got, stderr, err := build(t, nil, with(map[string]string{"pair.yaml": c.files}), "")
			if err == nil || got != "" || !strings.Contains(stderr, "cnpg-pair: error: ") || !strings.Contains(stderr, c.want) {
				t.Errorf("%v %s\n%s", err, stderr, got)
			}
		})
	}
	evidence(t, "as a transformer of kustomize", "%d combinations of settings, each as by the filter", len(settings))
}

// TestKRMKpt: kpt fn eval writes the pair into the package, beside what it belongs
// to, once; it shows what is wrong, and then writes nothing.
func TestKRMKpt(t *testing.T) {
	kpt := tool(t, "kpt")
	files := func(t *testing.T, dir string) map[string]string {
		found := make(map[string]string)
		names, err := filepath.Glob(filepath.Join(dir, "*", "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			found[strings.TrimPrefix(name, dir)] = string(text)
		}
		return found
	}
	eval := func(dir string, settings ...string) (stdout, stderr string, err error) {
		return run(nil, "", kpt, slices.Concat(kptEval, []string{dir, "--truncate-output=false", "--exec", binary, "--"}, settings)...)
	}
	input := krmInput(t)
	newPackage := func(t *testing.T) string {
		return kustomization(t, map[string]string{"blog/all.yaml": input, "shop/config.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shop}\n"})
	}
	want, stderr, err := run(hotStandby, input, binary)
	if err != nil {
		t.Fatal(stderr)
	}
	for _, setting := range settings {
		t.Run(setting.name, func(t *testing.T) {
			want, stderr, err := run(slices.Concat(hotStandby, setting.env), input, binary)
			if err != nil {
				t.Fatal(stderr)
			}
			dir := newPackage(t)
			before := files(t, dir)
			if _, stderr, err := eval(dir, slices.Concat(hotStandby, setting.env)...); err != nil {
				t.Fatal(stderr)
			}
			after := files(t, dir)
			if len(after) != len(before) || after["/shop/config.yaml"] != before["/shop/config.yaml"] {
				t.Errorf("it has written elsewhere:\n%s", cmp.Diff(before, after))
			}
			if diff := cmp.Diff(byName(t, want), byName(t, after["/blog/all.yaml"])); diff != "" {
				t.Errorf("-filter +kpt:\n%s", diff)
			}
			if _, stderr, err := eval(dir, slices.Concat(hotStandby, setting.env)...); err != nil {
				t.Fatal(stderr)
			}
			if diff := cmp.Diff(after, files(t, dir)); diff != "" {
				t.Errorf("a second run changes (-first +second):\n%s", diff)
			}
		})
	}
	t.Run("a selected Cluster alone", func(t *testing.T) {
		dir := newPackage(t)
		if _, stderr, err := run(nil, "", kpt, slices.Concat(kptEval, []string{dir, "--exec", binary, "--match-kind", "Cluster", "--"}, hotStandby)...); err != nil {
			t.Fatal(stderr)
		}
		clusters, _ := clustersAndOthers(t, want)
		got, _ := clustersAndOthers(t, files(t, dir)["/blog/all.yaml"])
		if len(got) != len(clusters) {
			t.Errorf("%d Clusters, not %d", len(got), len(clusters))
		}
	})
	for name, c := range map[string]struct {
		settings []string
		want     string
	}{
		"off":                {[]string{"SOVEREIGN_ENABLE_HOT_STANDBY=false"}, ""},
		"a warning":          {hotStandby[:2], "[warning]: hot standby is on, but SOVEREIGN_REPLICA_REGION is empty"},
		"strict":             {[]string{hotStandby[0], "CNPG_PAIR_STRICT=true"}, "[error]: hot standby is on, but"},
		"an unknown setting": {on("SOVEREIGN_REGION=x"), `[error]: functionConfig.data: unknown setting "SOVEREIGN_REGION"`},
	} {
		t.Run(name, func(t *testing.T) {
			dir := newPackage(t)
			// kpt tidies a package that it writes, whatever the function
			if _, stderr, err := run(nil, "", kpt, slices.Concat(kptEval, []string{dir, "--exec", "cat"})...); err != nil {
				t.Fatal(stderr)
			}
			before := files(t, dir)
			_, stderr, err := eval(dir, c.settings...)
			if failed := strings.HasPrefix(c.want, "[error]"); failed != (err != nil) || !strings.Contains(stderr, c.want) {
				t.Errorf("%v\n%s", err, stderr)
			}
			if diff := cmp.Diff(before, files(t, dir)); diff != "" {
				t.Errorf("the package has changed:\n%s", diff)
			}
		})
	}
	evidence(t, "of kpt fn eval", "%d combinations of settings, each as by the filter", len(settings))
}

// TestKRMExample runs the commands of examples/kustomize/README.md in a copy of
// the example, with a Cluster in both results.
func TestKRMExample(t *testing.T) {
	text, err := os.ReadFile("../examples/kustomize/README.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "examples"), os.DirFS("../examples")); err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "dist/cnpg-pair"), program)
	if err := os.Chmod(filepath.Join(dir, "dist/cnpg-pair"), 0o755); err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(dir, "bin")
	for _, name := range []string{"kustomize", "kpt"} {
		if err := os.MkdirAll(bin, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(tool(t, name), filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	script, commands := "set -e\ncd "+dir+"\n", 0
	for line := range strings.Lines(string(text)) {
		if command, isCommand := strings.CutPrefix(line, "    "); isCommand {
			script += command
			commands++
		}
	}
	script += "cat examples/kustomize/blog/*.yaml\n"
	stdout, stderr, err := run([]string{"PATH=" + bin + ":" + os.Getenv("PATH")}, script, "sh")
	if err != nil || commands != 2 {
		t.Fatalf("%d commands: %v\n%s", commands, err, stderr)
	}
	if n := strings.Count(stdout, "\n  name: blog-db-replica\n"); n != 4 { // the Cluster and its policy, by each
		t.Errorf("the replica's objects are there %d times, not four:\n%s", n, stdout)
	}
}
