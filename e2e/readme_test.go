package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestReadme runs the commands of the README's section "Use it", each
// paragraph with the Helm that it speaks of. Only helm install, which needs a
// cluster, is helm template here; TestRelease installs.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Use it\n")
	section, _, _ = strings.Cut(section, "\n## ")
	if out, err := exec.Command("make", "-C", "..", "build", "plugin").CombinedOutput(); err != nil {
		t.Fatalf("make: %v\n%s", err, out)
	}
	home := t.TempDir()
	script := "set -e\ncd ..\nunset HELM_PLUGINS\n"
	program := "helm3"
	commands := 0
	for line := range strings.Lines(section) {
		switch {
		case strings.HasPrefix(line, "**Helm 4**"):
			program = "helm4"
		case strings.HasPrefix(line, "**"):
			program = "helm3"
		case strings.HasPrefix(line, "    "):
			commands++
			command := strings.ReplaceAll(strings.TrimSpace(line), "helm install", "helm template")
			script += "helm() { " + tool(t, program) + ` "$@"; }; export HELM_DATA_HOME="` + filepath.Join(home, program) + "\"\n"
			script += "echo '$ " + command + "' >&2\n" + strings.ReplaceAll(command, "> blog.yaml", "> /dev/null") + "\n"
		}
	}
	if commands < 8 {
		t.Fatalf("only %d commands in the README:\n%s", commands, section)
	}
	env := []string{"HELM_CONFIG_HOME=" + home, "HELM_CACHE_HOME=" + home}
	stdout, stderr, err := run(env, script, "sh")
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr)
	}
	t.Log(stderr)
	if n := strings.Count(stdout, "\n  name: blog-db-replica\n"); n != 2 { // one for each Helm
		t.Errorf("the replica is there %d times, not twice:\n%s", n, stdout)
	}
}

// TestExampleFlux runs the commands of examples/flux/README.md in a copy of the
// example. Only the push of an artifact, which needs a registry, does nothing.
func TestExampleFlux(t *testing.T) {
	text, err := os.ReadFile("../examples/flux/README.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "examples"), os.DirFS("../examples")); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("make", "-C", "..", "build").CombinedOutput(); err != nil {
		t.Fatalf("make: %v\n%s", err, out)
	}
	if err := os.CopyFS(filepath.Join(dir, "dist"), os.DirFS("../dist")); err != nil {
		t.Fatal(err)
	}
	script := "set -e\ncd " + dir + "\nflux() { :; }\nhelm() { " + tool(t, "helm3") + " \"$@\"; }\n"
	const file = "examples/flux/tenants/blog.yaml"
	commands := 0
	for line := range strings.Lines(string(text)) {
		switch line {
		case "### Who is active\n":
			script += "cp " + file + " before.yaml\n"
		case "## Rendering in CI\n":
			script += "mv " + file + " active.yaml\nmv before.yaml " + file + "\n"
		}
		command, isCommand := strings.CutPrefix(line, "    ")
		if !isCommand {
			continue
		}
		commands++
		script += command
	}
	if commands < 6 {
		t.Fatalf("only %d lines of commands:\n%s", commands, text)
	}
	const mark = "##### active\n"
	script += "cat " + file + " pair.yaml rendered/blog.yaml\nprintf '" + strings.TrimSpace(mark) + "\\n'\ncat active.yaml\n"
	home := t.TempDir()
	stdout, stderr, err := run(append([]string{"HELM_DATA_HOME=" + home, "HELM_CONFIG_HOME=" + home, "HELM_CACHE_HOME=" + home, "CNPG_PAIR_STRICT="}, trio...), script, "sh")
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr)
	}
	stdout, active, _ := strings.Cut(stdout, mark)
	if !strings.Contains(active, "enabled: false\n") || strings.Contains(active, "${") {
		t.Errorf("the replica is not active in, or variables are in\n%s", active)
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
