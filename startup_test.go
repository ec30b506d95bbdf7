package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
)

// TestInit holds what each start pays before main runs: a package of ours that fills
// tables or compiles expressions then has allocated more than this.
func TestInit(t *testing.T) {
	if testing.Short() {
		t.Skip("with the switches of make mutants in it, a program allocates more")
	}
	const most = 1500 // bytes; one regular expression is some thousands
	program := filepath.Join(t.TempDir(), "cnpg-pair")
	link(t, program)
	cmd := exec.Command(program, "--version")
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	ours := regexp.MustCompile(`(?m)^init (github\.com/openova-io/helm-cnpg-pair/\S+) .* (\d+) bytes`).FindAllSubmatch(out, -1)
	if len(ours) == 0 {
		t.Fatalf("no package of ours is initialised:\n%s", out)
	}
	for _, found := range ours {
		if bytes, _ := strconv.Atoi(string(found[2])); bytes > most {
			t.Errorf("%s allocates %d bytes before main runs, want %d at most", found[1], bytes, most)
		}
	}
}
