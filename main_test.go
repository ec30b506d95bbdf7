package main

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// raced is true where the race detector looks on.
var raced bool

var update = flag.Bool("update", false, "write what the cases print into testdata")

// others are the programs that the test binary is when it is run by another name.
var others = map[string]func(){"cnpg-pair": main}

// TestMain lets the test binary be the program: the cases run cnpg-pair by a
// link to it.
func TestMain(m *testing.M) {
	if other, ok := others[filepath.Base(os.Args[0])]; ok {
		other()
	}
	os.Exit(m.Run())
}

// TestCases runs each folder of testdata as a person would: the file cmd is a
// shell script, "cnpg-pair < in.yaml" where there is none, with valid hot-standby
// settings, and the folder of the repository, in the environment. What it prints must be the files stdout and stderr, and its
// exit status the file status, 0 where there is none. The file needs names the
// programs and devices that not every machine has.
func TestCases(t *testing.T) {
	bin := t.TempDir()
	link(t, filepath.Join(bin, "cnpg-pair"))
	var once sync.Once
	runCases(t, bin, func(t *testing.T, script string) bool {
		if strings.Contains(script, "flux") { // it takes seconds, and most cases do without
			once.Do(func() { goBuild(t, filepath.Join(bin, "cnpg-pair-flux"), "./cmd/cnpg-pair-flux") })
		}
		return true
	})
}

// runCases runs the cases with the cnpg-pair in the folder bin, each in a copy of its
// folder, if before returns true for its script.
func runCases(t *testing.T, bin string, before func(t *testing.T, script string) bool) {
	t.Helper()
	repository, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	env := append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"),
		"SOVEREIGN_ENABLE_HOT_STANDBY=true", "SOVEREIGN_PRIMARY_REGION=fsn1", "SOVEREIGN_REPLICA_REGION=hel1",
		"CNPG_PAIR_STRICT=", "HELM_PLUGIN_NAME=", "REPOSITORY="+repository)
	folders, err := filepath.Glob("testdata/*")
	if err != nil || len(folders) < 240 {
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
			if !before(t, script) {
				return
			}
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(folder)); err != nil {
				t.Fatal(err)
			}
			var stdout, stderr bytes.Buffer
			cmd := exec.Command("sh", "-c", script)
			cmd.Dir, cmd.Env = dir, env
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

// link makes the test binary a program of this name.
func link(t *testing.T, name string) {
	t.Helper()
	self, err := os.Executable()
	if err == nil {
		err = os.Symlink(self, name)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// goBuild builds the program into a file, as the Makefile does.
func goBuild(t *testing.T, file, pkg string) {
	t.Helper()
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", file, pkg)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
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

// TestVersion: all that names the release's version names the same.
func TestVersion(t *testing.T) {
	var want string
	for _, c := range []struct{ file, pattern string }{
		{"plugin.yaml", `(?m)^version: (.*)$`},
		{"release/helm3/plugin.yaml", `(?m)^version: (.*)$`},
		{"CHANGELOG.md", `(?m)^## ([0-9.]*)`},
		{"README.md", `cnpg-pair-([0-9.]+)\.tgz`},
		{"README.md", `cnpg-pair-helm3-([0-9.]+)-`},
	} {
		text, err := os.ReadFile(c.file)
		if err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile(c.pattern).FindSubmatch(text)
		switch {
		case found == nil:
			t.Errorf("%s names no version", c.file)
		case want == "":
			want = string(found[1])
		case string(found[1]) != want:
			t.Errorf("%s names %s, not %s", c.file, found[1], want)
		}
	}
}
