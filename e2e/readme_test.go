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
