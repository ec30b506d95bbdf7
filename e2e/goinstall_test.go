package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

// TestDistGoInstall runs the go install lines of the README, with this source as
// the module's latest version, behind a proxy made of files. go refuses a module
// that replaces others, and takes the files of the zip only.
func TestDistGoInstall(t *testing.T) {
	var block string
	for _, b := range readBlocks(t, "../README.md") {
		if strings.Contains(b.text, "go install ") {
			block = b.text
		}
	}
	release := module.Version{Path: "github.com/openova-io/helm-cnpg-pair", Version: "v0.1.0"}
	if strings.Count(block, "go install "+release.Path) != 2 {
		t.Fatalf("not two programs of %s:\n%s", release.Path, block)
	}

	proxy, bin := t.TempDir(), t.TempDir()
	dir := filepath.Join(proxy, release.Path, "@v")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	archive, err := os.Create(filepath.Join(dir, release.Version+".zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	if err := zip.CreateFromDir(archive, release, ".."); err != nil {
		t.Fatal(err)
	}
	requirements, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"list":                    release.Version + "\n",
		release.Version + ".info": `{"Version": "` + release.Version + `"}`,
		release.Version + ".mod":  string(requirements),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}

	// other modules are those that the tests were built with
	settings, _, err := run(nil, "", "go", "env", "GOMODCACHE", "GOPROXY")
	if err != nil {
		t.Fatal(err)
	}
	values := strings.Fields(settings)
	env := []string{
		"GOPROXY=file://" + proxy + ",file://" + values[0] + "/cache/download," + values[1],
		"GOMODCACHE=" + t.TempDir(), "GOBIN=" + bin, "GONOSUMDB=" + release.Path,
		"GOFLAGS=-modcacherw -trimpath", "CGO_ENABLED=0", // so that make build has compiled most of it
		"GOWORK=off",
	}
	if _, stderr, err := run(env, "set -eu\ncd "+bin+"\n"+block, "sh"); err != nil {
		t.Fatalf("%v\n%s", err, stderr)
	}
	program := filepath.Join(bin, "helm-cnpg-pair")
	installed, _, err := run(nil, "", program, "version")
	if err != nil || !strings.HasPrefix(installed, "cnpg-pair "+release.Version+" ") {
		t.Errorf("%v: %s", err, installed)
	}
	patches, stderr, err := run(on(), "", program, "flux", "../testdata/field-bootstrap-none/in.yaml")
	if err != nil || !strings.HasPrefix(patches, "postRenderers:\n") {
		t.Errorf("%v: %s%s", err, stderr, patches)
	}
	evidence(t, "both programs, by the README's go install", "%s", strings.TrimSpace(installed))
}
