package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write what the cases print into testdata")

// TestMain lets the test binary be the program: the cases run cnpg-pair by a
// link to it.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "cnpg-pair" {
		main()
	}
	os.Exit(m.Run())
}

// TestCases runs each folder of testdata as a person would: the file cmd is a
// shell script, "cnpg-pair < in.yaml" where there is none, with a valid trio in
// the environment. What it prints must be the files stdout and stderr, and its
// exit status the file status, 0 where there is none. The file needs names the
// programs and devices that not every machine has.
func TestCases(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	if err := os.Symlink(self, filepath.Join(bin, "cnpg-pair")); err != nil {
		t.Fatal(err)
	}
	flux := sync.OnceValue(func() error { // it takes seconds, and most cases do without
		build := exec.Command("go", "build", "-tags", "flux", "-o", filepath.Join(bin, "cnpg-pair-flux"), ".")
		out, err := build.CombinedOutput()
		if err != nil {
			err = fmt.Errorf("%w: %s", err, out)
		}
		return err
	})
	env := append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"),
		"SOVEREIGN_ENABLE_HOT_STANDBY=true", "SOVEREIGN_PRIMARY_REGION=fsn1", "SOVEREIGN_REPLICA_REGION=hel1",
		"CNPG_PAIR_STRICT=", "HELM_PLUGIN_NAME=")
	folders, err := filepath.Glob("testdata/*")
	if err != nil || len(folders) < 50 {
		t.Fatalf("only %d cases: %v", len(folders), err)
	}
	for _, folder := range folders {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			t.Parallel()
			need(t, folder)
			script := "cnpg-pair < in.yaml"
			if text, err := os.ReadFile(filepath.Join(folder, "cmd")); err == nil {
				script = string(text)
			}
			if strings.Contains(script, "flux") {
				if err := flux(); err != nil {
					t.Fatal(err)
				}
			}
			var stdout, stderr bytes.Buffer
			cmd := exec.Command("sh", "-c", script)
			cmd.Dir, cmd.Env = folder, env
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			err := cmd.Run()
			var exit *exec.ExitError
			if err != nil && !errors.As(err, &exit) {
				t.Fatal(err)
			}
			golden(t, folder, "stdout", stdout.String())
			golden(t, folder, "stderr", stderr.String())
			status := ""
			if code := cmd.ProcessState.ExitCode(); code != 0 {
				status = strconv.Itoa(code) + "\n"
			}
			golden(t, folder, "status", status)
		})
	}
}

// need skips a case that cannot run on this machine; in CI none may be skipped.
func need(t *testing.T, folder string) {
	t.Helper()
	text, _ := os.ReadFile(filepath.Join(folder, "needs"))
	for _, what := range strings.Fields(string(text)) {
		_, err := exec.LookPath(what)
		if strings.HasPrefix(what, "/") {
			_, err = os.Stat(what)
		}
		switch {
		case err != nil && os.Getenv("CI") != "":
			t.Fatalf("CI must have %s: %v", what, err)
		case err != nil:
			t.Skipf("this machine has no %s: %v", what, err)
		}
	}
}

// golden compares a text with a file, which is missing where the text is empty.
func golden(t *testing.T, folder, name, got string) {
	t.Helper()
	file := filepath.Join(folder, name)
	if *update {
		err := os.Remove(file)
		if got != "" {
			err = os.WriteFile(file, []byte(got), 0o644)
		}
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.SplitAfter(string(want), "\n"), strings.SplitAfter(got, "\n")); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}
