package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestReadme runs the blocks of the README, in their order, in a copy of the
// repository's examples, with each Helm. What needs a cluster, helm install and helm
// upgrade, is helm template here: TestRelease has a cluster. The packages are those of
// make dist, which TestDist installs.
func TestReadme(t *testing.T) {
	blocks := readBlocks(t, "../README.md")
	if len(blocks) < 9 {
		t.Fatalf("only %d blocks in the README", len(blocks))
	}
	for name, h := range helms(t) {
		t.Run(name, func(t *testing.T) {
			dir, bin := t.TempDir(), filepath.Dir(binary)
			if err := os.CopyFS(filepath.Join(dir, "examples"), os.DirFS("../examples")); err != nil {
				t.Fatal(err)
			}
			script := "set -eu\ncd '" + dir + `'
helm() {
	verb=$1
	case $verb in
	install | upgrade) shift; set -- template "$@" ;;
	plugin) return ;;
	esac
	` + h.program + ` "$@"
}
# of the package that is not here
tar() { test -d "$4" && echo "$2" | grep -q "^cnpg-pair-helm3-[0-9.]*-linux-amd64.tgz$"; }
`
			ran := 0
			for _, b := range blocks {
				switch {
				case strings.Contains(b.text, "make ") || strings.Contains(b.text, "go install "):
					checkTargets(t, b.text)
					continue
				case strings.Contains(b.text, "tar -xzf"):
					// helm env is the real one
					b.text = strings.ReplaceAll(b.text, "$(helm ", "$("+h.program+" ")
				}
				ran++
				script += "set -x\n" + b.text + "{ set +x; } 2> /dev/null\n"
			}
			script += "cat pair.yaml new.yaml\n"
			if ran < 5 {
				t.Fatalf("only %d blocks run", ran)
			}
			env := append(slices.Clone(h.env), "PATH="+bin+":"+os.Getenv("PATH"))
			stdout, stderr, err := run(env, script, "sh")
			if err != nil {
				t.Fatalf("%v\n%s", err, stderr)
			}
			t.Log(stderr)
			for text, want := range map[string]int{
				"\n  name: blog-db-replica\n":    3, // by install, upgrade and the filter
				"\n      standbyNamesPre:\n":     1, // by upgrade, with its two flags
				"blog-db-replica, the replica\n": 1, // for Flux
			} {
				if n := strings.Count(stdout, text); n != want {
					t.Errorf("%q is there %d times, not %d times:\n%s", text, n, want, stdout)
				}
			}
		})
	}
}

// checkTargets looks for what a block makes: it does not run make.
func checkTargets(t *testing.T, text string) {
	t.Helper()
	makefile, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^make (.*)$`).FindAllStringSubmatch(text, -1) {
		for target := range strings.FieldsSeq(m[1]) {
			if !strings.Contains(string(makefile), "\n"+target+":") {
				t.Errorf("the Makefile has no target %s", target)
			}
		}
	}
}

// TestExampleFlux runs the blocks of examples/flux/README.md in a copy of the
// example. Only the push of an artifact, which needs a registry, does nothing.
func TestExampleFlux(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "examples"), os.DirFS("../examples")); err != nil {
		t.Fatal(err)
	}
	const file = "examples/flux/tenants/blog.yaml"
	script := "set -e\ncd " + dir + "\nflux() { :; }\nhelm() { " + tool(t, "helm3") + " \"$@\"; }\n"
	blocks := readBlocks(t, "../examples/flux/README.md")
	for _, b := range blocks {
		if b.heading == "Who takes writes" {
			b.text = "cp " + file + " before.yaml\n" + b.text + "mv " + file + " active.yaml\nmv before.yaml " + file + "\n"
		}
		script += b.text
	}
	if len(blocks) != 5 || !strings.Contains(script, "active.yaml") {
		t.Fatalf("%d blocks:\n%s", len(blocks), script)
	}
	const mark = "##### active\n"
	script += "cat " + file + " pair.yaml rendered/blog.yaml\nprintf '" + strings.TrimSpace(mark) + "\\n'\ncat active.yaml\n"
	home := t.TempDir()
	env := append([]string{"HELM_DATA_HOME=" + home, "HELM_CONFIG_HOME=" + home, "HELM_CACHE_HOME=" + home, "CNPG_PAIR_STRICT=",
		"PATH=" + filepath.Dir(binary) + ":" + os.Getenv("PATH")}, hotStandby...)
	stdout, stderr, err := run(env, script, "sh")
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr)
	}
	stdout, active, _ := strings.Cut(stdout, mark)
	if !strings.Contains(active, "cnpg-pair.openova.io/active: none\n") || strings.Contains(active, "${") {
		t.Errorf("a member is active in, or variables are in\n%s", active)
	}
	release, err := os.ReadFile("../" + file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(stdout, string(release)) {
		t.Error("the HelmRelease of the example is not what its commands make")
	}
	if n := strings.Count(stdout, "blog-db-replica, the replica\n"); n != 2 { // in the HelmRelease and in the patch
		t.Errorf("the replica's patch is there %d times, not twice", n)
	}
	if n := strings.Count(stdout, "\n  name: blog-db-replica\n"); n != 1 {
		t.Errorf("the replica is rendered %d times, not once", n)
	}
}
