// Package e2e runs cnpg-pair as its users do: real Helm, a real API server, the
// real operator. It needs minutes and, for some of it, root; make e2e runs it.
package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/openova-io/helm-cnpg-pair/postrender"
)

// binary is cnpg-pair, built for the run, with the program beside it that it runs
// for flux.
var binary string

func TestMain(m *testing.M) {
	if os.Getenv("E2E") == "" {
		fmt.Println("e2e: these tests build Helm and more, which takes minutes: run make e2e, which sets E2E=1")
		os.Exit(0)
	}
	// the tests say what is set; and a make of theirs is none of the make that runs them
	for _, setting := range os.Environ() {
		if name, _, _ := strings.Cut(setting, "="); strings.HasPrefix(name, "SOVEREIGN_") || slices.Contains([]string{"MAKEFLAGS", "MAKELEVEL",
			postrender.EnvStrict, postrender.EnvSide, postrender.EnvReplication, postrender.EnvActive, postrender.EnvPromotionToken,
			postrender.EnvFailover, postrender.EnvClone, postrender.EnvArchiveGeneration, postrender.EnvWALKeepSize, postrender.EnvPeerClusters, postrender.EnvFollow}, name) {
			os.Unsetenv(name)
		}
	}
	dir, err := os.MkdirTemp("", "cnpg-pair-e2e-")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "cnpg-pair")
	if out, err := exec.Command("make", "-C", "..", "build", "BIN="+dir).CombinedOutput(); err != nil {
		fmt.Printf("make build: %v\n%s", err, out)
		os.Exit(1)
	}
	status := m.Run()
	for _, end := range atExit {
		end()
	}
	writeEvidence(status == 0)
	os.RemoveAll(dir)
	os.Exit(status)
}

// tool returns the path of a program that tools.sh builds.
func tool(t testing.TB, name string) string {
	t.Helper()
	build := exec.Command("./tools.sh", name)
	build.Stderr = os.Stderr
	out, err := build.Output()
	if err != nil {
		t.Fatalf("tools.sh %s: %v", name, err)
	}
	return strings.TrimSpace(string(out))
}

// large is tool for one that takes very long to build, which make e2e-all does and
// make e2e does not.
func large(t testing.TB, name, cost string) string {
	t.Helper()
	if os.Getenv("E2E") != "all" {
		t.Skipf("%s takes %s to build once: make e2e-all does that, and runs this test", name, cost)
	}
	return tool(t, name)
}

// hotStandby is the environment that switches hot standby on.
var hotStandby = []string{
	"SOVEREIGN_ENABLE_HOT_STANDBY=true",
	"SOVEREIGN_PRIMARY_REGION=region-a",
	"SOVEREIGN_REPLICA_REGION=region-b",
}

// on is hotStandby, and more.
func on(more ...string) []string { return slices.Concat(hotStandby, more) }

// run executes a program with more environment and some input, and returns
// what it printed.
func run(env []string, stdin string, program string, args ...string) (stdout, stderr string, err error) {
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdin = strings.NewReader(stdin)
	var out, errors bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errors
	err = cmd.Run()
	return out.String(), errors.String(), err
}
